"""Makes records of many kinds, and the results that evaluation has to give for each.

`golden/NAME.json` holds the computed part of `run.json`, without `NOT_COMPARED`, and a checksum of
each Parquet column. Write the files anew only when a result was changed on purpose, and
read the difference before committing it: `.venv/bin/python -m tests.unit.golden_records`.
"""

from __future__ import annotations

import binascii
import json
import re
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
from pressloop.evaluation import finalise
from pressloop.record import PlannedStep, RunEnd, RunHeader, RunRecorder, ThinningRules
from pressloop.sample import Sample, keep_sample
from pressloop.wire.schema import NO_DISPLACEMENT, OUTPUT_FULL, RECORD_FORMAT, FlagBits, State
from pressloop_sim.plant import damage
from pressloop_sim.plant.truth_format import MAGIC, RECORD

from tests.unit import synthetic_run
from tests.unit.synthetic_run import Shape, SyntheticRun

FOLDER: Final = Path(__file__).parent / "golden"

NOT_COMPARED: Final = (
    "header",
    "steps",
    "hashes",
    "sample",
    "started_unix_time_second",
    "commissioned",
)
"""Keys of `run.json` that repeat what was given, or hold the time of day."""

NO_CHECKSUM: Final = ("unix_time_second",)
"""Columns that hold the time of day."""

RUN: Final = synthetic_run.run()
LONG: Final = synthetic_run.run(Shape(hold_s=6.0, noise_mpa=0.2, bump_mpa=1.6))
SAMPLE: Final = Sample(
    until_stage="Stack pressure", mass_mg=100, true_density_g_cm3=2, punches_um_mpa=0.005
)
THINNING: Final = ThinningRules(
    after_change_s=2.0,
    after_event_s=0.1,
    before_s=0.1,
    intervals=((0.5, 0.15), (None, 0.4)),
)


def of_steps(run: SyntheticRun, *steps: int) -> list[int]:
    """Indices of the records of these steps."""
    return [i for i, raw in enumerate(run.records) if struct.unpack(RECORD_FORMAT, raw)[5] in steps]


def changed(
    run: SyntheticRun, change: Callable[[int, dict[str, int]], None], **values: Any
) -> SyntheticRun:
    """The run with each record changed by its index and fields, and with other attributes."""
    names = ("tick", "pressure", "setpoint", "output", "raw", "step", "state", "flags", "inputs",
             "displacement")  # fmt: skip
    records = []
    for index, raw in enumerate(run.records):
        fields = dict(zip(names, struct.unpack(RECORD_FORMAT, raw), strict=True))
        change(index, fields)
        records.append(struct.pack(RECORD_FORMAT, *fields.values()))
    return replace(run, records=records, **values)


def write(
    folder: Path,
    run: SyntheticRun,
    end: RunEnd | None,
    *,
    batches: tuple[tuple[int, int], ...] = ((0, 1 << 20),),
    truth: bytes | None = b"",
    sample: Sample | None = None,
) -> None:
    """Record a run. The truth is the run's own when empty; None leaves no truth."""
    with RunRecorder.create(folder, run.header) as recorder:
        recorder.started(run.run_first, run.start_tick)
        for start, stop in batches:
            recorder.telemetry(*run.batch(start, stop))
        recorder.close(end)
    if truth is not None:
        (folder / "run.truth").write_bytes(truth or run.truth)
    keep_sample(folder, sample)


def completed(folder: Path) -> None:
    """A run that went well."""
    write(folder, RUN, RUN.end())


def faulted(folder: Path) -> None:
    """A run that a fault ended in its second stage, without the board's results."""
    run = synthetic_run.run(Shape(stop_after_step=3))
    write(folder, run, run.end(end_reason="fault", fault="over-pressure", step_results=()))


def aborted(folder: Path) -> None:
    """A run whose second stage was ended by the operator and whose third was aborted."""
    outcomes = {4: "advanced", 6: "done", 7: "cut"}
    results = [
        r.model_copy(update={"outcome": outcomes.get(r.step, r.outcome), "dwell_end": "operator"})
        for r in RUN.results
    ]
    write(folder, RUN, RUN.end(end_reason="aborted", step_results=tuple(results)))


def unconfirmed(folder: Path) -> None:
    """A run that the board reports as completed although its last stage was not reached."""
    run = synthetic_run.run(Shape(stop_after_step=4))
    write(folder, run, run.end(fault="watchdog"))


def interrupted(folder: Path) -> None:
    """A run whose host died in the second hold."""
    write(folder, RUN, None, batches=((0, of_steps(RUN, 4)[40]),))


def gaps(folder: Path) -> None:
    """A run that lacks its beginning, its end and a piece in its middle."""
    first, last = of_steps(RUN, 1)[-30], of_steps(RUN, 3)[50]
    write(
        folder,
        RUN,
        RUN.end(step_results=()),
        batches=((3, first), (last, len(RUN.records) - 2)),
    )


def damaged(folder: Path) -> None:
    """A journal with an unreadable batch, and one batch that came twice with other content."""
    half = len(RUN.records) // 2
    forged = bytearray(RUN.records[50])
    forged[4] ^= 1
    with RunRecorder.create(folder, RUN.header) as recorder:
        recorder.started(RUN.run_first, RUN.start_tick)
        recorder.telemetry(*RUN.batch(0, half))
        recorder.telemetry(RUN.run_first + 50, bytes(forged), "backfill")
        recorder.telemetry(*RUN.batch(half, len(RUN.records)))
        recorder.close(RUN.end())
    journal = folder / "run.journal"
    content = bytearray(journal.read_bytes())
    content[len(content) * 3 // 4] ^= 0xFF
    journal.write_bytes(content)


def disagreeing(folder: Path) -> None:
    """A board whose own results differ from the telemetry."""
    changes: dict[int, dict[str, Any]] = {
        1: {"peak_kpa": 300_000, "lowest_kpa": 1},
        3: {"outcome": "pending"},
        4: {"ticks": 900, "dwell_ticks": 120},
    }
    results = [r.model_copy(update=changes.get(r.step, {})) for r in RUN.results]
    write(folder, RUN, RUN.end(step_results=tuple(results)), truth=None)


def paused(folder: Path) -> None:
    """A run that was paused in its first hold."""
    pause = of_steps(RUN, 1)[-60:-20]

    def change(index: int, fields: dict[str, int]) -> None:
        if index in pause:
            fields["state"] = int(State.PAUSED)

    write(folder, changed(RUN, change), RUN.end())


def cracked(folder: Path) -> None:
    """A pellet that cracked and a die that burst, in a file of true states that is torn."""
    truth = bytearray(RUN.truth)
    size, second = struct.calcsize(RECORD), of_steps(RUN, 3)[0]
    for first, bits in ((second + 10, damage.OVER_PRESSURE), (second + 30, damage.DIE_BURST)):
        for at in range(len(MAGIC) + first * size, len(truth), size):
            values = struct.unpack_from(RECORD, truth, at)
            struct.pack_into(RECORD, truth, at, *values[:-1], values[-1] | bits)
    write(folder, RUN, RUN.end(), truth=bytes(truth[: -300 * size - 7]))


def with_sensor(run: SyntheticRun, header: RunHeader | None = None) -> SyntheticRun:
    """The run with a displacement: 5 mm, the pellet's compression, and creep in the holds."""
    seen = {step: of_steps(run, step) for step in (1, 4, 7)}

    def change(index: int, fields: dict[str, int]) -> None:
        um = 5000 + 0.04 * fields["pressure"] / 1000
        holding = seen.get(fields["step"])
        if holding:
            time_s = (index - holding[0]) / 100
            um += 80 * time_s / (1 + time_s)
        fields["displacement"] = round(um)

    return changed(run, change, header=header or run.header)


def measured_thickness(folder: Path) -> None:
    """A pellet with a displacement sensor whose thickness was measured by hand."""
    run = with_sensor(LONG)
    write(folder, run, run.end(), sample=SAMPLE.model_copy(update={"thickness_mm": 0.9}))


def empty_die(folder: Path) -> None:
    """A pellet with a displacement sensor whose thickness follows from the empty die."""
    run = with_sensor(LONG)
    write(folder, run, run.end(), sample=SAMPLE.model_copy(update={"empty_die_mm": 6.1}))


def without_sensor(folder: Path) -> None:
    """A pellet without a sensor, measured by hand, and a vent whose oil was seen."""

    def change(_: int, fields: dict[str, int]) -> None:
        assert fields["displacement"] == NO_DISPLACEMENT
        if fields["state"] == State.VENTING:
            fields["output"] = round(-0.22 * OUTPUT_FULL)

    sample = SAMPLE.model_copy(update={"thickness_mm": 0.9})
    write(folder, changed(RUN, change), RUN.end(), sample=sample)


def sealed(folder: Path) -> None:
    """Three sealed dwells that relax: by the powder, too little, and by what looks like a leak."""

    def mode(step: PlannedStep) -> PlannedStep:
        return step.model_copy(update={"mode": "sealed"}) if step.kind == "hold" else step

    profile = {**LONG.header.profile, "leak_ul_min": 5.0, "leak_uncertainty_ul_min": 0.5}
    header = LONG.header.model_copy(
        update={"steps": tuple(mode(step) for step in LONG.header.steps), "profile": profile}
    )
    losses: dict[int, Callable[[float], float]] = {
        1: lambda t: 20_000 * t / (1 + t),
        4: lambda t: 0,
        7: lambda t: 500 * t,
    }
    seen = {step: of_steps(LONG, step) for step in losses}

    def change(index: int, fields: dict[str, int]) -> None:
        step = fields["step"]
        if step in seen:
            fields["pressure"] -= round(losses[step]((index - seen[step][0]) / 100))
            fields["flags"] |= int(FlagBits.SEALED)

    write(folder, changed(LONG, change, header=header), LONG.end(step_results=()))


def thinned(folder: Path) -> None:
    """A run whose quiet stretches are summed up, together with their true pressure."""
    board = folder / "board.truth"
    folder.mkdir(exist_ok=True)
    board.write_bytes(LONG.truth)
    header = LONG.header.model_copy(update={"thinning": THINNING})
    recorder = RunRecorder.create(folder, header, truth=board)
    recorder.started(LONG.run_first, LONG.start_tick)
    for start in range(0, len(LONG.records), 20):
        recorder.telemetry(*LONG.batch(start, start + 20))
    recorder.close(LONG.end())
    recorder.fetch_truth()


CASES: Final[tuple[Callable[[Path], None], ...]] = (
    completed,
    faulted,
    aborted,
    unconfirmed,
    interrupted,
    gaps,
    damaged,
    disagreeing,
    paused,
    cracked,
    measured_thickness,
    empty_die,
    without_sensor,
    sealed,
    thinned,
)


def result_of(folder: Path) -> dict[str, Any]:
    """Finalise the record in a folder and return what is compared of it."""
    finalise(folder)
    document = json.loads((folder / "run.json").read_text("utf-8"))
    kept = {key: value for key, value in document.items() if key not in NOT_COMPARED}
    # The header's length moves with each key that it gains.
    kept["warnings"] = [re.sub(r"at offset \d+", "at an offset", text) for text in kept["warnings"]]
    for stage in (*kept["stages"], *(kept["truth"] or ())):
        del stage["mean_uncertainty"]  # long, and the other uncertainties follow from it
    for name in ("telemetry", "intervals"):
        path = folder / f"{name}.parquet"
        if path.exists():
            kept[name] = dict(_checksums(path))
    return kept


def _checksums(path: Path) -> Iterator[tuple[str, str]]:
    table = pq.read_table(path)
    for name in table.column_names:
        if name not in NO_CHECKSUM:
            values = repr(table[name].to_pylist()).encode()
            yield name, f"{binascii.crc32(values):08x}"


def main() -> None:
    """Write all files, or those of the cases that are named."""
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        if sys.argv[1:] and case.__name__ not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as folder:
            case(Path(folder))
            text = json.dumps(result_of(Path(folder)), indent=1)
        (FOLDER / f"{case.__name__}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
