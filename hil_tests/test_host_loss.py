"""The host is killed in the middle of a run: the press does what the protocol declared.

A program starts a run and sends itself a SIGKILL in each kind of step. Its record must be readable.
After some silence another host attaches.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from pressloop.evaluation import RunRecord
from pressloop.hil import wiring
from pressloop.hil.bench import HilBench
from pressloop.press import Press
from pressloop.run.result import RunResult
from pressloop.wire.schema import State

from hil_tests import lost_host
from hil_tests.checks import assert_pressure_is_kept
from hil_tests.protocols import HOLD, PROMPT, RAMP, RELEASE, one_hold, short_run

WIRING = wiring.current()

pytestmark = pytest.mark.needs("pressing")

ROOT = Path(__file__).resolve().parent.parent
STEPS = {"ramp": RAMP, "hold": HOLD, "release": RELEASE, "prompt": PROMPT}
KINDS = ["ramp", *(pytest.param(kind, marks=pytest.mark.slow) for kind in STEPS if kind != "ramp")]
"""Of the steps, one for the fast tests of each action."""

SILENCE_S = WIRING.host_timeout_s + 0.5
"""Until the board considers its host lost, and some time to see what it does then."""

HOST_LIMIT_S = 60


@dataclass
class LostRun:
    """A run whose host was killed."""

    bench: HilBench
    record: Path

    def left_behind(self) -> RunRecord:
        """Read the record of the killed host and check that it reports the interruption."""
        found = RunRecord.open(self.record)
        assert found.summary.end_reason == "interrupted"
        assert found.summary.records > 0
        assert found.summary.gaps == ()
        return found

    def attach(self, *, resume: bool) -> RunResult:
        """Attach a new host and follow the run to its end."""
        with Press.reopen(self.record, port=self.bench.url) as press:
            run = press.attach(self.record, on_prompt=lambda asked: True)
            if resume:
                assert press.status().state is State.PAUSED
                run.resume()
            result = run.result(HOST_LIMIT_S)
        assert result.summary.gaps == (), "the ring did not close the hole"
        assert "reattached" in [event.kind for event in result.summary.events]
        return result


def lose_host(bench: HilBench, folder: Path, protocol: str, step: int, ticks: int) -> LostRun:
    """Run a protocol in another process, which is killed `ticks` into a step."""
    (folder / "protocol.yaml").write_text(protocol)
    record = folder / "run"
    paths = [str(path) for path in (folder / "protocol.yaml", record)]
    host = subprocess.run(
        [
            *(sys.executable, "-m", lost_host.__name__),
            *(bench.url, *paths, str(step), str(ticks), str(folder / "wire.log")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=HOST_LIMIT_S,
        check=False,
    )
    assert host.returncode == -signal.SIGKILL, host.stdout + host.stderr
    return LostRun(bench, record)


def while_lost(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the records in which the board considered its host lost."""
    lost = frame[frame.host_lost]
    assert len(lost) > 10, "the board never considered its host lost"
    return lost


def kill_in(bench: HilBench, folder: Path, action: str, kind: str) -> LostRun:
    """Lose the host in a kind of step; stay silent until the board has reacted."""
    protocol = short_run(action, timeout_s=WIRING.host_timeout_s)
    # Half a second into the step: after contact, before its end.
    lost = lose_host(bench, folder, protocol, STEPS[kind], 0 if kind == "prompt" else 50)
    known = lost.left_behind().frame()
    assert known.iloc[-1].step_id >= STEPS[kind]
    bench.stay_silent(SILENCE_S)
    return lost


@pytest.mark.parametrize("kind", KINDS)
def test_hold(bench: HilBench, tmp_path: Path, kind: str) -> None:
    """The press keeps its pressure and continues when a host resumes the run."""
    lost = kill_in(bench, tmp_path, "hold", kind)
    result = lost.attach(resume=kind != "prompt")

    assert result.completed
    alone = while_lost(result.frame())
    assert set(alone.state) == {"prompting" if kind == "prompt" else "paused"}
    assert_pressure_is_kept(alone)
    assert [stage.outcome for stage in result.summary.stages] == ["done", "done"]


@pytest.mark.parametrize("kind", KINDS)
def test_finish(bench: HilBench, tmp_path: Path, kind: str) -> None:
    """The press continues as far as it can without an operator."""
    lost = kill_in(bench, tmp_path, "finish", kind)
    result = lost.attach(resume=False)

    assert result.completed
    alone = while_lost(result.frame())
    assert set(alone.state) <= {"running", "prompting"}
    if kind in ("ramp", "release"):
        assert alone.setpoint_mpa.nunique() > 10, "the setpoint stood still"
    if kind == "hold":
        assert alone.dwelling.any(), "the dwell clock stood still"
    assert not (result.frame().state == "paused").any()
    assert [stage.outcome for stage in result.summary.stages] == ["done", "done"]


@pytest.mark.parametrize("kind", KINDS)
def test_vent(bench: HilBench, tmp_path: Path, kind: str) -> None:
    """The press releases, and the run has ended when a host comes back."""
    lost = kill_in(bench, tmp_path, "vent", kind)
    result = lost.attach(resume=False)

    assert result.end_reason == "host-lost"
    frame = result.frame()
    alone = while_lost(frame)
    assert set(alone.state) <= {"venting", "idle"}
    assert (alone.output_percent <= 0).all(), "the pump ran while the press vented"
    assert frame.iloc[-1].pressure_mpa < WIRING.at_rest_mpa
    assert result.summary.stages[1].outcome == "not reached"


def test_finish_to_the_end(bench: HilBench, tmp_path: Path) -> None:
    """A protocol without a prompt ends without a host; the late host gets the whole result."""
    protocol = one_hold("0.5 s", "finish", timeout_s=WIRING.host_timeout_s)
    lost = lose_host(bench, tmp_path, protocol, RAMP, 50)
    lost.left_behind()
    bench.stay_silent(SILENCE_S)
    result = lost.attach(resume=False)
    assert result.completed
    assert result.summary.stages[0].outcome == "done"


@pytest.mark.parametrize("action", ["hold", "finish"])
def test_limit_of_the_action(bench: HilBench, tmp_path: Path, action: str) -> None:
    """No host came back in time: the press releases."""
    limit_s = 0.5
    protocol = short_run(action, limit_s=limit_s, timeout_s=WIRING.host_timeout_s, hold_s=30)
    lost = lose_host(bench, tmp_path, protocol, HOLD, 20)
    lost.left_behind()
    bench.stay_silent(SILENCE_S + limit_s)
    result = lost.attach(resume=False)

    assert result.end_reason == "host-lost"
    alone = while_lost(result.frame())
    waited = alone[alone.state != "venting"]
    assert len(waited) / 100 == pytest.approx(limit_s, abs=0.02)
    assert result.frame().iloc[-1].pressure_mpa < WIRING.at_rest_mpa


def test_attaching_again_and_again_changes_nothing(bench: HilBench, tmp_path: Path) -> None:
    """Hosts come and go in a hold: the dwell is as long as planned, the record complete."""
    protocol = short_run("finish", hold_s=4)
    lost = lose_host(bench, tmp_path, protocol, HOLD, 50)
    missed = set()
    for _ in range(3):
        with Press.reopen(lost.record, port=bench.url) as press:
            run = press.attach(lost.record)
            assert run.is_active
            missed.add(press.session.status().missed_ticks)
            run.detach()
    result = lost.attach(resume=False)
    assert result.completed
    assert len(missed) == 1, "attaching cost ticks"
    assert result.summary.stages[0].dwell_s == pytest.approx(4, abs=0.02)
