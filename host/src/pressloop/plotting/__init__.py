"""The pressure-time plot of a run: what was asked, what happened, how each target was met."""

from __future__ import annotations

from pressloop.plotting.figure import FORMATS, plot_run

__all__ = ["FORMATS", "plot_run"]
