"""What a step works with: the press, the person, and the telemetry between them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pressloop.commissioning.operator import Action, CommissioningOperator
from pressloop.commissioning.step import StepFailedError
from pressloop.errors import CommandRefusedError, required
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press
from pressloop.session.fault_texts import FAULT_TEXTS
from pressloop.session.status import PressStatus
from pressloop.session.telemetry import TelemetryRecord
from pressloop.session.telemetry_iterator import TelemetryIterator
from pressloop.wire.names import wire_name
from pressloop.wire.schema import (
    OUTPUT_FULL,
    TICK_HZ,
    AbortRequest,
    Fault,
    InputBits,
    StatusReply,
    ValveTestRequest,
)

MAX_TEST_S: Final = 30.0
"""Longest time for which the board leaves a valve open in a test."""

_MOST_KPA: Final = ValveTestRequest.range_of("rise_kpa")[1]
_PERSON_S: Final = 60.0
_SCRIPT_S: Final = 1.5
_DEBOUNCE_TICKS: Final = 5
_STATUS_S: Final = 0.1
_SILENCE_LIMIT_S: Final = 30.0
"""A board sends records five times a second, unless its control loop fails in every tick."""


@dataclass(frozen=True)
class Reading:
    """A stretch of readings of the first transducer.

    Attributes:
        mean: Mean, counts.
        sigma: Standard deviation, counts.
        span: Difference of the largest and the least, counts.
    """

    mean: float
    sigma: float
    span: int


class CommissioningBench:
    """The press that is commissioned, and the person beside it.

    Attributes:
        press: The press.
        operator: The person.
        profile: The board's machine profile.
        folder: Where records of runs go.
        on_status: Shows the status of a run; None shows nothing.
        blank: Die with the steel blank, mm, and limit on it, MPa, once the person has said them;
            of a vessel its bore, and the limit in it.
    """

    def __init__(
        self,
        press: Press,
        operator: CommissioningOperator,
        *,
        folder: Path,
        converter: str | None = None,
        on_status: Callable[[PressStatus], None] | None = None,
    ) -> None:
        """Keep what a step needs; `converter` is the one that the press file names."""
        self.press = press
        self.operator = operator
        self.profile: MachineProfile = press.profile()
        self.folder = folder
        self.converter = converter
        self.on_status = on_status
        self.blank: tuple[float, float] | None = None
        self._batches: TelemetryIterator | None = None
        self._records: Iterator[TelemetryRecord] = iter(())

    @property
    def wait_s(self) -> float:
        """How long to wait for what a person does, s of press time; a script does it at once."""
        return _SCRIPT_S if self.operator.at_once else _PERSON_S

    @property
    def _lever(self) -> float:
        """Pellet pressure per oil pressure on the largest die: the strictest, whichever counts."""
        return self.profile.lever(max(self.profile.dies_mm))

    def bar(self, counts: float) -> float:
        """Return counts of the first transducer as oil pressure, bar."""
        profile = self.profile
        return counts * profile.full_scale_bar / (profile.raw_full - profile.raw_zero)

    # --- watching

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Follow the telemetry in the block; an emulated press waits for what the step does."""
        batches = TelemetryIterator(self.press.session, silence_limit_s=_SILENCE_LIMIT_S)
        with batches:
            self._batches = batches
            self._records = (record for batch in batches for record in batch.records)
            try:
                yield
            finally:
                self._batches = None
                with suppress(CommandRefusedError):  # no test is in progress
                    self.press.session.request(AbortRequest())

    def record(self) -> TelemetryRecord:
        """Return the next record."""
        required(self._batches, "telemetry")
        return next(self._records)

    def wait(self, condition: Callable[[TelemetryRecord], bool], wait_s: float) -> bool:
        """Wait until a condition holds for 50 ms; return whether it did in that press time."""
        begin = None
        held = 0
        fresh_from = self.press.session.status().tick
        while True:
            record = self.record()
            if record.tick < fresh_from:
                continue
            begin = record.tick if begin is None else begin
            held = held + 1 if condition(record) else 0
            if held >= _DEBOUNCE_TICKS:
                return True
            if record.tick - begin > wait_s * TICK_HZ:
                return False

    def pass_time(self, seconds: float) -> None:
        """Let press time pass."""
        self.wait(lambda _record: False, seconds)

    def wait_status(self, condition: Callable[[StatusReply], bool], wait_s: float) -> bool:
        """Wait until the board's status meets a condition; return whether it did in that time."""
        begin = self.press.session.status().tick
        while True:
            reply = self.press.session.status()
            if condition(reply):
                return True
            if reply.tick - begin > wait_s * TICK_HZ:
                return False
            self.pass_time(_STATUS_S)

    def reads_nothing(self, record: TelemetryRecord) -> bool:
        """Return whether the first transducer reads as one with a broken or shorted wire."""
        return not self.profile.raw_fault_low <= record.raw <= self.profile.raw_fault_high

    def stretch(self, seconds: float) -> list[TelemetryRecord]:
        """Return the records from now on for a while."""
        records: list[TelemetryRecord] = []

        def keep(record: TelemetryRecord) -> bool:
            records.append(record)
            return False

        self.wait(keep, seconds)
        return records

    def inputs(self) -> InputBits:
        """Return the inputs as they are now."""
        return self.stretch(0.1)[-1].inputs

    def reading(self, seconds: float) -> Reading:
        """Return the mean and the noise of the readings from now on."""
        raw = [record.raw for record in self.stretch(seconds)]
        return Reading(statistics.fmean(raw), statistics.pstdev(raw), max(raw) - min(raw))

    # --- the person

    def operate(self, action: Action) -> None:
        """Tell the person to do something."""
        self.operator.act(action)

    def clear_fault(self) -> None:
        """Clear the latched fault; where a person must allow it, ask for the button.

        Raises:
            StepFailedError: The fault stays.
        """
        pressed = False
        while True:
            try:
                self.press.clear_fault()
            except CommandRefusedError as refused:
                if refused.code != "needs-button" or pressed:
                    fault = wire_name(self.press.status().fault)
                    raise StepFailedError(fault, refused.message, refused.hint) from refused
                pressed = True
                self.press_button("so that the fault is cleared")
            else:
                return

    def try_to_clear(self) -> None:
        """Clear the latched fault if its cause is gone; another step names one that stays."""
        with suppress(StepFailedError):
            self.clear_fault()

    def press_button(self, why: str) -> None:
        """Let the person press the button on the controller.

        Raises:
            StepFailedError: The input did not change.
        """
        self.operate(Action("button", True, f"Press the button on the controller now, {why}."))
        pressed = self.wait(lambda record: InputBits.BUTTON in record.inputs, self.wait_s)
        self.operate(Action("button", False, "Let the button go."))
        released = self.wait(lambda record: InputBits.BUTTON not in record.inputs, self.wait_s)
        if not pressed or not released:
            raise StepFailedError(
                "button",
                "the button's input did not change",
                "repeat the step `button`: pressloop commission --step button",
            )

    # --- valves

    def test_valves(
        self,
        *,
        pump: float = 0.0,
        pump_s: float = 0.0,
        release: float = 1.0,
        duration_s: float,
        rise_bar: float,
    ) -> None:
        """Open valves without a run; openings 0..1, a release of 1 is without current.

        Args:
            pump: Opening of the pump valve.
            pump_s: How long it is open.
            release: Opening of the release valve.
            duration_s: How long the test lasts.
            rise_bar: Rise of the reading that ends it, bar of oil.

        Raises:
            StepFailedError: The board refused.
        """
        request = ValveTestRequest(
            pump=round(pump * OUTPUT_FULL),
            pump_ms=round(pump_s * 1000),
            release=round(release * OUTPUT_FULL),
            duration_ms=round(duration_s * 1000),
            rise_kpa=max(1, min(_MOST_KPA, round(rise_bar * 100 * self._lever))),
        )
        pressed = False
        while True:
            try:
                self.press.session.request(request)
            except CommandRefusedError as refused:
                if refused.code == "needs-button" and not pressed:
                    pressed = True
                    self.press_button("so that the valves may be tested")
                    continue
                raise StepFailedError(refused.code, refused.message, refused.hint) from refused
            return

    def refusal_at_rest(self) -> str:
        """Return the code by which the board refuses a test of the valves; empty if it would not.

        The test is one without current: if the board makes it, nothing moves.
        """
        request = ValveTestRequest(
            pump=0, pump_ms=0, release=OUTPUT_FULL, duration_ms=10, rise_kpa=1
        )
        try:
            self.press.session.request(request)
        except CommandRefusedError as refused:
            return refused.code
        return ""

    def end_test(self) -> None:
        """Take the current off both valves."""
        with suppress(CommandRefusedError):  # it has ended by itself
            self.press.session.request(AbortRequest())

    def require_no_fault(self) -> None:
        """Clear a fault that an earlier step has left.

        Raises:
            StepFailedError: Its cause is still there.
        """
        if self.press.status().fault is not Fault.NONE:
            self.clear_fault()
            self.pass_time(0.2)
        fault = wire_name(self.press.status().fault)
        if fault in FAULT_TEXTS:
            meaning, remedy = FAULT_TEXTS[fault]
            raise StepFailedError(fault, f"the fault {fault} stays: {meaning}", remedy)


def now_text() -> str:
    """Return the time of this computer, for the report."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
