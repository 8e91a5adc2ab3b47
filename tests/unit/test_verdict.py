"""A stage passes only when everything about it is as planned."""

from __future__ import annotations

from typing import Any

import pytest
from pressloop.evaluation import RunSummary, VerdictRow, finalise, verdict_rows
from pressloop.record import RunRecorder

from tests.unit import synthetic_run


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> RunSummary:
    folder = tmp_path_factory.mktemp("run")
    run = synthetic_run.run()
    with RunRecorder.create(folder, run.header) as recorder:
        recorder.started(run.run_first, run.start_tick)
        recorder.telemetry(*run.batch(0, len(run.records)))
        recorder.close(run.end())
    (folder / "run.truth").write_bytes(run.truth)
    return finalise(folder)


def judged(summary: RunSummary, **changes: Any) -> VerdictRow:
    """The first stage's row from the reading, after changes to its result."""
    first = summary.stages[0].model_copy(update=changes)
    changed = summary.model_copy(update={"stages": (first, *summary.stages[1:])})
    return verdict_rows(changed)[0]


def test_reading_and_truth_take_turns(summary: RunSummary) -> None:
    rows = verdict_rows(summary)
    assert [row.source for row in rows] == ["reading", "truth"] * 3
    assert [row.stage.index for row in rows] == [0, 0, 2, 2, 4, 4]
    assert all(row.passed for row in rows)
    without = summary.model_copy(update={"truth": None})
    assert [row.source for row in verdict_rows(without)] == ["reading"] * 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"outcome": "cut"}, "cut"),
        ({"outcome": "not reached", "duration_s": None}, "not reached"),
        ({"outcome": "advanced"}, "ended early by the operator"),
        ({"missing_s": 0.01}, "0.01 s are not in the record"),
        ({"in_band_fraction": 0.998}, "in band for 99.80 % of the hold"),
        ({"in_band_fraction": None}, "the hold did not begin"),
        ({"in_band_fraction": None, "missing_s": 2.0}, "2.00 s are not in the record"),
        ({"overshoot_mpa": 1.3}, "overshot by 1.30 MPa, out of band"),
        ({"dwell_s": 1.48}, "1.48 s of 1.50 s in band"),
    ],
)
def test_reasons_not_to_pass(summary: RunSummary, changes: dict[str, Any], reason: str) -> None:
    row = judged(summary, **changes)
    assert row.reasons == (reason,)
    assert not row.passed


@pytest.mark.parametrize(
    "changes",
    [{"in_band_fraction": 0.999}, {"overshoot_mpa": 1.25}, {"dwell_s": 1.49}],
)
def test_limits_belong_to_what_passes(summary: RunSummary, changes: dict[str, Any]) -> None:
    assert judged(summary, **changes).passed


def test_targets_of_pressing_are_judged_apart(summary: RunSummary) -> None:
    row = judged(summary, overshoot_percent=0.51, settle_s=None, rms_error_mpa=0.25)
    checks = {check.measure: check for check in row.targets}
    assert row.passed
    assert checks["overshoot"].passed is False
    assert checks["settle"].passed is None
    assert checks["rms"].value == pytest.approx(0.1)
    assert checks["hold within 0.5 %"].passed is True
    assert checks["ramp error"].limit == 2.0


def test_low_targets_are_judged_in_mpa(summary: RunSummary) -> None:
    stack = verdict_rows(summary)[-2]
    assert stack.stage.target_mpa == 74
    assert (stack.targets[0].unit, stack.targets[0].limit) == ("MPa", 0.5)
    assert stack.targets[0].value == stack.stage.overshoot_mpa
