"""Panels of the plot that show what the powder did: relaxation and creep with the fitted curve."""

from __future__ import annotations

import textwrap
from typing import Final, Literal

from pressloop.extras import needs_extra
from pressloop.plotting.style import BLACK, READING, tidy
from pressloop.record import RunRecord, StageResult
from pressloop.record.model import judged_steps
from pressloop.record.remarks import curve_text, density_text, relaxation_text, springback_text

with needs_extra("plot"):
    import numpy as np
    from matplotlib.axes import Axes

_POINTS: Final = 400
"""Means that are drawn of a dwell."""


def has_curve(stage: StageResult) -> bool:
    """Whether there is anything to draw for a stage."""
    return stage.relaxation is not None and stage.relaxation.fitted


def draw_relaxation(axes: Axes, record: RunRecord, stage: StageResult) -> None:
    """One panel: the dwell as recorded, in short means, and Peleg's curve through it."""
    relaxation = stage.relaxation
    assert relaxation is not None
    pressure = relaxation.quantity == "pressure"
    time_s, values = _stretch(record, stage)
    times, means = _means(time_s, values)
    axes.plot(times, means, ".", color=READING, ms=3, label="reading, means")
    smooth = np.linspace(0, relaxation.duration_s, 300)
    # Where no line is.
    free: Literal["upper right", "lower left", "lower right"]
    free = "upper right" if pressure else "lower right"
    if relaxation.leak_change:
        free = "lower left"
        axes.plot(smooth, relaxation.measured_at(smooth), color=BLACK, lw=1.0, label="with leak")
        axes.plot(smooth, relaxation.at(smooth), "--", color=BLACK, lw=1.0, label="Peleg alone")
    else:
        axes.plot(smooth, relaxation.at(smooth), color=BLACK, lw=1.0, label="Peleg")
    axes.legend(loc=free, fontsize=8, framealpha=0.9)
    axes.set_title(_title(stage), fontsize=9, loc="left")
    axes.set_xlabel("s in the sealed dwell" if pressure else "s in the dwell", fontsize=9)
    axes.set_ylabel("MPa" if pressure else "closing, mm", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.ticklabel_format(useOffset=False)
    tidy(axes)


def _title(stage: StageResult) -> str:
    """What was found, short enough for three panels side by side."""
    assert stage.relaxation is not None
    change = relaxation_text(stage.relaxation).partition("; ")[0]
    peleg, final = curve_text(stage.relaxation).split("; ")
    lines = [f"{textwrap.shorten(stage.name, 24, placeholder='…')}: {change}", peleg, final]
    springback, density = stage.springback, stage.density
    if springback is not None and springback.resolved:
        gained = springback_text(springback).partition(" on ")[0]
        percent = springback.gained_percent
        lines.append(gained if percent is None else f"{gained} ({percent:.2g} %)")
    if density is not None:
        lines.append(density_text(density).partition(";")[0].removeprefix("relative "))
    return "\n".join(lines)


def _stretch(record: RunRecord, stage: StageResult) -> tuple[np.ndarray, np.ndarray]:
    """Time from the beginning of the fitted stretch, and what was fitted."""
    relaxation = stage.relaxation
    assert relaxation is not None
    name = "pressure_mpa" if relaxation.quantity == "pressure" else "displacement_mm"
    table = record.table(("step_id", "time_s", name))
    planned = next(s for s in record.header.stages if s.index == stage.index)
    holds, _ = judged_steps(planned, record.header)
    step = np.nan_to_num(np.asarray(table["step_id"].to_numpy(), np.float64), nan=-1)
    time_s = np.asarray(table["time_s"].to_numpy(), np.float64)
    hold = np.isin(step, holds)
    time_s = time_s - time_s[hold.argmax()] - relaxation.start_s
    within = hold & (time_s >= -1e-9) & (time_s <= relaxation.duration_s + 1e-9)
    return time_s[within], np.asarray(table[name].to_numpy(), np.float64)[within]


def _means(time_s: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    stretches = np.array_split(np.arange(time_s.size), min(_POINTS, time_s.size))
    return (
        np.array([time_s[part].mean() for part in stretches]),
        np.array([values[part].mean() for part in stretches]),
    )
