"""The page on press and powder: its drawings and its tables say what the code does."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from pressloop.emulator.description import presets
from pressloop_bench.powder_curves import curves

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "press-and-powder.md").read_text("utf-8")


@pytest.mark.parametrize("figure", curves.FIGURES)
def test_drawings_show_the_laws_as_they_are(figure: str) -> None:
    drawing = (DOCS / "curves" / f"{figure}.svg").read_text("utf-8")
    described = re.search(r"<dc:description>(.*?)</dc:description>", drawing, re.DOTALL)
    assert described is not None
    drawn = json.loads(html.unescape(described[1]))
    now = curves.digest(curves.curves(figure))
    assert drawn.keys() == now.keys(), "run `make curves`"
    for name, numbers in now.items():
        assert drawn[name] == pytest.approx(numbers, rel=1e-4, abs=1e-9), "run `make curves`"
    assert f"(curves/{figure}.svg)" in PAGE


def test_digest_shows_a_changed_law() -> None:
    data: dict[str, curves.Curves | curves.Curve] = {"law": [(0.0, 1.0), (1.0, 2.0)]}
    other: dict[str, curves.Curves | curves.Curve] = {"law": {"b": [(0.0, 1.0), (1.0, 2.1)]}}
    assert curves.digest(data) == {"law": (2, 1.5, 1.0)}
    assert curves.digest(other) == {"law b": (2, 1.55, 1.05)}


def test_page_has_every_number_of_every_preset_with_its_source() -> None:
    for name, numbers in {**presets.POWDERS, **presets.PRESSES}.items():
        if name == "reference":
            continue
        section = PAGE.split(f"\n### {name}\n")[1].split("\n#")[0]
        for field, (value, source) in numbers.items():
            shown = value if isinstance(value, str) else f"{value:g}"
            assert f"| `{field}` | {shown} | {source} |" in section


def test_page_quotes_what_the_laws_give() -> None:
    lost = {label: -curve[-1][1] for label, curve in curves.sealed().items()}
    assert lost["500 MPa, no leak"] == pytest.approx(2.7, abs=0.05)
    assert lost["500 MPa, steel and leak"] == pytest.approx(25, abs=0.5)
    assert curves.without_air() == pytest.approx(322, abs=0.5)
