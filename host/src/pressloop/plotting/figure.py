"""Puts the panels of a run together and writes them to a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar

from pressloop.errors import PressloopError
from pressloop.evaluation import RunRecord, verdict_rows
from pressloop.extras import needs_extra
from pressloop.plotting.arrival import arrivals_of, draw_arrival
from pressloop.plotting.marks import prompt_texts
from pressloop.plotting.overview import draw_pressure, draw_valves
from pressloop.plotting.powder import draw_powder, panels_of
from pressloop.plotting.telemetry import telemetry_of
from pressloop.plotting.title import draw_title

with needs_extra("plot"):
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

T = TypeVar("T")

FORMATS: Final = (".png", ".svg", ".pdf")

_MAX_PANELS: Final = 6
"""Of one kind; arrivals beyond that are those with the least overshoot."""

_PANELS_IN_ROW: Final = 3


def plot_run(
    record: RunRecord, path: str | Path, *, dpi: int = 150, figure: Figure | None = None
) -> Path:
    """Draw a run into a file.

    Args:
        record: Of the run, finalised or not.
        path: The suffix names the format: `.png`, `.svg` or `.pdf`.
        dpi: Of a PNG.
        figure: Of `figure_of`, if it is drawn already.

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
    (figure or figure_of(record)).savefig(target, dpi=dpi)
    return target


def figure_of(record: RunRecord) -> Figure:
    """Return the figure with all panels of a run."""
    telemetry = telemetry_of(record)
    rows = [row for row in verdict_rows(record.summary) if row.source == "reading"]
    zoomed = arrivals_of(telemetry, rows, max_panels=_MAX_PANELS)
    powder = panels_of([row.stage for row in rows])[:_MAX_PANELS]
    arrival_rows, powder_rows = list(_rows(zoomed)), list(_rows(powder))
    height = 5.9 + 2.6 * len(arrival_rows) + 3.3 * len(powder_rows)
    figure = Figure(figsize=(11, height))
    figure.set_layout_engine(ConstrainedLayoutEngine(h_pad=0.08, hspace=0.04))
    # The panels of the powder have longer titles.
    heights = [3.7, 1.1] + [2.3] * len(arrival_rows) + [3.0] * len(powder_rows)
    grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    pressure = figure.add_subplot(grid[0])
    valves = figure.add_subplot(grid[1], sharex=pressure)
    draw_pressure(pressure, record, telemetry, rows)
    draw_valves(valves, telemetry)
    for place, arrivals in enumerate(arrival_rows, 2):
        columns = grid[place].subgridspec(1, len(arrivals))
        for column, (row, arrival) in enumerate(arrivals):
            axes = figure.add_subplot(columns[column])
            draw_arrival(axes, telemetry, row.stage, arrival, first=column == 0)
    for place, panels in enumerate(powder_rows, 2 + len(arrival_rows)):
        columns = grid[place].subgridspec(1, len(panels))
        for column, (panel, stage) in enumerate(panels):
            draw_powder(figure.add_subplot(columns[column]), record, panel, stage)
    draw_title(figure, record)
    figure.supxlabel(prompt_texts(record, telemetry), fontsize=8, x=0.02, ha="left")
    return figure


def _rows(panels: list[T]) -> Iterator[list[T]]:
    """Distribute panels over as few rows as they need, as evenly as possible."""
    count = -(-len(panels) // _PANELS_IN_ROW)
    left = list(panels)
    for rows_left in range(count, 0, -1):
        width = -(-len(left) // rows_left)
        yield left[:width]
        left = left[width:]
