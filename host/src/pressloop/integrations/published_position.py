"""Remembers how far a run was published, so that a new start continues there."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from platformdirs import user_state_path

from pressloop.errors import PressloopError
from pressloop.record.file_lock import lock_file


class PublishedPosition:
    """Holds the position of one run for one destination, in a file that is replaced whole.

    The file is locked as long as the object is open: two publishers would publish everything twice.

    Attributes:
        offset: Byte of the journal up to which everything was acknowledged.
        ended: Whether the end of the run was acknowledged.
        result_sent: Whether its result was acknowledged, or there is none.
    """

    def __init__(self, folder: Path, destination: str, run_id: str) -> None:
        """Read the position; without a file everything is still to be published.

        Args:
            folder: Where positions are kept.
            destination: Name of the broker and topic.
            run_id: Of the run.

        Raises:
            PressloopError: `already-published`: another program publishes this run there.
            OSError: The folder cannot be written.
        """
        name = hashlib.sha256(f"{destination}\n{run_id}".encode()).hexdigest()[:24]
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{run_id}-{name}.json"
        self._lock = _locked(folder / f"{run_id}-{name}.lock", run_id)
        self.offset = 0
        self.ended = False
        self.result_sent = False
        try:
            kept = json.loads(self._path.read_text("utf-8"))
            self.offset = int(kept["offset"])
            self.ended = bool(kept["ended"])
            self.result_sent = bool(kept["result_sent"])
        except FileNotFoundError:
            pass
        except (ValueError, KeyError, TypeError):
            # Begin anew: readers can tell repeated messages, and would miss lost ones.
            self.offset, self.ended, self.result_sent = 0, False, False

    @property
    def done(self) -> bool:
        """Whether nothing of the run is left to publish."""
        return self.ended and self.result_sent

    def save(self) -> None:
        """Write the position; a power cut leaves the old one or the new one."""
        text = json.dumps(
            {"offset": self.offset, "ended": self.ended, "result_sent": self.result_sent}
        )
        beside = self._path.with_suffix(".part")
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)

    def close(self) -> None:
        """End the lock; the file stays."""
        self._lock()


def position_folder() -> Path:
    """Return the folder with the positions of this user."""
    return user_state_path("pressloop") / "published"


_NEW_FILE: Final = os.O_RDWR | os.O_CREAT


def _locked(path: Path, run_id: str) -> Callable[[], None]:
    """Lock a file; return what ends the lock."""
    descriptor = os.open(path, _NEW_FILE, 0o600)
    try:
        unlock = lock_file(descriptor, path)
    except (BlockingIOError, PermissionError, FileExistsError) as error:
        os.close(descriptor)
        raise PressloopError(
            f"another program publishes run {run_id} to the same broker",
            code="already-published",
            hint="end that program first",
        ) from error

    def release() -> None:
        os.close(descriptor)
        unlock()

    return release
