"""A tuning run on an emulated press finds the press that was built, or refuses to store."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from pressloop import tuning
from pressloop.bench.family import Case, family, reference
from pressloop.bench.tuned import record, steel, tune
from pressloop.emulator.description import PowderSection
from pressloop.errors import BadInputError
from pressloop.wire import schema

FULL = schema.OUTPUT_FULL


def compliance_ul_mpa(case: Case, oil_mpa: float) -> float:
    """The true compliance of the press on the steel blank, by the laws of the emulated press."""
    true = steel(case).press.plant_config()
    volume, area = true["oil_volume_mm3"], true["ram_area_mm2"]
    oil = volume / true["oil_bulk_modulus_mpa"]
    air = volume * true["oil_air_fraction"] * 0.1 / (0.1 + oil_mpa) ** 2
    blank = area**2 / true["die_area_mm2"] * true["powder_solid_height_mm"]
    return oil + air + area**2 / true["frame_stiffness_n_mm"] + blank / true["powder_modulus_mpa"]


@pytest.mark.parametrize("case", [reference(), *family(3, seed=7)], ids=lambda case: case.name)
def test_the_press_that_was_built_is_found(case: Case) -> None:
    tuned = tune(case)[-1]
    profile = tuned.profile
    true = case.press.plant_config()
    assert profile.pump_dead_band / FULL == pytest.approx(true["pump_dead_band"], abs=0.0005)
    assert profile.release_dead_band / FULL == pytest.approx(true["release_dead_band"], abs=0.0005)
    # Flow and compliance go together: only their ratio can be seen, so the true flow scales both.
    scale = profile.pump_flow_ul_s / true["pump_flow_mm3_s"]
    assert profile.release_flow_ul_s == pytest.approx(
        scale * true["release_flow_10mpa_mm3_s"], rel=0.03
    )
    assert profile.compliance_curve is not None
    for knot, found in list(enumerate(profile.compliance_curve))[3:]:
        oil_mpa = profile.max_oil_kpa / 1000 / 2 ** (tuning.KNOTS - 1 - knot)
        expected = scale * compliance_ul_mpa(case, oil_mpa)
        assert found / 1000 == pytest.approx(expected, rel=0.05), f"knot {knot}"
    assert profile.valve_dither is not None
    play = true["valve_hysteresis"]
    assert 0.5 * play <= profile.valve_dither / FULL <= 1.1 * play + 0.002
    assert tuned.leak_ul_min == pytest.approx(case.press.leak.ul_min_at_10_mpa, rel=0.2, abs=1)
    # The zero is the reading of the travelling ram, offset and all, to a count.
    travel_mpa = true["return_force_n"] / true["ram_area_mm2"] + true["sensor_offset_mpa"]
    counts = (profile.raw_full - profile.raw_zero) / true["sensor_full_scale_mpa"]
    assert profile.raw_zero == pytest.approx(4800 + travel_mpa * counts, abs=1.5)
    assert tuned.residual_percent < 3


def _coarse(case: Case) -> tuple[schema.Profile, list[schema.PlanStepRequest], int]:
    die_um = round(case.press.die_mm * 1000)
    limit_kpa = round(0.5 * case.targets_mpa[1] * 1000)
    profile = schema.Profile(**dict(case.press.nominal_profile(), dies_um=(die_um,)))
    profile = replace(profile, valve_dither=tuning.COARSE_DITHER)
    return profile, tuning.plan(profile, die_um, limit_kpa, **tuning.COARSE_GAINS), limit_kpa


def test_a_plan_stays_below_the_limit() -> None:
    for case in family(5, seed=3):
        _, steps, limit_kpa = _coarse(case)
        targets = [step.target_kpa for step in steps if step.target_kpa is not None]
        assert max(targets) <= limit_kpa
        assert steps[-1].kind == schema.StepKind.RELEASE and steps[-1].target_kpa == 0


def test_powder_in_the_die_is_refused() -> None:
    """Powder yields once and is stiff ever after: no one curve explains both."""
    case = reference()
    profile, steps, limit_kpa = _coarse(case)
    soft = PowderSection(mass_mg=1400, relaxation_percent=70)
    powdery = replace(case, press=case.press.model_copy(update={"powder": soft}))
    records = record(powdery, profile, steps, limit_kpa)
    with pytest.raises(BadInputError, match="no press explains") as refused:
        tuning.identify(records, steps, profile)
    assert refused.value.code == "tuning-nonsense"
    assert "steel blank" in refused.value.hint


def test_a_blank_that_leaves_the_valves_their_data_sheet_alone_is_refused() -> None:
    """A release five times the data sheet's is a wrong data sheet or a wrong press."""
    case = reference()
    profile, steps, limit_kpa = _coarse(case)
    records = record(steel(case), profile, steps, limit_kpa)
    doubted = replace(profile, release_flow_ul_s=profile.release_flow_ul_s // 8)
    with pytest.raises(BadInputError, match="release's flow"):
        tuning.identify(records, steps, doubted)


def test_a_run_that_never_pressed_is_refused() -> None:
    profile, steps, _ = _coarse(reference())
    nothing = np.zeros(2000, dtype=np.int64)
    records = tuning.Records(
        raw=nothing + profile.raw_zero,
        output=nothing,
        step=nothing,
        approaching=nothing.astype(np.bool_),
    )
    with pytest.raises(BadInputError, match="windows"):
        tuning.identify(records, steps, profile)


def test_a_spool_with_play_and_lag() -> None:
    """A step reaches 63 % of what the play leaves after one lag; going back it loses the play."""
    command = np.concatenate((np.zeros(5), np.full(100, 0.5), np.full(100, 0.48)))
    places = tuning.spool(command, play=0.04, lag_ticks=4.0)
    assert places[5 + 4] == pytest.approx(0.48 * (1 - math.exp(-1)), rel=1e-6)
    assert places[104] == pytest.approx(0.48)
    assert places[-1] == pytest.approx(0.48)
