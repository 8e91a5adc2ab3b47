"""PID in pressure rate: kPa of error in, wanted kPa/s out.

Because the output is a rate, the gains mean the same on every press (kp in 1/s, ki in 1/s2, kd a
number), and the setpoint's own rate is the feed-forward as it stands.

Integers throughout; every product stays below 2**30.
"""

from pressloop_fw.loop.registers import register, register_block

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.registers: SIGN_SHIFT
# loop.setpoint: VALUE_KPA LEAD_KPA_S
# loop.split_range: RISE_KPA_S FALL_KPA_S
# wire.schema: TICK_HZ
_SIGN_SHIFT = const(0)
_VALUE_KPA = const(1)
_LEAD_KPA_S = const(2)
_RISE_KPA_S = const(3)
_FALL_KPA_S = const(4)
_TICK_HZ = const(100)
# end of generated

_KP = const(1)
_KI = const(2)
_KD = const(3)
_ERROR = const(4)
_LAST_KPA = const(5)
_SLOPE = const(6)
_INTEGRAL = const(7)
_REMAINDER = const(8)
SATURATED = const(9)
_REGISTERS = const(10)


_GAIN_BITS = const(8)
_INTEGRAL_BITS = const(16)
_ERROR_BITS = const(17)
_INTEGRAL_ERROR_LIMIT = const(65535)
_SLOPE_LIMIT = const(2047)


@micropython.viper
def step(registers: ptr32, setpoint: ptr32, pressure_kpa: int, valves: ptr32) -> int:
    """Return the wanted pressure rate, kPa/s, within what the valves can do.

    `setpoint` are the words of the setpoint, `valves` those of the split range.
    """
    sign_shift = registers[_SIGN_SHIFT]
    low = 0 - valves[_FALL_KPA_S]
    high = valves[_RISE_KPA_S]
    most = 1 << _ERROR_BITS
    most -= 1
    error = (setpoint[_VALUE_KPA] << sign_shift >> sign_shift) - pressure_kpa
    if error > most:
        error = most
    elif error < 0 - most:
        error = 0 - most
    registers[_ERROR] = error

    rise = pressure_kpa - (registers[_LAST_KPA] << sign_shift >> sign_shift)
    registers[_LAST_KPA] = pressure_kpa
    if rise > _SLOPE_LIMIT:
        rise = _SLOPE_LIMIT
    elif rise < -_SLOPE_LIMIT:
        rise = -_SLOPE_LIMIT
    slope = registers[_SLOPE] << sign_shift >> sign_shift
    slope += (rise - slope) >> 1
    registers[_SLOPE] = slope

    damping = slope * _TICK_HZ * registers[_KD] >> _GAIN_BITS
    fixed = (
        (setpoint[_LEAD_KPA_S] << sign_shift >> sign_shift)
        + (error * registers[_KP] >> _GAIN_BITS)
        - damping
    )
    integral = registers[_INTEGRAL] << sign_shift >> sign_shift
    output = fixed + integral
    if (output < high or error <= 0) and (output > low or error > 0):
        if error > _INTEGRAL_ERROR_LIMIT:
            error = _INTEGRAL_ERROR_LIMIT
        elif error < -_INTEGRAL_ERROR_LIMIT:
            error = -_INTEGRAL_ERROR_LIMIT
        grown = error * registers[_KI] + registers[_REMAINDER]
        registers[_REMAINDER] = grown & 0xFFFF
        integral += grown >> _INTEGRAL_BITS
        if integral > high:
            integral = high
        elif integral < low:
            integral = low
        registers[_INTEGRAL] = integral
        output = fixed + integral
    registers[SATURATED] = 1
    if output > high:
        output = high
    elif output < low:
        output = low
    else:
        registers[SATURATED] = 0
    return output


class Pid:
    """Proportional, integral with clamping, derivative on the measurement.

    The integral stands still while the output is at a limit and the error would drive it further.
    There is one for each valve, as what it makes up for is that valve's own dead band and leak:
    what was learned while releasing is no use to the pump.
    """

    # Whether the output of the last step was at a limit, 1 or 0.
    saturated = register(SATURATED)

    def __init__(self):
        self.registers = register_block(_REGISTERS)
        # What the tick calls, with the arguments of `step`: the place for another law, to compare.
        self.law = step
        self._releasing = False
        self._other_integral = 0

    def set_gains(self, kp, ki, kd):
        """Change gains without a jump of the output: the integral takes up the difference."""
        block = self.registers
        error = block[_ERROR]
        block[_INTEGRAL] += (error * block[_KP] >> _GAIN_BITS) - (error * kp >> _GAIN_BITS)
        block[_KP] = kp
        block[_KI] = ki
        block[_KD] = kd

    def restart(self, pressure_kpa):
        """Take over from valves that were driven otherwise: no memory of the error before."""
        block = self.registers
        block[_ERROR] = 0
        block[_INTEGRAL] = 0
        block[_REMAINDER] = 0
        block[_LAST_KPA] = pressure_kpa
        block[_SLOPE] = 0
        self._other_integral = 0

    def act_through(self, releasing):
        """Say which valve is to do the work from now on."""
        if releasing != self._releasing:
            self._releasing = releasing
            other = self._other_integral
            self._other_integral = self.registers[_INTEGRAL]
            self.registers[_INTEGRAL] = other
