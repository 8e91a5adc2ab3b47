"""A dead band that has moved far from the tuned one asks for a new tuning, with both figures."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pressloop.cli import look
from pressloop.evaluation import RunSummary, finalise
from pressloop.record import RunRecorder

from tests.unit import synthetic_run


def finalised(folder: Path, found_percent: float | None, valve: str = "release") -> RunSummary:
    """A run at whose end the board found the dead band of a valve there."""
    run = synthetic_run.run()
    with RunRecorder.create(folder, run.header) as recorder:
        recorder.started(run.run_first, run.start_tick)
        recorder.telemetry(*run.batch(0, len(run.records)))
        end = run.end().model_copy(update={f"{valve}_dead_band_percent": found_percent})
        recorder.close(end)
    (folder / "run.truth").write_bytes(run.truth)
    return finalise(folder)


@pytest.mark.parametrize(("moved", "asks"), [(2.3, True), (-2.3, True), (1.7, False)])
@pytest.mark.parametrize("valve", ["release", "pump"])
def test_further_than_the_limit_it_asks_for_a_tuning(
    moved: float, asks: bool, valve: str, tmp_path: Path
) -> None:
    tuned = getattr(synthetic_run.REFERENCE, f"{valve}_dead_band_percent")
    summary = finalised(tmp_path, tuned + moved, valve)
    followed = getattr(summary, f"{valve}_dead_band")
    assert followed is not None
    assert followed.tuned_percent == tuned
    said = [text for text in summary.warnings if "dead band" in text]
    assert bool(said) == asks
    if asks:
        assert f"{tuned + moved:.1f} %" in said[0] and f"{tuned:.1f} %" in said[0]
        assert f"{valve} valve" in said[0]
        assert "`pressloop tune`" in said[0]


def test_one_that_stayed_where_it_was_says_nothing(tmp_path: Path) -> None:
    summary = finalised(tmp_path, None)
    assert summary.release_dead_band is None and summary.pump_dead_band is None
    assert not [text for text in summary.warnings if "dead band" in text]


def test_info_says_where_each_valve_was_found() -> None:
    profile = synthetic_run.REFERENCE
    status: Any = SimpleNamespace(
        release_dead_band_percent=None, pump_dead_band_percent=profile.pump_dead_band_percent + 1
    )
    said = look._dead_band(status, profile)
    assert list(said) == ["pump_dead_band"]
    assert f"{profile.pump_dead_band_percent + 1:.1f} %" in str(said["pump_dead_band"])
    status.release_dead_band_percent = profile.release_dead_band_percent - 3
    assert "`pressloop tune`" in str(look._dead_band(status, profile)["release_dead_band"])
