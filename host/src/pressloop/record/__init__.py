"""Records a run on disk while it lasts, so that a host killed at any moment loses nothing.

`RunRecorder` appends to `run.journal`. Afterwards `pressloop.evaluation` turns it into `run.json`
and `telemetry.parquet`. Formats and definitions: docs/run-record.md. Recording needs only the core
dependencies.
"""

from __future__ import annotations

from pressloop.record.model import (
    BoardIdentity,
    BoardStepResult,
    EmulatedPress,
    InjectedFault,
    PlannedStage,
    PlannedStep,
    RunEnd,
    RunEvent,
    RunHeader,
    ThinningRules,
)
from pressloop.record.recorder import RunRecorder

__all__ = [
    "BoardIdentity",
    "BoardStepResult",
    "EmulatedPress",
    "InjectedFault",
    "PlannedStage",
    "PlannedStep",
    "RunEnd",
    "RunEvent",
    "RunHeader",
    "RunRecorder",
    "ThinningRules",
]
