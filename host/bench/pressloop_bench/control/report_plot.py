"""Draws the best and the worst press under our law and under the best of the peers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pressloop.extras import needs_extra
from pressloop.plotting import style

from pressloop_bench.control.press_family import Case
from pressloop_bench.control.press_run import TICK_S, Floats
from pressloop_bench.control.quality import BAND
from pressloop_bench.control.run_case import OURS, press, protocol, stages_of

with needs_extra("plot"):
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

_OURS: Final = style.BLUE
_PEER: Final = style.VERMILION


def draw(columns: list[tuple[str, Case, dict[str, Any]]], peer: str, path: Path, dpi: int) -> None:
    """Draw presses side by side: true pressure, and its error from the setpoint in % of the target.

    Args:
        columns: Title, press and its tuned profile.
        peer: The law to draw beside ours.
        path: Of the PNG.
        dpi: Dots per inch of a figure 8 inches wide.
    """
    figure = Figure(figsize=(8, 5))
    # Room at the top for the mark.
    figure.set_layout_engine(ConstrainedLayoutEngine(rect=(0, 0, 1, 0.94)))
    style.mark_simulated(figure)
    axes = figure.subplots(2, len(columns), sharex="col", squeeze=False)
    for column, (title, case, profile) in enumerate(columns):
        above, below = axes[0][column], axes[1][column]
        above.set_title(title, fontsize=11)
        for law, colour in ((peer, _PEER), (OURS, _OURS)):
            _add(above, below, case, profile, law, colour)
        below.axhspan(-100 * BAND, 100 * BAND, color=style.BAND, alpha=0.12, lw=0)
        below.set_xlabel("time, s (without the approach)")
        style.tidy(above)
        style.tidy(below)
    axes[0][0].set_ylabel("true pressure, MPa")
    axes[1][0].set_ylabel("error from the setpoint, % of target")
    axes[1][0].legend(loc="lower left", fontsize=10, framealpha=0.9)
    low = min(axis.get_ylim()[0] for axis in axes[1])
    high = max(axis.get_ylim()[1] for axis in axes[1])
    for axis in axes[1]:
        axis.set_ylim(low, high)
    figure.savefig(path, dpi=dpi)


def _add(
    above: Axes, below: Axes, case: Case, profile: dict[str, Any], law: str, colour: str
) -> None:
    true: list[Floats] = []
    wanted: list[Floats] = []
    off: list[Floats] = []
    for stage in stages_of(press(case, profile, law), protocol(case)):
        setpoint = np.concatenate((stage.ramp_set, np.full(len(stage.hold_true), stage.target_mpa)))
        pressure = np.concatenate((stage.ramp_true, stage.hold_true))
        true.append(pressure)
        wanted.append(setpoint)
        off.append(100 * (pressure - setpoint) / stage.level_mpa)
    time = np.arange(sum(map(len, true))) * TICK_S
    if law == OURS:
        above.plot(time, np.concatenate(true), color=colour, lw=1.2)
        above.plot(time, np.concatenate(wanted), color=style.SETPOINT, lw=0.6, ls=":")
    below.plot(time, np.concatenate(off), color=colour, lw=0.7, label=law)
