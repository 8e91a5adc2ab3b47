"""Draws one panel per stage: the pressure around the time at which the setpoint arrives."""

from __future__ import annotations

import textwrap
from typing import Final

from pressloop.evaluation import StageResult, VerdictRow
from pressloop.evaluation.notes import mean_text
from pressloop.extras import needs_extra
from pressloop.plotting.style import BAND, READING, SETPOINT, TRUTH, tidy
from pressloop.plotting.telemetry import DrawnTelemetry

with needs_extra("plot"):
    import numpy as np
    from matplotlib.axes import Axes

_BEFORE_ARRIVAL_S: Final = 1.5
_AFTER_ARRIVAL_S: Final = 3.5


def arrivals_of(
    telemetry: DrawnTelemetry, rows: list[VerdictRow], *, max_panels: int
) -> list[tuple[VerdictRow, float]]:
    """Return the stages to draw in panels, each with the time at which its setpoint arrives.

    In the order of time, and in the unit of the axis; if there are more than `max_panels`, those
    with the largest overshoot.
    """
    arrivals = []
    for row in rows:
        stage = row.stage
        at_target = (telemetry.stage == stage.index) & (
            np.abs(telemetry.setpoint - stage.target_mpa) < 1e-6
        )
        if stage.target_mpa > 0 and at_target.any():
            arrivals.append((row, float(telemetry.time[at_target.argmax()])))
    if len(arrivals) > max_panels:
        arrivals.sort(key=lambda pair: -(pair[0].stage.overshoot_percent or 0.0))
        arrivals = sorted(arrivals[:max_panels], key=lambda pair: pair[1])
    return arrivals


def draw_arrival(
    axes: Axes,
    telemetry: DrawnTelemetry,
    stage: StageResult,
    arrival: float,
    *,
    first: bool,
) -> None:
    """Draw one panel: the pressure from seconds before to seconds after the setpoint's arrival."""
    time = (telemetry.time - arrival) * telemetry.scale
    near = (time >= -_BEFORE_ARRIVAL_S) & (time <= _AFTER_ARRIVAL_S)
    tolerance = stage.tolerance_mpa or 0.01 * stage.target_mpa
    if stage.tolerance_mpa is not None:
        axes.axhspan(
            stage.target_mpa - tolerance, stage.target_mpa + tolerance, color=BAND, alpha=0.2, lw=0
        )
    axes.axhline(stage.target_mpa, color=BAND, lw=0.8)
    axes.axvline(0, color="0.6", lw=0.6)
    axes.plot(time[near], telemetry.setpoint[near], color=SETPOINT, lw=0.9, ls=(0, (4, 2)))
    if telemetry.truth is not None:
        axes.plot(time[near], telemetry.truth[near], color=TRUTH, lw=1.0, label="true pressure")
    axes.plot(time[near], telemetry.pressure[near], color=READING, lw=1.4, label="reading")
    beyond = max(stage.overshoot_mpa or 0.0, tolerance)
    sign = -1 if stage.direction == "down" else 1
    limits = (stage.target_mpa - sign * 3.0 * tolerance, stage.target_mpa + sign * 1.6 * beyond)
    axes.set_ylim(min(limits), max(limits))
    axes.set_xlim(-_BEFORE_ARRIVAL_S, _AFTER_ARRIVAL_S)
    axes.set_title(_arrival_title(stage), fontsize=9, loc="left")
    axes.set_xlabel("time after the setpoint's arrival, s", fontsize=9)
    if first:
        axes.set_ylabel("MPa")
        axes.legend(loc="lower right", fontsize=8, framealpha=0.9)
    axes.tick_params(labelsize=8)
    tidy(axes)


def _arrival_title(stage: StageResult) -> str:
    name = textwrap.shorten(stage.label, 28, placeholder="…")
    overshoot = "unknown"
    if stage.overshoot_mpa is not None and stage.overshoot_percent is not None:
        overshoot = f"{stage.overshoot_mpa:.2f} MPa ({stage.overshoot_percent:.2f} %)"
    unsettled = "settling not recorded" if stage.missing_s else "never settled"
    settle = unsettled if stage.settle_s is None else f"settled in {stage.settle_s:.2f} s"
    title = f"{name}, {stage.target_mpa:g} MPa\novershoot {overshoot}, {settle}"
    if stage.mean_mpa is not None and stage.mean_mpa_uncertainty is not None:
        mean = mean_text(
            stage.mean_mpa, stage.mean_mpa_uncertainty, None, stage.mean_mpa_reading_uncertainty
        )
        title += "\n" + mean.replace("oil, ", "oil,\n")
    return title
