"""Turns the journal of a run into `run.json` and `telemetry.parquet`, and reads both again.

`finalise` writes them; `RunRecord` reads a record with or without them. Both need the extra `data`.
The result is a `RunSummary`; `verdict_rows` judges each of its stages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pressloop.evaluation.summary import Gap, RunSummary, StageResult
from pressloop.evaluation.verdict import Check, VerdictRow, verdict_rows, verdict_sentence
from pressloop.extras import import_public

if TYPE_CHECKING:
    from pressloop.evaluation.finaliser import finalise
    from pressloop.evaluation.reader import RunRecord
    from pressloop.evaluation.signature import sign
    from pressloop.evaluation.verification import Verification, verify

_HOMES: Final = {
    "RunRecord": "reader",
    "Verification": "verification",
    "finalise": "finaliser",
    "sign": "signature",
    "verify": "verification",
}

__all__ = [
    "Check",
    "Gap",
    "RunRecord",
    "RunSummary",
    "StageResult",
    "VerdictRow",
    "Verification",
    "finalise",
    "sign",
    "verdict_rows",
    "verdict_sentence",
    "verify",
]


def __getattr__(name: str) -> object:
    """Import what needs numpy and pyarrow on first use (the extra `data`)."""
    return import_public(__name__, _HOMES, name)
