"""docs/architecture.md names every module of both packages where it is, and none that is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGES = {
    "firmware/pressloop_fw": ROOT / "firmware" / "pressloop_fw",
    "host/src/pressloop": ROOT / "host" / "src" / "pressloop",
}


def modules(package: Path) -> set[str]:
    """Every module but those that only open a folder or run it."""
    found = (
        path.relative_to(package)
        for pattern in ("*.py", "*.pyx")
        for path in package.rglob(pattern)
    )
    return {path.as_posix() for path in found if not path.name.startswith("__")}


def rows(title: str) -> Iterator[list[str]]:
    """What stands in backticks in each row of the table below a heading."""
    _, _, section = PAGE.partition(f"\n## {title}\n")
    section = section.partition("\n## ")[0]
    assert section, f"no heading {title}"
    for line in section.splitlines():
        if line.startswith("| `"):
            yield re.findall(r"`([^`]+)`", line)


def named(title: str, there: set[str]) -> Iterator[tuple[str, str | None]]:
    """Each module that a row names, and its path; in a row about a folder, from there."""
    for words in rows(title):
        folder = PurePosixPath(words[0] if words[0].endswith("/") else words[0].rpartition("/")[0])
        for word in words:
            if re.fullmatch(r"[\w/]+\.pyx?", word):
                paths = ((folder / word).as_posix(), word)
                yield word, next((path for path in paths if path in there), None)


@pytest.mark.parametrize("title", PACKAGES)
def test_every_module_is_named(title: str) -> None:
    there = modules(PACKAGES[title])
    assert len(there) > 20
    assert sorted(there - {path for _, path in named(title, there) if path}) == []


@pytest.mark.parametrize("title", PACKAGES)
def test_every_module_that_is_named_is_there(title: str) -> None:
    there = modules(PACKAGES[title])
    assert [word for word, path in named(title, there) if path is None] == []
