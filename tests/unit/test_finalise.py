"""The result of a record: exact where it was recorded, and nothing where it was not."""

from __future__ import annotations

import json
import math
import random
import shutil
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pressloop.errors import RecordError
from pressloop.evaluation import RunRecord, RunSummary, finalise, verdict_rows
from pressloop.evaluation.series import signed_ticks
from pressloop.record import RunEnd, RunRecorder
from pressloop.wire.schema import RECORD_FORMAT, State
from pressloop_sim.plant import damage
from pressloop_sim.plant.truth_format import MAGIC, RECORD

from tests.unit import synthetic_run
from tests.unit.synthetic_run import Shape, SyntheticRun

HEAD, SIZE = len(MAGIC), struct.calcsize(RECORD)
SHORT = Shape(targets_mpa=(20.0, 8.0), hold_s=0.3, prompt_s=0.05, bump_mpa=0.01, noise_mpa=0.0)
RUN = synthetic_run.run()
SHORT_RUN = synthetic_run.run(SHORT)


def record(
    folder: Path,
    run: SyntheticRun,
    *,
    end: RunEnd | None,
    batches: Sequence[tuple[int, int]] | None = None,
    truth: bool = True,
) -> Path:
    """Record batches `start .. stop - 1`, counted from the run's first record."""
    with RunRecorder.create(folder, run.header, overwrite=True) as recorder:
        recorder.started(run.run_first, run.start_tick)
        for start, stop in batches if batches is not None else [(0, len(run.records))]:
            recorder.telemetry(*run.batch(start, stop))
        recorder.close(end)
    if truth:
        (folder / "run.truth").write_bytes(run.truth)
    return folder


def outcomes(summary: RunSummary) -> list[str]:
    return [stage.outcome for stage in summary.stages]


def test_a_good_run(tmp_path: Path) -> None:
    summary = finalise(record(tmp_path, RUN, end=RUN.end()))
    assert summary.end_reason == "completed"
    assert summary.complete
    assert summary.gaps == ()
    assert summary.warnings == ()
    assert outcomes(summary) == ["done", "done", "done"]
    assert [stage.target_mpa for stage in summary.stages] == [250, 500, 74]
    for stage in summary.stages:
        assert stage.dwell_s == pytest.approx(1.5, abs=0.011)
        assert stage.in_band_fraction == 1.0
        assert stage.mean_mpa == pytest.approx(stage.target_mpa, abs=0.1)
        assert stage.missing_s == 0
    assert all(row.passed for row in verdict_rows(summary))


def test_the_contract_of_run_json(tmp_path: Path) -> None:
    finalise(record(tmp_path, RUN, end=RUN.end()))
    document = json.loads((tmp_path / "run.json").read_text("utf-8"))
    promised = {
        "name", "target_mpa", "peak_mpa", "overshoot_percent", "in_band_fraction", "dwell_s",
        "mean_mpa", "rms_error_mpa", "settle_s", "ramp_error_percent", "top_up_count",
        "duration_s", "outcome", "tolerance_mpa", "iteration",
    }  # fmt: skip
    assert document["simulated"] is True
    assert document["end_reason"] == "completed"
    assert document["fault"] is None
    assert document["gaps"] == []
    assert len(document["hashes"]["protocol_sha256"]) == 64
    assert {"firmware_build", "profile", "wire_schema"} <= document["hashes"].keys()
    for stages in (document["stages"], document["truth"]):
        assert len(stages) == 3
        assert all(promised <= stage.keys() for stage in stages)
    # The true pressure of the synthetic press is 0.1 MPa above the reading.
    reading, truth = document["stages"][0], document["truth"][0]
    assert truth["peak_mpa"] - reading["peak_mpa"] == pytest.approx(0.1, abs=1e-4)


def test_every_reading_has_its_uncertainty_and_no_truth_has(tmp_path: Path) -> None:
    summary = finalise(record(tmp_path, RUN, end=RUN.end()))
    for stage in summary.stages:
        budget = stage.mean_uncertainty
        assert budget is not None and budget.pressure_mpa == stage.mean_mpa
        assert stage.mean_mpa_uncertainty == budget.expanded_mpa
        assert stage.mean_mpa_repeatability == budget.repeatability_mpa
        assert 0 < budget.repeatability_mpa < budget.expanded_mpa
        # One sample is noisier than a mean.
        assert stage.peak_mpa_uncertainty is not None
        assert stage.peak_mpa_uncertainty > budget.expanded_mpa
    assert summary.truth is not None
    assert all(stage.mean_mpa_uncertainty is None for stage in summary.truth)


@pytest.mark.parametrize("changes", [{"die_mm": None}, {"profile": {"name": "of another time"}}])
def test_a_record_without_die_or_known_profile_has_no_uncertainty(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    old = SyntheticRun(
        synthetic_run.header(**changes), RUN.run_first, RUN.start_tick, RUN.records, RUN.truth
    )
    summary = finalise(record(tmp_path, old, end=RUN.end()))
    assert summary.stages[0].mean_mpa is not None
    assert summary.stages[0].mean_mpa_uncertainty is None


def test_what_is_read_back_is_what_was_written(tmp_path: Path) -> None:
    summary = finalise(record(tmp_path, RUN, end=RUN.end()))
    again = RunRecord.open(tmp_path)
    assert again.summary == summary
    assert again.header == RUN.header
    assert again.table().num_rows == len(again.frame()) == len(RUN.records)


def test_an_unfinished_record_reads_like_the_finalised_one(tmp_path: Path) -> None:
    record(tmp_path, RUN, end=RUN.end())
    before = RunRecord.open(tmp_path)
    assert not (tmp_path / "run.json").exists()
    assert finalise(tmp_path) == before.summary
    assert RunRecord.open(tmp_path).table().equals(before.table())


def test_parquet_columns_and_metadata(tmp_path: Path) -> None:
    finalise(record(tmp_path, RUN, end=RUN.end()))
    table = pq.read_table(tmp_path / "telemetry.parquet")
    assert table.column_names == [
        "seq", "tick", "time_s", "unix_time_second", "pressure_mpa", "setpoint_mpa",
        "displacement_mm", "output_percent", "raw_counts", "step_id", "stage_id", "state",
        "in_band", "dwelling", "approaching", "saturated", "sealed", "host_lost", "topping_up",
        "load_cell", "emergency_stop", "guard_open", "button", "vessel_pressure", "thinned",
        "true_pressure_mpa", "true_oil_mpa", "true_oil_derived_mpa", "relative_density",
    ]  # fmt: skip
    metadata = json.loads(table.schema.metadata[b"pressloop"])
    assert metadata["run_id"] == RUN.header.run_id
    assert metadata["simulated"] is True
    assert metadata["protocol_sha256"] == RUN.header.protocol_sha256
    row = {name: table[name][200].as_py() for name in table.column_names}
    tick, pressure, setpoint, output, raw, step, *_ = struct.unpack(RECORD_FORMAT, RUN.records[200])
    assert (row["seq"], row["tick"], row["raw_counts"], row["step_id"]) == (1200, tick, raw, step)
    assert row["time_s"] == 2.0
    assert row["pressure_mpa"] == pressure / 1000
    assert row["setpoint_mpa"] == setpoint / 1000
    assert row["output_percent"] == pytest.approx(100 * output / 32767)
    assert (row["state"], row["stage_id"]) == ("running", 0)
    last = {name: table[name][len(RUN.records) - 1].as_py() for name in table.column_names}
    assert (last["state"], last["step_id"], last["stage_id"]) == ("idle", None, None)


@st.composite
def _deliveries(draw: st.DrawFn) -> list[tuple[int, int]]:
    """All of the run in pieces, shuffled, some twice, some overlapping, some lost."""
    count = len(SHORT_RUN.records)
    cuts = sorted(draw(st.sets(st.integers(1, count - 1), max_size=8)))
    pieces = list(zip([0, *cuts], [*cuts, count], strict=True))
    extra = draw(st.lists(st.tuples(st.integers(0, count), st.integers(0, 30)), max_size=4))
    pieces += [(start, min(start + length, count)) for start, length in extra]
    kept = draw(st.lists(st.sampled_from(pieces), max_size=len(pieces)))
    lost = draw(st.booleans())
    random.Random(draw(st.integers())).shuffle(pieces)
    return kept if lost else pieces


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_deliveries())
def test_the_order_of_batches_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[int, int]]
) -> None:
    run = SHORT_RUN
    folder = tmp_path_factory.mktemp("run")
    summary = finalise(record(folder, run, end=run.end(), batches=batches))
    arrived = {n for start, stop in batches for n in range(start, stop)}
    missing = {n for gap in summary.gaps for n in range(gap.first_seq, gap.last_seq + 1)}
    assert missing == {run.run_first + n for n in set(range(len(run.records))) - arrived}
    assert sum(gap.records for gap in summary.gaps) == len(missing)
    for gap in summary.gaps:
        assert gap.first_tick is None or gap.first_tick == run.start_tick + gap.first_seq - 1000
        assert gap.seconds == pytest.approx(gap.records / 100)
    seq = pq.read_table(folder / "telemetry.parquet")["seq"].to_pylist()
    assert seq == sorted(run.run_first + n for n in arrived)
    if not missing:
        assert summary.stages == WHOLE.stages
        assert summary.truth == WHOLE.truth
        assert summary.warnings == WHOLE.warnings
    shutil.rmtree(folder)


@pytest.fixture(scope="module", autouse=True)
def _whole(tmp_path_factory: pytest.TempPathFactory) -> None:
    global WHOLE
    folder = tmp_path_factory.mktemp("whole")
    WHOLE = finalise(record(folder, SHORT_RUN, end=SHORT_RUN.end()))


WHOLE: RunSummary


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_journal_cut_anywhere_gives_what_was_whole(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    run = SHORT_RUN
    folder = record(
        tmp_path_factory.mktemp("run"),
        run,
        end=run.end(),
        batches=[(n, min(n + 10, len(run.records))) for n in range(0, len(run.records), 10)],
    )
    journal = folder / "run.journal"
    content = journal.read_bytes()
    header_size = 11 + int.from_bytes(content[7:11], "big")
    cut = data.draw(st.integers(header_size, len(content) - 1))
    journal.write_bytes(content[:cut])
    summary = finalise(folder)
    assert summary.end_reason == "interrupted"
    assert summary.gaps == ()
    assert summary.records % 10 == 0 or summary.records == len(run.records)
    assert any("stopped before the run ended" in warning for warning in summary.warnings)
    shutil.rmtree(folder)


def stop_of_step(run: SyntheticRun, step: int) -> int:
    """Return the index behind the last record of a step."""
    of_step = [
        n for n, raw in enumerate(run.records) if struct.unpack(RECORD_FORMAT, raw)[5] == step
    ]
    return of_step[-1] + 1


@pytest.mark.parametrize(
    ("last_step", "expected"),
    [
        (0, ["active", "not reached", "not reached"]),
        (1, ["active", "not reached", "not reached"]),
        (3, ["done", "active", "not reached"]),
        (7, ["done", "done", "active"]),
    ],
)
def test_a_host_killed_in_each_stage(tmp_path: Path, last_step: int, expected: list[str]) -> None:
    batches = [(0, stop_of_step(RUN, last_step) - 3)]
    summary = finalise(record(tmp_path, RUN, end=None, batches=batches))
    assert summary.end_reason == "interrupted"
    assert not summary.complete
    assert outcomes(summary) == expected
    for stage, outcome in zip(summary.stages, expected, strict=True):
        if outcome == "not reached":
            assert stage.peak_mpa is stage.mean_mpa is stage.dwell_s is stage.duration_s is None
    assert not verdict_rows(summary)[-1].passed


def test_a_host_killed_before_the_start(tmp_path: Path) -> None:
    RunRecorder.create(tmp_path, RUN.header).close()
    summary = finalise(tmp_path)
    assert summary.end_reason == "interrupted"
    assert summary.records == 0
    assert outcomes(summary) == ["not reached"] * 3
    assert RunRecord.open(tmp_path).frame().empty


def test_a_fault_is_named_and_ends_the_stage(tmp_path: Path) -> None:
    run = synthetic_run.run(Shape(stop_after_step=1))
    end = run.end(end_reason="fault", fault="over-pressure", step_results=())
    summary = finalise(record(tmp_path, run, end=end))
    assert (summary.end_reason, summary.fault) == ("fault", "over-pressure")
    assert outcomes(summary) == ["cut", "not reached", "not reached"]


def test_the_boards_results_decide_how_a_stage_ended(tmp_path: Path) -> None:
    results = list(RUN.results)
    results[4] = results[4].model_copy(update={"outcome": "advanced"})
    end = RUN.end(end_reason="aborted", step_results=tuple(results))
    summary = finalise(record(tmp_path, RUN, end=end))
    assert outcomes(summary) == ["done", "advanced", "done"]
    assert verdict_rows(summary)[2].reasons[0] == "The operator ended the stage early."


@pytest.mark.parametrize("fault", [None, "watchdog"])
def test_a_completion_that_the_record_contradicts_is_not_believed(
    tmp_path: Path, fault: str | None
) -> None:
    run = RUN if fault else synthetic_run.run(Shape(stop_after_step=4))
    summary = finalise(record(tmp_path, run, end=run.end(fault=fault)))
    assert summary.end_reason == "unconfirmed"
    assert "the board reported completion, but" in summary.warnings[0]


def test_a_stage_lost_in_a_gap_is_unknown_not_unreached(tmp_path: Path) -> None:
    start, stop = stop_of_step(RUN, 1), stop_of_step(RUN, 5)
    batches = [(0, start), (stop, len(RUN.records))]
    end = RUN.end(step_results=())
    summary = finalise(record(tmp_path, RUN, end=end, batches=batches))
    assert outcomes(summary) == ["done", "unknown", "done"]
    assert summary.stages[0].missing_s == summary.stages[2].missing_s == (stop - start) / 100
    assert not any(row.passed for row in verdict_rows(summary))


def test_records_beyond_the_run_are_left_out(tmp_path: Path) -> None:
    before = RUN.run_first - 5
    with RunRecorder.create(tmp_path, RUN.header) as recorder:
        recorder.telemetry(before, RUN.records[0] * 5)
        recorder.started(RUN.run_first, RUN.start_tick)
        recorder.telemetry(RUN.run_first, b"".join(RUN.records) + RUN.records[-1] * 7)
        recorder.close(RUN.end())
    assert finalise(tmp_path).records == len(RUN.records)


def test_records_lost_at_either_end_are_gaps(tmp_path: Path) -> None:
    count = len(RUN.records)
    summary = finalise(record(tmp_path, RUN, end=RUN.end(), batches=[(3, count - 2)]))
    first, last = summary.gaps
    assert (first.first_seq, first.last_seq, first.first_tick) == (1000, 1002, None)
    assert (last.records, last.last_seq) == (2, RUN.last_seq)
    assert not summary.complete


def test_batches_that_disagree_are_reported(tmp_path: Path) -> None:
    forged = bytearray(RUN.records[50])
    forged[4] ^= 1
    with RunRecorder.create(tmp_path, RUN.header) as recorder:
        recorder.started(RUN.run_first, RUN.start_tick)
        recorder.telemetry(RUN.run_first, b"".join(RUN.records))
        recorder.telemetry(RUN.run_first + 49, RUN.records[49] + bytes(forged), "backfill")
        recorder.close(RUN.end())
    summary = finalise(tmp_path)
    assert summary.warnings[0].startswith(
        "records 1050..1050 were received twice with different content"
    )
    pressure = struct.unpack(RECORD_FORMAT, RUN.records[50])[1] / 1000
    assert RunRecord.open(tmp_path).frame()["pressure_mpa"][50] == pressure


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        ({"peak_kpa": 300_000}, "peak reading is 300000 kPa"),
        ({"lowest_kpa": 1}, "lowest reading is 1 kPa"),
        ({"ticks": 900}, "counts 900 ticks"),
        ({"dwell_ticks": 120}, "counts 120 ticks of dwell"),
        ({"outcome": "pending"}, "the board has no result"),
    ],
)
def test_a_board_that_measured_something_else_is_reported(
    tmp_path: Path, change: dict[str, Any], warning: str
) -> None:
    results = [r.model_copy(update=change) if r.step == 1 else r for r in RUN.results]
    summary = finalise(record(tmp_path, RUN, end=RUN.end(step_results=tuple(results))))
    assert any(warning in text and "step 1" in text for text in summary.warnings)


def test_a_record_of_slack_at_a_steps_edges_is_no_disagreement(tmp_path: Path) -> None:
    shifted = [
        r.model_copy(update={"ticks": r.ticks - 1, "dwell_ticks": max(0, r.dwell_ticks - 1)})
        for r in RUN.results
    ]
    summary = finalise(record(tmp_path, RUN, end=RUN.end(step_results=tuple(shifted))))
    assert summary.warnings == ()


def test_the_device_clock_may_overflow_in_the_run(tmp_path: Path) -> None:
    late = synthetic_run.run(SHORT, start_tick=(1 << 32) - 20)
    summary = finalise(record(tmp_path, late, end=late.end()))
    assert summary.stages == WHOLE.stages
    assert summary.truth == WHOLE.truth
    time_s = RunRecord.open(tmp_path).frame()["time_s"]
    assert (time_s.diff().dropna() > 0).all()


def test_a_torn_truth_file_is_reported(tmp_path: Path) -> None:
    record(tmp_path, RUN, end=RUN.end(), truth=False)
    path = tmp_path / "elsewhere.bin"
    # Five records from before the run, 300 of the run, and a torn one.
    path.write_bytes(RUN.truth[: HEAD + 305 * SIZE + 7])
    summary = finalise(tmp_path, path)
    assert summary.truth is not None
    assert summary.truth[0].missing_s == pytest.approx(1.32)
    assert summary.truth[1].peak_mpa is None
    in_steps = sum(struct.unpack(RECORD_FORMAT, raw)[5] != 255 for raw in RUN.records)
    assert summary.warnings == (
        f"the true pressure is missing for {in_steps - 300} records of the stages",
    )
    assert "NaN" not in (tmp_path / "run.json").read_text("utf-8")
    truth = RunRecord.open(tmp_path).table()["true_pressure_mpa"]
    assert truth.null_count == len(RUN.records) - 300
    assert not any(row.passed for row in verdict_rows(summary) if row.source == "truth")


def test_a_gap_in_the_truth_is_not_filled_with_its_neighbour(tmp_path: Path) -> None:
    record(tmp_path, RUN, end=RUN.end(), truth=False)
    cut = RUN.truth[: HEAD + 105 * SIZE] + RUN.truth[HEAD + 110 * SIZE :]
    (tmp_path / "run.truth").write_bytes(cut)
    finalise(tmp_path)
    truth = RunRecord.open(tmp_path).frame()["true_pressure_mpa"]
    assert truth[truth.isna()].index.tolist() == [100, 101, 102, 103, 104]


def _broken(bits_from: dict[int, int]) -> bytes:
    """Return the truth with bits of damage set from a record on."""
    truth = bytearray(RUN.truth)
    for first, bits in bits_from.items():
        for index in range(first, (len(truth) - HEAD) // SIZE):
            at = HEAD + index * SIZE
            values = struct.unpack_from(RECORD, truth, at)
            struct.pack_into(RECORD, truth, at, *values[:-1], values[-1] | bits)
    return bytes(truth)


def test_a_broken_pellet_is_in_summary_stages_warnings_and_verdict(tmp_path: Path) -> None:
    sound = finalise(record(tmp_path / "sound", RUN, end=RUN.end()))
    assert sound.damage == ()
    assert sound.truth is not None
    assert {stage.damage for stage in sound.truth} == {None}

    record(tmp_path, RUN, end=RUN.end(), truth=False)
    index, name = sound.stages[1].index, sound.stages[1].name
    second = next(i for i, raw in enumerate(RUN.records) if _stage_of(raw) == index)
    # Five records are from before the run.
    broken = _broken({5 + second + 10: damage.OVER_PRESSURE, 5 + second + 30: damage.DIE_BURST})
    (tmp_path / "run.truth").write_bytes(broken)
    summary = finalise(tmp_path)
    assert summary.end_reason == "completed"
    assert summary.damage is not None and summary.truth is not None
    crack, burst = summary.damage
    assert (crack.what, crack.stage) == ("cracked under too much pressure", name)
    assert crack.time_s == pytest.approx((second + 10) / 100)
    assert burst.what == "escaped from a burst die"
    assert burst.time_s == pytest.approx((second + 30) / 100)
    assert [stage.damage is None for stage in summary.truth] == [True, False, False]
    assert all(stage.damage is None for stage in summary.stages)
    assert sum("the pellet cracked under too much pressure" in w for w in summary.warnings) == 1
    rows = [row for row in verdict_rows(summary) if row.source == "truth"]
    assert [any("cracked" in reason for reason in row.reasons) for row in rows] == [
        False,
        True,
        True,
    ]
    assert [row.passed for row in rows] == [True, False, False]


def test_a_pellet_that_was_broken_before_the_run_is_reported(tmp_path: Path) -> None:
    record(tmp_path, RUN, end=RUN.end(), truth=False)
    (tmp_path / "run.truth").write_bytes(_broken({0: damage.FORCED}))
    summary = finalise(tmp_path)
    assert summary.damage is not None and summary.truth is not None
    ((what, time_s, stage),) = [(d.what, d.time_s, d.stage) for d in summary.damage]
    assert (what, stage) == ("cracked on command", None)
    assert time_s == pytest.approx(-0.05)
    assert all(stage.damage for stage in summary.truth)


def _stage_of(raw: bytes) -> int | None:
    step = struct.unpack(RECORD_FORMAT, raw)[5]
    return next((s.index for s in RUN.header.stages if step in s.steps), None)


def test_truth_of_another_version_is_refused(tmp_path: Path) -> None:
    record(tmp_path, RUN, end=RUN.end(), truth=False)
    (tmp_path / "run.truth").write_bytes(RUN.truth[HEAD:])
    with pytest.raises(RecordError, match="this version") as refusal:
        finalise(tmp_path)
    assert refusal.value.code == "no-truth"


def test_ticks_before_the_start_are_negative_across_the_overflow() -> None:
    ticks = np.array([(1 << 32) - 2, (1 << 32) - 1, 0, 5], np.uint32)
    assert signed_ticks(ticks, 0).tolist() == [-2, -1, 0, 5]
    assert signed_ticks(ticks, (1 << 32) - 1).tolist() == [-1, 0, 1, 6]


def test_an_emulated_run_without_truth_has_a_warning(tmp_path: Path) -> None:
    summary = finalise(record(tmp_path, RUN, end=RUN.end(), truth=False))
    assert summary.truth is None
    assert summary.warnings == (
        "the press was emulated, but its true pressure is not in the record",
    )


def test_a_real_press_has_no_truth(tmp_path: Path) -> None:
    run = SyntheticRun(synthetic_run.header(simulated=False), 1000, 5000, RUN.records)
    record(tmp_path, run, end=run.end(), truth=False)
    (tmp_path / "truth.bin").write_bytes(RUN.truth)
    with pytest.raises(RecordError, match="real press"):
        finalise(tmp_path, tmp_path / "truth.bin")
    summary = finalise(tmp_path)
    assert summary.truth is None
    assert summary.warnings == ("never commissioned: nothing has proved the wires of this press",)
    assert "true_pressure_mpa" not in RunRecord.open(tmp_path).table().column_names


def test_a_missing_truth_file_is_an_error(tmp_path: Path) -> None:
    record(tmp_path, RUN, end=RUN.end(), truth=False)
    with pytest.raises(RecordError, match="left no true pressure"):
        finalise(tmp_path, tmp_path / "nowhere.bin")


def test_a_run_in_progress_is_read_but_not_finalised(tmp_path: Path) -> None:
    with RunRecorder.create(tmp_path, RUN.header) as recorder:
        recorder.started(RUN.run_first, RUN.start_tick)
        recorder.telemetry(*RUN.batch(0, 100))
        assert len(RunRecord.open(tmp_path).frame()) == 100
        with pytest.raises(RecordError) as refusal:
            finalise(tmp_path)
        assert refusal.value.code == "record-busy"
    assert [path.name for path in tmp_path.iterdir()] == ["run.journal"]


def test_a_damaged_journal_is_finalised_with_a_warning(tmp_path: Path) -> None:
    half = len(RUN.records) // 2
    record(tmp_path, RUN, end=RUN.end(), batches=[(0, half), (half, len(RUN.records))])
    journal = tmp_path / "run.journal"
    content = bytearray(journal.read_bytes())
    content[len(content) // 3] ^= 0xFF
    journal.write_bytes(content)
    summary = finalise(tmp_path)
    assert [gap.records for gap in summary.gaps] == [half]
    assert "not readable" in summary.warnings[0]
    assert not summary.complete


def test_pauses_stop_the_clock_but_not_the_record(tmp_path: Path) -> None:
    start = stop_of_step(RUN, 1) - 60
    paused = [
        struct.pack(RECORD_FORMAT, *fields[:6], State.PAUSED, *fields[7:])
        for fields in (struct.unpack(RECORD_FORMAT, raw) for raw in RUN.records[start : start + 40])
    ]
    records = [*RUN.records[:start], *paused, *RUN.records[start + 40 :]]
    hold = RUN.results[1]
    shorter = {"ticks": hold.ticks - 40, "dwell_ticks": hold.dwell_ticks - 40}
    results = [RUN.results[0], hold.model_copy(update=shorter), *RUN.results[2:]]
    run = SyntheticRun(RUN.header, 1000, 5000, records, RUN.truth, results)
    summary = finalise(record(tmp_path, run, end=run.end()))
    assert summary.warnings == ()
    whole = finalise(record(tmp_path, RUN, end=RUN.end()))
    assert whole.stages[0].dwell_s is not None and summary.stages[0].dwell_s is not None
    assert summary.stages[0].dwell_s == pytest.approx(whole.stages[0].dwell_s - 0.4)
    assert summary.stages[0].duration_s == whole.stages[0].duration_s
    assert (
        "The dwell in band was 1.1 s; the protocol asks for 1.5 s."
        in verdict_rows(summary)[0].reasons
    )


def test_an_extreme_in_a_pause_at_a_steps_end_is_no_disagreement(tmp_path: Path) -> None:
    # The host was lost, the board paused, and the limit passed: the hold ends paused.
    stop = stop_of_step(RUN, 1)
    records = list(RUN.records)
    for index in range(stop - 40, stop):
        fields = struct.unpack(RECORD_FORMAT, records[index])
        pressure = fields[1] + (900 if index == stop - 20 else 0)
        records[index] = struct.pack(
            RECORD_FORMAT, fields[0], pressure, *fields[2:6], State.PAUSED, *fields[7:]
        )
    hold = RUN.results[1]
    highest = max(struct.unpack(RECORD_FORMAT, raw)[1] for raw in records[stop - 40 : stop])
    seen = {
        "ticks": hold.ticks - 40, "dwell_ticks": hold.dwell_ticks - 40, "peak_kpa": highest,
    }  # fmt: skip
    results = [RUN.results[0], hold.model_copy(update=seen)]
    run = SyntheticRun(RUN.header, 1000, 5000, records, RUN.truth, [*results, *RUN.results[2:]])
    assert finalise(record(tmp_path, run, end=run.end())).warnings == ()


def test_events_keep_their_order_and_data(tmp_path: Path) -> None:
    with RunRecorder.create(tmp_path, RUN.header) as recorder:
        recorder.started(RUN.run_first, RUN.start_tick)
        recorder.event("prompt", tick=5400, text="insert the cathode")
        recorder.event("prompt-answered", tick=5500, by="operator")
        recorder.close(RUN.end(note="all well"))
    summary = finalise(tmp_path)
    assert [(event.kind, event.tick) for event in summary.events] == [
        ("prompt", 5400),
        ("prompt-answered", 5500),
    ]
    assert summary.events[1].data == {"by": "operator"}
    assert summary.note == "all well"


def test_no_number_in_run_json_is_not_a_number(tmp_path: Path) -> None:
    finalise(record(tmp_path, RUN, end=None, batches=[(0, 40)]))

    def refuse(name: str) -> float:
        raise AssertionError(name)

    document = json.loads((tmp_path / "run.json").read_text("utf-8"), parse_constant=refuse)
    assert document["stages"][2]["rms_error_mpa"] is None
    assert not math.isnan(document["duration_s"])
