"""What pages tell readers to type works, and their links lead somewhere."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from pressloop.cli.app import app
from pressloop.protocol.loading import load_protocol
from typer.testing import CliRunner

pytest.importorskip("sybil", reason="needs the group docs")

from sybil import Document
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]
RUN_WHOLE = ("docs/integrations.md", "docs/protocol-file.md", "docs/tutorial.md")
"""Pages whose Python blocks run from top to bottom; those of docs/sdk.md run in another test."""


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make host/tools importable."""
    monkeypatch.syspath_prepend(ROOT / "host" / "tools")


@pytest.fixture
def page_commands(tools: None) -> ModuleType:
    return importlib.import_module("docs_site.page_commands")


@pytest.fixture(scope="module")
def targets() -> frozenset[str]:
    """All targets of the Makefile."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    return frozenset(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_every_command_could_be_typed(
    path: Path, page_commands: ModuleType, targets: frozenset[str]
) -> None:
    wrong = [
        f"line {command.line}: `{command.text}`: {problem}"
        for command in page_commands.commands_on(path.read_text("utf-8"))
        if (problem := page_commands.problem_of(command, targets))
    ]
    assert wrong == []


def test_a_command_that_cannot_be_typed_is_found(
    page_commands: ModuleType, targets: frozenset[str]
) -> None:
    page = "Type `pressloop fly`, `pressloop run --fast x.yaml` or `make coffee`.\n"
    page += "```\n$ pressloop run x.yaml \\\n    --no-such y   # comment\nmake demo\n```\n"
    found = [page_commands.problem_of(one, targets) for one in page_commands.commands_on(page)]
    assert len(found) == 5
    assert [bool(problem) for problem in found] == [True, True, True, True, False]


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_every_python_block_is_python_and_imports_what_exists(path: Path) -> None:
    for example in Document.parse(str(path), CodeBlockParser("python", lambda example: None)):
        block = ast.parse(str(example.parsed), f"{path}:{example.line}")
        for node in ast.walk(block):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("pressloop"):
                module = importlib.import_module(str(node.module))
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{path}:{example.line}: {alias.name}"


@pytest.mark.slow
@pytest.mark.usefixtures("micropython")
@pytest.mark.parametrize("name", [name for name in RUN_WHOLE if (ROOT / name).exists()])
def test_the_python_blocks_of_a_page_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "docs/integrations.md":
        pytest.importorskip("bluesky", reason="needs pressloop[bluesky]")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    Path("first.yaml").write_text(first_protocol(), "utf-8")
    document = Document.parse(str(ROOT / name), PythonCodeBlockParser())
    examples = list(document)
    assert examples
    for example in examples:
        example.evaluate()


def protocol_blocks() -> Iterator[tuple[str, str]]:
    for path, name in zip(PAGES, NAMES, strict=True):
        for example in Document.parse(str(path), CodeBlockParser("yaml", lambda example: None)):
            if re.search(r"^pressloop: 1$", str(example.parsed), re.MULTILINE):
                yield f"{name}:{example.line}", str(example.parsed)


@pytest.mark.parametrize(
    "text", [pytest.param(text, id=where) for where, text in protocol_blocks()]
)
def test_every_whole_protocol_can_be_loaded(text: str) -> None:
    if "..." not in text:
        load_protocol(text)


RUNNABLE = (
    "run", "simulate", "validate", "protocols", "plot", "verify", "machine check", "machine new",
)  # fmt: skip
WRITTEN = ("first.yaml", "my.yaml", "protocol.yaml")


def first_protocol() -> str:
    """Return the protocol that the tutorial lets its reader write."""
    page = ROOT / "docs" / "tutorial.md"
    (block,) = Document.parse(str(page), CodeBlockParser("yaml", lambda example: None))
    return str(block.parsed)


@pytest.mark.slow
@pytest.mark.usefixtures("micropython")
def test_the_commands_of_the_emulated_press_run(
    page_commands: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protocols that pages let their readers write are that of the tutorial."""
    typed = {
        " ".join(command.words): command.words
        for path in PAGES
        for command in page_commands.commands_on(path.read_text("utf-8"))
        if command.fenced and command.program == "pressloop" and _needs_no_board(command.words)
    }
    assert len(typed) > 8
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    for text, words in typed.items():
        for name in {word for word in words if word in WRITTEN}:
            Path(name).write_text(first_protocol(), "utf-8")
        # The file that `machine new` writes, with or without answers of its reader.
        mine = Path("my-press.yaml")
        if words[:2] == ["machine", "new"]:
            mine.unlink(missing_ok=True)
        elif mine.name in words and not mine.exists():
            mine.write_bytes((ROOT / "examples" / "presses" / "reference.yaml").read_bytes())
        if words[0] == "run" and "--yes" not in words:
            words = [*words, "--yes"]
        done = CliRunner().invoke(app, words)
        expected = 1 if "--fault" in words else 0
        assert done.exit_code == expected, f"{text}\n{done.output}"


def _needs_no_board(words: list[str]) -> bool:
    name = " ".join(words[:2]) if words and words[0] == "machine" else "".join(words[:1])
    if name not in RUNNABLE or (name == "machine new" and "--preset" not in words):
        return False
    if name in ("plot", "verify"):
        return words[-1] == "runs/rehearsal"
    return name != "run" or "emulated" in words


def test_every_link_leads_to_a_page_and_a_heading(tools: None, tmp_path: Path) -> None:
    staging = importlib.import_module("docs_site.staging")
    links = importlib.import_module("docs_site.links")
    staging.stage(tmp_path)
    assert list(links.broken_links(tmp_path)) == []
    (tmp_path / "broken.md").write_text("# A\n\n[x](nowhere.md) [y](broken.md#b) [z](#a)\n")
    assert len(list(links.broken_links(tmp_path))) == 2


def test_the_navigation_has_every_page_once(tools: None, tmp_path: Path) -> None:
    staging = importlib.import_module("docs_site.staging")
    navigation = importlib.import_module("docs_site.navigation")
    titles = staging.stage(tmp_path)
    new = {
        **titles,
        "surprise.md": "A page that no section names",
        "hardware/odd.md": "In a folder",
    }
    for pages in (titles, new):
        placed = list(_pages_of(navigation.navigation(pages, pages)))
        assert sorted(placed) == sorted(pages)


def _pages_of(entry: object) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, dict):
        for value in entry.values():
            yield from _pages_of(value)
    elif isinstance(entry, list):
        for value in entry:
            yield from _pages_of(value)


def test_what_a_built_site_lacks_is_found(tools: None, tmp_path: Path) -> None:
    check = importlib.import_module("docs_site.site_check")
    (tmp_path / "a.html").write_text(
        '<h1 id="x"></h1><a href="b.html#y">1</a><a href="#x">2</a><a href="c.html">3</a>'
        '<script src="https://cdn.example.org/x.js"></script><a href="https://example.org">4</a>'
    )
    (tmp_path / "b.html").write_text('<img src="picture.png"><a href="a.html#x">5</a>')
    assert list(check.site_problems(tmp_path)) == [
        "a.html fetches https://cdn.example.org/x.js",
        "a.html links to b.html#y, which is not there",
        "a.html links to c.html, which is not there",
        "b.html fetches picture.png, which is not there",
    ]
