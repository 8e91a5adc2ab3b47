"""A stage passes only when everything about it is as planned."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pressloop.cli.output import _THEME
from pressloop.cli.verdict import print_verdict
from pressloop.evaluation import (
    RunSummary,
    VerdictRow,
    finalise,
    verdict_rows,
    verdict_sentence,
)
from pressloop.evaluation.notes import stage_notes
from pressloop.evaluation.pump_limit import pump_limit_warnings
from pressloop.record import RunRecorder
from rich.console import Console

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


def test_a_pump_that_could_not_follow_is_named_beside_what_failed(summary: RunSummary) -> None:
    limit = "The pump could not follow: 3.2 s at full flow."
    row = judged(summary, full_flow_s=3.2, in_band_fraction=0.5)
    assert not row.passed and row.reasons[-1] == limit
    # Held as planned, the stage passes, and a note says it.
    row = judged(summary, full_flow_s=3.2)
    assert row.passed and not row.reasons
    assert stage_notes(row.stage)[0] == limit[:-1].replace("The", "the")
    assert "3.2 s at full flow" in pump_limit_warnings([row.stage])[0]
    few = row.stage.model_copy(update={"full_flow_s": 0.03})
    assert not pump_limit_warnings([few])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"outcome": "cut"}, "The run ended in this stage."),
        ({"outcome": "active"}, "The record ends in this stage."),
        ({"outcome": "unknown"}, "The end of this stage is not in the record."),
        ({"outcome": "advanced"}, "The operator ended the stage early."),
        (
            {"missing_s": 0.01},
            "0.01 s of the stage are not in the record; the limit is 0 s.",
        ),
        (
            {"in_band_fraction": 0.99899},
            "The pressure was in the band of 250 MPa ± 1.25 MPa for 99.89 % of the hold; "
            "the limit is 99.90 %.",
        ),
        (
            {"in_band_fraction": 0.0, "peak_mpa": 248.0},
            "The pressure was never in the band of 250 MPa ± 1.25 MPa; "
            "the highest pressure was 248.00 MPa.",
        ),
        (
            {"in_band_fraction": None, "peak_mpa": 240.0},
            "The hold at 250 MPa ± 1.25 MPa did not begin; the highest pressure was 240.00 MPa.",
        ),
        (
            {"in_band_fraction": None, "missing_s": 2.0},
            "2 s of the stage are not in the record; the limit is 0 s.",
        ),
        (
            {"overshoot_mpa": 1.3},
            "The pressure overshot the target of 250 MPa by 1.30 MPa; "
            "the limit is the tolerance of 1.25 MPa.",
        ),
        (
            {"dwell_s": 1.48},
            "The dwell in band was 1.48 s; the protocol asks for 1.5 s.",
        ),
    ],
)
def test_reasons_not_to_pass(summary: RunSummary, changes: dict[str, Any], reason: str) -> None:
    row = judged(summary, **changes)
    assert row.reasons == (reason,)
    assert row.verdict == "fail" and not row.passed


def test_a_stage_that_was_not_reached_has_a_verdict_of_its_own(summary: RunSummary) -> None:
    row = judged(summary, outcome="not reached", duration_s=None)
    assert row.verdict == "not reached" and not row.passed
    assert row.reasons == ("The run did not reach this stage.",)


def test_the_result_has_verdict_and_force(summary: RunSummary) -> None:
    assert summary.truth is not None
    # A die of 10 mm has 78.54 mm2: 250, 500 and 74 N/mm2 on it are these forces.
    for stage, kn in zip(summary.stages, (19.635, 39.270, 5.812), strict=True):
        assert (stage.verdict, stage.reasons) == ("pass", ())
        assert stage.target_force_kn == pytest.approx(kn, abs=0.001)
        assert stage.mean_mpa is not None and stage.force_kn is not None
        assert stage.force_kn == pytest.approx(stage.mean_mpa * 0.0785398, rel=1e-5)
    assert [stage.verdict for stage in summary.truth] == ["pass"] * 3
    assert verdict_sentence(summary) == "All 3 stages passed."


def test_the_run_is_judged_in_words(summary: RunSummary) -> None:
    first, second, third = summary.stages
    stages = (
        first,
        second.model_copy(update={"overshoot_mpa": 9.0}),
        third.model_copy(update={"outcome": "not reached", "mean_mpa": None}),
    )
    changed = summary.model_copy(update={"stages": stages, "truth": None})
    assert verdict_sentence(changed) == (
        "1 of 3 stages passed: Densify electrolyte. Failed: Bond cathode. "
        "Not reached: Stack pressure."
    )


def test_a_truth_that_disagrees_is_part_of_the_words(summary: RunSummary) -> None:
    assert summary.truth is not None
    cracked = summary.truth[2].model_copy(update={"damage": "cracked"})
    changed = summary.model_copy(update={"truth": (*summary.truth[:2], cracked)})
    assert verdict_sentence(changed) == (
        "By the reading: All 3 stages passed. By the true pressure: 2 of 3 stages passed: "
        "Densify electrolyte, Bond cathode. Failed: Stack pressure."
    )


def test_a_cell_that_misses_its_limit_says_so_without_colour(summary: RunSummary) -> None:
    first = summary.stages[0].model_copy(update={"ramp_error_percent": 3.4, "overshoot_mpa": 9.0})
    changed = summary.model_copy(update={"stages": (first, *summary.stages[1:])})
    file = io.StringIO()
    print_verdict(Console(file=file, theme=_THEME, no_color=True, width=80), changed)
    shown = file.getvalue()
    assert shown.count("!3.40") == 1
    assert "Densify electrolyte  250 MPa ± 1.25 = 19.63 kN, mean 19.64 kN" in shown
    assert "2 of 3 stages passed: Bond cathode, Stack pressure. Failed: Densify" in shown
    assert "overshot the target of 250 MPa by 9.00 MPa" in shown
    assert max(map(len, shown.split("2 of 3")[0].splitlines())) <= 80


def test_a_miss_by_little_shows_the_digits_that_make_it_one(summary: RunSummary) -> None:
    changes = {"rms_error_mpa": 0.2504, "hold_within_half_percent": 0.998999, "settle_s": 0.504}
    first = summary.stages[0].model_copy(update=changes)
    changed = summary.model_copy(update={"stages": (first, *summary.stages[1:])})
    file = io.StringIO()
    print_verdict(Console(file=file, theme=_THEME, no_color=True, width=80), changed)
    row = next(line for line in file.getvalue().splitlines() if "99.8" in line)
    assert "!0.1002" in row and "!99.8999" in row and "!0.504" in row
    assert len(row) <= 80


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


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"end_reason": "host-lost"}, "heard nothing from this program"),
        ({"end_reason": "prompt-timeout"}, "no answer to the prompt"),
        ({"end_reason": "hold-timeout"}, "out of its tolerance"),
        ({"end_reason": "fault", "fault": "sensor-low"}, "then clear the fault: pressloop clear"),
    ],
)
def test_an_end_by_the_board_is_explained(
    summary: RunSummary, changes: dict[str, Any], says: str
) -> None:
    file = io.StringIO()
    real = summary.header.model_copy(update={"emulated_press": None})
    ended = summary.model_copy(update={**changes, "header": real})
    print_verdict(Console(file=file, theme=_THEME, no_color=True, width=80), ended)
    assert says in " ".join(file.getvalue().split())
