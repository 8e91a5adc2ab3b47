"""Writes the report of a calibration as Markdown, for people, beside the JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pressloop.calibration.record import CalibrationRecord

PROCEDURE: Final = (
    "The procedure is that of ISO 7500-1: at least five levels over 20 to 100 % of the range, "
    "three rising series, and one falling at least. No class of the standard is claimed."
)


def report_markdown(record: CalibrationRecord) -> str:
    """Return the report of a calibration that was read to its end."""
    return "\n".join(_lines(record)) + "\n"


def write_report(record: CalibrationRecord, beside: Path) -> tuple[Path, Path]:
    """Write report and data; return both paths.

    Args:
        record: The calibration.
        beside: Path without its ending, such as `my-press.calibration-2026-11-28`.
    """
    text, data = (beside.with_name(beside.name + end) for end in (".md", ".json"))
    text.write_text(report_markdown(record), encoding="utf-8")
    data.write_text(record.model_dump_json(indent=1), encoding="utf-8")
    return text, data


def _lines(record: CalibrationRecord) -> Iterator[str]:
    outcome = record.outcome or {}
    figures: dict[str, Any] = outcome.get("figures", {})
    levels: list[dict[str, Any]] = list(figures.get("levels", ()))
    reference = record.reference
    yield f"# Calibration of {record.press}"
    yield ""
    if record.simulated:
        yield "**SIMULATED: no real press was calibrated.**"
        yield ""
    yield PROCEDURE
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| result | **{'passed' if outcome.get('passed') else 'failed'}** |"
    yield f"| date | {record.date} |"
    yield f"| due | {record.due} |"
    yield f"| controller | {record.board} |"
    yield f"| profile before | {record.profile_hash} |"
    yield f"| reference | {reference.certificate} ({reference.kind}) |"
    yield f"| its uncertainty, k = 2 | {reference.uncertainty_percent:g} % of the reading |"
    if levels:
        yield f"| range | {levels[0]['force_kn']:.4g} to {levels[-1]['force_kn']:.4g} kN |"
    yield f"| accepted up to | {record.accept_percent:g} % |"
    yield (
        "| **uncertainty after the correction, k = 2** | "
        f"**{figures.get('uncertainty_percent', 0):.2g} % of the force, and "
        f"{figures.get('uncertainty_n', 0):.2g} N, added as squares** |"
    )
    yield f"| stored on the board | {'yes' if record.stored else 'no'} |"
    yield ""
    for reason in outcome.get("reasons", ()):
        yield f"- {reason}"
    yield from _table(levels, figures)
    yield from _learned(outcome)
    yield from _changes(outcome)
    yield from _readings(record)


def _table(levels: list[dict[str, Any]], figures: dict[str, Any]) -> Iterator[str]:
    yield "## Figures"
    yield ""
    yield "In per cent of the force, as found and as left after the correction."
    yield ""
    yield (
        "| force, kN | error | repeatability | reversibility | U (k=2) | error left | "
        "repeatability left | reversibility left |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for level in levels:
        cells = [
            f"{level['force_kn']:.4g}",
            *(
                _percent(level[name])
                for name in (
                    "error_percent",
                    "repeatability_percent",
                    "reversibility_percent",
                    "uncertainty_percent",
                    "error_left_percent",
                    "repeatability_left_percent",
                    "reversibility_left_percent",
                )
            ),
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""
    zero = figures.get("zero_percent")
    if zero is not None:
        yield f"Zero: {zero:+.3f} % of the largest force, read while the ram travelled."
        yield ""


def _learned(outcome: dict[str, Any]) -> Iterator[str]:
    correction = outcome.get("correction") or {}
    line = correction.get("cell") or correction.get("oil") or {}
    friction = correction.get("friction")
    yield "## What was learned"
    yield ""
    yield f"- gain: the reading is {100 * line.get('gain', 0):+.3f} % off"
    yield f"- zero: {line.get('zero_n', 0):+.1f} N"
    if friction is not None:
        yield (
            f"- friction: {friction['percent']:.2f} % of the oil's force and "
            f"{friction['newtons']:.0f} N, +-{friction['uncertainty_percent']:.0f} % of it"
        )
        elastic_n = correction.get("elastic_n", 0)
        if elastic_n:
            yield (
                f"- on this stack friction is {elastic_n:.0f} N less on the way up, as it lags "
                "behind the pressure; that is part of the uncertainty"
            )
        for number in correction.get("unreversed", ()):
            yield (
                f"- on the way down, friction had not yet turned round at level {number}, which is "
                "left out"
            )
    elif correction.get("without_friction"):
        yield f"- {correction['without_friction']}"
    yield ""


def _changes(outcome: dict[str, Any]) -> Iterator[str]:
    changes = outcome.get("changes") or {}
    if not changes:
        return
    yield "## Changes of the profile"
    yield ""
    yield "| value | before | after |"
    yield "|---|---|---|"
    for name, change in changes.items():
        yield f"| {name} | {_value(change['old'])} | {_value(change['new'])} |"
    yield ""


def _readings(record: CalibrationRecord) -> Iterator[str]:
    yield "## Readings"
    yield ""
    yield "| series | direction | level | indicated, kN | reference, kN |"
    yield "|---|---|---|---|---|"
    for reading in record.readings:
        way = "rising" if reading.rising else "falling"
        reference = "-" if reading.reference_kn is None else f"{reading.reference_kn:.4f}"
        yield (
            f"| {reading.series} | {way} | {reading.level} | {reading.indicated_kn:.4f} | "
            f"{reference} |"
        )


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f}"


def _value(value: object) -> str:
    if value is None:
        return "not set"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
