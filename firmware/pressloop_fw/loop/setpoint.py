"""The setpoint generator: moves the setpoint to its target at a rate, exactly.

The rate grows over an eighth of a second and fades before the target, over about the lag of the
valve: a corner that the valve cannot follow becomes an overshoot in the press, and what it follows
anyway need not be rounded.

A command acts on the press later, by the lag of the valve. So the generator computes its steps
ahead by that lag: the rate that it gives to the controller and the setpoint act at the press at the
same time. A closed release valve takes still longer, because its spool has to cross the dead band
first; the setpoint waits for that, unless the valve was prepared at the end of a hold.
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

# Share / 256 of the rate by ticks from standstill, without a corner at either end:
# 256 (3 x^2 - 2 x^3).
RISE = bytes(256 * (3 * 13 - 2 * n) * n * n // 13**3 for n in range(1, 13))
_RISE_TICKS = const(12)
# The rate is at most the remaining distance over this time, so it fades exponentially: 60 ms, or
# half of a longer lag,
_MIN_FADE_TICKS = const(6)
# but never below this fraction of the rate, so that the ramp ends.
_FADE_FLOOR = const(4)
# 170 ms: the longest valve lag that the generator computes ahead.
_MAX_LEAD_TICKS = const(17)
# In three lags a spool has moved 95 % of its way from the seat to the dead band. One that waits 3 %
# of the stroke below is there after one.
_TRAVEL_LAGS = const(3)
_PREPARED_LAGS = const(1)


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
# Steps that are computed and still to be made, in a ring.
_STEPS = const(14)
_FADE_TICKS = const(31)
# The hold may begin when the setpoint is as near to the target as this, kPa.
_NEAR_KPA = const(32)
# Whether the release valve waits near its dead band, because the setpoint is about to descend.
PREPARED_TO_FALL = const(33)
_REGISTERS = const(34)

# What `advance_setpoint` returns.
MOVING = const(0)
ARRIVED = const(1)
NEAR = const(2)  # the reading decides whether the hold begins


@micropython.viper
def advance_setpoint(registers: ptr32, rise: ptr8) -> int:
    """Move a setpoint by one tick; return MOVING, NEAR or ARRIVED.

    `rise` is RISE.
    """
    sign_shift = registers[_SIGN_SHIFT]
    value = registers[VALUE_KPA] << sign_shift >> sign_shift
    target = registers[_TARGET_KPA] << sign_shift >> sign_shift
    registers[DESCENDING] = 1 if target < value else 0
    registers[RISING] = 1 if target > value else 0
    if registers[_WAIT]:
        registers[_WAIT] -= 1
        return 1 if target == value else 0

    # By how much the setpoint will move, `lead_ticks` from now.
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
        fade = remaining * _TICK_HZ // registers[_FADE_TICKS]
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
    if target == value:
        return ARRIVED
    kpa = target - value
    if kpa < 0:
        kpa = 0 - kpa
    return NEAR if kpa <= registers[_NEAR_KPA] else MOVING


class SetpointGenerator:
    """A setpoint in whole kPa that moves without losing fractions of the rate."""

    value_kpa = register(VALUE_KPA)
    target_kpa = register(_TARGET_KPA)
    # Signed rate of the setpoint when a command given now acts, kPa/s: the feed-forward.
    lead_kpa_s = register(LEAD_KPA_S)
    # Whether it goes down, or is about to: the release valve works. 1 or 0.
    descending = register(DESCENDING)
    # Whether it goes up: the pump works. 1 or 0.
    rising = register(RISING)
    # How near to the target the hold may begin, kPa; set by `ramp`.
    near_kpa = register(_NEAR_KPA)

    def __init__(self):
        self.registers = register_block(_REGISTERS)
        self.registers[_FADE_TICKS] = _MIN_FADE_TICKS

    def configure(self, lag_ticks):
        """Set after how many ticks a command acts on the press."""
        block = self.registers
        block[_LEAD_TICKS] = min(_MAX_LEAD_TICKS, lag_ticks)
        block[_TRAVEL_TICKS] = _TRAVEL_LAGS * block[_LEAD_TICKS]
        block[_FADE_TICKS] = max(_MIN_FADE_TICKS, block[_LEAD_TICKS] // 2)
        block[PREPARED_TO_FALL] = 0
        block[_AT] = 0
        self.halt()

    def jump(self, value_kpa):
        """Put setpoint and target on a value."""
        self.registers[VALUE_KPA] = value_kpa
        self.registers[_TARGET_KPA] = value_kpa
        self.halt()

    def ramp(self, target_kpa, rate_kpa_s, near_kpa=0):
        """Start from standstill towards a target, at a rate."""
        self.registers[_TARGET_KPA] = target_kpa
        self.registers[_FULL_RATE] = rate_kpa_s
        self.registers[_NEAR_KPA] = near_kpa
        self.halt()

    def arrived(self):
        """Whether the setpoint has reached its target."""
        return self.registers[VALUE_KPA] == self.registers[_TARGET_KPA]

    def step(self):
        """Move by one tick; return whether the setpoint has reached its target."""
        return advance_setpoint(self.registers, RISE) == ARRIVED

    def halt(self):
        """Stop moving but keep the target: the next step starts from standstill."""
        block = self.registers
        falls = block[_TARGET_KPA] < block[VALUE_KPA]
        block[LEAD_KPA_S] = 0
        block[DESCENDING] = 0
        block[RISING] = 0
        block[_WAIT] = 0
        if falls:
            prepared = block[PREPARED_TO_FALL]
            block[_WAIT] = _PREPARED_LAGS * block[_LEAD_TICKS] if prepared else block[_TRAVEL_TICKS]
        block[PREPARED_TO_FALL] = 0
        block[_AHEAD_KPA] = block[VALUE_KPA]
        block[_RISEN] = 0
        block[_REMAINDER] = 0
        for at in range(_STEPS, _FADE_TICKS):
            block[at] = 0
