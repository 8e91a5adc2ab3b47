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


def test_the_faults_that_are_shown_on_the_chip_are_those_that_its_tests_inject() -> None:
    section = PAGE.partition("## Shown on the chip")[2].partition("\n## ")[0]
    source = (ROOT / "tests" / "pico" / "test_chosen_faults.py").read_text("utf-8")
    injected = set(re.findall(r'"([a-z-]+)@', source))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Chosen":
            injected |= {str(one.value) for one in node.args[:1] if isinstance(one, ast.Constant)}
    shown = re.findall(r"^\| `([a-z-]+)`", section, re.MULTILINE)
    assert set(shown) == injected


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
