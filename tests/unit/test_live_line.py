"""The live line fits every terminal and never leaves out the state and the pressure."""

from __future__ import annotations

import io
import itertools
import logging
import os
from collections.abc import Callable

import pytest
from pressloop.cli.live import LiveLine
from pressloop.cli.output import _THEME, StatusConsole
from pressloop.session.status import PressStatus
from pressloop.wire.schema import Fault, State
from rich.cells import cell_len

from tests.unit.statuses import a_status

ERASED = "\x1b[2K"
UP = "\x1b[1A"


def terminal(columns: int) -> tuple[StatusConsole, io.StringIO]:
    """Return a console on a terminal of this width, and what it writes to."""
    file = io.StringIO()
    environment = {"TERM": "xterm"}
    return (
        StatusConsole(
            file=file,
            force_terminal=True,
            width=columns,
            color_system=None,
            theme=_THEME,
            _environ=environment,
        ),
        file,
    )


def drawn(
    status: PressStatus,
    columns: int,
    hint: Callable[[PressStatus], str] = lambda _status: "",
) -> str:
    """Return the line that is drawn for a status."""
    console, file = terminal(columns)
    with LiveLine(console, simulated=True) as line:
        line.hint, line.usual_hint = hint, "? for keys"
        line.update(status)
        shown = file.getvalue()
    assert "\n" not in shown
    return shown.split(ERASED)[-1].removeprefix("\r")


STATES = {
    "hold": a_status(),
    "approach": a_status(approaching=True, pressure_mpa=-1.9, dwell_s=0),
    "hold the button": a_status(
        approaching=True, waits_for_button=True, pressure_mpa=-1.9, dwell_s=0
    ),
    "top up": a_status(setpoint_mpa=498.0, topping_up=True),
    "paused": a_status(state=State.PAUSED),
    "venting": a_status(state=State.VENTING, step=None, stage_name=None),
    "prompting": a_status(state=State.PROMPTING, pressure_mpa=0.04),
    "fault": a_status(state=State.FAULT, fault=Fault.OVER_PRESSURE),
    "wide characters": a_status(stage_name="固体電解質の緻密化と界面形成"),
    "host lost": a_status(state=State.PAUSED, host_lost=True),
}


@pytest.mark.parametrize("name", STATES)
def test_it_fits_every_width_and_keeps_state_and_pressure(name: str) -> None:
    status = STATES[name]
    for columns in range(30, 200):
        line = drawn(status, columns)
        assert cell_len(line) < columns, (columns, line)
        assert line.startswith("SIM ")
        assert f"{status.pressure_mpa:.1f} MPa" in line, (columns, line)
        word = "hold" if name == "wide characters" else "paused" if name == "host lost" else name
        shortened = columns < 40 and name in ("fault", "hold the button")
        assert (word[:4] if shortened else word) in line, (columns, line)


def test_a_sealed_hold_that_is_topped_up_is_no_ramp() -> None:
    line = drawn(a_status(setpoint_mpa=498.0, topping_up=True), 120)
    assert "top up 16:40" in line and "ramp" not in line
    assert "ramp up" in drawn(a_status(setpoint_mpa=498.0), 120)


def test_even_20_columns_are_not_overrun() -> None:
    for status, columns in itertools.product(STATES.values(), range(10, 30)):
        assert cell_len(drawn(status, columns)) < columns


def test_parts_are_left_out_by_importance() -> None:
    assert drawn(STATES["hold"], 40) == "SIM hold 16:40  499.9 MPa of 500"
    at_80 = drawn(STATES["hold"], 80)
    assert "of 500, 43:20 left" in at_80 and "densify" in at_80 and "1:06:40" in at_80
    at_120 = drawn(STATES["hold"], 120)
    assert "(39.3 kN)" in at_120 and "? for keys" in at_120 and "█" in at_120
    short = a_status(stage_name="bond")
    assert "(39.3 kN)" in drawn(short, 80)


def test_the_key_that_ends_a_wait_is_shown_even_at_40_columns() -> None:
    for columns in (40, 80, 120):
        line = drawn(STATES["paused"], columns, lambda _status: "r resumes")
        assert line.endswith("r resumes"), line
        assert "? for keys" not in line


def test_a_line_that_a_narrower_terminal_wrapped_is_erased_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("XTERM_VERSION", raising=False)
    console, file = terminal(120)
    with LiveLine(console, simulated=False) as line:
        line.update(a_status())
        wide = file.getvalue().split(ERASED)[-1]
        assert cell_len(wide) > 80
        file.truncate(0)
        console.width = 40
        line.refresh()
        assert file.getvalue().count(UP + ERASED) == (cell_len(wide) - 1) // 40
        assert cell_len(file.getvalue().split(ERASED)[-1]) < 40
        file.truncate(0)
        line.refresh()
        assert file.getvalue() == ""


def test_the_real_width_counts_and_not_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    console, file = terminal(200)
    monkeypatch.setattr(file, "fileno", lambda: 1, raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda _fd: os.terminal_size((50, 24)))
    with LiveLine(console, simulated=False) as line:
        line.update(a_status())
        assert cell_len(file.getvalue().split(ERASED)[-1]) < 50


def test_an_old_status_is_not_shown_as_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [100.0]
    monkeypatch.setattr("pressloop.cli.live.time.monotonic", lambda: now_s[0])
    console, file = terminal(80)
    with LiveLine(console, simulated=False) as line:
        line.update(a_status())
        now_s[0] += 3.0
        line.refresh()
        assert "no reply for 3.0 s" in file.getvalue().split(ERASED)[-1]
        line.update(a_status())
        assert "no reply" not in file.getvalue().split(ERASED)[-1]


def test_a_message_breaks_between_words_and_the_line_comes_back() -> None:
    console, file = terminal(40)
    with LiveLine(console, simulated=False) as line:
        line.update(a_status())
        file.truncate(0)
        line.say("paused: the board heard nothing from this program for 12 s; the pressure is held")
        *message, last = file.getvalue().split(ERASED)[1].split("\n")
        assert [text.strip() for text in message] == [
            "paused: the board heard nothing from",
            "this program for 12 s; the pressure is",
            "held",
        ]
        assert "hold" in file.getvalue().split(ERASED)[-1] and last == "\r"


def test_a_warning_is_printed_above_the_line() -> None:
    console, file = terminal(80)
    with LiveLine(console, simulated=False) as line:
        line.update(a_status())
        file.truncate(0)
        logging.getLogger("pressloop.session").warning("the link [Errno %d] is lost", 32)
        before, message, after = file.getvalue().split(ERASED)
        assert message == "note the link [Errno 32] is lost\n\r" and "499.9 MPa" in after
    file.truncate(0)
    logging.getLogger("pressloop.session").info("of no interest")
    assert file.getvalue() == "" and before.strip("\0\r") == ""


def test_a_path_longer_than_a_line_stays_whole() -> None:
    console, file = terminal(40)
    path = "/home/of-a-user/with/a/very/long/path/to/runs"
    said = f"the record goes to {path} and nowhere else"
    console.print(said, soft_wrap=True)
    assert file.getvalue() == said + "\n"


def test_a_log_has_the_line_of_a_hold_wherever_its_first_status_fell() -> None:
    file = io.StringIO()
    with LiveLine(StatusConsole(file=file, width=200, theme=_THEME), simulated=False) as line:
        # The dwell may begin before the setpoint has arrived.
        line.update(a_status(stage_name="densify", setpoint_mpa=499.9, dwell_s=0.1))
        for dwell_s in (0.0, 0.0, 1.2, 2.4):
            line.update(a_status(stage_name="densify", dwell_s=dwell_s))
        for topping_up in (True, False):
            line.update(a_status(stage_name="densify", topping_up=topping_up))
    assert [said.split()[1:3] for said in file.getvalue().splitlines()] == [
        ["densify", "ramp"],
        ["densify", "settle"],
        ["densify", "hold"],
    ]
