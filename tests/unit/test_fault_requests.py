"""Faults for a run: what is accepted, what is refused, and the page that lists them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pressloop.emulator.faults import kinds_on, read_faults, table
from pressloop.errors import BadInputError
from pressloop_sim.plant.fault_kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]


def test_page_has_the_table_of_all_kinds() -> None:
    page = (ROOT / "docs" / "faults.md").read_text("utf-8")
    assert table() in page, "docs/faults.md: print(pressloop.emulator.faults.table())"


def test_faults_keep_kind_value_and_time() -> None:
    (frozen, leak) = read_faults(["sensor-frozen@12.5", " leak=0.5@3"], "emulated")
    assert (frozen.kind, frozen.value, frozen.at_s, frozen.text) == (
        "sensor-frozen",
        None,
        12.5,
        "sensor-frozen@12.5",
    )
    assert (leak.value, leak.text) == (0.5, "leak=0.5@3")


@pytest.mark.parametrize(
    ("faults", "port", "code", "said"),
    [
        ("burst@1", "emulated", "wrong-type", "list"),
        ([1], "emulated", "wrong-type", "text"),
        (["burst@1"], "/dev/ttyACM0", "no-faults-here", "/dev/ttyACM0"),
        (["burst@1"], None, "no-faults-here", "USB"),
        (["burst@1"], "socket://localhost:1", "no-faults-here", "socket"),
        (["sensor-frozn@1"], "emulated", "unknown-fault", "did you mean sensor-frozen"),
        (["link-drop@1"], "emulated:pico", "fault-not-here", "emulated:pico"),
        (["burst"], "emulated", "bad-fault", "time"),
        (["leak@1"], "emulated", "bad-fault", "leak=UL_S_MPA"),
        (["leak=a@1"], "emulated", "bad-fault", "not a number"),
    ],
)
def test_what_cannot_be_injected_is_refused(
    faults: Any, port: str | None, code: str, said: str
) -> None:
    with pytest.raises(BadInputError) as error:
        read_faults(faults, port)
    assert error.value.code == code
    assert said in str(error.value)


def test_no_faults_are_accepted_everywhere() -> None:
    assert read_faults([], "/dev/ttyACM0") == ()


def test_errors_name_every_kind_of_the_board() -> None:
    names = kinds_on("emulated")
    assert all(kind.form in names for kind in KINDS if "emulated" in kind.boards)
