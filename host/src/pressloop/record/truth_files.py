"""Reads the truth files of an emulated board while it writes them.

The board writes a row per tick, into a new file whenever one is full. A file is deleted when it was
read to its end and the next one exists.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Final

from pressloop_sim.plant.truth_format import MAGIC, RECORD

from pressloop.errors import required
from pressloop.record.columns import TICK_SPAN

ROW: Final = struct.Struct(RECORD)
"""One row: the true state at one tick."""

_READ_BYTES: Final = 1 << 16


class BoardTruthFiles:
    """Reads the rows of all truth files of a board, in order, each once.

    Attributes:
        known_until: Tick of the newest row that is not to be read again; None: none.
    """

    def __init__(self, first_path: Path) -> None:
        """Open nothing yet.

        Args:
            first_path: The board's first truth file; later ones have a number behind the name.
        """
        self.known_until: int | None = None
        self._first_path = first_path
        self._number: int | None = None  # of the file that is open
        self._file: int | None = None
        self._ahead = b""  # rows that were read and not taken yet

    def take_before(self, tick: int) -> bytes:
        """Take all rows with an earlier tick."""
        taken = []
        while self._ahead or self._read():
            if is_later(tick, last_tick(self._ahead)):
                taken.append(self._ahead)
                self._ahead = b""
                continue
            low, high = 0, len(self._ahead) // ROW.size
            while low < high:
                middle = (low + high) // 2
                if is_later(tick, tick_at(self._ahead, middle * ROW.size)):
                    low = middle + 1
                else:
                    high = middle
            taken.append(self._ahead[: low * ROW.size])
            self._ahead = self._ahead[low * ROW.size :]
            break
        return b"".join(taken)

    def take_some(self) -> bytes:
        """Take rows that were not taken yet; empty when the board has written no more."""
        if not self._ahead:
            self._read()
        ahead, self._ahead = self._ahead, b""
        return ahead

    def close(self) -> None:
        """Close the file that is open. Harmless when already closed."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _read(self) -> bool:
        """Read on; False when the board has written nothing more."""
        while True:
            if self._file is None and not self._open_next():
                return False
            file = required(self._file, "the open truth file")
            at = os.lseek(file, 0, os.SEEK_CUR)
            data = os.read(file, _READ_BYTES)
            whole = len(data) - len(data) % ROW.size
            os.lseek(file, at + whole, os.SEEK_SET)
            if whole:
                self._ahead = self._without_known(data[:whole])
                if self._ahead:
                    return True
            elif not self._open_next():
                return False

    def _open_next(self) -> bool:
        """Open the oldest file behind the one that was read, and delete that one."""
        known = -1 if self._number is None else self._number
        found = sorted(number for number in self._numbers() if number > known)
        if not found:
            return False
        if self._file is not None and self._number is not None:
            self.close()
            self._path(self._number).unlink(missing_ok=True)
        self._number = found[0]
        self._file = os.open(self._path(found[0]), os.O_RDONLY | getattr(os, "O_BINARY", 0))
        os.lseek(self._file, len(MAGIC), os.SEEK_SET)
        return True

    def _numbers(self) -> list[int]:
        """Return the numbers of the files that exist; the first one has 0."""
        numbers = [0] if self._first_path.exists() else []
        for path in self._first_path.parent.glob(self._first_path.name + ".*"):
            if path.suffix[1:].isdecimal():
                numbers.append(int(path.suffix[1:]))
        return numbers

    def _path(self, number: int) -> Path:
        return self._first_path if not number else Path(f"{self._first_path}.{number}")

    def _without_known(self, rows: bytes) -> bytes:
        if self.known_until is None:
            return rows
        first = 0
        while first < len(rows) and not is_later(tick_at(rows, first), self.known_until):
            first += ROW.size
        return rows[first:]


def tick_at(rows: bytes, at: int) -> int:
    """Return the tick of the packed row that begins at an offset."""
    return int.from_bytes(rows[at : at + 4], "little")


def last_tick(rows: bytes) -> int:
    """Return the tick of the last of packed rows."""
    return tick_at(rows, len(rows) - ROW.size)


def is_later(one: int, other: int) -> bool:
    """Return whether a tick is later than another, right across the clock's overflow."""
    return 0 < (one - other) % TICK_SPAN < TICK_SPAN // 2
