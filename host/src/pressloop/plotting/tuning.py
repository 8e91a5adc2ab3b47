"""What a tuning run saw, and what was known before and after it: one picture beside the records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pressloop.extras import needs_extra
from pressloop.machine.profile import MachineProfile, curve_knots
from pressloop.plotting.style import BLUE, GREY, ORANGE, mark_simulated
from pressloop.tuning.tune import KNOTS, Tuned, ValveObservations

with needs_extra("plot"):
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.ticker import LogLocator, NullFormatter

Floats = npt.NDArray[np.float64]

_BEFORE: Final = ORANGE
_AFTER: Final = BLUE
_SEEN: Final = GREY
_POINTS: Final = 1500
# Shares of the seen values that the axes show at least: a few windows are always odd.
_MOST: Final = 0.98


def plot_tuning(
    before: MachineProfile,
    after: MachineProfile,
    tuned: Tuned,
    errors: Sequence[tuple[str, Floats, Floats]],
    path: str | Path,
    *,
    simulated: bool = False,
    dpi: int = 120,
) -> Path:
    """Draw compliance, both valves, and how well the first and the last run kept to the setpoint.

    Args:
        before: The profile that was on the board.
        after: The one that is stored.
        tuned: What the last run taught.
        errors: Per run a name, the time in s and the distance from the setpoint in MPa.
        path: The suffix names the format.
        simulated: Whether the press is; then the picture says so.
        dpi: Of a PNG.

    Returns:
        The path.
    """
    figure = Figure(figsize=(10, 7.2))
    # Room at the top for the title and the mark beside it.
    figure.set_layout_engine(ConstrainedLayoutEngine(rect=(0, 0, 1, 0.95)))
    compliance, error, pump, release = figure.subplots(2, 2).flat
    _compliance(compliance, before, after, tuned)
    _valve(
        pump,
        "pump valve",
        tuned.pump,
        (before.pump_dead_band_percent, before.pump_flow_ml_s),
        (after.pump_dead_band_percent, after.pump_flow_ml_s),
    )
    _valve(
        release,
        "release valve, flow as at 10 MPa of oil",
        tuned.release,
        (before.release_dead_band_percent, before.release_flow_ml_s),
        (after.release_dead_band_percent, after.release_flow_ml_s),
    )
    for (name, time_s, off_mpa), colour in zip(errors, (_BEFORE, _AFTER), strict=False):
        error.plot(time_s, off_mpa, color=colour, lw=0.8, label=name)
    error.set_title("reading against setpoint, on the blank", fontsize=10)
    error.set_xlabel("time, s")
    error.set_ylabel("off the setpoint, MPa")
    for axes in (compliance, pump, release, error):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    quality = f"explains all but {tuned.residual_percent:.1f} % of the volume pumped"
    figure.text(
        0.02, 0.985, f"{after.name}: {quality}", fontsize=12, fontweight="bold", va="top", ha="left"
    )
    if simulated:
        mark_simulated(figure)
    figure.savefig(path, dpi=dpi)
    return Path(path)


def _compliance(axes: Axes, before: MachineProfile, after: MachineProfile, tuned: Tuned) -> None:
    knots_bar = curve_knots(after.max_oil_bar, KNOTS)
    seen = np.isfinite(tuned.compliance_ul_mpa)
    some = _some(int(np.count_nonzero(seen)))
    oil_bar = 10 * tuned.compliance_at_mpa[seen][some]
    axes.plot(oil_bar, tuned.compliance_ul_mpa[seen][some], ".", ms=2, color=_SEEN, label="seen")
    between_bar = np.geomspace(knots_bar[0], knots_bar[-1], 300)
    for profile, colour, name in ((before, _BEFORE, "before"), (after, _AFTER, "stored")):
        curve = profile.compliance_curve_ul_mpa or (profile.compliance_ul_mpa,) * KNOTS
        axes.plot(knots_bar, curve, ".", color=colour)
        # Straight between the knots, as the board takes it: on these axes that is bent.
        axes.plot(between_bar, np.interp(between_bar, knots_bar, curve), color=colour, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis, ticks in ((axes.xaxis, (1, 2, 5)), (axes.yaxis, (1, 1.2, 1.5, 2, 3, 4, 5, 6, 8))):
        axis.set_major_locator(LogLocator(subs=ticks))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    axes.set_title("oil that the closed press takes up", fontsize=10)
    axes.set_xlabel("oil pressure, bar")
    axes.set_ylabel("compliance, uL/MPa")


def _valve(
    axes: Axes,
    title: str,
    seen: ValveObservations,
    before: tuple[float, float],
    after: tuple[float, float],
) -> None:
    some = _some(len(seen.opening))
    opening = 100 * seen.opening[some]
    flow = seen.flow_ul_s[some] / 1000
    axes.plot(opening, flow, ".", ms=2, color=_SEEN, label="seen")
    high = float(np.quantile(opening, _MOST))
    low = min(float(np.quantile(opening, 1 - _MOST)), before[0], after[0])
    margin = 0.1 * (high - low) + 0.2
    stroke = np.linspace(low - margin, high + margin, 200)
    for (dead_band, full_ml_s), colour, name in (
        (before, _BEFORE, "before"),
        (after, _AFTER, "stored"),
    ):
        passed = full_ml_s * np.maximum(0, stroke - dead_band) / (100 - dead_band)
        axes.plot(stroke, passed, color=colour, label=f"{name}: dead band {dead_band:.2f} %")
    axes.set_xlim(stroke[0], stroke[-1])
    most = 1.3 * float(np.quantile(flow, _MOST))
    axes.set_ylim(-0.05 * most, most)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("opening, % of stroke")
    axes.set_ylabel("flow, mL/s")


def _some(count: int) -> npt.NDArray[np.int64]:
    """Return indices of at most `_POINTS` of `count`, evenly spread."""
    return np.unique(np.linspace(0, max(0, count - 1), min(count, _POINTS)).astype(np.int64))
