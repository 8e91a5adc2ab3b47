"""A tuning run on an emulated press finds the press that was built, or refuses to store."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from pressloop.errors import BadInputError
from pressloop.machine.profile import MachineProfile, lever
from pressloop.plan import compile_plan
from pressloop.tuning.first_contact import first_contact_plan, measure_first_contact
from pressloop.tuning.identify import Identification, identify
from pressloop.tuning.plans import COARSE_GAINS, fine_gains, hysteresis_plan, two_rate_plan
from pressloop.tuning.records import TuningRecords, zero_of
from pressloop.tuning.runner import protocol_of
from pressloop.tuning.spool import SpoolModel, spool_position
from pressloop.tuning.tune import COARSE_DITHER, DITHER_MARGIN, dither_margin, least_dither
from pressloop.tuning.windows import KNOTS, knots_mpa
from pressloop.wire import schema
from pressloop_bench.control.identification import compliance_ul_mpa, flow_scale
from pressloop_bench.control.press_family import Case, family, reference
from pressloop_bench.control.press_run import PressRunError, firmware
from pressloop_bench.control.tuned_press import record, steel

FULL = schema.OUTPUT_FULL

TuneOnce = Callable[[Case], Identification]


# The last two show the coarse run little: one works at a few bar, the other has a lag of 55 ms and
# so little oil that its coarse compliance is a tenth off.
CASES = [family(3, seed=7)[2], family(81, seed=4)[80], family(8, seed=3)[7]]


@pytest.mark.parametrize(
    "case",
    [reference(), *(pytest.param(case, marks=pytest.mark.slow) for case in CASES)],
    ids=lambda case: case.name,
)
def test_the_press_that_was_built_is_found(case: Case, tune_once: TuneOnce) -> None:
    tuned = tune_once(case)
    profile = tuned.profile
    true = case.press.plant_config()
    assert profile.pump_dead_band / FULL == pytest.approx(true["pump_dead_band"], abs=0.0005)
    assert profile.release_dead_band / FULL == pytest.approx(true["release_dead_band"], abs=0.0005)
    scale = flow_scale(case, profile)
    assert profile.release_flow_ul_s == pytest.approx(
        scale * true["release_flow_10mpa_mm3_s"], rel=0.06
    )
    assert profile.compliance_curve is not None
    for knot, found in enumerate(profile.compliance_curve):
        oil_mpa = profile.max_oil_kpa / 1000 / 2 ** (KNOTS - 1 - knot)
        expected = scale * compliance_ul_mpa(case, oil_mpa)
        # The lowest are below what the run has seen, which depends on how high the ram landed.
        assert found / 1000 == pytest.approx(expected, rel=0.05), f"knot {knot}"
    assert profile.valve_dither is not None
    assert profile.valve_dither / FULL == pytest.approx(
        DITHER_MARGIN * true["valve_hysteresis"] / 2, rel=0.15
    )
    assert profile.valve_lag_ms is not None
    late_ms = 1000 * (true["valve_lag_s"] + true["valve_delay_s"])
    assert profile.valve_lag_ms == pytest.approx(late_ms + 5, abs=8)
    leak_nl_min = 1000 * scale * case.press.leak.ul_min_at_10_mpa
    assert profile.leak_nl_min == pytest.approx(leak_nl_min, rel=0.03)
    assert profile.leak_uncertainty_nl_min is not None
    assert 0.095 * leak_nl_min < profile.leak_uncertainty_nl_min < 0.15 * leak_nl_min
    # The zero is the reading of the travelling ram, offset and all, to a tenth of a count.
    travel_mpa = true["return_force_n"] / true["ram_area_mm2"] + true["sensor_offset_mpa"]
    counts = (profile.raw_full - profile.raw_zero) / true["sensor_full_scale_mpa"]
    assert zero_of(profile) == pytest.approx(4800 + travel_mpa * counts, abs=0.12)
    assert tuned.residual_percent < 3
    assert profile.tuning_residual_ppm == round(10_000 * tuned.residual_percent)
    assert tuned.noise_percent == pytest.approx(case.press.transducer.noise_percent, rel=0.3)


def test_first_contact_tells_powder_from_steel(tune_once: TuneOnce) -> None:
    """By the plant's own laws: what the powder gives way, in oil, beside what the press takes."""
    case = reference()
    profile = tune_once(case).profile
    steps = first_contact_plan(profile, 10_000, 15_000)
    seen = [
        measure_first_contact(record(which, profile, steps, 15_000), profile, 10_000)
        for which in (case, steel(case))
    ]
    on_powder, on_steel = seen
    # Both begin below the lowest pressure of the tuning: its curve must go on there as oil does.
    assert on_steel.sample_compliance_ratio == pytest.approx(1, abs=0.1)
    assert on_powder.landed_mpa < 10 and on_steel.landed_mpa < 10
    true = case.press.plant_config()
    a, loose = true["powder_panelli_a"], true["powder_initial_density"]

    def height_mm(mpa: float) -> float:
        left = (1 - loose) * math.exp(-a * math.sqrt(mpa))
        return true["powder_solid_height_mm"] / (1 - left)

    low, high = on_powder.landed_mpa, 15.0
    given_ul = true["ram_area_mm2"] * (height_mm(low) - height_mm(high))
    ratio = lever(profile.ram_area_mm2, 10)
    curve = np.array(profile.compliance_curve) / 1000
    levels = np.linspace(low / ratio, high / ratio, 50)
    press_ul = float(np.mean(np.interp(levels, knots_mpa(profile), curve)))
    press_ul *= (high - low) / ratio
    assert on_powder.sample_compliance_ratio == pytest.approx(1 + given_ul / press_ul, rel=0.25)


def _coarse(case: Case) -> tuple[schema.Profile, list[schema.PlanStepRequest], int]:
    die_um = round(case.press.die_mm * 1000)
    limit_kpa = round(0.5 * case.targets_mpa[1] * 1000)
    profile = schema.Profile(**dict(case.press.nominal_profile(), dies_um=(die_um,)))
    profile = replace(profile, valve_dither=COARSE_DITHER)
    return profile, two_rate_plan(profile, die_um, limit_kpa, **COARSE_GAINS), limit_kpa


def test_the_return_pressure_is_that_of_the_seated_ram() -> None:
    """The data sheet of the spring is a third too high; a ram that hangs shows nothing of it."""
    case = reference()
    profile, steps, limit_kpa = _coarse(case)
    true = case.press.plant_config()
    true_kpa = 1000 * true["return_force_n"] / true["ram_area_mm2"]
    profile = replace(profile, return_oil_kpa=round(1.33 * true_kpa))
    records = record(steel(case), profile, steps, limit_kpa)
    assert identify(records, steps, profile).profile.return_oil_kpa == pytest.approx(
        true_kpa, abs=4
    )
    hanging = replace(records, raw=records.raw.copy())
    hanging.raw[:3] = records.raw[500]
    assert identify(hanging, steps, profile).profile.return_oil_kpa == profile.return_oil_kpa


def test_a_jolt_at_contact_does_not_pass_for_the_press() -> None:
    """With a dead band above what the ramps opened, only the jolt would be left to explain."""
    case = family(48, seed=8)[47]
    profile, steps, limit_kpa = _coarse(case)
    found = identify(record(steel(case), profile, steps, limit_kpa), steps, profile)
    true = case.press.plant_config()["pump_dead_band"]
    assert found.profile.pump_dead_band / FULL == pytest.approx(true, abs=0.01)


def test_a_coarse_run_that_hunts_is_repeated_with_a_smaller_dead_band(
    tune_once: TuneOnce,
) -> None:
    case = family(5, seed=14)[4]
    profile = tune_once(case).profile
    true = case.press.plant_config()
    assert profile.pump_dead_band / FULL == pytest.approx(true["pump_dead_band"], abs=0.0005)


def test_a_plan_stays_below_the_limit() -> None:
    for case in family(5, seed=3):
        _, steps, limit_kpa = _coarse(case)
        targets = [step.target_kpa for step in steps if step.target_kpa is not None]
        assert max(targets) <= limit_kpa
        assert steps[-1].kind == schema.StepKind.RELEASE and steps[-1].target_kpa == 0


@pytest.mark.parametrize("case", family(3, seed=3), ids=lambda case: case.name)
def test_a_protocol_of_a_tuning_run_compiles_to_its_steps(case: Case) -> None:
    """To the last bit of the gains, with a stage for each step."""
    profile, coarse, limit_kpa = _coarse(case)
    die_um = profile.dies_um[0]
    for steps in (
        coarse,
        two_rate_plan(profile, die_um, limit_kpa, **fine_gains(40)),
        hysteresis_plan(profile, die_um, limit_kpa),
    ):
        plan = compile_plan(
            protocol_of("any", steps, die_um, limit_kpa), MachineProfile.from_wire(profile)
        )
        staged = [replace(step, stage=step.index) for step in steps]
        assert [replace(step, kd=None) for step in plan.steps] == staged


def _refused(case: Case) -> BadInputError:
    profile, steps, limit_kpa = _coarse(case)
    records = record(case, profile, steps, limit_kpa)
    with pytest.raises(BadInputError) as refused:
        identify(records, steps, profile)
    assert refused.value.code == "tuning-nonsense"
    return refused.value


def _changed(case: Case, section: str, **values: object) -> Case:
    part = getattr(case.press, section).model_copy(update=values)
    return replace(case, press=case.press.model_copy(update={section: part}))


@pytest.mark.parametrize("number", [0, 1])
def test_a_blank_that_was_forgotten_is_refused(number: int) -> None:
    """Powder yields once and is stiff ever after: no one curve explains both rises."""
    refused = _refused([reference(), *family(1, seed=7)][number])
    assert "one rise took" in str(refused)
    assert "steel blank" in refused.hint


def test_a_leak_that_no_dwell_survives_is_refused() -> None:
    refused = _refused(_changed(steel(reference()), "leak", ul_min_at_10_mpa=1000.0))
    assert "the leak" in str(refused) and "fittings" in refused.hint


def test_a_transducer_that_is_too_noisy_is_refused() -> None:
    refused = _refused(_changed(steel(reference()), "transducer", noise_percent=0.2))
    assert "noise comes out as 0.2" in str(refused) and "shield" in refused.hint


@pytest.mark.parametrize(("flow", "fault"), [(0.0, "FAULT_NO_"), (1.0, "FAULT_")])
def test_a_pump_that_is_stuck_ends_the_run(
    flow: float, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stuck shut it never meets the blank, stuck open it trips; either way nothing is learned."""
    monkeypatch.setattr(
        "pressloop_sim.plant.valves.PumpValve.flow", lambda valve, _: flow * valve._full_flow
    )
    profile, steps, limit_kpa = _coarse(reference())
    with pytest.raises(PressRunError) as ended:
        record(steel(reference()), profile, steps, limit_kpa)
    number = int(str(ended.value).split("fault ")[1].split(",")[0])
    known = vars(firmware("wire.schema"))
    name = next(key for key, value in known.items() if key.startswith("FAULT_") and value == number)
    assert name.startswith(fault) and name != "FAULT_NONE"


def test_a_blank_that_leaves_the_valves_their_data_sheet_alone_is_refused() -> None:
    """A release five times the data sheet's is a wrong data sheet or a wrong press."""
    case = reference()
    profile, steps, limit_kpa = _coarse(case)
    records = record(steel(case), profile, steps, limit_kpa)
    doubted = replace(profile, release_flow_ul_s=profile.release_flow_ul_s // 8)
    with pytest.raises(BadInputError, match="release's flow"):
        identify(records, steps, doubted)


def test_a_run_that_never_pressed_is_refused() -> None:
    profile, steps, _ = _coarse(reference())
    nothing = np.zeros(2000, dtype=np.int64)
    records = TuningRecords(
        raw=nothing + profile.raw_zero,
        output=nothing,
        step=nothing,
        approaching=nothing.astype(np.bool_),
    )
    with pytest.raises(BadInputError, match="windows"):
        identify(records, steps, profile)


def test_a_slow_spool_gets_more_dither() -> None:
    """Of a coil that lags by 15 ms a third reaches the hysteresis; the spool smooths the rest."""
    assert dither_margin(SpoolModel(0.01, lag_ticks=4.0)) == DITHER_MARGIN
    assert dither_margin(SpoolModel(0.01, lag_ticks=6.5)) == DITHER_MARGIN
    # What is left as a flow is the same up to the limit.
    assert dither_margin(SpoolModel(0.01, lag_ticks=11.0)) == pytest.approx(1.6 * DITHER_MARGIN)
    assert dither_margin(SpoolModel(0.01, lag_ticks=17.0)) == 4.0


def test_what_a_dither_leaves_shows_how_much_of_it_it_takes() -> None:
    """Of a coil that lets 0.4 of it through; friction of the ram looks like a little hysteresis."""
    whole, dither, through = 0.03, 0.025, 0.4
    left = whole - 2 * through * dither
    assert least_dither(whole, left, dither) == pytest.approx(1.1 * whole / 2 / through)
    assert least_dither(whole, 0.1 * whole, dither) == 0.0
    # Whatever friction shows: no coil lets less than 0.3 through.
    assert least_dither(whole, whole, dither) == pytest.approx(1.1 * whole / 2 / 0.3)


def test_a_spool_with_hysteresis_and_lag() -> None:
    """One lag after a step: 63 % of what hysteresis leaves; a step back within it does nothing."""
    command = np.concatenate((np.zeros(5), np.full(100, 0.5), np.full(100, 0.48)))
    places = spool_position(command, hysteresis=0.04, lag_ticks=4.0)
    assert places[5 + 4] == pytest.approx(0.48 * (1 - math.exp(-1)), rel=1e-6)
    assert places[104] == pytest.approx(0.48)
    assert places[-1] == pytest.approx(0.48)


def test_a_slow_pump_reaches_the_blank_in_time() -> None:
    """A wide ram far above the blank, a small pump: at its gentlest landing it took ten minutes."""
    slow = _changed(family(129, seed=4)[128], "ram", approach_gap_mm=16.0)
    profile, steps, limit_kpa = _coarse(slow)
    profile = identify(record(steel(slow), profile, steps, limit_kpa), steps, profile).profile
    travel_ul = slow.press.ram.area_cm2 * 100 * slow.press.ram.approach_gap_mm
    share = (profile.approach_opening - profile.pump_dead_band) / (FULL - profile.pump_dead_band)
    assert travel_ul / (share * profile.pump_flow_ul_s) < profile.approach_timeout_ms / 2000
