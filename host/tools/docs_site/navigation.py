"""Orders the pages of the site by what a reader wants: learn, do, look up, understand.

The pages stay where they are in docs/, because code and other pages cite them by path. A page that
is not named here is found all the same: it is added to the section of its folder, or to the how-to
guides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

HOME: Final = "index.md"
FALLBACK: Final = "How-to guides"


@dataclass(frozen=True)
class Section:
    """One part of the navigation.

    Attributes:
        title: As readers see it.
        pages: In order. A name that ends with `/` stands for every page of that folder. Pages that
            do not exist are left out.
        sections: Parts of this part, after its pages.
    """

    title: str
    pages: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()


SECTIONS: Final = (
    Section("Tutorial", ("tutorial.md",)),
    Section(
        "How-to guides",
        (),
        (
            Section(
                "Build a press",
                (
                    "hardware/index.md",
                    "hardware/parts.md",
                    "hardware/retrofit.md",
                    "hardware/wiring.md",
                    "hardware/safety-circuit.md",
                    "hardware/",
                    "second-channel.md",
                    "flashing.md",
                    "doctor.md",
                    "press-file.md",
                    "commissioning.md",
                    "tuning.md",
                    "calibration.md",
                ),
            ),
            Section(
                "Press",
                ("protocols-by-goal.md", "running.md", "page.md", "emulated-press.md", "faults.md"),
            ),
            Section("Records", ("records.md",)),
            Section("Program", ("sdk.md", "integrations.md", "wheel.md", "hil-tests.md")),
        ),
    ),
    Section(
        "Reference",
        ("protocol-file.md", "reference/protocol-keys.md", "run-record.md"),
        (
            Section("Commands", ("reference/commands.md", "reference/commands/")),
            Section(
                "Python",
                (
                    "reference/python/press.md",
                    "reference/python/protocol.md",
                    "reference/python/telemetry.md",
                    "reference/python/record.md",
                    "reference/python/",
                ),
            ),
            Section("Messages", ("reference/faults.md", "reference/refusals.md")),
            Section("Wire", ("wire.md", "wire-reference.md")),
            Section("Measured", ("benchmarks.md",)),
        ),
    ),
    Section(
        "Explanation",
        ("hazards.md", "uncertainty.md", "press-and-powder.md", "architecture.md"),
        (Section("Decisions", ("decisions/",)),),
    ),
    Section("Files", ("contributing.md", "examples/", "protocol/")),
)


def navigation(pages: Iterable[str], titles: dict[str, str]) -> list[dict[str, Any]]:
    """Return the navigation as the site's configuration has it.

    Args:
        pages: All pages, relative to the root of the site.
        titles: First heading of each page.
    """
    left = sorted(set(pages) - {HOME})
    found = [_section(section, left, titles) for section in SECTIONS]
    entries = [entry for entry in found if entry is not None]
    if left:
        for entry in entries:
            if FALLBACK in entry:
                entry[FALLBACK].extend({titles[page]: page} for page in left)
    return [{"Home": HOME}, *entries]


def _section(
    section: Section, left: list[str], titles: dict[str, str]
) -> dict[str, list[Any]] | None:
    """Return a section with the pages that exist, and take these out of `left`."""
    entries: list[Any] = []
    for name in section.pages:
        for page in [one for one in left if one == name or _is_in(one, name)]:
            left.remove(page)
            entries.append({titles[page]: page})
    for part in section.sections:
        inner = _section(part, left, titles)
        if inner is not None:
            entries.append(inner)
    return {section.title: entries} if entries else None


def _is_in(page: str, folder: str) -> bool:
    return folder.endswith("/") and page.startswith(folder)
