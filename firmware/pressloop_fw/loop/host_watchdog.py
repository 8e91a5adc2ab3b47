"""Decides whether the host is lost: any frame of the session proves that it is there.

`host_loss.py` decides what a run then does.
"""

from pressloop_fw.loop.registers import register, register_block
from pressloop_fw.wire.schema import FLAG_HOST_LOST

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# What has happened to the host in a tick.
NOTHING = const(0)
LOST_NOW = const(1)  # it has just been given up
LOST_TOO_LONG = const(2)  # it has been lost for as long as the plan waits

# 60 s, the longest host timeout that a plan can have. It holds before the first plan, too, because
# live telemetry also ends with the host.
_MAX_SILENCE_TICKS = const(6000)

_HEARD = const(1)
_LOST = const(2)
_SILENT_TICKS = const(3)
_LOST_TICKS = const(4)
_TIMEOUT_TICKS = const(5)
_LIMIT_TICKS = const(6)
_REGISTERS = const(7)


@micropython.viper
def check_host(registers: ptr32) -> int:
    """Count a tick without the host; return 1 if `judge` must be called, else 0."""
    if registers[_HEARD]:
        if registers[_LOST]:
            return 1
        registers[_HEARD] = 0
        registers[_SILENT_TICKS] = 0
        return 0
    silent_ticks = registers[_SILENT_TICKS] + 1
    registers[_SILENT_TICKS] = silent_ticks
    return 1 if silent_ticks >= registers[_TIMEOUT_TICKS] else 0


class HostWatchdog:
    """Counts the ticks since the last frame of the host; `check_host` is its step."""

    # Whether the host has been silent for longer than the plan allows, 1 or 0.
    lost = register(_LOST)

    def __init__(self, run_flags):
        self.registers = register_block(_REGISTERS)
        self._run_flags = run_flags
        self.registers[_TIMEOUT_TICKS] = _MAX_SILENCE_TICKS
        self.heard()

    def configure(self, timeout_ticks, limit_ticks):
        """Set after how many ticks a silent host is lost, and how many later a run must end."""
        self.registers[_TIMEOUT_TICKS] = timeout_ticks
        self.registers[_LIMIT_TICKS] = limit_ticks

    def heard(self):
        """Note that a frame of the session has arrived. Called by the foreground."""
        self.registers[_HEARD] = 1

    def restart(self):
        """Begin a run: its host has just been heard."""
        self.registers[_SILENT_TICKS] = 0
        self._show(0)

    def judge(self, running):
        """Return what has happened to the host: NOTHING, LOST_NOW or LOST_TOO_LONG.

        `running` says whether a run is in progress that does not vent already.
        """
        block = self.registers
        if block[_HEARD]:
            block[_HEARD] = 0
            block[_SILENT_TICKS] = 0
            self._show(0)
            return NOTHING
        newly = not block[_LOST]
        if newly:
            block[_LOST_TICKS] = 0
            self._show(1)
        if not running:
            return NOTHING
        if newly:
            return LOST_NOW
        block[_LOST_TICKS] += 1
        return LOST_TOO_LONG if block[_LOST_TICKS] >= block[_LIMIT_TICKS] else NOTHING

    def _show(self, lost):
        self.registers[_LOST] = lost
        self._run_flags.write(FLAG_HOST_LOST, lost)
