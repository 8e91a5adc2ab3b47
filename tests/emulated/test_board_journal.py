"""What a board keeps through loss of power, as a script and a person at a terminal see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pressloop.cli.app import app
from pressloop.emulator.process import EmulatedBoard
from pressloop.errors import CommandRefusedError
from pressloop.press import Press
from pressloop.wire.schema import (
    Fault,
    JournalKind,
    ProfileWriteRequest,
    State,
)
from typer.testing import CliRunner

PROTOCOL = """
pressloop: 1
name: short
die: 10 mm
ceiling: 120 MPa
stages:
  - name: only
    ramp: {target: 100 MPa, rate: 30 MPa/s}
    hold: {duration: 20 s, tolerance: 2 %}
"""


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    path = tmp_path / "protocol.yaml"
    path.write_text(PROTOCOL)
    return path


def with_profile(board: EmulatedBoard) -> Press:
    press = Press.open(board.url)
    press.session.request(ProfileWriteRequest(**board.press.nominal_profile()))
    return press


def cut_in_the_dwell(board: EmulatedBoard, protocol: Path, record: Path) -> None:
    """Cut the power after six seconds of dwell."""
    press = with_profile(board)
    run = press.start(protocol, out=record)
    for batch in run.telemetry():
        if batch.newest is not None and run.status().dwell_s >= 6:
            break
    run.detach()
    press.close()
    board.stop()


def test_after_a_power_cut_the_board_knows_the_run_and_the_record_says_so(
    protocol: Path, tmp_path: Path
) -> None:
    first = EmulatedBoard("jack-10t", work_dir=tmp_path / "board").start()
    cut_in_the_dwell(first, protocol, tmp_path / "run")
    with EmulatedBoard("jack-10t", work_dir=tmp_path / "board") as board:
        with Press.reopen(tmp_path / "run", port=board.url) as press:
            assert press.status().state is State.FAULT
            assert press.status().fault is Fault.POWER_LOSS
            cut = press.interrupted_run()
            assert cut is not None and cut.step == 1
            assert 2.5 < cut.dwell_s <= 8
            assert abs(cut.pressure_mpa - 100) < 3
            summary = press.attach(tmp_path / "run").result(10).summary
            assert summary.end_reason == "power-lost"
            assert "in step 1 after at least" in summary.note
        shown = CliRunner().invoke(app, ["info", "--port", board.url, "--json", "--journal", "9"])
        facts = json.loads(shown.stdout)
        assert "lost power in step 1 after at least" in facts["interrupted_run"]
        assert facts["journal"][0].split()[1] == "boot"
        assert any("dwell" in line for line in facts["journal"])


@pytest.mark.parametrize("fault", ["emergency_stop", "guard_open"])
def test_a_fault_outlives_the_board_until_it_is_cleared(
    protocol: Path, tmp_path: Path, fault: str
) -> None:
    with EmulatedBoard("jack-10t", work_dir=tmp_path / "board") as board:
        press = with_profile(board)
        run = press.start(protocol, out=tmp_path / "run")
        for batch in run.telemetry():
            if batch.newest is not None and run.status().dwell_s >= 1:
                board.control({"set": {fault: True}})
                break
        assert run.result(20).end_reason == "fault"
        press.close()
    with (
        EmulatedBoard("jack-10t", work_dir=tmp_path / "board") as board,
        Press.open(board.url) as press,
    ):
        latched = Fault[fault.upper()]
        assert press.hello.last_fault is latched
        assert press.interrupted_run() is None
        with pytest.raises(CommandRefusedError) as refused:
            press.start(protocol, out=tmp_path / "again")
        assert refused.value.code == "faulted"
        assert press.clear_fault() is latched
        kinds = [record.kind for record in press.board_journal(3)]
        assert kinds[:2] == [JournalKind.CLEAR, JournalKind.BOOT]


def test_a_changed_profile_is_in_the_journal_with_both_hashes(tmp_path: Path) -> None:
    with EmulatedBoard("jack-10t", work_dir=tmp_path / "board") as board:
        with_profile(board).close()
        with Press.open(board.url) as press:
            before = press.hello.profile_hash
            press.write_profile(press.profile().model_copy(update={"name": "another"}))
        with Press.open(board.url) as press:
            newest = press.board_journal(1)[0]
            after = press.hello.profile_hash
    assert newest.kind is JournalKind.PROFILE
    assert newest.detail == f"{before[:4].hex()} to {after[:4].hex()}"


def test_a_full_flash_is_said_and_the_press_stays_usable(protocol: Path, tmp_path: Path) -> None:
    with (
        EmulatedBoard("jack-10t", work_dir=tmp_path / "board") as board,
        with_profile(board) as press,
    ):
        board.control({"fault": "flash-full"})
        with pytest.raises(CommandRefusedError) as refused:
            press.session.request(ProfileWriteRequest(**board.press.nominal_profile()))
        assert refused.value.code == "storage"
        # The journal has a place of its own, so a run may start.
        assert press.run(protocol, out=tmp_path / "run").completed
        assert press.console == []
