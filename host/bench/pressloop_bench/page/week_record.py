"""Makes the record of a week quickly: telemetry at a coarse interval, and a peak of one record."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import numpy as np
from pressloop.emulator.description import PressDescription
from pressloop.evaluation import finalise
from pressloop.evaluation.series import RECORD_DTYPE
from pressloop.plan import compile_plan
from pressloop.record import BoardIdentity, RunEnd, RunHeader, RunRecorder
from pressloop.record.header import planned_stages, planned_steps
from pressloop.validation import validate_text
from pressloop.wire.schema import NO_DISPLACEMENT, TICK_HZ, FlagBits, State

WEEK_S: Final = 7 * 24 * 3600
PEAK_S: Final = 5 * 24 * 3600 + 12_340
PEAK_MPA: Final = 75.2

_PROTOCOL: Final = """\
pressloop: 1
name: Seven days
die: 10 mm
ceiling: 80 MPa
stages:
  - name: stack
    ramp: {target: 74 MPa, rate: 5 MPa/s}
    hold: {duration: 7 d, tolerance: 2 %}
"""
_HOLD_STEP: Final = 1


def write_week(folder: Path, every_s: int) -> None:
    """Record and complete the week in a folder, with one telemetry record each `every_s` seconds.

    `PEAK_S` must be a multiple of it. With 1 s there are as many rows as in a thinned week.
    """
    profile = PressDescription().machine_profile()
    plan = compile_plan(validate_text(_PROTOCOL, "week.yaml", profile).checked(), profile)
    rows = np.zeros(WEEK_S // every_s, RECORD_DTYPE)
    rows["tick"] = np.arange(rows.size) * every_s * TICK_HZ
    rows["pressure_kpa"] = 74_000 + np.random.default_rng(1).integers(-30, 31, rows.size)
    rows["pressure_kpa"][PEAK_S // every_s] = round(PEAK_MPA * 1000)
    rows["setpoint_kpa"] = 74_000
    rows["step"] = _HOLD_STEP
    rows["state"] = State.RUNNING
    rows["flags"] = FlagBits.IN_BAND | FlagBits.DWELLING
    rows["displacement_um"] = NO_DISPLACEMENT
    identity = dict.fromkeys(("board", "firmware", "build", "protocol_version", "schema_hash"), "")
    header = RunHeader(
        run_id="00" * 8,
        created_unix_time_second=time.time() - WEEK_S,
        protocol_name=plan.protocol.name,
        protocol_text=_PROTOCOL,
        steps=planned_steps(plan),
        stages=planned_stages(plan),
        board=BoardIdentity(**identity, unique_id="", boot_id=1),
        profile=profile.model_dump(mode="json"),
        profile_hash="",
        host_software={},
        simulated=True,
        port="",
        tick_hz=TICK_HZ,
        record_every=every_s * TICK_HZ,
        die_mm=10,
    )
    with RunRecorder.create(folder, header) as recorder:
        recorder.started(0, 0)
        recorder.telemetry(0, rows.tobytes())
        recorder.close(RunEnd(end_reason="completed", last_seq=rows.size - 1))
    finalise(folder)
