"""Runs the command line or a script as far as possible as on a Windows PC with a board on COM3.

Call it in a process of its own: `python -m tests.unit.windows_pc cli ports`, or `... script FILE`.
`WindowsPc` starts many of them: each is a fork of one process that has imported the other packages.

What Windows lacks is hidden (`fcntl`, `termios`, `os.fork`, ...), `sys.platform` is "win32", files
are locked by a stand-in for `msvcrt`, and the board is on a faked COM3. Other packages are imported
before that, since they choose their own code by the platform. `os.name` and pathlib stay those of
this system.
"""

from __future__ import annotations

# Before the platform is changed: packages that look at it.
import asyncio  # noqa: F401
import errno
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import traceback
import types
from pathlib import Path
from typing import Any, NoReturn

import cbor2  # noqa: F401
import matplotlib.pyplot  # noqa: F401
import numpy  # noqa: F401
import pandas  # noqa: F401
import platformdirs  # noqa: F401
import pyarrow.parquet  # noqa: F401
import pydantic  # noqa: F401
import rich.console
import rich.live
import rich.table  # noqa: F401
import ruamel.yaml  # noqa: F401
import serial
import serial.tools.list_ports
import typer.main
import typer.rich_utils  # noqa: F401
import uvicorn  # noqa: F401

ROOT = Path(__file__).parents[2]
BOARD_VARIABLE = "PRESSLOOP_TEST_COM3"
"""Host and port of the fake board that is on COM3."""

HIDDEN_MODULES = ("fcntl", "termios", "tty", "pty", "pwd", "grp", "resource", "_posixsubprocess")
HIDDEN_NAMES: dict[Any, tuple[str, ...]] = {
    os: (
        "fork", "forkpty", "openpty", "getuid", "geteuid", "getgid", "setsid", "getpgid", "killpg",
        "fchmod", "chown", "statvfs", "mkfifo", "O_NONBLOCK", "O_NOCTTY", "tcgetpgrp", "uname",
    ),
    select: ("poll", "epoll"),
    signal: (
        "SIGHUP", "SIGTSTP", "SIGKILL", "SIGTTIN", "SIGTTOU", "SIGQUIT", "SIGUSR1", "SIGUSR2",
        "SIGALRM", "SIGCONT", "SIGSTOP", "SIGPIPE", "SIGWINCH", "pthread_sigmask", "pause",
        "setitimer", "set_wakeup_fd",
    ),
    socket: ("AF_UNIX",),
}  # fmt: skip


class ComPort:
    """A serial port as pyserial's `serialwin32.Serial` offers it, with the fake board behind it."""

    def __init__(self, port: str | None = None, **settings: Any) -> None:
        if settings.get("exclusive") is False:
            raise ValueError("win32 only supports exclusive access (not: False)")
        self.port = port
        self.dtr = self.rts = False
        self._timeout_s = settings["timeout"]
        self._socket: socket.socket | None = None

    def open(self) -> None:
        if self.port != "COM3":
            raise serial.SerialException(
                f"could not open port {self.port!r}: FileNotFoundError(2, 'The system cannot find "
                "the file specified.', None, 2)"
            )
        host, _, port = os.environ[BOARD_VARIABLE].partition(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.settimeout(self._timeout_s)

    @property
    def in_waiting(self) -> int:
        return 0 if self._socket is None else 4096

    def read(self, size: int = 1) -> bytes:
        if self._socket is None:
            raise serial.PortNotOpenError
        try:
            data = self._socket.recv(size)
        except TimeoutError:
            return b""
        except OSError as error:
            raise serial.SerialException(f"ReadFile failed ({error})") from error
        if not data:
            raise serial.SerialException("ClearCommError failed (PermissionError(13, ...))")
        return data

    def write(self, data: bytes) -> int:
        if self._socket is None:
            raise serial.PortNotOpenError
        self._socket.sendall(data)
        return len(data)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _msvcrt() -> types.ModuleType:
    """Make a `msvcrt` whose locks are mandatory as on Windows: a region of the file."""
    import fcntl

    lockf, exclusive, without_waiting = fcntl.lockf, fcntl.LOCK_EX, fcntl.LOCK_NB
    held: set[tuple[int, int]] = set()

    def locking(descriptor: int, mode: int, count: int) -> None:
        start = os.lseek(descriptor, 0, os.SEEK_CUR)
        status = os.fstat(descriptor)
        # POSIX locks belong to the process: a second descriptor would get the lock, too.
        if (status.st_dev, status.st_ino) in held:
            raise PermissionError(errno.EACCES, "Permission denied")
        lockf(descriptor, exclusive | without_waiting, count, start)

    module = types.ModuleType("msvcrt")
    module.__dict__.update(
        locking=locking, LK_NBLCK=2, LK_UNLCK=0, LK_LOCK=1, kbhit=lambda: False,
        getwch=lambda: "\r", getch=lambda: b"\r",
    )  # fmt: skip
    return module


def become_windows() -> None:
    """Hide what Windows lacks and put the board on COM3."""
    msvcrt = _msvcrt()
    for name in HIDDEN_MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    sys.modules["msvcrt"] = msvcrt
    for module, names in HIDDEN_NAMES.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    port = types.SimpleNamespace(
        device="COM3",
        serial_number="E66164084367",
        product="Pressloop",
        vid=0x2E8A,
        pid=5,
        description="USB Serial Device (COM3)",
    )
    serial.tools.list_ports.comports = lambda: [port]  # type: ignore[assignment, misc]
    serial.Serial = ComPort  # type: ignore[assignment, misc]
    sys.platform = "win32"


class WindowsPc:
    """A Windows PC on which programs run one after the other."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        """Switch it on; `folder` takes what the programs print."""
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.unit.windows_pc", "on"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=ROOT,
            text=True,
        )

    def close(self) -> None:
        """Switch it off."""
        self._process.communicate(timeout=20)

    def run(
        self, arguments: list[str], environment: dict[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `cli ...` or `script ...` to its end."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        prints = [str(self._folder / name) for name in ("stdout", "stderr")]
        print(json.dumps([arguments, environment, *prints]), file=stdin, flush=True)
        code = int(stdout.readline())
        out, err = (Path(name).read_bytes() for name in prints)
        return subprocess.CompletedProcess(arguments, code, out, err)


def _serve() -> None:
    """Start a fork for each line of the standard input; answer with its exit code."""
    for line in sys.stdin:
        arguments, environment, out, err = json.loads(line)
        child = os.fork()
        if child == 0:
            os.environ.update(environment)
            for descriptor, name in ((1, out), (2, err)):
                os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            sys.stdin = open(0, encoding="cp1252")  # noqa: SIM115
            _run_and_exit(arguments)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run_and_exit(arguments: list[str]) -> NoReturn:
    """Run a program in this process, and end it without what its parent has yet to do."""
    code: Any = 0
    try:
        run(*arguments)
    except SystemExit as end:
        code = end.code
        if code is not None and not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:  # as the interpreter does at the end of a program
        traceback.print_exc()
        code = 1
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(int(code or 0))


def run(kind: str, *arguments: str) -> None:
    """Run the command line or a script as on a Windows PC."""
    become_windows()
    if kind == "cli":
        from pressloop.cli import main as pressloop

        sys.argv = ["pressloop", *arguments]
        pressloop()
    else:
        sys.argv = list(arguments)
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    _serve() if sys.argv[1:] == ["on"] else run(*sys.argv[1:])
