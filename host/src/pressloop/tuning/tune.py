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
from pressloop.tuning.spool import SpoolModel
from pressloop.tuning.windows import TooFewWindowsError
from pressloop.wire import schema

COARSE_SHARE: Final = 0.6
"""The first runs go to this share of the limit: they may overshoot."""
COARSE_DITHER: Final = round(0.025 * schema.OUTPUT_FULL)
"""More than half of the widest hysteresis to be expected."""
DITHER_MARGIN: Final = 2.2
"""The dither that is stored at least, of half the valves' hysteresis. A coil that lags by 7 ms lets
0.63 of it through to the hysteresis, one of 3 ms 0.93; what is too much the spool's lag smooths
away."""
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
# Of what turned out to be right. Outside, the fine run has shown hunting, or a flow that is only
# dither.
_MIN_FINE_DITHER: Final = 0.73
_MAX_FINE_DITHER: Final = 1.36
_MIN_DITHER: Final = 0.002
# Of the hysteresis, what the dither of a run must have left to show which share of the dither the
# coil lets through; coils lag by up to 15 ms, and let a third through.
_MIN_LEFT: Final = 0.15
_MIN_SHARE_THROUGH: Final = 0.3
_OVER_LEAST: Final = 1.1

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
    records = run("coarse", profile, steps)
    try:
        coarse = identify(records, steps, profile)
    except TooFewWindowsError:
        # It hunted: the loop cannot close a pump that opens before its data sheet says.
        edge = max(0, profile.pump_dead_band - _SHEET_ERROR)
        profile = replace(profile, pump_dead_band=edge)
        records = run("coarse-again", profile, steps)
        coarse = identify(records, steps, profile)
    # From here on the loop is not to pass on the transducer's noise to the valves.
    shift = filter_shift(coarse.noise_percent)
    hunting = _as_untuned(replace(coarse.profile, filter_shift=shift, valve_dither=0))
    hunt = run(HYSTERESIS_RUN, hunting, hysteresis_plan(hunting, die_um, first_kpa))
    coarse = identify(records, steps, profile, hunt)
    coarse = replace(coarse, profile=replace(coarse.profile, filter_shift=shift))
    least = _least(coarse, profile)
    profile = _with_valve(coarse, _COARSE_DITHER_MARGIN, least)
    gains = fine_gains(profile.valve_lag_ms)
    steps = two_rate_plan(profile, die_um, limit_kpa, **gains)
    fine = identify(run("fine", _as_untuned(profile), steps), steps, profile, hunt)
    least = max(least, _least(fine, profile))
    better = _with_valve(fine, _COARSE_DITHER_MARGIN, least)
    used = _share(profile.valve_dither) / _share(better.valve_dither)
    if not _MIN_FINE_DITHER <= used <= _MAX_FINE_DITHER:
        profile = better
        fine = identify(run("fine-again", _as_untuned(profile), steps), steps, profile, hunt)
        least = max(least, _least(fine, profile))
    tuned = _with_valve(fine, dither_margin(fine.spool), least)
    return [coarse, replace(fine, profile=with_loop_settings(tuned, fine.noise_percent))]


def dither_margin(spool: SpoolModel) -> float:
    """Return the dither that is stored, of half the hysteresis: more for a slow spool.

    How much of it the coil lets through to the hysteresis is known only where a run had some left
    (`least_dither`). A slow spool smooths away what is too much.
    """
    slow = _valve_lag_ms(spool) / _USUAL_SPOOL_MS
    return min(_MAX_DITHER_MARGIN, DITHER_MARGIN * max(1.0, slow))


def _valve_lag_ms(spool: SpoolModel) -> int:
    return round(10 * spool.lag_ticks) + 10


def _as_untuned(profile: schema.Profile) -> schema.Profile:
    """Return the profile without the mark of a tuned one: the board then trusts it less."""
    return replace(profile, tuning_residual_ppm=None)


def least_dither(whole: float, left: float, dither: float) -> float:
    """Return the dither that leaves no hysteresis, by what is left of it with `dither`.

    What is gone shows which share of the dither the coil lets through. 0 if too little is left to
    show it. All are shares of full stroke.
    """
    if left < _MIN_LEFT * whole:
        return 0.0
    share = max(_MIN_SHARE_THROUGH, (whole - left) / 2 / dither)
    return _OVER_LEAST * whole / 2 / share


def _least(found: Identification, ran_with: schema.Profile) -> float:
    # Friction of the ram looks a little like hysteresis, but not in both valves alike.
    left = min(found.pump_fit.valve.hystereses[0].value, found.release_fit.hysteresis)
    return least_dither(found.spool.hysteresis, left, _share(ran_with.valve_dither))


def _with_valve(found: Identification, margin: float, least: float) -> schema.Profile:
    """Return the profile with the lag of the valves that were found and the dither they need.

    The dither is `margin` times half the hysteresis, and not below `least`.
    """
    spool = found.spool
    dither = round(max(_MIN_DITHER, margin * spool.hysteresis / 2, least) * _FULL)
    return replace(
        found.profile, valve_dither=min(_MAX_DITHER, dither), valve_lag_ms=_valve_lag_ms(spool)
    )


def _share(dither: int | None) -> float:
    return required(dither, "the dither of a run") / _FULL
