# mypy: ignore-errors
# Runs under MicroPython next to the firmware.
"""Faults of the link between host and board: messages lost, damaged, repeated, late, or stuck.

A message is what arrives or leaves at once, which nearly always is a frame.
"""

from pressloop_sim.plant.fault_schedule import FaultTarget
from pressloop_sim.plant.noise import Rng

_EVERY = 20
_STALL_TICKS = 3000
_TICK_HZ = 100
# Bytes kept for a host that does not read. More means that the link is down for good.
_MAX_HELD = 1 << 20


class FaultyLink:
    """A port in place of a `LoopbackPort`, which it holds.

    Attributes:
        fault: Kind that strikes every 20th message, or None.
        stalled_ticks: Ticks for which nothing passes any more.
        delay_ticks: By how much later arrives what the board sends.
    """

    def __init__(self, inner, seed):
        """Pass everything on to `inner`, until a fault is set."""
        self._inner = inner
        self._rng = Rng(seed)
        self.port = inner.port
        self.fault = None
        self.stalled_ticks = 0
        self.delay_ticks = 0
        self._again = b""
        # What is on its way to the host: when it arrives, in ticks of `tick`, and the bytes.
        self._held = []
        self._held_bytes = 0
        self._now = 0

    @property
    def connected(self):
        """True while there is a client."""
        return self._inner.connected

    @property
    def waits_for_time(self):
        """Whether the host sees nothing until time has passed."""
        return self.stalled_ticks > 0 or bool(self._held)

    def owns(self, sock):
        """Accept if `sock` is the listener; return True if it is the client's."""
        return self._inner.owns(sock)

    def drop(self):
        """End the connection, if there is one, and lose what is on its way."""
        self._held = []
        self._held_bytes = 0
        self._again = b""
        self._inner.drop()

    def tick(self):
        """Let a tick pass, and deliver what has been on its way for long enough."""
        self._now += 1
        if self.stalled_ticks > 0:
            self.stalled_ticks -= 1
            return
        while self._held and self._held[0][0] <= self._now:
            data = self._held[0][1]
            n = self._inner.write(data)
            self._held_bytes -= n
            if n < len(data):
                self._held[0] = (self._held[0][0], data[n:])
                return
            self._held.pop(0)

    def read_into(self, buf):
        """Read into `buf` what has arrived; return the number of bytes."""
        if self.stalled_ticks > 0:
            return 0
        if self._again:
            data, self._again = self._again, b""
            buf[: len(data)] = data
            return len(data)
        n = self._inner.read_into(buf)
        if n and self._strikes():
            if self.fault == "link-drop":
                return 0
            if self.fault == "link-flip":
                self._flip(buf, n)
            else:
                self._again = bytes(buf[:n])
        return n

    def write(self, view):
        """Write `view`; return the number of bytes taken."""
        if self.stalled_ticks > 0 or self._held_bytes > _MAX_HELD:
            return 0
        if self.delay_ticks or self._held:
            self._held.append((self._now + self.delay_ticks, bytes(view)))
            self._held_bytes += len(view)
            return len(view)
        if len(view) and self._strikes():
            if self.fault == "link-drop":
                return len(view)
            data = bytearray(view)
            if self.fault == "link-flip":
                self._flip(data, len(data))
            else:
                data += data
            self._held.append((self._now, bytes(data)))
            self._held_bytes += len(data)
            return len(view)
        return self._inner.write(view)

    def _strikes(self):
        return self.fault is not None and self._rng.bits() % _EVERY == 0

    def _flip(self, buf, n):
        buf[self._rng.bits() % n] ^= 1 << self._rng.bits() % 8


class LinkFaults(FaultTarget):
    """Breaks the link that a board holds in its attribute `link`."""

    def __init__(self, board, seed):
        """Act on the link of `board`; `link` is the one in its place, None before any fault."""
        self._board = board
        self._seed = seed
        self.link = None

    @property
    def stalled(self):
        """Whether nothing passes now."""
        return self.link is not None and self.link.stalled_ticks > 0

    @property
    def wait_for_time(self):
        """Whether the host sees nothing until time has passed, so that time may not wait for it."""
        return self.link is not None and self.link.waits_for_time

    def inject(self, kind, value):
        """Break the link from now on."""
        link = self.link
        if link is None:
            link = self.link = self._board.link = FaultyLink(self._board.link, self._seed)
        if kind == "host-stall":
            link.stalled_ticks = _STALL_TICKS
        elif kind == "link-delay":
            link.delay_ticks = int(value * _TICK_HZ + 0.5)
        else:
            link.fault = kind
