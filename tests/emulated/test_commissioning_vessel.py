"""An isostatic vessel is commissioned: no ram, no die, a lid that is watched, a slow end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pressloop.commissioning import vessel
from pressloop.emulator.description import PressDescription, load

from tests.emulated.commissioned_press import ROOT, WalkedPress, walked

VESSEL = load(ROOT / "examples" / "presses" / "isostatic.yaml")
LIMIT_MPA = 100.0
NO_RAM = {"dry-strokes", "tune", "load-cell"}
NOT_FITTED = {"oil-temperature", "displacement", "load-cell-zero", "on-off-release"}
"""Steps that a vessel does not have."""


@pytest.fixture
def filled() -> Iterator[WalkedPress]:
    """A vessel whose wires were proved: the pump motor may be switched on."""
    with walked(press=VESSEL, limit_mpa=LIMIT_MPA) as it:
        it.until("ram")
        assert it.results[-1].name == "relief" and it.results[-1].outcome == "pass"
        yield it


def test_a_vessel_is_commissioned_from_its_wires_to_the_end_of_its_release() -> None:
    with walked(press=VESSEL, limit_mpa=LIMIT_MPA) as it:
        assert it.walk.run()
        last = {result.name: result for result in it.results}
        skipped = {name for name, one in last.items() if one.outcome == "skipped"}
        assert skipped == NO_RAM | NOT_FITTED
        assert it.press.profile().commissioned_day is not None
        assert not {"blank-in", "die-mm", "stroke-ready"} & {key for key, _ in it.person.said}
    leak = last["leak"].measured or {}
    true_ul_min = VESSEL.leak.ul_min_at_10_mpa
    assert leak["leak_ul_min"] == pytest.approx(true_ul_min, rel=0.15)
    assert 0 < float(leak["end_release_mpa_s"]) < 0.3
    rise = last["pulses"].measured or {}
    # 1 mL in a litre of water makes 22 bar; the valve needs some of a pulse to open.
    assert float(rise["rise_bar"]) == pytest.approx(float(rise["volume_ul"]) * 0.022, rel=0.5)
    assert float(rise["air_ml"]) < 0.2


@pytest.mark.parametrize(("ml", "fault"), [(0.5, ""), (5, "vessel-air"), (50, "no-response")])
def test_air_that_was_left_in_the_vessel_is_named(
    filled: WalkedPress, ml: float, fault: str
) -> None:
    filled.control({"fault": f"vessel-air={ml:g}"})
    found = filled.make("pulses")
    assert (found.name, found.fault) == ("pulses", fault)
    assert not fault or "air" in found.reason + found.remedy


def test_a_switch_that_does_not_feel_the_pressure_is_named(filled: WalkedPress) -> None:
    """Its plug was right, but its line is blocked: only pressure shows it."""
    filled.control({"wiring": {"bridge": "vessel_pressure"}})
    assert filled.make("pulses").fault == "lid-unnoticed"


def test_a_switch_that_stays_open_after_the_pressure_is_named(
    filled: WalkedPress, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = filled.walk._bench
    end_test = bench.end_test

    def hang() -> None:
        end_test()
        filled.control({"wiring": {"cut": "vessel_pressure"}})

    monkeypatch.setattr(bench, "end_test", hang)
    assert filled.make("pulses").fault == "lid-stays"


def test_a_release_that_is_shut_without_current_is_named(filled: WalkedPress) -> None:
    filled.control({"wiring": {"release_needs_current": True}})
    assert filled.make("pulses").fault == "release-inverted"
    assert filled.control({"get": True})["oil_mpa"] < 1.0


def test_a_vessel_that_leaks_is_named(filled: WalkedPress) -> None:
    filled.control({"fault": "leak=2"})
    assert filled.make("pulses", "dry-strokes", "leak").fault == "leak"


def test_a_release_that_falls_too_fast_at_its_end_is_named(
    filled: WalkedPress, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def fast(frame: Any) -> float:
        asked.append(float(frame.pressure_mpa.max()))
        return 1.0

    monkeypatch.setattr(vessel, "fastest_fall", fast)
    assert filled.make("pulses", "leak").fault == "release-too-fast"
    # Only the last part is looked at: from a fortieth of the pressure on.
    (from_mpa,) = asked
    assert from_mpa < LIMIT_MPA / 2 / 20


def test_a_board_that_ignores_the_lid_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with walked(press=VESSEL) as it:
        it.make("pump-off", "button", "guard", "emergency-stop")
        monkeypatch.setattr(it.walk._bench, "refusal_at_rest", lambda: "")
        assert it.make("vessel-pressure").fault == "lid-ignored"


def test_a_vessel_without_a_switch_at_its_lid_is_walked_without_it() -> None:
    data: dict[str, Any] = VESSEL.model_dump(exclude_unset=True)
    data["vessel"]["lid_switch"] = False
    with walked(press=PressDescription.model_validate(data)) as it:
        it.until("press")
        assert it.results[-1].name == "dry-strokes"
        lid = it.walk.report.last("vessel-pressure")
        assert lid is not None and lid.outcome == "skipped"
