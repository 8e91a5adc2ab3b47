"""Writes the true state of the press to a file, one record per tick (`truth_format`)."""

import os
import struct

from pressloop_sim.plant.plant import Plant
from pressloop_sim.plant.truth_format import MAGIC, RECORD, SEGMENT

_SIZE = struct.calcsize(RECORD)
# Records per write; a killed board loses at most as many.
_BLOCK = 50


class TruthFile:
    """Appends records to the truth file in blocks, and begins a new segment when one is full."""

    def __init__(self, path: str) -> None:
        """Start an empty file."""
        self._path = path
        self._segment = 0
        self._written = 0
        self._begin(path)
        self._buf = bytearray(_SIZE * _BLOCK)
        self._view = memoryview(self._buf)
        self._held = 0

    def record(self, tick: int, plant: Plant) -> None:
        """Append the state of the press at a tick."""
        struct.pack_into(
            RECORD,
            self._buf,
            self._held * _SIZE,
            tick,
            plant.pellet_mpa,
            plant.oil_mpa,
            plant.density(),
            plant.ram_mm(),
            plant.oil_derived_mpa(),
            plant.damage,
        )
        self._held += 1
        if self._held == _BLOCK:
            self.flush()

    def flush(self) -> None:
        """Write the buffered records to the file."""
        if self._held:
            self._file.write(self._view[: self._held * _SIZE])
            self._written += self._held
            self._held = 0
            if self._written >= SEGMENT:
                self._file.close()
                self._segment += 1
                self._written = 0
                self._begin(self._path + "." + str(self._segment))

    def _begin(self, path: str) -> None:
        # Unbuffered: what is written survives the end of the process. MicroPython's flush() waits
        # for the disk, which took half of the time of a long run.
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115 - open as long as the board lives
        self._file.write(MAGIC)

    def restart(self) -> None:
        """Begin anew with an empty first file: ticks that come now may equal older ones."""
        self._held = 0
        self._file.close()
        for segment in range(1, self._segment + 1):
            try:
                os.remove(self._path + "." + str(segment))
            except OSError:  # a host has read it
                pass
        self._segment = 0
        self._written = 0
        self._begin(self._path)
