"""What a lab's Windows PC does with a real board works without the modules that only POSIX has.

A Windows machine was not available: see `windows_pc.py` for what is faked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pressloop import RecordError
from pressloop.record import file_lock
from pressloop.record.journal import JOURNAL_NAME, JournalWriter
from pressloop.wire.schema import State

from tests.unit.fake_board import FakeBoard
from tests.unit.windows_pc import BOARD_VARIABLE, ROOT, WindowsPc

PROTOCOL = """\
pressloop: 1
name: Für Dr. Müller, 20 °C
die: 10 mm
ceiling: 300 MPa
stages:
  - name: densify
    ramp: {target: 250 MPa, rate: 10 MPa/s}
    hold: {duration: 10 s, tolerance: 1 %}
  - prompt: Insert the cathode → press → confirm ✓
  - name: bond
    hold: {target: 250 MPa, duration: 10 s, tolerance: 1 %}
"""


@pytest.fixture
def board() -> Iterator[FakeBoard]:
    """A board that runs a plan by itself, one step in each batch."""
    with FakeBoard() as fake:

        def step_press() -> None:
            if fake.state is State.RUNNING:
                fake.go_to(fake.step + 1)

        fake.step_press = step_press  # type: ignore[method-assign]
        fake.lockstep = True
        yield fake


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    path = tmp_path / "Käthe's protocol.yaml"
    path.write_text(PROTOCOL, encoding="utf-8")
    return path


OnWindows = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture(scope="module")
def pc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WindowsPc]:
    """A Windows PC with a console in cp1252."""
    environment = {
        **os.environ,
        "PYTHONIOENCODING": "cp1252",
        "PYTHONUTF8": "0",
        "PYTHONWARNDEFAULTENCODING": "1",
        "PYTHONPATH": str(ROOT),
        "MPLBACKEND": "agg",
        "COLUMNS": "200",
        "TZ": "Asia/Kolkata",
    }
    machine = WindowsPc(tmp_path_factory.mktemp("pc"), environment)
    yield machine
    machine.close()


@pytest.fixture
def on_windows(board: FakeBoard, pc: WindowsPc) -> OnWindows:
    """A function that runs the command line or a script on the PC with the board."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
        board_there = {BOARD_VARIABLE: board.url.removeprefix("socket://")}
        done = pc.run([str(argument) for argument in arguments], board_there)
        errors = done.stderr.decode("cp1252")
        assert "Traceback" not in errors and "UnicodeEncodeError" not in errors, errors
        ours = [
            line
            for line in errors.splitlines()
            if "EncodingWarning" in line and "pressloop" in line
        ]
        assert not ours, ours
        return done

    return run


def test_the_package_and_its_rooms_can_be_imported(on_windows: OnWindows, tmp_path: Path) -> None:
    script = tmp_path / "imports.py"
    script.write_text(
        "import importlib, pkgutil, pressloop\n"
        "for name in pressloop.__all__: getattr(pressloop, name)\n"
        "for found in pkgutil.walk_packages(pressloop.__path__, 'pressloop.'):\n"
        "    name = found.name\n"
        "    others = name.startswith(('pressloop.hil', 'pressloop.emulator.pico.',\n"
        "                              'pressloop.integrations.', 'pressloop.cli.ingest'))\n"
        "    if not others and not name.endswith('__main__'):\n"
        "        importlib.import_module(name)\n"
        "print('imported')\n"
    )
    done = on_windows("script", script)
    assert done.stdout.split() == [b"imported"], done.stderr.decode()


def test_ports_and_info(on_windows: OnWindows) -> None:
    done = on_windows("cli", "ports")
    assert b"COM3" in done.stdout and b"press controller" in done.stdout
    for port in (["--port", "COM3"], ["--port", "E66164084367"], []):
        done = on_windows("cli", "info", "--json", *port)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["board"] == "fake"


def test_a_port_that_is_not_there(on_windows: OnWindows) -> None:
    done = on_windows("cli", "info", "--port", "COM9")
    assert done.returncode == 3
    assert b"cannot open COM9" in done.stderr and b"dialout" not in done.stderr


def test_validate(on_windows: OnWindows, protocol: Path) -> None:
    done = on_windows("cli", "validate", protocol)
    assert done.returncode == 0, done.stderr
    protocol.write_text(PROTOCOL.replace("250 MPa, rate", "250 MPa, →"), encoding="utf-8")
    assert on_windows("cli", "validate", protocol).returncode == 2


@pytest.mark.parametrize("command", ["simulate", "run"])
def test_an_emulated_board_is_refused(on_windows: OnWindows, protocol: Path, command: str) -> None:
    arguments = ["--port", "emulated", "--yes"] if command == "run" else []
    done = on_windows("cli", command, protocol, *arguments)
    assert done.returncode == 3, done.stderr
    assert b"emulated boards do not run on Windows" in done.stderr


def test_a_run_with_its_record_its_plot_and_its_catalogue(
    on_windows: OnWindows, protocol: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "Läufe" / "first"
    done = on_windows("cli", "run", protocol, "--port", "COM3", "--yes", "--out", folder)
    assert done.returncode == 0, done.stderr.decode("cp1252")
    summary = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert summary["end_reason"] == "completed"
    assert summary["header"]["port"] == "COM3"
    assert summary["header"]["protocol_text"] == PROTOCOL
    done = on_windows("cli", "plot", folder)
    assert done.returncode == 0, done.stderr


def test_a_run_of_a_program_that_ended_is_attached_to(
    on_windows: OnWindows, protocol: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    script = tmp_path / "detach.py"
    script.write_text(
        "import sys\nfrom pressloop import Press\n"
        "with Press.open() as press:\n"
        f"    press.start({str(protocol)!r}, out={str(folder)!r}).detach()\n",
        encoding="utf-8",
    )
    done = on_windows("script", script)
    assert done.returncode == 0, done.stderr
    done = on_windows("cli", "attach", folder, "--yes")
    assert done.returncode == 0, done.stderr.decode("cp1252")
    summary = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert summary["end_reason"] == "completed"


def test_a_record_is_locked(on_windows: OnWindows, tmp_path: Path) -> None:
    script = tmp_path / "lock.py"
    script.write_text(
        "import subprocess, sys\nfrom pathlib import Path\n"
        "from pressloop import RecordError\n"
        "from pressloop.record.file_lock import is_locked\n"
        "from pressloop.record.journal import JournalWriter\n"
        "path = Path(sys.argv[1])\n"
        "try:\n    writer = JournalWriter(path, create=not path.exists())\n"
        "except RecordError as error:\n    print(error.code, is_locked(path))\n"
        "else:\n"
        "    writer.append({'kind': 'x', 'pid': 7})\n"
        "    print('mine')\n    sys.stdout.flush()\n"
        "    sys.stdin.read()\n"
    )
    path = tmp_path / JOURNAL_NAME
    environment = {**os.environ, BOARD_VARIABLE: "", "PYTHONPATH": str(ROOT)}
    first = subprocess.Popen(
        [sys.executable, "-m", "tests.unit.windows_pc", "script", script, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        cwd=ROOT,
    )
    assert first.stdout is not None
    assert first.stdout.readline() == b"mine\n"
    assert on_windows("script", script, path).stdout.split() == [b"record-busy", b"True"]
    first.communicate(timeout=20)
    assert on_windows("script", script, path).stdout.split() == [b"mine"]


# --- a system with neither kind of lock


def test_a_lock_without_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_lock, "_fcntl", None)
    monkeypatch.setattr(file_lock, "_msvcrt", None)
    path = tmp_path / JOURNAL_NAME
    first = JournalWriter(path, create=True)
    first.append({"kind": "x", "pid": 7})
    with pytest.raises(RecordError, match="process 7") as caught:
        JournalWriter(path, create=False)
    assert caught.value.code == "record-busy"
    assert "run.journal.lock" in caught.value.hint
    assert file_lock.is_locked(path)
    first.close()
    assert not file_lock.is_locked(path)
    assert [found.name for found in tmp_path.iterdir()] == [JOURNAL_NAME]
    JournalWriter(path, create=False).close()


# --- consoles without UTF-8, on any system


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437", "utf-8", "cp932"])
def test_protocols_are_utf8_in_a_file_whatever_the_console(encoding: str, tmp_path: Path) -> None:
    from pressloop.protocol.goals import GOALS

    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    command = [sys.executable, "-c", "from pressloop.cli import main; main()", "protocols"]
    goal = GOALS[0]
    done = subprocess.run([*command, goal.name], capture_output=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode("utf-8") == goal.text
    assert subprocess.run(command, capture_output=True, env=environment, timeout=60).returncode == 0


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437", "cp932"])
def test_no_character_ends_the_command_line(encoding: str) -> None:
    code = (
        "import sys\nfrom pressloop.cli.encoding import accept_every_character\n"
        "accept_every_character()\n"
        "print('± µ → ✓ ─┤▁▄█ 压力 \\U0001f600'); print('± ✓ \\u200b', file=sys.stderr)\n"
    )
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment, timeout=60
    )
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode(encoding)
    assert "压" in text or "\\u538b" in text
    if encoding == "ascii":
        assert text.startswith("+- u -> ok -|.:# \\u538b")
