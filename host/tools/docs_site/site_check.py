"""Checks the built site: every link leads somewhere, and nothing is fetched from elsewhere."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_RESOURCES = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
_NOT_FETCHED = ("canonical", "prev", "next", "alternate")


@dataclass
class PageParts(HTMLParser):
    """What a page links to, fetches and can be linked at."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Set up the parser."""
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the ids and addresses of a tag."""
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.ids.add(found["id"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        wanted = _RESOURCES.get(tag)
        if wanted in found and found.get("rel") not in _NOT_FETCHED:
            self.resources.append(found[wanted])


def site_problems(site: Path) -> Iterator[str]:
    """Yield one sentence for each link that leads nowhere and each foreign resource."""
    pages: dict[str, PageParts] = {}
    for path in sorted(site.rglob("*.html")):
        if path.name != "404.html":  # its links are relative to any page
            parts = PageParts()
            parts.feed(path.read_text("utf-8"))
            pages[path.relative_to(site).as_posix()] = parts
    for name, parts in pages.items():
        for address in parts.resources:
            if urlsplit(address).netloc:
                yield f"{name} fetches {address}"
            elif _missing(site, pages, name, address):
                yield f"{name} fetches {address}, which is not there"
        for address in parts.links:
            if _missing(site, pages, name, address):
                yield f"{name} links to {address}, which is not there"


def _missing(site: Path, pages: dict[str, PageParts], name: str, address: str) -> bool:
    parsed = urlsplit(address)
    if parsed.scheme or parsed.netloc:
        return False
    path = unquote(parsed.path)
    if path in (".", "./", "..") or path.endswith("/"):
        path = posixpath.join(path, "index.html")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
    if target not in pages:
        return not (site / target).is_file()
    anchor = unquote(parsed.fragment)
    return bool(anchor) and not anchor.startswith("__") and anchor not in pages[target].ids
