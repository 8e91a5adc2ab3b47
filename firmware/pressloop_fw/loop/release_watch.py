"""Watches the pressure while the release valve is open: it must fall.

A pressure that stays is a release valve that is stuck shut, a line that is blocked, or a pump valve
that is stuck open and feeds what the release lets out. What remains at the end of a release, the
pressure that moves the ram back, is none of them.

In a hold, a reading that stays above the setpoint is either dead, or the dead band of the release
is wider than the profile says. Only a release that surely lets oil pass decides that. The loop's
integral takes up to half a minute to open it so far, so `stays_above` asks the tick to be quicker.

`watch_release` runs every twentieth tick.
"""

from pressloop_fw.loop.registers import register, register_block
from pressloop_fw.loop.unloaded import unloaded_kpa
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
# loop.force_trim: TRIM
# loop.setpoint: VALUE_KPA DESCENDING
# loop.split_range: RELEASE PUMP_LOCKED
# wire.schema: FAULT_NONE FAULT_NO_RELEASE OUTPUT_FULL
_SIGN_SHIFT = const(0)
_NOISE = const(12)
_FOUR_SIGMA_SHIFT = const(5)
_TRIM = const(2)
_VALUE_KPA = const(1)
_DESCENDING = const(3)
_RELEASE = const(2)
_PUMP_LOCKED = const(29)
_FAULT_NONE = const(0)
_FAULT_NO_RELEASE = const(15)
_OUTPUT_FULL = const(32767)
# end of generated

TURN_TICKS = const(20)
# With the release fully open a pressure falls by an eighth within 1.8 s: an open valve takes all of
# it in less than one. With a release that regulates, and is behind, it does so within 4 s.
_MAX_OPEN_STEPS = const(9)
_MAX_STANDING_STEPS = const(20)
# Before a tuning the release valve's dead band is known so badly that a release which regulates may
# need 10 s to find it.
_MAX_UNTUNED_STEPS = const(75)
_FALL_SHIFT = const(3)
# A release that regulates is behind when the reading is above the setpoint by this share of it.
_BEHIND_SHIFT = const(4)
# After a tuning it is behind by half of that for 0.6 s only if the reading moves by this share.
_STILL_BEHIND_SHIFT = const(5)
_STILL_SHIFT = const(6)
_MAX_STILL_STEPS = const(4)
# If it is behind by all of that, 0.4 s are enough.
_MAX_FAR_STILL_STEPS = const(3)
# A dead band may be wrong by 3 % of the stroke. A release that is open by 4 % more lets oil pass:
# in a hold the pressure falls, or something feeds it.
_PASSING = const(1310)
_MAX_FED_STEPS = const(4)
# A reading stays above the setpoint of a hold by a 512th and two standard deviations of the noise,
# and has not gone back by a quarter of that for 0.8 s.
_ABOVE_SHIFT = const(9)
_ABOVE_NOISE_SHIFT = const(6)
_ABOVE_FALL_SHIFT = const(2)
_MAX_ABOVE_STEPS = const(4)
# Then the release opens by all of what may be wrong within 6 s: this much in a step. It goes back
# once the reading moves.
SWEEP = const(44)
_RESOLUTIONS = const(2)
_NEVER_KPA = const(1 << 29)


# What `watch_release` returns beside a fault: a release that surely passes oil does not lower the
# pressure of a hold, which has one of two reasons.
FED = const(255)

# Whether anything presses on the sample, by the criterion of a press at rest, and whether the
# release of a hold is to open until the reading moves.
STANDS = const(1)
STAYS_ABOVE = const(2)
_ABOVE_STEPS = const(3)
_ABOVE_KPA = const(4)
_RESOLUTIONS_KPA = const(5)
_UNLOADED_KPA = const(6)
_PASSING_OPENING = const(7)
_TUNED = const(8)
_REGULATING_STEPS = const(9)
_STANDING_STEPS = const(10)
_FROM_KPA = const(11)
_STILL_STEPS = const(12)
_STILL_KPA = const(13)
_FED_STEPS = const(14)
_FED_KPA = const(15)
_REGISTERS = const(16)


@micropython.viper
def watch_release(
    registers: ptr32,
    pressure_kpa: int,
    regulating: int,
    lid: int,
    setpoint: ptr32,
    valves: ptr32,
    cracks: ptr32,
    trim: ptr32,
) -> int:
    """Process the state of a tick; return the fault that it shows, FED, or FAULT_NONE.

    `regulating` says whether the loop does, `lid` whether a switch shows pressure under a lid.
    The blocks are those of the setpoint, the split range, the crack detector and the load cell's
    trim: the setpoint is a pressure of the pellet.
    """
    sign_shift = registers[_SIGN_SHIFT]
    noise = cracks[_NOISE]
    least_kpa = registers[_RESOLUTIONS_KPA] + (noise >> _FOUR_SIGMA_SHIFT)
    opening = valves[_RELEASE]
    stands = 1 if lid or pressure_kpa > registers[_UNLOADED_KPA] else 0
    registers[STANDS] = stands
    # With no more than noise only the switch at a vessel's lid says that pressure stands: no
    # reading can fall. A release that does not regulate is watched while it is fully open.
    if (
        stands == 0
        or pressure_kpa <= least_kpa
        or (opening == 0 if regulating else opening != _OUTPUT_FULL)
    ):
        registers[_STANDING_STEPS] = 0
        registers[_STILL_STEPS] = 0
        registers[_FED_STEPS] = 0
        registers[_ABOVE_STEPS] = 0
        registers[STAYS_ABOVE] = 0
        return _FAULT_NONE
    longest = _MAX_OPEN_STEPS
    if regulating:
        longest = registers[_REGULATING_STEPS]
        target_kpa = setpoint[_VALUE_KPA] << sign_shift >> sign_shift
        target_kpa += trim[_TRIM] << sign_shift >> sign_shift
        if target_kpa < 0:
            target_kpa = 0
        behind_kpa = pressure_kpa - target_kpa
        descending = setpoint[_DESCENDING] | valves[_PUMP_LOCKED]
        tuned = registers[_TUNED]

        # Whether the reading stays above the setpoint of a hold.
        above_steps = registers[_ABOVE_STEPS]
        above_least_kpa = (pressure_kpa >> _ABOVE_SHIFT) + (noise >> _ABOVE_NOISE_SHIFT)
        if tuned == 0 or descending or behind_kpa <= above_least_kpa:
            above_steps = 0
        elif above_steps == 0 or (
            registers[_ABOVE_KPA] - pressure_kpa > behind_kpa >> _ABOVE_FALL_SHIFT
        ):
            above_steps = 1
            registers[_ABOVE_KPA] = pressure_kpa
        else:
            above_steps += 1
        registers[_ABOVE_STEPS] = above_steps
        registers[STAYS_ABOVE] = 1 if above_steps > _MAX_ABOVE_STEPS else 0

        # Whether a release that surely passes oil does not lower the pressure of a hold.
        if descending or opening < registers[_PASSING_OPENING]:
            registers[_FED_STEPS] = 0
        else:
            fell_kpa = registers[_FED_KPA] - pressure_kpa
            if registers[_FED_STEPS] == 0 or fell_kpa > pressure_kpa >> _STILL_SHIFT:
                registers[_FED_KPA] = pressure_kpa
                registers[_FED_STEPS] = 0
            registers[_FED_STEPS] += 1
            if registers[_FED_STEPS] >= _MAX_FED_STEPS:
                registers[_FED_STEPS] = 0
                return FED

        # Whether a release that regulates is behind and the reading stands still.
        far_kpa = (pressure_kpa >> _BEHIND_SHIFT) + least_kpa
        if tuned == 0 or behind_kpa <= (pressure_kpa >> _STILL_BEHIND_SHIFT) + least_kpa:
            registers[_STILL_STEPS] = 0
        else:
            fell_kpa = registers[_STILL_KPA] - pressure_kpa
            if registers[_STILL_STEPS] == 0 or fell_kpa > pressure_kpa >> _STILL_SHIFT:
                registers[_STILL_KPA] = pressure_kpa
                registers[_STILL_STEPS] = 0
            registers[_STILL_STEPS] += 1
            most = _MAX_FAR_STILL_STEPS if behind_kpa > far_kpa else _MAX_STILL_STEPS
            if registers[_STILL_STEPS] >= most:
                registers[_STILL_STEPS] = 0
                return _FAULT_NO_RELEASE
        if behind_kpa <= far_kpa:
            registers[_STANDING_STEPS] = 0
            return _FAULT_NONE
    from_kpa = registers[_FROM_KPA]
    if registers[_STANDING_STEPS] == 0 or from_kpa - pressure_kpa > from_kpa >> _FALL_SHIFT:
        registers[_FROM_KPA] = pressure_kpa
        registers[_STANDING_STEPS] = 0
    registers[_STANDING_STEPS] += 1
    if registers[_STANDING_STEPS] > longest:
        registers[_STANDING_STEPS] = 0
        return _FAULT_NO_RELEASE
    return _FAULT_NONE


class ReleaseWatch:
    """Configures how long a pressure may stand though the release is open."""

    # Whether anything presses on the sample, by the criterion of a press at rest.
    stands = register(STANDS)

    def __init__(self):
        # What the tick writes is in the block, as in `Approach`.
        self.registers = register_block(_REGISTERS)
        # Before a profile is known no reading stands.
        self.registers[_UNLOADED_KPA] = _NEVER_KPA

    def configure(self, profile, scaling):
        """Take over a press and a die."""
        block = self.registers
        block[_RESOLUTIONS_KPA] = _RESOLUTIONS * scaling.resolution_kpa
        block[_UNLOADED_KPA] = unloaded_kpa(scaling)
        block[_PASSING_OPENING] = profile.release_dead_band + _PASSING
        tuned = schema.PROFILE_TUNING_RESIDUAL_PPM in profile.values
        block[_TUNED] = tuned
        block[_REGULATING_STEPS] = _MAX_STANDING_STEPS if tuned else _MAX_UNTUNED_STEPS
        block[_STANDING_STEPS] = 0
        block[_STILL_STEPS] = 0
        block[_FED_STEPS] = 0
        block[_ABOVE_STEPS] = 0
        block[STAYS_ABOVE] = 0

    def explain_fed(self, pressure_kpa, rose_kpa, noise):
        """Return the fault behind FED; the peak of the step was `rose_kpa` above the setpoint.

        A pump that sticks raises the reading before the release takes over.
        """
        least_kpa = self.registers[_RESOLUTIONS_KPA] + (noise >> _FOUR_SIGMA_SHIFT)
        if rose_kpa > (pressure_kpa >> _STILL_SHIFT + 1) + least_kpa:
            return schema.FAULT_PUMP_STUCK
        return schema.FAULT_NO_RELEASE
