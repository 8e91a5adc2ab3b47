"""What a calibration learns from readings, and the figures of ISO 7500-1 that it states."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pressloop.calibration.corrected_profile import corrected_profile
from pressloop.calibration.correction import learn_correction
from pressloop.calibration.figures import compute_figures
from pressloop.calibration.levels import choose_levels, order_of, series_protocol
from pressloop.calibration.readings import LevelReading
from pressloop.emulator.description import PressDescription
from pressloop.errors import BadInputError
from pressloop.machine.uncertainty import WITH_COMPENSATION, Instrument

ZERO_N, GAIN, SHARE, LEVEL_N = -40.0, 0.004, 0.03, 60.0
FACTORS = (1.15, 0.9, 1.0)
"""By how much the friction of each series differs from the mean."""


def readings(
    *, falling: int = 3, gain: float = GAIN, zero_n: float = ZERO_N, **more: Any
) -> list[LevelReading]:
    found = []
    for series, factor in enumerate(FACTORS, 1):
        order = [(True, level) for level in range(1, 6)]
        if series > 3 - falling:
            order += [(False, level) for level in range(4, 0, -1)]
        for rising, level in order:
            oil_n = 10_000.0 * level
            friction_n = factor * (LEVEL_N + SHARE * oil_n) * (1 if rising else -1)
            true_n = oil_n * (1 - gain) - zero_n - friction_n
            found.append(
                LevelReading(
                    series=series,
                    rising=rising,
                    level=level,
                    target_kn=oil_n / 1000,
                    indicated_kn=oil_n / 1000,
                    oil_kn=oil_n / 1000,
                    scatter_kn=0.001,
                    from_s=0.0,
                    to_s=3.0,
                    reference_kn=true_n / 1000,
                    **more,
                )
            )
    return found


@pytest.mark.parametrize("falling", [1, 3])
def test_zero_gain_and_friction_are_told_apart_though_runs_differ(falling: int) -> None:
    found = learn_correction(readings(falling=falling), reference_error=0.001)
    assert found.oil.gain == pytest.approx(GAIN, abs=1e-9)
    assert found.friction is not None
    mean = sum(FACTORS) / 3
    at_top = found.friction.friction_n(50_000)
    assert at_top == pytest.approx(mean * (LEVEL_N + SHARE * 50_000), rel=1e-6)
    # The zero is that of the rising ram.
    assert found.oil.zero_n == pytest.approx(ZERO_N + mean * LEVEL_N, abs=1e-6)


def test_friction_that_lags_on_a_stiff_stack_changes_neither_gain_nor_zero() -> None:
    lag_kn = 0.08
    found = [
        reading.model_copy(update={"reference_kn": (reading.reference_kn or 0) + lag_kn})
        if reading.rising
        else reading
        for reading in readings()
    ]
    travel_kn = (ZERO_N + LEVEL_N) / 1000
    correction = learn_correction(
        found, reference_error=0.001, zeros_kn=dict.fromkeys((1, 2, 3), travel_kn)
    )
    assert correction.oil.gain == pytest.approx(GAIN, abs=1e-9)
    assert correction.oil.zero_n == pytest.approx(ZERO_N + LEVEL_N, abs=1e-6)
    assert correction.elastic_n == pytest.approx(80, abs=2)
    assert correction.friction is not None
    assert correction.friction.newtons == pytest.approx(LEVEL_N, abs=2)
    assert correction.zero_uncertainty_n >= correction.elastic_n


def test_a_level_where_friction_has_not_turned_round_is_left_out() -> None:
    found = [
        reading.model_copy(update={"reference_kn": reading.oil_kn})
        if not reading.rising and reading.level == 4
        else reading
        for reading in readings()
    ]
    correction = learn_correction(found, reference_error=0.001)
    assert correction.unreversed == {4}
    assert correction.oil.gain == pytest.approx(GAIN, abs=1e-9)
    figures = compute_figures(found, correction, reference_error=0.001)
    assert [level.reversibility_left_percent is None for level in figures.levels] == [
        False,
        False,
        False,
        True,
        True,
    ]


def test_the_figures_are_those_of_the_standard() -> None:
    found = readings(falling=1)
    figures = compute_figures(
        found,
        learn_correction(found, reference_error=0.001),
        reference_error=0.001,
        zeros_kn=[0.01, 0.02],
    )
    first, last = figures.levels[0], figures.levels[-1]
    rising = [
        reading.indicated_kn / (reading.reference_kn or 1) - 1
        for reading in found
        if reading.level == 5
    ]
    assert last.error_percent == pytest.approx(100 * sum(rising) / 3)
    assert last.repeatability_percent == pytest.approx(100 * (max(rising) - min(rising)))
    assert last.reversibility_percent is None
    # 2 x 3 % of friction and 2 x 60 N on 10 kN.
    assert first.reversibility_percent == pytest.approx(-7.2, abs=0.1)
    assert figures.zero_percent == pytest.approx(0.03)
    assert abs(last.error_left_percent) < 0.1 < abs(last.error_percent)
    assert abs(first.reversibility_left_percent or 9) < 0.2
    assert figures.passed
    strict = compute_figures(
        found,
        learn_correction(found, reference_error=0.001),
        reference_error=0.001,
        accept_percent=0.5,
    )
    assert not strict.passed
    assert strict.reasons[0].startswith("At 9.")
    assert "repeatability" in strict.reasons[0]


def test_the_corrected_profile_reads_what_the_reference_read() -> None:
    profile = PressDescription().machine_profile()
    correction = learn_correction(readings(), reference_error=0.001)
    after = corrected_profile(profile, correction)
    assert after.friction_uncertainty_percent is not None
    full_n = 10 * profile.full_scale_bar * profile.ram_area_cm2
    for reading in readings():
        counts = profile.raw_zero + 1000 * reading.oil_kn / full_n * (
            profile.raw_full - profile.raw_zero
        )
        zero = after.raw_zero + (after.raw_zero_fraction or 0)
        oil_n = (counts - zero) / (after.raw_full - after.raw_zero) * full_n
        # As the board takes off friction: its zero contains the part without pressure.
        level_n = after.friction_n or 0
        friction_n = level_n + (after.friction_percent or 0) / 100 * oil_n
        side = 1 if reading.rising else -1
        shown_n = oil_n - side * friction_n + level_n
        assert shown_n == pytest.approx(correction.left_n(reading), abs=4)


def test_both_channels_get_the_gain_of_the_ram_that_they_share() -> None:
    """With the first one corrected alone they would disagree by it, and a sound run would trip."""
    press = PressDescription.model_validate({"second_transducer": {"full_scale_bar": 400}})
    profile = press.machine_profile()
    found = [
        reading.model_copy(update={"reference_kn": 0.98 * reading.oil_kn}) for reading in readings()
    ]
    after = corrected_profile(profile, learn_correction(found, reference_error=0.001))
    first = (after.raw_full - after.raw_zero) / (profile.raw_full - profile.raw_zero)
    assert profile.second_raw_full is not None and after.second_raw_full is not None
    assert profile.second_raw_zero is not None
    assert after.second_raw_zero == profile.second_raw_zero
    span = profile.second_raw_full - profile.second_raw_zero
    assert first == pytest.approx(1 / 0.98, rel=1e-3)
    assert (after.second_raw_full - profile.second_raw_zero) / span == pytest.approx(
        first, rel=1e-3
    )


def test_a_load_cell_is_corrected_itself() -> None:
    found = [
        reading.model_copy(update={"indicated_kn": 1.002 * (reading.reference_kn or 0) + 0.03})
        for reading in readings(by_cell=True)
    ]
    correction = learn_correction(found, reference_error=0.001)
    assert correction.cell is not None
    for reading in found:
        true_n = 1000 * (reading.reference_kn or 0)
        assert correction.left_n(reading) == pytest.approx(true_n, abs=0.5)
    press = PressDescription.model_validate({"load_cell": {"capacity_kn": 50}})
    after = corrected_profile(press.machine_profile(), correction)
    assert after.load_cell_zero == pytest.approx(300, abs=2)
    assert (after.load_cell_full or 0) - (after.load_cell_zero or 0) == pytest.approx(
        501_000, abs=3
    )


def test_a_press_without_friction_keeps_what_its_profile_says_of_it() -> None:
    found = [
        reading.model_copy(update={"reference_kn": 0.996 * reading.oil_kn})
        for reading in readings()
    ]
    correction = learn_correction(found, reference_error=0.001)
    assert correction.friction is None
    assert "friction was not learned" in correction.without_friction
    profile = PressDescription().machine_profile()
    assert corrected_profile(profile, correction).friction_percent is None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"gain": 0.05}, "+5 % off the reference"),
        ({"zero_n": 2000.0}, "+2.06 kN off the reference"),
    ],
)
def test_what_looks_like_a_wrong_press_is_not_corrected(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInputError) as refused:
        learn_correction(readings(**wrong), reference_error=0.001)
    assert refused.value.code == "calibration-nonsense"
    assert says in refused.value.message


def test_levels_span_a_fifth_to_the_whole_of_the_range() -> None:
    profile = PressDescription().machine_profile()
    levels = choose_levels(profile, 10_000)
    assert len(levels.levels_kpa) == 5
    assert levels.levels_kpa[0] == pytest.approx(0.2 * levels.levels_kpa[-1], abs=1)
    assert levels.ceiling_kpa <= profile.limits(10_000).pellet_limit_kpa
    assert [levels.falls(series) for series in (1, 2, 3)] == [False, False, True]
    assert len(order_of(levels, 3)) == 9
    assert series_protocol(levels, 3, waits=True).stages[0].hold.is_open  # type: ignore[union-attr]
    for wrong in ({"count": 4}, {"falling": 0}, {"up_to_kpa": 640_000}, {"up_to_kpa": 15_000}):
        with pytest.raises(BadInputError):
            choose_levels(profile, 10_000, **wrong)


def test_a_calibration_stands_for_transducer_and_ram_area() -> None:
    profile = (
        PressDescription()
        .machine_profile()
        .model_copy(
            update={
                "calibration_result": "passed",
                "calibration_date": "2026-11-28",
                "calibration_due": "2027-11-28",
                "calibration_error_percent": 0.1,
                "calibration_uncertainty_percent": 0.2,
                "calibration_uncertainty_n": 10,
                "calibration_reference": "x",
                "calibration_up_to_kn": 50.0,
            }
        )
    )
    instrument = Instrument.of(profile, 10)
    budget = instrument.budget(250, quantity=WITH_COMPENSATION)
    names = {component.name for component in budget.components}
    assert "calibration" in names
    assert not names & {"transducer", "ram area"}
    (own,) = [c for c in budget.components if c.name == "calibration"]
    assert 2 * own.standard_mpa == pytest.approx((0.5**2 + (10 / 78.54) ** 2) ** 0.5, rel=1e-3)
    failed = profile.model_copy(update={"calibration_result": "failed"})
    assert "transducer" in {c.name for c in Instrument.of(failed, 10).budget(250).components}
    # Without one, nothing is different.
    assert replace(instrument, calibrated=None).budget(250).components[0].name == "transducer"
