"""Watches the pressure while the pump valve is shut: it must not rise.

A pressure that rises then is a pump valve that is stuck open. Until the valve has followed its
command it may rise by what a ramp makes in that time. `step` runs every tenth tick.

The filtered reading follows a model of the valves, and is wrong while a valve does not do what it
is told: then it moves and the newest reading does not. So a rise has to be seen in both.
"""

from pressloop_fw.wire import schema

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.crack_detector: FOUR_SIGMA_SHIFT
_FOUR_SIGMA_SHIFT = const(5)
# end of generated

STEP_TICKS = const(10)
# A pressure has risen when it is above its lowest by this share and by noise and resolution.
_RISE_SHIFT = const(7)
_RESOLUTIONS = const(2)
# The pump is shut four lags and 0.1 s after its command. Without a tuning the lag is not known: a
# slow valve may lag by more than its data sheet says.
_SHUT_LAGS = const(4)
_SHUT_STEPS = const(2)
_UNTUNED_STEPS = const(6)
# Until then a tuned press rises by no more than its ramp does in two lags and 0.1 s.
_RUN_ON_LAGS = const(2)
_RUN_ON_MS = const(100)
# The lowest pressure follows up by this share in a step, 0.25 % a second: a sealed press may warm.
_CREEP_SHIFT = const(12)


class PumpWatch:
    """Looks how far the pressure rises while the pump is shut."""

    def __init__(self):
        self._resolution_kpa = 0
        self._lag_steps = 0
        self._run_on_ms = 0
        self._tuned = False
        self._shut_steps = 0
        self._rate_kpa_s = 0
        self._lowest_kpa = 0

    def configure(self, profile, scaling):
        """Take over a press and a die."""
        self._resolution_kpa = scaling.resolution_kpa
        self._lag_steps = _SHUT_STEPS + _SHUT_LAGS * profile.valve_lag_ms // (10 * STEP_TICKS)
        self._run_on_ms = _RUN_ON_MS + _RUN_ON_LAGS * profile.valve_lag_ms
        self._tuned = schema.PROFILE_TUNING_RESIDUAL_PPM in profile.values
        if not self._tuned:
            self._lag_steps += _UNTUNED_STEPS
        self._shut_steps = 0

    def step(self, pressure_kpa, newest_kpa, pumping, rate_kpa_s, noise):
        """Process the state of a tick; return the fault that it shows, FAULT_NONE without one.

        `pressure_kpa` is the filtered reading, `newest_kpa` the newest one.
        `pumping` says whether the pump valve is commanded open, or nothing presses on the sample.
        `rate_kpa_s` is that of the last ramp and of what the pump delivers; `noise` is the crack
        detector's.
        """
        shut_steps = self._shut_steps
        if pumping:
            self._shut_steps = 0
            self._rate_kpa_s = rate_kpa_s
            return schema.FAULT_NONE
        if shut_steps <= self._lag_steps:
            self._shut_steps = shut_steps + 1
        higher_kpa = newest_kpa if newest_kpa > pressure_kpa else pressure_kpa
        if shut_steps == 0 or shut_steps == self._lag_steps or higher_kpa < self._lowest_kpa:
            self._lowest_kpa = higher_kpa
            return schema.FAULT_NONE
        rose_kpa = newest_kpa if newest_kpa < pressure_kpa else pressure_kpa
        rose_kpa -= self._lowest_kpa
        if shut_steps < self._lag_steps:
            if not self._tuned:
                return schema.FAULT_NONE
            rose_kpa -= (self._rate_kpa_s >> 4) * self._run_on_ms // 1000 << 4
        else:
            self._lowest_kpa += pressure_kpa >> _CREEP_SHIFT
        least_kpa = _RESOLUTIONS * self._resolution_kpa + (noise >> _FOUR_SIGMA_SHIFT)
        if rose_kpa > (pressure_kpa >> _RISE_SHIFT) + least_kpa:
            return schema.FAULT_PUMP_STUCK
        return schema.FAULT_NONE
