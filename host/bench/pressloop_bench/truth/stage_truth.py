"""What is true of one stage: when the pellet was in band, for how long, and how well it is stated.

All from the pressure on the pellet. Definitions that leave nothing out:

- lateness: from the end of the ramp *as asked* until the pellet is in band and stays there for a
  second; infinite where it never does;
- ramp over asked: how much longer the ramp took than distance over rate;
- dwell excess: time in band in ramp and hold together, less the dwell of the protocol;
- in band: share of the whole hold, also of the time that the board did not count;
- overshoot: beyond the target in the direction of the ramp, over ramp and hold;
- covered: whether the true mean of the dwell is within the stated uncertainty of the mean reading.

The band is 0.5 % of the target, but never finer than 0.05 % of the transducer's full scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pressloop.machine.profile import MachineProfile
from pressloop.machine.uncertainty import READING, Instrument, Quantity

from pressloop_bench.control.press_run import TICK_S, Floats, Trace

BAND: Final = 0.005
FULL_SCALE_BAND: Final = 0.0005
_STAYS_TICKS: Final = 100


@dataclass(frozen=True)
class StageTruth:
    """The figures of one stage; see the module. Times in s, shares in %, pressures in MPa."""

    target_mpa: float
    rising: bool
    low: bool
    lateness_s: float
    over_asked_s: float
    dwell_excess_s: float
    in_band: float
    overshoot: float
    error: float
    """True mean less target, % of target; NaN without a dwell."""
    stated: float
    """Expanded uncertainty, % of target; NaN without a dwell."""
    used: float
    """Distance of the true mean from the reading's, % of the stated uncertainty; NaN without a
    dwell."""
    covered: bool
    of_allowed: float = 0.0
    """Distance of the true mean from the target, % of what is allowed; 0 where nothing is said."""
    of_allowed_as_read: float = math.nan
    """The same as the load cell reads that mean, with its constant errors and without noise; NaN
    without one."""
    band: float = 0.0
    """Half width of the band, % of target."""
    lag_s: float = 0.0
    """Of the press's valves: delay, coil and spool together."""
    noise_percent: float = 0.0
    """Of its transducer, % of full scale."""


def judge_stage(
    trace: Trace,
    ramp: dict[str, Any],
    steps: tuple[int, int],
    planned_s: float,
    profile: MachineProfile,
    die_mm: float,
    *,
    low: bool,
    oil: bool = False,
    quantity: Quantity = READING,
    allowed_mpa: float = math.inf,
    read_mpa: Callable[[float], float] = lambda _true_mpa: math.nan,
) -> StageTruth:
    """Return the figures of a ramp, by its fields, and the hold behind it.

    Args:
        trace: The whole run.
        ramp: The ramp's step.
        steps: Numbers of ramp and hold.
        planned_s: Dwell of the protocol.
        profile: What the controller knows of the press.
        die_mm: The die.
        low: Whether it is the lowest stage.
        oil: Judge what the oil makes on the pellet, less the constant error of the reading in
            this dwell: how well the loop holds what it can see.
        quantity: Which pressure the reading is.
        allowed_mpa: By how much the true mean may be off the target.
        read_mpa: What the load cell reads at a pressure, with its constant errors; NaN without one.
    """
    target = ramp["target_kpa"] / 1000
    full_scale_mpa = profile.lever(die_mm) * profile.full_scale_bar / 10
    band = max(BAND * target, FULL_SCALE_BAND * full_scale_mpa)
    moving = np.flatnonzero((trace.step == steps[0]) & ~trace.approaching)
    holding = np.flatnonzero(trace.step == steps[1])
    # In the last tick of a hold the sequencer is already at the next step.
    counted_for = np.concatenate((trace.step[:1], trace.step[:-1]))
    dwell = trace.dwelling & (counted_for == steps[1])
    start = int(moving[0]) if moving.size else int(holding[0])
    level = float(trace.setpoint_mpa[start])
    rising = target > level
    asked = abs(target - level) / (ramp["rate_kpa_s"] / 1000) / TICK_S
    end = int(holding[-1]) + 1
    truth = trace.true_mpa
    if oil:
        truth = trace.oil_derived_mpa
        if dwell.any():
            truth = truth - np.mean(truth[dwell] - trace.reading_mpa[dwell])
    true = truth[start:end]
    inside = np.abs(true - target) <= band
    beyond = true.max() - target if rising else target - true.min()
    mean_true, mean_read, stated = math.nan, math.nan, math.nan
    if dwell.any():
        mean_true = float(truth[dwell].mean())
        mean_read = float(trace.reading_mpa[dwell].mean())
        budget = Instrument.of(profile, die_mm).budget(
            mean_read,
            scatter_mpa=_standard_error(trace.reading_mpa[dwell]),
            quantity=quantity,
        )
        stated = budget.expanded_mpa
    return StageTruth(
        target_mpa=target,
        rising=rising,
        low=low,
        lateness_s=_entry(inside) * TICK_S - asked * TICK_S,
        over_asked_s=(int(holding[0]) - start - asked) * TICK_S,
        dwell_excess_s=float(inside.sum()) * TICK_S - planned_s,
        in_band=100 * float(inside[int(holding[0]) - start :].mean()),
        overshoot=100 * max(0.0, float(beyond)) / target,
        error=100 * (mean_true - target) / target,
        stated=100 * stated / target,
        used=100 * abs(mean_true - mean_read) / stated,
        covered=abs(mean_true - mean_read) <= stated,
        of_allowed=100 * abs(mean_true - target) / allowed_mpa,
        of_allowed_as_read=100 * abs(read_mpa(mean_true) - target) / allowed_mpa,
        band=100 * band / target,
    )


def _entry(inside: np.typing.NDArray[np.bool_]) -> float:
    """Return the first tick from which all ticks of a second are in band; infinite if none is."""
    run = 0
    for at, good in enumerate(inside):
        run = run + 1 if good else 0
        if run == _STAYS_TICKS:
            return float(at + 1 - _STAYS_TICKS)
    return math.inf


def _standard_error(reading: Floats) -> float:
    """Return the standard error of the mean, from the means of ten blocks."""
    blocks = [float(block.mean()) for block in np.array_split(reading, 10) if block.size]
    return float(np.std(blocks, ddof=1)) / math.sqrt(len(blocks)) if len(blocks) > 1 else 0.0
