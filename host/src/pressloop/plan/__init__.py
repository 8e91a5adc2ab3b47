"""Compile a protocol and a machine profile into the plan for the board, with repeats unrolled.

Compiling checks no limits of the press: `validation` does, and the board does again. Each step
keeps its place in the protocol, so that a refusal by the board is reported like a finding.
"""

from __future__ import annotations

from pressloop.plan.compile import begin_request, compile_plan
from pressloop.plan.model import WITHOUT_TARGET, Pass, Plan, PlanError, PlanStage, PlanStep
from pressloop.plan.refusal import finding_of_refusal, place_in_protocol, place_in_step
from pressloop.plan.unroll import count_steps, unroll

__all__ = [
    "WITHOUT_TARGET",
    "Pass",
    "Plan",
    "PlanError",
    "PlanStage",
    "PlanStep",
    "begin_request",
    "compile_plan",
    "count_steps",
    "finding_of_refusal",
    "place_in_protocol",
    "place_in_step",
    "unroll",
]
