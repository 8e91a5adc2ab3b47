"""A protocol and a machine profile to the plan that goes to the board; repeats unrolled.

Compiling checks no limits: `validation` does, and the board does again. Every step remembers where
in the protocol it comes from, so that a refusal by the board is reported like a finding of our own.
"""

from __future__ import annotations

from pressloop.plan.compile import compile_plan
from pressloop.plan.model import Pass, Plan, PlanError, PlanStage, PlanStep
from pressloop.plan.refusal import finding_of_refusal
from pressloop.plan.unroll import count_steps, unroll

__all__ = [
    "Pass",
    "Plan",
    "PlanError",
    "PlanStage",
    "PlanStep",
    "compile_plan",
    "count_steps",
    "finding_of_refusal",
    "unroll",
]
