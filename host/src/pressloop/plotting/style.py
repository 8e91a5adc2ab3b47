"""Colours and marks that all plots share."""

from __future__ import annotations

from typing import Final

from pressloop.extras import needs_extra

with needs_extra("plot"):
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours of Okabe and Ito: distinct for all kinds of colour vision, and by lightness in grey.
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
GREEN: Final = "#009E73"
SKY: Final = "#56B4E9"
ORANGE: Final = "#E69F00"
PURPLE: Final = "#CC79A7"
YELLOW: Final = "#F0E442"
BLACK: Final = "#000000"
GREY: Final = "#999999"
RED: Final = "#B2182B"
"""Not one of theirs: only for what went wrong, which the text always states as well."""

# Their meaning in the plot of a run.
READING: Final = BLUE
TRUTH: Final = VERMILION
OIL: Final = ORANGE
SETPOINT: Final = BLACK
BAND: Final = GREEN
PUMP: Final = SKY
RELEASE: Final = ORANGE
PROMPT: Final = PURPLE
PAUSE: Final = GREY
REST: Final = YELLOW
WRONG: Final = RED


def mark_simulated(figure: Figure) -> None:
    """Write SIMULATED into the corner of a figure, as no press moved for it."""
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
    """Give axes a light grid below the lines, and a frame only on the sides with a scale."""
    axes.grid(True, color="0.9", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.01)
