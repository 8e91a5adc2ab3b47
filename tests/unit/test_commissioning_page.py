"""The page about commissioning has the command's own texts, and every name that the walk gives."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from pressloop.commissioning.steps import checklist, vessel_checklist
from pressloop.emulator.wiring_faults import wiring_table
from pressloop_sim.board.field_wiring import TERMINALS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "commissioning.md").read_text("utf-8")
ROOM = ROOT / "host" / "src" / "pressloop" / "commissioning"


def named_faults() -> set[str]:
    """First arguments of every StepFailedError that are plain text."""
    return {
        node.args[0].value
        for path in ROOM.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "StepFailedError"
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def test_the_steps_are_those_of_the_command() -> None:
    assert checklist() in PAGE, "print(pressloop.commissioning.steps.checklist())"


def test_the_steps_of_a_vessel_are_those_of_the_command() -> None:
    assert vessel_checklist() in PAGE, "print(pressloop.commissioning.steps.vessel_checklist())"


def test_the_wiring_faults_are_those_of_the_command() -> None:
    assert wiring_table() in PAGE, "print(pressloop.emulator.wiring_faults.wiring_table())"


def test_every_name_that_the_walk_gives_is_on_the_page() -> None:
    assert len(named_faults()) > 20
    # `button` is the name of a step as well.
    assert {name for name in named_faults() if f"`{name}`" not in PAGE} == set()


def test_every_terminal_is_in_the_drawing() -> None:
    drawing = re.findall(r"^ (\w+) +o-", PAGE, re.MULTILINE)
    assert set(drawing) == set(TERMINALS)
