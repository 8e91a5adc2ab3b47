"""Judges each stage: whether it was pressed as planned, and how it meets the general targets.

A stage fails only by what its protocol asks: its target, tolerance and dwell. The general targets,
which are the same for every protocol, stand beside that and do not change the verdict.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from pressloop.evaluation.pump_limit import pump_limit_text
from pressloop.evaluation.summary import RunSummary, StageResult, Verdict
from pressloop.units import duration_text

HOLD_FRACTION: Final = 0.999
"""Share of the dwell's samples that have to be in band."""

_ROUNDING_S: Final = 1e-6

REST_SHARE: Final = 0.01
REST_S: Final = 0.02
"""By how much a rest may be shorter or longer than planned: this share of it, or two ticks."""

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
        verdict: `pass`, `fail` or `not reached`.
        reasons: Why it did not pass, one sentence each; empty when it did.
        targets: Its measures compared with the targets that are the same for every protocol.
    """

    stage: StageResult
    source: Literal["reading", "truth"]
    verdict: Verdict
    reasons: tuple[str, ...]
    targets: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether the stage ended as planned and stayed within its own tolerance."""
        return self.verdict == "pass"


def verdict_rows(summary: RunSummary) -> list[VerdictRow]:
    """Return a row per stage from the reading, each followed by that from the truth, if any."""
    interval_s = summary.header.record_interval_s
    rows = []
    truths = summary.truth or (None,) * len(summary.stages)
    for reading, truth in zip(summary.stages, truths, strict=True):
        rows.append(_row(reading, "reading", interval_s))
        if truth is not None:
            rows.append(_row(truth, "truth", interval_s))
    return rows


def judge(
    stage: StageResult, source: Literal["reading", "truth"], record_interval_s: float
) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict on a stage, and the reasons why it did not pass.

    Each reason is a sentence that has the measured value beside the target and the limit.
    """
    if stage.outcome == "not reached":
        return "not reached", (_ENDINGS["not reached"],)
    reasons = [*_reasons(stage), *_wrong_rest(stage, record_interval_s)]
    if source == "reading":
        reasons += _short_dwell(stage, record_interval_s)
        limited = pump_limit_text(stage)
        if reasons and limited:
            # Not a reason by itself: a ramp that was late may have been held as planned.
            reasons.append(f"{limited[0].upper()}{limited[1:]}.")
    return ("fail" if reasons else "pass"), tuple(reasons)


def verdict_sentence(summary: RunSummary) -> str:
    """Return in words which stages passed, failed or were not reached.

    By the reading; where the truth of an emulated press disagrees, also by that. Empty without
    stages.
    """
    rows = verdict_rows(summary)
    readings = [row for row in rows if row.source == "reading"]
    if not readings:
        return ""
    text = _in_words(readings)
    truths = [row for row in rows if row.source == "truth"]
    if truths and [row.verdict for row in truths] != [row.verdict for row in readings]:
        text = f"By the reading: {text} By the true pressure: {_in_words(truths)}"
    return text


def _in_words(rows: list[VerdictRow]) -> str:
    names = {
        verdict: ", ".join(row.stage.label for row in rows if row.verdict == verdict)
        for verdict in ("pass", "fail", "not reached")
    }
    passed = sum(row.passed for row in rows)
    if passed == len(rows):
        return f"All {passed} stages passed." if passed > 1 else "The stage passed."
    parts = [f"{passed} of {len(rows)} stages passed" + f": {names['pass']}" * bool(passed)]
    parts += [f"Failed: {names['fail']}"] * bool(names["fail"])
    parts += [f"Not reached: {names['not reached']}"] * bool(names["not reached"])
    return ". ".join(parts) + "."


_ENDINGS: Final = {
    "advanced": "The operator ended the stage early.",
    "cut": "The run ended in this stage.",
    "active": "The record ends in this stage.",
    "unknown": "The end of this stage is not in the record.",
    "not reached": "The run did not reach this stage.",
}
"""What it means that a stage has an outcome other than `done`."""


def _row(
    stage: StageResult, source: Literal["reading", "truth"], record_interval_s: float
) -> VerdictRow:
    verdict, reasons = judge(stage, source, record_interval_s)
    return VerdictRow(stage, source, verdict, reasons, _targets(stage))


def _short_dwell(stage: StageResult, record_interval_s: float) -> Iterator[str]:
    """Yield a reason if the dwell was shorter than planned by more than a record at its edges."""
    planned_s, dwell_s = stage.planned_dwell_s, stage.dwell_s
    if planned_s is None or dwell_s is None or dwell_s >= planned_s - 1.5 * record_interval_s:
        return
    yield (
        f"The dwell in band was {duration_text(dwell_s, 2)}; the protocol asks for "
        f"{duration_text(planned_s)}."
    )


def _wrong_rest(stage: StageResult, record_interval_s: float) -> Iterator[str]:
    """Yield a reason if the rest was shorter or longer than planned."""
    planned_s, rest_s, unloaded_s = stage.planned_rest_s, stage.rest_s, stage.rest_unloaded_s
    if planned_s is None or rest_s is None or unloaded_s is None:
        return
    most_s = max(REST_SHARE * planned_s, REST_S, 1.5 * record_interval_s) + _ROUNDING_S
    asked = f"the protocol asks for {duration_text(planned_s)}"
    if abs(rest_s - planned_s) <= most_s and unloaded_s >= planned_s - most_s:
        return
    if rest_s - unloaded_s > most_s:
        yield (
            f"The press was without pressure for {duration_text(unloaded_s, 2)} of "
            f"{duration_text(rest_s, 2)} of rest; {asked}."
        )
    else:
        yield f"The rest without pressure was {duration_text(rest_s, 2)}; {asked}."


def _reasons(stage: StageResult) -> Iterator[str]:
    if stage.outcome != "done":
        yield _ENDINGS.get(stage.outcome, f"The stage ended with the outcome {stage.outcome!r}.")
    if stage.damage is not None:
        yield f"The pellet {stage.damage}."
    if stage.missing_s > 0:
        missing = duration_text(stage.missing_s, 2)
        yield f"{missing} of the stage are not in the record; the limit is 0 s."
    if stage.tolerance_mpa is None or stage.duration_s is None:
        return
    band = f"{stage.target_mpa:g} MPa ± {stage.tolerance_mpa:.2f} MPa"
    if stage.in_band_fraction is None:
        if not stage.missing_s:
            yield f"The hold at {band} did not begin{_nearest(stage)}."
    elif stage.in_band_fraction <= 0:
        yield f"The pressure was never in the band of {band}{_nearest(stage)}."
    elif stage.in_band_fraction < HOLD_FRACTION:
        # Rounded down: 99.899 % must not be shown as 99.90 %, which is the limit.
        percent = math.floor(1e4 * stage.in_band_fraction + 1e-6) / 100
        yield (
            f"The pressure was in the band of {band} for {percent:.2f} % of the hold; "
            f"the limit is {100 * HOLD_FRACTION:.2f} %."
        )
    if stage.overshoot_mpa is not None and stage.overshoot_mpa > stage.tolerance_mpa:
        yield (
            f"The pressure overshot the target of {stage.target_mpa:g} MPa by "
            f"{stage.overshoot_mpa:.2f} MPa; the limit is the tolerance of "
            f"{stage.tolerance_mpa:.2f} MPa."
        )


def _nearest(stage: StageResult) -> str:
    """Return the extreme on the way to the target, as the end of a sentence."""
    if stage.direction == "down":
        name, value = "lowest", stage.lowest_mpa
    else:
        name, value = "highest", stage.peak_mpa
    return "" if value is None else f"; the {name} pressure was {value:.2f} MPa"


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
