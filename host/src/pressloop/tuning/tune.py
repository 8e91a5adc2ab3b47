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
from pressloop.tuning.loop_settings import filter_shift, with_loop_settings
from pressloop.tuning.plans import (
    COARSE_GAINS,
    COARSE_SEALED_S,
    fine_gains,
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
DITHER_MARGIN: Final = 1.9
"""The dither that is stored, of half the valves' hysteresis. A coil that lags by 7 ms lets 0.63 of
it through to the hysteresis, one of 3 ms 0.93; what is too much the spool's lag smooths away."""
_MAX_DITHER_MARGIN: Final = 4.0
_MAX_DITHER: Final = round(0.1 * schema.OUTPUT_FULL)
# A spool with this lag leaves as little of the usual dither as a flow as is wanted; a slower one
# leaves less, and may have more of it.
_USUAL_SPOOL_MS: Final = 75
HYSTERESIS_RUN: Final = "hysteresis"
"""Name of the run without dither, which hunts on purpose."""

_FULL: Final = schema.OUTPUT_FULL
# A valve may open by so much of its stroke before its data sheet says.
_SHEET_ERROR: Final = round(0.03 * schema.OUTPUT_FULL)
# Too little dither, which leaves hysteresis, costs far more than too much; and after the coarse run
# the hysteresis is less certain.
_COARSE_DITHER_MARGIN: Final = 2.2
# Of half the hysteresis. Outside, the fine run has shown hunting, or a flow that is only dither.
_MIN_FINE_DITHER: Final = 1.6
_MAX_FINE_DITHER: Final = 3.0
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
    # From here on the loop is not to pass on the transducer's noise to the valves.
    quiet = replace(coarse.profile, filter_shift=filter_shift(coarse.noise_percent))
    coarse = replace(coarse, profile=quiet)
    hunting = _as_untuned(replace(quiet, valve_dither=0))
    hunt = run(HYSTERESIS_RUN, hunting, hysteresis_plan(hunting, die_um, first_kpa))
    spool = fit_spool(hunt, coarse.profile)
    profile = _with_spool(coarse.profile, spool, _COARSE_DITHER_MARGIN)
    gains = fine_gains(profile.valve_lag_ms)
    steps = two_rate_plan(profile, die_um, limit_kpa, **gains)
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
    tuned = _with_spool(fine.profile, spool, dither_margin(spool))
    return [coarse, replace(fine, profile=with_loop_settings(tuned, fine.noise_percent))]


def dither_margin(spool: SpoolModel) -> float:
    """Return the dither that is stored, of half the hysteresis: more for a slow spool.

    How much of it the coil lets through to the hysteresis is not known: of a coil that lags by
    15 ms only a third. A slow spool smooths away what is too much.
    """
    slow = _valve_lag_ms(spool) / _USUAL_SPOOL_MS
    return min(_MAX_DITHER_MARGIN, DITHER_MARGIN * max(1.0, slow))


def _valve_lag_ms(spool: SpoolModel) -> int:
    return round(10 * spool.lag_ticks) + 10


def _as_untuned(profile: schema.Profile) -> schema.Profile:
    """Return the profile without the mark of a tuned one: the board then trusts it less."""
    return replace(profile, tuning_residual_ppm=None)


def _with_spool(profile: schema.Profile, spool: SpoolModel, margin: float) -> schema.Profile:
    """Return the profile with the spool's lag, and a dither of `margin` times half its hysteresis.

    The dither has a lower limit.
    """
    dither = round(max(_MIN_DITHER, margin * spool.hysteresis / 2) * _FULL)
    return replace(
        profile, valve_dither=min(_MAX_DITHER, dither), valve_lag_ms=_valve_lag_ms(spool)
    )
