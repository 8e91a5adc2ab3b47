"""Panels of the plot that show what the powder did: in the dwell, and when it was released."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final, Literal

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

_POINTS: Final = 400
"""Means that are drawn of a dwell."""
_LETTERS: Final = 52
"""As many of a title's fit over one of three panels side by side."""
_END_S: Final = 0.5
"""The opening of the platens counts from the mean of the dwell's end."""


def panels_of(stages: list[StageResult]) -> list[tuple[Panel, StageResult]]:
    """Return what there is to draw, in the order of the stages."""
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
    """The dwell as recorded, in short means, and Peleg's curve where one could be fitted."""
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
    if relaxation.fitted and relaxation.leak_change:
        free = "lower left"
        axes.plot(smooth, relaxation.measured_at(smooth), color=BLACK, lw=1.0, label="with leak")
        axes.plot(smooth, relaxation.at(smooth), "--", color=BLACK, lw=1.0, label="Peleg alone")
    elif relaxation.fitted:
        axes.plot(smooth, relaxation.at(smooth), color=BLACK, lw=1.0, label="Peleg")
    axes.legend(loc=free, fontsize=8, framealpha=0.9)
    axes.set_title(_dwell_title(stage), fontsize=9, loc="left")
    axes.set_xlabel("s in the sealed dwell" if pressure else "s in the dwell", fontsize=9)
    axes.set_ylabel("MPa" if pressure else "closing, mm", fontsize=9)


def _draw_release(axes: Axes, record: RunRecord, stage: StageResult) -> None:
    """How far the platens open as the pressure goes, and what of it is the pellet's."""
    springback = stage.springback
    assert springback is not None
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
    # As time goes: from the dwell on the left to contact on the right.
    axes.invert_xaxis()
    axes.legend(loc="upper left", fontsize=8, framealpha=0.9)
    axes.set_title(_release_title(stage), fontsize=9, loc="left")
    axes.set_xlabel("MPa, on the way down", fontsize=9)
    axes.set_ylabel("um", fontsize=9)


def _dwell_title(stage: StageResult) -> str:
    """What was found, short enough for three panels side by side."""
    relaxation = stage.relaxation
    assert relaxation is not None
    lines = [f"{_name(stage)}: {relaxation_text(relaxation).partition('; ')[0]}"]
    if relaxation.fitted:
        lines += curve_text(relaxation).split("; ")
    else:
        lines += textwrap.wrap(f"no curve: {relaxation.reason}", _LETTERS)
    springback = stage.springback
    if springback is not None and springback.resolved and springback.source == "oil volume":
        lines.append(springback_text(springback).partition(" on ")[0] + ", by the oil")
    return "\n".join(lines)


def _release_title(stage: StageResult) -> str:
    springback, density = stage.springback, stage.density
    assert springback is not None
    text, _, rest = springback_text(springback).partition(" on ")
    lines = [f"{_name(stage)}: {text}"]
    if springback.gained_mm is None:
        lines += textwrap.wrap(f"on {rest}", _LETTERS)
    elif springback.gained_percent is not None:
        lines[0] += f" ({springback.gained_percent:.2g} %)"
    if springback.punches_included:
        lines.append("the punches' own included")
    if density is not None:
        lines.append(density_text(density).partition(";")[0].removeprefix("relative "))
    return "\n".join(lines)


def _name(stage: StageResult) -> str:
    return textwrap.shorten(stage.label, 24, placeholder="…")


def _stretch(record: RunRecord, stage: StageResult) -> tuple[Floats, Floats]:
    """Time from the beginning of the fitted stretch, and what was fitted."""
    relaxation = stage.relaxation
    assert relaxation is not None
    name = "pressure_mpa" if relaxation.quantity == "pressure" else "displacement_mm"
    hold, time_s, values = _columns(record, stage, name)
    time_s = time_s - time_s[hold.argmax()] - relaxation.start_s
    within = hold & (time_s >= -1e-9) & (time_s <= relaxation.duration_s + 1e-9)
    return time_s[within], values[within]


def _opening(record: RunRecord, stage: StageResult) -> tuple[Floats, Floats]:
    """Pressure, MPa, and opening of the platens, um, from the end of the dwell to contact."""
    assert stage.springback is not None
    hold, time_s, closing_mm = _columns(record, stage, "displacement_mm")
    pressure = np.asarray(record.table(("pressure_mpa",))["pressure_mpa"].to_numpy(), np.float64)
    last = int(np.flatnonzero(hold)[-1])
    behind = pressure[last:] <= stage.springback.to_mpa
    contact = last + int(behind.argmax()) + 1 if behind.any() else pressure.size
    end = hold & (time_s >= time_s[last] - _END_S)
    opened_mm = float(closing_mm[end].mean()) - closing_mm
    return pressure[last:contact], 1000 * opened_mm[last:contact]


def _columns(
    record: RunRecord, stage: StageResult, name: str
) -> tuple[npt.NDArray[np.bool_], Floats, Floats]:
    """Which records are of the stage's hold; their times; and one column of all of them."""
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
    stretches = np.array_split(np.arange(time_s.size), min(_POINTS, time_s.size))
    return (
        np.array([time_s[part].mean() for part in stretches]),
        np.array([values[part].mean() for part in stretches]),
    )
