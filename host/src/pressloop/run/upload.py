"""A plan onto the board, step by step; a refusal becomes a finding with its place."""

from __future__ import annotations

from typing import Final

from pressloop.errors import BadInputError, CommandRefusedError
from pressloop.plan import Plan, finding_of_refusal
from pressloop.session.session import Session
from pressloop.wire.schema import PlanCommitRequest
from pressloop.yaml import SourceMap

# Refusals that are about the plan and not about the moment.
_OF_THE_PLAN: Final = (
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
)


def upload(session: Session, plan: Plan, marks: SourceMap | None) -> None:
    """Send a plan and commit it; nothing moves for it.

    Args:
        session: Of the board.
        plan: What to send.
        marks: Lines of the text that the protocol was loaded from, if any.

    Raises:
        BadInputError: The board refused the plan; the finding says where.
        CommandRefusedError: The board takes no plan now.
    """
    try:
        session.request(plan.begin)
        for step in plan.steps:
            session.request(step)
        session.request(PlanCommitRequest(plan.digest))
    except CommandRefusedError as refusal:
        if refusal.code not in _OF_THE_PLAN:
            raise
        raise BadInputError(
            "the board refused the protocol",
            hint=refusal.hint,
            findings=[finding_of_refusal(plan, refusal, marks)],
            code="refused-by-board",
        ) from refusal
