"""`pressloop abort` on a serial port whose owner hangs: the board hears it all the same."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from pressloop import MachineProfile, Press
from pressloop.emulator.process import EmulatedBoard

from tests.emulated.command_line import command

PROTOCOL = """
pressloop: 1
name: long
die: 10 mm
ceiling: 120 MPa
vent_rate: 50 MPa/s
on_host_loss: {action: hold, limit: 10 min}
stages:
  - name: first
    ramp: {target: 60 MPa, rate: 60 MPa/s}
    hold: {duration: 10 min, tolerance: 2 %}
"""


def bridge(master: int, link: socket.socket) -> None:
    """Pass bytes between a pseudo terminal and the board until either ends."""
    with contextlib.suppress(OSError):
        while True:
            readable, _, _ = select.select([master, link.fileno()], [], [])
            if master in readable:
                link.sendall(os.read(master, 4096))
            if link.fileno() in readable:
                data = link.recv(4096)
                if not data:
                    return
                os.write(master, data)


@pytest.fixture
def serial_board() -> Iterator[tuple[EmulatedBoard, str]]:
    """An emulated board in real time behind a pseudo terminal, which stands for its USB port."""
    with EmulatedBoard(pacing="real") as board:
        with Press.open(board.url) as press:
            press.write_profile(MachineProfile.from_fields(board.press.nominal_profile()))
        host, _, port = board.url.removeprefix("socket://").partition(":")
        master, slave = os.openpty()
        tty.setraw(slave)
        with socket.create_connection((host, int(port))) as link:
            threading.Thread(target=bridge, args=(master, link), daemon=True).start()
            yield board, os.ttyname(slave)
        os.close(master)
        os.close(slave)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a COM port has one owner, by Windows")
def test_a_hanging_owner_does_not_keep_anyone_from_aborting(
    serial_board: tuple[EmulatedBoard, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, path = serial_board
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "long.yaml").write_text(PROTOCOL, "utf-8")
    owner = subprocess.Popen(
        command("run", "long.yaml", "--port", path, "--yes", "--out", "out"),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert owner.stderr is not None
        for line in owner.stderr:
            if "first hold" in line:
                break
        os.kill(owner.pid, signal.SIGSTOP)
        before_mpa = float(board.control({"get": True})["pellet_mpa"])
        done = subprocess.run(command("abort"), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "beside that program; it is releasing" in done.stderr.replace("\n", " ")
        deadline = time.monotonic() + 10
        while float(board.control({"get": True})["pellet_mpa"]) > 0.2:
            assert time.monotonic() < deadline, "the pressure does not fall"
            time.sleep(0.05)
        assert before_mpa > 50
        # Its session was not ended: it goes on, and its record says what happened.
        os.kill(owner.pid, signal.SIGCONT)
        _, told = owner.communicate(timeout=30)
        summary = json.loads((tmp_path / "out" / "run.json").read_text())
        assert summary["end_reason"] == "aborted", told
        assert not [event for event in summary["events"] if event["kind"] == "reattached"]
    finally:
        owner.kill()
        owner.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="a COM port has one owner, by Windows")
def test_an_owner_of_another_user_does_not_keep_anyone_from_aborting(
    serial_board: tuple[EmulatedBoard, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, path = serial_board
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with Press.open(path):  # holds the port; no run is registered
        done = subprocess.run(
            command("abort", "--port", path), capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    assert "in use by another program" in done.stderr
    assert "look at the gauge" in done.stderr
