"""Tunes a press of the bench as `pressloop tune` does, on a steel blank."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import Any, Final

from pressloop.emulator.description import PowderSection
from pressloop.tuning.identify import Identification
from pressloop.tuning.records import TuningRecords
from pressloop.tuning.tune import tune
from pressloop.wire import schema

from pressloop_bench.control.press_family import Case
from pressloop_bench.control.press_run import FastPress

STEEL: Final = PowderSection(
    material="steel",
    true_density_g_cm3=7.85,
    initial_density=1,
    panelli_a=0,
    youngs_modulus_gpa=210,
    poisson_ratio=0,
    relaxation_percent=0,
    crack_mpa="never",
    crack_release_mpa_s="never",
)
"""A disc 5 mm high as in examples/presses/steel-blank.yaml; the mass depends on the die."""

LIMIT_SHARE: Final = 0.9
"""Presses are tuned up to this share of their highest target."""


def steel(case: Case) -> Case:
    """Return the press with a 5 mm steel disc in its die."""
    mass_mg = math.pi / 4 * case.press.die_mm**2 * 5 * STEEL.true_density_g_cm3
    blank = STEEL.model_copy(update={"mass_mg": mass_mg})
    return replace(case, press=case.press.model_copy(update={"powder": blank}))


def record(
    case: Case, profile: schema.Profile, steps: list[schema.PlanStepRequest], limit_kpa: int
) -> TuningRecords:
    """Run a plan on a case and return its telemetry; the ceiling is a tenth above the limit.

    Raises:
        PressRunError: The run did not complete.
    """
    press = FastPress(case.press.plant_config(), fields(profile), case.seed)
    trace = press.run(
        [{k: v for k, v in asdict(step).items() if v is not None} for step in steps],
        die_um=round(case.press.die_mm * 1000),
        ceiling_kpa=round(1.1 * limit_kpa),
        vent_kpa_s=round(limit_kpa / 10),
    )
    return TuningRecords(trace.raw, trace.output, trace.step, trace.approaching)


def tune_case(case: Case) -> list[Identification]:
    """Tune a press on a steel blank with the runs of `pressloop tune`; the last is the result.

    Raises:
        PressRunError: A run ended early.
        BadInputError: The tuning found nonsense.
    """
    blank = steel(case)
    die_um = round(case.press.die_mm * 1000)
    limit_kpa = round(LIMIT_SHARE * case.targets_mpa[1] * 1000)
    profile = schema.Profile(**dict(case.press.nominal_profile(), dies_um=(die_um,)))
    return tune(
        profile,
        die_um,
        limit_kpa,
        lambda _name, profile, steps: record(blank, profile, steps, limit_kpa),
    )


def fields(profile: schema.Profile) -> dict[str, Any]:
    """Return a profile by field names, as `FastPress` takes it; unset fields are left out."""
    values = {k: v for k, v in asdict(replace(profile)).items() if v is not None}
    return dict(values, dies_um=list(values["dies_um"]))
