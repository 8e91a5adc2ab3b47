"""Sends a plan to the board; a refusal becomes a finding with its line in the protocol."""

from __future__ import annotations

from typing import Final

from pressloop.errors import BadInputError, CommandRefusedError
from pressloop.plan import Plan, finding_of_refusal
from pressloop.session.session import Session
from pressloop.wire.schema import PlanCommitRequest
from pressloop.yaml import SourceMap

_PLAN_REFUSALS: Final = (
    "missing-field",
    "unknown-field",
    "bad-type",
    "out-of-range",
    "over-ceiling",
    "relaxation-unresolved",
    "not-sealed",
    "over-limit",
    "unknown-die",
    "tolerance-unresolved",
    "rate-impossible",
    "no-end",
    "wrong-direction",
    "hold-elsewhere",
    "rest-above-zero",
)
"""Codes of refusals whose cause is the plan, and not the present state of the press."""


def upload(session: Session, plan: Plan, marks: SourceMap | None) -> None:
    """Send a plan and commit it; this moves nothing.

    Args:
        session: Session with the board.
        plan: The plan.
        marks: Positions in the text of the protocol, if it has one.

    Raises:
        BadInputError: The board refused the plan; the finding says where.
        CommandRefusedError: The board accepts no plan now.
    """
    try:
        session.request(plan.begin)
        for step in plan.steps:
            session.request(step)
        session.request(PlanCommitRequest(plan.digest))
    except CommandRefusedError as refusal:
        if refusal.code not in _PLAN_REFUSALS:
            raise
        raise BadInputError(
            "the board refused the protocol",
            hint=refusal.hint,
            findings=[finding_of_refusal(plan, refusal, marks)],
            code="refused-by-board",
        ) from refusal
