"""Finds the part of a dwell that shows the powder alone, and fits the law of relaxation to it."""

from __future__ import annotations

from typing import Final

import numpy as np

from pressloop.analysis.leak import Leaked, leaked
from pressloop.analysis.metrics import Bools, Floats
from pressloop.analysis.relaxation import Relaxation, fit_relaxation
from pressloop.evaluation.run_data import RunData
from pressloop.record.columns import FLAGS
from pressloop.record.model import PlannedStage, judged_steps

_NO_SENSOR: Final = "no displacement sensor: creep at regulated pressure is not measured"


def dwell_relaxation(data: RunData, stage: PlannedStage) -> Relaxation | None:
    """Return the loss of pressure in a sealed dwell, or the creep in a regulated one.

    None without records of a hold.
    """
    holds, _ = judged_steps(stage, data.header)
    in_hold = data.of_steps(holds)
    if not in_hold.any():
        return None
    if data.header.steps[holds[0]].mode == "sealed":
        return _loss_of_pressure(data, in_hold)
    if data.displacement_mm is None:
        times_s = data.time_s[in_hold]
        duration_s = float(times_s[-1]) - float(times_s[0])
        return Relaxation("displacement", "mm", 0.0, duration_s, None, False, _NO_SENSOR)
    return _creep(data, in_hold, data.displacement_mm)


def _loss_of_pressure(data: RunData, in_hold: Bools) -> Relaxation | None:
    sealed = data.series.records["flags"] & FLAGS["sealed"] != 0
    stretch = _longest_stretch(in_hold & sealed & data.running, data.follows_gap)
    if stretch is None:
        return None
    time_s = data.time_s[stretch] - data.time_s[stretch.start]
    pressure_mpa = data.pressure_mpa[stretch]
    return fit_relaxation(
        time_s,
        pressure_mpa,
        "pressure",
        start_s=_start_s(data, in_hold, stretch),
        leaked=_leaked(data, time_s, pressure_mpa),
    )


def _creep(data: RunData, in_hold: Bools, displacement_mm: Floats) -> Relaxation | None:
    wanted = in_hold & data.running & np.isfinite(displacement_mm)
    in_band = wanted & (data.series.records["flags"] & FLAGS["in_band"] != 0)
    if in_band.any():
        wanted &= np.arange(wanted.size) >= in_band.argmax()
    stretch = _longest_stretch(wanted, data.follows_gap)
    if stretch is None:
        return None
    return fit_relaxation(
        data.time_s[stretch] - data.time_s[stretch.start],
        displacement_mm[stretch],
        "displacement",
        start_s=_start_s(data, in_hold, stretch),
    )


def _start_s(data: RunData, in_hold: Bools, stretch: slice) -> float:
    """Return the beginning of a stretch, from the first record of the hold, s."""
    return float(data.time_s[stretch.start]) - float(data.time_s[in_hold.argmax()])


def _leaked(data: RunData, time_s: Floats, pressure_mpa: Floats) -> Leaked | None:
    if data.press is None:
        return None
    return leaked(data.press.profile, data.press.die_mm, time_s, pressure_mpa)


def _longest_stretch(mask: Bools, follows_gap: Bools) -> slice | None:
    """Return the longest stretch of selected records with no gap between them."""
    joined = mask[1:] & mask[:-1] & ~follows_gap[1:]
    edges = np.flatnonzero(np.diff(np.concatenate(([False], joined, [False])).astype(np.int8)))
    if not edges.size:
        return None
    starts, stops = edges[::2], edges[1::2]
    best = int(np.argmax(stops - starts))
    return slice(int(starts[best]), int(stops[best]) + 1)
