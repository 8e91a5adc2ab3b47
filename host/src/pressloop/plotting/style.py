"""The look that all plots of this program share."""

from __future__ import annotations

from typing import Final

from pressloop.extras import needs_extra

with needs_extra("plot"):
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours: told apart by all kinds of colour vision, and in grey by lightness.
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
GREEN: Final = "#009E73"
SKY: Final = "#56B4E9"
ORANGE: Final = "#E69F00"
PURPLE: Final = "#CC79A7"
BLACK: Final = "#000000"
GREY: Final = "#999999"
RED: Final = "#B2182B"
"""Not one of theirs: only for what went wrong, which is always said in words as well."""

# What they stand for in the plot of a run.
READING: Final = BLUE
TRUTH: Final = VERMILION
SETPOINT: Final = BLACK
BAND: Final = GREEN
PUMP: Final = SKY
RELEASE: Final = ORANGE
PROMPT: Final = PURPLE
PAUSE: Final = GREY
WRONG: Final = RED


def mark_simulated(figure: Figure) -> None:
    """Say in the corner of a figure that no press moved for it."""
    figure.text(
        0.985,
        0.988,
        "SIMULATED",
        ha="right",
        va="top",
        fontsize=13,
        fontweight="bold",
        color="white",
        bbox={"facecolor": RED, "edgecolor": "none", "boxstyle": "square,pad=0.35"},
    )


def tidy(axes: Axes) -> None:
    """Give axes a light grid below the lines, and no frame where there is no scale."""
    axes.grid(True, color="0.9", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.01)
