"""Draws the panels of the powder: relaxation in the dwell and springback in the release."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final, Literal

from pressloop.errors import required
from pressloop.evaluation import RunRecord, StageResult
from pressloop.evaluation.notes import curve_text, density_text, relaxation_text, springback_text
from pressloop.extras import needs_extra
from pressloop.plotting.style import BLACK, GREY, READING, VERMILION, tidy
from pressloop.record.model import judged_steps

with needs_extra("plot"):
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

Panel = Literal["dwell", "release"]

_MAX_MEANS: Final = 400
"""Points of a dwell, each the mean of a stretch of time."""
_TITLE_LETTERS: Final = 52
"""Letters of a title that fit above one of three panels side by side."""
_END_S: Final = 0.5
"""The opening of the platens counts from their mean position over this end of the dwell."""


def panels_of(stages: list[StageResult]) -> list[tuple[Panel, StageResult]]:
    """Return the panels that the stages have results for, in the order of the stages."""
    return [(panel, stage) for stage in stages for panel in _panels(stage)]


def _panels(stage: StageResult) -> Iterator[Panel]:
    if stage.relaxation is not None and stage.relaxation.change is not None:
        yield "dwell"
    if stage.springback is not None and stage.springback.source == "displacement":
        yield "release"


def draw_powder(axes: Axes, record: RunRecord, panel: Panel, stage: StageResult) -> None:
    """Draw one panel."""
    if panel == "dwell":
        _draw_dwell(axes, record, stage)
    else:
        _draw_release(axes, record, stage)
    axes.tick_params(labelsize=8)
    axes.ticklabel_format(useOffset=False)
    tidy(axes)


def _draw_dwell(axes: Axes, record: RunRecord, stage: StageResult) -> None:
    """Draw the dwell as recorded, in short means, and Peleg's curve if one could be fitted."""
    relaxation = required(stage.relaxation, "the relaxation")
    pressure = relaxation.quantity == "pressure"
    time_s, values = _stretch(record, stage)
    times, means = _means(time_s, values)
    axes.plot(times, means, ".", color=READING, ms=3, label="reading, means")
    smooth = np.linspace(0, relaxation.duration_s, 300)
    # The corner of the legend that no line crosses.
    corner: Literal["upper right", "lower left", "lower right"]
    corner = "upper right" if pressure else "lower right"
    if relaxation.fitted and relaxation.leak_change:
        corner = "lower left"
        axes.plot(smooth, relaxation.measured_at(smooth), color=BLACK, lw=1.0, label="with leak")
        axes.plot(smooth, relaxation.at(smooth), "--", color=BLACK, lw=1.0, label="Peleg alone")
    elif relaxation.fitted:
        axes.plot(smooth, relaxation.at(smooth), color=BLACK, lw=1.0, label="Peleg")
    axes.legend(loc=corner, fontsize=8, framealpha=0.9)
    axes.set_title(_dwell_title(stage), fontsize=9, loc="left")
    axes.set_xlabel(
        "time in the sealed dwell, s" if pressure else "time in the dwell, s", fontsize=9
    )
    axes.set_ylabel("pressure, MPa" if pressure else "closing, mm", fontsize=9)


def _draw_release(axes: Axes, record: RunRecord, stage: StageResult) -> None:
    """Draw how far the platens open as the pressure falls, and the part due to the pellet."""
    springback = required(stage.springback, "the springback")
    pressure, opened_um = _opening(record, stage)
    axes.plot(pressure, opened_um, color=READING, lw=1.4, label="platens opened")
    sample = record.summary.sample
    punches = 0.0 if sample is None else sample.punches_um_mpa or 0.0
    ends = np.array([springback.from_mpa, springback.to_mpa])
    below = punches * (springback.from_mpa - ends)
    if punches:
        axes.plot(ends, below, "--", color=BLACK, lw=1.0, label="punches")
    if springback.gained_mm is not None:
        top = below[1] + 1000 * springback.gained_mm
        axes.annotate(
            "",
            (springback.to_mpa, top),
            (springback.to_mpa, below[1]),
            arrowprops={"arrowstyle": "<->", "color": VERMILION, "shrinkA": 0, "shrinkB": 0},
        )
        axes.plot([], [], color=VERMILION, label="springback")
    axes.axhline(0, color=GREY, lw=0.6)
    # In the order of time: the dwell on the left, contact on the right.
    axes.invert_xaxis()
    axes.legend(loc="upper left", fontsize=8, framealpha=0.9)
    axes.set_title(_release_title(stage), fontsize=9, loc="left")
    axes.set_xlabel("pressure in the release, MPa", fontsize=9)
    axes.set_ylabel("opening, um", fontsize=9)


def _dwell_title(stage: StageResult) -> str:
    """Return the title of a dwell: its results, short enough for three panels side by side."""
    relaxation = required(stage.relaxation, "the relaxation")
    lines = [f"{_name(stage)}: {relaxation_text(relaxation).partition('; ')[0]}"]
    if relaxation.fitted:
        lines += curve_text(relaxation).split("; ")
    else:
        lines += textwrap.wrap(f"no curve: {relaxation.reason}", _TITLE_LETTERS)
    springback = stage.springback
    if springback is not None and springback.resolved and springback.source == "oil volume":
        lines.append(springback_text(springback).partition(" on ")[0] + ", by the oil")
    return "\n".join(lines)


def _release_title(stage: StageResult) -> str:
    springback, density = required(stage.springback, "the springback"), stage.density
    text, _, rest = springback_text(springback).partition(" on ")
    lines = [f"{_name(stage)}: {text}"]
    if springback.gained_mm is None:
        lines += textwrap.wrap(f"on {rest}", _TITLE_LETTERS)
    elif springback.gained_percent is not None:
        lines[0] += f" ({springback.gained_percent:.2g} %)"
    if springback.punches_included:
        lines.append("springback of the punches included")
    if density is not None:
        lines.append(density_text(density).partition(";")[0].removeprefix("relative "))
    return "\n".join(lines)


def _name(stage: StageResult) -> str:
    return textwrap.shorten(stage.label, 24, placeholder="…")


def _stretch(record: RunRecord, stage: StageResult) -> tuple[Floats, Floats]:
    """Return the time since the fitted stretch began, s, and the values that were fitted."""
    relaxation = required(stage.relaxation, "the relaxation")
    name = "pressure_mpa" if relaxation.quantity == "pressure" else "displacement_mm"
    hold, time_s, values = _columns(record, stage, name)
    time_s = time_s - time_s[hold.argmax()] - relaxation.start_s
    within = hold & (time_s >= -1e-9) & (time_s <= relaxation.duration_s + 1e-9)
    return time_s[within], values[within]


def _opening(record: RunRecord, stage: StageResult) -> tuple[Floats, Floats]:
    """Return pressure, MPa, and opening of the platens, um, from the dwell's end to contact."""
    springback = required(stage.springback, "the springback")
    hold, time_s, closing_mm = _columns(record, stage, "displacement_mm")
    pressure = np.asarray(record.table(("pressure_mpa",))["pressure_mpa"].to_numpy(), np.float64)
    last = int(np.flatnonzero(hold)[-1])
    behind = pressure[last:] <= springback.to_mpa
    contact = last + int(behind.argmax()) + 1 if behind.any() else pressure.size
    end = hold & (time_s >= time_s[last] - _END_S)
    opened_mm = float(closing_mm[end].mean()) - closing_mm
    return pressure[last:contact], 1000 * opened_mm[last:contact]


def _columns(
    record: RunRecord, stage: StageResult, name: str
) -> tuple[npt.NDArray[np.bool_], Floats, Floats]:
    """Return of all records whether they are of the stage's hold, their times, and one column."""
    table = record.table(("step_id", "time_s", name))
    planned = next(s for s in record.header.stages if s.index == stage.index)
    holds, _ = judged_steps(planned, record.header)
    step = np.nan_to_num(np.asarray(table["step_id"].to_numpy(), np.float64), nan=-1)
    return (
        np.isin(step, holds),
        np.asarray(table["time_s"].to_numpy(), np.float64),
        np.asarray(table[name].to_numpy(), np.float64),
    )


def _means(time_s: Floats, values: Floats) -> tuple[Floats, Floats]:
    stretches = np.array_split(np.arange(time_s.size), min(_MAX_MEANS, time_s.size))
    return (
        np.array([time_s[part].mean() for part in stretches]),
        np.array([values[part].mean() for part in stretches]),
    )
