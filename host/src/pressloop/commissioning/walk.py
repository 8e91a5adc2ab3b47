"""Walks through the steps: what is still open, in order, each kept in the report at once."""

from __future__ import annotations

import binascii
import datetime
from collections.abc import Callable
from pathlib import Path

from pressloop.commissioning.bench import CommissioningBench, now_text
from pressloop.commissioning.operator import CommissioningOperator
from pressloop.commissioning.report import (
    PUMP_OFF,
    CommissioningReport,
    load_report,
    save_report,
)
from pressloop.commissioning.step import (
    CommissioningStep,
    StepFailedError,
    StepResult,
    StepSkippedError,
)
from pressloop.commissioning.steps import BY_NAME, STEPS
from pressloop.errors import BadInputError, CommandRefusedError
from pressloop.machine.commissioned import day_number
from pressloop.press import Press
from pressloop.session.status import PressStatus
from pressloop.wire.codec import encode_message

OnStep = Callable[[CommissioningStep], None]
OnResult = Callable[[StepResult], None]


class CommissioningWalk:
    """The walk of one press.

    Attributes:
        report: How the steps ended so far.
        path: Where the report is kept.
    """

    def __init__(
        self,
        press: Press,
        operator: CommissioningOperator,
        path: Path,
        *,
        converter: str | None = None,
        on_step: OnStep | None = None,
        on_result: OnResult | None = None,
        on_status: Callable[[PressStatus], None] | None = None,
    ) -> None:
        """Take up the report at `path`, or begin a new one.

        Args:
            press: The press; its board needs a machine profile.
            operator: The person, or what stands in for one.
            path: The report; records of runs go into a folder beside it.
            converter: Converter of the first transducer by the press file; None: not compared.
            on_step: Called before each step.
            on_result: Called after each step.
            on_status: Called a few times a second in runs.

        Raises:
            CommandRefusedError: `no-profile`.
            BadInputError: `other-board`: the report is of another controller.
            RecordError: The report cannot be read.
        """
        board = press.hello.unique_id.hex()
        found = load_report(path)
        if found is not None and found.simulated and found.board != board:
            found = None  # a rehearsal: the next one, or the press itself, begins anew
        if found is not None and found.board != board:
            raise BadInputError(
                f"{path} is the report of board {found.board}, and this is board {board}",
                hint="choose another file with --report, or move this one away",
                code="other-board",
            )
        self._bench = CommissioningBench(
            press,
            operator,
            folder=path.with_suffix(""),
            converter=converter,
            on_status=on_status,
        )
        self.path = path
        self.report = found or CommissioningReport(
            board, self._bench.profile.name, press.hello.simulated
        )
        self._press = press
        self._on_step = on_step
        self._on_result = on_result

    @property
    def boot_id(self) -> int:
        """The start of the controller that wires are proved in."""
        return self._press.hello.boot_id

    def open_steps(self) -> list[CommissioningStep]:
        """Return the steps that are still to be made, in their order."""
        return self.report.open_steps(self.boot_id)

    def run(self) -> bool:
        """Make every open step until one fails; return whether the press is commissioned."""
        steps = self.open_steps()
        if not steps and self.report.finished_on:
            return True
        while steps:
            if self._make(steps[0]).outcome == "fail":
                return False
            steps = self.open_steps()
        self._finish()
        return True

    def run_step(self, name: str) -> StepResult:
        """Make one step anew, and finish if it was the last one.

        Raises:
            BadInputError: `unknown-step`; `step-too-early`: a step before it has not passed.
        """
        if name not in BY_NAME:
            raise BadInputError(
                f"there is no step {name!r}",
                hint=f"steps: {', '.join(BY_NAME)}",
                code="unknown-step",
            )
        step = BY_NAME[name]
        missing = self.required_before(step)
        if missing:
            names = ", ".join(one.name for one in missing)
            raise BadInputError(
                f"the step {name} comes after: {names}",
                hint="run pressloop commission without --step: it makes what is missing, in order",
                code="step-too-early",
            )
        if step.group == "wires" and self.report.pump_is_on():
            # What follows may give current to a valve on the wrong wire.
            off = self._make(BY_NAME[PUMP_OFF])
            if step.name == PUMP_OFF or off.outcome == "fail":
                return off
        result = self._make(step)
        if result.outcome != "fail" and not self.open_steps():
            self._finish()
        return result

    def required_before(self, step: CommissioningStep) -> list[CommissioningStep]:
        """Return the open steps that a step needs: all before it, for what gives current."""
        before = STEPS[: STEPS.index(step)]
        return [one for one in self.open_steps() if one in before]

    def _make(self, step: CommissioningStep) -> StepResult:
        if self._on_step is not None:
            self._on_step(step.worded(is_vessel=self._bench.profile.is_vessel))
        result = self._try(step)
        self.report.results.append(result)
        if result.outcome == "fail":
            self.report.finished_on = self.report.profile_hash = ""
            self._withdraw()
        save_report(self.path, self.report)
        if self._on_result is not None:
            self._on_result(result)
        return result

    def _try(self, step: CommissioningStep) -> StepResult:
        try:
            measured = step.run(self._bench)
        except StepFailedError as failed:
            return StepResult(
                step.name,
                "fail",
                now_text(),
                self.boot_id,
                failed.fault,
                failed.reason,
                failed.remedy,
            )
        except StepSkippedError as skipped:
            return StepResult(step.name, "skipped", now_text(), self.boot_id, reason=str(skipped))
        return StepResult(step.name, "pass", now_text(), self.boot_id, measured=measured)

    def _finish(self) -> None:
        """Store the day on the board, and keep it in the report."""
        today = datetime.date.today()
        self._store(day_number(today))
        self.report.finished_on = today.isoformat()
        wire = self._bench.profile.to_wire()
        self.report.profile_hash = f"{binascii.crc32(encode_message(wire)):08x}"
        save_report(self.path, self.report)

    def _withdraw(self) -> None:
        """Take the day off the board: what was proved then no longer holds."""
        if self._bench.profile.commissioned_day is not None:
            self._store(None)

    def _store(self, day: int | None) -> None:
        profile = self._press.profile().model_copy(update={"commissioned_day": day})
        try:
            self._press.write_profile(profile)
        except CommandRefusedError:
            if day is not None:
                raise
            return  # with a fault latched: the report says what failed
        self._bench.profile = self._press.profile()
