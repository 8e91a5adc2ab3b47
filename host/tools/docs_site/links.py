"""Checks that every link between the staged pages leads to a page and to a heading on it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"^#{1,6} (.+?)\s*#*$")
_FENCE: Final = re.compile(r"^\s*(```|~~~)")


def broken_links(folder: Path) -> Iterator[str]:
    """Yield one sentence for each link that leads nowhere.

    Args:
        folder: Of the staged pages.
    """
    pages = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*.md"))
    }
    anchors = {name: set(_anchors(text)) for name, text in pages.items()}
    for name, text in pages.items():
        for number, link in _links(text):
            where = _problem(folder, name, link, anchors)
            if where:
                yield f"{name}:{number}: {link}: {where}"


def _problem(folder: Path, name: str, link: str, anchors: Mapping[str, set[str]]) -> str | None:
    """Return why a link leads nowhere; None if it leads somewhere, or out of the site."""
    if "://" in link or link.startswith("mailto:"):
        return None
    path, _, anchor = link.partition("#")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
    if target not in anchors:
        return None if (folder / target).is_file() else "there is no such page"
    if anchor and anchor not in anchors[target]:
        return "there is no such heading"
    return None


def _links(text: str) -> Iterator[tuple[int, str]]:
    for number, line in _prose(text):
        for link in _LINK.findall(re.sub(r"`[^`]*`", "", line)):
            yield number, link


def _anchors(text: str) -> Iterator[str]:
    """Yield the anchors of the headings, as GitHub and the builder make them."""
    for _, line in _prose(text):
        heading = _HEADING.match(line)
        if heading:
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
            kept = re.sub(r"[^\w\- ]", "", words.lower())
            yield re.sub(r"\s+", "-", kept.strip())


def _prose(text: str) -> Iterator[tuple[int, str]]:
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield number, line
