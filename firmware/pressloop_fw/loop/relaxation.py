"""How fast a sealed dwell loses pressure, so that it can end when the powder has come to rest.

The loss is the difference of two one-second means, a window apart. The window is as long as the
transducer needs: what is lost in it at the rate that is asked for is at least the smallest loss
that its readings can tell (`Scaling.loss_unit_kpa`). What the press's own leak took in it, by the
profile, is told apart (`leak.py`). Integers; every product stays below 2**30.
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


# A mean of a second takes noise and the last count out of a reading.
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
    """Add a reading to a second's mean; return 1 when the second is full, else 0."""
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
    """Return over how many seconds a rate is told; more than MAX_WINDOW_S: it cannot be."""
    return max(MIN_WINDOW_S, -(-60 * loss_unit_kpa // rate_kpa_min))


class Relaxation:
    """The loss of a sealed dwell, and the leak's part of it; meaningless before `known`."""

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
        """Begin anew, after sealing: losses across a top-up tell nothing.

        `leak_share` is `leak.share_q15` at the dwell's pressure.
        """
        self._window = window
        self._leak_share = leak_share
        self.known = False
        # The first second is the valves' and the oil's, not the powder's.
        self._blocks = _NOT_YET
        self.registers[_SUM] = 0
        self.registers[_TICKS] = 0

    def step(self, pressure_kpa):
        """Take in a reading of a sealed tick; return whether the loss may be another one now."""
        if not add_to_mean(self.registers, pressure_kpa):
            return False
        self._compare(self.registers[_MEAN])
        return True

    def slower_than(self, rate_kpa_min):
        """Whether the powder alone is known to lose less than a rate."""
        return self.known and self.loss_kpa_min - self.leak_kpa_min < rate_kpa_min

    def _compare(self, mean):
        """Take in the mean of a second."""
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
            # The leak goes with the pressure, which fell from one to the other.
            self.leak_kpa_min = loss_kpa_min(self._leak_share, (before + mean) >> 1)
            self.known = True
