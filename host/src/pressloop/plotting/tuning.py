"""Draws what the tuning runs showed and the profiles before and after: `tuning.png`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pressloop.extras import needs_extra
from pressloop.machine.profile import MachineProfile, curve_knots
from pressloop.plotting.style import BLUE, GREY, ORANGE, mark_simulated
from pressloop.tuning.identify import Identification, ValveObservations
from pressloop.tuning.result import TuningResult
from pressloop.tuning.windows import KNOTS

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
_MEASURED: Final = GREY
_MAX_POINTS: Final = 1500
_SHOWN_QUANTILE: Final = 0.98
"""Of the measured values, which the axes show at least: a few windows are always outliers."""


def plot_tuning(
    result: TuningResult, path: str | Path, *, simulated: bool = False, dpi: int = 120
) -> Path:
    """Draw compliance, both valves, and how well the first and the last run kept to the setpoint.

    Args:
        result: Of `Press.tune`.
        path: The suffix names the format.
        simulated: Whether the press is simulated; then the picture says so.
        dpi: Of a PNG.

    Returns:
        The path.
    """
    before, after, fine = result.before, result.after, result.fine
    figure = Figure(figsize=(10, 7.2))
    # Room at the top for the title and the mark beside it.
    figure.set_layout_engine(ConstrainedLayoutEngine(rect=(0, 0, 1, 0.95)))
    compliance, error, pump, release = figure.subplots(2, 2).flat
    _compliance(compliance, before, after, fine)
    _valve(
        pump,
        "pump valve",
        fine.pump,
        (before.pump_dead_band_percent, before.pump_flow_ml_s),
        (after.pump_dead_band_percent, after.pump_flow_ml_s),
    )
    _valve(
        release,
        "release valve, flow converted to 10 MPa of oil",
        fine.release,
        (before.release_dead_band_percent, before.release_flow_ml_s),
        (after.release_dead_band_percent, after.release_flow_ml_s),
    )
    for tracking, colour in zip(result.tracking, (_BEFORE, _AFTER), strict=True):
        error.plot(tracking.time_s, tracking.off_mpa, color=colour, lw=0.8, label=tracking.run)
    error.set_title("reading minus setpoint, on the blank", fontsize=10)
    error.set_xlabel("time, s")
    error.set_ylabel("error, MPa")
    for axes in (compliance, pump, release, error):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    quality = f"explains all but {fine.residual_percent:.1f} % of the volume pumped"
    figure.text(
        0.02, 0.985, f"{after.name}: {quality}", fontsize=12, fontweight="bold", va="top", ha="left"
    )
    if simulated:
        mark_simulated(figure)
    figure.savefig(path, dpi=dpi)
    return Path(path)


def _compliance(
    axes: Axes, before: MachineProfile, after: MachineProfile, fine: Identification
) -> None:
    knots_bar = curve_knots(after.max_oil_bar, KNOTS)
    measured = np.isfinite(fine.compliance_ul_mpa)
    some = _some(int(np.count_nonzero(measured)))
    oil_bar = 10 * fine.compliance_at_mpa[measured][some]
    axes.plot(
        oil_bar,
        fine.compliance_ul_mpa[measured][some],
        ".",
        ms=2,
        color=_MEASURED,
        label="measured",
    )
    between_bar = np.geomspace(knots_bar[0], knots_bar[-1], 300)
    for profile, colour, name in ((before, _BEFORE, "before"), (after, _AFTER, "stored")):
        curve = profile.compliance_curve_ul_mpa or (profile.compliance_ul_mpa,) * KNOTS
        axes.plot(knots_bar, curve, ".", color=colour)
        # The board interpolates linearly between the knots; on logarithmic axes that is a curve.
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
    measured: ValveObservations,
    before: tuple[float, float],
    after: tuple[float, float],
) -> None:
    some = _some(len(measured.opening))
    opening = 100 * measured.opening[some]
    flow = measured.flow_ul_s[some] / 1000
    axes.plot(opening, flow, ".", ms=2, color=_MEASURED, label="measured")
    high = float(np.quantile(opening, _SHOWN_QUANTILE))
    low = min(float(np.quantile(opening, 1 - _SHOWN_QUANTILE)), before[0], after[0])
    margin = 0.1 * (high - low) + 0.2
    stroke = np.linspace(low - margin, high + margin, 200)
    for (dead_band, full_ml_s), colour, name in (
        (before, _BEFORE, "before"),
        (after, _AFTER, "stored"),
    ):
        passed = full_ml_s * np.maximum(0, stroke - dead_band) / (100 - dead_band)
        axes.plot(stroke, passed, color=colour, label=f"{name}: dead band {dead_band:.2f} %")
    axes.set_xlim(stroke[0], stroke[-1])
    most = 1.3 * float(np.quantile(flow, _SHOWN_QUANTILE))
    axes.set_ylim(-0.05 * most, most)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("opening, % of stroke")
    axes.set_ylabel("flow, mL/s")


def _some(count: int) -> npt.NDArray[np.int64]:
    """Return indices of at most `_MAX_POINTS` of `count`, evenly spread."""
    return np.unique(np.linspace(0, max(0, count - 1), min(count, _MAX_POINTS)).astype(np.int64))
