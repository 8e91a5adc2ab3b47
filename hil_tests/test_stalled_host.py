"""A host that holds the port open and reads nothing has no effect on the press."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pressloop.evaluation import RunRecord
from pressloop.hil import wiring
from pressloop.hil.bench import HilBench

from hil_tests import lost_host
from hil_tests.protocols import RAMP, one_hold

WIRING = wiring.current()

ROOT = Path(__file__).resolve().parent.parent
STALL_S = 10.0
RAMP_S = 15.0
LIMIT_S = 120.0
SLOW_RAMP = one_hold("1 s", timeout_s=60).replace(
    f"rate: {WIRING.work_rate_mpa_s} MPa/s", f"rate: {WIRING.work_mpa / RAMP_S:g} MPa/s", 1
)


@pytest.mark.needs("pressing", "stall", "truth")
def test_nothing_is_read_for_ten_seconds_of_a_ramp(bench: HilBench, tmp_path: Path) -> None:
    with bench.open_press() as press:
        missed = press.session.status().missed_ticks
    (tmp_path / "protocol.yaml").write_text(SLOW_RAMP)
    record = tmp_path / "run"
    paths = (str(tmp_path / "protocol.yaml"), str(record))
    where = (str(RAMP), "100", str(tmp_path / "wire.log"), "SIGSTOP")
    with subprocess.Popen(
        [sys.executable, "-m", lost_host.__name__, bench.url, *paths, *where], cwd=ROOT
    ) as host:
        try:
            _, status = os.waitpid(host.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status), "the host ended before the ramp"
            bench.stall(True)
            bench.stay_silent(STALL_S)
            bench.stall(False)
            host.send_signal(signal.SIGCONT)
            assert host.wait(LIMIT_S) == 0
        finally:
            host.kill()

    # The host has every tick of that time, from the board's ring.
    summary = RunRecord.open(record).summary
    assert (summary.end_reason, summary.gaps) == ("completed", ())
    frame = RunRecord.open(record).frame()
    assert (frame.tick.diff().dropna() == 1).all()
    # No tick was missed, and the press followed its ramp all the time: from contact until the hold
    # begins, which it may do as soon as it is in band.
    with bench.open_press() as press:
        assert press.session.status().missed_ticks == missed
    truth = bench.true_pressures_mpa()
    ramp = frame[(frame.step_id == RAMP) & ~frame.approaching]
    moved_mpa = ramp.setpoint_mpa.iloc[-1] - ramp.setpoint_mpa.iloc[0]
    assert moved_mpa > 0.8 * WIRING.work_mpa
    assert len(ramp) / 100 == pytest.approx(moved_mpa / WIRING.work_mpa * RAMP_S, abs=0.3)
    error = ramp.tick.map(truth) - ramp.setpoint_mpa
    assert error.abs().max() < WIRING.kept_within_mpa
