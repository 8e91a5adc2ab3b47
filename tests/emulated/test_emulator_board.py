"""The emulated board as a process: time, sockets, truth, storage, start and end.

A toy firmware replaces the real one: it sets the valves by commands, one JSON object per line, and
streams what it reads. So each test sees the board alone.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pressloop.emulator import locate, resources
from pressloop.emulator.process import EmulatedBoard
from pressloop.errors import EmulatorError
from pressloop_sim.plant.truth_format import MAGIC, RECORD

ROOT = Path(__file__).resolve().parents[2]
IDLE, RUNNING, PROMPTING = 0, 1, 3
TIMEOUT_S = 10.0

TOY_FIRMWARE = """
import array, json, time


class Sequencer:
    state = 0


class Controller:
    def __init__(self, board):
        self.board = board
        self.sequencer = Sequencer()
        self.tick_count = 0
        self.openings = None
        self.allocates = False
        self.failure = None
        self.raws = array.array("H", [0] * 200)
        self.inputs = array.array("B", [0] * 200)

    def tick(self):
        board = self.board
        at = self.tick_count % 200
        self.raws[at] = board.read_raw()
        self.inputs[at] = board.read_inputs()
        if self.openings is None:
            board.safe()
        else:
            board.set_valves(self.openings[0], self.openings[1])
        if self.allocates:
            try:
                [board, at]
            except MemoryError as error:
                self.failure = error
        self.tick_count += 1


class Server:
    host_tick = 0
    batch_ticks = 0


class Plan:
    committed = False


class App:
    def __init__(self, board):
        self.board = board
        self.plan = Plan()
        self.controller = Controller(board)
        self.server = Server()
        self.sent = 0
        self.line = b""
        self.buf = bytearray(256)

    def run(self):
        self.board.start_tick(self.controller.tick)
        while True:
            self.poll()
            self.board.idle()

    def poll(self):
        while True:
            n = self.board.receive_into(self.buf)
            if n == 0:
                break
            self.line += bytes(self.buf[:n])
        while b"\\n" in self.line:
            line, self.line = self.line.split(b"\\n", 1)
            self.obey(json.loads(line))
        tick, batch = self.controller.tick_count, self.server.batch_ticks
        if batch and tick - self.sent >= batch:
            span = [i % 200 for i in range(self.sent, tick)]
            self.sent = tick
            controller = self.controller
            self.say(
                {
                    "tick": tick,
                    "raws": [controller.raws[i] for i in span],
                    "inputs": [controller.inputs[i] for i in span],
                }
            )

    def obey(self, wish):
        controller, server = self.controller, self.server
        if "ack" in wish:
            server.host_tick = wish["ack"]
            return
        if "batch" in wish:
            server.batch_ticks = wish["batch"]
            server.host_tick = self.sent = controller.tick_count
        sequencer = controller.sequencer
        sequencer.state = wish.get("state", sequencer.state)
        controller.openings = wish.get("openings", controller.openings)
        controller.allocates = wish.get("allocates", False)
        if "store" in wish:
            self.board.store("note", wish["store"].encode())
        note = self.board.load("note")
        self.say(
            {
                "answer": controller.tick_count,
                "failure": repr(controller.failure),
                "note": note.decode() if note is not None else None,
            }
        )
        time.sleep_ms(wish.get("linger_ms", 0))

    def say(self, what):
        data = json.dumps(what).encode() + b"\\x02"
        view = memoryview(data)
        while len(view):
            view = view[self.board.send(view) :]
"""


class Host:
    """Talks to the toy firmware."""

    def __init__(self, board: EmulatedBoard | Launcher) -> None:
        host, port = board.url.removeprefix("socket://").split(":")
        self.socket = socket.create_connection((host, int(port)), TIMEOUT_S)
        self._data = b""

    def read(self) -> dict[str, Any]:
        """Return the next message of the firmware."""
        while b"\x02" not in self._data:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self._data += data
        line, self._data = self._data.split(b"\x02", 1)
        said: dict[str, Any] = json.loads(line)
        return said

    def tell(self, **wish: Any) -> dict[str, Any]:
        """Send a command and return the answer, skipping telemetry."""
        self.send(**wish)
        while "answer" not in (said := self.read()):
            pass
        return said

    def send(self, **wish: Any) -> None:
        self.socket.sendall(json.dumps(wish).encode() + b"\n")

    def follow(self, batches: int) -> list[dict[str, Any]]:
        """Receive that many batches of telemetry; acknowledge each but the last."""
        heard = []
        for left in reversed(range(batches)):
            said = self.read()
            heard.append(said)
            if left:
                self.send(ack=said["tick"])
        return heard


Start = Callable[..., EmulatedBoard]


@pytest.fixture
def toy_firmware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, micropython: Path) -> Path:
    """A folder with the toy firmware, found by the board."""
    package = tmp_path / "firmware" / "pressloop_fw"
    package.mkdir(parents=True)
    (package / "app.py").write_text(TOY_FIRMWARE)
    for name in (
        "__init__.py",
        "wire/__init__.py",
        "wire/schema.py",
        "boards/__init__.py",
        "boards/wiring.py",
        "hal.py",
    ):
        (package / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / "firmware" / "pressloop_fw" / name, package / name)
    monkeypatch.setenv(locate.FIRMWARE_VARIABLE, str(package.parent))
    monkeypatch.setenv(locate.INTERPRETER_VARIABLE, str(micropython))
    return package.parent


@pytest.fixture
def start(toy_firmware: Path) -> Iterator[Start]:
    """Start boards that are stopped when the test ends."""
    boards = []

    def _start(**settings: Any) -> EmulatedBoard:
        board = EmulatedBoard(**settings)
        boards.append(board)
        return board.start()

    yield _start
    for board in boards:
        board.stop()


def _await(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds; a loaded machine may need long."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# --- time


def test_lockstep_stops_at_each_batch_until_the_host_has_followed(start: Start) -> None:
    board = start()
    host = Host(board)
    first = host.tell(batch=10)["answer"]
    assert host.read()["tick"] == first + 10
    assert board.control({"get": True})["tick"] == first + 10
    host.send(ack=first + 4)
    # Less than a batch: no telemetry, but room for four ticks.
    _await(lambda: board.control({"get": True})["tick"] == first + 14)
    host.send(ack=first + 10)
    assert host.read()["tick"] == first + 20


def test_answers_move_time_by_two_ticks_at_rest(start: Start) -> None:
    board = start()
    host = Host(board)
    assert host.tell()["answer"] == 0
    assert host.tell()["answer"] == 2
    assert host.tell()["answer"] == 4
    _await(lambda: board.control({"get": True})["tick"] == 6)


def _noise_of_a_run(board: EmulatedBoard, idle_batches: int) -> list[int]:
    host = Host(board)
    host.tell(batch=10)
    host.follow(idle_batches)
    begin = host.tell(state=RUNNING, openings=[20000, 0], batch=20)["answer"]
    heard = host.follow(30)
    assert heard[-1]["tick"] == begin + 600
    return [raw for said in heard for raw in said["raws"]]


def test_same_seed_gives_the_same_run_after_any_idle_time(start: Start) -> None:
    runs = [
        _noise_of_a_run(start(seed=seed), idle) for seed, idle in ((5, 1), (5, 1), (5, 40), (6, 1))
    ]
    assert len(set(runs[0])) > 5, "there is no noise"
    assert runs[0] == runs[1]
    assert runs[0] == runs[2]
    assert runs[0] != runs[3]


def test_run_goes_on_in_real_time_without_its_host(start: Start) -> None:
    board = start(silence_s=0.05)
    host = Host(board)
    host.tell(state=RUNNING, batch=10)
    stuck = host.read()["tick"]
    host.socket.close()
    begin = time.monotonic()
    _await(lambda: board.control({"get": True})["tick"] >= stuck + 30)
    assert time.monotonic() - begin >= 0.29, "faster than real time"


def test_host_that_comes_back_is_followed_again(start: Start) -> None:
    board = start(silence_s=0.05)
    host = Host(board)
    host.tell(state=RUNNING, batch=10)
    host.socket.close()
    tick = board.control({"get": True})["tick"]
    _await(lambda: board.control({"get": True})["tick"] >= tick + 20)
    host = Host(board)
    begin = host.tell(batch=10)["answer"]
    assert [said["tick"] - begin for said in host.follow(5)] == [10, 20, 30, 40, 50]


def test_ticks_owed_to_an_answer_come_before_the_next_request(start: Start) -> None:
    host = Host(start())
    # The firmware waits after its answer, so that the next request arrives before the ticks.
    answers = [host.tell(linger_ms=30)["answer"] for _ in range(4)]
    assert answers == [0, 2, 4, 6]


def test_time_is_stopped_while_idle_without_a_host(start: Start) -> None:
    board = start(silence_s=0.02)
    tick = board.control({"get": True})["tick"]
    time.sleep(0.1)
    assert board.control({"get": True})["tick"] == tick


def test_prompt_takes_real_time(start: Start) -> None:
    # A busy machine may delay the host; it must not count as silent, or time goes on without it.
    host = Host(start(silence_s=TIMEOUT_S))
    begin = time.monotonic()
    asked = host.tell(state=PROMPTING, batch=5)["answer"]
    heard = host.follow(6)
    assert [said["tick"] - asked for said in heard] == [5, 10, 15, 20, 25, 30]
    assert time.monotonic() - begin >= 0.29, "faster than people"


def test_real_pacing_follows_the_wall_clock_times_its_factor(start: Start) -> None:
    host = Host(start(pacing="real", speed=10.0))
    begin = time.monotonic()
    first = host.tell(batch=100)["answer"]
    assert host.follow(2)[-1]["tick"] >= first + 200
    assert time.monotonic() - begin >= 0.15


def test_a_faster_clock_waits_for_a_busy_host(start: Start) -> None:
    board = start(pacing="real", speed=1000.0, silence_s=TIMEOUT_S)
    host = Host(board)
    first = host.tell(state=RUNNING, batch=5)["answer"]
    last = first
    while last < first + 20:
        last = host.read()["tick"]
    for _ in range(10):
        assert board.control({"get": True})["tick"] == last
    host.send(ack=last)
    assert host.read()["tick"] > last


# --- the board interface


def test_tick_runs_with_the_heap_locked(start: Start) -> None:
    host = Host(start())
    host.tell(allocates=True)
    assert "MemoryError" in host.tell()["failure"]


def test_safe_closes_the_pump_valve_and_opens_the_release_valve(start: Start) -> None:
    board = start()
    host = Host(board)
    host.tell(state=RUNNING, openings=[25000, 0], batch=20)
    while board.control({"get": True})["pellet_mpa"] < 50:
        host.send(ack=host.read()["tick"])
    host.tell(openings=None)
    host.tell(openings=None, batch=20)
    host.follow(10)
    assert board.control({"get": True})["pellet_mpa"] == 0


def test_pellet_and_die_break_on_command(start: Start) -> None:
    board = start()
    host = Host(board)
    host.tell(state=RUNNING, openings=[25000, 0], batch=20)
    while (sound := board.control({"get": True}))["pellet_mpa"] < 50:
        host.send(ack=host.read()["tick"])
    assert sound["damage"] == 0
    assert sound["closing_mm"] > 4
    board.control({"break": "pellet"})
    board.control({"break": "die"})
    host.tell(openings=[0, 0], batch=20)
    host.follow(3)
    broken = board.control({"get": True})
    assert (broken["damage"], broken["pellet_mm"], broken["pellet_mpa"]) == (4 | 8, 0, 0)
    assert board.truth_path is not None
    records = list(struct.iter_unpack(RECORD, board.truth_path.read_bytes()[len(MAGIC) :]))
    assert {record[-1] for record in records} == {0, 4 | 8}
    with pytest.raises(EmulatorError, match="one of die, pellet"):
        board.control({"break": "ram"})
    with pytest.raises(EmulatorError, match="one of die, pellet"):
        board.control({"break": ["die"]})


def test_inputs_and_sensor_follow_the_control_port(start: Start) -> None:
    board = start()
    host = Host(board)
    host.tell(batch=5)
    assert host.read()["inputs"] == [0] * 5
    board.control({"set": {"emergency_stop": True, "button": True}})
    board.control({"sensor": "broken"})
    host.send(ack=host_tick(board))
    said = host.read()
    assert said["inputs"] == [1 | 4] * 5
    assert max(said["raws"]) < 4320
    board.control({"set": {"emergency_stop": False, "guard_open": True}})
    board.control({"sensor": "ok"})
    host.send(ack=said["tick"])
    said = host.read()
    assert said["inputs"] == [2 | 4] * 5
    assert all(4560 < raw < 5000 for raw in said["raws"])


def host_tick(board: EmulatedBoard) -> int:
    tick: int = board.control({"get": True})["tick"]
    return tick


@pytest.mark.parametrize(
    "command",
    [{"jump": 1}, {"sensor": "wet"}, {"set": {"lid": True}}, {"set": {"button": 1}}, {}],
)
def test_wrong_control_command_is_refused_with_a_reason(
    start: Start, command: dict[str, Any]
) -> None:
    board = start()
    with pytest.raises(EmulatorError, match="refused"):
        board.control(command)
    assert board.running


def test_stored_file_survives_a_restart(start: Start, tmp_path: Path) -> None:
    board = start(work_dir=tmp_path / "board")
    assert Host(board).tell()["note"] is None
    Host(board).tell(store="written")
    board.stop()
    assert Host(start(work_dir=tmp_path / "board")).tell()["note"] == "written"
    files = {file.name for file in (tmp_path / "board" / "flash").iterdir()}
    assert files == {"journal", "note"}


def test_new_connection_replaces_the_old_one(start: Start) -> None:
    board = start()
    old = Host(board)
    old.tell()
    new = Host(board)
    assert new.tell()["answer"] == 2
    with pytest.raises((EOFError, ConnectionResetError)):
        old.read()


# --- truth


def test_truth_is_recorded_for_every_tick_of_a_run_and_none_at_rest(start: Start) -> None:
    board = start()
    host = Host(board)
    host.tell(batch=10)
    host.follow(3)
    begin = host.tell(state=RUNNING, openings=[25000, 0], batch=10)["answer"]
    host.follow(7)
    end = host.tell(state=0)["answer"]
    host.send(ack=end)
    host.follow(1)
    assert board.truth_path is not None
    records = list(struct.iter_unpack(RECORD, board.truth_path.read_bytes()[len(MAGIC) :]))
    assert [tick for tick, *_ in records] == list(range(begin, end))


def test_truth_is_readable_after_the_board_was_killed(start: Start) -> None:
    board = start()
    host = Host(board)
    host.tell(state=RUNNING, openings=[25000, 0], batch=10)
    heard = host.follow(120)
    os.kill(board.pid, signal.SIGKILL)
    assert board.truth_path is not None
    records = list(struct.iter_unpack(RECORD, board.truth_path.read_bytes()[len(MAGIC) :]))
    # The board waited for the last acknowledgement: nothing is missing.
    assert len(records) == heard[-1]["tick"] - heard[0]["tick"] + 10
    _, pellet, oil, density, ram, derived, damage = records[-1]
    assert derived == pytest.approx(pellet, rel=1e-5)
    assert pellet > 1
    assert oil == pytest.approx(pellet * 78.54 / 1450 + 150 / 1450, rel=1e-3)
    assert 0.45 < density < 0.8
    assert ram > 4
    assert damage == 0


# --- start and end


class Launcher:
    """A program that starts a board and is killed."""

    def __init__(self, temporary: Path) -> None:
        script = (
            "import time\n"
            "from pressloop.emulator.process import EmulatedBoard\n"
            "board = EmulatedBoard(orphan_s=0.3, silence_s=0.01)\n"
            "print(board.start().url, board.pid, flush=True)\n"
            "time.sleep(60)\n"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT / "host" / "src"),
                "TMPDIR": str(temporary),
            },
        )
        self.temporary = temporary
        assert self._process.stdout is not None
        self.url, pid = self._process.stdout.readline().split()
        self.pid = int(pid)

    def kill(self) -> None:
        """Kill the program and every process of its session."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def board_lives(self) -> bool:
        """Whether the board's process runs; a zombie that is not reaped yet does not count."""
        try:
            status = Path(f"/proc/{self.pid}/stat").read_text()
        except FileNotFoundError:
            return False
        return status.rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def launcher(toy_firmware: Path, tmp_path: Path) -> Iterator[Launcher]:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    launched = Launcher(temporary)
    yield launched
    with suppress(ProcessLookupError):
        launched.kill()
    with suppress(ProcessLookupError):
        os.kill(launched.pid, signal.SIGKILL)


def test_board_that_has_not_pressed_ends_with_the_program_that_started_it(
    launcher: Launcher,
) -> None:
    host = Host(launcher)
    host.tell()
    launcher.kill()
    host.socket.close()
    assert list(launcher.temporary.iterdir())
    _await(lambda: not launcher.board_lives())
    assert list(launcher.temporary.iterdir()) == []


def test_board_outlives_a_killed_host_in_a_run_and_ends_behind_it(launcher: Launcher) -> None:
    host = Host(launcher)
    host.tell(state=RUNNING)
    host.socket.close()
    launcher.kill()
    # The run takes real time: much longer than an idle board would wait for a host.
    _await(lambda: Host(launcher).tell()["answer"] > 100)
    host = Host(launcher)
    host.tell(state=IDLE)
    host.socket.close()
    _await(lambda: not launcher.board_lives())
    assert list(launcher.temporary.iterdir()) == []


def test_stop_ends_the_process_and_removes_its_folder(start: Start) -> None:
    board = start()
    folder, pid = board.work_dir, board.pid
    board.stop()
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    board.stop()


def test_a_board_that_ends_at_start_shows_its_console(
    start: Start, toy_firmware: Path, tmp_path: Path
) -> None:
    app = toy_firmware / "pressloop_fw" / "app.py"
    app.write_text("raise ValueError('no such valve')\n")
    with pytest.raises(EmulatorError, match="no such valve"):
        start(work_dir=tmp_path / "board")


def test_missing_interpreter_says_make_setup(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(locate.INTERPRETER_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(resources, "_CHECKOUT", tmp_path)
    with pytest.raises(EmulatorError, match="make setup") as caught:
        locate.find_micropython()
    assert caught.value.code == "no-micropython"


def test_interpreter_variable_that_names_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(locate.INTERPRETER_VARIABLE, "/nowhere/micropython")
    with pytest.raises(EmulatorError, match="/nowhere/micropython"):
        locate.find_micropython()


def test_missing_firmware_says_where_it_was_looked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(locate.FIRMWARE_VARIABLE, str(tmp_path))
    with pytest.raises(EmulatorError, match=str(tmp_path)):
        locate.find_firmware()
