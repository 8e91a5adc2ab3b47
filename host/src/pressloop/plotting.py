"""The pressure-time plot of a run: what was asked, what happened, and how each target was met."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from pressloop.errors import PressloopError
from pressloop.extras import needs_extra
from pressloop.plotting_powder import draw_relaxation, has_curve
from pressloop.record import Gap, RunRecord, StageResult, VerdictRow, verdict_rows
from pressloop.units import with_uncertainty

with needs_extra("plot"):
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.textpath import TextPath

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FORMATS: Final = (".png", ".svg", ".pdf")

# Okabe and Ito's colours: told apart by all kinds of colour vision, and in grey by lightness.
_PRESSURE: Final = "#0072B2"
_TRUTH: Final = "#D55E00"
_SETPOINT: Final = "#000000"
_BAND: Final = "#009E73"
_PUMP: Final = "#56B4E9"
_RELEASE: Final = "#E69F00"
_PROMPT: Final = "#CC79A7"
_PAUSE: Final = "#999999"
_WRONG: Final = "#B2182B"

_NONE: Final = -1
"""No step, no stage."""

_POINTS: Final = 3000
"""Points per line: more than a page has columns, few enough for a vector file."""

_TITLE_LETTERS: Final = 80
_TITLE_SIZE: Final = 12
_TITLE_POINTS: Final = 650
"""As wide as the title may be beside the badge of a simulated run."""

_PANELS: Final = 6
_PANELS_IN_ROW: Final = 3
_BEFORE_ARRIVAL_S: Final = 1.5
_AFTER_ARRIVAL_S: Final = 3.5


_COLUMNS: Final = (
    "seq",
    "time_s",
    "pressure_mpa",
    "setpoint_mpa",
    "output_percent",
    "step_id",
    "stage_id",
    "state",
    "true_pressure_mpa",
)


@dataclass(frozen=True)
class _Telemetry:
    """The columns that are drawn; time in the unit of the axis.

    Behind the last record before a gap stands a row of NaN, which breaks every line there.
    """

    time: Floats
    pressure: Floats
    setpoint: Floats
    output: Floats
    truth: Floats | None
    step: npt.NDArray[np.int64]
    stage: npt.NDArray[np.int64]
    state: npt.NDArray[np.int8]
    states: list[str]
    gaps: list[tuple[float, float]]
    scale: float
    unit: str

    def is_in(self, state: str) -> Bools:
        """Which rows were recorded in a state; a week has too many to keep their names."""
        code = self.states.index(state) if state in self.states else len(self.states)
        inside: Bools = self.state == code
        return inside


def plot_run(record: RunRecord, path: str | Path, *, dpi: int = 150) -> Path:
    """Draw a run.

    Args:
        record: Finalised or not.
        path: The suffix names the format: `.png`, `.svg` or `.pdf`.
        dpi: Of a PNG.

    Returns:
        The path.

    Raises:
        PressloopError: `plot-format`, for another suffix.
    """
    target = Path(path)
    if target.suffix.lower() not in FORMATS:
        raise PressloopError(
            f"{target.name} names no format that can be drawn",
            code="plot-format",
            hint=f"end the file name in {', '.join(FORMATS)}",
        )
    _figure(record).savefig(target, dpi=dpi)
    return target


def _figure(record: RunRecord) -> Figure:
    telemetry = _telemetry(record)
    rows = [row for row in verdict_rows(record.summary) if row.source == "reading"]
    zoomed = _zoomed(telemetry, rows)
    fitted = [row.stage for row in rows if has_curve(row.stage)][:_PANELS]
    arrival_rows = -(-len(zoomed) // _PANELS_IN_ROW)
    panel_rows = arrival_rows - (-len(fitted) // _PANELS_IN_ROW)
    height = 5.6 + 2.6 * arrival_rows + 3.3 * (panel_rows - arrival_rows)
    figure = Figure(figsize=(11, height))
    figure.set_layout_engine(ConstrainedLayoutEngine(h_pad=0.08, hspace=0.04))
    # The panels of the powder have more to say above them.
    heights = [3.4, 1.1] + [2.3] * arrival_rows + [3.0] * (panel_rows - arrival_rows)
    grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    pressure = figure.add_subplot(grid[0])
    valves = figure.add_subplot(grid[1], sharex=pressure)
    _draw_pressure(pressure, record, telemetry, rows)
    _draw_valves(valves, telemetry)
    for panel_row in range(arrival_rows):
        shown = zoomed[panel_row * _PANELS_IN_ROW :][:_PANELS_IN_ROW]
        panels = grid[2 + panel_row].subgridspec(1, len(shown))
        for column, (row, arrival) in enumerate(shown):
            axes = figure.add_subplot(panels[column])
            _draw_arrival(axes, telemetry, row.stage, arrival, first=column == 0)
    for panel_row in range(panel_rows - arrival_rows):
        curves = fitted[panel_row * _PANELS_IN_ROW :][:_PANELS_IN_ROW]
        panels = grid[2 + arrival_rows + panel_row].subgridspec(1, len(curves))
        for column, stage in enumerate(curves):
            draw_relaxation(figure.add_subplot(panels[column]), record, stage)
    _draw_title(figure, record)
    figure.supxlabel(_prompt_texts(record, telemetry), fontsize=8, x=0.02, ha="left")
    return figure


def _telemetry(record: RunRecord) -> _Telemetry:
    table = record.table(_COLUMNS)
    duration_s = record.summary.duration_s
    scale, unit = (1.0, "s") if duration_s <= 300 else (60.0, "min")
    if duration_s > 5 * 3600:
        scale, unit = 3600.0, "h"
    if duration_s > 4 * 86_400:
        scale, unit = 86_400.0, "d"

    seq = np.asarray(table["seq"].to_numpy(), np.int64)
    # Not wherever a number is missing: a thinned record leaves some out, and lacks nothing.
    breaks = np.searchsorted(seq, [gap.first_seq for gap in record.summary.gaps])
    breaks = breaks[(breaks > 0) & (breaks < seq.size)]

    def column(name: str) -> Floats:
        return np.insert(np.asarray(table[name].to_numpy(), np.float64), breaks, np.nan)

    def index(name: str) -> npt.NDArray[np.int64]:
        return np.nan_to_num(column(name), nan=_NONE).astype(np.int64)

    states = table["state"].combine_chunks()
    has_truth = "true_pressure_mpa" in table.column_names
    return _Telemetry(
        time=column("time_s") / scale,
        pressure=column("pressure_mpa"),
        setpoint=column("setpoint_mpa"),
        output=column("output_percent"),
        truth=column("true_pressure_mpa") if has_truth else None,
        step=index("step_id"),
        stage=index("stage_id"),
        state=np.insert(states.indices.to_numpy(), breaks, _NONE),
        states=states.dictionary.to_pylist(),
        gaps=list(_gap_times(record.summary.gaps, seq, table["time_s"].to_numpy(), scale)),
        scale=scale,
        unit=unit,
    )


def _gap_times(
    gaps: tuple[Gap, ...], seq: npt.NDArray[np.int64], time_s: Floats, scale: float
) -> Iterator[tuple[float, float]]:
    """From the last record before each gap to the first behind it."""
    for gap in gaps:
        behind = int(np.searchsorted(seq, gap.first_seq))
        start = float(time_s[behind - 1]) if behind else 0.0
        stop = float(time_s[behind]) if behind < seq.size else start + gap.seconds
        yield start / scale, stop / scale


def _draw_title(figure: Figure, record: RunRecord) -> None:
    summary = record.summary
    moment = datetime.fromtimestamp(summary.started_unix_time_second, timezone.utc)
    title = textwrap.fill(summary.protocol_name, _TITLE_LETTERS)
    which = f"{moment:%Y-%m-%d %H:%M} UTC · run {summary.run_id}"
    title += (" · " if len(title) + len(which) + 3 <= _TITLE_LETTERS else "\n") + which
    ended = summary.end_reason.replace("-", " ")
    if summary.fault:
        ended += f" ({summary.fault.replace('-', ' ')})"
    parts = []
    if summary.end_reason != "completed":
        parts.append(f"NOT COMPLETED: {ended}")
    if summary.gaps:
        missing = sum(gap.seconds for gap in summary.gaps)
        parts.append(f"{missing:.2f} s of telemetry missing (hatched)")
    unreached = [s.name for s in summary.stages if s.outcome == "not reached"]
    if unreached:
        parts.append(f"not reached: {textwrap.shorten(', '.join(unreached), 60, placeholder='…')}")
    if parts:
        title += "\n" + " · ".join(parts)
    figure.suptitle(
        title,
        fontsize=_title_size(title),
        fontweight="bold",
        color=_WRONG if parts else "black",
        x=0.02,
        ha="left",
    )
    if summary.simulated:
        figure.text(
            0.985,
            0.988,
            "SIMULATED",
            ha="right",
            va="top",
            fontsize=13,
            fontweight="bold",
            color="white",
            bbox={"facecolor": _WRONG, "edgecolor": "none", "boxstyle": "square,pad=0.35"},
        )


def _title_size(title: str) -> float:
    """Font size at which the longest line ends before the badge: capitals are wide."""
    bold = FontProperties(weight="bold", size=_TITLE_SIZE)
    width = max(TextPath((0, 0), line, prop=bold).get_extents().width for line in title.split("\n"))
    return _TITLE_SIZE * min(1.0, _TITLE_POINTS / width)


def _draw_pressure(
    axes: Axes, record: RunRecord, telemetry: _Telemetry, rows: list[VerdictRow]
) -> None:
    if not telemetry.time.size:
        axes.text(0.5, 0.5, "no telemetry", transform=axes.transAxes, ha="center", fontsize=16)
    if record.summary.simulated:
        axes.text(
            0.5,
            0.5,
            "SIMULATED",
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=60,
            fontweight="bold",
            color="0.5",
            alpha=0.13,
            zorder=0,
        )
    for row in rows:
        stage = row.stage
        inside = _hold_of(record, telemetry, stage)
        if stage.tolerance_mpa is not None and inside.any():
            span = telemetry.time[inside][[0, -1]]
            low, high = (
                stage.target_mpa - stage.tolerance_mpa,
                stage.target_mpa + stage.tolerance_mpa,
            )
            # The edge keeps a narrow band visible on the scale of the whole run.
            axes.fill_between(
                span, low, high, color=_BAND, alpha=0.4, lw=5, zorder=1.5, label="band of hold"
            )
    _line(axes, telemetry, telemetry.setpoint, _SETPOINT, "setpoint", lw=0.9, ls=(0, (4, 2)))
    _line(axes, telemetry, telemetry.pressure, _PRESSURE, "pressure (reading)", lw=1.6)
    _mark_waits(axes, telemetry)
    _hatch_gaps(axes, telemetry)
    top = max(
        float(np.nanmax(telemetry.pressure, initial=0)), *(r.stage.target_mpa for r in rows), 1
    )
    axes.set_ylim(-0.03 * top, 1.12 * top)
    axes.set_ylabel("pressure on the pellet, MPa")
    axes.tick_params(labelbottom=False)
    _tidy(axes)
    _name_stages(axes, telemetry, rows)
    _legend(axes)


def _draw_valves(axes: Axes, telemetry: _Telemetry) -> None:
    for sign, colour in ((1, _PUMP), (-1, _RELEASE)):
        opening = np.clip(sign * telemetry.output, 0, None) * sign
        time, values = _thin(telemetry.time, opening)
        axes.fill_between(time, 0, values, color=colour, lw=0.4)
    _hatch_gaps(axes, telemetry)
    axes.axhline(0, color="0.3", lw=0.6)
    axes.set_ylim(-105, 105)
    axes.set_yticks([-100, 0, 100], ["100", "0", "100"])
    axes.set_ylabel("opening, %\nrelease | pump")
    axes.set_xlabel(f"time since the start of the run, {telemetry.unit}")
    _tidy(axes)


def _draw_arrival(
    axes: Axes,
    telemetry: _Telemetry,
    stage: StageResult,
    arrival: float,
    *,
    first: bool,
) -> None:
    """One panel: the pressure as it meets the target, seconds before and after the setpoint."""
    time = (telemetry.time - arrival) * telemetry.scale
    near = (time >= -_BEFORE_ARRIVAL_S) & (time <= _AFTER_ARRIVAL_S)
    tolerance = stage.tolerance_mpa or 0.01 * stage.target_mpa
    if stage.tolerance_mpa is not None:
        axes.axhspan(
            stage.target_mpa - tolerance, stage.target_mpa + tolerance, color=_BAND, alpha=0.2, lw=0
        )
    axes.axhline(stage.target_mpa, color=_BAND, lw=0.8)
    axes.axvline(0, color="0.6", lw=0.6)
    axes.plot(time[near], telemetry.setpoint[near], color=_SETPOINT, lw=0.9, ls=(0, (4, 2)))
    if telemetry.truth is not None:
        axes.plot(time[near], telemetry.truth[near], color=_TRUTH, lw=1.0, label="true pressure")
    axes.plot(time[near], telemetry.pressure[near], color=_PRESSURE, lw=1.4, label="reading")
    beyond = max(stage.overshoot_mpa or 0.0, tolerance)
    sign = -1 if stage.direction == "down" else 1
    limits = (stage.target_mpa - sign * 3.0 * tolerance, stage.target_mpa + sign * 1.6 * beyond)
    axes.set_ylim(min(limits), max(limits))
    axes.set_xlim(-_BEFORE_ARRIVAL_S, _AFTER_ARRIVAL_S)
    axes.set_title(_arrival_title(stage), fontsize=9, loc="left")
    axes.set_xlabel("s after the setpoint's arrival", fontsize=9)
    if first:
        axes.set_ylabel("MPa")
        axes.legend(loc="lower right", fontsize=8, framealpha=0.9)
    axes.tick_params(labelsize=8)
    _tidy(axes)


def _arrival_title(stage: StageResult) -> str:
    name = textwrap.shorten(stage.name, 28, placeholder="…")
    overshoot = "unknown"
    if stage.overshoot_mpa is not None and stage.overshoot_percent is not None:
        overshoot = f"{stage.overshoot_mpa:.2f} MPa ({stage.overshoot_percent:.2f} %)"
    unsettled = "settling not recorded" if stage.missing_s else "never settled"
    settle = unsettled if stage.settle_s is None else f"settled in {stage.settle_s:.2f} s"
    title = f"{name}, {stage.target_mpa:g} MPa\novershoot {overshoot}, {settle}"
    if stage.mean_mpa is not None and stage.mean_mpa_uncertainty is not None:
        title += f"\nmean {with_uncertainty(stage.mean_mpa, stage.mean_mpa_uncertainty)} MPa (k=2)"
    return title


def _zoomed(telemetry: _Telemetry, rows: list[VerdictRow]) -> list[tuple[VerdictRow, float]]:
    """The stages to look at closely, with the setpoint's arrival: the worst, when they are many."""
    arrivals = []
    for row in rows:
        stage = row.stage
        at_target = (telemetry.stage == stage.index) & (
            np.abs(telemetry.setpoint - stage.target_mpa) < 1e-6
        )
        if stage.target_mpa > 0 and at_target.any():
            arrivals.append((row, float(telemetry.time[at_target.argmax()])))
    if len(arrivals) > _PANELS:
        arrivals.sort(key=lambda pair: -(pair[0].stage.overshoot_percent or 0.0))
        arrivals = sorted(arrivals[:_PANELS], key=lambda pair: pair[1])
    return arrivals


def _name_stages(axes: Axes, telemetry: _Telemetry, rows: list[VerdictRow]) -> None:
    """Name and verdict above each stage, as long a name as fits there."""
    if not telemetry.time.size:
        return
    whole = float(telemetry.time[-1] - telemetry.time[0]) or 1.0
    for row in rows:
        times = telemetry.time[telemetry.stage == row.stage.index]
        if not times.size:
            continue
        # About 110 letters of this size fit side by side.
        letters = int(110 * (times[-1] - times[0]) / whole)
        name = row.stage.name
        if row.stage.iteration > 1:
            name += f" #{row.stage.iteration}"
        label = "✓" if row.passed else "✗"
        if letters >= 6:
            label = f"{textwrap.fill(name, max(letters, 8))}\n{row.stage.target_mpa:g} MPa {label}"
        axes.annotate(
            label,
            (float(times[0] + times[-1]) / 2, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=9,
            color="black" if row.passed else _WRONG,
            fontweight="normal" if row.passed else "bold",
        )
        axes.axvspan(
            float(times[0]),
            float(times[-1]),
            ymin=0.985,
            facecolor="0.35" if row.passed else _WRONG,
            edgecolor="white",
            lw=1.5,
        )


def _mark_waits(axes: Axes, telemetry: _Telemetry) -> None:
    """Prompts with the number that `_prompt_texts` explains, and pauses."""
    for state, colour, name in (
        ("prompting", _PROMPT, "operator prompt"),
        ("paused", _PAUSE, "paused"),
    ):
        for number, (start, stop) in enumerate(_spans(telemetry.is_in(state)), 1):
            span = float(telemetry.time[start]), float(telemetry.time[stop - 1])
            axes.axvspan(*span, facecolor=(colour, 0.35), edgecolor=colour, lw=1.2, label=name)
            if state == "prompting":
                axes.annotate(
                    str(number),
                    (sum(span) / 2, 0.12),
                    xycoords=("data", "axes fraction"),
                    ha="center",
                    va="center",
                    fontsize=8,
                    bbox={
                        "facecolor": "white",
                        "edgecolor": _PROMPT,
                        "boxstyle": "circle,pad=0.25",
                    },
                )


def _prompt_texts(record: RunRecord, telemetry: _Telemetry) -> str:
    """What the operator was asked, numbered as in the plot, on at most three lines."""
    texts = {step.index: step.text or "" for step in record.header.steps}
    asked = [
        f"({number}) {texts.get(int(telemetry.step[start]), '')}"
        for number, (start, _) in enumerate(_spans(telemetry.is_in("prompting")), 1)
    ]
    lines = textwrap.wrap("   ".join(asked), 150, max_lines=3, placeholder=" …")
    return "\n".join(lines)


def _hatch_gaps(axes: Axes, telemetry: _Telemetry) -> None:
    for start, stop in telemetry.gaps:
        axes.axvspan(
            start, stop, facecolor="none", edgecolor="0.4", hatch="////", lw=0, label="not recorded"
        )


def _hold_of(record: RunRecord, telemetry: _Telemetry, stage: StageResult) -> Bools:
    steps = record.header.steps
    holds = [step.index for step in steps if step.stage == stage.index and step.kind == "hold"]
    return np.isin(telemetry.step, holds)


def _line(
    axes: Axes, telemetry: _Telemetry, values: Floats, colour: str, label: str, **style: Any
) -> None:
    time, thinned = _thin(telemetry.time, values)
    axes.plot(time, thinned, color=colour, label=label, **style)


def _thin(time: Floats, values: Floats) -> tuple[Floats, Floats]:
    """The line, its breaks kept, thinned so that no extreme is lost."""
    times, thinned = [], []
    for part in np.split(np.arange(time.size), np.flatnonzero(np.isnan(time))):
        points = max(4, _POINTS * part.size // max(time.size, 1))
        # A break leads its part; where there is none, the first sample may as well stay.
        lead = part[:1]
        kept_time, kept = min_max(time[part[1:]], values[part[1:]], points)
        times += [time[lead], kept_time]
        thinned += [values[lead], kept]
    return np.concatenate(times), np.concatenate(thinned)


def min_max(time: Floats, values: Floats, points: int) -> tuple[Floats, Floats]:
    """At most about `points` samples that look the same: of each stretch of time four.

    First, least, greatest and last. Of time and not of samples: a thinned record has a thousand
    times as many samples where something happened as where nothing did.
    """
    if time.size <= points:
        return time, values
    edges = np.linspace(time[0], time[-1], max(2, points // 4 + 1))[1:-1]
    bounds = np.unique(np.concatenate(([0], np.searchsorted(time, edges), [time.size])))
    keep = set()
    for start, stop in pairwise(bounds.tolist()):
        part = values[start:stop]
        keep |= {start, start + int(part.argmin()), start + int(part.argmax()), stop - 1}
    kept = np.array(sorted(keep))
    return time[kept], values[kept]


def _spans(mask: Bools) -> Iterator[tuple[int, int]]:
    """Stretches of True, as half-open index ranges."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2):
        yield int(start), int(stop)


def _legend(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    if once:
        axes.legend(once.values(), once.keys(), loc="upper left", fontsize=8, framealpha=0.9)


def _tidy(axes: Axes) -> None:
    axes.grid(True, color="0.9", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.01)
