"""What a person does at the terminal of a run: every key, Ctrl-C, a stop, a second terminal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import pytest
from rich.cells import cell_len

from tests.emulated.command_line import command

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal"),
    pytest.mark.slow,
]

if sys.platform != "win32":
    from tests.emulated.pty_terminal import COLUMNS, PtyTerminal

PROTOCOL: Final = """
pressloop: 1
name: Two holds and a question
die: 10 mm
ceiling: 120 MPa
vent_rate: 60 MPa/s
host_timeout: 500 ms
stages:
  - name: first
    ramp: {target: 60 MPa, rate: 60 MPa/s}
    hold: {duration: 10 h, tolerance: 2 %}
    release: {target: 0 MPa, rate: 60 MPa/s}
  - prompt: Insert the cathode
  - name: second
    ramp: {target: 80 MPa, rate: 60 MPa/s}
    hold: {duration: open, tolerance: 2 %}
"""
SHORT_WAY: Final = "name: short way\nram: {approach_gap_mm: 0.2}\n"
RUN: Final = ("run", "p.yaml", "--port", "emulated", "--press", "press.yaml", "--out", "out")
MAX_SILENCE_S: Final = 1.5
"""The board counts the silence of its host on its own clock; its limit is half a second."""
IN_REAL_TIME: Final = (*RUN, "--real-time")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a protocol and a press, of a user who has no other active run."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    (tmp_path / "runtime").mkdir(mode=0o700)
    (tmp_path / "p.yaml").write_text(PROTOCOL)
    (tmp_path / "press.yaml").write_text(SHORT_WAY)
    return tmp_path


def vent_slowly(folder: Path) -> None:
    """Let the release take 100 s of press time, so that a second key comes in time.

    That is two seconds on the wall clock, in which the terminal shows the state twenty times.
    """
    protocol = folder / "p.yaml"
    protocol.write_text(protocol.read_text().replace("vent_rate: 60", "vent_rate: 0.6"))


def summary(folder: Path) -> dict[str, Any]:
    """Return the result of the run."""
    read: dict[str, Any] = json.loads((folder / "out" / "run.json").read_text())
    assert read["gaps"] == []
    return read


def events(folder: Path) -> list[tuple[str, str]]:
    """Return kind and origin of what was done to the run; users and machines are left out."""
    return [
        (
            event["kind"],
            re.sub(r", \S+@\S+\)", ")", event["data"].get("by", event["data"].get("answer", ""))),
        )
        for event in summary(folder)["events"]
        if event["kind"] not in ("note", "prompt")
    ]


def fits(terminal: PtyTerminal) -> bool:
    """Return whether no line of the terminal was wider than it, and nothing smeared the line."""
    lines = [line for line in terminal.shown.split("\n") if line.startswith("SIM")]
    assert lines
    return all(cell_len(line) < COLUMNS and "xyz" not in line for line in lines)


def test_every_key_does_what_it_says(folder: Path) -> None:
    with PtyTerminal(folder, *RUN) as terminal:
        terminal.see("first hold")
        terminal.type("?")
        terminal.see("p pause")
        terminal.see("show this list")
        terminal.type("xyz")
        terminal.see("'xyz' is no command")
        terminal.type("r")
        terminal.see("nothing to resume")
        terminal.type("e")
        terminal.see("nothing to end: this hold ends by itself")
        terminal.type("p")
        terminal.see("press r to resume, or a to abort")
        terminal.see("r resumes")
        terminal.type("r")
        terminal.see("resumed")
        terminal.type("s")
        terminal.see("skipped")
        terminal.see("Press Enter when done, or type 'a' to abort:")
        terminal.type("no\n")
        terminal.see("'no' is not an answer")
        terminal.type("\n")
        terminal.see("open hold: press e to finish it, or a to abort")
        terminal.see("e ends it")
        terminal.type("e")
        terminal.see("ended the open hold")
        assert terminal.wait() == 0
        assert fits(terminal)
    key = "operator (key)"
    assert events(folder) == [
        ("pause", key),
        ("resume", key),
        ("advance", "operator (key)"),
        ("prompt-answered", "answer to the prompt"),
        ("advance", "operator (key)"),
    ]


def test_the_key_that_aborts(folder: Path) -> None:
    vent_slowly(folder)
    with PtyTerminal(folder, *RUN) as terminal:
        terminal.see("first hold")
        terminal.type("a")
        terminal.see("aborting")
        terminal.see("venting")
        terminal.type("a")
        terminal.see("already being released")
        assert terminal.wait() == 1
    assert events(folder) == [("abort", "operator (key)")]


def test_ctrl_c_once_releases_at_the_vent_rate(folder: Path) -> None:
    with PtyTerminal(folder, *RUN) as terminal:
        terminal.see("first hold")
        terminal.type("\x03")
        terminal.see("press Ctrl-C again to open the release valve")
        assert terminal.wait() == 1
        assert "Traceback" not in terminal.shown
    assert events(folder) == [("abort", "operator (Ctrl-C)")]


def test_ctrl_c_twice_opens_the_release_valve(folder: Path) -> None:
    vent_slowly(folder)
    with PtyTerminal(folder, *RUN) as terminal:
        terminal.see("first hold")
        terminal.type("\x03")
        terminal.see("venting")
        terminal.type("\x03")
        assert terminal.wait() == 1
        assert "Traceback" not in terminal.shown
    aborts = [event for event in summary(folder)["events"] if event["kind"] == "abort"]
    assert [event["data"].get("release") for event in aborts] == [None, "fully open"]


def pressloop(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a second terminal of the same user."""
    return subprocess.run(
        command(*words),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def stop(terminal: PtyTerminal) -> None:
    """Stop the program of the run until the board has given its host up, then continue it."""
    terminal.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, terminal.process.pid, os.WSTOPPED | os.WNOWAIT)
    time.sleep(MAX_SILENCE_S)
    terminal.process.send_signal(signal.SIGCONT)


def test_a_stopped_program_says_why_the_run_is_paused_and_a_killed_one_is_replaced(
    folder: Path,
) -> None:
    with PtyTerminal(folder, *IN_REAL_TIME) as terminal:
        terminal.see("first hold")
        stop(terminal)
        said = terminal.see("press r to resume")
        assert "paused: the board heard nothing from this program for " in said
        terminal.type("r")
        terminal.see("resumed")
        terminal.see("first hold")
        assert fits(terminal)
        terminal.process.kill()
        terminal.process.wait()
    with PtyTerminal(folder, "attach", "out") as terminal:
        terminal.see("paused: the board lost the program that ran it")
        terminal.see("Press Enter to resume, or type 'a' to abort:")
        terminal.type("\n")
        terminal.see("first hold")
        # A second terminal watches, steers and aborts.
        with PtyTerminal(folder, "watch") as second:
            second.see("SIM")
            second.type("xyz")
            assert pressloop(folder, "pause").returncode == 0
            assert "paused: by operator (command in another" in second.see("pressloop resume")
            assert pressloop(folder, "abort").returncode == 0
            second.see("the run has ended: aborted")
            assert second.wait() == 0
            assert fits(second)
        terminal.see("paused: by operator (command in another")
        assert terminal.wait() == 1
    other = "operator (command in another terminal)"
    assert events(folder) == [
        ("host-lost", ""),
        ("resume", "operator (key)"),
        ("reattached", ""),
        ("host-lost", ""),
        ("resume", "operator (answer at the terminal)"),
        ("pause", other),
        ("abort", other),
    ]


def test_without_a_terminal_it_names_the_command(folder: Path) -> None:
    program = command(*IN_REAL_TIME)
    run = subprocess.Popen(
        program,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert run.stderr is not None
        lines = iter(run.stderr.readline, "")
        assert any("first hold" in line for line in lines)
        run.send_signal(signal.SIGSTOP)
        time.sleep(MAX_SILENCE_S)
        run.send_signal(signal.SIGCONT)
        assert any("the board heard nothing from this program for " in line for line in lines)
        how = next(lines)
        assert "in another terminal, type pressloop resume --port socket://" in how, how
        words = how.partition("type pressloop ")[2].split(" to ")[0].split()
        assert pressloop(folder, *words).returncode == 0
        assert pressloop(folder, "abort").returncode == 0
        run.communicate(timeout=60)
    finally:
        run.kill()
        run.wait()
    assert run.returncode == 1
    assert ("resume", "operator (command in another terminal)") in events(folder)


OPEN_HOLD: Final = """
pressloop: 1
name: Open
die: 10 mm
ceiling: 120 MPa
vent_rate: 60 MPa/s
stages:
  - name: only
    ramp: {target: 60 MPa, rate: 60 MPa/s}
    hold: {duration: open, tolerance: 2 %}
"""


def test_an_open_hold_without_a_terminal_says_what_ends_it(folder: Path) -> None:
    (folder / "p.yaml").write_text(OPEN_HOLD)
    program = command(*RUN, "--yes")
    run = subprocess.Popen(
        program, cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        assert run.stderr is not None
        said = next(line for line in iter(run.stderr.readline, "") if "open hold" in line)
        words = said.partition("type pressloop ")[2].split(" to ")[0].split()
        assert words[0] == "end" and pressloop(folder, *words).returncode == 0
        run.communicate(timeout=60)
    finally:
        run.kill()
        run.wait()
    assert run.returncode == 0
    assert summary(folder)["stages"][0]["outcome"] == "done"


def test_an_open_hold_that_nothing_can_end_is_refused(folder: Path) -> None:
    (folder / "p.yaml").write_text(OPEN_HOLD)
    (folder / "runtime" / "pressloop").mkdir()
    (folder / "runtime" / "pressloop").chmod(0o777)
    done = pressloop(folder, *RUN, "--yes")
    assert done.returncode == 2
    assert "nothing could end the open hold" in done.stderr and "no-way-to-end" in done.stderr
    assert not (folder / "out").exists()
