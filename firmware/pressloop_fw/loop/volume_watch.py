"""Compares what the pump was told to deliver with the rise of the reading.

The controller asks for a rate of pressure, which the split range turns into a volume by flow,
compliance and sample. Asked-for rate minus measured rise, summed up, is oil that did not answer as
pressure: a reading that is frozen or drifts, a dry pump, a leak, a die that gives way. More of it
than a sound press can explain trips.

A reading that rises in a hold, by an eighth or more of what was asked for meanwhile, is alive: what
it did not show was loss, if that is no more than a valve hides that sticks. Where the dither does
not take all of the hysteresis away, the loop swings slowly, and at each turn asks for more and more
before the valve moves. The dither is half of the hysteresis at least.

A sound press explains four things, which are subtracted:

- the loss that is there all the time, by leak, relaxation and an error of the pump's dead band. It
  is learned at the start of a ramp and of a hold, and followed down fast and up very slowly, so
  that an integral that winds up is not learned away. It has a limit by profile and pressure;
- half of a ramp's rate, or of what a pump at its limit delivers, because stiffness and sample are
  known only roughly while they change, and no more than the reading rises by meanwhile; an eighth
  where the sample has seen the pressure before;
- a small share of the pressure and of the pump's full rate per second, and some of the jitter of
  the rate that is asked for;
- everything that happened before the release valve acted: it lets out what was too much.

Rates in kPa/s, volumes as the pressure that they would raise.
"""

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
# loop.setpoint: LEAD_KPA_S
# loop.split_range: RELEASE RISE_KPA_S DITHER PUMP_LOCKED
# loop.stiffness: COMPLIANCE_RATIO COMPLIANCE_RATIO_ONE SLOPE_KPA_S
# loop.crack_detector: NOISE LAST_READING FOUR_SIGMA_SHIFT
# wire.schema: TICK_HZ
_SIGN_SHIFT = const(0)
_LEAD_KPA_S = const(2)
_RELEASE = const(2)
_RISE_KPA_S = const(3)
_DITHER = const(17)
_PUMP_LOCKED = const(29)
_COMPLIANCE_RATIO = const(1)
_COMPLIANCE_RATIO_ONE = const(256)
_SLOPE_KPA_S = const(8)
_NOISE = const(12)
_LAST_READING = const(10)
_FOUR_SIGMA_SHIFT = const(5)
_TICK_HZ = const(100)
# end of generated

# What `watch_volume` returns.
ANSWERED = const(0)  # all that was pumped shows as pressure
DOUBTED = const(1)  # some of it does not, less than the limit
UNANSWERED = const(2)  # too much of it does not

HIGHEST_KPA = const(1)
_EXCESS = const(2)
_LOSS = const(3)
_SMOOTHED = const(4)
_FED = const(5)
_LAST_KPA = const(6)
_LEARNING = const(7)
_MOVING = const(8)
_OVER = const(9)
_LAG_SHIFT = const(10)
_MARGIN_KPA = const(11)
_START_KPA = const(12)
_RATIO = const(13)
_HOLD_LEARNING = const(14)
_HALVED = const(15)
_DOUBLED = const(16)
_START_LIMIT_KPA = const(17)
_JITTER = const(18)
_CONTACT_KPA = const(19)
_RETRACTED = const(20)
_FULL = const(21)
_MEAN = const(22)
_LOWEST = const(23)
_ASKED = const(24)
_LEAST_RISE = const(25)
_DOUBTING = const(26)
_HELD = const(27)
_SETTLING_SHIFT = const(28)
_SETTLING_UP_SHIFT = const(29)
_RAMP_LOSS_KPA_S = const(30)
# What was lost before this ramp, and whether it has been learned at all.
_LOSS_BEFORE_KPA_S = const(31)
_LEARNED = const(32)
# 1 while a hold goes back to its target after a test: that is no ramp, which would learn anew.
RETURNING = const(33)
# What the pump's dead band does instead of the loop, kPa/s: it counts as asked for, too.
UNSEEN_KPA_S = const(34)
_REGISTERS = const(35)

# The loss has this many more bits than kPa/s, so that it can be followed slowly.
_LOSS_BITS = const(8)
_MAX_RATE_BITS = const(20)
# A small die on a large ram rises by gigapascals per second at full rate. What is allowed is a
# share of that and would be too little if it were cut as early as the rate that is asked for.
_MAX_FULL_BITS = const(23)
# The loss is learned over 16 ticks at the start of a hold and of a ramp, for so many ticks. Without
# a tuning the dead band is known so badly that a hold takes as long as a ramp.
_LEARN_SHIFT = const(4)
_TUNED_HOLD_LEARNING = const(64)
_LONGEST_LEARNING = const(128)
# Later it is smoothed over 512 ticks, and followed down over 128 ticks and up over 4096; in a hold
# over 8192. A follower that is quick in one direction settles below the mean by about two standard
# deviations of what it follows. So noise and dither are smoothed away before, and what is left of
# them is allowed: an eighth of the mean jitter of the rate that is asked for.
_SMOOTH_SHIFT = const(9)
_JITTER_SHIFT = const(3)
_DOWN_SHIFT = const(7)
# After 20 s of a hold powder relaxes slowly, and down is over 1024 ticks: the loop's own swings of
# some seconds would be followed to their lowest, and add up to a fault within an hour.
_SETTLED_TICKS = const(2000)
_SETTLED_DOWN_SHIFT = const(10)
_UP_SHIFT = const(12)
# The largest loss: 1/32 + 1/64 of the pump's full rate, which is by how much a dead band may be
# wrong, and 1/64 of the pressure per second, which is how fast fresh powder relaxes.
_DEAD_BAND_SHIFT = const(5)
_RELAXING_SHIFT = const(6)
# A hold that follows a ramp on a tuned press learns no more beyond the loss of that ramp than such
# a relaxation and a 128th of the pump's full rate, for the hysteresis: sound holds stay within a
# 146th. A reading that stands below the setpoint when the hold begins would else be learned.
_HOLD_BEYOND_SHIFT = const(7)
# An error of the dead band is a share of the pump's full rate. While that grows, as press and
# sample get stiffer, the loss grows with it by a 64th each; a fall by an eighth begins anew.
_STIFFER_SHIFT = const(6)
_SOFTER_BY_SHIFT = const(3)
# What is allowed every second: a 1024th of the pressure, and a 2048th of the pump's full rate. No
# valve is known to less than half a thousandth of its stroke, which is 16 counts of its command.
_ALLOWANCE_SHIFT = const(10)
_STROKE_SHIFT = const(11)
# The hysteresis of a valve is less known: a hold learns after an overshoot, when the valve stands
# at the near side of it, and then it passes to the far side. So much is allowed in the first 20 s,
# a 256th of the stroke or without a tuning a 64th, and the loss is followed up over 512 ticks. A
# reading that stands still or drifts is found later, so one channel alone does not get it.
_TUNED_SETTLING_SHIFT = const(8)
_UNTUNED_SETTLING_SHIFT = const(6)
_QUICK_UP_SHIFT = const(9)
# What did not answer is forgotten over 8192 ticks: what remains of an error of the loss must not
# add up to a fault in a hold of hours. A reading that stands still is found within seconds.
_FORGET_SHIFT = const(13)
# A reading falls by at most this share of itself per tick to count: a crack is not a volume.
_FALL_SHIFT = const(8)
# Limits: a sixteenth of the pressure and a hundred-and-twenty-eighth of the press's limit. Below a
# sixteenth of the press's limit air makes the oil softer than its curve and nothing is known of the
# sample: there the limit is a quarter of that pressure. Without a tuning the parts that do not
# depend on the pressure are doubled.
_SHARE_SHIFT = const(4)
_MARGIN_SHIFT = const(7)
_START_LIMIT_SHIFT = const(4)
# A release to nothing takes the ram off the sample. Until the next contact oil moves the ram and
# raises no pressure: eight times the limit below a sixteenth of the press's limit.
_RETRACTED_SHIFT = const(3)
# A ramp through pressures that the sample has seen, but for the last sixteenth, is elastic: three
# eighths of the limit, if the press is tuned; sound ramps take up to half of that. In the first 2 s
# of a hold behind it: three quarters. Its loss is that before it and a 512th of the pump's full
# rate and of the pressure more, for drift: a reading that drifts from its start on would else be
# learned. An eighth of its rate is allowed, not half.
_AGAIN_SHIFT = const(4)
_AGAIN_ROUGH_SHIFT = const(3)
_AGAIN_BEYOND_SHIFT = const(9)
_AGAIN_HELD_TICKS = const(200)
# How often the limit is doubled without dither.
_HUNTING_DOUBLED = const(3)
# A sample may become softer over 64 ticks, and over 16 ticks as long as its stiffness is unknown.
# In a hold it does not: 512 ticks. Nor does it below a pressure that it has seen, but friction of
# the ram makes it look stiffer as a ramp begins: 2048 ticks.
_SOFTER_SHIFT = const(6)
_SOFTER_IN_HOLD_SHIFT = const(9)
_SOFTER_AGAIN_SHIFT = const(11)
_START_SHIFT = const(4)
_RATIO_BITS = const(8)
# 64 times, so that the product stays below 2**30.
_MOST_SOFTER = const(16383)
# Ticks in a row above the limit: a crack is named within three.
_MIN_TICKS = const(8)
_MAX_EXCESS_BITS = const(29)
# A rise in a hold is that of the mean of the unfiltered reading over 32 ticks above its lowest, in
# 1/16 kPa: the filtered one follows the valves. It is more than the counts and 1.5 standard
# deviations of the noise, which are eleven of the mean.
_MEAN_BITS = const(4)
_MEAN_SHIFT = const(5)
_MEAN_NOISE = const(3)
_MEAN_NOISE_SHIFT = const(4)
_MAX_ROSE = const(1 << 22)
# The share of what was asked for that it has to be.
_ANSWER_SHIFT = const(3)


@micropython.viper
def follow_loss(
    registers: ptr32, wanted_kpa_s: int, pressure_kpa: int, setpoint: ptr32, valves: ptr32
) -> int:
    """Process a tick of the closed loop, before `watch_volume`: learn what is always lost.

    `wanted_kpa_s` is the output of the controller; `setpoint` and `valves` are the blocks of the
    setpoint and the split range. Returns the output and what the dead band does instead of it,
    limited for `watch_volume`.
    """
    sign_shift = registers[_SIGN_SHIFT]
    wanted_kpa_s += registers[UNSEEN_KPA_S] << sign_shift >> sign_shift
    most = 1 << _MAX_RATE_BITS
    if wanted_kpa_s > most:
        wanted_kpa_s = most
    elif wanted_kpa_s < 0 - most:
        wanted_kpa_s = 0 - most
    lead = setpoint[_LEAD_KPA_S] << sign_shift >> sign_shift
    if lead < 0:
        registers[_MOVING] = 2
        return wanted_kpa_s
    if valves[_RELEASE] or valves[_PUMP_LOCKED]:
        return wanted_kpa_s
    loss = registers[_LOSS] << sign_shift >> sign_shift
    moving = 1 if lead else 0
    if registers[RETURNING]:
        registers[RETURNING] = moving
        moving = 0
    full = valves[_RISE_KPA_S]
    if full >> _MAX_FULL_BITS:
        full = 1 << _MAX_FULL_BITS
    if moving != registers[_MOVING]:
        # In a hold the dead band is as wrong as in the ramp before.
        registers[_RAMP_LOSS_KPA_S] = most if registers[_MOVING] != 1 else loss >> _LOSS_BITS
        if moving:
            registers[_LOSS_BEFORE_KPA_S] = loss >> _LOSS_BITS if registers[_LEARNED] else most
        registers[_LEARNING] = _LONGEST_LEARNING if moving else registers[_HOLD_LEARNING]
        registers[_MOVING] = moving
        registers[_HELD] = 0
    # A pump at its limit shows nothing of the loss, nor does a loop that waits for the setpoint
    # because the reading ran ahead of it, as when a ram breaks away from its seals.
    if wanted_kpa_s < full and (moving == 0 or wanted_kpa_s >= lead >> 1):
        seen = wanted_kpa_s - lead << _LOSS_BITS
        if registers[_LEARNING]:
            registers[_LEARNING] -= 1
            registers[_LEARNED] = 1
            loss += (seen - loss) >> _LEARN_SHIFT
            registers[_SMOOTHED] = loss
        else:
            smoothed = registers[_SMOOTHED] << sign_shift >> sign_shift
            jitter = seen - smoothed
            smoothed += jitter >> _SMOOTH_SHIFT
            registers[_SMOOTHED] = smoothed
            if jitter < 0:
                jitter = 0 - jitter
            registers[_JITTER] += (jitter >> _SMOOTH_SHIFT) - (registers[_JITTER] >> _SMOOTH_SHIFT)
            held = registers[_HELD]
            if moving == 0 and held < _SETTLED_TICKS:
                held += 1
                registers[_HELD] = held
            if smoothed < loss:
                loss += (smoothed - loss) >> (
                    _SETTLED_DOWN_SHIFT if held >= _SETTLED_TICKS else _DOWN_SHIFT
                )
            else:
                up_shift = _UP_SHIFT + 1 - moving
                if moving == 0 and held < _SETTLED_TICKS:
                    up_shift = registers[_SETTLING_UP_SHIFT]
                loss += (smoothed - loss) >> up_shift
    known = registers[_FULL]
    if known == 0 or full < known - (known >> _SOFTER_BY_SHIFT):
        registers[_FULL] = full
    elif full > known + (known >> _STIFFER_SHIFT):
        registers[_FULL] = known + (known >> _STIFFER_SHIFT) + 1
        if loss > 0:
            loss += loss >> _STIFFER_SHIFT
    highest_loss = (full >> _DEAD_BAND_SHIFT) + (full >> _DEAD_BAND_SHIFT + 1) + (lead >> 1)
    highest_loss += pressure_kpa >> _RELAXING_SHIFT
    if registers[_HALVED]:
        # Little may be lost beyond what was lost before.
        before = highest_loss
        beyond = 0
        highest = registers[HIGHEST_KPA] << sign_shift >> sign_shift
        if moving == 0:
            before = registers[_RAMP_LOSS_KPA_S] << sign_shift >> sign_shift
            beyond = (full >> _HOLD_BEYOND_SHIFT) + (pressure_kpa >> _RELAXING_SHIFT)
        elif pressure_kpa < highest - (highest >> _AGAIN_SHIFT):
            before = registers[_LOSS_BEFORE_KPA_S] << sign_shift >> sign_shift
            beyond = (full >> _AGAIN_BEYOND_SHIFT) + (pressure_kpa >> _AGAIN_BEYOND_SHIFT)
        if before < 0:
            before = 0
        if highest_loss > before + beyond:
            highest_loss = before + beyond
    if loss >> _LOSS_BITS > highest_loss:
        loss = highest_loss << _LOSS_BITS
    elif loss < 0 and registers[_DOUBLED]:
        # A loop that hunts asks for less than the ramp half of the time, which is no gain.
        loss = 0
    registers[_LOSS] = loss
    return wanted_kpa_s


@micropython.viper
def watch_volume(
    registers: ptr32,
    wanted_kpa_s: int,
    pressure_kpa: int,
    setpoint: ptr32,
    valves: ptr32,
    compliance: ptr32,
    cracks: ptr32,
) -> int:
    """Process a tick of the closed loop; return ANSWERED, DOUBTED or UNANSWERED.

    `wanted_kpa_s` is what `follow_loss` has returned; `setpoint`, `valves`, `compliance` and
    `cracks` are the blocks of the setpoint, the split range, the compliance estimate and the crack
    detector.
    """
    sign_shift = registers[_SIGN_SHIFT]
    highest = registers[HIGHEST_KPA] << sign_shift >> sign_shift
    # A reading that stands still makes the sample look soft, and the loop then pumps more for the
    # same rate.
    now = compliance[_COMPLIANCE_RATIO] << _RATIO_BITS
    ratio = registers[_RATIO]
    again = 1 if registers[_HALVED] and pressure_kpa < highest - (highest >> _AGAIN_SHIFT) else 0
    if now > ratio and ratio:
        softer_shift = _SOFTER_SHIFT
        if pressure_kpa < registers[_START_KPA]:
            softer_shift = _START_SHIFT
        elif setpoint[_LEAD_KPA_S] == 0:
            softer_shift = _SOFTER_IN_HOLD_SHIFT
        elif again:
            softer_shift = _SOFTER_AGAIN_SHIFT
        ratio += (now - ratio) >> softer_shift
        softer = (now << _RATIO_BITS) // ratio
        if softer > _MOST_SOFTER:
            softer = _MOST_SOFTER
        fed = (wanted_kpa_s >> 4) * softer >> 4
    else:
        ratio = now
        fed = wanted_kpa_s
    # No sample makes the press stiffer than steel.
    stiffest = _COMPLIANCE_RATIO_ONE << _RATIO_BITS
    if ratio < stiffest:
        ratio = stiffest
    registers[_RATIO] = ratio
    most_fed = 1 << _MAX_RATE_BITS + 1
    if fed > most_fed:
        fed = most_fed
    delayed = registers[_FED] << sign_shift >> sign_shift
    fed = delayed + ((fed - delayed) >> registers[_LAG_SHIFT])
    registers[_FED] = fed
    rise = pressure_kpa - (registers[_LAST_KPA] << sign_shift >> sign_shift)
    registers[_LAST_KPA] = pressure_kpa
    lead = setpoint[_LEAD_KPA_S] << sign_shift >> sign_shift
    if lead < 0 or valves[_RELEASE] or valves[_PUMP_LOCKED]:
        registers[_EXCESS] = 0
        registers[_OVER] = 0
        registers[_DOUBTING] = 0
        if pressure_kpa < registers[_CONTACT_KPA]:
            registers[_RETRACTED] = _RETRACTED_SHIFT
        return ANSWERED
    if pressure_kpa > highest:
        registers[HIGHEST_KPA] = pressure_kpa

    loss = registers[_LOSS] << sign_shift >> sign_shift
    moving = registers[_MOVING]
    full = valves[_RISE_KPA_S]
    if full >> _MAX_FULL_BITS:
        full = 1 << _MAX_FULL_BITS
    fall = 0 - (pressure_kpa >> _FALL_SHIFT) - 1
    if rise < fall:
        rise = fall
    excess = registers[_EXCESS]
    if registers[_RETRACTED] and pressure_kpa >= registers[_START_KPA] >> 2:
        # What moved the ram says nothing of the sample.
        registers[_RETRACTED] = 0
        excess = 0
    # Of a ramp that the pump cannot follow, half of what it delivers.
    rough = lead
    if fed < rough:
        rough = fed if fed > 0 else 0
    rough >>= _AGAIN_ROUGH_SHIFT if again else 1
    # A sample that takes half shows the other half. Without a tuning the loop hunts, and rises in
    # between.
    shown = compliance[_SLOPE_KPA_S] << sign_shift >> sign_shift
    if shown < rough and registers[_HALVED]:
        rough = shown if shown > 0 else 0
    excess += fed - (loss >> _LOSS_BITS) - rough - (excess >> _FORGET_SHIFT)
    known_by = _STROKE_SHIFT
    if moving == 0 and registers[_HELD] < _SETTLED_TICKS:
        known_by = registers[_SETTLING_SHIFT]
    excess -= (pressure_kpa >> _ALLOWANCE_SHIFT) + (full >> known_by) + rise * _TICK_HZ
    excess -= registers[_JITTER] >> _LOSS_BITS + _JITTER_SHIFT

    newest = (cracks[_LAST_READING] << sign_shift >> sign_shift) << _MEAN_BITS
    mean = registers[_MEAN] << sign_shift >> sign_shift
    registers[_MEAN] = newest if moving else mean + ((newest - mean) >> _MEAN_SHIFT)
    if excess <= 0:
        registers[_EXCESS] = 0
        registers[_OVER] = 0
        registers[_DOUBTING] = 0
        return ANSWERED
    limit = 1 << _MAX_EXCESS_BITS
    if excess > limit:
        excess = limit
    registers[_EXCESS] = excess
    if pressure_kpa < registers[_START_KPA]:
        limit = registers[_START_LIMIT_KPA] << registers[_RETRACTED]
    else:
        limit = (pressure_kpa >> _SHARE_SHIFT) + registers[_MARGIN_KPA]
        if again:
            if moving:
                limit -= (limit >> 1) + (limit >> 3)
            elif registers[_HELD] < _AGAIN_HELD_TICKS:
                limit -= limit >> 2
    limit <<= registers[_DOUBLED]
    limit += cracks[_NOISE] >> _FOUR_SIGMA_SHIFT
    if excess <= limit * _TICK_HZ:
        registers[_OVER] = 0
        return DOUBTED
    registers[_OVER] += 1
    return UNANSWERED if registers[_OVER] >= _MIN_TICKS else DOUBTED


@micropython.viper
def clears_doubt(registers: ptr32, valves: ptr32, cracks: ptr32) -> int:
    """Process a tick in which `watch_volume` doubts; return whether the reading of a hold answers.

    It does if it rose by an eighth or more of what was asked for since it was lowest, and if the
    rest is no more than the hysteresis that the dither shows. Then the doubt begins anew.
    """
    if registers[_MOVING]:
        registers[_DOUBTING] = 0
        return 0
    sign_shift = registers[_SIGN_SHIFT]
    mean = registers[_MEAN] << sign_shift >> sign_shift
    if registers[_DOUBTING] == 0:
        registers[_DOUBTING] = 1
        registers[_LOWEST] = mean
        registers[_ASKED] = 0
    rose = mean - (registers[_LOWEST] << sign_shift >> sign_shift)
    loss = registers[_LOSS] << sign_shift >> sign_shift
    asks = (registers[_FED] << sign_shift >> sign_shift) - (loss >> _LOSS_BITS)
    asked = registers[_ASKED] + asks
    if rose > _MAX_ROSE:
        rose = _MAX_ROSE
    if asked < 0:
        asked = 0
    elif asked >> _MAX_EXCESS_BITS:
        asked = 1 << _MAX_EXCESS_BITS
    registers[_ASKED] = asked
    if rose <= 0:
        registers[_LOWEST] = mean
        registers[_ASKED] = 0
        return 0
    full = valves[_RISE_KPA_S]
    if full >> _MAX_FULL_BITS:
        full = 1 << _MAX_FULL_BITS
    if (
        rose <= registers[_LEAST_RISE] + (cracks[_NOISE] * _MEAN_NOISE >> _MEAN_NOISE_SHIFT)
        or asked >> _ANSWER_SHIFT > rose * _TICK_HZ >> _MEAN_BITS
        or asks >= (full >> 5) * valves[_DITHER] >> 10
    ):
        return 0
    registers[_EXCESS] = 0
    registers[_OVER] = 0
    registers[_DOUBTING] = 0
    return 1


class VolumeWatch:
    """Configures and restarts the comparison; `watch_volume` processes every tick of the loop."""

    # Highest pressure that this sample has seen, kPa.
    highest_kpa = register(HIGHEST_KPA)

    def __init__(self):
        self.registers = register_block(_REGISTERS)
        self.registers[_LAG_SHIFT] = 2

    def configure(self, profile, scaling, second_channel):
        """Take over a press and a die. `second_channel`: whether another one bounds the error."""
        block = self.registers
        lag_ms = profile.valve_lag_ms
        block[_LAG_SHIFT] = 2 + (lag_ms > 60) + (lag_ms > 120)
        tuned = schema.PROFILE_TUNING_RESIDUAL_PPM in profile.values
        block[_HOLD_LEARNING] = _TUNED_HOLD_LEARNING if tuned else _LONGEST_LEARNING
        block[_SETTLING_SHIFT] = _STROKE_SHIFT
        block[_SETTLING_UP_SHIFT] = _UP_SHIFT + 1
        if second_channel:
            block[_SETTLING_SHIFT] = _TUNED_SETTLING_SHIFT if tuned else _UNTUNED_SETTLING_SHIFT
            block[_SETTLING_UP_SHIFT] = _QUICK_UP_SHIFT
        block[_MARGIN_KPA] = scaling.pellet_limit_kpa >> (_MARGIN_SHIFT - (not tuned))
        block[_START_KPA] = scaling.pellet_limit_kpa >> _START_LIMIT_SHIFT
        block[_START_LIMIT_KPA] = block[_START_KPA] >> (1 + tuned)
        block[_HALVED] = tuned
        block[_CONTACT_KPA] = scaling.contact_kpa
        block[_RETRACTED] = 0
        # A loop without dither hunts, as it is meant to in the run that tunes the dither.
        hunts = profile.values.get(schema.PROFILE_VALVE_DITHER) == 0
        block[_DOUBLED] = _HUNTING_DOUBLED if hunts else 0
        block[_LEAST_RISE] = scaling.loss_unit_kpa << _MEAN_BITS

    def has_seen(self, pressure_kpa):
        """Whether a tuned press has had this sample under more pressure already."""
        highest = self.highest_kpa
        return self.registers[_HALVED] and pressure_kpa < highest - (highest >> _AGAIN_SHIFT)

    def begin_ramp(self):
        """Learn anew what is lost: powder relaxes quickly behind a quick ramp."""
        self.registers[_MOVING] = 2

    def restart(self, pressure_kpa):
        """Begin anew: the loop takes over from manual openings."""
        block = self.registers
        block[_EXCESS] = 0
        block[_OVER] = 0
        block[_LOSS] = 0
        block[_SMOOTHED] = 0
        block[_JITTER] = 0
        block[_FED] = 0
        block[_LAST_KPA] = pressure_kpa
        block[_MEAN] = pressure_kpa << _MEAN_BITS
        block[_DOUBTING] = 0
        block[_HELD] = 0
        block[_LEARNED] = 0
        block[_RATIO] = 0
        block[_FULL] = 0
        # Neither a hold nor a ramp yet, so that the first tick begins to learn.
        block[_MOVING] = 2
