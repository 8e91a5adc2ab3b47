"""The telemetry ring: every record of the tick, packed, the oldest overwritten.

The tick writes; the foreground copies out. Sequence numbers never repeat in a boot, so a host can
tell exactly which records it has and which are gone.
"""

import struct

from pressloop_fw import schema

_SHORT = schema.SHORT_RECORD_SIZE


class TelemetryRing:
    """A ring of `capacity` packed records, numbered `oldest` <= n < `next`.

    A record has room for the displacement only where there is a sensor: memory is short.
    """

    def __init__(self, capacity, gauged=False):
        self.capacity = capacity
        self.record_size = schema.RECORD_SIZE if gauged else _SHORT
        self.next = 0
        self._buf = bytearray(capacity * self.record_size)
        self._view = memoryview(self._buf)

    @property
    def oldest(self):
        """Sequence number of the oldest record still held."""
        # One record less than there is room for: the tick may be overwriting that one just now.
        return max(0, self.next - self.capacity + 1)

    def gauge(self, displacement_um):
        """Put the displacement into the record that `record` appends next. Allocates nothing."""
        at = self.next % self.capacity * self.record_size + schema.RECORD_DISPLACEMENT_UM
        self._buf[at] = displacement_um & 0xFF
        self._buf[at + 1] = displacement_um >> 8

    def record(self, tick, pressure_kpa, setpoint_kpa, output, raw, step, state, flags, inputs):
        """Append one record. Allocates nothing."""
        struct.pack_into(
            schema.SHORT_RECORD_FORMAT,
            self._buf,
            self.next % self.capacity * self.record_size,
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

    def copy(self, first, count, buf, start, size=0):
        """Copy records first..first+count-1 into `buf` at `start`; return the end.

        With `size` only so many bytes of each, for a host that knows no more columns.
        """
        stride = self.record_size
        whole = size in (0, stride)
        while count:
            slot = first % self.capacity
            run = min(count, self.capacity - slot) if whole else 1
            taken = run * stride if whole else size
            buf[start : start + taken] = self._view[slot * stride : slot * stride + taken]
            start += taken
            first += run
            count -= run
        return start
