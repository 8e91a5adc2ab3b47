"""What a step of the walk is, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pressloop.commissioning.bench import CommissioningBench

Outcome = Literal["pass", "fail", "skipped"]
Group = Literal["wires", "ram", "press"]


class StepFailedError(Exception):
    """A step found something wrong.

    Attributes:
        fault: Stable name of what is wrong, such as `valves-swapped`.
        reason: What was seen.
        remedy: What to do before the step is repeated.
    """

    def __init__(self, fault: str, reason: str, remedy: str) -> None:
        """Keep the three."""
        super().__init__(reason)
        self.fault = fault
        self.reason = reason
        self.remedy = remedy


class StepSkippedError(Exception):
    """A step does not apply to this press; its text says why."""


@dataclass(frozen=True)
class CommissioningStep:
    """One step of the walk.

    Attributes:
        name: What `--step` takes.
        title: What it proves.
        will: What is going to happen.
        see: What the person sees if all is well.
        group: `wires`: proved anew after each start of the controller; `ram`: moves the free ram,
            or lets water into a vessel; `press`: presses a steel blank, or the full vessel.
        run: Carries it out; returns what was measured, by name and with the unit in the name.
        in_vessel: `will` and `see` of an isostatic vessel; None: the same.
    """

    name: str
    title: str
    will: str
    see: str
    group: Group
    run: Callable[[CommissioningBench], dict[str, float | str]]
    in_vessel: tuple[str, str] | None = None

    def worded(self, *, is_vessel: bool) -> CommissioningStep:
        """Return the step with the texts of the press at hand."""
        if self.in_vessel is None or not is_vessel:
            return self
        will, see = self.in_vessel
        return replace(self, will=will, see=see)


@dataclass(frozen=True)
class StepResult:
    """How a step ended.

    Attributes:
        name: Name of the step.
        outcome: pass, fail or skipped.
        at: When, in the time of this computer.
        boot_id: Start of the controller that it was proved in.
        fault: Stable name of what was wrong; empty unless it failed.
        reason: What was seen; why it was skipped.
        remedy: What to do about it.
        measured: What was measured.
    """

    name: str
    outcome: Outcome
    at: str
    boot_id: int
    fault: str = ""
    reason: str = ""
    remedy: str = ""
    measured: dict[str, float | str] | None = None
