"""A record of every kind gives the result that it gave before, value by value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.golden_records import CASES, FOLDER, result_of


def differences(expected: Any, found: Any, path: str = "") -> Iterator[str]:
    """One line per value that differs; numbers may differ in their last digits."""
    if isinstance(expected, dict) and isinstance(found, dict):
        if list(expected) != list(found):
            yield f"{path}: keys {list(expected)}, now {list(found)}"
        for key in expected.keys() & found.keys():
            yield from differences(expected[key], found[key], f"{path}/{key}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from differences(one, other, f"{path}/{index}")
    elif isinstance(expected, float) and isinstance(found, float):
        if found != pytest.approx(expected, rel=1e-6, abs=1e-12):
            yield f"{path}: {expected!r}, now {found!r}"
    elif expected != found:
        yield f"{path}: {expected!r}, now {found!r}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_record_gives_the_result_that_it_gave_before(
    case: Callable[[Path], None], tmp_path: Path
) -> None:
    case(tmp_path)
    expected = json.loads((FOLDER / f"{case.__name__}.json").read_text("utf-8"))
    assert list(differences(expected, result_of(tmp_path))) == []
