"""The plot of a run as a whole: which panels it has, and the file it goes to."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pressloop.errors import PressloopError
from pressloop.extras import needs_extra
from pressloop.plotting.arrival import arrivals_of, draw_arrival
from pressloop.plotting.marks import prompt_texts
from pressloop.plotting.overview import draw_pressure, draw_valves
from pressloop.plotting.powder import draw_relaxation, has_curve
from pressloop.plotting.telemetry import telemetry_of
from pressloop.plotting.title import draw_title
from pressloop.record import RunRecord, verdict_rows

with needs_extra("plot"):
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

FORMATS: Final = (".png", ".svg", ".pdf")

_MOST_PANELS: Final = 6
"""Of a kind; a protocol with more stages shows those that are worth a close look."""

_PANELS_IN_ROW: Final = 3


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
    figure_of(record).savefig(target, dpi=dpi)
    return target


def figure_of(record: RunRecord) -> Figure:
    """Return the whole plot of a run."""
    telemetry = telemetry_of(record)
    rows = [row for row in verdict_rows(record.summary) if row.source == "reading"]
    zoomed = arrivals_of(telemetry, rows, most=_MOST_PANELS)
    fitted = [row.stage for row in rows if has_curve(row.stage)][:_MOST_PANELS]
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
    draw_pressure(pressure, record, telemetry, rows)
    draw_valves(valves, telemetry)
    for panel_row in range(arrival_rows):
        shown = zoomed[panel_row * _PANELS_IN_ROW :][:_PANELS_IN_ROW]
        panels = grid[2 + panel_row].subgridspec(1, len(shown))
        for column, (row, arrival) in enumerate(shown):
            axes = figure.add_subplot(panels[column])
            draw_arrival(axes, telemetry, row.stage, arrival, first=column == 0)
    for panel_row in range(panel_rows - arrival_rows):
        curves = fitted[panel_row * _PANELS_IN_ROW :][:_PANELS_IN_ROW]
        panels = grid[2 + arrival_rows + panel_row].subgridspec(1, len(curves))
        for column, stage in enumerate(curves):
            draw_relaxation(figure.add_subplot(panels[column]), record, stage)
    draw_title(figure, record)
    figure.supxlabel(prompt_texts(record, telemetry), fontsize=8, x=0.02, ha="left")
    return figure
