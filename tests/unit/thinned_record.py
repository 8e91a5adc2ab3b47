"""A finished record of seconds whose quiet stretches are summed up in intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pressloop.evaluation import finalise
from pressloop.record import RunRecorder, ThinningRules

from tests.unit import synthetic_run
from tests.unit.synthetic_run import Shape

RUN: Final = synthetic_run.run(Shape(targets_mpa=(20.0, 8.0), hold_s=6.0, noise_mpa=0.0))
RULES: Final = ThinningRules(
    after_change_s=0.3, after_event_s=0.1, before_s=0.1, intervals=((0.5, 0.15), (None, 0.4))
)


def thinned_record(folder: Path) -> Path:
    """Write the record into a folder, and return the folder."""
    truth = folder.with_name(folder.name + "-board.bin")
    truth.write_bytes(RUN.truth)
    header = RUN.header.model_copy(update={"thinning": RULES})
    with RunRecorder.create(folder, header, truth=truth) as recorder:
        recorder.started(RUN.run_first, RUN.start_tick)
        for start in range(0, len(RUN.records), 20):
            recorder.telemetry(*RUN.batch(start, start + 20))
        recorder.close(RUN.end())
        recorder.fetch_truth()
    finalise(folder)
    return folder
