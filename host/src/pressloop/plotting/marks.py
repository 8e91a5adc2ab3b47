"""Marks stages with their verdict, prompts, pauses, rests and gaps over the time axis."""

from __future__ import annotations

import textwrap
from typing import Final

from pressloop.evaluation import RunRecord, VerdictRow
from pressloop.extras import needs_extra
from pressloop.plotting.style import PAUSE, PROMPT, REST, WRONG
from pressloop.plotting.telemetry import DrawnTelemetry, in_steps, spans

with needs_extra("plot"):
    from matplotlib.axes import Axes


_TARGET_LETTERS: Final = 8
"""Of a target such as `17.4 MPa`: a stage that has less room gets its mark alone."""


def name_stages(
    axes: Axes, telemetry: DrawnTelemetry, rows: list[VerdictRow], *, in_progress: bool
) -> None:
    """Write name and verdict above each stage; where no whole word fits, the verdict alone.

    The stage in which a run in progress is has no verdict yet.
    """
    if not telemetry.time.size:
        return
    whole = float(telemetry.time[-1] - telemetry.time[0]) or 1.0
    for row in rows:
        times = telemetry.time[telemetry.stage == row.stage.index]
        if not times.size:
            continue
        # About 110 letters of this size fit side by side.
        letters = int(110 * (times[-1] - times[0]) / whole)
        open_ended = in_progress and row.stage.outcome == "active"
        wrong = not row.passed and not open_ended
        label = "…" if open_ended else "✗" if wrong else "✓"
        if letters >= max(_TARGET_LETTERS, *map(len, row.stage.label.split())):
            name = textwrap.fill(row.stage.label, letters)
            label = f"{name}\n{row.stage.target_mpa:g} MPa {label}"
        axes.annotate(
            label,
            (float(times[0] + times[-1]) / 2, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=9,
            color=WRONG if wrong else "black",
            fontweight="bold" if wrong else "normal",
        )
        axes.axvspan(
            float(times[0]),
            float(times[-1]),
            ymin=0.985,
            facecolor=WRONG if wrong else "0.35",
            edgecolor="white",
            lw=1.5,
        )


def mark_waits(axes: Axes, record: RunRecord, telemetry: DrawnTelemetry) -> None:
    """Mark rests and pauses, and prompts with the number that `prompt_texts` explains.

    A rest lasts from the end of its release; its clock begins once the press is unloaded.
    """
    prompting, paused = telemetry.is_in("prompting"), telemetry.is_in("paused")
    resting = in_steps(record, telemetry, "rest") & telemetry.is_in("running")
    for inside, colour, name in (
        (prompting, PROMPT, "operator prompt"),
        (paused, PAUSE, "paused"),
        (resting, REST, "rest without pressure"),
    ):
        for number, (start, stop) in enumerate(spans(inside), 1):
            span = float(telemetry.time[start]), float(telemetry.time[stop - 1])
            axes.axvspan(*span, facecolor=(colour, 0.35), edgecolor=colour, lw=1.2, label=name)
            if inside is prompting:
                axes.annotate(
                    str(number),
                    (sum(span) / 2, 0.12),
                    xycoords=("data", "axes fraction"),
                    ha="center",
                    va="center",
                    fontsize=8,
                    bbox={
                        "facecolor": "white",
                        "edgecolor": PROMPT,
                        "boxstyle": "circle,pad=0.25",
                    },
                )


def prompt_texts(record: RunRecord, telemetry: DrawnTelemetry) -> str:
    """Return the texts of the prompts, numbered as in the plot, on at most three lines."""
    texts = {step.index: step.text or "" for step in record.header.steps}
    asked = [
        f"({number}) {texts.get(int(telemetry.step[start]), '')}"
        for number, (start, _) in enumerate(spans(telemetry.is_in("prompting")), 1)
    ]
    lines = textwrap.wrap("   ".join(asked), 150, max_lines=3, placeholder=" …")
    return "\n".join(lines)


def hatch_gaps(axes: Axes, telemetry: DrawnTelemetry) -> None:
    """Hatch the times for which telemetry is missing."""
    for start, stop in telemetry.gaps:
        axes.axvspan(
            start, stop, facecolor="none", edgecolor="0.4", hatch="////", lw=0, label="not recorded"
        )
