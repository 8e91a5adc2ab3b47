"""The PID law: an error in kPa gives the wanted pressure rate in kPa/s.

Because the output is a rate, the gains mean the same on every press (kp in 1/s, ki in 1/s2, kd
without a unit), and the rate of the setpoint is the feed-forward as it is.

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

    `setpoint` is the block of the setpoint, `valves` that of the split range.
    """
    sign_shift = registers[_SIGN_SHIFT]
    low = 0 - valves[_FALL_KPA_S]
    high = valves[_RISE_KPA_S]
    limit = 1 << _ERROR_BITS
    limit -= 1
    error = (setpoint[_VALUE_KPA] << sign_shift >> sign_shift) - pressure_kpa
    if error > limit:
        error = limit
    elif error < 0 - limit:
        error = 0 - limit
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
    """Configures the law: proportional, integral with clamping, derivative on the measurement.

    The integral stands still while the output is at a limit and the error would drive it further.
    Each valve has its own integral, because the integral compensates for the dead band and the leak
    of that valve: what it has learned in a release does not fit the pump.
    """

    # Whether the output of the last step was at a limit, 1 or 0.
    saturated = register(SATURATED)

    def __init__(self):
        self.registers = register_block(_REGISTERS)
        # The tick calls this with the arguments of `step`; a bench may put another law here.
        self.law = step
        self._releasing = False
        self._other_integral = 0

    def set_gains(self, kp, ki, kd):
        """Change the gains without a jump of the output: the integral takes up the difference."""
        block = self.registers
        error = block[_ERROR]
        block[_INTEGRAL] += (error * block[_KP] >> _GAIN_BITS) - (error * kp >> _GAIN_BITS)
        block[_KP] = kp
        block[_KI] = ki
        block[_KD] = kd

    def restart(self, pressure_kpa):
        """Take over from manual openings: forget the errors before."""
        block = self.registers
        block[_ERROR] = 0
        block[_INTEGRAL] = 0
        block[_REMAINDER] = 0
        block[_LAST_KPA] = pressure_kpa
        block[_SLOPE] = 0
        self._other_integral = 0

    def act_through(self, releasing):
        """Choose the valve that works from now on, and with it the integral."""
        if releasing != self._releasing:
            self._releasing = releasing
            other = self._other_integral
            self._other_integral = self.registers[_INTEGRAL]
            self.registers[_INTEGRAL] = other
