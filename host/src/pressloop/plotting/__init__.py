"""Draws a run over time: setpoint, pressure and valves, and how each target was met."""

from __future__ import annotations

from pressloop.plotting.figure import FORMATS, plot_run

__all__ = ["FORMATS", "plot_run"]
