"""Judges each stage: whether it was pressed as planned, and how it meets the general targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from pressloop.evaluation.summary import RunSummary, StageResult

HOLD_FRACTION: Final = 0.999
"""Share of the dwell's samples that have to be in band."""

LOW_PRESSURE_MPA: Final = 100.0
"""Below this target the overshoot is judged in MPa: a reading does not resolve half a per cent."""

OVERSHOOT_PERCENT: Final = 0.5
OVERSHOOT_LOW_MPA: Final = 0.5
RAMP_ERROR_PERCENT: Final = 2.0
SETTLE_S: Final = 0.5
RMS_PERCENT: Final = 0.1

Unit = Literal["%", "MPa", "s"]


@dataclass(frozen=True)
class Check:
    """Compares a measure with its limit; `value` and `passed` are None when it was not measured."""

    measure: str
    value: float | None
    limit: float
    unit: Unit
    at_least: bool = False

    @property
    def passed(self) -> bool | None:
        """Whether the value is within the limit."""
        if self.value is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@dataclass(frozen=True)
class VerdictRow:
    """The verdict on one stage, from one source.

    Attributes:
        source: `reading`, or `truth` on an emulated press.
        passed: The stage ended as planned and stayed within its own tolerance.
        reasons: Why it did not pass; empty when it did.
        targets: Its measures compared with the targets that are the same for every protocol.
    """

    stage: StageResult
    source: Literal["reading", "truth"]
    passed: bool
    reasons: tuple[str, ...]
    targets: tuple[Check, ...]


def verdict_rows(summary: RunSummary) -> list[VerdictRow]:
    """Return a row per stage from the reading, each followed by that from the truth, if any."""
    rows = []
    truths = summary.truth or (None,) * len(summary.stages)
    for reading, truth in zip(summary.stages, truths, strict=True):
        short = _short_dwell(reading, summary.header.record_interval_s)
        rows.append(_row(reading, "reading", short))
        if truth is not None:
            rows.append(_row(truth, "truth", None))
    return rows


def _row(stage: StageResult, source: Literal["reading", "truth"], short: str | None) -> VerdictRow:
    reasons = (*_reasons(stage), *([short] if short else []))
    return VerdictRow(stage, source, not reasons, reasons, _targets(stage))


def _short_dwell(stage: StageResult, record_interval_s: float) -> str | None:
    """Return a reason if the dwell was shorter than planned by more than a record at its edges."""
    planned, dwell = stage.planned_dwell_s, stage.dwell_s
    if planned is None or dwell is None or dwell >= planned - 1.5 * record_interval_s:
        return None
    return f"{dwell:.2f} s of {planned:.2f} s in band"


def _reasons(stage: StageResult) -> Iterator[str]:
    if stage.outcome != "done":
        yield "ended early by the operator" if stage.outcome == "advanced" else stage.outcome
    if stage.damage is not None:
        yield f"the pellet {stage.damage}"
    if stage.missing_s > 0:
        yield f"{stage.missing_s:.2f} s are not in the record"
    if stage.tolerance_mpa is None or stage.duration_s is None:
        return
    if stage.in_band_fraction is None:
        if not stage.missing_s:
            yield "the hold did not begin"
    elif stage.in_band_fraction < HOLD_FRACTION:
        yield f"in band for {100 * stage.in_band_fraction:.2f} % of the hold"
    if stage.overshoot_mpa is not None and stage.overshoot_mpa > stage.tolerance_mpa:
        yield f"overshot by {stage.overshoot_mpa:.2f} MPa, out of band"


def _targets(stage: StageResult) -> tuple[Check, ...]:
    if stage.target_mpa < LOW_PRESSURE_MPA:
        overshoot = Check("overshoot", stage.overshoot_mpa, OVERSHOOT_LOW_MPA, "MPa")
    else:
        overshoot = Check("overshoot", stage.overshoot_percent, OVERSHOOT_PERCENT, "%")
    rms = stage.rms_error_mpa
    if rms is not None:
        rms = 100 * rms / stage.target_mpa if stage.target_mpa > 0 else None
    within = stage.hold_within_half_percent
    return (
        overshoot,
        Check("ramp error", stage.ramp_error_percent, RAMP_ERROR_PERCENT, "%"),
        Check("settle", stage.settle_s, SETTLE_S, "s"),
        Check(
            "hold within 0.5 %",
            None if within is None else 100 * within,
            100 * HOLD_FRACTION,
            "%",
            at_least=True,
        ),
        Check("rms", rms, RMS_PERCENT, "%"),
    )
