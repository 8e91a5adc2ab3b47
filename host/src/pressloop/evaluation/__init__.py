"""Turns the journal of a run into `run.json` and `telemetry.parquet`, and reads both again.

`finalise` writes them; `RunRecord` reads a record with or without them. Both need the extra `data`.
The result is a `RunSummary`; `verdict_rows` judges each of its stages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pressloop.evaluation.summary import Gap, RunSummary, StageResult
from pressloop.evaluation.verdict import Check, VerdictRow, verdict_rows, verdict_sentence
from pressloop.extras import needs_extra

if TYPE_CHECKING:
    from pressloop.evaluation.finaliser import finalise
    from pressloop.evaluation.reader import RunRecord
    from pressloop.evaluation.verification import Verification, verify

__all__ = [
    "Check",
    "Gap",
    "RunRecord",
    "RunSummary",
    "StageResult",
    "VerdictRow",
    "Verification",
    "finalise",
    "verdict_rows",
    "verdict_sentence",
    "verify",
]


def __getattr__(name: str) -> object:
    """Import what needs numpy and pyarrow on first use (the extra `data`)."""
    if name == "RunRecord":
        with needs_extra("data"):
            from pressloop.evaluation.reader import RunRecord
        return RunRecord
    if name == "finalise":
        with needs_extra("data"):
            from pressloop.evaluation.finaliser import finalise
        return finalise
    if name in ("Verification", "verify"):
        with needs_extra("data"):
            from pressloop.evaluation import verification
        return getattr(verification, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
