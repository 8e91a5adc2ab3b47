"""The approach: the pump closes the press until the ram meets the sample, fast and then slowly.

Before contact there is no pressure to control, so the approach goes by what has been pumped. The
profile states the travel of the ram from its seat to the sample. Far from there the pump is open as
far as an early contact allows. On the last part it has the opening of the profile, with which the
ram lands gently, or up to three times its flow on the way to a high target. A ram that is not known
to start at its seat goes slowly all the way. The pump stops late, so it gets time to stop; the ramp
then starts from the pressure that there is.

A reading that stands still hides the contact. So the pumped travel has a limit: twice the stated
one, and little more than it where one pressure channel alone watches the press. A ram that was
only taken off the sample starts no further away than an open release valve can have let it go back.

Where one channel alone watches it, the ram moves only while a person holds the button. A button
that was down already when the approach began is no hand: it counts once it has been up. The time
and the travel that the approach may take do not run while it waits.

Pumped travel is counted in 1/1024 of what the fully open pump delivers in a tick.
"""

from pressloop_fw.loop.leak import compliance_nl_mpa
from pressloop_fw.loop.registers import register, register_block
from pressloop_fw.wire import schema

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.registers: SIGN_SHIFT
# wire.schema: INPUT_BUTTON
_SIGN_SHIFT = const(0)
_INPUT_BUTTON = const(4)
# end of generated

CLOSING = const(0)  # the pump runs
LANDING = const(1)  # contact: the pump stops
LANDED = const(2)  # the loop can take over
WAITING = const(3)  # the pump stands until the button is held

# What `watch_approach` returns.
GOES_ON = const(0)
EXPIRED = const(1)  # it has lasted for its timeout, or has pumped all that it may
AT_SEAT = const(2)  # the reading has stayed that of a ram at its seat

# Readings in a row that count as contact.
_MIN_CONTACT_READINGS = const(3)
_TICK_MS = const(10)
_SHARE_BITS = const(10)
# A contact that comes early may raise the pressure by this share of the press's limit, and by this
# share of the target; half of that with one channel.
_EARLY_LIMIT_SHIFT = const(4)
_EARLY_TARGET_SHIFT = const(1)
# A landing may raise the pressure by an eighth of the target, with at most three times the flow of
# the profile's opening.
_LANDING_SHIFT = const(2)
_MAX_LANDING = const(3)
_MAX_EARLY_KPA = const(1 << 18)
_MAX_EARLY_GAIN = const(2047)
# A lag that no tuning has found, ms.
_USUAL_LAG_MS = const(40)
# The slow part: so many ticks, and with one channel or untuned a share of the travel besides.
_SLOW_TICKS = const(60)
_SLOW_SHIFT = const(4)
_UNTUNED_SLOW_SHIFT = const(3)
# By how much of the flow the pump's dead band may be wrong; no more than half of a slow flow.
_DEAD_BAND_DOUBT = const(39)
# How far the ram may go beyond the stated travel: as far again and 1 mm; with one channel a share
# of it and 0.5 mm, by which loose powder yields until its pressure counts as contact. Without a
# tuning the pump may deliver a tenth less or more than the profile says.
_GUARDED_BEYOND_UM = const(1000)
# No approach goes nearer to the end of the ram's stroke than this.
_STROKE_RESERVE_UM = const(1000)
_BEYOND_SHIFT = const(4)
_UNTUNED_BEYOND_SHIFT = const(2)
_BEYOND_UM = const(500)
# The same for a ram that was only taken off its sample, besides the way that it may have gone back.
_BACK_UM = const(200)
_MAX_UNSEEN_TICKS = const(20)
_MAX_TRAVEL = const((1 << 29) - 1)
# The pressure of the return spring shows whether the ram stands at its seat, if it is this many
# halves of the transducer's error. Only a larger one must show that the ram has left its seat.
_MIN_RETURN_HALVES = const(3)
_MIN_LIFT_HALVES = const(5)
# A reading that has risen by this share of the contact pressure is alive.
_LOAD_SHIFT = const(3)
# On a shorter way the oil that lifts the ram off its seat may be more than half of it.
_MIN_LIFT_UM = const(1000)
# A ram is at its seat when the release has been open for this many times the time that a travel
# takes at the pressure of the return spring; if that is unknown, at the pressure of contact.
_SEATED_TIMES = const(3)
_UNKNOWN_SEATED_TIMES = const(8)
_MAX_OPEN_TICKS = const(1 << 20)
_REFERENCE_KPA = const(10000)
# Smoothing of the reading: over 8 calls of `note_rest`, and over 16 ticks of the travel.
_REST_SHIFT = const(3)
_TRAVEL_SHIFT = const(4)
_MEAN_BITS = const(4)
_NEVER_KPA = const(-(1 << 24))

# The opening of the pump valve while it closes the press, and what was pumped so far.
OPENING = const(1)
TRAVEL = const(2)
_TICKS = const(3)
_MAX_TICKS = const(4)
_SHARE = const(5)
# Whether the opening is the slow one, and the travel from which on it is.
_SLOW = const(6)
_FAST_UNTIL = const(7)
# By how much the travel may be less than counted: in a slow tick, and in all.
_DOUBT = const(8)
_DOUBTED = const(9)
_LAST = const(10)
_LIFTS_FROM = const(11)
_STAYS_AT_SEAT = const(12)
_CONTACT_KPA = const(13)
_CONTACT_COUNT = const(14)
# Whether the ram moves only while the button is held, whether it is, and whether it was ever up.
_HOLD_TO_RUN = const(15)
_HELD = const(16)
_WAS_UP = const(17)
# Mean reading, 1/16 kPa; known since the first `note_rest`.
_MEAN = const(18)
_KNOWS_MEAN = const(19)
# Ticks for which the release may have let the ram go back since contact, and those for which it was
# fully open.
_OPEN_TICKS = const(20)
_FREE_TICKS = const(21)
_REGISTERS = const(22)


@micropython.viper
def watch_approach(registers: ptr32, inputs: int) -> int:
    """Process the inputs of a tick; return GOES_ON, EXPIRED or AT_SEAT."""
    sign_shift = registers[_SIGN_SHIFT]
    registers[_HELD] = inputs & _INPUT_BUTTON
    doubted = registers[_DOUBTED]
    last = registers[_LAST] << sign_shift >> sign_shift
    if registers[_TICKS] >= registers[_MAX_TICKS] or registers[TRAVEL] - doubted >= last:
        return EXPIRED
    return AT_SEAT if registers[_STAYS_AT_SEAT] else GOES_ON


@micropython.viper
def close_press(registers: ptr32, pressure_kpa: int) -> int:
    """Do a tick of an approach if it is a usual one: the pump goes on as before, without contact.

    Return 1, or 0 if the tick is not; then nothing has been counted.
    """
    sign_shift = registers[_SIGN_SHIFT]
    if pressure_kpa >= registers[_CONTACT_KPA]:
        return 0
    if registers[_HOLD_TO_RUN] and (registers[_HELD] == 0 or registers[_WAS_UP] == 0):
        return 0
    # The same as `Approach.step`.
    travel = registers[TRAVEL] + registers[_SHARE]
    if travel >= registers[_LIFTS_FROM]:
        return 0
    if travel >= registers[_FAST_UNTIL] << sign_shift >> sign_shift:
        if registers[_SLOW] == 0:
            return 0
        registers[_DOUBTED] += registers[_DOUBT]
    registers[TRAVEL] = travel
    registers[_TICKS] += 1
    registers[_CONTACT_COUNT] = 0
    mean = registers[_MEAN] << sign_shift >> sign_shift
    registers[_MEAN] = mean + ((pressure_kpa << _MEAN_BITS) - mean >> _TRAVEL_SHIFT)
    return 1


@micropython.viper
def note_rest(registers: ptr32, pressure_kpa: int, ticks: int, opened: int, free: int):
    """Process some ticks outside of an approach: how far the ram may have gone back.

    `opened` says whether the release lets oil pass, `free` whether it is fully open.
    """
    sign_shift = registers[_SIGN_SHIFT]
    reading = pressure_kpa << _MEAN_BITS
    mean = registers[_MEAN] << sign_shift >> sign_shift
    if registers[_KNOWS_MEAN] == 0:
        registers[_KNOWS_MEAN] = 1
        mean = reading
    registers[_MEAN] = mean + (reading - mean >> _REST_SHIFT)
    if pressure_kpa >= registers[_CONTACT_KPA]:
        registers[_OPEN_TICKS] = 0
        registers[_FREE_TICKS] = 0
    elif opened:
        if registers[_OPEN_TICKS] < _MAX_OPEN_TICKS:
            registers[_OPEN_TICKS] += ticks
        if free and registers[_FREE_TICKS] < _MAX_OPEN_TICKS:
            registers[_FREE_TICKS] += ticks


class Approach:
    """Counts the ticks, the pumped travel and the contact readings of one approach.

    `close_press` does its usual ticks, `step` all others. `travel` is what was pumped so far.
    """

    travel = register(TRAVEL)
    # Whether the opening is the slow one, 1 or 0.
    slow = register(_SLOW)
    # Whether the reading has stayed that of a ram at its seat while the ram must have moved.
    stays_at_seat = register(_STAYS_AT_SEAT)
    # Whether the ram moves only while the button is held, 1 or 0.
    hold_to_run = register(_HOLD_TO_RUN)

    def __init__(self):
        # What the tick writes is in the block: with properties in a class, each write to one of its
        # objects looks through the class.
        self.registers = register_block(_REGISTERS)
        self.registers[_SLOW] = 1
        self.registers[_SHARE] = 1
        self.registers[_LAST] = _MAX_TRAVEL
        self.registers[_LIFTS_FROM] = _MAX_TRAVEL
        self.registers[_OPEN_TICKS] = _MAX_OPEN_TICKS
        # How many ticks the pump needs to stop after contact.
        self.landing_ticks = 0
        self._profile = None
        self._guarded = False
        self._slow_share = 1
        self._stated = 0
        self._most = _MAX_TRAVEL
        self._near = 0
        self._early_gain = 0
        self._early_kpa = 0
        self._back = 0
        self._per_open_tick = 1
        self._seated_ticks = 0
        self._seat_kpa = _NEVER_KPA
        self._shows_lift = False
        self._half_way = 0
        self._landing_share = 1
        self._seated_kpa = 0
        self._scaling = None

    def configure(self, profile, scaling, guarded):
        """Take over a press and a die.

        `guarded` says whether a second channel or a displacement sensor watches the approach, too.
        """
        lag_ms = profile.valve_lag_ms
        flow = profile.pump_flow_ul_s
        self.landing_ticks = 2 * lag_ms // _TICK_MS
        self._guarded = guarded
        dead_band = profile.pump_dead_band
        stroke = schema.OUTPUT_FULL - dead_band
        if self._scaling:
            # On the scale of another die the same oil is another pressure.
            mean = self.registers[_MEAN]
            self.registers[_MEAN] = scaling.pellet_kpa(self._scaling.oil_kpa(mean))
        self._scaling = scaling
        self._profile = profile
        self._slow_share = max(1, (profile.approach_opening - dead_band << _SHARE_BITS) // stroke)
        self.registers[_CONTACT_KPA] = scaling.contact_kpa
        self.registers[_MAX_TICKS] = -(-profile.approach_timeout_ms // _TICK_MS)

        # The share of the flow that an early contact allows for each kPa, until the pump has
        # stopped.
        stop_ms = _TICK_MS * (_MIN_CONTACT_READINGS + 1 + (1 << profile.filter_shift))
        stop_ms += lag_ms or _USUAL_LAG_MS
        soft = compliance_nl_mpa(profile, profile.contact_oil_kpa) << 2 * _SHARE_BITS
        gain = scaling.oil_kpa(soft) // (1000 * stop_ms * flow)
        self._early_gain = min(_MAX_EARLY_GAIN, gain)
        self._early_kpa = min(_MAX_EARLY_KPA, scaling.pellet_limit_kpa >> _EARLY_LIMIT_SHIFT)

        um = profile.values.get(schema.PROFILE_APPROACH_UM, 0)
        self._stated = self._travel(um)
        tuned = schema.PROFILE_TUNING_RESIDUAL_PPM in profile.values
        beyond_um = um + _GUARDED_BEYOND_UM
        if not guarded:
            beyond_um = (um >> (_BEYOND_SHIFT if tuned else _UNTUNED_BEYOND_SHIFT)) + _BEYOND_UM
        self._back = self._travel(_BACK_UM)
        self._most = min(_MAX_TRAVEL, self._stated + self._travel(beyond_um)) if um else _MAX_TRAVEL
        self._near = 0
        if not tuned:
            self._near = self._stated >> _UNTUNED_SLOW_SHIFT
        elif not guarded:
            self._near = self._stated >> _SLOW_SHIFT
        # The oil that lifts the ram off its seat is less than half of the way.
        self._half_way = max(1, self._stated >> 1)
        stroke_um = profile.values.get(schema.PROFILE_STROKE_UM, 0)
        if stroke_um:
            self._most = min(self._most, self._travel(stroke_um - _STROKE_RESERVE_UM))
        self._per_open_tick = _released(profile, profile.contact_oil_kpa)
        if schema.PROFILE_RETURN_OIL_KPA in profile.values:
            back = _released(profile, min(profile.return_oil_kpa, profile.contact_oil_kpa))
            self._seated_ticks = _SEATED_TIMES * (self._stated // back + 1)
        else:
            ticks = self._stated // self._per_open_tick + 1
            self._seated_ticks = _UNKNOWN_SEATED_TIMES * ticks
        seat_kpa = 0
        if schema.PROFILE_RETURN_OIL_KPA in profile.values and um:
            seat_kpa = scaling.pellet_kpa(profile.return_oil_kpa)
        shows = 2 * seat_kpa >= _MIN_RETURN_HALVES * scaling.resolution_kpa
        self._seat_kpa = 0 - (seat_kpa >> 1) if shows else _NEVER_KPA
        lifts = 2 * seat_kpa >= _MIN_LIFT_HALVES * scaling.resolution_kpa
        self._shows_lift = um >= _MIN_LIFT_UM and lifts

    def _travel(self, um):
        """Return the pumped travel for a way of the ram, um."""
        profile = self._profile
        return min(_MAX_TRAVEL, um * profile.ram_area_mm2 * 512 // (5 * profile.pump_flow_ul_s))

    def restart(self, target_kpa):
        """Begin a new approach for a ramp to a target."""
        block = self.registers
        block[_TICKS] = 0
        # As if the button was down until a tick shows that it is up.
        block[_HELD] = 1
        block[_WAS_UP] = 0
        block[_CONTACT_COUNT] = 0
        block[TRAVEL] = 0
        block[_STAYS_AT_SEAT] = 0
        mean_kpa = self.mean_kpa()
        at_seat = block[_KNOWS_MEAN] and mean_kpa <= self._seat_kpa
        open_ticks = block[_OPEN_TICKS]
        free_ticks = block[_FREE_TICKS]
        block[_FREE_TICKS] = 0
        most = self._most
        if self._stated:
            back = most
            if open_ticks < _MAX_TRAVEL // self._per_open_tick:
                back = (open_ticks + _MAX_UNSEEN_TICKS) * self._per_open_tick + self._back
            if back < most:
                most = back
        block[_LAST] = most
        early_kpa = target_kpa >> _EARLY_TARGET_SHIFT
        if early_kpa > self._early_kpa:
            early_kpa = self._early_kpa
        if not self._guarded:
            early_kpa >>= 1
        share = early_kpa * self._early_gain >> _SHARE_BITS
        if share > 1 << _SHARE_BITS:
            share = 1 << _SHARE_BITS
        slow = self._stated == 0 or not (at_seat or free_ticks >= self._seated_ticks)
        # A reading that says so must change once the ram has left its seat.
        self._seated_kpa = mean_kpa
        block[_LIFTS_FROM] = self._half_way if at_seat and self._shows_lift else _MAX_TRAVEL
        landing = early_kpa * self._early_gain >> _SHARE_BITS + _LANDING_SHIFT
        if landing > _MAX_LANDING * self._slow_share:
            landing = _MAX_LANDING * self._slow_share
        elif landing < self._slow_share:
            landing = self._slow_share
        if landing >= share:
            landing = share if share > self._slow_share else self._slow_share
            slow = True
        self._landing_share = landing
        block[_SLOW] = slow
        block[_FAST_UNTIL] = self._stated - self._near - _SLOW_TICKS * landing
        doubt = landing >> 1
        block[_DOUBT] = doubt if doubt < _DEAD_BAND_DOUBT else _DEAD_BAND_DOUBT
        block[_DOUBTED] = 0
        self._open(landing if slow else share)

    def _open(self, share):
        """Close the press with a share of the pump's flow."""
        block = self.registers
        block[_SHARE] = share
        if share == self._slow_share:
            block[OPENING] = self._profile.approach_opening
            return
        dead_band = self._profile.pump_dead_band
        block[OPENING] = dead_band + ((schema.OUTPUT_FULL - dead_band) * share >> _SHARE_BITS)

    def step(self, pressure_kpa):
        """Process a tick with its reading; return CLOSING, LANDING, LANDED or WAITING."""
        block = self.registers
        contact_kpa = block[_CONTACT_KPA]
        if block[_HOLD_TO_RUN] and pressure_kpa < contact_kpa:
            if not block[_HELD]:
                block[_WAS_UP] = 1
            if self.waits():
                block[_CONTACT_COUNT] = 0
                return WAITING
        block[_TICKS] += 1
        block[_MEAN] += (pressure_kpa << _MEAN_BITS) - block[_MEAN] >> _TRAVEL_SHIFT
        if pressure_kpa < contact_kpa:
            block[_CONTACT_COUNT] = 0
            travel = block[TRAVEL] + block[_SHARE]
            block[TRAVEL] = travel
            if travel >= block[_FAST_UNTIL]:
                # A dead band that is wider than the profile says costs much of a small flow.
                block[_DOUBTED] += block[_DOUBT]
                if not block[_SLOW]:
                    block[_SLOW] = 1
                    self._open(self._landing_share)
            if travel >= block[_LIFTS_FROM]:
                block[_LIFTS_FROM] = _MAX_TRAVEL
                mean_kpa = self.mean_kpa()
                # A quarter of the spring's pressure: air in the oil may take most of the way.
                risen_kpa = mean_kpa - self._seated_kpa
                block[_STAYS_AT_SEAT] = (
                    mean_kpa <= self._seat_kpa and risen_kpa < 0 - self._seat_kpa >> 1
                )
            return CLOSING
        count = block[_CONTACT_COUNT] + 1
        block[_CONTACT_COUNT] = count
        if count < _MIN_CONTACT_READINGS:
            return CLOSING
        if count < _MIN_CONTACT_READINGS + self.landing_ticks:
            return LANDING
        return LANDED

    def waits(self):
        """Whether the ram stands because the button is not held, or was never seen up before."""
        block = self.registers
        return bool(block[_HOLD_TO_RUN] and not (block[_HELD] and block[_WAS_UP]))

    def mean_kpa(self):
        """Return the reading, smoothed over 16 ticks of the travel."""
        return self.registers[_MEAN] >> _MEAN_BITS

    def shows_load(self, before_kpa):
        """Whether the reading has risen from `before_kpa` by an eighth of the contact pressure."""
        return self.mean_kpa() - before_kpa > self.registers[_CONTACT_KPA] >> _LOAD_SHIFT

    def seated(self):
        """Whether the release has been open for as long as the ram needs to its seat."""
        return self._stated > 0 and self.registers[_FREE_TICKS] >= self._seated_ticks

    def forget_sample(self):
        """Forget where the sample was: a person may have exchanged it."""
        self.registers[_OPEN_TICKS] = _MAX_OPEN_TICKS


def _released(profile, oil_kpa):
    """Return the travel that the open release takes back in a tick at a pressure of the oil."""
    # The flow of an orifice goes with the root of the pressure.
    share = 0
    while share < 1 << _SHARE_BITS and share * share * _REFERENCE_KPA < oil_kpa << 2 * _SHARE_BITS:
        share += 1
    return max(1, min(1 << 20, profile.release_flow_ul_s * share // profile.pump_flow_ul_s))
