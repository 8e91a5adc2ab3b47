"""Other programs steer and watch a run through its owner; odd input does not disturb it."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pressloop import Press, errors
from pressloop.run import active_runs as registry
from pressloop.run.active_runs import ActiveRun, active_folder, active_runs, publish
from pressloop.run.remote_control import status_from_json, status_to_json
from pressloop.run.remote_run import OwnerGoneError, OwnerSilentError, RemoteRun, sender
from pressloop.run.run import Run
from pressloop.wire.schema import ErrorCode, State

from tests.unit.fake_board import FakeBoard, RefusalError
from tests.unit.test_press_run import PROMPT_STEP, PROTOCOL


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder of this test's own."""
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(registry, "user_runtime_path", lambda name: folder / name)
    return folder


@pytest.fixture
def run(board: FakeBoard, tmp_path: Path) -> Iterator[Run]:
    """A run that stays in its first step, a ramp."""
    board.lockstep = True
    with Press.open(board.url, reconnect_timeout_s=3.0) as press:
        yield press.start(PROTOCOL, out=tmp_path / "run")


def the_run() -> ActiveRun:
    (found,) = active_runs()
    return found


def send(line: bytes) -> dict[str, Any]:
    found = the_run()
    with socket.create_connection((found.host, found.control_port), 5) as link:
        link.sendall(line)
        answer: dict[str, Any] = json.loads(link.makefile("rb").readline())
    return answer


def test_the_address_of_a_run_is_for_its_user_alone(run: Run, board: FakeBoard) -> None:
    found = the_run()
    assert found.is_on(board.url) and found.is_on(b"fake-one".hex())
    assert not found.is_on("socket://127.0.0.1:1") and not found.is_on("emulated")
    assert Path(found.record) == run.directory
    if sys.platform != "win32":
        assert stat.S_IMODE(found.file().stat().st_mode) == 0o600
    run.abort()
    run.wait(10)


def test_commands_do_what_they_say(run: Run, board: FakeBoard) -> None:
    remote = RemoteRun(the_run())
    assert remote.steer("resume").message == "nothing to resume: the run is not paused"
    assert remote.steer("skip").code == "no-effect"  # it is a ramp
    assert remote.steer("pause").done and board.executed("pause")
    assert remote.steer("pause").message == "nothing to pause: the run is already paused"
    assert "resume it first" in remote.steer("skip").message
    assert remote.steer("resume").done and board.executed("resume")
    board.go_to(1)
    assert "ends by itself" in remote.steer("end").message
    assert remote.steer("skip").done and board.executed("advance")
    board.go_to(PROMPT_STEP)
    assert "prompt" in remote.steer("pause").message
    assert remote.steer("abort").done
    events = {e.kind: e.data for e in run.result(10).summary.events}
    by = f"operator (command in another terminal, {sender()})"
    assert "@" in by
    for kind in ("pause", "resume", "advance", "abort"):
        assert events[kind]["by"] == by


@pytest.mark.parametrize("by", [None, 7, "", "  ", "a\x1b[2J", ["x"], "ada@lab" * 40])
def test_any_name_of_a_sender_is_harmless(run: Run, by: Any) -> None:
    line = json.dumps({"token": the_run().token, "command": "abort", "by": by}).encode() + b"\n"
    assert send(line)["ok"]
    (event,) = [e for e in run.result(10).summary.events if e.kind == "abort"]
    said = str(event.data["by"])
    assert said.startswith("operator (command in another terminal")
    assert said.isprintable() and len(said) <= 130


def test_the_server_goes_with_the_run(run: Run) -> None:
    found = the_run()
    run.abort()
    run.wait(10)
    with pytest.raises(OwnerGoneError):
        for _ in range(50):  # the server looks twice a second
            assert not RemoteRun(found).steer("pause").done
            threading.Event().wait(0.1)
    assert active_runs() == []
    assert not list(active_folder().iterdir())


def test_a_refusal_is_explained(run: Run, board: FakeBoard) -> None:
    def refuse(_: object) -> Any:
        raise RefusalError(ErrorCode.GUARD_OPEN)

    remote = RemoteRun(the_run())
    remote.steer("pause")
    board.do_resume = refuse  # type: ignore[method-assign]
    outcome = remote.steer("resume")
    assert (outcome.done, outcome.code) == (False, "guard-open")
    assert outcome.message == "resume refused: the guard is open"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"\xff\x00garbage\n", "bad-request"),
        (b"[1, 2]\n", "bad-request"),
        (b"[" * 4000 + b"\n", "bad-request"),
        (b"x" * 10_000, "bad-request"),
        (b"{}\n", "wrong-token"),
        (b'{"token": 7, "command": "abort"}\n', "wrong-token"),
        ('{"token": "ä", "command": "abort"}\n'.encode(), "wrong-token"),
        (b'{"token": "0123456789abcdef0123456789abcdef", "command": "abort"}\n', "wrong-token"),
    ],
)
def test_what_is_no_command_of_this_user_does_nothing(
    run: Run, board: FakeBoard, line: bytes, code: str
) -> None:
    assert send(line)["code"] == code
    assert run.is_active and board.state is State.RUNNING
    assert not board.executed("abort")


def test_an_unknown_command_is_named(run: Run) -> None:
    answer = send(json.dumps({"token": the_run().token, "command": "vent"}).encode() + b"\n")
    assert answer["code"] == "unknown-command" and "vent" in answer["message"]


def test_of_two_commands_at_once_one_has_an_effect(run: Run, board: FakeBoard) -> None:
    remote, outcomes = RemoteRun(the_run()), []
    threads = [
        threading.Thread(target=lambda: outcomes.append(remote.steer("pause"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome.done for outcome in outcomes) == [False, False, False, True]
    assert len(board.executed("pause")) == 1


def test_clients_that_say_nothing_do_not_block_the_others(run: Run) -> None:
    found = the_run()
    silent = [socket.create_connection((found.host, found.control_port)) for _ in range(5)]
    assert RemoteRun(found).steer("pause").done
    for link in silent:
        link.close()


def test_watching_ends_with_the_run_and_changes_nothing(run: Run, board: FakeBoard) -> None:
    remote = RemoteRun(the_run())
    seen = []
    for status in remote.watch():
        seen.append(status)
        if len(seen) == 2:
            assert not board.executed("pause") and not board.executed("abort")
            run.abort()
    assert remote.end_reason == "aborted"
    assert seen[0].stage_name == "densify" and seen[0].run_id == run.run_id
    assert status_from_json(json.loads(json.dumps(status_to_json(seen[0])))) == seen[0]


def test_an_owner_that_does_not_answer_is_named(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        stopped = replace(the_run(), control_port=deaf.getsockname()[1])
        with pytest.raises(OwnerSilentError) as raised:
            RemoteRun(stopped, max_answer_s=0.2).steer("abort")
    assert str(os.getpid()) in raised.value.message and "emergency stop" in raised.value.hint


def test_files_of_programs_that_ended_are_removed(run: Run) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    gone = publish(replace(the_run(), pid=ended.pid, run_id="00"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    refused = publish(replace(the_run(), control_port=port, run_id="01"))
    (active_folder() / "half.json").write_text('{"host":')
    (active_folder() / "other.json").write_text("{}")
    assert [found.run_id for found in active_runs()] == [run.run_id.hex()]
    assert not gone.exists() and not refused.exists()


def test_a_folder_that_others_can_change_is_not_trusted(
    runtime_folder: Path, board: FakeBoard, tmp_path: Path
) -> None:
    if sys.platform == "win32":
        pytest.skip("needs modes of files")
    runtime_folder.chmod(0o777)
    board.lockstep = True
    with Press.open(board.url) as press:
        run = press.start(PROTOCOL, out=tmp_path / "run")
        assert run.is_active and active_runs() == []
    assert not list(active_folder().iterdir())


def test_a_run_without_remote_control(board: FakeBoard, tmp_path: Path) -> None:
    board.lockstep = True
    with Press.open(board.url) as press:
        press.start(PROTOCOL, out=tmp_path / "run", remote_control=False)
        assert active_runs() == []


def test_a_second_program_does_not_take_the_board_of_a_run(
    run: Run, board: FakeBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 1)
    hellos = len(board.executed("hello"))
    with pytest.raises(errors.PortBusyError) as raised:
        Press.open(board.url)
    assert raised.value.code == "run-active" and "pressloop watch" in raised.value.hint
    assert len(board.executed("hello")) == hellos
