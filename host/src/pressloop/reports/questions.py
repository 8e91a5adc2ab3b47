"""Answers the three questions about a run: pressed as asked? how sure? what was different?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pressloop.evaluation import RunSummary, StageResult, verdict_rows, verdict_sentence
from pressloop.evaluation.notes import ended_late_text
from pressloop.evaluation.run_verdict import run_verdict
from pressloop.evaluation.verdict_basis import basis_sentence
from pressloop.machine.uncertainty import Component
from pressloop.reports.methods import calibration_of
from pressloop.session.fault_texts import explain_fault
from pressloop.units import duration_text, with_uncertainty

_DASH: Final = "—"
"""Stands for what was not measured."""


@dataclass(frozen=True)
class StageAnswer:
    """What was asked of a stage and what it got, as texts; an em dash where nothing is known."""

    name: str
    verdict: str
    target: str
    force: str
    mean: str
    peak: str
    overshoot: str
    dwell: str
    in_band: str
    reasons: tuple[str, ...]
    by_oil: str
    on_pellet: str
    run_to_run: str
    largest: str

    @property
    def passed(self) -> bool:
        """Whether the stage passed, by the reading."""
        return self.verdict == "pass"


@dataclass(frozen=True)
class Answers:
    """The answers to the three questions.

    Attributes:
        verdict: Of the whole run: `pass`, `fail` or `not judged`.
        sentence: The verdict in words.
        stages: One per stage with a target, by the reading.
        basis: What the verdict is about.
        certainty: Sentences on how sure the figures are.
        differences: What was not as usual, one sentence each.
    """

    verdict: str
    sentence: str
    stages: tuple[StageAnswer, ...]
    basis: str
    certainty: tuple[str, ...]
    differences: tuple[str, ...]


def answers_of(summary: RunSummary, *, in_progress: bool = False) -> Answers:
    """Return the answers that the record of a run gives."""
    rows = [row for row in verdict_rows(summary) if row.source == "reading"]
    verdict = "in progress" if in_progress else run_verdict(summary)
    return Answers(
        verdict=verdict,
        sentence=_sentence(summary, verdict),
        stages=tuple(_stage(row.stage, row.verdict, row.reasons) for row in rows),
        basis=basis_sentence(summary),
        certainty=tuple(_certainty(summary)),
        differences=tuple(_differences(summary, in_progress=in_progress)),
    )


def _sentence(summary: RunSummary, verdict: str) -> str:
    said = verdict_sentence(summary)
    if verdict == "in progress":
        return "The run is still being recorded."
    if verdict == "not judged":
        return "The run completed; its protocol has no stage that presses."
    if summary.end_reason != "completed":
        return f"The run did not complete ({_ended(summary)}). {said}".strip()
    if summary.gaps:
        return f"A part of the record is missing. {said}".strip()
    return said


def _ended(summary: RunSummary) -> str:
    ended = summary.end_reason.replace("-", " ")
    return f"{ended}: {summary.fault.replace('-', ' ')}" if summary.fault else ended


def _stage(stage: StageResult, verdict: str, reasons: tuple[str, ...]) -> StageAnswer:
    tolerance = "" if stage.tolerance_mpa is None else f" ± {stage.tolerance_mpa:.2f}"
    planned = "" if stage.planned_dwell_s is None else f" of {duration_text(stage.planned_dwell_s)}"
    largest = max(_random_and_systematic(stage), key=lambda part: part.standard_mpa, default=None)
    return StageAnswer(
        name=stage.label,
        verdict=verdict,
        target=f"{stage.target_mpa:g}{tolerance} MPa",
        force=_with(stage.force_kn or stage.target_force_kn, "{:.4g} kN"),
        mean=_with(stage.mean_mpa, "{:.2f} MPa"),
        peak=_with(stage.peak_mpa, "{:.2f} MPa"),
        overshoot=_with(stage.overshoot_percent, "{:.2f} %"),
        dwell=_DASH if stage.dwell_s is None else f"{duration_text(stage.dwell_s, 2)}{planned}",
        in_band=_with(stage.in_band_fraction, "{:.2%}").replace("%", " %"),
        reasons=reasons,
        by_oil=_plus_minus(stage.mean_mpa_reading_uncertainty),
        on_pellet=_plus_minus(stage.mean_mpa_uncertainty),
        run_to_run=_plus_minus(stage.mean_mpa_repeatability),
        largest="—" if largest is None else _named(largest),
    )


def _random_and_systematic(stage: StageResult) -> tuple[Component, ...]:
    return () if stage.mean_uncertainty is None else tuple(stage.mean_uncertainty.components)


def _named(part: Component) -> str:
    return f"{part.name} (assumed)" if part.assumed else part.name


def _with(value: float | None, form: str) -> str:
    return _DASH if value is None else form.format(value)


def _plus_minus(uncertainty: float | None) -> str:
    if uncertainty is None:
        return "—"
    return f"± {with_uncertainty(0.0, uncertainty).split(' ± ')[1]} MPa"


def _certainty(summary: RunSummary) -> Iterator[str]:
    budgets = [stage.mean_uncertainty for stage in summary.stages if stage.mean_uncertainty]
    if budgets:
        parts = budgets[0].components
        assumed = [part.name for part in parts if part.assumed]
        if assumed:
            yield (
                f"{len(assumed)} of {len(parts)} contributions are assumptions, not data of this "
                f"press: {', '.join(assumed)}."
            )
    else:
        yield "No uncertainty could be computed: the record has no die or no known profile."
    channels = summary.channels
    if channels is not None and channels.count > 1 and channels.largest_difference_mpa is not None:
        yield (
            f"Two pressure channels differed by at most {channels.largest_difference_mpa:.2f} MPa; "
            f"they count as sound up to {_with(channels.allowed_mpa, '{:.2f}')} MPa at low "
            "pressure."
        )
    elif channels is not None and channels.count == 1:
        yield "One pressure channel watched this run; no second one confirms it."
    calibration = calibration_of(summary.header)
    if calibration.get("date"):
        due = f", due on {calibration['due']}" if calibration.get("due") else ""
        yield f"The press was calibrated on {calibration['date']}{due}."
    else:
        yield "The record names no calibration of the press."
    if summary.header.die_confirmed:
        yield "A person read the diameter off the die for this run."
    elif not summary.simulated:
        yield "No person confirmed the diameter of the die: a smaller one presses harder, unseen."
    truths = [row for row in verdict_rows(summary) if row.source == "truth"]
    if truths:
        passed = sum(row.passed for row in truths)
        yield (
            f"The true pressure of this emulated press is known: by it, {passed} of {len(truths)} "
            f"stage{'s' * (len(truths) > 1)} passed."
        )
    if not summary.gaps:
        yield f"All {summary.records} telemetry records of the run are held."


def _differences(summary: RunSummary, *, in_progress: bool) -> Iterator[str]:
    if summary.end_reason != "completed" and not in_progress:
        yield f"The run ended before its time: {_ended(summary)}."
    if summary.fault:
        yield f"{summary.fault}: {explain_fault(summary.fault)[0]}."
    for gap in summary.gaps:
        yield f"{duration_text(gap.seconds, 2)} of telemetry are missing ({gap.records} records)."
    for kind, words in _COMMANDS.items():
        by = [str(event.data.get("by") or "") for event in summary.events if event.kind == kind]
        if by:
            people = ", ".join(dict.fromkeys(filter(None, by)))
            times = "once" if len(by) == 1 else f"{len(by)} times"
            yield f"{words} {times}" + (f", by {people}." if people else ".")
    for stage in summary.stages:
        if stage.outcome == "advanced":
            yield f"{stage.label}: the operator ended {_ended_early(summary, stage)} early."
        if ended_late := ended_late_text(stage):
            yield f"{stage.label}: {ended_late}."
    for event in summary.events:
        if event.kind == "note" and "step" in event.data:
            yield _as_sentence(str(event.data.get("text", "")))
    for fault in summary.injected or ():
        yield f"A fault was injected on purpose at {duration_text(fault.time_s)}: {fault.kind}."
    yield from map(_as_sentence, summary.warnings)
    if summary.note:
        yield _as_sentence(f"Note: {summary.note}")


def _ended_early(summary: RunSummary, stage: StageResult) -> str:
    planned = summary.header.steps
    ended = [
        planned[step.step].kind
        for step in summary.steps
        if step.outcome == "advanced" and planned[step.step].stage == stage.index
    ]
    return " and ".join(f"the {kind}" for kind in ended) or "the hold"


def _as_sentence(text: str) -> str:
    text = f"{text[:1].upper()}{text[1:]}"
    return text if text.endswith((".", "!", "?")) else f"{text}."


_COMMANDS = {
    "pause": "Paused",
    "advance": "A hold or rest was ended",
    "abort": "Aborted",
    "host-lost": "The board lost the computer",
    "reattached": "A program reconnected to the run",
}
"""Kinds of events that a run without incidents does not have."""
