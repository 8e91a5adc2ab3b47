"""Watches the pressure while the pump is shut: it must not rise, and fall when the release is open.

A pressure that stays though the release is open is a release valve that is stuck shut, or a line
that is blocked. A pressure that rises though the pump is shut is a pump valve that is stuck open.
What remains at the end of a release, the pressure that moves the ram back, is neither.

`step` runs every twentieth tick, because it takes as long as a whole tick of the loop.
"""

from pressloop_fw.loop.unloaded import is_unloaded
from pressloop_fw.wire import schema

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

STEP_TICKS = const(20)
# With the release open a pressure falls by an eighth within 5 s. A leak of 400 uL/min takes 4 % of
# it, an open valve all of it in less than one.
_MAX_STANDING_STEPS = const(25)
# Before a tuning the release valve's dead band is known so badly that a release which regulates may
# need 10 s to find it.
_MAX_UNTUNED_STEPS = const(75)
_FALL_SHIFT = const(3)
# A release that regulates is behind when the reading is above the setpoint by this share of it.
_BEHIND_SHIFT = const(4)
# A pressure has risen when it is above its lowest by this share and by noise and resolution.
_RISE_SHIFT = const(6)
_RESOLUTIONS = const(2)
# Mean jitter to four standard deviations of the noise, as in `volume_watch`.
_NOISE_SHIFT = const(5)
# The pump is shut three lags and 0.2 s after its command.
_SHUT_LAGS = const(3)
_SHUT_STEPS = const(1)


class ReleaseWatch:
    """Counts how long a pressure stands, and how far it rises while the pump is shut.

    `stands` says whether anything presses on the sample, by the criterion of a press at rest.
    """

    def __init__(self):
        self.stands = False
        self._scaling = None
        self._lag_steps = 0
        self._regulating_steps = _MAX_STANDING_STEPS
        self._shut_steps = 0
        self._lowest_kpa = 0
        self._standing_steps = 0
        self._from_kpa = 0

    def configure(self, profile, scaling):
        """Take over a press and a die."""
        self._scaling = scaling
        self._lag_steps = _SHUT_STEPS + _SHUT_LAGS * profile.valve_lag_ms // (10 * STEP_TICKS)
        self._shut_steps = 0
        self._standing_steps = 0
        tuned = schema.PROFILE_TUNING_RESIDUAL_PPM in profile.values
        self._regulating_steps = _MAX_STANDING_STEPS if tuned else _MAX_UNTUNED_STEPS

    def step(self, pressure_kpa, pumping, opened, releasing_to_kpa, noise):
        """Process the state of a tick; return the fault that it shows, FAULT_NONE without one.

        `pumping` says whether the pump valve is commanded open, `opened` whether the release valve
        is commanded fully open. `releasing_to_kpa` is the setpoint of a release that regulates, -1
        while it does not; `noise` is the crack detector's.
        """
        scaling = self._scaling
        if scaling is None:
            return schema.FAULT_NONE
        stands = not is_unloaded(scaling, pressure_kpa)
        self.stands = stands
        if not stands:
            self._shut_steps = 0
            self._standing_steps = 0
            return schema.FAULT_NONE
        least_kpa = _RESOLUTIONS * scaling.resolution_kpa + (noise >> _NOISE_SHIFT)
        if pumping:
            self._shut_steps = 0
        elif self._shut_steps < self._lag_steps:
            self._shut_steps += 1
            self._lowest_kpa = pressure_kpa
        elif pressure_kpa < self._lowest_kpa:
            self._lowest_kpa = pressure_kpa
        elif pressure_kpa - self._lowest_kpa > (pressure_kpa >> _RISE_SHIFT) + least_kpa:
            return schema.FAULT_PUMP_STUCK
        behind_kpa = pressure_kpa - releasing_to_kpa
        if not opened and (
            releasing_to_kpa < 0 or behind_kpa <= (pressure_kpa >> _BEHIND_SHIFT) + least_kpa
        ):
            self._standing_steps = 0
            return schema.FAULT_NONE
        if self._standing_steps == 0 or self._from_kpa - pressure_kpa > (
            self._from_kpa >> _FALL_SHIFT
        ):
            self._from_kpa = pressure_kpa
            self._standing_steps = 0
        self._standing_steps += 1
        if self._standing_steps > (_MAX_STANDING_STEPS if opened else self._regulating_steps):
            self._standing_steps = 0
            return schema.FAULT_NO_RELEASE
        return schema.FAULT_NONE
