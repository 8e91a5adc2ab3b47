"""The profile that the board's own tuning run finds on a press that it has never seen."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, Final

from pressloop import tuning
from pressloop.emulator.description import PowderSection
from pressloop.wire import schema

from .family import Case
from .press import Bench

STEEL: Final = PowderSection(
    material="steel",
    true_density_g_cm3=7.85,
    initial_density=1,
    panelli_a=0,
    youngs_modulus_gpa=210,
    poisson_ratio=0,
    creep_percent_at_500_mpa=0,
)
"""A 5 mm disc as on examples/presses/steel-blank.yaml; the mass goes with the die."""

LIMIT: Final = 0.9
"""Tuned up to this share of the highest target."""


def steel_mass_mg(die_mm: float) -> float:
    """Return the mass of a 5 mm steel disc."""
    return 3.14159 / 4 * die_mm**2 * 5 * 7.85


def tune(case: Case) -> list[tuning.Tuned]:
    """Tune a press on a steel blank, as its technician would: coarse, play, fine."""
    die_mm = case.press.die_mm
    blank = STEEL.model_copy(update={"mass_mg": steel_mass_mg(die_mm)})
    press = case.press.model_copy(update={"powder": blank})
    die_um = round(die_mm * 1000)
    limit_kpa = round(LIMIT * case.targets_mpa[1] * 1000)
    first_kpa = round(tuning.COARSE_SHARE * limit_kpa)

    def run(profile: schema.Profile, steps: list[schema.PlanStepRequest]) -> tuning.Records:
        bench = Bench(press.plant_config(), fields(profile), case.seed + len(passes))
        trace = bench.run(
            [{k: v for k, v in asdict(step).items() if v is not None} for step in steps],
            die_um=die_um,
            ceiling_kpa=round(limit_kpa / LIMIT),
            vent_kpa_s=round(limit_kpa / 10),
        )
        return tuning.Records(trace.raw, trace.output, trace.step, trace.approaching)

    passes: list[tuning.Tuned] = []
    profile = schema.Profile(**dict(press.nominal_profile(), dies_um=(die_um,)))
    profile = replace(profile, valve_dither=tuning.COARSE_DITHER)
    steps = tuning.plan(profile, die_um, first_kpa, **tuning.COARSE_GAINS)
    passes.append(tuning.identify(run(profile, steps), steps, profile))
    profile = replace(passes[-1].profile, valve_dither=0)
    profile = tuning.with_play(run(profile, tuning.play_plan(profile, die_um, first_kpa)), profile)
    steps = tuning.plan(profile, die_um, limit_kpa)
    passes.append(tuning.identify(run(profile, steps), steps, profile))
    return passes


def fields(profile: schema.Profile) -> dict[str, Any]:
    """Return a profile by field names, as the bench takes it."""
    values = {k: v for k, v in asdict(replace(profile)).items() if v is not None}
    return dict(values, dies_um=list(values["dies_um"]))
