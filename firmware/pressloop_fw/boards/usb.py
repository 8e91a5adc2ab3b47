"""Moves the link's bytes over the USB console without waiting.

Pressloop's own image has `pressloop_usb`, which knows how much room the USB stack has. Stock
MicroPython does not. There a write can wait for a host that holds the port open and does not read:
once per stall, for half a second. That stops the foreground, not the tick.
"""

import select
import sys

try:
    import pressloop_usb
except ImportError:
    pressloop_usb = None

_CTRL_C = 3
# Bytes that stock MicroPython hands to the USB stack at once.
_MAX_PIECE = 64


class NativePort:
    """Uses `pressloop_usb`, of Pressloop's own image."""

    name = "usb"

    def __init__(self):
        self.receive_into = pressloop_usb.receive_into
        self.send = pressloop_usb.send


class StdioPort:
    """Uses standard input and output, for stock MicroPython."""

    name = "stdio"

    def __init__(self):
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._byte = bytearray(1)
        self._readable = select.poll()
        self._readable.register(sys.stdin, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(sys.stdout, select.POLLOUT)

    def receive_into(self, buf):
        """Fill `buf` with what has arrived, up to and including a Ctrl-C; return how many bytes."""
        n = 0
        byte = self._byte
        # A read of more bytes than have arrived would wait for the rest.
        while n < len(buf) and self._readable.poll(0):
            self._in.readinto(byte)
            buf[n] = byte[0]
            n += 1
            if byte[0] == _CTRL_C:
                break
        return n

    def send(self, view):
        """Send up to 64 bytes if there is any room; return how many were taken."""
        if not self._writable.poll(0):
            return 0
        return self._out.write(view[:_MAX_PIECE]) or 0


def open_port():
    """Return the port by `pressloop_usb` where this MicroPython has it, else by standard input."""
    return NativePort() if pressloop_usb else StdioPort()
