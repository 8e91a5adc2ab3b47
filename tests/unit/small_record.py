"""A small sound record with every file: two stages of 0.3 s, an event and the true pressure."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pressloop.evaluation import finalise
from pressloop.record import RunRecorder

from tests.unit import synthetic_run
from tests.unit.synthetic_run import Shape

RUN: Final = synthetic_run.run(
    Shape(targets_mpa=(20.0, 8.0), hold_s=0.3, prompt_s=0.05, bump_mpa=0.01, noise_mpa=0.0)
)


def sound_record(folder: Path) -> Path:
    """Write the record into a folder, and return the folder."""
    with RunRecorder.create(folder, RUN.header) as recorder:
        recorder.started(RUN.run_first, RUN.start_tick)
        recorder.telemetry(*RUN.batch(0, len(RUN.records)))
        recorder.event("note", tick=3, text="a note")
        recorder.close(RUN.end())
    (folder / "run.truth").write_bytes(RUN.truth)
    finalise(folder)
    return folder
