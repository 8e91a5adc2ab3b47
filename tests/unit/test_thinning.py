"""Thinning: what it keeps, how it limits the size, and that it changes no measure."""

from __future__ import annotations

import itertools
import shutil
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pressloop.evaluation import RunRecord, StageResult, finalise
from pressloop.evaluation.series import RECORD_DTYPE
from pressloop.plotting import plot_run
from pressloop.record import PlannedStep, RunEnd, RunRecorder, ThinningRules
from pressloop.record.interval import Interval
from pressloop.record.pending import PENDING_NAMES
from pressloop.record.thinning import RawBatch, RecordPiece, Thinner
from pressloop.wire.schema import NO_DISPLACEMENT, RECORD_FORMAT, RECORD_SIZE, FlagBits, State
from pressloop_sim.plant.damage import OVER_PRESSURE
from pressloop_sim.plant.truth_format import MAGIC
from pressloop_sim.plant.truth_format import RECORD as TRUTH_RECORD

from tests.unit import synthetic_run

SHORT = ThinningRules(
    after_change_s=0.3,
    after_event_s=0.1,
    before_s=0.1,
    intervals=((0.5, 0.15), (None, 0.4)),
)
"""The usual rules, for runs of seconds."""

HOLD = PlannedStep(
    index=0, kind="hold", stage=0, target_mpa=74.0, tolerance_mpa=0.05, duration_s=1.0
)
IN_BAND = int(FlagBits.IN_BAND | FlagBits.DWELLING)


def hold_records(errors_kpa: Sequence[int], outputs: Sequence[int] | None = None) -> bytes:
    """A hold at 74 MPa +- 50 kPa whose readings are off by this much."""
    rows = []
    for tick, error in enumerate(errors_kpa):
        flags = IN_BAND if abs(error) <= 50 else 0
        output = outputs[tick] if outputs is not None else 0
        state = State.RUNNING
        row = (tick, 74_000 + error, 74_000, output, 9, 0, state, flags, 0, NO_DISPLACEMENT)
        rows.append(struct.pack(RECORD_FORMAT, *row))
    return b"".join(rows)


def thin(
    records: bytes, batches: Iterable[int], rules: ThinningRules = SHORT
) -> tuple[list[RecordPiece], Thinner]:
    """Return all pieces of a stream that comes in batches of these sizes, repeated."""
    thinner = Thinner([HOLD], 0.01, rules)
    pieces: list[RecordPiece] = []
    at = 0
    for size in itertools.cycle(batches):
        if at >= len(records):
            break
        pieces += thinner.take(at // RECORD_SIZE, records[at : at + size * RECORD_SIZE])
        at += size * RECORD_SIZE
    return pieces + thinner.flush(), thinner


def size_of(piece: RecordPiece) -> int:
    return piece.count if isinstance(piece, Interval) else len(piece.records) // RECORD_SIZE


errors = st.lists(
    st.tuples(st.integers(-60, 60), st.integers(1, 90)).map(lambda pair: [pair[0]] * pair[1]),
    min_size=1,
    max_size=12,
).map(lambda runs: list(itertools.chain(*runs)))


@given(errors, st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(0, 3))
def test_pieces_cover_every_record_and_keep_its_extremes(
    errors_kpa: list[int], batches: list[int], pumping: int
) -> None:
    outputs = [100 * (n % 7 < pumping) for n in range(len(errors_kpa))]
    records = hold_records(errors_kpa, outputs)
    pieces, _ = thin(records, batches)
    at = 0
    for piece in pieces:
        assert piece.first == at
        part = records[at * RECORD_SIZE :][: size_of(piece) * RECORD_SIZE]
        mine = errors_kpa[at : at + size_of(piece)]
        at += size_of(piece)
        if isinstance(piece, RawBatch):
            assert piece.records == part
            continue
        kept = [mine[offset] for offset in piece.offsets]
        assert piece.records == b"".join(
            part[n * RECORD_SIZE : (n + 1) * RECORD_SIZE] for n in piece.offsets
        )
        assert kept[0] == mine[0] and kept[-1] == mine[-1]
        assert min(kept) == min(mine) and max(kept) == max(mine)
        sums = piece.sums
        assert (sums.target_kpa, sums.error_kpa) == (74_000, sum(mine))
        assert sums.square_kpa2 == sum(error**2 for error in mine)
        assert sums.in_band == sums.dwelling == sum(abs(error) <= 50 for error in mine)
        assert sums.half_percent == sum(abs(error) <= 370 for error in mine)
        part_outputs = outputs[piece.first : piece.first + piece.count]
        assert sums.output == sum(part_outputs)
        assert sums.pump_starts == sum(b > 0 >= a for a, b in itertools.pairwise(part_outputs))
    assert at == len(errors_kpa)


@given(errors, st.lists(st.integers(1, 40), min_size=1, max_size=4))
def test_what_surrounds_a_change_is_kept_whole(errors_kpa: list[int], batches: list[int]) -> None:
    pieces, _ = thin(hold_records(errors_kpa), batches)
    summed = {
        n
        for piece in pieces
        if isinstance(piece, Interval)
        for n in range(piece.first, piece.first + piece.count)
    }
    inside = [abs(error) <= 50 for error in errors_kpa]
    changes = [0] + [n for n in range(1, len(inside)) if inside[n] != inside[n - 1]]
    near = {n for change in changes for n in range(change - 10, change + 10)}
    assert not summed & near
    assert not summed & set(range(30))


def test_how_the_records_are_cut_into_batches_does_not_matter() -> None:
    records = hold_records([n * 7 % 90 - 40 for n in range(1500)])
    assert thin(records, [20])[0] != []
    summed = [
        [piece for piece in thin(records, [size])[0] if isinstance(piece, Interval)]
        for size in (1, 20, 33)
    ]
    assert summed[0] == summed[1] == summed[2]


def test_the_size_of_a_hold_that_flickers_for_long_is_limited() -> None:
    rules = replace_rules(event_store_s=20.0, event_share=0.01)
    records = hold_records([60 if n % 100 == 0 else 0 for n in range(60_000)])
    pieces, _ = thin(records, [20], rules)
    whole = sum(size_of(piece) for piece in pieces if isinstance(piece, RawBatch))
    assert 1000 <= whole <= 2000 + 600 + 100
    out_of_band = sum(
        piece.count - piece.sums.in_band for piece in pieces if isinstance(piece, Interval)
    )
    seen = sum(
        row[1] == 74_060
        for piece in pieces
        if isinstance(piece, RawBatch)
        for row in struct.iter_unpack(RECORD_FORMAT, piece.records)
    )
    assert out_of_band + seen == 600


def test_an_interval_never_contains_a_gap() -> None:
    records = hold_records([0] * 1000)
    thinner = Thinner([HOLD], 0.01, SHORT)
    pieces = thinner.take(0, records[: 500 * RECORD_SIZE])
    pieces += thinner.take(520, records[520 * RECORD_SIZE :])
    assert thinner.take(500, records[500 * RECORD_SIZE : 520 * RECORD_SIZE]) == [
        RawBatch(500, records[500 * RECORD_SIZE : 520 * RECORD_SIZE])
    ]
    pieces += thinner.flush()
    covered = sorted((piece.first, piece.first + size_of(piece)) for piece in pieces)
    assert not any(first < 520 and stop > 500 for first, stop in covered)
    assert sum(stop - first for first, stop in covered) == 980


def replace_rules(**changes: Any) -> ThinningRules:
    return SHORT.model_copy(update=changes)


# --- the record


SETTLED = SHORT.model_copy(update={"after_change_s": 2.0})
"""Keeps the records whole that prove that the pressure settled, as the usual rules do."""

SHAPE = synthetic_run.Shape(hold_s=6.0, noise_mpa=0.2, bump_mpa=1.6)


def write(
    folder: Path,
    run: synthetic_run.SyntheticRun,
    rules: ThinningRules | None,
    *,
    stop: int | None = None,
) -> RunRecorder:
    """Record a run in batches of 20, as they come live; without its end."""
    folder.mkdir(parents=True)
    truth = folder.with_name(folder.name + "-board.bin")
    truth.write_bytes(run.truth)
    header = run.header.model_copy(update={"thinning": rules})
    recorder = RunRecorder.create(folder, header, truth=truth)
    recorder.started(run.run_first, run.start_tick)
    for start in range(0, len(run.records) if stop is None else stop, 20):
        recorder.telemetry(*run.batch(start, start + 20))
    return recorder


def close(recorder: RunRecorder, end: RunEnd | None) -> None:
    recorder.close(end)
    recorder.fetch_truth()


def assert_same(one: StageResult, other: StageResult) -> None:
    found = other.model_dump()
    for name, value in one.model_dump().items():
        if any(word in name for word in ("noise", "uncertainty", "repeatability")):
            continue  # the noise is that of the records kept whole
        if name == "springback":
            continue  # begins with the mean of half a second, of which the rules here keep less
        expected = pytest.approx(value, rel=1e-9) if isinstance(value, float) else value
        assert found[name] == expected, name


def test_every_measure_is_that_of_the_whole_record(tmp_path: Path) -> None:
    run = synthetic_run.run(SHAPE)
    close(write(tmp_path / "whole", run, None), run.end())
    close(write(tmp_path / "thin", run, SETTLED), run.end())
    whole, thinned = finalise(tmp_path / "whole"), finalise(tmp_path / "thin")
    assert whole.thinned is None and thinned.thinned is not None
    assert thinned.thinned.rows < 0.7 * whole.records
    assert thinned.records == whole.records
    assert thinned.gaps == () and thinned.warnings == whole.warnings == ()
    assert whole.truth is not None and thinned.truth is not None
    for one, other in zip(whole.stages, thinned.stages, strict=True):
        assert_same(one, other)
    for one, other in zip(whole.truth, thinned.truth, strict=True):
        assert_same(one, other)
    assert any(0 < (stage.in_band_fraction or 0) < 1 for stage in whole.stages)


def test_the_intervals_say_mean_and_spread(tmp_path: Path) -> None:
    run = synthetic_run.run(SHAPE)
    close(write(tmp_path / "thin", run, SETTLED), run.end())
    finalise(tmp_path / "thin")
    record = RunRecord.open(tmp_path / "thin")
    table = record.intervals()
    assert table is not None and record.summary.thinned is not None
    assert table.num_rows == record.summary.thinned.intervals
    pressures = np.frombuffer(b"".join(run.records), RECORD_DTYPE)["pressure_kpa"] / 1000
    for row in table.to_pylist():
        first = row["first_seq"] - run.run_first
        assert row["mean_mpa"] == pytest.approx(pressures[first : first + row["records"]].mean())
        assert row["true_mean_mpa"] == pytest.approx(row["mean_mpa"] + 0.1, abs=1e-4)
    rows = record.frame()
    assert rows["thinned"].sum() == record.summary.thinned.rows - (~rows["thinned"]).sum()


def test_a_killed_host_leaves_every_record_it_had(tmp_path: Path) -> None:
    run = synthetic_run.run(SHAPE)
    for stop in range(20, len(run.records), 260):
        folder = tmp_path / str(stop)
        recorder = write(folder, run, SETTLED, stop=stop)
        killed = tmp_path / f"killed-{stop}"
        shutil.copytree(folder, killed)  # what is on disk while the recorder lives
        record = RunRecord.open(killed)
        assert record.summary.records == stop
        assert record.summary.gaps == ()
        recorder.close()


def test_a_reopened_record_is_thinned_further(tmp_path: Path) -> None:
    run = synthetic_run.run(SHAPE)
    recorder = write(tmp_path / "first", run, SETTLED, stop=1200)
    killed = tmp_path / "killed"
    shutil.copytree(tmp_path / "first", killed)
    recorder.close()
    (tmp_path / "board.bin").write_bytes(run.truth)
    with RunRecorder.reopen(killed, truth=tmp_path / "board.bin") as second:
        assert second.held == [(run.run_first, run.run_first + 1199)]
        for start in range(1200, len(run.records), 20):
            second.telemetry(*run.batch(start, start + 20))
        close(second, run.end())
    assert not any((killed / name).exists() for name in PENDING_NAMES)
    summary = finalise(killed)
    assert summary.gaps == () and summary.records == len(run.records)
    close(write(tmp_path / "whole", run, None), run.end())
    for one, other in zip(finalise(tmp_path / "whole").stages, summary.stages, strict=True):
        assert_same(one, other)
    assert not any("true pressure" in warning for warning in summary.warnings)


def test_a_closed_record_leaves_no_undecided_records_behind(tmp_path: Path) -> None:
    run = synthetic_run.run(SHAPE)
    recorder = write(tmp_path / "run", run, SETTLED, stop=1200)
    assert any((tmp_path / "run" / name).exists() for name in PENDING_NAMES)
    recorder.close()
    assert not any((tmp_path / "run" / name).exists() for name in PENDING_NAMES)
    assert RunRecord.open(tmp_path / "run").summary.records == 1200


def test_what_broke_in_a_thinned_interval_is_known_to_the_tick(tmp_path: Path) -> None:
    run = synthetic_run.run(SHAPE)
    head, row = len(MAGIC), struct.calcsize(TRUTH_RECORD)
    broken = bytearray(run.truth)
    at = (len(broken) - head) // row - 600  # in the quiet of the last hold
    for start in range(head + at * row, len(broken), row):
        broken[start + row - 4] = OVER_PRESSURE
    run.truth = bytes(broken)
    found = []
    for name, rules in (("whole", None), ("thin", SETTLED)):
        close(write(tmp_path / name, run, rules), run.end())
        found.append(finalise(tmp_path / name).damage)
    assert found[0] and found[0] == found[1]


def test_a_truth_that_cannot_be_read_does_not_end_the_recording(tmp_path: Path) -> None:
    run = synthetic_run.run(SHAPE)
    recorder = RunRecorder.create(
        tmp_path / "run",
        run.header.model_copy(update={"thinning": SETTLED}),
        truth=tmp_path / "nowhere",
    )
    recorder.started(run.run_first, run.start_tick)
    recorder.telemetry(*run.batch(0, len(run.records)))
    close(recorder, run.end())
    summary = finalise(tmp_path / "run")
    assert summary.thinned is not None and summary.gaps == ()


def test_a_week_is_small_and_draws(tmp_path: Path) -> None:
    """Seven days of a stack pressure, a record a second: written, read and drawn as any record."""
    seconds = 7 * 86_400
    rows = np.zeros(seconds, RECORD_DTYPE)
    rows["tick"] = 100 * np.arange(seconds)
    wave = np.random.default_rng(1).integers(-30, 31, seconds)
    wave[400_000] = 2500  # one excursion, one reading long
    rows["pressure_kpa"] = 74_000 + wave
    rows["setpoint_kpa"] = 74_000
    rows["state"] = State.RUNNING
    rows["flags"] = np.where(np.abs(wave) <= 1000, IN_BAND, 0)
    step = replace_step(HOLD, duration_s=float(seconds), tolerance_mpa=1.0)
    stage = synthetic_run.plan(synthetic_run.Shape(targets_mpa=(74.0,)))[1][0]
    header = synthetic_run.header(
        steps=(step,),
        stages=(stage.model_copy(update={"steps": (0,), "tolerance_mpa": 1.0}),),
        record_every=100,
        thinning=ThinningRules(),
    )
    data = rows.tobytes()
    with RunRecorder.create(tmp_path, header) as recorder:
        recorder.started(0, 0)
        for at in range(0, seconds, 600):
            recorder.telemetry(at, data[at * RECORD_SIZE : (at + 600) * RECORD_SIZE])
        recorder.close(RunEnd(end_reason="completed", last_seq=seconds - 1))
    summary = finalise(tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 12e6
    assert summary.gaps == () and summary.records == seconds
    (result,) = summary.stages
    assert result.peak_mpa == 76.5
    assert result.in_band_fraction == pytest.approx(1 - 1 / seconds)
    assert result.mean_mpa == pytest.approx(74 + wave.mean() / 1000)
    record = RunRecord.open(tmp_path)
    frame = record.frame()
    assert frame["pressure_mpa"].max() == 76.5
    assert not frame.set_index("seq")["thinned"].loc[400_000 - 60 : 400_000 + 60].any()
    assert plot_run(record, tmp_path / "week.png").stat().st_size > 10_000


def replace_step(step: PlannedStep, **changes: Any) -> PlannedStep:
    return step.model_copy(update=changes)
