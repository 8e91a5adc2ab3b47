"""Check the unrolled steps in order, each with the pressure at which it begins."""

from __future__ import annotations

from collections.abc import Sequence

from pressloop.plan import PlanStage, PlanStep
from pressloop.validation.check_hold import check_hold
from pressloop.validation.check_ramp import check_ramp
from pressloop.validation.context import Context
from pressloop.validation.phrases import in_pass, mpa
from pressloop.wire.schema import StepKind


def check_steps(context: Context, stages: Sequence[PlanStage], steps: Sequence[PlanStep]) -> None:
    """Check each step at the pressure that the step before it ends at; a run begins at zero."""
    level_kpa: int | None = 0
    for step in steps:
        if step.kind is StepKind.PROMPT:
            _check_prompt(context, step, level_kpa)
            continue
        stage = stages[step.stage]
        if step.kind is StepKind.REST:
            _check_rest(context, step, stage, level_kpa)
            continue
        # Nothing is concluded from a target that is only a stand-in.
        known = not context.is_unreliable(step.target_path)
        if known:
            _check_ceiling(context, step, stage)
        if step.kind is not StepKind.HOLD:
            check_ramp(context, step, stage, level_kpa, known)
        elif known:
            check_hold(context, step, stage, level_kpa)
        level_kpa = step.target_kpa if known else None


def _check_prompt(context: Context, step: PlanStep, level_kpa: int | None) -> None:
    if level_kpa:
        context.warn(
            "prompt-under-pressure",
            step.path,
            f"the prompt waits for the operator while the pellet is at "
            f"{context.pressure(level_kpa)}",
            "release to zero pressure first if hands go near the die",
        )


def _check_rest(context: Context, step: PlanStep, stage: PlanStage, level_kpa: int | None) -> None:
    if level_kpa:
        context.error(
            "rest-above-zero",
            step.path,
            f"the rest begins at {context.pressure(level_kpa)}{in_pass(stage)}, where the release "
            "of its stage ends",
            "release to zero pressure; to wait under pressure, write a hold",
        )


def _check_ceiling(context: Context, step: PlanStep, stage: PlanStage) -> None:
    ceiling_kpa = context.ceiling_kpa
    if ceiling_kpa is None:
        return
    if step.target_kpa > ceiling_kpa:
        context.error(
            "over-ceiling",
            step.target_path,
            f"the target of {context.pressure(step.target_kpa)}{in_pass(stage)} is above the "
            f"ceiling of {context.pressure(ceiling_kpa)}",
            "lower the target"
            + (", the step or the number of passes" if stage.passes else "")
            + ", or raise the ceiling if sample and die stand it",
        )
        return
    margin_kpa = step.tolerance_kpa or (context.limits.resolution_kpa if context.limits else 0)
    if step.tolerance_kpa is not None and context.is_unreliable((*step.path, "tolerance")):
        return
    if step.target_kpa + margin_kpa > ceiling_kpa:
        context.warn(
            "ceiling-close",
            step.target_path,
            f"the target of {context.pressure(step.target_kpa)}{in_pass(stage)} is within "
            f"{mpa(margin_kpa)} of the ceiling: with the transducer's normal error a reading can "
            "exceed the ceiling, which is a fault",
            "leave a few percent between the highest target and the ceiling",
        )
