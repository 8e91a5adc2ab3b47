"""What was taken off the readings of a run is in its record, and off what comes from counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from pressloop.evaluation import finalise
from pressloop.evaluation.run_data import RecordedPress, load_run
from pressloop.record import RunRecorder
from pressloop.record.journal import read_journal

from tests.unit import synthetic_run


def test_the_record_has_it(tmp_path: Path) -> None:
    run = synthetic_run.run()
    with RunRecorder.create(tmp_path, run.header) as recorder:
        recorder.started(run.run_first, run.start_tick)
        recorder.telemetry(*run.batch(0, len(run.records)))
        recorder.close(run.end().model_copy(update={"zero_correction_mpa": 0.5}))
    (tmp_path / "run.truth").write_bytes(run.truth)
    assert finalise(tmp_path).zero_correction_mpa == 0.5
    journal = tmp_path / "run.journal"
    data = load_run(read_journal(journal), journal, None)
    assert data.press is not None
    # Counts are recorded as they came.
    friction = {"percent": 3.0, "n": 40, "uncertainty_percent": 20.0}
    known = {f"friction_{name}": value for name, value in friction.items()}
    tells = data.press.profile.model_copy(update=known)
    press = RecordedPress(tells, data.press.die_mm)
    with_it = replace(data, press=press)
    without = replace(with_it, end=data.end.model_copy(update={"zero_correction_mpa": None}))
    assert with_it.oil_derived_mpa is not None and without.oil_derived_mpa is not None
    assert np.allclose(without.oil_derived_mpa - with_it.oil_derived_mpa, 0.5)
