"""Chosen faults in a run of the shipped image on the emulated Pico, to the journal after a reboot.

Each is injected as `--fault` does it. Judged are the true pressure, the current in the coils, the
fault's name, the record, and what the controller knows of it when it was switched off and on.
docs/hazards.md has a row for each.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest
from pressloop.commissioning.emulated_person import Control
from pressloop.emulator.description import PressDescription
from pressloop.errors import CommandRefusedError, EmulatorError
from pressloop.evaluation import RunRecord
from pressloop.evaluation.truth import TRUTH_DTYPE
from pressloop.machine.channels import ChannelComparison
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press
from pressloop.run.result import RunResult
from pressloop.wire.names import wire_name
from pressloop.wire.schema import Fault, InputBits, JournalKind, ResetCause, State, StorageBits
from pressloop_sim.plant.truth_format import MAGIC

pytest.importorskip("rp2040py", reason="the emulated RP2040 is not installed: pressloop[pico]")

from pressloop.emulator.pico import EmulatedPico
from pressloop.emulator.pico.process import find_image

try:
    find_image()
except EmulatorError as error:
    pytest.skip(f"{error}; {error.hint}", allow_module_level=True)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TARGET_MPA: Final = 40.0
CEILING_MPA: Final = 60.0
RATE_MPA_S: Final = 40.0
PROTOCOL: Final = f"""
pressloop: 1
name: one press
die: 10 mm
ceiling: {CEILING_MPA:g} MPa
on_host_loss: {{action: vent}}
host_timeout: 1 s
vent_rate: 40 MPa/s
stages:
  - name: only
    ramp: {{target: {TARGET_MPA:g} MPa, rate: {RATE_MPA_S:g} MPa/s}}
    hold: {{duration: HOLD, tolerance: 2 %}}
"""
GAP_MM: Final = 0.1
"""The ram is at the sample after 1 s."""
LONG_GAP_MM: Final = 0.3
"""It travels for 2 s, in which the board learns the noise of the reading."""
TICK_S: Final = 0.01


@dataclass(frozen=True)
class Chosen:
    """A fault and what is promised of it.

    Attributes:
        kind: Kind of the fault.
        named: What the board calls it.
        within_s: From the fault until no coil has current; with `apart` from when the channels are
            that far apart.
        value: What the fault takes, if it takes a value.
        more_mpa: What the sample may get beyond what it had at the fault, and beyond what its rate
            then makes until the valves have followed.
        apart: Whether only the comparison of both channels shows the fault.
        end_reason: How the record says that the run ended.
        inputs: Inputs in the record of the fault.
        channels: Pressure transducers of the press.
        at_s: When it strikes, press time since the start.
        gap_mm: Travel of the ram to the sample.
        hold: How long the protocol holds.
        stage: Outcome and verdict of the one stage, by the reading and by the truth.
    """

    kind: str
    named: str
    within_s: float
    value: float | None = None
    more_mpa: float = 0.0
    apart: bool = False
    end_reason: str = "fault"
    inputs: int = 0
    channels: int = 2
    at_s: float = 2.1
    gap_mm: float = GAP_MM
    hold: str = "1 s"
    stage: tuple[str, str] = ("cut", "fail")


CHOSEN: Final = (
    Chosen("sensor-frozen", "sensor-disagree", 0.1, apart=True),
    Chosen(
        "sensor-frozen",
        "sensor-frozen",
        1.0,
        more_mpa=25.0,
        channels=1,
        at_s=4.0,
        gap_mm=LONG_GAP_MM,
        hold="3 s",
    ),
    Chosen("sensor-open", "sensor-low", 0.1),
    Chosen("sensor-short", "sensor-high", 0.1),
    Chosen("emergency-stop", "emergency-stop", TICK_S, inputs=InputBits.EMERGENCY_STOP),
    Chosen("guard-open", "guard-open", TICK_S, inputs=InputBits.GUARD_OPEN),
    Chosen("tick-hang", "tick-hang", 0.06, more_mpa=0.02 * CEILING_MPA, end_reason="board-reset"),
    Chosen("tick-slow", "tick-overrun", 0.2, value=0.9),
    Chosen("power-cut", "power-loss", 0.0, end_reason="power-lost"),
)


def described(channels: int = 2, gap_mm: float = GAP_MM) -> PressDescription:
    """Return the press: a bench jack whose ram is near the sample."""
    return PressDescription.model_validate(
        {
            "preset": "jack-10t",
            "ram": {"approach_gap_mm": gap_mm},
            "second_transducer": {"fitted": channels == 2},
        }
    )


@contextmanager
def opened(press: PressDescription, folder: Path) -> Iterator[tuple[EmulatedPico, Press]]:
    """Open a press whose board boots faster than the wall clock, and waits for a busy host."""
    with (
        EmulatedPico(press, work_dir=folder / "board", speed=16.0, silence_s=60.0) as board,
        Press._on_emulated(board) as machine,
    ):
        yield board, machine


def pressed(press: Press, folder: Path, case: Chosen) -> RunResult:
    """Run the protocol with a fault."""
    protocol = PROTOCOL.replace("HOLD", case.hold)
    value = "" if case.value is None else f"={case.value:g}"
    return press.run(protocol, out=folder / "run", faults=[f"{case.kind}{value}@{case.at_s:g}"])


def seen(board: EmulatedPico) -> dict[str, Any]:
    return board.control({"get": True})


@contextmanager
def switched_off_and_on(board: EmulatedPico, press: Press) -> Iterator[Press]:
    """Start the controller anew, and open the press as the next program does."""
    press.session.close()
    board.control({"reset": True})
    while seen(board)["tick"] < 1:
        time.sleep(0.01)
    with Press.open(board.url) as again:
        yield again


def true_course(board: EmulatedPico) -> npt.NDArray[np.float64]:
    """Return the true pressure of each tick of the run, from its start to its end, MPa."""
    assert board.truth_path is not None
    data = board.truth_path.read_bytes()[len(MAGIC) :]
    rows = np.frombuffer(
        data[: len(data) // TRUTH_DTYPE.itemsize * TRUTH_DTYPE.itemsize], TRUTH_DTYPE
    )
    resets = np.flatnonzero(np.diff(rows["tick"].astype(np.int64)) < 0)
    return rows["pressure_mpa"][: resets[0] + 1 if resets.size else None].astype(np.float64)


def assert_bounded(case: Chosen, board: EmulatedPico, after: dict[str, Any]) -> None:
    """Check true pressure and current from the fault on."""
    ((struck, _text),) = after["injected"]
    course = true_course(board)
    more_mpa, shows = case.more_mpa, struck
    if case.apart:
        more_mpa = figure_mpa(board)
        shows = int(np.argmax(course > course[struck] + more_mpa))
    # The fastest 50 ms around the fault and after it: the loop may ask for more.
    near = course[struck - 10 : struck + 100]
    rate = max(0.0, float((near[5:] - near[:-5]).max()) / (5 * TICK_S))
    valves = board.press.valves
    late_s = case.within_s + (valves.delay_ms + valves.lag_ms) / 1000
    rise_mpa = after["peak_mpa"] - course[struck]
    assert rise_mpa <= more_mpa + rate * late_s
    ticks = after["current_until"] - shows
    assert ticks <= round(case.within_s / TICK_S)
    if case.kind == "tick-hang":
        # 50 ms after the last edge, not sooner: the plant steps behind a chip that hangs.
        assert ticks >= round(case.within_s / TICK_S) - 2


def figure_mpa(board: EmulatedPico) -> float:
    """Return the difference of both channels that counts as a fault at the target, MPa."""
    profile = MachineProfile.from_fields(board.press.nominal_profile())
    comparison = ChannelComparison.of(profile, 10_000)
    assert comparison is not None
    return comparison.allowed_kpa(round(TARGET_MPA * 1000)) / 1000


def assert_in_record(case: Chosen, folder: Path, result: RunResult) -> None:
    """Check what the folder of the record says."""
    summary = json.loads((folder / "run" / "run.json").read_text())
    assert (summary["end_reason"], summary["fault"]) == (case.end_reason, case.named)
    (injected,) = summary["injected"]
    assert (injected["kind"], injected["value"]) == (case.kind, case.value)
    assert injected["time_s"] == pytest.approx(case.at_s, abs=0.011)
    assert summary["gaps"] == []
    for (stage,) in (summary["stages"], summary["truth"]):
        assert (stage["outcome"], stage["verdict"]) == case.stage
        assert stage["missing_s"] == 0.0


def assert_in_journal(case: Chosen, press: Press, run_id: str) -> None:
    """Check what the controller knows after it was switched off and on."""
    fault = Fault[case.named.upper().replace("-", "_")]
    assert press.status().state is State.FAULT
    assert press.hello.last_fault is fault
    boot, before = press.board_journal(2)
    cause = ResetCause.WATCHDOG if case.kind == "tick-hang" else ResetCause.POWER_ON
    assert (boot.kind, boot.fault, boot.detail) == (JournalKind.BOOT, fault, wire_name(cause))
    assert before.run_id == run_id
    cut = press.interrupted_run()
    if case.end_reason == "fault":
        assert (before.kind, before.fault, before.inputs) == (JournalKind.FAULT, fault, case.inputs)
        assert cut is None, "the run had ended"
    else:
        assert before.state is State.RUNNING
        assert cut is not None and cut.run_id.hex() == run_id


@pytest.mark.parametrize("case", CHOSEN, ids=lambda case: f"{case.kind}-{case.channels}")
def test_a_fault_under_pressure(case: Chosen, tmp_path: Path) -> None:
    with opened(described(case.channels, case.gap_mm), tmp_path) as (board, press):
        result = pressed(press, tmp_path, case)
        after = seen(board)
        assert_bounded(case, board, after)
        assert_in_record(case, tmp_path, result)
        run_id = result.summary.header.run_id
        if case.end_reason != "fault":
            assert_in_journal(case, press, run_id)
        else:
            with switched_off_and_on(board, press) as again:
                assert_in_journal(case, again, run_id)
        assert (after["pump"], after["release"]) == (0.0, 1.0)


def test_a_release_that_is_stuck_is_named_and_raises_nothing(tmp_path: Path) -> None:
    case = Chosen("release-stuck-shut", "no-release", 5.0, hold="0.3 s", stage=("done", "pass"))
    with opened(described(), tmp_path) as (board, press):
        # What a tuning leaves behind: an untuned press gives the valve 15 s.
        press.write_profile(press.profile().model_copy(update={"tuning_residual_percent": 0.1}))
        result = pressed(press, tmp_path, case)
        after = seen(board)
        frame = result.frame()
        vents = frame[frame.state == "venting"]
        waited_s = (frame.tick.iloc[-1] - vents.tick.iloc[0]) * TICK_S
        assert waited_s <= case.within_s
        course = true_course(board)
        until_vent = course[: -round(waited_s / TICK_S)]
        assert after["peak_mpa"] <= until_vent.max() + 0.1, "it rose after the hold"
        assert_in_record(case, tmp_path, result)
        assert (after["pump"], after["release"], after["lamp"]) == (0.0, 1.0, True)
        assert after["pellet_mpa"] > 0.9 * TARGET_MPA, "the lamp has nothing to warn of"
        with switched_off_and_on(board, press) as again:
            assert_in_journal(case, again, result.summary.header.run_id)
            assert again.status().pressure_mpa > 0.9 * TARGET_MPA
            assert seen(board)["lamp"], "the lamp hides the pressure"
            with pytest.raises(CommandRefusedError) as refused:
                again.clear_fault()
            assert refused.value.code == "pressurised"


def test_a_full_flash_ends_no_run_and_keeps_the_profile(tmp_path: Path) -> None:
    case = Chosen("flash-full", "", 0.0)
    with opened(described(), tmp_path) as (board, press):
        result = pressed(press, tmp_path, case)
        assert result.completed and result.summary.fault is None
        (injected,) = result.summary.injected or ()
        assert injected.kind == case.kind
        assert seen(board)["peak_mpa"] <= TARGET_MPA + 0.5
        before = press.profile()
        with pytest.raises(CommandRefusedError) as refused:
            press.write_profile(before.model_copy(update={"name": "another"}))
        assert refused.value.code == "storage"
        end, *_ = press.board_journal(3)
        assert (end.kind, end.detail, end.run_id) == (
            *(JournalKind.END, "completed"),
            result.summary.header.run_id,
        )
        with switched_off_and_on(board, press) as again:
            assert again.status().state is State.IDLE
            assert again.status().storage is StorageBits.UNAVAILABLE
            assert again.profile() == before
            assert [record.kind for record in again.board_journal(2)] == [
                *(JournalKind.BOOT, JournalKind.END)
            ]


def control_of(record: RunRecord) -> Control:
    """Return how to command the board that a killed program has left, from its console."""
    (truth,) = [str(event.data["truth"]) for event in record.events if "truth" in event.data]
    console = Path(truth).with_name("console.log").read_text()
    port = json.loads(console.splitlines()[0])["control_port"]

    def control(command: dict[str, Any]) -> dict[str, Any]:
        with socket.create_connection(("127.0.0.1", port), 10) as link:
            link.sendall(json.dumps(command).encode() + b"\n")
            answer: dict[str, Any] = json.loads(link.makefile("rb").readline())
        return answer

    return control


def test_a_killed_host_leaves_a_run_that_vents(tmp_path: Path) -> None:
    (tmp_path / "press.yaml").write_text(f"preset: jack-10t\nram: {{approach_gap_mm: {GAP_MM}}}\n")
    (tmp_path / "protocol.yaml").write_text(PROTOCOL.replace("HOLD", "60 s"))
    folder = tmp_path / "run"
    command = [sys.executable, "-c", "from pressloop.cli import main; main()", "run"]
    command += [str(tmp_path / "protocol.yaml"), "--port", "emulated:pico", "--yes"]
    command += ["--press", str(tmp_path / "press.yaml"), "--out", str(folder)]
    command += ["--fault", "host-kill@2.1"]
    killed = subprocess.run(command, capture_output=True, check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = RunRecord.open(folder)
    assert left.summary.end_reason == "interrupted"
    control = control_of(left)
    try:
        until_s = time.monotonic() + 60
        while (now := control({"get": True}))["lamp"]:
            assert time.monotonic() < until_s, "the press did not vent"
            time.sleep(0.05)
        assert now["peak_mpa"] <= TARGET_MPA + 0.5
        with Press.reopen(folder) as press:
            result = press.attach(folder).result(60)
            newest, *_ = press.board_journal(1)
    finally:
        control({"stop": True})
    assert (newest.kind, newest.detail) == (JournalKind.END, "host-lost")
    assert (result.end_reason, result.summary.fault) == ("host-lost", None)
    assert [one.kind for one in result.summary.injected or ()] == ["host-kill"]
    assert result.summary.gaps == ()
    frame = result.frame()
    assert not frame.true_pressure_mpa.isna().any()
    alone = frame[frame.host_lost]
    assert len(alone) > 10, "the board never considered its host lost"
    assert (alone.output_percent <= 0).all(), "the pump worked without a host"
