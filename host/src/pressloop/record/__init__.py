"""The run record: what a run leaves on disk.

While a run lasts, `RunRecorder` appends to `run.journal`, which survives a killed host at any byte.
Afterwards `finalise` turns the journal into `run.json` and `telemetry.parquet`; `RunRecord` reads a
record in either condition. Formats and definitions: docs/run-record.md.

Recording needs the core dependencies alone; `finalise` and `RunRecord` need the extra `data`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pressloop.extras import needs_extra
from pressloop.record.model import (
    BoardIdentity,
    BoardStepResult,
    EmulatedPress,
    PlannedStage,
    PlannedStep,
    RunEnd,
    RunEvent,
    RunHeader,
    ThinningRules,
)
from pressloop.record.recorder import RunRecorder
from pressloop.record.summary import Gap, RunSummary, StageResult
from pressloop.record.verdict import Check, VerdictRow, verdict_rows

if TYPE_CHECKING:
    from pressloop.record.finaliser import finalise
    from pressloop.record.reader import RunRecord

__all__ = [
    "BoardIdentity",
    "BoardStepResult",
    "Check",
    "EmulatedPress",
    "Gap",
    "PlannedStage",
    "PlannedStep",
    "RunEnd",
    "RunEvent",
    "RunHeader",
    "RunRecord",
    "RunRecorder",
    "RunSummary",
    "StageResult",
    "ThinningRules",
    "VerdictRow",
    "finalise",
    "verdict_rows",
]


def __getattr__(name: str) -> object:
    """Import what needs numpy and pyarrow on first use, so that recording does without them."""
    if name == "RunRecord":
        with needs_extra("data"):
            from pressloop.record.reader import RunRecord
        return RunRecord
    if name == "finalise":
        with needs_extra("data"):
            from pressloop.record.finaliser import finalise
        return finalise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
