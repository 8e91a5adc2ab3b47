"""The SDK with the real firmware, on an emulated board in a process of its own."""

from __future__ import annotations

import binascii
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pressloop import EmulatedBoard, Press, confirm_all, errors
from pressloop.emulator.description import loads
from pressloop.evaluation import RunRecord
from pressloop.run.prompts import OpenPrompt
from pressloop.run.result import RunResult
from pressloop.session import schema_identity
from pressloop.session.telemetry import TelemetryBatch
from pressloop.wire.codec import encode_message
from pressloop.wire.schema import CapabilityBits, Fault, InputBits, ProfileReadRequest, State

pytestmark = pytest.mark.usefixtures("micropython")

PROTOCOL = """
pressloop: 1
name: Quick
die: 10 mm
ceiling: 120 MPa
on_host_loss: {action: hold, limit: 1 min}
stages:
  - name: press
    ramp: {target: 100 MPa, rate: 50 MPa/s}
    hold: {duration: 2 s, tolerance: 2 %}
    release: {target: 0 MPa, rate: 50 MPa/s}
  - prompt: Insert the cathode
  - name: again
    ramp: {target: 50 MPa, rate: 50 MPa/s}
    hold: {duration: 2 s, tolerance: 4 %}
"""

HOST = """
import sys
from pressloop import Press
from pressloop.record import ThinningRules
with Press.open("emulated", seed=5) as press:
    print(press.board.pid, press.board.truth_path, flush=True)
    run = press.start({protocol!r}, out=sys.argv[1], thinning={thinning})
    for batch in run.telemetry():
        if batch.newest and batch.newest.pressure_kpa > 90_000:
            print("pressed", flush=True)
            {then}
"""


@pytest.fixture
def emulated() -> Iterator[EmulatedBoard]:
    """A board that outlives the program that talks to it."""
    with EmulatedBoard(seed=5) as board:
        with Press.open("emulated") as other:
            profile = other.profile()
        with Press.open(board.url) as press:
            press.write_profile(profile)
        yield board


def run_quickly(out: Path, seed: int = 3) -> RunResult:
    with Press.open("emulated", seed=seed) as press:
        return press.run(PROTOCOL, out=out, on_prompt=confirm_all)


def test_a_run_completes_with_truth_and_no_gap(tmp_path: Path) -> None:
    summary = run_quickly(tmp_path).check().summary
    assert summary.simulated
    assert summary.complete
    assert summary.warnings == ()
    assert [step.outcome for step in summary.steps] == ["done"] * 6
    assert summary.truth is not None
    assert [stage.name for stage in summary.truth] == ["press", "again"]
    assert summary.header.emulated_press is not None
    assert summary.header.emulated_press.seed == 3


def test_a_press_with_a_displacement_sensor_records_the_displacement(tmp_path: Path) -> None:
    described = loads("displacement: {resolution_um: 2, noise_um: 0.5}")
    with Press.open("emulated", seed=3, press=described) as press:
        assert press.session.hello.capabilities & CapabilityBits.DISPLACEMENT
        gauged = press.run(PROTOCOL, out=tmp_path / "gauged", on_prompt=confirm_all).frame()
    assert gauged["displacement_mm"].notna().all()
    # 4 mm to the powder, then less than the loose pellet's height.
    assert 4.0 < gauged["displacement_mm"].max() < 6.0
    plain = run_quickly(tmp_path / "plain").frame()
    assert plain["displacement_mm"].isna().all()
    # The sensor has its own random numbers, so it changes nothing else.
    assert plain["pressure_mpa"].equals(gauged["pressure_mpa"])


def test_two_runs_with_one_seed_are_the_same_run(tmp_path: Path) -> None:
    """The answer to the prompt falls on the same tick, at any speed of this machine."""
    first, second, other = (
        run_quickly(tmp_path / name, seed).frame() for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    columns = [name for name in first.columns if "unix" not in name]
    assert first[columns].equals(second[columns])
    assert not first["pressure_mpa"].equals(other["pressure_mpa"])


def test_a_script_that_steers_by_telemetry_is_reproducible(tmp_path: Path) -> None:
    def advanced_at(name: str) -> list[int]:
        with Press.open("emulated", seed=3) as press:
            run = press.start(PROTOCOL, out=tmp_path / name, on_prompt=confirm_all)
            for batch in run.telemetry():
                newest = batch.newest
                if newest and newest.step == 1 and newest.state is State.RUNNING:
                    run.advance(1)
                    break
            summary = run.result(60).summary
        assert summary.steps[1].outcome == "advanced"
        return [step.ticks for step in summary.steps]

    assert advanced_at("a") == advanced_at("b")


def test_a_script_that_is_late_for_its_run_reacts_on_the_same_tick(tmp_path: Path) -> None:
    """On a busy machine some time can pass between the start and the loop."""

    def paused_at(name: str, late_s: float) -> int:
        with Press.open("emulated", seed=3) as press:
            run = press.start(PROTOCOL, out=tmp_path / name)
            time.sleep(late_s)
            for batch in run.telemetry():
                if batch.newest and batch.newest.state is State.RUNNING:
                    run.pause()
                    break
            run.abort()
            frame = run.result(60).frame()
        return int((frame["state"] == "running").sum())

    assert paused_at("prompt", 0) == paused_at("late", 0.4) < 60


def test_the_profile_hash_is_the_boards(emulated: EmulatedBoard) -> None:
    with Press.open(emulated.url) as press:
        wire = press.session.request(ProfileReadRequest())
        crc = binascii.crc32(encode_message(wire))
        assert press.hello.profile_hash == crc.to_bytes(4, "big") + bytes(4)


def wait_until(condition: Callable[[], bool], limit_s: float = 20) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_attaching_fetches_what_a_killed_host_missed(tmp_path: Path) -> None:
    host = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HOST.format(protocol=PROTOCOL, thinning=None, then="sys.stdin.read()"),
            str(tmp_path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    )
    assert host.stdout is not None
    board_pid, truth = host.stdout.readline().split()
    try:
        assert host.stdout.readline() == "pressed\n"
        host.kill()
        host.wait()
        interrupted = RunRecord.open(tmp_path).summary
        assert interrupted.end_reason == "interrupted"
        # Without a host the emulated press continues in real time: let it record a second.
        alone = Path(truth).stat().st_size
        wait_until(lambda: Path(truth).stat().st_size > alone + 100 * 16)
        with Press.reopen(tmp_path) as press:
            run = press.attach(tmp_path, on_prompt=confirm_all)
            if run.status().state is State.PAUSED:
                run.resume()
            summary = run.result(60).summary
    finally:
        os.kill(int(board_pid), signal.SIGKILL)
    assert summary.gaps == ()
    assert summary.end_reason == "completed"
    assert summary.records >= interrupted.records + 100
    assert summary.truth is not None


LONG = """
pressloop: 1
name: Long
die: 10 mm
ceiling: 120 MPa
on_host_loss: {action: finish, limit: 1 h}
stages:
  - name: hold
    ramp: {target: 100 MPa, rate: 50 MPa/s}
    hold: {duration: 3 min, tolerance: 2 %}
    release: {target: 0 MPa, rate: 50 MPa/s}
"""


@pytest.mark.slow
def test_a_host_killed_in_a_thinned_hold_loses_nothing(tmp_path: Path) -> None:
    """The usual rules with minutes instead of hours; killed while records are undecided."""
    rules = "ThinningRules(after_change_s=5, before_s=5, intervals=((60, 1), (None, 10)))"
    host = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HOST.format(
                protocol=LONG,
                thinning=rules,
                then="if batch.tick > 10_000: print('late', flush=True); sys.stdin.read()",
            ),
            str(tmp_path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    )
    assert host.stdout is not None
    board_pid, _ = host.stdout.readline().split()
    try:
        assert any(line == "late\n" for line in host.stdout)
        host.kill()
        host.wait()
        interrupted = RunRecord.open(tmp_path).summary
        assert interrupted.gaps == ()
        assert interrupted.thinned is not None
        assert interrupted.duration_s > 90
        with Press.reopen(tmp_path) as press:
            summary = press.attach(tmp_path).result(60).summary
    finally:
        os.kill(int(board_pid), signal.SIGKILL)
    assert summary.gaps == () and summary.warnings == ()
    assert summary.end_reason == "completed"
    assert summary.thinned is not None and interrupted.thinned.rows < summary.thinned.rows
    assert summary.stages[0].dwell_s == pytest.approx(180, abs=0.02)
    # The clock starts with the third reading in band.
    assert summary.truth is not None and summary.truth[0].dwell_s == pytest.approx(180.02, abs=0.02)


def test_an_abort_releases_the_pressure(tmp_path: Path) -> None:
    with Press.open("emulated") as press:
        run = press.start(PROTOCOL, out=tmp_path)
        for batch in run.telemetry():
            if batch.newest and batch.newest.pressure_kpa > 50_000:
                run.abort()
                break
        result = run.result(60)
        assert result.end_reason == "aborted"
        assert abs(press.status().pressure_mpa) < 3
        press.run(PROTOCOL, out=tmp_path / "next", on_prompt=confirm_all).check()


def test_leaving_the_block_releases_the_pressure(emulated: EmulatedBoard, tmp_path: Path) -> None:
    with Press.open(emulated.url) as press:
        run = press.start(PROTOCOL, out=tmp_path)
        for batch in run.telemetry():
            if batch.newest and batch.newest.pressure_kpa > 50_000:
                break
    assert emulated.control({"get": True})["pellet_mpa"] < 3
    assert RunRecord.open(tmp_path).summary.end_reason == "aborted"


def test_a_slow_operator_does_not_reach_the_timeout(tmp_path: Path) -> None:
    """Ten seconds to answer, on a press that is a hundred times faster than real time."""
    slow = PROTOCOL.replace(
        "prompt: Insert the cathode", "prompt: Insert the cathode\n    timeout: 10 s"
    )

    def think(prompt: OpenPrompt) -> bool:
        assert prompt.remaining_s > 9
        time.sleep(1.5)
        return True

    with Press.open("emulated") as press:
        assert press.run(slow, out=tmp_path, on_prompt=think).end_reason == "completed"


def test_a_fault_ends_the_run_and_can_be_cleared(tmp_path: Path) -> None:
    with Press.open("emulated") as press:
        assert press.board is not None
        run = press.start(PROTOCOL, out=tmp_path)
        for batch in run.telemetry():
            if batch.newest and batch.newest.pressure_kpa > 50_000:
                press.board.control({"set": {"emergency_stop": True}})
                break
        summary = run.result(60).summary
        assert (summary.end_reason, summary.fault) == ("fault", "emergency-stop")
        with pytest.raises(errors.CommandRefusedError, match="emergency stop is pressed"):
            press.clear_fault()
        press.board.control({"set": {"emergency_stop": False}})
        wait_until(lambda: not press.status().inputs & InputBits.EMERGENCY_STOP)
        wait_until(lambda: press.status().pressure_mpa < 2)
        assert press.clear_fault() is Fault.EMERGENCY_STOP


def test_the_error_shows_the_last_lines_of_a_board_that_ended(tmp_path: Path) -> None:
    def press_until_killed() -> None:
        with Press.open("emulated") as press:
            assert press.board is not None
            run = press.start(PROTOCOL, out=tmp_path)
            with press.board.log_path.open("a") as log:
                log.write("Traceback (most recent call last):\nMemoryError: none left\n")
            os.kill(press.board.pid, signal.SIGKILL)
            run.result(30)

    with pytest.raises(errors.PressloopError) as caught:
        press_until_killed()
    assert "MemoryError: none left" in str(caught.value)
    assert RunRecord.open(tmp_path).summary.end_reason == "interrupted"


def test_telemetry_of_an_idle_press() -> None:
    with Press.open("emulated") as press:
        batches: list[TelemetryBatch] = []
        for batch in press.telemetry():
            batches.append(batch)
            if len(batches) == 5:
                break
        firsts = [batch.first for batch in batches]
        assert firsts == [firsts[0] + sum(map(len, batches[:n])) for n in range(5)]
        assert {record.state for batch in batches for record in batch} == {State.IDLE}


@pytest.mark.usefixtures("micropython")
def test_a_stale_image_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a flash image that was built before the schema changed."""
    monkeypatch.setattr(schema_identity, "SCHEMA_HASH", bytes(8))
    started = time.monotonic()
    with pytest.raises(errors.VersionMismatchError) as caught:
        Press.open("emulated")
    assert time.monotonic() - started < 5
    assert "make firmware" in caught.value.hint and bytes(8).hex() in caught.value.message
