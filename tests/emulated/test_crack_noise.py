"""A noisy transducer cracks no sample: neither in the tuning run nor in the steps of a protocol."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pressloop.wire import schema
from pressloop_bench.control.press_family import Case, family, reference
from pressloop_bench.control.press_run import FastPress
from pressloop_bench.control.run_case import CEILING, protocol
from pressloop_bench.control.tuned_press import tune_case

NOISE_PERCENT = 0.1
"""Of full scale, one standard deviation: as much as the data sheet's accuracy, ten times as much as
the reference's."""


def _noisy(case: Case) -> Case:
    part = case.press.transducer.model_copy(update={"noise_percent": NOISE_PERCENT})
    return replace(case, press=case.press.model_copy(update={"transducer": part}))


CASES = [_noisy(case) for case in (reference(), family(5, seed=21)[4])]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_tuning_takes_the_noise(case: Case) -> None:
    tuned = tune_case(case)[-1]
    assert tuned.noise_percent == pytest.approx(NOISE_PERCENT, rel=0.3)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_three_steps_on_a_press_that_was_never_tuned(case: Case) -> None:
    """Sealed, where nothing but noise moves the reading."""
    die_um = round(case.press.die_mm * 1000)
    profile = dict(case.press.nominal_profile(), dies_um=[die_um])
    sealed = {"mode": schema.HoldMode.SEALED}
    steps = [
        dict(step, **sealed, tolerance_kpa=step["target_kpa"] // 20)
        if step["kind"] == schema.StepKind.HOLD
        else step
        for step in protocol(case)
    ]
    ceiling_kpa = round((CEILING + 0.1) * case.targets_mpa[1] * 1000)
    press = FastPress(case.press.plant_config(), profile, case.seed)
    trace = press.run(steps, die_um=die_um, ceiling_kpa=ceiling_kpa, vent_kpa_s=20_000)
    assert trace.dwelling.any()
