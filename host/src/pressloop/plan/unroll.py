"""Unroll stages, prompts and repeat blocks into steps in the order of running."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from pressloop.findings import KeyPath, path_text
from pressloop.plan.model import Pass, PlanError, PlanStage, PlanStep
from pressloop.protocol import Hold, Item, Pid, Prompt, Protocol, Ramp, Repeat, Stage
from pressloop.wire.schema import MAX_STEPS, HoldMode, StepKind


def count_steps(items: Sequence[Item]) -> int:
    """Return the number of steps of a list of stages, without unrolling it."""
    steps = 0
    for item in items:
        if isinstance(item, Repeat):
            steps += item.repeat * count_steps(item.stages)
        elif isinstance(item, Prompt):
            steps += 1
        else:
            steps += sum(
                part is not None for part in (item.ramp, item.hold, item.release, item.rest)
            )
    return steps


def unroll(protocol: Protocol) -> tuple[tuple[PlanStage, ...], tuple[PlanStep, ...]]:
    """Return stages and steps in the order of running.

    Raises:
        PlanError: `too-many-steps`, if the board cannot store them.
    """
    count = count_steps(protocol.stages)
    if count > MAX_STEPS:
        raise PlanError(
            f"the protocol has {count} steps when its repeats are unrolled, the board accepts "
            f"{MAX_STEPS}",
            code="too-many-steps",
            hint="use fewer passes, or split it into two protocols",
        )
    die_um = protocol.die_um
    unroller = _Unroller(die_um)
    for item, path, passes, offset_kpa in _in_order(protocol.stages, ("stages",), (), 0, die_um):
        if isinstance(item, Prompt):
            unroller.add_prompt(item, path, passes)
        else:
            unroller.add_stage(item, path, passes, offset_kpa)
    return tuple(unroller.stages), tuple(unroller.steps)


def _in_order(
    items: Sequence[Item],
    path: KeyPath,
    passes: tuple[Pass, ...],
    offset_kpa: int,
    die_um: int,
) -> Iterator[tuple[Stage | Prompt, KeyPath, tuple[Pass, ...], int]]:
    """Yield stages and prompts in the order of running, with what repeats add to the targets."""
    for index, item in enumerate(items):
        here = (*path, index)
        if not isinstance(item, Repeat):
            yield item, here, passes, offset_kpa
            continue
        for number in range(item.repeat):
            yield from _in_order(
                item.stages,
                (*here, "stages"),
                (*passes, Pass(number + 1, item.repeat)),
                offset_kpa + number * item.step_kpa(die_um),
                die_um,
            )


class _Unroller:
    """Collects stages and steps, and keeps the setpoint after the last step."""

    def __init__(self, die_um: int) -> None:
        self._die_um = die_um
        self.stages: list[PlanStage] = []
        self.steps: list[PlanStep] = []
        self._level_kpa = 0

    def add_prompt(self, prompt: Prompt, path: KeyPath, passes: tuple[Pass, ...]) -> None:
        first = len(self.steps)
        self._append(
            PlanStep(
                index=first,
                stage=len(self.stages),
                kind=StepKind.PROMPT,
                path=(*path, "prompt"),
                target_path=path,
                start_kpa=self._level_kpa,
                target_kpa=self._level_kpa,
                timeout_ms=prompt.timeout_ms,
                text=prompt.prompt,
            )
        )
        self._close_stage(first, "prompt", "prompt", path, passes, prompt=prompt.prompt)

    def add_stage(
        self, stage: Stage, path: KeyPath, passes: tuple[Pass, ...], offset_kpa: int
    ) -> None:
        first = len(self.steps)
        if stage.ramp is not None:
            target_kpa = stage.ramp.target_kpa(self._die_um) + offset_kpa
            self._add_move(StepKind.RAMP, stage.ramp, target_kpa, (*path, "ramp"), stage.pid)
        if stage.hold is not None:
            self._add_hold(stage.hold, stage, path, offset_kpa)
        if stage.release is not None:
            target_kpa = stage.release.target_kpa(self._die_um)
            self._add_move(
                StepKind.RELEASE, stage.release, target_kpa, (*path, "release"), stage.pid
            )
        if stage.rest_ms is not None:
            self._add_rest(stage.rest_ms, path)
        self._close_stage(first, "stage", stage.name, path, passes)

    def _add_move(
        self, kind: StepKind, move: Ramp, target_kpa: int, path: KeyPath, pid: Pid | None
    ) -> None:
        self._append(
            PlanStep(
                index=len(self.steps),
                stage=len(self.stages),
                kind=kind,
                path=path,
                target_path=(*path, "target"),
                start_kpa=self._level_kpa,
                target_kpa=target_kpa,
                rate_kpa_s=move.rate_kpa_s(self._die_um),
                pid=pid,
            )
        )

    def _add_hold(self, hold: Hold, stage: Stage, path: KeyPath, offset_kpa: int) -> None:
        own_kpa = hold.target_kpa(self._die_um)
        until = hold.until
        target_kpa = self._level_kpa if own_kpa is None else own_kpa + offset_kpa
        self._append(
            PlanStep(
                index=len(self.steps),
                stage=len(self.stages),
                kind=StepKind.HOLD,
                path=(*path, "hold"),
                target_path=(*path, "ramp" if own_kpa is None else "hold", "target"),
                start_kpa=self._level_kpa,
                target_kpa=target_kpa,
                tolerance_kpa=hold.tolerance_kpa(target_kpa, self._die_um),
                duration_ms=hold.duration_ms,
                relaxation_kpa_min=until.relaxation_kpa_min(self._die_um) if until else None,
                least_ms=until.at_least_ms if until else None,
                text=until.operator if until else None,
                timeout_ms=hold.timeout_ms,
                mode=HoldMode[hold.mode.upper()],
                is_open=hold.is_open,
                pid=stage.pid,
            )
        )

    def _add_rest(self, duration_ms: int, path: KeyPath) -> None:
        self._append(
            PlanStep(
                index=len(self.steps),
                stage=len(self.stages),
                kind=StepKind.REST,
                path=(*path, "rest"),
                target_path=(*path, "release", "target"),
                start_kpa=self._level_kpa,
                target_kpa=self._level_kpa,
                duration_ms=duration_ms,
            )
        )

    def _append(self, step: PlanStep) -> None:
        self.steps.append(step)
        self._level_kpa = step.target_kpa

    def _close_stage(
        self,
        first: int,
        kind: Literal["stage", "prompt"],
        name: str,
        path: KeyPath,
        passes: tuple[Pass, ...],
        prompt: str | None = None,
    ) -> None:
        steps = self.steps[first:]
        hold = next((s for s in steps if s.kind is StepKind.HOLD), None)
        dwell_ms = hold.dwell_ms if hold else None
        tolerance_kpa = hold.tolerance_kpa if hold else None
        self.stages.append(
            PlanStage(
                index=len(self.stages),
                kind=kind,
                name=name,
                path=path_text(path),
                passes=passes,
                steps=tuple(s.index for s in steps),
                target_mpa=None if kind == "prompt" else steps[0].target_kpa / 1000,
                tolerance_mpa=None if tolerance_kpa is None else tolerance_kpa / 1000,
                dwell_s=None if dwell_ms is None else dwell_ms / 1000,
                is_open=hold is not None and hold.is_open,
                prompt=prompt,
                expected_s=sum(s.expected_s for s in steps),
            )
        )
