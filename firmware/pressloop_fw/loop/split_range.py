"""Turns a wanted pressure rate into an opening of the pump valve or of the release valve.

The two valves are one actuator: a positive rate opens the pump, a negative one the release, and
never both. The stiffness of the press at this pressure turns the rate into an opening, to which the
dead band of the valve is added. Release flow grows with the square root of the pressure; the
opening is divided by that.

Between the two is a gap in which neither passes oil, so that noise does not make them work against
each other. In the gap the pump valve waits just below its dead band: from there it opens a few
ticks earlier than from its seat.
"""

from pressloop_fw.loop.registers import register, register_block
from pressloop_fw.loop.stiffness import COMPLIANCE_RATIO_ONE, curve_gains
from pressloop_fw.wire import schema

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.setpoint: DESCENDING RISING PREPARED_TO_FALL
# loop.stiffness: COMPLIANCE_RATIO GAIN_BITS
# wire.schema: OUTPUT_FULL
_DESCENDING = const(3)
_RISING = const(4)
_PREPARED_TO_FALL = const(33)
_COMPLIANCE_RATIO = const(1)
_GAIN_BITS = const(14)
_OUTPUT_FULL = const(32767)
# end of generated

# Registers that other modules read.
PUMP = const(1)
RELEASE = const(2)
RISE_KPA_S = const(3)
FALL_KPA_S = const(4)
CURVE_GAIN = const(5)
PUMPING = const(6)
PUMP_COMMAND = const(7)
RELEASE_COMMAND = const(8)
PUMP_GAIN = const(9)
RELEASE_GAIN = const(10)
PUMP_DEAD_BAND = const(12)
RELEASE_DEAD_BAND = const(13)
# By what an opening of the release is to be multiplied at this pressure, times 256.
ROOT_Q8 = const(30)
# Whether the release does the work, and the gain of the valve that does, from rate to opening.
THROUGH_RELEASE = const(31)
ACT_GAIN = const(32)
# Bits of a command.
COMMAND_BITS = const(15)
# Registers of this module.
_RELEASE_PER_PUMP = const(11)
_REFERENCE_KPA = const(14)
_RELEASING = const(15)
_MIN_GAP = const(16)
DITHER = const(17)
_DITHER_UP = const(18)
OUTPUT = const(19)
_TOP_KPA = const(20)
_FIRST_GAIN = const(21)
_TOP_GAIN = const(28)
PUMP_LOCKED = const(29)
_TUNED = const(33)
# Whether the setpoint was descending when the valve was chosen that works.
CHOSEN_DESCENDING = const(34)
_REGISTERS = const(35)


# The release opens below -1/_GAP of the pump's full rate, and never for a rate that the sensor
# cannot resolve within half a second. It shuts above half of that. In a hold of a tuned press only
# the sensor counts: a pump of some GPa/s would make the gap as wide as the band or wider, and a
# pressure that rises by itself would stay in it until the integral has crossed it.
_GAP = const(1000)
_MAX_GAP = const(1 << 18)
# 12/s, the gain of a press whose valves are not slow, in 1/256 per second.
_USUAL_KP = const(3072)
# A waiting valve is at most this far below its dead band: a fiftieth of the stroke.
_WAITING = const(655)
_WAITING_SHARE = const(50)
# While the setpoint moves, the valve that moves the pressure shuts, over the width of the gap, by
# this much below its dead band: 6 % of the stroke, twice the error of a data sheet.
_SHUTTING = const(1966)
# A release that is about to work waits this far below its dead band, 3 % of the stroke and the
# dither: by so much a dead band drifts.
_PREPARED = const(983)
# At very low pressure the square-root correction is limited to 8 times the opening.
_MAX_RATIO_Q8 = const(64 << 8)
_GAIN_LIMIT_BITS = const(17)
_RATIO_BITS = const(12)
_MAX_PRODUCT = const(1 << 29)


@micropython.viper
def release_root_q8(reference_kpa: int, pressure_kpa: int) -> int:
    """Return by what an opening of the release is to be multiplied at a pressure, times 256.

    The flow grows with the square root of the pressure; at the reference it is as tuned.
    """
    rest = (reference_kpa << 8) // (pressure_kpa if pressure_kpa > 0 else 1)
    if rest > _MAX_RATIO_Q8:
        rest = _MAX_RATIO_Q8
    elif rest < 1:
        rest = 1
    # The integer square root of at most 2**22.
    rest <<= 8
    root = 0
    bit = 1 << 22
    while bit > rest:
        bit >>= 2
    while bit:
        if rest >= root + bit:
            rest -= root + bit
            root = (root >> 1) + bit
        else:
            root >>= 1
        bit >>= 2
    return root


@micropython.viper
def schedule(
    registers: ptr32,
    pressure_kpa: int,
    sample_compliance: ptr32,
    release_root_q8: object,
    setpoint: ptr32,
) -> int:
    """Compute the gains and the fastest rates at a pressure, with the present sample.

    `sample_compliance` is the block of the compliance estimate, `setpoint` that of the setpoint.
    `release_root_q8` is the function of that name: machine code that takes it from its module
    exchanges the globals first. Return whether the setpoint has another direction than the one for
    which the valve was chosen that works, 1 or 0.
    """
    # The curve is linear between its knots, each at twice the pressure of the one before.
    knot = _TOP_GAIN
    upper = registers[_TOP_KPA]
    curve = registers[knot]
    while pressure_kpa < upper and knot > _FIRST_GAIN:
        lower = upper >> 1
        knot -= 1
        curve = registers[knot]
        if pressure_kpa >= lower:
            share = (pressure_kpa - lower << 8) // (upper - lower)
            curve += (registers[knot + 1] - curve) * share >> 8
        upper = lower
    registers[CURVE_GAIN] = curve
    ratio = sample_compliance[_COMPLIANCE_RATIO]
    # The product stays below 2**30.
    gain = curve * (ratio >> 3) >> 5 if ratio >> 13 else curve * ratio >> 8
    most = 1 << _GAIN_LIMIT_BITS
    most -= 1
    if gain > most:
        gain = most
    elif gain < 1:
        gain = 1
    registers[PUMP_GAIN] = gain
    registers[RISE_KPA_S] = _MAX_PRODUCT // gain
    # A release is elastic: the powder does not take part, and its ratio does not count.
    gain = curve * registers[_RELEASE_PER_PUMP] >> _RATIO_BITS
    if gain < 1:
        gain = 1
    registers[RELEASE_GAIN] = gain
    registers[FALL_KPA_S] = _MAX_PRODUCT // gain
    if registers[THROUGH_RELEASE] or registers[_RELEASING]:
        registers[ROOT_Q8] = int(release_root_q8(registers[_REFERENCE_KPA], pressure_kpa))
    if registers[THROUGH_RELEASE]:
        gain = gain * registers[ROOT_Q8] >> 8
        if gain < 1:
            gain = 1
        registers[ACT_GAIN] = gain
    else:
        registers[ACT_GAIN] = registers[PUMP_GAIN]
    return registers[CHOSEN_DESCENDING] ^ setpoint[_DESCENDING]


@micropython.viper
def drive(
    registers: ptr32, rate_kpa_s: int, pressure_kpa: int, setpoint: ptr32, release_root_q8: object
):
    """Set the openings for a pressure rate, with the gains last scheduled.

    `setpoint` is the block of the setpoint, `release_root_q8` as for `schedule`. With the pump
    locked only the release acts. While the setpoint descends there is no gap, so that the release
    follows from the first tick on. While it descends or rises, the valve that moves the pressure
    shuts well below its dead band before the other one acts: if the profile's dead band is too
    high, the release does not go on draining the press, and the two do not work against each other.
    """
    rise = registers[RISE_KPA_S]
    fall = registers[FALL_KPA_S]
    if rate_kpa_s > rise:
        rate_kpa_s = rise
    elif rate_kpa_s < -fall:
        rate_kpa_s = -fall
    gap = rise // _GAP
    if gap < registers[_MIN_GAP]:
        gap = registers[_MIN_GAP]
    shut = 0
    locked = registers[PUMP_LOCKED]
    if locked or setpoint[_DESCENDING]:
        releasing = 1
        if rate_kpa_s > gap and not locked:
            # The press loses more by its own leak than it is to lose.
            releasing = 0
            rate_kpa_s -= gap
        elif rate_kpa_s > 0:
            shut = _SHUTTING * (rate_kpa_s if rate_kpa_s < gap else gap) // gap
            rate_kpa_s = 0
    else:
        if registers[_TUNED] and setpoint[_RISING] == 0:
            gap = registers[_MIN_GAP]
        if registers[_RELEASING]:
            gap >>= 1
        releasing = 1 if rate_kpa_s < 0 - gap else 0
        if setpoint[_RISING] and rate_kpa_s < 0 and not releasing:
            shut = _SHUTTING * (0 - rate_kpa_s) // gap
            rate_kpa_s = 0

    if releasing:
        valve = RELEASE
        dead_band = registers[RELEASE_DEAD_BAND] - shut
        opening = (0 - rate_kpa_s) * registers[RELEASE_GAIN] >> _GAIN_BITS
        if registers[_RELEASING] == 0 and registers[THROUGH_RELEASE] == 0:
            # Not yet computed with the gains.
            registers[ROOT_Q8] = int(release_root_q8(registers[_REFERENCE_KPA], pressure_kpa))
        opening = opening * registers[ROOT_Q8] >> 8
        if opening > _OUTPUT_FULL:
            opening = _OUTPUT_FULL
    else:
        valve = PUMP
        dead_band = registers[PUMP_DEAD_BAND] - shut
        opening = -_WAITING
        if rate_kpa_s > (0 - rise) // _WAITING_SHARE:
            opening = rate_kpa_s * registers[PUMP_GAIN] >> _GAIN_BITS

    lifted = dead_band + (opening * (_OUTPUT_FULL - dead_band) >> 15)
    if lifted < 0:
        lifted = 0
    registers[_RELEASING] = releasing
    registers[PUMP] = 0
    registers[RELEASE] = 0
    registers[PUMPING] = 0
    registers[valve] = lifted
    if releasing:
        registers[OUTPUT] = 0 - lifted
        return
    registers[OUTPUT] = lifted
    if setpoint[_PREPARED_TO_FALL] and registers[_TUNED]:
        waiting = registers[RELEASE_DEAD_BAND] - _PREPARED - registers[DITHER]
        if waiting > 0:
            registers[RELEASE] = waiting
    if lifted > dead_band:
        registers[PUMPING] = (lifted - dead_band << 15) // (_OUTPUT_FULL + 1 - dead_band)


@micropython.viper
def set_openings(registers: ptr32, pump: int, release: int):
    """Set both openings, 0..32767 of full stroke with the dead band."""
    registers[PUMP] = pump
    registers[RELEASE] = release
    registers[OUTPUT] = 0 - release if release else pump
    registers[_RELEASING] = 1 if release else 0
    above = pump - registers[PUMP_DEAD_BAND]
    if above < 0:
        above = 0
    registers[PUMPING] = (above << 15) // (_OUTPUT_FULL + 1 - registers[PUMP_DEAD_BAND])


@micropython.viper
def dither(registers: ptr32) -> int:
    """Compute the commands of this tick: the openings, alternately plus and minus the dither.

    Return both in one number, the release's shifted by COMMAND_BITS.

    A valve with hysteresis follows the mean of an alternating command if its amplitude is at least
    half of the hysteresis. A valve that is shut or fully open gets no dither.
    """
    by = registers[DITHER]
    if registers[_DITHER_UP]:
        registers[_DITHER_UP] = 0
        by = 0 - by
    else:
        registers[_DITHER_UP] = 1
    valve = PUMP
    while valve <= RELEASE:
        opening = registers[valve]
        if opening != 0 and opening != _OUTPUT_FULL:
            opening += by
            if opening < 0:
                opening = 0
            elif opening > _OUTPUT_FULL:
                opening = _OUTPUT_FULL
        registers[valve + PUMP_COMMAND - PUMP] = opening
        valve += 1
    return registers[RELEASE_COMMAND] << COMMAND_BITS | registers[PUMP_COMMAND]


class SplitRange:
    """Configures the split range and shows its openings, 0..32767.

    `rise_kpa_s` and `fall_kpa_s` are the rates of the fully open valves at the pressure last given
    to `schedule`; `pump_command` and `release_command` are the openings with dither.
    """

    pump = register(PUMP)
    release = register(RELEASE)
    rise_kpa_s = register(RISE_KPA_S)
    fall_kpa_s = register(FALL_KPA_S)
    # Gain of the curve alone at the present pressure, without the sample.
    curve_gain = register(CURVE_GAIN)
    # Opening of the pump above its dead band, 0..32767.
    pumping = register(PUMPING)
    pump_command = register(PUMP_COMMAND)
    release_command = register(RELEASE_COMMAND)
    # Whether only the release may act, 1 or 0.
    pump_locked = register(PUMP_LOCKED)
    # Whether the release does the work, 1 or 0.
    through_release = register(THROUGH_RELEASE)

    def __init__(self):
        self.registers = register_block(_REGISTERS)
        self._widest_gap = 1
        for position in (
            RISE_KPA_S,
            FALL_KPA_S,
            CURVE_GAIN,
            PUMP_GAIN,
            RELEASE_GAIN,
            _MIN_GAP,
        ):
            self.registers[position] = 1

    def configure(self, profile, scaling):
        """Take over flows, compliance, dead bands and hysteresis."""
        block = self.registers
        block[_TOP_KPA] = scaling.pellet_limit_kpa
        for knot, gain in enumerate(curve_gains(profile, scaling)):
            block[_FIRST_GAIN + knot] = gain
        # A release valve that passes less than the pump is driven as if it passed as much.
        block[_RELEASE_PER_PUMP] = min(
            1 << _RATIO_BITS, (profile.pump_flow_ul_s << _RATIO_BITS) // profile.release_flow_ul_s
        )
        block[PUMP_DEAD_BAND] = profile.pump_dead_band
        block[RELEASE_DEAD_BAND] = profile.release_dead_band
        block[_REFERENCE_KPA] = scaling.release_reference_kpa
        self._widest_gap = max(1, min(_MAX_GAP, 2 * scaling.resolution_kpa))
        block[_MIN_GAP] = self._widest_gap
        block[DITHER] = profile.valve_dither
        block[_TUNED] = schema.PROFILE_TUNING_RESIDUAL_PPM in profile.values
        block[ROOT_Q8] = 256
        block[ACT_GAIN] = 1
        as_tuned = register_block(_COMPLIANCE_RATIO + 1)
        as_tuned[_COMPLIANCE_RATIO] = COMPLIANCE_RATIO_ONE
        at_rest = register_block(_DESCENDING + 1)
        schedule(block, 0, as_tuned, release_root_q8, at_rest)
        set_openings(block, 0, 0)

    def fall_of(self, share):
        """Return how fast a share of the release's stroke lets the pressure fall, kPa/s.

        `share` is in the counts of an opening; the rate is at the pressure of the last tick.
        """
        block = self.registers
        return (share * (block[FALL_KPA_S] >> 15) << 8) // block[ROOT_Q8]

    def fit_gap(self, kp):
        """Make the gap as narrow as a lower proportional gain needs it, 1/256 per second.

        The gap is a rate, which the loop asks for at a sixth of the transducer's error if its gain
        is the usual one. With a slow valve's gain that would take half a band of error or more: a
        press whose pressure rises by itself, as oil that was released warms up, would stay there.
        Before a tuning it stays wide: dead bands are known so badly that the valves would hunt.
        """
        if not self.registers[_TUNED]:
            return
        gap = self._widest_gap * min(kp, _USUAL_KP) // _USUAL_KP
        self.registers[_MIN_GAP] = max(1, gap)

    def output(self):
        """Return the signed output, -32767 (release) to 32767 (pump), without dither."""
        return self.registers[OUTPUT]
