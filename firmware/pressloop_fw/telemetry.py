"""The telemetry ring: every record of the tick, packed, the oldest overwritten.

The tick writes; the foreground copies out. Sequence numbers never repeat in a boot, so a host can
tell exactly which records it has and which are gone.
"""

from pressloop_fw import schema
from pressloop_fw.words import word, words

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import plain as micropython
    from pressloop_fw.plain import const, ptr8, ptr32

# schema.SHORT_RECORD_SIZE
_SHORT_SIZE = const(20)

_NEXT = const(1)
_CAPACITY = const(2)
_RECORD_SIZE = const(3)
_WORDS = const(4)


@micropython.viper
def append(
    words: ptr32,
    buf: ptr8,
    tick: int,
    pressure_kpa: int,
    setpoint_kpa: int,
    output: int,
    raw: int,
    step: int,
    state: int,
    flags: int,
    inputs: int,
    displacement_um: int,
):
    """Append a record to a ring's words and buffer, as schema.RECORD_FORMAT has it.

    `struct` takes three times as long.
    """
    number = words[_NEXT]
    size = words[_RECORD_SIZE]
    at = number % words[_CAPACITY] * size
    for shift in range(0, 32, 8):
        buf[at] = tick >> shift & 0xFF
        buf[at + 4] = pressure_kpa >> shift & 0xFF
        buf[at + 8] = setpoint_kpa >> shift & 0xFF
        at += 1
    at += 8
    buf[at] = output & 0xFF
    buf[at + 1] = output >> 8 & 0xFF
    buf[at + 2] = raw & 0xFF
    buf[at + 3] = raw >> 8 & 0xFF
    buf[at + 4] = step
    buf[at + 5] = state
    buf[at + 6] = flags
    buf[at + 7] = inputs
    if size > _SHORT_SIZE:
        buf[at + 8] = displacement_um & 0xFF
        buf[at + 9] = displacement_um >> 8
    words[_NEXT] = number + 1


class TelemetryRing:
    """A ring of `capacity` packed records, numbered `oldest` <= n < `next`.

    A record has room for the displacement only where there is a sensor: memory is short.
    """

    next = word(_NEXT)

    def __init__(self, capacity, gauged=False):
        self.capacity = capacity
        self.record_size = schema.RECORD_SIZE if gauged else schema.SHORT_RECORD_SIZE
        self.words = words(_WORDS)
        self.words[_CAPACITY] = capacity
        self.words[_RECORD_SIZE] = self.record_size
        self.buf = bytearray(capacity * self.record_size)
        self._view = memoryview(self.buf)

    @property
    def oldest(self):
        """Sequence number of the oldest record still held."""
        # One record less than there is room for: the tick may be overwriting that one just now.
        return max(0, self.next - self.capacity + 1)

    def record(
        self,
        tick,
        pressure_kpa,
        setpoint_kpa,
        output,
        raw,
        step,
        state,
        flags,
        inputs,
        displacement_um=schema.NO_DISPLACEMENT,
    ):
        """Append one record. Allocates nothing."""
        append(
            self.words,
            self.buf,
            tick,
            pressure_kpa,
            setpoint_kpa,
            output,
            raw,
            step,
            state,
            flags,
            inputs,
            displacement_um,
        )

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
