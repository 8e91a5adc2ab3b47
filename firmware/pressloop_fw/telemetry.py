"""The telemetry ring: every record of the tick, packed, the oldest overwritten.

The tick writes; the foreground copies out. Sequence numbers never repeat in a boot, so a host can
tell exactly which records it has and which are gone.
"""

import struct

from pressloop_fw import schema

_SIZE = schema.RECORD_SIZE


class TelemetryRing:
    """A ring of `capacity` packed records, numbered `oldest` <= n < `next`."""

    def __init__(self, capacity):
        self.capacity = capacity
        self.next = 0
        self._buf = bytearray(capacity * _SIZE)
        self._view = memoryview(self._buf)

    @property
    def oldest(self):
        """Sequence number of the oldest record still held."""
        # One record less than there is room for: the tick may be overwriting that one just now.
        return max(0, self.next - self.capacity + 1)

    def record(self, tick, pressure_kpa, setpoint_kpa, output, raw, step, state, flags, inputs):
        """Append one record. Allocates nothing."""
        struct.pack_into(
            schema.RECORD_FORMAT,
            self._buf,
            self.next % self.capacity * _SIZE,
            tick,
            pressure_kpa,
            setpoint_kpa,
            output,
            raw,
            step,
            state,
            flags,
            inputs,
        )
        self.next += 1

    def copy(self, first, count, buf, start):
        """Copy records first..first+count-1 into `buf` at `start`; return the end."""
        while count:
            slot = first % self.capacity
            run = min(count, self.capacity - slot)
            size = run * _SIZE
            buf[start : start + size] = self._view[slot * _SIZE : slot * _SIZE + size]
            start += size
            first += run
            count -= run
        return start
