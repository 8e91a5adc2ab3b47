"""Draws runs over each other, stage by stage: what is usual in grey, what is odd in colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pressloop.analysis.metrics import Floats
from pressloop.arguments import path_argument
from pressloop.catalogue.comparison import Comparison, StageSpread
from pressloop.catalogue.features import pumped_oil_ml
from pressloop.errors import PressloopError
from pressloop.evaluation import RunRecord
from pressloop.extras import needs_extra
from pressloop.plotting import FORMATS

with needs_extra("plot"):
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pressloop.plotting.lines import min_max
    from pressloop.plotting.style import BLUE, GREEN, ORANGE, PURPLE, RED, mark_simulated, tidy

_COLOURS: Final = (RED, BLUE, ORANGE, GREEN, PURPLE)
_STYLES: Final = ("-", "--", ":")
_MAX_STAGES: Final = 4
_POINTS: Final = 800
_USUAL: Final = "0.72"
_MAX_NAMED: Final = 8


def plot_comparison(
    records: Sequence[RunRecord], comparison: Comparison, path: str | Path, *, dpi: int = 150
) -> Path:
    """Draw the runs of a comparison over each other into a file.

    Args:
        records: The runs that were compared.
        comparison: Of them.
        path: The suffix names the format: `.png`, `.svg` or `.pdf`.
        dpi: Of a PNG.

    Returns:
        The path.

    Raises:
        PressloopError: `plot-format`, for another suffix.
    """
    target = path_argument(path, "path")
    if target.suffix.lower() not in FORMATS:
        raise PressloopError(
            f"{target.name} names no format that can be drawn",
            code="plot-format",
            hint=f"end the file name in {', '.join(FORMATS)}",
        )
    comparison_figure(records, comparison).savefig(target, dpi=dpi)
    return target


def comparison_figure(records: Sequence[RunRecord], comparison: Comparison) -> Figure:
    """Return the figure of a comparison: a column per stage.

    Above the pressure, below how much more or less oil was pumped than in the median of all runs: a
    leak rises all the time, another die or amount of powder jumps at the beginning.
    """
    stages = _drawn(comparison)
    figure = Figure(figsize=(max(6.5, 4.2 * len(stages)), 6.4), layout="constrained")
    panels = figure.subplots(
        2, max(1, len(stages)), sharex="col", squeeze=False, height_ratios=[1.8, 1.2]
    )
    styles = _line_styles(comparison)
    for column, stage in enumerate(stages):
        above, below = panels[0][column], panels[1][column]
        courses = [found for record in records if (found := _course(record, stage.stage))]
        _draw_courses(above, below, courses, styles)
        _finish(above, below, stage, first=column == 0)
    handles, labels = panels[0][0].get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))
    if named:
        figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=4, fontsize=8)
    odd = f"{len(comparison.odd)} not like the others" if comparison.odd else "none is odd"
    figure.suptitle(f"{len(records)} runs: {odd}", x=0.02, ha="left", fontweight="bold")
    if any(record.summary.simulated for record in records):
        mark_simulated(figure)
    return figure


@dataclass(frozen=True)
class _Course:
    """One stage of one run from contact on; `oil` is what was pumped since, mL."""

    record: Path
    time: Floats
    pressure: Floats
    oil: Floats


def _drawn(comparison: Comparison) -> list[StageSpread]:
    """Return the stages to draw in their order: those with odd runs first, if there are many."""
    odd = {finding.stage for one in comparison.odd for finding in one.findings}
    places = range(len(comparison.stages))
    order = sorted(places, key=lambda at: (comparison.stages[at].stage not in odd, at))
    return [comparison.stages[at] for at in sorted(order[:_MAX_STAGES])]


def _line_styles(comparison: Comparison) -> dict[Path, dict[str, Any]]:
    """Return colour and label of each odd run that is named."""
    return {
        one.record: {
            "color": _COLOURS[at % len(_COLOURS)],
            "ls": _STYLES[at // len(_COLOURS) % len(_STYLES)],
            "label": one.record.name,
            "lw": 1.3,
            "zorder": 3,
        }
        for at, one in enumerate(comparison.odd[:_MAX_NAMED])
    }


def _course(record: RunRecord, label: str) -> _Course | None:
    stage = next((one for one in record.summary.stages if one.label == label), None)
    if stage is None:
        return None
    table: Any = record.table(
        ("stage_id", "time_s", "pressure_mpa", "output_percent", "approaching")
    )
    column = np.nan_to_num(np.asarray(table["stage_id"].to_numpy(), np.float64), nan=-1)
    approaching = np.asarray(table["approaching"].to_numpy(zero_copy_only=False), np.bool_)
    mine = (column == stage.index) & ~approaching
    if np.count_nonzero(mine) < 2:
        return None
    time, pressure, output = (
        np.asarray(table[name].to_numpy(), np.float64)[mine]
        for name in ("time_s", "pressure_mpa", "output_percent")
    )
    since = np.diff(time, prepend=time[0])
    oil = np.cumsum(since * pumped_oil_ml(output, 1.0, record.header.profile))
    return _Course(record.directory, time - time[0], pressure, oil)


def _draw_courses(
    above: Axes, below: Axes, courses: list[_Course], styles: dict[Path, dict[str, Any]]
) -> None:
    if not courses:
        return
    # The end of the shortest half: beyond it the median would jump with each run that ends.
    grid = np.linspace(0, float(np.median([one.time[-1] for one in courses])), _POINTS // 2)
    on_grid = [np.interp(grid, one.time, one.oil, right=np.nan) for one in courses]
    middle = np.nanmedian(on_grid, axis=0)
    usual = {"color": _USUAL, "lw": 0.7, "zorder": 2, "label": "the others"}
    for course, oil in zip(courses, on_grid, strict=True):
        style = styles.get(course.record, usual)
        above.plot(*min_max(course.time, course.pressure, _POINTS), **style)
        below.plot(grid, oil - middle, **style)


def _finish(above: Axes, below: Axes, stage: StageSpread, *, first: bool) -> None:
    tolerance = f" ± {stage.tolerance_mpa:.2f}" if stage.tolerance_mpa is not None else ""
    above.set_title(f"{stage.stage}, {stage.target_mpa:g}{tolerance} MPa", fontsize=10, loc="left")
    below.set_xlabel("time since contact, s")
    below.axhline(0, color="0.3", lw=0.6)
    if first:
        above.set_ylabel("pressure on the pellet, MPa")
        below.set_ylabel("oil pumped since contact,\nless the median of all, mL")
    tidy(above)
    tidy(below)
