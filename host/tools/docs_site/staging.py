"""Puts the pages of docs/ and those that follow from the code into one folder for the builder.

Pages are written for GitHub too, so links to files outside of docs/ are turned into links within
the site: an example becomes a page with its text, other files are copied.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from pathlib import Path
from typing import Final

from docs_site.code_reference import (
    fault_page,
    protocol_key_page,
    python_pages,
    refusal_page,
)
from docs_site.commands_reference import command_pages

ROOT: Final = Path(__file__).resolve().parents[3]
DOCS: Final = ROOT / "docs"

_LINK: Final = re.compile(r"((?:\[[^\]\[]*)?\]\()([^)\s#]+)(#[^)\s]*)?(\))")
_FENCE: Final = re.compile(r"^\s*(```|~~~)")
_LIST: Final = re.compile(r"^(\s*)([-*]|\d+\.) ")
_LANGUAGES: Final = {".py": "python", ".yaml": "yaml", ".cddl": "cddl"}
_ASSETS: Final = (".md", ".png", ".svg", ".webp", ".csv", ".json", ".txt", ".pdf")


def stage(target: Path) -> dict[str, str]:
    """Write all pages and what they show into an empty folder.

    Returns:
        The title of each page, by its path.
    """
    shutil.rmtree(target, ignore_errors=True)
    pages: dict[str, str] = {}
    for path in sorted(DOCS.rglob("*")):
        if path.is_file() and path.suffix in _ASSETS:
            name = path.relative_to(DOCS).as_posix()
            if path.suffix == ".md":
                pages[name] = path.read_text("utf-8")
            else:
                _copy(path, target / name)
    pages.update(command_pages())
    pages.update(python_pages())
    pages["reference/faults.md"] = fault_page()
    pages["reference/refusals.md"] = refusal_page()
    pages["reference/protocol-keys.md"] = protocol_key_page(
        ROOT / "protocol" / "protocol.schema.json"
    )
    _copy(ROOT / "protocol" / "protocol.schema.json", target / "protocol" / "protocol.schema.json")
    pages["contributing.md"] = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for path in sorted((ROOT / "examples").rglob("*")):
        if path.suffix in (".yaml", ".py"):
            pages[_file_page(path)] = _file_text(path)
    titles = {name: title_of(text, name) for name, text in pages.items()}
    for name in list(pages):
        pages[name] = _rewrite(name, pages[name], target, pages, titles)
    for name, text in pages.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(text, "utf-8")
    return {name: title_of(text, name) for name, text in pages.items()}


def title_of(text: str, name: str) -> str:
    """Return the first heading of a page, without its marks."""
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return found[1].replace("`", "").strip() if found else name


def _file_page(path: Path) -> str:
    return path.relative_to(ROOT).as_posix().replace(".", "-") + ".md"


def _file_text(path: Path) -> str:
    """Return a page that shows a file."""
    language = _LANGUAGES.get(path.suffix, "")
    name = path.relative_to(ROOT).as_posix()
    return f"# {name}\n\n````{language}\n{path.read_text('utf-8').rstrip()}\n````\n"


def _rewrite(
    name: str, text: str, target: Path, pages: dict[str, str], titles: dict[str, str]
) -> str:
    """Turn what is written for GitHub into what the site needs.

    Links out of docs/ are mended, a link that shows the name of a file shows the title of the page,
    and a list gets the blank line before it that only GitHub does without.
    """
    home = ROOT if name == "contributing.md" else DOCS
    folder = posixpath.dirname(name)

    def mend(found: re.Match[str]) -> str:
        start, link, anchor, end = found[1], found[2], found[3] or "", found[4]
        if "://" in link or link.startswith(("mailto:", "#")):
            return found[0]
        path = (home / folder / link).resolve()
        if path.is_dir():
            first = min(path.glob("*.md"), default=None)
            if first is None or not first.is_relative_to(DOCS):
                return found[0]
            inside = first.relative_to(DOCS).as_posix()
        elif link.endswith(".md") and path.is_relative_to(DOCS):
            inside = path.relative_to(DOCS).as_posix()
        elif path == ROOT / "CONTRIBUTING.md":
            inside = "contributing.md"
        elif path == ROOT / "README.md":
            inside = "index.md"
        elif path.is_relative_to(DOCS) or not path.is_relative_to(ROOT) or not path.exists():
            return found[0]
        elif path.suffix in (".yaml", ".py", ".cddl"):
            inside = _file_page(path)
            pages.setdefault(inside, _file_text(path))
        else:
            inside = path.relative_to(ROOT).as_posix()
            _copy(path, target / inside)
        shown = start
        if start == f"[{posixpath.basename(link)}](" and inside in titles:
            shown = f"[{titles[inside]}]("
        return f"{shown}{posixpath.relpath(inside, folder or '.')}{anchor}{end}"

    lines: list[str] = []
    fenced = False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            if _LIST.match(line) and lines and lines[-1].strip() and not _in_list(lines):
                lines.append("")
            line = _LINK.sub(mend, line)
        lines.append(line)
    return "\n".join(lines) + "\n"


def _in_list(lines: list[str]) -> bool:
    """Return whether the last lines belong to a list, so that another item continues it."""
    for line in reversed(lines):
        if not line.strip():
            return False
        if _LIST.match(line):
            return True
    return False


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
