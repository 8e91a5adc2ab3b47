"""Detects a converter that hangs: it gives the same count for longer than its noise allows.

How often a count repeats depends on the noise. While the ram travels, the pressure is constant and
the pump runs far from its dead band: there the noise is that of the sensor. With at least a count
of it, two equal readings in a row are as likely as not, and 75 never happen. With less nothing is
detected, nor after a travel of less than 1.6 s. The longest run of equal counts since then raises
the limit, for a sensor that gets quieter.
"""

from pressloop_fw.loop.registers import register_block

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.crack_detector: NOISE
# loop.sampler: EQUAL LONGEST_EQUAL
# wire.schema: FAULT_NONE FAULT_SENSOR_FROZEN
_NOISE = const(12)
_EQUAL = const(18)
_LONGEST_EQUAL = const(19)
_FAULT_NONE = const(0)
_FAULT_SENSOR_FROZEN = const(20)
# end of generated

# More equal counts in a row than this, 0.75 s, and this many times the longest run before.
_MIN_EQUAL = const(75)
_LONGEST_SHIFT = const(3)
# The crack detector's noise is 64 times the mean jitter of 1.95 standard deviations: 0.8 counts, of
# which quantisation makes 0.3. A count is `per_count` sixteenths of a kPa.
_NOISE_SHIFT = const(4)
_MIN_NOISE_COUNTS = const(100)
# The start of the travel is a jump, which looks like noise for a second. For 0.6 s behind it no
# count may repeat more often than noise of a count lets it.
_SETTLING_STEPS = const(5)
_LISTENING_STEPS = const(3)
_MAX_LISTENING_EQUAL = const(16)

_MIN_NOISE = const(1)
_ARMED = const(2)
_STEPS = const(3)
_REGISTERS = const(4)


@micropython.viper
def watch_frozen(registers: ptr32, sampler: ptr32, cracks: ptr32, travelling: int) -> int:
    """Process every twentieth tick of a run; return the fault, FAULT_NONE without one.

    `sampler` and `cracks` are the blocks of the sampler and the crack detector. `travelling` says
    whether the ram travels to the sample.
    """
    equal = sampler[_EQUAL]
    steps = registers[_STEPS]
    if travelling == 0:
        steps = 0
    elif steps < _SETTLING_STEPS:
        if steps == 0:
            registers[_ARMED] = 0
        steps += 1
        sampler[_LONGEST_EQUAL] = 0
    elif steps < _SETTLING_STEPS + _LISTENING_STEPS:
        steps += 1
    elif registers[_ARMED] == 0:
        lively = equal <= _MAX_LISTENING_EQUAL and sampler[_LONGEST_EQUAL] <= _MAX_LISTENING_EQUAL
        if lively and cracks[_NOISE] >= registers[_MIN_NOISE]:
            registers[_ARMED] = 1
        sampler[_LONGEST_EQUAL] = 0
        steps = _SETTLING_STEPS
    registers[_STEPS] = steps
    if registers[_ARMED] == 0:
        return _FAULT_NONE
    if equal > _MIN_EQUAL and equal > sampler[_LONGEST_EQUAL] << _LONGEST_SHIFT:
        return _FAULT_SENSOR_FROZEN
    return _FAULT_NONE


class FrozenWatch:
    """Configures from which noise of an approach on equal counts are a frozen reading."""

    def __init__(self):
        self.registers = register_block(_REGISTERS)

    def configure(self, scaling):
        """Take over a scale."""
        block = self.registers
        block[_MIN_NOISE] = _MIN_NOISE_COUNTS * scaling.per_count >> _NOISE_SHIFT
        block[_ARMED] = 0
        block[_STEPS] = 0
