"""Whatever wire is wrong: the walk names it, and the ram does not move before it is named."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from pressloop.emulator.description import load
from pressloop_sim.board.field_wiring import TERMINALS

from tests.emulated.commissioned_press import ROOT, Forgetful, walked

STILL_MM = 0.05
"""A ram that has moved less than this has not moved: oil and hoses give as much."""

SWAPS = {
    ("pressure", "second_pressure"): ("second-channel", "transducers-swapped"),
    ("pressure", "pump"): ("sensor-zero", "signal-missing"),
    ("pressure", "release"): ("sensor-zero", "signal-missing"),
    ("pressure", "emergency_stop"): ("emergency-stop", "emergency-stop-stuck"),
    ("pressure", "guard"): ("guard", "guard-stuck"),
    ("pressure", "button"): ("button", "button-not-connected"),
    ("pressure", "lamp"): ("sensor-zero", "signal-missing"),
    ("pressure", "deadman"): ("sensor-zero", "signal-missing"),
    ("second_pressure", "pump"): ("second-channel", "second-sensor-low"),
    ("second_pressure", "release"): ("second-channel", "second-sensor-low"),
    ("second_pressure", "emergency_stop"): ("emergency-stop", "emergency-stop-stuck"),
    ("second_pressure", "guard"): ("guard", "guard-stuck"),
    ("second_pressure", "button"): ("button", "button-not-connected"),
    ("second_pressure", "lamp"): ("second-channel", "second-sensor-low"),
    ("second_pressure", "deadman"): ("second-channel", "second-sensor-low"),
    ("pump", "release"): ("outputs", "valves-swapped"),
    ("pump", "emergency_stop"): ("emergency-stop", "emergency-stop-not-connected"),
    ("pump", "guard"): ("guard", "guard-not-connected"),
    ("pump", "button"): ("button", "button-stuck"),
    ("pump", "lamp"): ("outputs", "outputs-joined"),
    ("pump", "deadman"): ("outputs", "output-dead"),
    ("release", "emergency_stop"): ("emergency-stop", "emergency-stop-not-connected"),
    ("release", "guard"): ("guard", "guard-not-connected"),
    ("release", "button"): ("button", "button-stuck"),
    ("release", "lamp"): ("outputs", "outputs-joined"),
    ("release", "deadman"): ("outputs", "output-dead"),
    ("emergency_stop", "guard"): ("guard", "guard-swapped-with-emergency-stop"),
    ("emergency_stop", "button"): ("button", "button-swapped-with-emergency-stop"),
    ("emergency_stop", "lamp"): ("emergency-stop", "emergency-stop-not-connected"),
    ("emergency_stop", "deadman"): ("emergency-stop", "emergency-stop-stuck"),
    ("guard", "button"): ("button", "button-swapped-with-guard"),
    ("guard", "lamp"): ("guard", "guard-not-connected"),
    ("guard", "deadman"): ("guard", "guard-stuck"),
    ("button", "lamp"): ("button", "button-stuck"),
    ("button", "deadman"): ("button", "button-not-connected"),
    ("lamp", "deadman"): ("outputs", "output-dead"),
}
"""Step and name by the pair of wires."""

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
    "release shut without current": (
        {"release_needs_current": True},
        "pulses",
        "release-inverted",
    ),
}


def test_every_pair_is_listed() -> None:
    assert set(SWAPS) == set(combinations(TERMINALS, 2))


@pytest.mark.slow
@pytest.mark.parametrize("pair", SWAPS, ids=lambda pair: f"{pair[0]}+{pair[1]}")
def test_two_wires_that_are_exchanged_are_named_and_move_nothing(pair: tuple[str, str]) -> None:
    with walked(wiring={"swap": list(pair)}) as it:
        found = it.until()
        assert (found.name, found.fault) == SWAPS[pair]
        assert found.reason and found.remedy
        assert it.farthest_mm < STILL_MM


@pytest.mark.parametrize("case", SINGLE)
def test_a_single_wrong_wire_is_named_and_moves_nothing(case: str) -> None:
    wiring, step, fault = SINGLE[case]
    with walked(wiring=wiring) as it:
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
    ],
    ids=lambda pair: f"{pair[0]}+{pair[1]}",
)
def test_the_ram_stays_even_if_the_pump_motor_was_left_on(pair: tuple[str, str]) -> None:
    with walked(wiring={"swap": list(pair)}, person=Forgetful) as it:
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
        ({"swap": ["vessel_pressure", "lamp"]}, "vessel-pressure-not-connected"),
        ({"swap": ["vessel_pressure", "guard"]}, "guard-swapped-with-vessel-pressure"),
    ],
    ids=["right", "cut", "bridged", "on the lamp", "on the guard"],
)
def test_a_lid_that_nothing_watches_is_named(wiring: dict[str, Any], fault: str) -> None:
    vessel = load(ROOT / "examples" / "presses" / "isostatic.yaml")
    with walked(wiring=wiring, press=vessel) as it:
        found = it.until("ram")
        passed = {result.name for result in it.results if result.outcome == "pass"}
        if fault:
            assert found.fault == fault
            assert found.reason and found.remedy
        else:
            assert found.outcome == "pass"
            assert "vessel-pressure" in passed


def test_a_press_with_a_ram_has_no_lid_to_prove() -> None:
    with walked() as it:
        it.until("ram")
        lid = it.walk.report.last("vessel-pressure")
        assert lid is not None and lid.outcome == "skipped"
