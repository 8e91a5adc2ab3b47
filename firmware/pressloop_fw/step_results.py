"""What the board itself measured in each step; survives lost telemetry."""

from array import array

from pressloop_fw import schema

try:
    import micropython
except ImportError:  # CPython
    from pressloop_fw import plain as micropython
    from pressloop_fw.plain import ptr32


@micropython.viper
def tally(ticks: ptr32, peak: ptr32, lowest: ptr32, index: int, pressure_kpa: int, up: int):
    """Count a tick of a step and note its highest and lowest pressure.

    `up` is words.WIDER: these are columns, not blocks of words.
    """
    ticks[index] += 1
    if pressure_kpa > peak[index] << up >> up:
        peak[index] = pressure_kpa
    elif pressure_kpa < lowest[index] << up >> up:
        lowest[index] = pressure_kpa


class StepResults:
    """Results in columns, one row for each step of a plan."""

    def __init__(self):
        size = schema.MAX_STEPS
        self.outcome = bytearray(size)
        self.ticks = array("i", [0] * size)
        self.dwell = array("i", [0] * size)
        self.peak = array("i", [0] * size)
        self.lowest = array("i", [0] * size)
        self.top_ups = array("i", [0] * size)
        self.start_tick = array("i", [0] * size)
        self.dwell_end = bytearray(size)
        self.loss_kpa_min = array("i", [0] * size)
        self.leak_kpa_min = array("i", [0] * size)

    def reset(self):
        """Forget the run before."""
        for index in range(schema.MAX_STEPS):
            self.outcome[index] = schema.OUTCOME_PENDING
            self.ticks[index] = 0
            self.dwell[index] = 0
            self.peak[index] = 0
            self.lowest[index] = 0
            self.top_ups[index] = 0
            self.start_tick[index] = 0
            self.dwell_end[index] = schema.DWELL_NONE
            self.loss_kpa_min[index] = 0
            self.leak_kpa_min[index] = 0

    def begin(self, index, tick, pressure_kpa):
        """Open a step's row: the step begins in this tick."""
        self.outcome[index] = schema.OUTCOME_ACTIVE
        self.start_tick[index] = tick
        self.peak[index] = pressure_kpa
        self.lowest[index] = pressure_kpa

    def note(self, index, pressure_kpa):
        """Note the pressure of a tick that does not count."""
        if pressure_kpa > self.peak[index]:
            self.peak[index] = pressure_kpa
        elif pressure_kpa < self.lowest[index]:
            self.lowest[index] = pressure_kpa
