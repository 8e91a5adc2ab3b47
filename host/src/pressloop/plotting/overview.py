"""Draws the whole run: pressure and setpoint over time, and below the openings of the valves."""

from __future__ import annotations

from typing import Final

from pressloop.analysis.force import force_kn
from pressloop.evaluation import RunRecord, VerdictRow
from pressloop.extras import needs_extra
from pressloop.plotting.lines import draw_line, thin
from pressloop.plotting.marks import hatch_gaps, mark_waits, name_stages
from pressloop.plotting.style import BAND, OIL, PUMP, READING, RELEASE, SETPOINT, tidy
from pressloop.plotting.telemetry import DrawnTelemetry, in_steps

with needs_extra("plot"):
    import numpy as np
    from matplotlib.axes import Axes


_MIN_BAND_SHARE: Final = 0.05
"""Narrower bands, as a share of the axis, get an edge so that they can be seen."""

_LEGEND_COLUMNS: Final = 6
"""Entries that fit side by side below the panel."""


def draw_pressure(
    axes: Axes, record: RunRecord, telemetry: DrawnTelemetry, rows: list[VerdictRow]
) -> None:
    """Draw pressure and setpoint over the whole run, with the bands, stages, waits and gaps."""
    if not telemetry.time.size:
        axes.text(0.5, 0.5, "no telemetry", transform=axes.transAxes, ha="center", fontsize=16)
    if record.summary.simulated:
        axes.text(
            0.5,
            0.5,
            "SIMULATED",
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=60,
            fontweight="bold",
            color="0.5",
            alpha=0.13,
            zorder=0,
        )
    top = max(
        float(np.nanmax(telemetry.pressure, initial=0)),
        0 if telemetry.oil is None else float(np.nanmax(telemetry.oil, initial=0)),
        *(r.stage.target_mpa for r in rows),
        1,
    )
    for row in rows:
        stage = row.stage
        inside = in_steps(record, telemetry, "hold", stage.index)
        if stage.tolerance_mpa is not None and inside.any():
            span = telemetry.time[inside][[0, -1]]
            low, high = (
                stage.target_mpa - stage.tolerance_mpa,
                stage.target_mpa + stage.tolerance_mpa,
            )
            edge = 5 if high - low < _MIN_BAND_SHARE * top else 0
            axes.fill_between(
                span, low, high, color=BAND, alpha=0.4, lw=edge, zorder=1.5, label="band of hold"
            )
    draw_line(axes, telemetry, telemetry.setpoint, SETPOINT, "setpoint", lw=0.9, ls=(0, (4, 2)))
    name = "pressure (reading)"
    if telemetry.oil is not None:
        draw_line(axes, telemetry, telemetry.oil, OIL, "by the oil", lw=0.9)
        name = "pressure on the pellet"
    draw_line(axes, telemetry, telemetry.pressure, READING, name, lw=1.6)
    mark_waits(axes, record, telemetry)
    hatch_gaps(axes, telemetry)
    axes.set_ylim(-0.03 * top, 1.12 * top)
    axes.set_ylabel("pressure on the pellet, MPa")
    axes.tick_params(labelbottom=False)
    tidy(axes)
    _add_force_axis(axes, record)
    name_stages(axes, telemetry, rows, in_progress=record.in_progress)
    _legend(axes)


def _add_force_axis(axes: Axes, record: RunRecord) -> None:
    """Add the force on the pellet as a second scale, where the die is known."""
    kn_per_mpa = force_kn(1.0, record.header.die_mm)
    if kn_per_mpa is None:
        return
    scale = axes.secondary_yaxis(
        "right",
        functions=(
            lambda mpa: np.asarray(mpa, np.float64) * kn_per_mpa,
            lambda kn: np.asarray(kn, np.float64) / kn_per_mpa,
        ),
    )
    scale.set_ylabel("force on the pellet, kN")


def draw_valves(axes: Axes, telemetry: DrawnTelemetry) -> None:
    """Draw the opening of the pump upwards and that of the release downwards."""
    for sign, colour in ((1, PUMP), (-1, RELEASE)):
        opening = np.clip(sign * telemetry.output, 0, None) * sign
        time, values = thin(telemetry.time, opening)
        axes.fill_between(time, 0, values, color=colour, lw=0.4)
    hatch_gaps(axes, telemetry)
    axes.axhline(0, color="0.3", lw=0.6)
    axes.set_ylim(-105, 105)
    axes.set_yticks([-100, 0, 100], ["100", "0", "100"])
    axes.set_ylabel("opening, %\nrelease | pump")
    axes.set_xlabel(f"time since the start of the run, {telemetry.unit}")
    tidy(axes)


def _legend(axes: Axes) -> None:
    """Explain the lines and marks below the panel: inside it, a run leaves no corner free."""
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    if once:
        rows = -(-len(once) // _LEGEND_COLUMNS)
        axes.legend(
            once.values(),
            once.keys(),
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            ncols=-(-len(once) // rows),
            fontsize=8,
            frameon=False,
        )
