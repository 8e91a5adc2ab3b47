"""The order of the tuning runs, and what each passes on to the next.

A coarse run with plenty of dither, a run without dither that shows the hysteresis and the lag of
the valves, and a fine run with the dither that this hysteresis needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pressloop.errors import required
from pressloop.tuning.identify import MAX_TIMEOUT_MS, Identification, identify
from pressloop.tuning.plans import (
    COARSE_GAINS,
    COARSE_SEALED_S,
    FINE_GAINS,
    hysteresis_plan,
    two_rate_plan,
)
from pressloop.tuning.records import TuningRecords
from pressloop.tuning.spool import SpoolModel, fit_spool
from pressloop.tuning.windows import TooFewWindowsError
from pressloop.wire import schema

COARSE_SHARE: Final = 0.6
"""The first runs go to this share of the limit: they may overshoot."""
COARSE_DITHER: Final = round(0.025 * schema.OUTPUT_FULL)
"""More than half of the widest hysteresis to be expected."""
DITHER_MARGIN: Final = 1.3
"""The dither that is stored, of half the valves' hysteresis."""
HYSTERESIS_RUN: Final = "hysteresis"
"""Name of the run without dither, which hunts on purpose."""

_FULL: Final = schema.OUTPUT_FULL
# A valve may open by so much of its stroke before its data sheet says.
_SHEET_ERROR: Final = round(0.03 * schema.OUTPUT_FULL)
# Too little dither, which leaves hysteresis, costs far more than too much; and after the coarse run
# the hysteresis is less certain.
_COARSE_DITHER_MARGIN: Final = 1.6
# Of half the hysteresis. Outside, the fine run has shown hunting, or a flow that is only dither.
_MIN_FINE_DITHER: Final = 1.15
_MAX_FINE_DITHER: Final = 2.2
_MIN_DITHER: Final = 0.002

RunPlan = Callable[[str, schema.Profile, list[schema.PlanStepRequest]], TuningRecords]
"""Writes a profile to the board, runs steps under a name, and returns the telemetry."""


def tune(
    profile: schema.Profile, die_um: int, limit_kpa: int, run: RunPlan
) -> list[Identification]:
    """Tune a press with a steel blank in its die, below `limit_kpa` on the blank.

    Returns what the coarse and the fine run showed; the last one is the result.

    Raises:
        BadInputError: A run showed nonsense. What `run` raises comes through.
    """
    first_kpa = round(COARSE_SHARE * limit_kpa)
    # The travel of the ram and its speed are not known yet.
    profile = replace(profile, valve_dither=COARSE_DITHER, approach_timeout_ms=MAX_TIMEOUT_MS)
    steps = two_rate_plan(profile, die_um, first_kpa, sealed_s=COARSE_SEALED_S, **COARSE_GAINS)
    try:
        coarse = identify(run("coarse", profile, steps), steps, profile)
    except TooFewWindowsError:
        # It hunted: the loop cannot close a pump that opens before its data sheet says.
        edge = max(0, profile.pump_dead_band - _SHEET_ERROR)
        profile = replace(profile, pump_dead_band=edge)
        coarse = identify(run("coarse-again", profile, steps), steps, profile)
    hunting = _as_untuned(replace(coarse.profile, valve_dither=0))
    hunt = run(HYSTERESIS_RUN, hunting, hysteresis_plan(hunting, die_um, first_kpa))
    spool = fit_spool(hunt, coarse.profile)
    profile = _with_spool(coarse.profile, spool, _COARSE_DITHER_MARGIN)
    steps = two_rate_plan(profile, die_um, limit_kpa, **FINE_GAINS)
    fine = identify(run("fine", _as_untuned(profile), steps), steps, profile)
    # Once more, with a dead band and a compliance that are no longer coarse.
    spool = fit_spool(hunt, fine.profile)
    better = _with_spool(fine.profile, spool, _COARSE_DITHER_MARGIN)
    before = required(profile.valve_dither, "the dither of the hysteresis run")
    found = required(better.valve_dither, "the dither that it found")
    used = _COARSE_DITHER_MARGIN * before / found
    if not _MIN_FINE_DITHER <= used <= _MAX_FINE_DITHER:
        fine = identify(run("fine-again", _as_untuned(better), steps), steps, better)
        spool = fit_spool(hunt, fine.profile)
    return [coarse, replace(fine, profile=_with_spool(fine.profile, spool, DITHER_MARGIN))]


def _as_untuned(profile: schema.Profile) -> schema.Profile:
    """Return the profile without the mark of a tuned one: the board then trusts it less."""
    return replace(profile, tuning_residual_ppm=None)


def _with_spool(profile: schema.Profile, spool: SpoolModel, margin: float) -> schema.Profile:
    """Return the profile with the spool's lag, and a dither of `margin` times half its hysteresis.

    The dither has a lower limit.
    """
    dither = max(_MIN_DITHER, margin * spool.hysteresis / 2)
    return replace(
        profile, valve_dither=round(dither * _FULL), valve_lag_ms=round(10 * spool.lag_ticks) + 10
    )
