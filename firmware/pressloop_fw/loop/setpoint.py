"""The setpoint generator: moves the setpoint to its target at the rate, exactly.

The rate itself comes in over a quarter of a second and fades out before the target, because a
corner in the setpoint becomes an overshoot in the press.

A command reaches the press late, by the valve's lag. So the generator runs ahead of the setpoint by
that much: the rate that it hands to the controller meets the setpoint at the press. A release that
stands on its seat takes longer still, as it has to cross its dead band first, and the setpoint
waits for it.
"""

from pressloop_fw.loop.registers import register, register_block

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr8, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.registers: SIGN_SHIFT
# wire.schema: TICK_HZ
_SIGN_SHIFT = const(0)
_TICK_HZ = const(100)
# end of generated

# The rate grows from nothing to full over this many ticks, without a corner at either end:
# 256 (3 x^2 - 2 x^3).
RISE = bytes(256 * (3 * 26 - 2 * n) * n * n // 26**3 for n in range(1, 26))
_RISE_TICKS = const(25)
# It is at most the remaining distance times this per second, so it fades like an exponential,
_FADE_PER_S = const(5)
# but never below this fraction of the rate, so that the ramp ends.
_FADE_FLOOR = const(20)
# The furthest that the generator runs ahead.
_MAX_LEAD_TICKS = const(15)
# Within three lags a spool has done 95 % of its way from the seat to the dead band.
_TRAVEL_LAGS = const(3)


VALUE_KPA = const(1)
LEAD_KPA_S = const(2)
DESCENDING = const(3)
RISING = const(4)
_TARGET_KPA = const(5)
_LEAD_TICKS = const(6)
_TRAVEL_TICKS = const(7)
_WAIT = const(8)
_AHEAD_KPA = const(9)
_FULL_RATE = const(10)
_RISEN = const(11)
_REMAINDER = const(12)
_AT = const(13)
# Steps that have been worked out and are still to be taken, in a ring.
_STEPS = const(14)
_REGISTERS = const(14 + 15)


@micropython.viper
def advance_setpoint(registers: ptr32, rise: ptr8) -> int:
    """Move a setpoint by one tick; return 1 when it stands on its target, else 0.

    `rise` is how the rate comes in: its share / 256 by ticks from standstill.
    """
    sign_shift = registers[_SIGN_SHIFT]
    value = registers[VALUE_KPA] << sign_shift >> sign_shift
    target = registers[_TARGET_KPA] << sign_shift >> sign_shift
    registers[DESCENDING] = 1 if target < value else 0
    registers[RISING] = 1 if target > value else 0
    if registers[_WAIT]:
        registers[_WAIT] -= 1
        return 1 if target == value else 0

    # By how much the setpoint is to move, `lead_ticks` from now.
    kpa = 0
    speed = 0
    ahead = registers[_AHEAD_KPA] << sign_shift >> sign_shift
    distance = target - ahead
    if distance != 0:
        remaining = distance if distance > 0 else 0 - distance
        full = registers[_FULL_RATE]
        speed = full
        risen = registers[_RISEN]
        if risen < _RISE_TICKS:
            speed = (full * rise[risen] >> 8) + 1
            registers[_RISEN] = risen + 1
        floor = full // _FADE_FLOOR + 1
        fade = remaining * _FADE_PER_S
        if fade < floor:
            fade = floor
        if speed > fade:
            speed = fade
        travel = registers[_REMAINDER] + speed
        kpa = travel // _TICK_HZ
        registers[_REMAINDER] = travel - kpa * _TICK_HZ
        if kpa >= remaining:
            kpa = remaining
            registers[_REMAINDER] = 0
        if distance < 0:
            kpa = 0 - kpa
            speed = 0 - speed
        registers[_AHEAD_KPA] = ahead + kpa
    registers[LEAD_KPA_S] = speed

    if registers[_LEAD_TICKS]:
        at = registers[_AT]
        due = registers[_STEPS + at] << sign_shift >> sign_shift
        registers[_STEPS + at] = kpa
        kpa = due
        at += 1
        registers[_AT] = at if at < registers[_LEAD_TICKS] else 0
    value += kpa
    registers[VALUE_KPA] = value
    return 1 if target == value else 0


class SetpointGenerator:
    """Setpoint in kPa that moves in steps of whole kPa and loses no fraction of the rate."""

    value_kpa = register(VALUE_KPA)
    target_kpa = register(_TARGET_KPA)
    # Signed rate that a command given now will meet at the press, kPa/s: the feed-forward.
    lead_kpa_s = register(LEAD_KPA_S)
    # Whether it is on its way down, or about to go: work for the release. 1 or 0.
    descending = register(DESCENDING)
    # Whether it is on its way up: work for the pump.
    rising = register(RISING)

    def __init__(self):
        self.registers = register_block(_REGISTERS)

    def configure(self, lag_ticks):
        """Say how long a command takes to reach the press."""
        block = self.registers
        block[_LEAD_TICKS] = min(_MAX_LEAD_TICKS, lag_ticks)
        block[_TRAVEL_TICKS] = _TRAVEL_LAGS * block[_LEAD_TICKS]
        block[_AT] = 0
        self.halt()

    def jump(self, value_kpa):
        """Put the setpoint somewhere and let it rest there."""
        self.registers[VALUE_KPA] = value_kpa
        self.registers[_TARGET_KPA] = value_kpa
        self.halt()

    def ramp(self, target_kpa, rate_kpa_s):
        """Start towards a target from the present value, from standstill."""
        self.registers[_TARGET_KPA] = target_kpa
        self.registers[_FULL_RATE] = rate_kpa_s
        self.halt()

    def arrived(self):
        """Whether the setpoint stands on its target."""
        return self.registers[VALUE_KPA] == self.registers[_TARGET_KPA]

    def step(self):
        """Move by one tick; return whether the setpoint stands on its target."""
        return advance_setpoint(self.registers, RISE) != 0

    def halt(self):
        """Stop moving but keep the target: the next step starts from standstill."""
        block = self.registers
        falls = block[_TARGET_KPA] < block[VALUE_KPA]
        block[LEAD_KPA_S] = 0
        block[DESCENDING] = 0
        block[RISING] = 0
        block[_WAIT] = block[_TRAVEL_TICKS] if falls else 0
        block[_AHEAD_KPA] = block[VALUE_KPA]
        block[_RISEN] = 0
        block[_REMAINDER] = 0
        for at in range(_STEPS, _REGISTERS):
            block[at] = 0
