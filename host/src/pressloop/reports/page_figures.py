"""Draws the pictures of a report as SVG that stands inside a page and loads nothing."""

from __future__ import annotations

import io
import re
import textwrap
from dataclasses import dataclass

from pressloop.evaluation import RunRecord, verdict_rows
from pressloop.extras import needs_extra

with needs_extra("plot"):
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from pressloop.plotting.arrival import arrivals_of, draw_arrival
    from pressloop.plotting.overview import draw_pressure, draw_valves
    from pressloop.plotting.powder import draw_powder, panels_of
    from pressloop.plotting.telemetry import telemetry_of

_MAX_PANELS = 3
"""Of the second picture; more would be too narrow for their titles."""

_MAX_POWDER = 2
_TITLE_LETTERS = 150
"""Of the titles of all panels side by side."""


@dataclass(frozen=True)
class PageFigures:
    """The pictures of a report as SVG elements; `details` is empty where nothing is to show."""

    overview: str
    details: str


def draw_page_figures(record: RunRecord, *, tall: bool) -> PageFigures:
    """Draw the whole run for the first page, and arrivals and powder for the second.

    Args:
        record: Of the run.
        tall: Whether the first page has room for a large picture.
    """
    telemetry = telemetry_of(record)
    rows = [row for row in verdict_rows(record.summary) if row.source == "reading"]
    overview = Figure(figsize=(10, 5.2 if tall else 3.3), layout="constrained")
    ratios = [3.6, 1] if tall else [2.8, 1]
    pressure, valves = overview.subplots(2, 1, sharex=True, height_ratios=ratios)
    draw_pressure(pressure, record, telemetry, rows)
    draw_valves(valves, telemetry)
    # Shorter than on a plot of its own: the axes are lower here.
    pressure.set_ylabel("pressure, MPa")
    valves.set_ylabel("valves, %")
    valves.set_yticks([-100, 0, 100], ["release", "0", "pump"])
    powder = panels_of([row.stage for row in rows])
    powder = powder[: max(1, min(_MAX_POWDER, _MAX_PANELS - len(rows)))]
    zoomed = arrivals_of(telemetry, rows, max_panels=_MAX_PANELS - len(powder))
    count = len(zoomed) + len(powder)
    if not count:
        return PageFigures(svg_of(overview, "overview"), "")
    details = Figure(figsize=(10, 3.0), layout="constrained")
    panels = details.subplots(1, count, squeeze=False)[0]
    for column, (row, arrival) in enumerate(zoomed):
        draw_arrival(panels[column], telemetry, row.stage, arrival, first=column == 0)
    for axes, (panel, stage) in zip(panels[len(zoomed) :], powder, strict=True):
        draw_powder(axes, record, panel, stage)
    for axes in panels:
        lines = axes.get_title(loc="left").split("\n")
        fitted = [textwrap.fill(line, _TITLE_LETTERS // count) for line in lines]
        axes.set_title("\n".join(fitted), fontsize=9, loc="left")
    return PageFigures(svg_of(overview, "overview"), svg_of(details, "details"))


def svg_of(figure: Figure, name: str) -> str:
    """Return a figure as one SVG element whose identifiers belong to this name alone.

    Letters are drawn as paths, so that every computer shows the same page.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(?<=[" ])id="', f'id="{name}-', svg)
    svg = svg.replace('xlink:href="#', f'xlink:href="#{name}-').replace("url(#", f"url(#{name}-")
    # The size is that of the place on the page.
    return re.sub(r'^<svg([^>]*?) width="[^"]*"', r"<svg\1", svg, count=1).replace(
        ' height="', ' data-height="', 1
    )
