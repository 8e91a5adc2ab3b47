"""The results of each step as the board itself measures them, whatever telemetry is lost."""

from array import array

from pressloop_fw.loop.registers import register_block
from pressloop_fw.wire import schema

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.registers: SIGN_SHIFT
# loop.flags: FLAGS
# wire.schema: FLAG_DWELLING
_SIGN_SHIFT = const(0)
_FLAGS = const(1)
_FLAG_DWELLING = const(2)
# end of generated

# Registers of a step's row in the block, and their positions in it.
ROW = const(4)
TICKS = const(0)
DWELL = const(1)
PEAK = const(2)
LOWEST = const(3)


@micropython.viper
def count_tick(counts: ptr32, index: int, pressure_kpa: int, run_flags: ptr32):
    """Count a tick of a step and update its highest and lowest pressure.

    It is not one of the dwell, unless what is done with it next says so: `run_flags` is the block
    of the run's flags.
    """
    sign_shift = counts[_SIGN_SHIFT]
    run_flags[_FLAGS] &= ~_FLAG_DWELLING
    row = (index + 1) * ROW
    counts[row + TICKS] += 1
    if pressure_kpa > counts[row + PEAK] << sign_shift >> sign_shift:
        counts[row + PEAK] = pressure_kpa
    elif pressure_kpa < counts[row + LOWEST] << sign_shift >> sign_shift:
        counts[row + LOWEST] = pressure_kpa


class _Column:
    """One number of each row of a block, by the index of the step."""

    def __init__(self, block, place):
        self._block = block
        self._place = place

    def __getitem__(self, index):
        return self._block[(index + 1) * ROW + self._place]

    def __setitem__(self, index, value):
        self._block[(index + 1) * ROW + self._place] = value


class StepResults:
    """Results in columns, one row for each step of a plan.

    What each tick counts is in a register block, row by row; the rest is in arrays.
    """

    def __init__(self):
        size = schema.MAX_STEPS
        self.outcome = bytearray(size)
        # The first row holds SIGN_SHIFT.
        self.registers = register_block((size + 1) * ROW)
        self.ticks = _Column(self.registers, TICKS)
        self.dwell = _Column(self.registers, DWELL)
        self.peak = _Column(self.registers, PEAK)
        self.lowest = _Column(self.registers, LOWEST)
        self.top_ups = array("i", [0] * size)
        self.start_tick = array("i", [0] * size)
        self.dwell_end = bytearray(size)
        self.loss_kpa_min = array("i", [0] * size)
        self.leak_kpa_min = array("i", [0] * size)

    def reset(self):
        """Forget the results of the run before."""
        block = self.registers
        for at in range(ROW, len(block)):
            block[at] = 0
        for index in range(schema.MAX_STEPS):
            self.outcome[index] = schema.OUTCOME_PENDING
            self.top_ups[index] = 0
            self.start_tick[index] = 0
            self.dwell_end[index] = schema.DWELL_NONE
            self.loss_kpa_min[index] = 0
            self.leak_kpa_min[index] = 0

    def begin(self, index, tick, pressure_kpa):
        """Begin the row of a step that begins in this tick."""
        self.outcome[index] = schema.OUTCOME_ACTIVE
        self.start_tick[index] = tick
        self.peak[index] = pressure_kpa
        self.lowest[index] = pressure_kpa

    def note_pressure(self, index, pressure_kpa):
        """Update the highest and lowest pressure in a tick that is not counted."""
        if pressure_kpa > self.peak[index]:
            self.peak[index] = pressure_kpa
        elif pressure_kpa < self.lowest[index]:
            self.lowest[index] = pressure_kpa
