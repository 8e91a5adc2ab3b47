"""Keeps how the steps ended, beside the press file, so that the walk can be resumed and shown."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from pressloop.commissioning.step import CommissioningStep, StepResult
from pressloop.commissioning.steps import BY_NAME, STEPS
from pressloop.errors import RecordError

FORMAT: Final = 1
ENDING: Final = ".commissioning.json"
_UNITS: Final = {
    "ul_min": "uL/min",
    "counts": "counts",
    "percent": "%",
    "bar": "bar",
    "mpa_s": "MPa/s",
    "mpa": "MPa",
    "mm": "mm",
    "ul": "uL",
    "ml": "mL",
    "c": "C",
    "n": "N",
}
PUMP_OFF: Final = "pump-off"
"""The step that has the pump motor switched off."""


@dataclass
class CommissioningReport:
    """Every result of a commissioning, the oldest first; the last one of a step counts.

    Attributes:
        board: Identity of the controller.
        press: Name of the press.
        simulated: Whether the press is simulated.
        results: Results in the order of time, also those that no longer count.
        finished_on: Day on which all steps had passed, such as `2026-11-28`; empty before.
        profile_hash: Profile of the board at that time.
    """

    board: str
    press: str
    simulated: bool
    results: list[StepResult] = field(default_factory=list)
    finished_on: str = ""
    profile_hash: str = ""

    def last(self, name: str) -> StepResult | None:
        """Return the last result of a step; None if it was never tried."""
        at = self._place(name)
        return None if at is None else self.results[at]

    def holds(self, step: CommissioningStep, boot_id: int) -> bool:
        """Whether the last result of a step still counts.

        Wires may have been changed while the controller was off, or to mend what was found wrong:
        so they are proved anew in each start of the controller and after each failure among them.
        """
        at = self._place(step.name)
        if at is None or self.results[at].outcome == "fail":
            return False
        if step.group == "wires":
            return self.results[at].boot_id == boot_id and not self._failed_since(at, "wires")
        return not self._failed_since(at, "wires") and not self._failed_since(at, "ram")

    def open_steps(self, boot_id: int) -> list[CommissioningStep]:
        """Return the steps that are still to be made, in their order."""
        return [step for step in STEPS if not self.holds(step, boot_id)]

    def pump_is_on(self) -> bool:
        """Whether a step that needs the pump motor was tried after it was last switched off."""
        later = self.results[self._place(PUMP_OFF) or 0 :]
        return any(BY_NAME[one.name].group != "wires" for one in later if one.name in BY_NAME)

    def _place(self, name: str) -> int | None:
        """Return where the last result of a step is; two results may be equal."""
        places = [at for at, result in enumerate(self.results) if result.name == name]
        return places[-1] if places else None

    def _failed_since(self, at: int, group: str) -> bool:
        return any(
            later.outcome == "fail" and later.name in BY_NAME and BY_NAME[later.name].group == group
            for later in self.results[at + 1 :]
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {"pressloop_commissioning": FORMAT, **asdict(self)}


def report_path(press_file: Path) -> Path:
    """Return where the report of a press file is: beside it."""
    return press_file.with_name(press_file.name.removesuffix(press_file.suffix) + ENDING)


def load_report(path: Path) -> CommissioningReport | None:
    """Read a report; None if there is none.

    Raises:
        RecordError: `bad-report`: the file is no report.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _bad(path, str(error)) from error
    try:
        if data.pop("pressloop_commissioning") != FORMAT:
            raise _bad(path, "it is of another version")
        results = [StepResult(**result) for result in data.pop("results")]
        return CommissioningReport(**data, results=results)
    except (KeyError, TypeError, AttributeError) as error:
        raise _bad(path, f"a value is missing or unknown: {error}") from error


def save_report(path: Path, report: CommissioningReport) -> None:
    """Write a report, and the same for reading beside it; the old one stays until it is whole.

    Raises:
        RecordError: `report-write`.
    """
    try:
        for target, text in (
            (path, json.dumps(report.as_dict(), indent=1) + "\n"),
            (readable_path(path), markdown(report)),
        ):
            new = target.with_name(target.name + ".new")
            new.write_text(text, encoding="utf-8")
            new.replace(target)
    except OSError as error:
        raise RecordError(
            f"the report cannot be written to {path}: {error.strerror}",
            hint="choose a folder that you can write to, with --report",
            code="report-write",
        ) from error


def readable_path(path: Path) -> Path:
    """Return where the report for reading is."""
    return path.with_suffix(".md")


def markdown(report: CommissioningReport) -> str:
    """Return a report for reading."""
    simulated = ", SIMULATED" if report.simulated else ""
    state = (
        f"Commissioned on {report.finished_on}, profile {report.profile_hash}."
        if report.finished_on
        else "Not finished: the steps without a pass are still to be made."
    )
    lines = [f"# Commissioning of {report.press}", ""]
    lines += [f"Board {report.board}{simulated}. {state}", ""]
    lines += ["| step | proves | result | when | measured |", "|---|---|---|---|---|"]
    for step in STEPS:
        found = report.last(step.name)
        if found is None:
            lines.append(f"| {step.name} | {step.title} | not made | | |")
            continue
        why = f": {found.reason}" if found.reason else ""
        lines.append(
            f"| {step.name} | {step.title} | {found.outcome}{why} | {found.at} | "
            f"{measured_text(found)} |"
        )
    failures = [result for result in report.results if result.outcome == "fail"]
    if failures:
        lines += ["", "## What was found wrong", ""]
        for result in failures:
            lines.append(f"- {result.at}, {result.name}, `{result.fault}`: {result.reason}.")
            lines.append(f"  To do: {result.remedy}.")
    return "\n".join(lines) + "\n"


def measured_text(result: StepResult) -> str:
    """Return what a step measured, in a line."""
    return ", ".join(_value_text(*pair) for pair in (result.measured or {}).items())


def _value_text(name: str, value: float | str) -> str:
    """Return a value with its unit, which is the end of its name."""
    if isinstance(value, float):
        value = f"{value:.4g}"
    for ending, unit in _UNITS.items():
        if name.endswith(f"_{ending}"):
            return f"{name.removesuffix(f'_{ending}').replace('_', ' ')} {value} {unit}"
    return f"{name.replace('_', ' ')} {value}"


def _bad(path: Path, why: str) -> RecordError:
    return RecordError(
        f"{path} is no report of a commissioning: {why}",
        hint="move it away; the walk then begins anew",
        code="bad-report",
    )
