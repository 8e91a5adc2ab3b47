"""The day of a technician: from an empty Pico to a pellet, with six wrong wires on the way.

Everything is done by the commands that a technician types; only the hands and the eyes at the press
are a program's. The press is emulated, and so is the chip, which runs the flash image itself.
"""

from __future__ import annotations

import json
import select
import socket
import socketserver
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pressloop.calibration.record import read_record
from pressloop.cli import commission as command
from pressloop.cli.app import app
from pressloop.cli.commission_terminal import CommissioningTerminal
from pressloop.cli.machine_questions import QUESTIONS
from pressloop.commissioning.emulated_person import EmulatedPerson
from pressloop.commissioning.operator import Action, ChoiceQuestion, NumberQuestion
from pressloop.commissioning.steps import STEPS
from pressloop.emulator.description import PressDescription, load
from pressloop.errors import EmulatorError
from pressloop.install import bootsel, uf2
from pressloop.press import Press
from typer.testing import CliRunner, Result

pytest.importorskip("rp2040py", reason="the emulated RP2040 is not installed: pressloop[pico]")

from pressloop.emulator.pico import EmulatedPico
from pressloop.emulator.pico.process import find_image

ROOT = Path(__file__).resolve().parents[2]
FRICTION = load(ROOT / "examples" / "presses" / "seal-friction.yaml").simulation
BLANK = load(ROOT / "examples" / "presses" / "steel-blank.yaml").model_copy(
    update={"simulation": FRICTION}
)
POWDER = PressDescription(simulation=FRICTION)
PACE: dict[str, Any] = {"speed": 8.0, "silence_s": 60.0}
"""A boot is faster than the wall clock; in runs time waits for a host on a busy machine."""

try:
    IMAGE = find_image()
except EmulatorError as error:
    pytest.skip(f"{error}; {error.hint}", allow_module_level=True)

ANSWERS = {
    "name": "bench press",
    "dies_mm": "10 12",
    "die_loads_kn": "0 0",
    "ram.area_cm2": "14.5",
    "transducer.full_scale_bar": "400",
    "limits.max_oil_bar": "350",
    "second_transducer.full_scale_bar": "400",
    "controller.contact_bar": "2",
}
"""What the technician types into `machine new`; Enter for the rest."""

WRONG: dict[str, dict[str, Any]] = {
    "button-stuck": {"bridge": "button"},
    "guard-swapped-with-emergency-stop": {"swap": ["guard", "emergency_stop"]},
    "converter-missing": {"converter": False},
    "wrong-shunt": {"shunt": 0.5},
    "valves-swapped": {"swap": ["pump", "release"]},
    "release-inverted": {"release_needs_current": True},
}
"""The wrong wires by the name that each has to get, in the order in which they are found."""

ABSENT = (
    "vessel-pressure",
    "oil-temperature",
    "displacement",
    "load-cell-zero",
    "on-off-release",
    "load-cell",
)
"""Steps of parts that this press does not have."""

SHORTER = {
    "duration: 3 min": "duration: 2 s",
    "duration: 10 min": "duration: 2 s",
    "rate: 10 MPa/s": "rate: 40 MPa/s",
    "rate: 5 MPa/s": "rate: 20 MPa/s",
    "rate: 20 MPa/s}": "rate: 30 MPa/s}",
}
"""Dwells and ramps of the example that the test has no time for."""


def call(*arguments: object, answers: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments], input=answers)


class BootLoader:
    """A Pico that was plugged in with BOOTSEL held: a drive, and behind it a board that boots.

    Attributes:
        drive: Where the drive is mounted; it disappears with the last block of an image.
        board: The board, once it has its image.
    """

    def __init__(self, drive: Path, folder: Path) -> None:
        self.drive = drive
        self.board: EmulatedPico | None = None
        self._folder = folder
        self._plugged = True
        drive.mkdir()
        (drive / bootsel.INFO).write_text("UF2 Bootloader v3.0\nBoard-ID: RPI-RP2\n")
        pico = self

        class Cable(socketserver.BaseRequestHandler):
            """Joins a program that opens the port with the board, if one has started."""

            def handle(self) -> None:
                if pico.board is None:
                    return
                address = urlsplit(pico.board.url)
                there = (address.hostname, address.port)
                with suppress(OSError), socket.create_connection(there) as board:
                    ends = {self.request: board, board: self.request}
                    while True:
                        for end in select.select(list(ends), [], [])[0]:
                            data = end.recv(4096)
                            if not data:
                                return
                            ends[end].sendall(data)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Cable)
        self._server.daemon_threads = True
        self._threads = [
            threading.Thread(target=self._server.serve_forever),
            threading.Thread(target=self._boot),
        ]

    @property
    def port(self) -> str:
        """The serial port at which the board will be."""
        return f"socket://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> BootLoader:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._plugged = False
        self._server.shutdown()
        for thread in self._threads:
            thread.join()
        self._server.server_close()
        if self.board is not None:
            self.board.stop()

    def _boot(self) -> None:
        """Flash the file that is copied to the drive, as the boot ROM does, and start the board."""
        size = IMAGE.stat().st_size
        while not (copied := list(self.drive.glob("*.uf2"))) or (copied[0].stat().st_size < size):
            if not self._plugged:
                return
            time.sleep(0.05)
        image = self._folder.with_suffix(".uf2")
        copied[0].replace(image)
        (self.drive / bootsel.INFO).unlink()
        board = EmulatedPico(BLANK, image=image, work_dir=self._folder, **PACE)
        board.start()
        self.board = board


class LoadCell:
    """A load cell under the ram of an emulated press: an instrument that is asked for a line."""

    def __init__(self, board: EmulatedPico) -> None:
        class Instrument(socketserver.StreamRequestHandler):
            """Answers each request with the force on the cell."""

            def handle(self) -> None:
                while self.rfile.readline():
                    force_n = float(board.control({"get": True})["punch_n"])
                    self.wfile.write(f"{force_n / 1000:+.4f} kN\r\n".encode())

        self._server = socketserver.TCPServer(("127.0.0.1", 0), Instrument)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def url(self) -> str:
        """What pyserial opens."""
        return f"socket://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> LoadCell:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass
class Technician:
    """The hands and eyes at the press, and the screwdriver."""

    board: EmulatedPico
    wrong: dict[str, dict[str, Any]] = field(default_factory=lambda: dict(WRONG))

    def wire(self) -> None:
        """Wire the box as it is now, with the power off."""
        self.board.control({"wiring": {"mend": True}})
        for wire in self.wrong.values():
            self.board.control({"wiring": wire})
        self.board.control({"reset": True})
        # On a busy machine a boot takes longer than a host waits for hello.
        while self._tick() < 1:
            time.sleep(0.1)

    def _tick(self) -> int:
        return int(self.board.control({"get": True})["tick"])

    def mend(self, fault: str) -> None:
        del self.wrong[fault]
        self.wire()


@pytest.fixture
def at_the_press(monkeypatch: pytest.MonkeyPatch) -> list[Technician]:
    """Let a technician answer what the command asks; the list holds the one at the press."""
    here: list[Technician] = []

    class Answered(CommissioningTerminal):
        at_once = True

        def _person(self) -> EmulatedPerson:
            return EmulatedPerson(
                here[0].board.control, relief_bar=350, die_mm=10, limit_mpa=300, show=super().show
            )

        def show(self, text: str) -> None:
            # Who reads what comes next watches the coils from then on.
            self._person().show(text)

        def act(self, action: Action) -> None:
            self._person().act(action)

        def ask(self, question: ChoiceQuestion) -> str:
            if not hasattr(self, "person"):
                self.person = self._person()
            return self.person.ask(question)

        def ask_number(self, question: NumberQuestion) -> float:
            return self._person().ask_number(question)

    monkeypatch.setattr(command, "CommissioningTerminal", Answered)
    return here


def shortened(folder: Path) -> Path:
    """Write the three-step example with short dwells and quick ramps, all else as it is."""
    text = (ROOT / "examples" / "sodium_three_step.yaml").read_text()
    for old, new in SHORTER.items():
        assert old in text
        text = text.replace(old, new)
    path = folder / "sodium_short.yaml"
    path.write_text(text)
    return path


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_from_an_empty_pico_to_a_pellet(tmp_path: Path, at_the_press: list[Technician]) -> None:
    press_file = tmp_path / "bench.yaml"
    typed = "".join(ANSWERS.get(question.key, "") + "\n" for question in QUESTIONS)
    made = call("machine", "new", press_file, answers=typed)
    assert made.exit_code == 0, made.output
    assert call("machine", "check", press_file).exit_code == 0

    folder = tmp_path / "board"
    image = uf2.read(IMAGE)
    with BootLoader(tmp_path / "RPI-RP2", folder) as pico:
        flashed = call("flash", IMAGE, "--drive", pico.drive, "--port", pico.port)
        assert flashed.exit_code == 0, flashed.output
        board = pico.board
        assert board is not None
        with Press.open(board.url) as press:
            assert press.hello.build == image.build
            assert press.hello.profile_hash == bytes(8)
        technician = Technician(board)
        at_the_press.append(technician)
        written = call("machine", "write", press_file, "--port", board.url, "--yes")
        assert written.exit_code == 0, written.output

        technician.wire()
        found = []
        while technician.wrong:
            walked = call("commission", press_file, "--port", board.url)
            assert walked.exit_code == 1, walked.output
            report = json.loads(press_file.with_suffix(".commissioning.json").read_text())
            found.append(report["results"][-1]["fault"])
            assert board.control({"get": True})["farthest_mm"] < 0.05
            technician.mend(found[-1])
        assert found == list(WRONG)

        walked = call("commission", press_file, "--port", board.url)
        assert walked.exit_code == 0, walked.output
        report = json.loads(press_file.with_suffix(".commissioning.json").read_text())
        last = {result["name"]: result["outcome"] for result in report["results"]}
        absent = dict.fromkeys(ABSENT, "skipped")
        assert last == {step.name: "pass" for step in STEPS} | absent
        with Press.open(board.url) as press:
            tuned = press.profile()
            assert tuned.commissioned_day is not None
            assert tuned.tuning_residual_percent is not None

        with LoadCell(board) as cell:
            calibrated = call(
                *("calibrate", "--reference", "serial", "--instrument", cell.url),
                *("--request", r"READ?\r\n", "--certificate", "LC 25", "--uncertainty", "0.1 %"),
                *("--port", board.url, "--press", press_file, "--up-to", "300 MPa", "--die", "10"),
                *("--falling", "1"),
                *("--out", tmp_path / "calibration", "--yes"),
            )
        assert calibrated.exit_code == 0, calibrated.output
        outcome = read_record(tmp_path / "calibration").outcome
        assert outcome is not None and outcome["passed"]
        assert outcome["correction"]["friction"]["percent"] == pytest.approx(3.3, abs=0.7)

    # The next morning: powder in the die, the same controller.
    with EmulatedPico(POWDER, image=image.path, work_dir=folder, **PACE) as board:
        done = call(
            "run",
            shortened(tmp_path),
            *("--port", board.url, "--out", tmp_path / "run", "--die", "10", "--yes"),
        )
    assert done.exit_code == 0, done.output
    result = json.loads((tmp_path / "run" / "run.json").read_text())
    assert result["end_reason"] == "completed" and result["gaps"] == []
    assert result["commissioned"] == report["finished_on"]
    assert [stage["target_mpa"] for stage in result["stages"]] == [250, 500, 74]
    for stage in result["stages"]:
        assert stage["verdict"] == "pass", stage["reasons"]
    assert "Commissioned on" in press_file.with_suffix(".commissioning.md").read_text()
    sys.stdout.write(walked.stderr)
