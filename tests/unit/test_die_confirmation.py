"""The die of a run is confirmed by a person: in a script, by an option, or at the terminal."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
from pressloop import Press
from pressloop.cli.app import app
from pressloop.cli.die import confirmed_die_um, diameter_um
from pressloop.cli.keyboard import Keyboard
from pressloop.errors import BadInputError
from pressloop.record import RunRecorder
from pressloop.run.die import die_is_confirmed
from pressloop.units import UnitError
from pressloop.wire.schema import StartRequest, State
from rich.console import Console
from rich.theme import Theme
from typer.testing import CliRunner

from tests.unit.fake_board import FakeBoard

PROTOCOL = """
pressloop: 1
name: one stage
die: 10 mm
ceiling: 300 MPa
stages:
  - name: densify
    ramp: {target: 250 MPa, rate: 10 MPa/s}
"""


class Typist:
    """A keyboard at which prepared lines are typed; standard input then is closed."""

    def __init__(self, *lines: str) -> None:
        self._lines = iter(lines)
        self.cleared = 0

    @contextmanager
    def asking(self) -> Iterator[None]:
        yield

    def clear(self) -> None:
        self.cleared += 1

    def read_line(self, wanted: Callable[[], bool]) -> str | None:
        for line in self._lines:
            return line
        raise EOFError


def ask(
    *lines: str, die: str | None = None, simulated: bool = False, yes: bool = False
) -> int | None:
    console = Console(file=io.StringIO(), theme=Theme({"note": "yellow"}))
    keyboard = cast(Keyboard, Typist(*lines))
    return confirmed_die_um(console, keyboard, die, simulated=simulated, yes=yes)


def test_a_diameter_alone_is_in_millimetres() -> None:
    assert diameter_um("10") == diameter_um("10 mm") == diameter_um("10000 um") == 10_000
    assert diameter_um("12.7") == 12_700
    for text in ("", "yes", "10 MPa"):
        with pytest.raises(UnitError):
            diameter_um(text)


def test_the_operator_types_what_is_on_the_die() -> None:
    assert ask("8") == 8_000
    assert ask("", "yes", "10 mm") == 10_000


def test_yes_does_not_confirm_the_die_of_a_real_press() -> None:
    with pytest.raises(BadInputError, match="--yes does not confirm the die") as refused:
        ask("10", yes=True)
    assert refused.value.code == "die-unconfirmed"
    assert ask(die="10", yes=True) == 10_000


def test_a_closed_input_does_not_confirm_the_die() -> None:
    with pytest.raises(BadInputError) as refused:
        ask()
    assert refused.value.code == "die-unconfirmed"


def test_a_simulated_press_does_not_ask_but_takes_the_option() -> None:
    assert ask(simulated=True) is None
    assert ask(simulated=True, yes=True) is None
    assert ask(simulated=True, die="12 mm") == 12_000


def test_another_die_than_the_protocols_is_refused() -> None:
    for simulated in (True, False):
        assert die_is_confirmed(10_000, 10_000, simulated=simulated)
        with pytest.raises(BadInputError, match=r"8 mm wide.*a die of 10 mm") as refused:
            die_is_confirmed(10_000, 8_000, simulated=simulated)
        assert refused.value.code == "wrong-die"
    assert not die_is_confirmed(10_000, None, simulated=True)
    with pytest.raises(BadInputError, match="no person has confirmed the die"):
        die_is_confirmed(10_000, None, simulated=False)


@pytest.fixture
def press(board: FakeBoard) -> Iterator[Press]:
    """A press on a board that says it is real."""

    def step_press() -> None:
        if board.state is State.RUNNING:
            board.go_to(board.step + 1)

    board.step_press = step_press  # type: ignore[method-assign]
    board.lockstep = True
    board.simulated = False
    with Press.open(board.url, reconnect_timeout_s=3.0) as opened:
        yield opened


def test_a_script_names_the_die_of_a_real_press(
    press: Press, board: FakeBoard, tmp_path: Path
) -> None:
    with pytest.raises(BadInputError) as refused:
        press.run(PROTOCOL, out=tmp_path / "unconfirmed")
    assert refused.value.code == "die-unconfirmed"
    with pytest.raises(BadInputError) as refused:
        press.run(PROTOCOL, out=tmp_path / "wrong", die="12 mm")
    assert refused.value.code == "wrong-die"
    with pytest.raises(UnitError):
        press.run(PROTOCOL, out=tmp_path / "number", die="10")
    assert board.executed("plan_begin") == [] and board.executed("start") == []
    assert not list(tmp_path.iterdir())
    result = press.run(PROTOCOL, out=tmp_path / "run", die="10 mm")
    assert result.summary.header.die_confirmed is True
    (start,) = board.executed("start")
    assert isinstance(start, StartRequest) and start.die_um == 10_000


def test_the_command_does_not_take_yes_for_the_die_of_a_real_press(
    press: Press, board: FakeBoard, tmp_path: Path
) -> None:
    press.close()
    file = tmp_path / "protocol.yaml"
    file.write_text(PROTOCOL, encoding="utf-8")
    run = ["run", str(file), "--port", board.url, "--out", str(tmp_path / "run"), "--yes"]
    for more, code in (([], "--yes does not confirm the die"), (["--die", "8"], "8 mm wide")):
        ended = CliRunner().invoke(app, [*run, *more])
        assert ended.exit_code == 2, ended.output
        assert code in ended.output
    assert board.executed("start") == []
    ended = CliRunner().invoke(app, [*run, "--die", "10"])
    assert ended.exit_code == 0, ended.output
    (start,) = board.executed("start")
    assert isinstance(start, StartRequest) and start.die_um == 10_000


def test_tuning_a_real_press_needs_the_die_too(press: Press, tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as refused:
        press.tune("100 MPa", out=tmp_path / "tune")
    assert refused.value.code == "die-unconfirmed"


def test_the_record_says_that_no_person_confirmed_the_die_of_a_simulation(
    board: FakeBoard, tmp_path: Path
) -> None:
    with Press.open(board.url) as press:
        run = press.start(PROTOCOL, out=tmp_path / "run")
        assert isinstance(run.recorder, RunRecorder)
        assert run.recorder.header.die_confirmed is False
        board.go_to(99)
        board.press_on(20)
        run.result(5)
