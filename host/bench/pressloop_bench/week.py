"""`make bench-week`: what it costs to write, finalise, read and draw the record of a week.

The sixty million records are synthetic: a quiet reading with noise, and every few hours an
excursion out of band, one record long. They are recorded as in a run: batches of 20, thinned as
they come. CPU time is measured, so that other programs on the machine do not count.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from pressloop.emulator.description import PressDescription
from pressloop.errors import required
from pressloop.evaluation import RunRecord, finalise
from pressloop.evaluation.series import RECORD_DTYPE
from pressloop.machine.profile import MachineProfile
from pressloop.plan import compile_plan
from pressloop.plotting import plot_run
from pressloop.record import BoardIdentity, RunEnd, RunHeader, RunRecorder, ThinningRules
from pressloop.record.header import planned_stages, planned_steps
from pressloop.validation import validate_file
from pressloop.wire.schema import (
    NO_DISPLACEMENT,
    RECORD_SIZE,
    TICK_HZ,
    FlagBits,
    State,
    StepKind,
)

_HOUR: Final = 3600 * TICK_HZ
_BATCH: Final = 20
_NOISE_KPA: Final = 30
_EXCURSION_KPA: Final = 2500


def write(folder: Path, protocol: Path, hours: int, every_hours: int) -> None:
    """Record so many hours of the longest hold of a protocol."""
    profile = MachineProfile.from_fields(PressDescription().nominal_profile())
    validation = validate_file(protocol, profile)
    plan = compile_plan(validation.checked(), profile)
    held = [step for step in plan.steps if step.kind is StepKind.HOLD]
    step = max(held, key=lambda hold: hold.duration_ms or 0)
    target_kpa = required(step.target_kpa, "the target")
    tolerance_kpa = required(step.tolerance_kpa, "the tolerance")
    header = RunHeader(
        run_id="00" * 8,
        created_unix_time_second=time.time(),
        protocol_name=plan.protocol.name,
        protocol_text=validation.source.text,
        steps=planned_steps(plan),
        stages=planned_stages(plan),
        board=BoardIdentity(
            board="none",
            firmware="",
            build="",
            unique_id="",
            boot_id=1,
            protocol_version="",
            schema_hash="",
        ),
        profile=profile.model_dump(mode="json"),
        profile_hash="",
        host_software={},
        simulated=True,
        port="",
        tick_hz=TICK_HZ,
        thinning=ThinningRules(),
    )
    random = np.random.default_rng(1)
    rows = np.zeros(_HOUR, RECORD_DTYPE)
    rows["setpoint_kpa"] = target_kpa
    rows["step"] = step.index
    rows["state"] = State.RUNNING
    rows["displacement_um"] = NO_DISPLACEMENT
    with RunRecorder.create(folder, header) as recorder:
        recorder.started(0, 0)
        for hour in range(hours):
            error = random.integers(-_NOISE_KPA, _NOISE_KPA + 1, _HOUR)
            if hour % every_hours == every_hours - 1:
                error[_HOUR // 2] = _EXCURSION_KPA
            rows["tick"] = np.arange(hour * _HOUR, (hour + 1) * _HOUR)
            rows["pressure_kpa"] = target_kpa + error
            inside = np.abs(error) <= tolerance_kpa
            rows["flags"] = np.where(inside, FlagBits.IN_BAND | FlagBits.DWELLING, 0)
            data = rows.tobytes()
            for at in range(0, _HOUR, _BATCH):
                records = data[at * RECORD_SIZE : (at + _BATCH) * RECORD_SIZE]
                recorder.telemetry(hour * _HOUR + at, records)
        recorder.close(RunEnd(end_reason="completed", last_seq=hours * _HOUR - 1))


def _timed(name: str, action: Callable[[], object]) -> None:
    start_s = time.process_time()
    action()
    print(f"{name:<28}{time.process_time() - start_s:10.2f} s of CPU")


def main() -> None:
    """Measure each step and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=7 * 24)
    parser.add_argument("--every-hours", type=int, default=6, help="between two excursions")
    parser.add_argument(
        "--protocol", type=Path, default=Path("examples/stack_hold_seven_days.yaml")
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hours, every = arguments.hours, arguments.every_hours
        _timed("record", lambda: write(folder, arguments.protocol, hours, every))
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        _timed("finalise", lambda: finalise(folder))
        _timed("read into pandas", lambda: RunRecord.open(folder).frame())
        _timed("draw", lambda: plot_run(RunRecord.open(folder), folder / "run.png"))
        summary = RunRecord.open(folder).summary
        for path in sorted(folder.iterdir()):
            print(f"{path.name:<28}{path.stat().st_size / 1e6:10.2f} MB")
        thinned = required(summary.thinned, "the thinning")
        print(f"{'records, rows kept':<28}{summary.records:>10} {thinned.rows:>10}")
        print(f"{'most memory while recording':<28}{peak_mb:10.0f} MB")


if __name__ == "__main__":
    main()
