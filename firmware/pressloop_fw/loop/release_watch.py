"""Watches the pressure while the release valve is open: it must fall.

A pressure that stays is a release valve that is stuck shut, a line that is blocked, or a pump valve
that is stuck open and feeds what the release lets out. What remains at the end of a release, the
pressure that moves the ram back, is none of them.

In a hold, a reading that stays above the setpoint is either dead, or the dead band of the release
is wider than the profile says. Only a release that surely lets oil pass decides that. The loop's
integral takes up to half a minute to open it so far, so `stays_above` asks the tick to be quicker.

`step` runs every twentieth tick, because it takes as long as a whole tick of the loop.
"""

from pressloop_fw.loop.unloaded import is_unloaded
from pressloop_fw.wire import schema

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.crack_detector: FOUR_SIGMA_SHIFT
_FOUR_SIGMA_SHIFT = const(5)
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


class ReleaseWatch:
    """Counts how long a pressure stands though the release is open.

    `stands` says whether anything presses on the sample, by the criterion of a press at rest;
    `stays_above` whether the release of a hold is to open until the reading moves.
    """

    def __init__(self):
        self.stands = False
        self.stays_above = False
        self._above_steps = 0
        self._above_kpa = 0
        self._scaling = None
        self._passing = 0
        self._tuned = False
        self._regulating_steps = _MAX_STANDING_STEPS
        self._standing_steps = 0
        self._from_kpa = 0
        self._still_steps = 0
        self._still_kpa = 0
        self._fed_steps = 0
        self._fed_kpa = 0

    def configure(self, profile, scaling):
        """Take over a press and a die."""
        self._scaling = scaling
        self._passing = profile.release_dead_band + _PASSING
        self._tuned = schema.PROFILE_TUNING_RESIDUAL_PPM in profile.values
        self._regulating_steps = _MAX_STANDING_STEPS if self._tuned else _MAX_UNTUNED_STEPS
        self._begin_anew()

    def _begin_anew(self):
        self._standing_steps = 0
        self._still_steps = 0
        self._fed_steps = 0
        self._above_steps = 0
        self.stays_above = False

    def step(self, pressure_kpa, opening, setpoint_kpa, descending, peak_kpa, noise):
        """Process the state of a tick; return the fault that it shows, FAULT_NONE without one.

        `opening` is that of the release valve. `setpoint_kpa` is the setpoint of a loop that
        regulates, -1 while it does not; `descending` says whether it goes down. `peak_kpa` is the
        highest pressure of the step; `noise` is the crack detector's.
        """
        scaling = self._scaling
        if scaling is None:
            return schema.FAULT_NONE
        stands = not is_unloaded(scaling, pressure_kpa)
        self.stands = stands
        if not stands:
            self._begin_anew()
            return schema.FAULT_NONE
        least_kpa = _RESOLUTIONS * scaling.resolution_kpa + (noise >> _FOUR_SIGMA_SHIFT)
        if pressure_kpa <= least_kpa:
            # Only the switch at a vessel's lid says that pressure stands: no reading can fall.
            self._begin_anew()
            return schema.FAULT_NONE
        opened = setpoint_kpa < 0 and opening == schema.OUTPUT_FULL
        if opened:
            behind_kpa = 0
        elif opening == 0 or setpoint_kpa < 0:
            self._begin_anew()
            return schema.FAULT_NONE
        else:
            behind_kpa = pressure_kpa - setpoint_kpa
            self._look_above(pressure_kpa, 0 if descending else behind_kpa, noise)
            if self._is_fed(pressure_kpa, opening, descending):
                self._fed_steps = 0
                # A pump that sticks raises the reading before the release takes over.
                rose_kpa = peak_kpa - setpoint_kpa
                if rose_kpa > (pressure_kpa >> _STILL_SHIFT + 1) + least_kpa:
                    return schema.FAULT_PUMP_STUCK
                return schema.FAULT_NO_RELEASE
            if self._is_still(pressure_kpa, behind_kpa, least_kpa):
                self._still_steps = 0
                return schema.FAULT_NO_RELEASE
            if behind_kpa <= (pressure_kpa >> _BEHIND_SHIFT) + least_kpa:
                self._standing_steps = 0
                return schema.FAULT_NONE
        if self._standing_steps == 0 or self._from_kpa - pressure_kpa > (
            self._from_kpa >> _FALL_SHIFT
        ):
            self._from_kpa = pressure_kpa
            self._standing_steps = 0
        self._standing_steps += 1
        if self._standing_steps > (_MAX_OPEN_STEPS if opened else self._regulating_steps):
            self._standing_steps = 0
            return schema.FAULT_NO_RELEASE
        return schema.FAULT_NONE

    def _is_still(self, pressure_kpa, behind_kpa, least_kpa):
        """Return whether a release that regulates is behind and the reading stands still."""
        if not self._tuned or behind_kpa <= (pressure_kpa >> _STILL_BEHIND_SHIFT) + least_kpa:
            self._still_steps = 0
            return False
        moved = self._still_kpa - pressure_kpa
        if self._still_steps == 0 or moved > pressure_kpa >> _STILL_SHIFT:
            self._still_kpa = pressure_kpa
            self._still_steps = 0
        self._still_steps += 1
        far = behind_kpa > (pressure_kpa >> _BEHIND_SHIFT) + least_kpa
        return self._still_steps >= (_MAX_FAR_STILL_STEPS if far else _MAX_STILL_STEPS)

    def _is_fed(self, pressure_kpa, opening, descending):
        """Return whether a release that surely passes oil does not lower the pressure of a hold."""
        if descending or opening < self._passing:
            self._fed_steps = 0
            return False
        if self._fed_steps == 0 or self._fed_kpa - pressure_kpa > pressure_kpa >> _STILL_SHIFT:
            self._fed_kpa = pressure_kpa
            self._fed_steps = 0
        self._fed_steps += 1
        return self._fed_steps >= _MAX_FED_STEPS

    def _look_above(self, pressure_kpa, above_kpa, noise):
        """Note whether the reading stays above the setpoint of a hold, by `above_kpa`."""
        least_kpa = (pressure_kpa >> _ABOVE_SHIFT) + (noise >> _ABOVE_NOISE_SHIFT)
        if not self._tuned or above_kpa <= least_kpa:
            self._above_steps = 0
        elif self._above_steps == 0 or (
            self._above_kpa - pressure_kpa > above_kpa >> _ABOVE_FALL_SHIFT
        ):
            self._above_steps = 1
            self._above_kpa = pressure_kpa
        else:
            self._above_steps += 1
        self.stays_above = self._above_steps > _MAX_ABOVE_STEPS
