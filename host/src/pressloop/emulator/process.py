"""Starts the emulated board: firmware and press run in a MicroPython process of their own."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Literal, get_args

from typing_extensions import Self

from pressloop.arguments import path_argument, real_number, shown_value, whole_number
from pressloop.emulator import description
from pressloop.emulator.description import PressDescription
from pressloop.emulator.faults import RequestedFault, kinds_on, read_faults
from pressloop.emulator.locate import (
    SIMULATOR,
    find_firmware,
    find_micropython,
    link_packages,
    source_hash,
)
from pressloop.errors import BadInputError, EmulatorError, required
from pressloop.wire.schema import TICK_HZ

_HOST: Final = "127.0.0.1"
_HEAP: Final = "2M"
"""Twice what the firmware, its telemetry ring and the press take. MicroPython looks for free memory
from the front: with 8 MB a tick took half as much time again, and twice as much in real time."""
_START_TIMEOUT_S: Final = 10.0
_STOP_TIMEOUT_S: Final = 3.0
_CONTROL_TIMEOUT_S: Final = 5.0
_POLL_S: Final = 0.005
_LOG_LINES: Final = 12
_REFUSED: Final = "control-refused"

Pacing = Literal["lockstep", "real"]

DEFAULT_ORPHAN_S: Final = 60.0
"""Time for which a board that has pressed waits for a host when nothing else needs it, s."""


_MAX_WAIT_S: Final = 1e6
"""Longest wait of a board, which counts in milliseconds."""


class EmulatedBoard:
    """One emulated board, in a process that continues its run if this program is killed.

    A killed host thus leaves it in the same state as a real press. Without this program the board
    ends by itself: at once if it has never pressed, else `orphan_s` after its last run and its last
    host. A run without a host lasts as long as the protocol's `on_host_loss` lets it.

    Args:
        press: The press to emulate, the path of its description, or the name of a preset; the
            reference press if None.
        seed: Seed of all random numbers. The same seed and requests give the same run.
        pacing: "lockstep" runs as fast as the host can follow, "real" at wall-clock pace.
        speed: With "real": how many times faster than the wall clock; beyond 1, time also waits for
            a host that follows.
        work_dir: Folder for flash, console log and truth. By default a temporary folder, which
            `stop` removes.
        truth: Record the true state of every tick of a run.
        ring_records: Capacity of the telemetry ring.
        silence_s: An active run continues in real time once a host that time waits for was silent
            for this long.
        orphan_s: How long a board that has pressed waits for a host to attach when this program
            has ended and no run is in progress.
    """

    port_name: ClassVar[str] = "emulated"
    """The port by which `Press.open` starts such a board."""

    def __init__(
        self,
        press: PressDescription | Path | str | None = None,
        *,
        seed: int = 1,
        pacing: Pacing = "lockstep",
        speed: float = 1.0,
        work_dir: Path | str | None = None,
        truth: bool = True,
        ring_records: int = 4096,
        silence_s: float = 0.5,
        orphan_s: float = DEFAULT_ORPHAN_S,
    ) -> None:
        """Keep the settings; `start` starts the process.

        Raises:
            BadInputError: An argument or the description of the press is wrong.
        """
        if press is None:
            press = PressDescription()
        elif not isinstance(press, PressDescription):
            press = description.load(press)
        else:
            description.refuse_misfit(press)
        self.press = press
        self.seed = whole_number(seed, "seed", low=0)
        if pacing not in get_args(Pacing):
            raise BadInputError(
                f"pacing: {shown_value(pacing)} is not a choice here",
                hint=f"choices: {', '.join(get_args(Pacing))}",
                code="bad-choice",
            )
        self._settings = {
            "seed": self.seed,
            "pacing": pacing,
            "speed": real_number(speed, "speed", above=0),
            "ring_records": whole_number(ring_records, "ring_records", low=1),
            "silence_ms": round(1000 * real_number(silence_s, "silence_s", high=_MAX_WAIT_S)),
            "orphan_s": real_number(orphan_s, "orphan_s", high=_MAX_WAIT_S),
        }
        self._truth = truth
        self._given_dir = None if work_dir is None else path_argument(work_dir, "work_dir")
        self._work_dir: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ports: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Start the board."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the board."""
        self.stop()

    def start(self) -> Self:
        """Start the process and wait until it listens.

        Raises:
            EmulatorError: MicroPython or the firmware is missing, or the process ended; the
                message then has the last lines of its console.
        """
        if self._process is not None:
            raise EmulatorError("this emulated board is already running", hint="stop it first")
        if sys.platform == "win32":
            raise EmulatorError(
                "emulated boards do not run on Windows",
                hint="everything else does, with a real board; to rehearse, use Linux or macOS, "
                "or the Windows Subsystem for Linux (WSL)",
                code="no-emulator-here",
            )
        program = self._program()
        firmware = find_firmware()
        folder = self._given_dir or Path(tempfile.mkdtemp(prefix="pressloop-"))
        folder = folder.resolve()
        (folder / "flash").mkdir(parents=True, exist_ok=True)
        self._work_dir = folder
        config = folder / "board.json"
        try:
            settings = json.dumps(self._config(folder, firmware), indent=1)
        except EmulatorError:
            self._remove_own_folder()
            raise
        config.write_text(settings, encoding="utf-8")
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [*program, config],
                # Open as long as this program runs: see `pressloop_sim.board.lifetime`.
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                start_new_session=True,
            )
        self._ports = self._await_ports()
        return self

    def stop(self) -> None:
        """End the process, as if power was cut. Calling it again does nothing."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            try:
                self.control({"stop": True})
                process.wait(_STOP_TIMEOUT_S)
            except (EmulatorError, subprocess.TimeoutExpired):
                process.kill()
                process.wait()
        self._drop_process()
        self._remove_own_folder()

    @property
    def url(self) -> str:
        """Address of the board's link, for `Press.open` or `open_transport`."""
        return f"socket://{_HOST}:{self._ports['port']}"

    @property
    def pid(self) -> int:
        """Process id of the board.

        Raises:
            EmulatorError: The board is not running.
        """
        if self._process is None:
            raise EmulatorError("this emulated board is not running", hint="call start() first")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is running."""
        return self._process is not None and self._process.poll() is None

    @property
    def work_dir(self) -> Path:
        """Folder with flash, console log and truth.

        Raises:
            EmulatorError: The board was never started.
        """
        if self._work_dir is None:
            raise EmulatorError("this emulated board was never started", hint="call start() first")
        return self._work_dir

    @property
    def log_path(self) -> Path:
        """File with the firmware's console and tracebacks. Raises as `work_dir` does."""
        return self.work_dir / "console.log"

    @property
    def truth_path(self) -> Path | None:
        """File with the true state of each tick (`pressloop_sim.plant.truth_format`), or None."""
        return self.work_dir / "truth.bin" if self._truth else None

    def control(self, command: dict[str, Any]) -> dict[str, Any]:
        """Send a command of docs/emulated-press.md to the control port; return the answer.

        Raises:
            EmulatorError: The board has ended, or it refused the command.
        """
        try:
            with socket.create_connection(
                (_HOST, self._ports["control_port"]), _CONTROL_TIMEOUT_S
            ) as link:
                link.sendall(json.dumps(command).encode() + b"\n")
                line = link.makefile("rb").readline()
            answer: dict[str, Any] = json.loads(line)
        except (OSError, ValueError, KeyError) as error:
            raise EmulatorError(
                f"the emulated board does not answer on its control port: {error}",
                hint=f"read its console in {self.log_path}",
            ) from error
        if not answer.get("ok"):
            raise EmulatorError(
                f"the emulated board refused {command}: {answer.get('error')}",
                hint="use a command that docs/emulated-press.md lists",
                code=_REFUSED,
            )
        return answer

    def schedule(self, faults: Sequence[RequestedFault]) -> None:
        """Set the faults of the next run, in place of those that are still to come.

        Raises:
            BadInputError: `fault-not-here`: this press lacks the part, such as a second transducer.
            EmulatorError: The board has ended.
        """
        texts = [fault.text for fault in faults if not fault.on_host]
        try:
            self.control({"faults": texts})
        except EmulatorError as error:
            if error.code != _REFUSED:
                raise
            raise BadInputError(
                f"these faults cannot be injected: {error.message}",
                hint=f"kinds: {kinds_on(self.port_name)}",
                code="fault-not-here",
            ) from error

    def look_for_parts(self) -> bool:
        """Start the firmware anew if it looks for a part of this press only at its start.

        Called after the board got its first profile. Return whether the firmware was started anew:
        an open link is lost then.

        Raises:
            EmulatorError: The board has ended.
        """
        return False

    def injected(self) -> tuple[RequestedFault, ...]:
        """Return the faults of this or the last run that were injected, with their true times.

        Raises:
            EmulatorError: The board has ended.
        """
        return tuple(
            replace(read_faults([text], self.port_name)[0], at_s=ticks / TICK_HZ)
            for ticks, text in self.control({"get": True})["injected"]
            if "@" in text
        )

    def _program(self) -> list[str | Path]:
        """Return the command that runs the board, without its last argument: the settings file."""
        return [find_micropython(), "-X", f"heapsize={_HEAP}", SIMULATOR / "board" / "__main__.py"]

    def _config(self, folder: Path, firmware: Path) -> dict[str, Any]:
        return {
            **self._settings,
            "plant": self.press.plant_config(),
            "parts": asdict(self.press.fitted),
            "firmware_path": str(firmware),
            "packages_path": str(link_packages(folder / "packages", firmware)),
            # A board that outlives this program removes the folder itself.
            "own_folder": str(folder) if self._given_dir is None else "",
            "flash_dir": str(folder / "flash"),
            "truth_path": str(folder / "truth.bin") if self._truth else "",
            "build": source_hash(firmware / "pressloop_fw"),
            # A board with the same flash is the same controller.
            "unique_id": hashlib.sha256(str(folder).encode()).hexdigest()[:16],
        }

    def _await_ports(self) -> dict[str, int]:
        process = required(self._process, "the board's process")
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            ended = process.poll()
            for line in self._log_lines():
                if line.startswith('{"') and line.endswith("}"):
                    ports: dict[str, int] = json.loads(line)
                    return ports
            if ended is not None:
                break
            time.sleep(_POLL_S)
        else:
            process.kill()
            ended = process.wait()
        self._drop_process()
        console = "\n".join(f"    {line}" for line in self._log_lines()[-_LOG_LINES:])
        raise EmulatorError(
            f"the emulated board ended at start with exit code {ended}; its console:\n{console}",
            hint=f"read the whole console in {self.log_path}",
        )

    def _remove_own_folder(self) -> None:
        """Remove the folder unless the caller gave it."""
        if self._given_dir is None and self._work_dir is not None:
            shutil.rmtree(self._work_dir, ignore_errors=True)

    def _drop_process(self) -> None:
        """Drop a process that has ended and close its standard input."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()

    def _log_lines(self) -> list[str]:
        return self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
