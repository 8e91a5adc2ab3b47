"""The telemetry ring: keeps the packed records of the tick and overwrites the oldest.

The tick writes; the foreground copies out. Sequence numbers never repeat within a boot, so that a
host knows exactly which records it has and which are lost.
"""

from pressloop_fw.loop.registers import register, register_block
from pressloop_fw.wire import schema

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr8, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.setpoint: VALUE_KPA
# loop.split_range: OUTPUT
# loop.pid: SATURATED
# loop.flags: FLAGS
# loop.sequencer: ACT_REGULATE
# wire.schema: FLAG_SATURATED SHORT_RECORD_SIZE
_VALUE_KPA = const(1)
_OUTPUT = const(19)
_SATURATED = const(9)
_FLAGS = const(1)
_ACT_REGULATE = const(2)
_FLAG_SATURATED = const(8)
_SHORT_RECORD_SIZE = const(20)
# end of generated

_NEXT = const(1)
_CAPACITY = const(2)
_RECORD_SIZE = const(3)
_REGISTERS = const(4)


@micropython.viper
def append_record(
    registers: ptr32,
    buf: ptr8,
    tick: int,
    pressure_kpa: int,
    raw: int,
    setpoint: ptr32,
    valves: ptr32,
    pid: ptr32,
    run_flags: ptr32,
    action: int,
    step: int,
    state: int,
    inputs: int,
    displacement_um: int,
):
    """Append a record, in the layout of schema.RECORD_FORMAT, to a ring's registers and buffer.

    `setpoint`, `valves`, `pid` and `run_flags` are the blocks that it takes further numbers from.
    `struct` takes three times as long.
    """
    setpoint_kpa = setpoint[_VALUE_KPA]
    output = valves[_OUTPUT]
    flags = run_flags[_FLAGS]
    if action == _ACT_REGULATE and pid[_SATURATED]:
        flags |= _FLAG_SATURATED
    number = registers[_NEXT]
    size = registers[_RECORD_SIZE]
    at = number % registers[_CAPACITY] * size
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
    if size > _SHORT_RECORD_SIZE:
        buf[at + 8] = displacement_um & 0xFF
        buf[at + 9] = displacement_um >> 8
    registers[_NEXT] = number + 1


@micropython.viper
def begin_event(buf: ptr8, at: int, first: int, tick: int, size: int) -> int:
    """Write the head of a telemetry event at `at`; return where its records go, `size` bytes.

    It is the map that cbor.encode_map writes by schema.TELEMETRY_EVENT_FIELDS, in a tenth of the
    time. `buf` must have room for 18 bytes and the records.
    """
    buf[at] = 0xA3
    for key in range(1, 4):
        buf[at + 1] = key
        at += 2
        value = first
        major = 0
        if key == 2:
            value = tick
        elif key == 3:
            value = size
            major = 0x40
        # A machine word of more than 31 bits is negative on the chip.
        if value < 0 or value >> 16:
            buf[at] = major | 26
            buf[at + 1] = value >> 24 & 0xFF
            buf[at + 2] = value >> 16 & 0xFF
            buf[at + 3] = value >> 8 & 0xFF
            at += 4
        elif value > 0xFF:
            buf[at] = major | 25
            buf[at + 1] = value >> 8
            at += 2
        elif value > 23:
            buf[at] = major | 24
            at += 1
        else:
            value |= major
        buf[at] = value & 0xFF
    return at + 1


@micropython.viper
def extract(records: ptr8, buf: ptr8, at: int, registers: ptr32, first: int, count: int):
    """Copy `count` records of a ring, from `first` on, into `buf` at `at`.

    Slices would allocate. The compiler keeps the first three arguments in registers, so those are
    the ones that every byte needs.
    """
    capacity = registers[_CAPACITY]
    size = registers[_RECORD_SIZE]
    slot = first % capacity
    while count:
        ahead = slot * size - at
        end = at + size
        while at < end:
            buf[at] = records[at + ahead]
            at += 1
        slot += 1
        if slot == capacity:
            slot = 0
        count -= 1


class TelemetryRing:
    """A ring of `capacity` packed records, numbered `oldest` <= n < `next`.

    Memory is short, so records have room for the displacement only if there is a sensor.
    """

    next = register(_NEXT)

    def __init__(self, capacity, has_displacement=False):
        self.capacity = capacity
        self.record_size = schema.RECORD_SIZE if has_displacement else schema.SHORT_RECORD_SIZE
        self.registers = register_block(_REGISTERS)
        self.registers[_CAPACITY] = capacity
        self.registers[_RECORD_SIZE] = self.record_size
        self.buf = bytearray(capacity * self.record_size)

    @property
    def oldest(self):
        """Sequence number of the oldest record that can be copied."""
        # One record less than there is room for: the tick may be overwriting the oldest one now.
        return max(0, self.next - self.capacity + 1)

    def copy(self, first, count, buf, start):
        """Copy records first..first+count-1 into `buf` at `start`; return the end."""
        end = start + count * self.record_size
        if end > len(buf):
            raise ValueError("no room for the records")
        extract(self.buf, buf, start, self.registers, first, count)
        return end
