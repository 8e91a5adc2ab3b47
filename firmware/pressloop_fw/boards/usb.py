"""The USB console as the link's wire: bytes in and out, without waiting.

Pressloop's own image has `pressloop_usb`, which asks the USB stack how much room there is. Stock
MicroPython cannot be asked. There a write may wait for a host that holds the port open and does not
read, once per stall and for half a second. The foreground waits then; the tick does not.
"""

import select
import sys

try:
    import pressloop_usb
except ImportError:
    pressloop_usb = None

_CTRL_C = 3
# What stock MicroPython hands to the USB stack at once.
_PIECE = 64


class NativePort:
    """`pressloop_usb` as a port."""

    name = "usb"

    def __init__(self):
        self.receive_into = pressloop_usb.receive_into
        self.send = pressloop_usb.send


class StdioPort:
    """Standard input and output as a port, for stock MicroPython."""

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
        """Fill `buf` with what is there, up to and including a Ctrl-C."""
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
        """Hand over one piece if there is any room; return how much of it went."""
        if not self._writable.poll(0):
            return 0
        return self._out.write(view[:_PIECE]) or 0


def open_port():
    """Return the better of the two ports that this MicroPython offers."""
    return NativePort() if pressloop_usb else StdioPort()
