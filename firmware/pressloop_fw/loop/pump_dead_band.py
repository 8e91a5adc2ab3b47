"""Follows the dead band of the pump valve, which drifts while its coil warms.

An error of the dead band is the same share of the stroke at every pressure. It shows in two ways,
and each is used only as far as nothing else in a sound press explains it:

- The dead band is narrower than believed: the pressure rises though the pump waits in front of its
  dead band, or the press looks stiffer than steel. Neither powder nor a leak does that. The
  integral of the loop cannot make good for it, because an output below zero opens the release. So
  it is followed while it shows. After a descent it is not: oil that was released warms up again.
- The dead band is wider: the integral holds the pump open in a hold. A leak and powder that relaxes
  need that, too. What the profile's leak takes and what powder can at most relax by after so long
  a hold is subtracted. The rest becomes an error of the dead band when the next ramp begins, and
  the integral gives up as much, so that the opening stays. What is not told apart stays there.

The volume watch compares what the loop asks for with the rise of the reading. What the dead band
does instead of the loop is added for it until the next ramp, when it learns the loss anyway: no
reading that stands still makes the pump deliver more than the watch sees.

The profile stays as it is. The drift is kept for the next run and halves in each ten minutes
between two runs, as the coil cools.
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
# loop.crack_detector: NOISE FOUR_SIGMA_SHIFT
# loop.flags: FLAGS
# loop.pid: INTEGRAL
# loop.pump_watch: STEP_TICKS
# loop.observer: PUMP_SPOOL RELEASE_SPOOL SPOOL_BITS BIAS_TO_RATE DRIFT_BITS MAX_DRIFT
# loop.sampler: BIAS
# loop.setpoint: LEAD_KPA_S RISING
# loop.split_range: PUMP_DEAD_BAND RELEASE_DEAD_BAND PUMP_GAIN CURVE_GAIN
# loop.stiffness: COMPLIANCE_RATIO STIFFEST_RATIO GAIN_BITS
# loop.volume_watch: UNSEEN_KPA_S
# wire.schema: OUTPUT_FULL TICK_HZ FLAG_DWELLING
_SIGN_SHIFT = const(0)
_NOISE = const(12)
_FOUR_SIGMA_SHIFT = const(5)
_FLAGS = const(1)
_INTEGRAL = const(7)
_STEP_TICKS = const(10)
_PUMP_SPOOL = const(4)
_RELEASE_SPOOL = const(5)
_SPOOL_BITS = const(8)
_BIAS_TO_RATE = const(25)
_DRIFT_BITS = const(8)
_MAX_DRIFT = const(1311)
_BIAS = const(22)
_LEAD_KPA_S = const(2)
_RISING = const(4)
_PUMP_DEAD_BAND = const(12)
_RELEASE_DEAD_BAND = const(13)
_PUMP_GAIN = const(9)
_CURVE_GAIN = const(5)
_COMPLIANCE_RATIO = const(1)
_STIFFEST_RATIO = const(192)
_GAIN_BITS = const(14)
_UNSEEN_KPA_S = const(34)
_OUTPUT_FULL = const(32767)
_TICK_HZ = const(100)
_FLAG_DWELLING = const(2)
# end of generated

# Above a sixteenth of the press's limit the stiffness is known well enough.
_FOLLOWED_SHIFT = const(4)

# Half a per cent of the stroke in front of its dead band a pump may already pass oil.
_NEAR = const(164)
# A loop that asks for a quarter of a per cent of the stroke does not have too much.
_SMALL = const(82)
# The rise is smoothed over 4 steps; half of what is too much is corrected in a step.
_SURPLUS_SHIFT = const(2)
_FOLLOW_SHIFT = const(1)
# Not too much is what else may make a pressure rise: a 256th of it per second, a quarter of the
# ramp's rate by an error of the stiffness, and three standard deviations of the smoothed noise. A
# quick filter leaves 1.5 times four standard deviations of a reading, per second, and each further
# bit of its time takes away 1.5 bits of that.
_OTHER_SHIFT = const(8)
_STIFFNESS_SHIFT = const(2)
_NOISE_TIMES = const(3)
# In a ramp the rise counts only where the ratio of the sample is at its lower end: else that
# follows it. This much above.
_AT_STIFFEST = const(8)

# The integral is smoothed over 16 steps, and counts from 2 s of a dwell on.
_MEAN_SHIFT = const(4)
_MIN_STEPS = const(20)
# The integral has these many bits more than an opening, its mean the drift's.
_INTEGRAL_BITS = const(14)
# By Peleg's law, powder that can lose half of its pressure at a constant height loses per second at
# most an eighth of it over the seconds that the hold has lasted. Oil and frame give way at least
# three times as much as a pellet does, so of the press's pressure it is at most a quarter of that.
_RELAXING_SHIFT = const(5)
# Keeps the product of leak and pressure small.
_PRESSURE_BITS = const(7)
_LEAK_BITS = const(15)
# At 10 MPa of oil, per minute: the unit of the profile's leak over that of the pump's flow.
_LEAK_UNIT = 10000 * 60 * 1000

_COOLING_TICKS = const(60000)
_MAX_HALVINGS = const(20)
_MAX_PRODUCT_BITS = const(26)


# By how much the dead band has moved since tuning, times 256, and what the watch of the volume has
# learned its loss with.
_DRIFT = const(1)
_LEARNED = const(2)
TUNED = const(3)
_NOMINAL = const(4)
_FOLLOWED_KPA = const(5)
_NOISE_SHIFT = const(6)
# Whether the setpoint has gone down since it last rose.
DESCENDED = const(7)
# By how much the pressure rises too fast, kPa/s.
SURPLUS = const(8)
# Mean of the integral in this hold, and for how many steps the hold has lasted.
MEAN = const(9)
STEPS = const(10)
_LAST_TICK = const(11)
_REGISTERS = const(12)


@micropython.viper
def follow_dead_band(
    registers: ptr32,
    valves: ptr32,
    pressure_kpa: int,
    tick: int,
    pid: ptr32,
    setpoint: ptr32,
    run_flags: ptr32,
    sampler: ptr32,
    observer: ptr32,
    compliance: ptr32,
    cracks: ptr32,
    volume: ptr32,
):
    """Process a tick in which the loop regulates through the pump, every tenth.

    The blocks are those of the split range, the control law, the setpoint, the run's flags, the
    sampler, the observer of the valves, the compliance estimate, the crack detector and the watch
    of the volume.
    """
    sign_shift = registers[_SIGN_SHIFT]
    registers[_LAST_TICK] = tick
    if registers[TUNED] == 0:
        return
    rising = setpoint[_RISING]
    if rising:
        registers[DESCENDED] = 0
    drift = registers[_DRIFT] << sign_shift >> sign_shift
    if pressure_kpa >= registers[_FOLLOWED_KPA] and registers[DESCENDED] == 0:
        integral = pid[_INTEGRAL] << sign_shift >> sign_shift
        lead = setpoint[_LEAD_KPA_S] << sign_shift >> sign_shift
        pump = observer[_PUMP_SPOOL] << sign_shift >> sign_shift
        release = observer[_RELEASE_SPOOL] << sign_shift >> sign_shift
        # Only the pump can move oil, and nothing else explains a rise by it.
        if (
            integral >> _INTEGRAL_BITS < _SMALL
            and pump >> _SPOOL_BITS >= valves[_PUMP_DEAD_BAND] - _NEAR
            and release >> _SPOOL_BITS <= valves[_RELEASE_DEAD_BAND]
            and (lead == 0 or compliance[_COMPLIANCE_RATIO] <= _STIFFEST_RATIO + _AT_STIFFEST)
        ):
            surplus = registers[SURPLUS] << sign_shift >> sign_shift
            seen = (sampler[_BIAS] << sign_shift >> sign_shift) * _BIAS_TO_RATE >> 10
            surplus += seen - surplus >> _SURPLUS_SHIFT
            too_much = surplus - (pressure_kpa >> _OTHER_SHIFT) - (lead >> _STIFFNESS_SHIFT)
            noise = _NOISE_TIMES * (cracks[_NOISE] >> _FOUR_SIGMA_SHIFT)
            too_much -= noise >> registers[_NOISE_SHIFT]
            if too_much > 0:
                gain = valves[_PUMP_GAIN]
                limit = (1 << _MAX_PRODUCT_BITS) // gain
                if too_much > limit:
                    too_much = limit
                # What is corrected now, the model shows no more.
                surplus -= too_much >> _FOLLOW_SHIFT
                # The opening as a share of the whole stroke.
                by = too_much * gain >> _GAIN_BITS
                by = by * (_OUTPUT_FULL - valves[_PUMP_DEAD_BAND]) >> 15
                drift -= by << _DRIFT_BITS - _FOLLOW_SHIFT
                most = _MAX_DRIFT
                most <<= _DRIFT_BITS
                if drift < 0 - most:
                    drift = 0 - most
                registers[_DRIFT] = drift
                # As `PumpDeadBand.dead_band`.
                dead_band = registers[_NOMINAL] + (drift >> _DRIFT_BITS)
                valves[_PUMP_DEAD_BAND] = dead_band if dead_band > 0 else 0
            registers[SURPLUS] = surplus
        # A hold may begin while the last of a slow ramp goes on, which the pump delivers.
        if rising == 0 and run_flags[_FLAGS] & _FLAG_DWELLING:
            integral >>= _INTEGRAL_BITS - _DRIFT_BITS
            mean = registers[MEAN] << sign_shift >> sign_shift
            if registers[STEPS] == 0:
                mean = integral
            registers[MEAN] = mean + (integral - mean >> _MEAN_SHIFT)
            registers[STEPS] += 1
    learned = registers[_LEARNED] << sign_shift >> sign_shift
    if drift != learned:
        # As `PumpDeadBand._beyond`: the share of the stroke as an opening, and that as a rate.
        since = drift - learned >> _DRIFT_BITS
        beyond = (since << 15) // (_OUTPUT_FULL - valves[_PUMP_DEAD_BAND])
        volume[_UNSEEN_KPA_S] = (beyond << _GAIN_BITS) // valves[_PUMP_GAIN]


class PumpDeadBand:
    """Follows the drift: by `follow_dead_band` in the tick, and by `hand_over` after a hold.

    A press that was not tuned is not followed: its dead band is known too badly.
    """

    # By how much the dead band has moved since tuning, times 256.
    drift = register(_DRIFT)

    def __init__(self, valves, volume):
        """Take the register blocks of the split range and of the watch of the volume."""
        # What the tick writes is in the block, as in `Approach`.
        self.registers = register_block(_REGISTERS)
        self._valves = valves
        # By what the dead band has changed since the volume watch learned its loss, as a rate: what
        # the loop would ask for with the dead band as it was then, less what it does ask for.
        self._volume = volume
        self._profile = None
        self._limit_kpa = 1
        # What the profile's leak needs at the press's limit, as an opening beyond the dead band.
        self._leak = 0

    def has_moved(self):
        """Whether the dead band is now somewhere else than in the profile."""
        return self.dead_band() != self.registers[_NOMINAL]

    def dead_band(self):
        """Return where the dead band is now, of `OUTPUT_FULL`."""
        block = self.registers
        dead_band = block[_NOMINAL] + (block[_DRIFT] >> _DRIFT_BITS)
        return dead_band if dead_band > 0 else 0

    def configure(self, profile, scaling):
        """Take over a press and a die; another profile than before forgets the drift."""
        block = self.registers
        if profile is not self._profile:
            self._profile = profile
            block[_DRIFT] = 0
        block[TUNED] = schema.PROFILE_TUNING_RESIDUAL_PPM in profile.values
        block[_NOMINAL] = profile.pump_dead_band
        limit_kpa = scaling.pellet_limit_kpa
        self._limit_kpa = limit_kpa
        block[_FOLLOWED_KPA] = limit_kpa >> _FOLLOWED_SHIFT
        block[_NOISE_SHIFT] = profile.filter_shift + profile.filter_shift // 2
        leak = profile.leak_nl_min * scaling.oil_kpa(limit_kpa) << _LEAK_BITS
        self._leak = min(schema.OUTPUT_FULL, leak // (_LEAK_UNIT * profile.pump_flow_ul_s))
        self._apply(block[_DRIFT])
        self._begin_anew()

    def begin_run(self, tick):
        """Let the drift fade by the time since the last step of a run."""
        block = self.registers
        halvings = (tick - block[_LAST_TICK]) // _COOLING_TICKS
        if halvings > _MAX_HALVINGS:
            halvings = _MAX_HALVINGS
        drift = block[_DRIFT]
        self._apply(drift >> halvings if drift >= 0 else 0 - (0 - drift >> halvings))
        block[DESCENDED] = 0
        block[SURPLUS] = 0
        self._begin_anew()

    def descend(self):
        """Note that the setpoint goes down: what rises from now on is oil that warms up."""
        block = self.registers
        block[DESCENDED] = 1
        block[SURPLUS] = 0

    def hand_over(self, pressure_kpa, pid):
        """Take over from the integral what the dead band is wider by, as a ramp begins.

        Without a hold before it, nothing happens.
        """
        block = self.registers
        steps = block[STEPS]
        if steps == 0:
            return
        if steps >= _MIN_STEPS and not pid.asked_less:
            before = block[_DRIFT]
            opening = self._unexplained(self._settled(pid.integral), steps, pressure_kpa)
            self._apply(before + (self._of_stroke(opening) << _DRIFT_BITS))
            moved = self._beyond(block[_DRIFT] - before >> _DRIFT_BITS)
            pid.give_up(moved << _INTEGRAL_BITS)
        self._begin_anew()

    def _settled(self, integral):
        """Return the opening that the integral has come to; one that still changes counts less."""
        now = integral >> _INTEGRAL_BITS
        mean = self.registers[MEAN] >> _DRIFT_BITS
        if now > 0 and mean > 0:
            return now if now < mean else mean
        if now < 0 and mean < 0:
            return now if now > mean else mean
        return 0

    def _unexplained(self, opening, steps, pressure_kpa):
        """Return what leak and powder do not explain of an opening, after steps of a hold."""
        if opening <= 0:
            return opening
        gain = self._valves[_CURVE_GAIN]
        limit = (1 << _MAX_PRODUCT_BITS) // gain
        relaxing_kpa_s = (pressure_kpa * _TICK_HZ >> _RELAXING_SHIFT) // (steps * _STEP_TICKS)
        if relaxing_kpa_s > limit:
            relaxing_kpa_s = limit
        opening -= relaxing_kpa_s * gain >> _GAIN_BITS
        opening -= (
            self._leak * (pressure_kpa >> _PRESSURE_BITS) // (self._limit_kpa >> _PRESSURE_BITS)
        )
        return opening if opening > 0 else 0

    def _begin_anew(self):
        """Begin a ramp or a run, in which the volume watch learns its loss with this drift."""
        block = self.registers
        block[STEPS] = 0
        block[_LEARNED] = block[_DRIFT]
        self._volume[_UNSEEN_KPA_S] = 0

    def _of_stroke(self, opening):
        """Return an opening beyond the dead band as a share of the whole stroke."""
        return opening * (_OUTPUT_FULL - self._valves[_PUMP_DEAD_BAND]) >> 15

    def _beyond(self, share):
        """Return a share of the whole stroke as an opening beyond the dead band."""
        return (share << 15) // (_OUTPUT_FULL - self._valves[_PUMP_DEAD_BAND])

    def _apply(self, drift):
        """Set the drift, within its limits, and with it the dead band of the split range."""
        most = _MAX_DRIFT << _DRIFT_BITS
        if drift > most:
            drift = most
        elif drift < 0 - most:
            drift = 0 - most
        self.registers[_DRIFT] = drift
        self._valves[_PUMP_DEAD_BAND] = self.dead_band()
