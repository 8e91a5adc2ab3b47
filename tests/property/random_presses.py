"""Press files with any numbers: wide, odd, at the edges of what fits, and plainly wrong."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from pressloop.emulator.description import PressDescription
from pydantic import BaseModel
from pydantic.fields import FieldInfo

KNOWN = {
    "dies_mm": [10, 13, 32],
    "ram": {"area_cm2": 40},
    "transducer": {"full_scale_bar": 700},
    "limits": {"max_oil_bar": 630},
}
"""A press that once passed the host's checks, and that the board refused."""

_ODD = st.sampled_from(
    [0, 1e-320, 1e-12, 0.0004, 0.001, 0.5, 1, 2, 3, 10, 1e3, 1e6, 1e9, 1e300, -1, -0.0]
)


def _near(value: float, low: float, high: float) -> st.SearchStrategy[float]:
    """Return numbers around a usual value within limits: by some percent, and by factors of ten."""

    def within(number: float) -> float:
        return min(high, max(low, float(f"{number:.4g}")))

    return st.one_of(
        st.floats(0.9, 1.1).map(lambda f: within(f * value)),
        st.floats(-1.0, 1.0).map(lambda e: within(value * 10**e)),
        st.sampled_from([low, high]),
    )


_ANY = {int: st.integers(-1, 12), float: st.floats(allow_nan=False, allow_infinity=False)}


def _bounds(field: FieldInfo) -> tuple[float, float]:
    """Return the smallest and the largest value that a field of a press file may have."""
    low = [getattr(mark, "ge", None) for mark in field.metadata]
    high = [getattr(mark, "le", None) for mark in field.metadata]
    return (
        max((n for n in low if n is not None), default=0.0),
        min((n for n in high if n is not None), default=1e6),
    )


def _numbers(model: type[BaseModel], *, odd: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Return values for any numbers of a section; with `odd`, also impossible ones."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in model.model_fields.items():
        usual = field.default
        if isinstance(usual, int | float) and not isinstance(usual, bool):
            kind = int if isinstance(usual, int) else float
            near = _near(float(usual) or 1.0, *_bounds(field))
            usually: st.SearchStrategy[Any] = near if kind is float else st.integers(0, 8)
            fields[name] = usually | _ODD | _ANY[kind] if odd else usually
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def press_files(draw: st.DrawFn) -> dict[str, Any]:
    """Return the content of a press file; about half of them are presses that a board takes."""
    odd = draw(st.integers(0, 3)) == 0
    content: dict[str, Any] = {}
    for name, field in PressDescription.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel) and draw(st.booleans()):
            content[name] = draw(_numbers(section, odd=odd))
    full_scale = draw(st.sampled_from([25, 100, 160, 250, 400, 600, 700, 1000]))
    share = draw(st.floats(0.3, 1.0))
    area = draw(st.floats(4, 60).map(lambda number: round(number, 2)))
    usual = {
        "ram": {"area_cm2": area, "return_force_n": 100},
        "transducer": {"full_scale_bar": full_scale},
        "limits": {"max_oil_bar": full_scale * share},
    }
    for name, numbers in usual.items():
        drawn = content.get(name, {})
        content[name] = numbers | drawn if odd else drawn | numbers
    diameter = st.floats(3, 60).map(lambda d: round(d, 1)) | st.sampled_from([10, 13, 32, 40])
    content["dies_mm"] = draw(st.lists(diameter, min_size=1, max_size=4))
    if content.get("vessel", {}).get("bore_mm"):
        # A vessel beside a ram is refused: usually one of them is left.
        if draw(st.booleans()):
            for name in ("ram", "frame", "load_cell", "dies_mm"):
                content.pop(name, None)
            if not odd:
                content["vessel"]["bore_mm"] = draw(st.floats(8, 100))
        elif not odd:
            del content["vessel"]
    if draw(st.booleans()):
        content["name"] = draw(st.text(min_size=1, max_size=41))
    return content


def yaml_of(content: dict[str, Any]) -> str:
    """Return a press file as text; JSON is YAML."""
    return json.dumps(content, indent=1)
