"""The plot of a run as a notebook shows it."""

from __future__ import annotations

import io
from pathlib import Path

from pressloop.arguments import path_argument
from pressloop.evaluation import RunRecord
from pressloop.extras import needs_extra
from pressloop.plotting.figure import figure_of, plot_run

with needs_extra("plot"):
    from matplotlib.figure import Figure

_DPI = 110


class RunPlot:
    """The plot of a run: a notebook shows it, and `save` writes it to a file.

    Attributes:
        record: Of the run.
        figure: The plot as a figure of matplotlib, to change or to add to.
    """

    def __init__(self, record: RunRecord) -> None:
        """Draw the plot of a record."""
        self.record = record
        self.figure: Figure = figure_of(record)

    def save(self, path: str | Path, *, dpi: int = 150) -> Path:
        """Write the plot to a file, as it is now; the suffix names the format.

        Raises:
            PressloopError: `plot-format`, for another suffix than .png, .svg and .pdf.
        """
        return plot_run(self.record, path_argument(path, "path"), dpi=dpi, figure=self.figure)

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=_DPI)
        return buffer.getvalue()

    def __repr__(self) -> str:
        """Return which run it is of."""
        return f"<RunPlot of {self.record.directory}>"
