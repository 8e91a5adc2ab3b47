"""Lists the runs that programs on this machine follow, so that other programs can find them.

Each run has a small file in a folder of the user's own: address and token of the control server of
the program that owns the board. A file is removed when its run ends; the file of a program that was
killed stays behind, and is removed by the next program that finds it.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import stat
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from platformdirs import user_runtime_path

from pressloop.errors import PortBusyError, PressloopError

_SUFFIX: Final = ".json"
_MAX_CONNECT_S: Final = 2.0
_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ActiveRun:
    """A run, and how to reach the program that follows it.

    Attributes:
        host, control_port: Address of the program's control server.
        token: Secret that the server asks for.
        pid: Process id of the program.
        port: Name by which the board is found again, as in the record.
        url: Address of the link: a serial port or socket://HOST:PORT.
        unique_id: Id of the board, hexadecimal; for many boards its USB serial number.
        emulated: Whether the program started an emulated board for the run.
        simulated: Whether the press is simulated.
        record: Folder of the record, absolute.
        run_id: Id of the run, hexadecimal.
        protocol: Name of the protocol.
    """

    host: str
    control_port: int
    token: str
    pid: int
    port: str
    url: str
    unique_id: str
    emulated: bool
    simulated: bool
    record: str
    run_id: str
    protocol: str

    def is_on(self, port: str) -> bool:
        """Return whether a user who names this port means the board of this run."""
        if port.partition(":")[0] == "emulated":
            return self.emulated
        if port.lower() == self.unique_id.lower() or port in (self.port, self.url):
            return True
        # /dev/serial/by-id/... and /dev/ttyACM0 can be the same port.
        return Path(port).is_absolute() and os.path.realpath(port) == os.path.realpath(self.url)

    def file(self) -> Path:
        """Return the path of the file of this run."""
        return active_folder() / f"{self.pid}-{self.run_id}{_SUFFIX}"


def active_folder() -> Path:
    """Return the folder with the files of active runs; it need not exist."""
    with warnings.catch_warnings():
        # Without XDG_RUNTIME_DIR platformdirs warns of the folder that it returns instead.
        warnings.simplefilter("ignore")
        return user_runtime_path("pressloop") / "active"


def publish(run: ActiveRun) -> Path:
    """Write the file of a run, readable by its user only.

    Returns:
        The path of the file.

    Raises:
        OSError: The file could not be written.
        PressloopError: `unsafe-folder`: another user could change the folder.
    """
    path = run.file()
    require_active_folder()
    new = path.with_suffix(".new")
    with suppress(FileNotFoundError):
        new.unlink()
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(run), file)
    new.replace(path)
    return path


def require_active_folder() -> None:
    """Make sure that other programs of this user can find the runs of this program.

    Raises:
        OSError: The folder could not be created.
        PressloopError: `unsafe-folder`: another user could change the folder.
    """
    folder = active_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _require_own(folder)


def active_runs() -> list[ActiveRun]:
    """Return the runs of this user on this machine; files of programs that ended are removed."""
    folder = active_folder()
    try:
        _require_own(folder)
    except FileNotFoundError:
        return []
    except (OSError, PressloopError) as error:
        _log.warning("active runs are not looked for: %s", error)
        return []
    return [run for path in sorted(folder.glob(f"*{_SUFFIX}")) for run in _read(path)]


def refuse_owned(port: str) -> None:
    """Check that no other program of this user follows a run on a board.

    A second connection to a socket would take over the session of the first one.

    Args:
        port: Name or address of the board.

    Raises:
        PortBusyError: `run-active`: there is such a program.
    """
    for run in active_runs():
        if run.pid != os.getpid() and run.is_on(port):
            raise PortBusyError(
                f"another program (process {run.pid}) runs {run.protocol!r} on this board",
                hint="look at it with pressloop watch; steer it with pressloop pause, resume, "
                "skip, end or abort; they do not disturb its link",
                code="run-active",
            )


def _read(path: Path) -> Iterator[ActiveRun]:
    try:
        run = ActiveRun(**json.loads(path.read_text(encoding="utf-8")))
        if not isinstance(run.pid, int) or not isinstance(run.control_port, int):
            raise TypeError("pid and control_port are numbers")
    except FileNotFoundError:
        return
    except (OSError, ValueError, TypeError) as error:
        _log.info("ignoring %s: %r", path, error)
        return
    if _has_ended(run):
        with suppress(OSError):
            path.unlink()
        return
    yield run


def _has_ended(run: ActiveRun) -> bool:
    """Return whether the program of a run is certain to have ended.

    A stopped program still has its server: the system accepts connections for it.
    """
    # On Windows os.kill would end the process.
    if sys.platform != "win32" and run.pid > 0:
        try:
            os.kill(run.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass  # another user's process has this number now, or nothing is known
    try:
        socket.create_connection((run.host, run.control_port), _MAX_CONNECT_S).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def _require_own(folder: Path) -> None:
    """Check that no other user could have written into a folder: it may be below /tmp."""
    if sys.platform == "win32":
        return
    for place in (folder, folder.parent, folder.parent.parent):
        found = place.lstat()
        mine = found.st_uid == os.getuid() and stat.S_ISDIR(found.st_mode)
        if not mine or found.st_mode & _OTHERS_MAY_WRITE:
            raise PressloopError(
                f"the folder {place} belongs to another user, or others may write to it",
                hint="set XDG_RUNTIME_DIR to a folder that only you can write to",
                code="unsafe-folder",
            )
