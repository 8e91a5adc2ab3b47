"""Whatever wire is wrong: the walk names it, and the ram does not move before it is named."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from pressloop.commissioning.emulated_person import EmulatedPerson
from pressloop.commissioning.operator import NONE
from pressloop.emulator.description import PressDescription
from pressloop_sim.board.field_wiring import AUXILIARY, LOAD_CELL, TERMINALS, VESSEL_PRESSURE

from tests.emulated.commissioned_press import EQUIPPED, MEASURED, VESSEL, Forgetful, walked
from tests.emulated.swapped_wires import DISPLACEMENT_SWAPS, HARMLESS, LID_SWAPS, SWAPS, Pair

STILL_MM = 0.05
"""A ram that has moved less than this has not moved: oil and hoses give as much."""

SINGLE: dict[str, tuple[dict[str, Any], str, str]] = {
    "button inverted": ({"invert": "button"}, "button", "button-inverted"),
    "guard inverted": ({"invert": "guard"}, "guard", "guard-inverted"),
    "stop inverted": ({"invert": "emergency_stop"}, "emergency-stop", "emergency-stop-inverted"),
    "button cut": ({"cut": "button"}, "button", "button-not-connected"),
    "guard cut": ({"cut": "guard"}, "guard", "guard-stuck"),
    "stop cut": ({"cut": "emergency_stop"}, "emergency-stop", "emergency-stop-stuck"),
    "stop bridged": (
        {"bridge": "emergency_stop"},
        "emergency-stop",
        "emergency-stop-not-connected",
    ),
    "guard bridged": ({"bridge": "guard"}, "guard", "guard-not-connected"),
    "button bridged": ({"bridge": "button"}, "button", "button-stuck"),
    "signal cut": ({"cut": "pressure"}, "sensor-zero", "signal-missing"),
    "second cut": ({"cut": "second_pressure"}, "second-channel", "second-sensor-low"),
    "half the shunt": ({"shunt": 0.5}, "sensor-zero", "wrong-shunt"),
    "a third more shunt": ({"shunt": 1.33}, "sensor-zero", "zero-off"),
    "seven times the shunt": ({"shunt": 7}, "sensor-zero", "signal-shorted"),
    "floating": ({"floats": True}, "sensor-zero", "input-floats"),
    "pump cut": ({"cut": "pump"}, "outputs", "output-dead"),
    "release cut": ({"cut": "release"}, "outputs", "output-dead"),
    "lamp cut": ({"cut": "lamp"}, "lamp", "lamp-dead"),
    "deadman cut": ({"cut": "deadman"}, "outputs", "output-dead"),
    "contactor cut": ({"cut": "contactor"}, "contactor", "contactor-dead"),
    "on/off release cut": ({"cut": "dump"}, "on-off-release", "on-off-release-dead"),
    "buzzer cut": ({"cut": "buzzer"}, "buzzer", "buzzer-dead"),
    "thermistor cut": ({"cut": "auxiliary"}, "oil-temperature", "oil-temperature-missing"),
    "thermistor shorted": ({"bridge": "auxiliary"}, "oil-temperature", "oil-temperature-missing"),
    "load cell cut": ({"cut": "load_cell"}, "load-cell-zero", "load-cell-still"),
    "load cell reversed": ({"invert": "load_cell"}, "load-cell-zero", "load-cell-inverted"),
    "release shut without current": (
        {"release_needs_current": True},
        "pulses",
        "release-inverted",
    ),
}


ALL_SWAPS: list[tuple[PressDescription, Pair, tuple[str, str]]] = [
    (press, pair, named)
    for press, swaps in ((EQUIPPED, SWAPS), (MEASURED, DISPLACEMENT_SWAPS), (VESSEL, LID_SWAPS))
    for pair, named in swaps.items()
]


class Sparse(EmulatedPerson):
    """Says that there is no contactor and no buzzer."""

    def _answer(self, key: str) -> str:
        return NONE if key in ("contactor-on", "buzzer-on") else super()._answer(key)


def test_every_pair_is_listed() -> None:
    of_ram = [terminal for terminal in TERMINALS if terminal != VESSEL_PRESSURE]
    of_vessel = [terminal for terminal in TERMINALS if terminal != LOAD_CELL]
    assert {*SWAPS, *HARMLESS} == set(combinations(of_ram, 2))
    assert set(DISPLACEMENT_SWAPS) == {
        pair for pair in combinations(of_ram, 2) if AUXILIARY in pair
    }
    assert set(LID_SWAPS) == {
        pair for pair in combinations(of_vessel, 2) if VESSEL_PRESSURE in pair
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("press", "pair", "named"), ALL_SWAPS, ids=[f"{pair[0]}+{pair[1]}" for _, pair, _ in ALL_SWAPS]
)
def test_two_wires_that_are_exchanged_are_named_and_move_nothing(
    press: PressDescription, pair: Pair, named: tuple[str, str]
) -> None:
    with walked(wiring={"swap": list(pair)}, press=press) as it:
        found = it.until()
        assert (found.name, found.fault) == named
        assert found.reason and found.remedy
        assert it.farthest_mm < STILL_MM


@pytest.mark.slow
@pytest.mark.parametrize("pair", HARMLESS, ids=lambda pair: f"{pair[0]}+{pair[1]}")
def test_wires_that_may_be_exchanged_change_nothing(pair: Pair) -> None:
    with walked(wiring={"swap": list(pair)}, press=EQUIPPED) as it:
        assert it.until("ram").outcome == "pass"
        assert it.farthest_mm < STILL_MM
        it.until()
        ends = {result.name: result.outcome for result in it.results}
        assert ends["pulses"] == ends["dry-strokes"] == "pass"


@pytest.mark.parametrize("case", SINGLE)
def test_a_single_wrong_wire_is_named_and_moves_nothing(case: str) -> None:
    wiring, step, fault = SINGLE[case]
    with walked(wiring=wiring, press=EQUIPPED) as it:
        found = it.until()
        assert (found.name, found.fault) == (step, fault)
        assert it.farthest_mm < STILL_MM


@pytest.mark.parametrize(
    "pair",
    [
        ("pump", "release"),
        ("pump", "lamp"),
        ("pump", "deadman"),
        ("release", "lamp"),
        ("release", "deadman"),
        ("lamp", "deadman"),
        ("pump", "contactor"),
        ("pump", "dump"),
        ("release", "contactor"),
    ],
    ids=lambda pair: f"{pair[0]}+{pair[1]}",
)
def test_the_ram_stays_even_if_the_pump_motor_was_left_on(pair: tuple[str, str]) -> None:
    with walked(wiring={"swap": list(pair)}, person=Forgetful, press=EQUIPPED) as it:
        found = it.until()
        named = ("pump-runs", "output-dead", "valves-swapped", "outputs-joined")
        assert found.name == "outputs" and found.fault in named
        assert it.farthest_mm < STILL_MM


@pytest.mark.parametrize(
    ("wiring", "fault"),
    [
        ({}, ""),
        ({"cut": "vessel_pressure"}, "vessel-pressure-stuck"),
        ({"bridge": "vessel_pressure"}, "vessel-pressure-not-connected"),
    ],
    ids=["right", "cut", "bridged"],
)
def test_a_lid_that_nothing_watches_is_named(wiring: dict[str, Any], fault: str) -> None:
    with walked(wiring=wiring, press=VESSEL) as it:
        found = it.until("ram")
        passed = {result.name for result in it.results if result.outcome == "pass"}
        if fault:
            assert found.fault == fault
            assert found.reason and found.remedy
        else:
            assert found.outcome == "pass"
            assert "vessel-pressure" in passed


def test_what_a_press_does_not_have_is_skipped() -> None:
    with walked() as it:
        it.until("ram")
        skipped = {one.name for one in it.results if one.outcome == "skipped"}
        assert skipped == {
            "vessel-pressure",
            "oil-temperature",
            "displacement",
            "load-cell-zero",
            "on-off-release",
        }


@pytest.mark.parametrize("press", [EQUIPPED, MEASURED], ids=["thermistor", "displacement"])
def test_a_press_with_every_part_and_right_wires_passes(press: PressDescription) -> None:
    with walked(press=press) as it:
        it.until()
        ends = {one.name: one.outcome for one in it.results}
        assert set(ends.values()) == {"pass", "skipped"}
        skipped = {name for name, outcome in ends.items() if outcome == "skipped"}
        other = "displacement" if press is EQUIPPED else "oil-temperature"
        assert skipped == {"vessel-pressure", other}


def test_a_person_may_say_that_there_is_no_contactor_and_no_buzzer() -> None:
    with walked(person=Sparse) as it:
        it.until("ram")
        ends = {one.name: (one.outcome, one.reason) for one in it.results}
        assert ends["contactor"] == (
            "skipped",
            "there is no contactor of the pump motor, says the person at the press",
        )
        assert ends["buzzer"][0] == "skipped"
        assert ends["guard-cuts"][0] == "pass"
