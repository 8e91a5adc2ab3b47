"""The hazard page names every fault of the board, and only tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from pressloop.wire.names import wire_name
from pressloop.wire.schema import Fault

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "hazards.md").read_text("utf-8")


def test_every_fault_of_the_board_is_on_the_page() -> None:
    faults = {wire_name(fault) for fault in Fault if fault is not Fault.NONE}
    assert {name for name in faults if f"`{name}`" not in PAGE} == set()


def test_every_test_on_the_page_exists() -> None:
    named = re.findall(r"`(test_\w+)(?:::(test_\w+))?`", PAGE)
    assert len(named) > 20
    for file, name in named:
        path = ROOT / "tests" / "firmware" / f"{file}.py"
        functions = [
            node.name
            for node in ast.parse(path.read_text("utf-8")).body
            if isinstance(node, ast.FunctionDef)
        ]
        assert not name or name in functions, f"{file}::{name}"
