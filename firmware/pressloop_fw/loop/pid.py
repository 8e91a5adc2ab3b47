"""The PID law: an error in kPa gives the wanted pressure rate in kPa/s.

Because the output is a rate, the gains mean the same on every press (kp in 1/s, ki in 1/s2, kd
without a unit), and the rate of the setpoint is the feed-forward as it is.

The integral is kept as an opening of the valve. What it compensates, a dead band that is not where
the profile says and a leak, is an opening; as a rate it would change with the stiffness, which
grows tenfold from contact to full pressure.

Integers throughout; every product stays below 2**30.
"""

from pressloop_fw.loop.registers import block_address, register, register_block

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.registers: SIGN_SHIFT
# loop.setpoint: VALUE_KPA LEAD_KPA_S
# loop.split_range: RISE_KPA_S FALL_KPA_S ACT_GAIN
# wire.schema: TICK_HZ
_SIGN_SHIFT = const(0)
_VALUE_KPA = const(1)
_LEAD_KPA_S = const(2)
_RISE_KPA_S = const(3)
_FALL_KPA_S = const(4)
_ACT_GAIN = const(32)
_TICK_HZ = const(100)
# end of generated

_KP = const(1)
_KI = const(2)
_KD = const(3)
_ERROR = const(4)
_LAST_KPA = const(5)
_SLOPE = const(6)
# An opening, times 2**14.
INTEGRAL = const(7)
_REMAINDER = const(8)
SATURATED = const(9)
# From which pressure on the integral of a release is kept, and what it was there last.
_KNOWN_KPA = const(10)
_KEPT = const(11)
_REGISTERS = const(12)

# An integral that is too high loses an eighth at each look.
_WIND_DOWN_SHIFT = const(3)

# A sixteenth of the press's limit, as for the drift that the observer follows: below, neither the
# stiffness nor the flow of a release are known well enough.
_KNOWN_SHIFT = const(4)


_GAIN_BITS = const(8)
_INTEGRAL_BITS = const(16)
_ERROR_BITS = const(17)
_INTEGRAL_ERROR_LIMIT = const(65535)
_SLOPE_LIMIT = const(2047)
_MAX_INTEGRAL = const(1 << 29)


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
    gain = valves[_ACT_GAIN]
    opening = registers[INTEGRAL] << sign_shift >> sign_shift
    integral = opening // gain
    output = fixed + integral
    if (output < high or error <= 0) and (output > low or error > 0):
        if error > _INTEGRAL_ERROR_LIMIT:
            error = _INTEGRAL_ERROR_LIMIT
        elif error < -_INTEGRAL_ERROR_LIMIT:
            error = -_INTEGRAL_ERROR_LIMIT
        grown = error * registers[_KI] + registers[_REMAINDER]
        registers[_REMAINDER] = grown & 0xFFFF
        grown >>= _INTEGRAL_BITS
        most = _MAX_INTEGRAL
        limit = most // gain
        if grown > limit:
            grown = limit
        elif grown < 0 - limit:
            grown = 0 - limit
        opening += grown * gain
        if opening > most:
            opening = most
        elif opening < 0 - most:
            opening = 0 - most
        integral = opening // gain
        if integral > high:
            integral = high
            if high < limit:
                opening = high * gain
        elif integral < low:
            integral = low
            if 0 - low < limit:
                opening = low * gain
        registers[INTEGRAL] = opening
        output = fixed + integral
    if pressure_kpa >= registers[_KNOWN_KPA]:
        registers[_KEPT] = opening
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
    of that valve: what it has learned in a release does not fit the pump. What a release learns in
    the last part of its way to nothing is no dead band: that would open the next descent too far.
    """

    # Whether the output of the last step was at a limit, 1 or 0.
    saturated = register(SATURATED)
    # What the integral of the valve that works has come to: an opening, times 2**14.
    integral = register(INTEGRAL)

    def __init__(self):
        self.registers = register_block(_REGISTERS)
        # What the tick passes to the law and to a record.
        self.block = block_address(self.registers)
        # The tick calls this with the arguments of `step`; a bench may put another law here.
        self.law = step
        self._releasing = False
        self._other_integral = 0
        # By what `ask_less` has lowered the integral.
        self.asked_less = 0

    def configure(self, scaling):
        """Take over a press and a die."""
        self.registers[_KNOWN_KPA] = scaling.pellet_limit_kpa >> _KNOWN_SHIFT

    def set_gains(self, kp, ki, kd, gain=1):
        """Change the gains without a jump of the output: the integral takes up the difference.

        `gain` is that from rate to opening of the valve that acts.
        """
        block = self.registers
        error = block[_ERROR]
        limit = _MAX_INTEGRAL // gain
        moved = (error * block[_KP] >> _GAIN_BITS) - (error * kp >> _GAIN_BITS)
        moved = gain * max(-limit, min(limit, moved))
        block[INTEGRAL] = max(-_MAX_INTEGRAL, min(_MAX_INTEGRAL, block[INTEGRAL] + moved))
        block[_KP] = kp
        block[_KI] = ki
        block[_KD] = kd

    def ask_less(self, rate_kpa_s, gain):
        """Lower the integral by a rate until `ask_as_before`; `gain` is as in `set_gains`."""
        block = self.registers
        moved = min(gain * min(_MAX_INTEGRAL // gain, rate_kpa_s), block[INTEGRAL] + _MAX_INTEGRAL)
        block[INTEGRAL] -= moved
        self.asked_less = min(_MAX_INTEGRAL, self.asked_less + moved)

    def ask_as_before(self):
        """Raise the integral by all that `ask_less` has lowered it."""
        block = self.registers
        was_kept = block[_KEPT] == block[INTEGRAL]
        block[INTEGRAL] = min(_MAX_INTEGRAL, block[INTEGRAL] + self.asked_less)
        if was_kept:
            block[_KEPT] = block[INTEGRAL]
        self.asked_less = 0

    def wind_down(self):
        """Lower an integral that asks for oil, as the pressure is above the setpoint.

        A ramp leaves it behind, on a sample that was softer than its model, or a hold that lost
        more. Left alone it keeps the pump open, or the release shut, for seconds.
        """
        block = self.registers
        if block[INTEGRAL] > 0:
            block[INTEGRAL] -= block[INTEGRAL] >> _WIND_DOWN_SHIFT

    def give_up(self, opening):
        """Lower the integral by what the dead band takes over, an opening, times 2**14."""
        self.registers[INTEGRAL] -= opening

    def restart(self, pressure_kpa):
        """Take over from manual openings: forget the errors before.

        The integrals stay. They are openings, mostly by which a dead band has drifted, and what was
        learned in one stage holds in the next.
        """
        block = self.registers
        block[_ERROR] = 0
        block[_REMAINDER] = 0
        block[_LAST_KPA] = pressure_kpa
        block[_SLOPE] = 0

    def forget(self):
        """Begin a run: nothing is known of the dead bands but the profile."""
        self.registers[INTEGRAL] = 0
        self.registers[_KEPT] = 0
        self._other_integral = 0
        self.asked_less = 0

    def act_through(self, releasing):
        """Choose the valve that works from now on, and with it the integral."""
        if releasing != self._releasing:
            self.ask_as_before()
            block = self.registers
            learned = block[_KEPT if self._releasing else INTEGRAL]
            self._releasing = releasing
            block[INTEGRAL] = block[_KEPT] = self._other_integral
            self._other_integral = learned
