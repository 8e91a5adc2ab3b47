"""Measures how fast a sealed dwell loses pressure, so that it can end when the powder is relaxed.

The loss is the difference of two means over a second, one window apart. The window is as long as
the transducer needs: at the rate that the plan asks for, the loss in it is at least the smallest
one that the readings resolve (`Scaling.loss_unit_kpa`). The part of the press's own leak is
computed from the profile (`leak.py`). Integers; every product stays below 2**30.
"""

from array import array

from pressloop_fw.loop.leak import loss_kpa_min
from pressloop_fw.loop.registers import register_block

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.registers: SIGN_SHIFT
# wire.schema: TICK_HZ
_SIGN_SHIFT = const(0)
_TICK_HZ = const(100)
# end of generated


# Five means of a second: less would let noise and single counts decide.
MIN_WINDOW_S = const(5)
MAX_WINDOW_S = const(60)
_SLOTS = const(61)
_NOT_YET = const(-1)

_SUM = const(1)
_TICKS = const(2)
_MEAN = const(3)
_REGISTERS = const(4)


@micropython.viper
def add_to_mean(registers: ptr32, pressure_kpa: int) -> int:
    """Add a reading to the mean of a second; return 1 when the second is complete, else 0."""
    sign_shift = registers[_SIGN_SHIFT]
    total = (registers[_SUM] << sign_shift >> sign_shift) + pressure_kpa
    ticks = registers[_TICKS] + 1
    if ticks < _TICK_HZ:
        registers[_SUM] = total
        registers[_TICKS] = ticks
        return 0
    registers[_MEAN] = total // _TICK_HZ
    registers[_SUM] = 0
    registers[_TICKS] = 0
    return 1


def window_s(rate_kpa_min, loss_unit_kpa):
    """Return the window that resolves a rate, s; more than MAX_WINDOW_S: too slow to measure."""
    return max(MIN_WINDOW_S, -(-60 * loss_unit_kpa // rate_kpa_min))


class Relaxation:
    """The loss of a sealed dwell and the leak's part of it, valid once `known` is set."""

    def __init__(self):
        self.loss_kpa_min = 0
        self.leak_kpa_min = 0
        self.known = False
        self._means = array("i", [0] * _SLOTS)
        self._window = MIN_WINDOW_S
        self._leak_share = 0
        self._blocks = _NOT_YET
        self.registers = register_block(_REGISTERS)

    def restart(self, window, leak_share=0):
        """Begin anew after sealing, because a window must not contain a top-up.

        `window` is in seconds; `leak_share` is `leak.share_q15` at the dwell's pressure.
        """
        self._window = window
        self._leak_share = leak_share
        self.known = False
        # In the first second valves and oil settle: it says nothing about the powder.
        self._blocks = _NOT_YET
        self.registers[_SUM] = 0
        self.registers[_TICKS] = 0

    def step(self, pressure_kpa):
        """Process a reading of a sealed tick; return whether the loss may have changed."""
        if not add_to_mean(self.registers, pressure_kpa):
            return False
        self._compare(self.registers[_MEAN])
        return True

    def slower_than(self, rate_kpa_min):
        """Whether the loss is known and the powder's part of it is below a rate."""
        return self.known and self.loss_kpa_min - self.leak_kpa_min < rate_kpa_min

    def _compare(self, mean):
        """Process the mean of a second."""
        blocks = self._blocks
        self._blocks = blocks + 1
        if blocks == _NOT_YET:
            return
        means = self._means
        means[blocks % _SLOTS] = mean
        window = self._window
        if blocks >= window:
            before = means[(blocks - window) % _SLOTS]
            self.loss_kpa_min = (before - mean) * 60 // window
            # The leak is proportional to the pressure; take the middle of the window.
            self.leak_kpa_min = loss_kpa_min(self._leak_share, (before + mean) >> 1)
            self.known = True
