"""Encodes and decodes frames: header, payload and CRC-32 between a start and an end byte.

Byte stuffing keeps 0x01 to 0x04 out of a frame. So Ctrl-C cannot appear in one, and an idle
MicroPython prompt only enters its raw mode and leaves it again. Bytes between frames are console
text. docs/wire.md describes the format.
"""

import binascii
import struct

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr8


_START = const(0x01)
_END = const(0x02)
# The highest reserved byte: also 0x03, Ctrl-C, and 0x04, Ctrl-D, which restarts an idle prompt.
_LAST_RESERVED = const(0x04)
_ESCAPE = const(0x10)
# An escaped byte follows its escape with this bit flipped.
_FLIP = const(0x20)

_HEADER = "<BBHH"
_HEADER_SIZE = const(6)
_CRC_SIZE = const(4)

# States of the decoder: between frames, in a frame, behind an escape, in a frame already dropped.
_OUTSIDE = const(0)
_INSIDE = const(1)
_ESCAPED = const(2)
_BROKEN = const(3)


# The two loops over bytes are machine code: as bytecode they took more time than the control loop.
# They do not check bounds; their callers do.


@micropython.viper
def _stuff(data: ptr8, wire: ptr8, n: int, size: int) -> int:
    """Write data[:size] stuffed to wire[n:]; return the end.

    The compiler keeps the first three arguments in registers: those that every byte needs.
    """
    i = 0
    while i < size:
        byte = data[i]
        if (byte > 0x04 and byte != 0x10) or byte == 0:
            wire[n] = byte
        else:
            wire[n] = 0x10
            n += 1
            wire[n] = byte ^ 0x20
        n += 1
        i += 1
    return n


@micropython.viper
def _copy_plain(data: ptr8, start: int, end: int, out: ptr8, n: int, room: int) -> int:
    """Copy data[start:end] to out[n:room] up to the first reserved byte or escape.

    Return how many bytes were copied.
    """
    i = start
    while i < end and n < room:
        byte = data[i]
        if (byte != 0 and byte <= 0x04) or byte == 0x10:
            break
        out[n] = byte
        n += 1
        i += 1
    return i - start


class Encoder:
    """Builds one frame at a time in its own buffers.

    Encode the payload into `payload` from START on, call `finish()`, send `wire[:n]`.
    """

    START = _HEADER_SIZE

    def __init__(self, max_payload):
        self.payload = bytearray(_HEADER_SIZE + max_payload)
        # Room for an escape before every byte.
        self.wire = bytearray(2 + 2 * (_HEADER_SIZE + max_payload + _CRC_SIZE))
        self._view = memoryview(self.payload)
        self._crc = bytearray(_CRC_SIZE)

    def finish(self, kind, code, seq, session, end):
        """Frame payload[START:end]; return how many bytes of `wire` to send."""
        if not _HEADER_SIZE <= end <= len(self.payload):
            raise ValueError("frame payload out of bounds")
        struct.pack_into(_HEADER, self.payload, 0, kind, code, seq, session)
        struct.pack_into("<I", self._crc, 0, binascii.crc32(self._view[:end]))
        self.wire[0] = _START
        n = _stuff(self.payload, self.wire, 1, end)
        n = _stuff(self._crc, self.wire, n, _CRC_SIZE)
        self.wire[n] = _END
        return n + 1


class Decoder:
    """Finds frames in a stream of arbitrary bytes.

    Calls `on_frame(kind, code, seq, session, buf, start, end)` for every whole frame with the right
    CRC; buf[start:end] is the payload and stays valid until the next `feed()`. Bytes between frames
    go to `on_console(byte)`. `errors` counts the frames that began and were dropped.
    """

    def __init__(self, max_payload, on_frame, on_console):
        self.errors = 0
        self._buf = bytearray(_HEADER_SIZE + max_payload + _CRC_SIZE)
        self._view = memoryview(self._buf)
        self._on_frame = on_frame
        self._on_console = on_console
        self._state = _OUTSIDE
        self._n = 0

    def feed(self, buf, n):
        """Process buf[:n]."""
        i = 0
        while i < n:
            if self._state == _INSIDE:
                copied = _copy_plain(buf, i, n, self._buf, self._n, len(self._buf))
                self._n += copied
                i += copied
                if i == n:
                    return
            byte = buf[i]
            i += 1
            state = self._state
            if 0 < byte <= _LAST_RESERVED:
                self._reserved(byte, state)
            elif state == _OUTSIDE:
                self._on_console(byte)
            elif state == _INSIDE:
                if byte == _ESCAPE:
                    self._state = _ESCAPED
                else:
                    self._keep(byte)
            elif state == _ESCAPED:
                byte ^= _FLIP
                if 0 < byte <= _LAST_RESERVED or byte == _ESCAPE:
                    self._state = _INSIDE
                    self._keep(byte)
                else:
                    self._break()

    def _keep(self, byte):
        if self._n == len(self._buf):
            self._break()
        else:
            self._buf[self._n] = byte
            self._n += 1

    def _break(self):
        self._state = _BROKEN
        self.errors += 1

    def _reserved(self, byte, state):
        """Start a frame, end one, or drop one for console text: Ctrl-C works everywhere."""
        self._state = _OUTSIDE
        whole = state == _INSIDE and byte == _END
        if state != _OUTSIDE and state != _BROKEN and not (whole and self._deliver()):
            self.errors += 1
        if byte == _START:
            self._state = _INSIDE
            self._n = 0
        elif byte != _END or state == _OUTSIDE:
            self._on_console(byte)

    def _deliver(self):
        """Pass on the frame in the buffer if it is whole; return whether it was."""
        end = self._n - _CRC_SIZE
        if end < _HEADER_SIZE:
            return False
        if binascii.crc32(self._view[:end]) != struct.unpack_from("<I", self._buf, end)[0]:
            return False
        kind, code, seq, session = struct.unpack_from(_HEADER, self._buf, 0)
        self._on_frame(kind, code, seq, session, self._buf, _HEADER_SIZE, end)
        return True
