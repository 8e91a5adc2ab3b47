"""The truth file: what no sensor sees, for judging a run on an emulated press.

Packed little endian, `RECORD` per tick while the controller is not idle:

    u32  tick       device clock, as in the telemetry record of the same tick
    f32  pellet     true pressure on the pellet, MPa
    f32  oil        true oil pressure, MPa
    f32  density    relative density of the pellet
"""

import struct

RECORD = "<Ifff"
_SIZE = struct.calcsize(RECORD)
# A killed board loses at most this many records.
_BLOCK = 50


class TruthFile:
    """Appends records in blocks."""

    def __init__(self, path: str) -> None:
        """Start an empty file."""
        self._file = open(path, "wb")  # noqa: SIM115 - open as long as the board lives
        self._buf = bytearray(_SIZE * _BLOCK)
        self._view = memoryview(self._buf)
        self._held = 0

    def record(self, tick: int, pellet_mpa: float, oil_mpa: float, density: float) -> None:
        """Append one record."""
        struct.pack_into(RECORD, self._buf, self._held * _SIZE, tick, pellet_mpa, oil_mpa, density)
        self._held += 1
        if self._held == _BLOCK:
            self.flush()

    def flush(self) -> None:
        """Hand what is held to the operating system."""
        if self._held:
            self._file.write(self._view[: self._held * _SIZE])
            self._file.flush()
            self._held = 0
