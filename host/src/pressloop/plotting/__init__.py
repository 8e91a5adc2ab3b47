"""Draws a run over time: setpoint, pressure and valves, and how each target was met."""

from __future__ import annotations

from pressloop.plotting.figure import FORMATS, plot_run
from pressloop.plotting.run_plot import RunPlot

__all__ = ["FORMATS", "RunPlot", "plot_run"]
