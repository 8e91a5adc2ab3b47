"""Watches the pressure for a rise that the pump was not told to make: its valve is stuck open.

A rise is explained by what the pump passes by the model of its valve, or by the ramp of the
setpoint, which the loop follows also where the dead band of the pump is not the profile's. While
the pump is commanded shut, only what its spool has still to run explains one. Without that a rise
has to be told at once: the release soon takes it away, by letting out what the pump should not
deliver.

Before a tuning neither the lag nor the flow is known: nothing is judged then until the pump has
been shut for a while. `step` runs every tenth tick.

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
# loop.split_range: RISE_KPA_S
# loop.stiffness: PUMPED OPEN_TICKS
_FOUR_SIGMA_SHIFT = const(5)
_RISE_KPA_S = const(3)
_PUMPED = const(6)
_OPEN_TICKS = const(7)
# end of generated

STEP_TICKS = const(10)
# A pressure has risen when it is above its lowest by this share and by noise and resolution.
_RISE_SHIFT = const(7)
_RESOLUTIONS = const(2)
# The lowest pressure follows up by this share in a step, 0.25 % a second: a sealed press may warm.
_CREEP_SHIFT = const(12)
# What the flow explains in the press as tuned is more by a third in the stiffest one.
_STIFFEST_DIVISOR = const(3)
# By how much the dead band of a pump may be wrong, a share of its full rate. In a hold of a tuned
# press the loop has found it after 0.5 s in band: what is left is the hysteresis, within a 146th.
_DEAD_BAND_SHIFT = const(5)
_FOUND_SHIFT = const(7)
_FOUND_STEPS = const(5)
# Without the model of the valve a pump is shut four lags and 0.2 s after its command. Without a
# tuning the lag is not known: a slow valve may lag by more than its data sheet says.
_SHUT_LAGS = const(4)
_SHUT_STEPS = const(2)
_UNTUNED_STEPS = const(6)
_TICK_MS = const(10)
_MAX_RATE_KPA_S = const(1 << 20)


class PumpWatch:
    """Looks how far the pressure rises beyond what the pump and the setpoint explain."""

    def __init__(self):
        self._resolution_kpa = 0
        self._lag_ms = 0
        self._shut_steps = 0
        self._tuned = False
        self._blind_steps = 0
        self._modelled = False
        self._lowest_kpa = 0
        self._dwelling_steps = 0

    def configure(self, profile, scaling):
        """Take over a press and a die."""
        self._resolution_kpa = scaling.resolution_kpa
        self._lag_ms = profile.valve_lag_ms
        self._tuned = schema.PROFILE_TUNING_RESIDUAL_PPM in profile.values
        self._shut_steps = _SHUT_STEPS + _SHUT_LAGS * profile.valve_lag_ms // (10 * STEP_TICKS)
        if not self._tuned:
            self._shut_steps += _UNTUNED_STEPS
        self.forget()

    def forget(self):
        """Begin anew: ticks were missed, in which the model did not follow the pump."""
        self._blind_steps = self._shut_steps
        self._modelled = False
        self._dwelling_steps = 0

    def step(
        self,
        pressure_kpa,
        newest_kpa,
        pumping,
        modelled,
        rate_kpa_s,
        dwelling,
        pump,
        valves,
        noise,
    ):
        """Process the state of a tick; return the fault that it shows, FAULT_NONE without one.

        `pressure_kpa` is the filtered reading, `newest_kpa` the newest one.
        `pumping` says whether the pump valve is commanded open, or nothing presses on the sample;
        `modelled` whether `pump`, the block of the compliance estimate, has followed it since the
        step before.
        `rate_kpa_s` is that of the setpoint; `dwelling` says whether a hold is in band. `valves` is
        the block of the split range; `noise` is the crack detector's.
        """
        risen_kpa = pump[_PUMPED] // schema.TICK_HZ
        open_ms = pump[_OPEN_TICKS] * _TICK_MS
        pump[_PUMPED] = 0
        pump[_OPEN_TICKS] = 0
        modelled = modelled and self._tuned
        holds = modelled and dwelling and rate_kpa_s == 0
        self._dwelling_steps = self._dwelling_steps + 1 if holds else 0
        if modelled:
            # The step in which the model takes over spans ticks without it.
            if not self._modelled:
                self._blind_steps = 1
        elif pumping or self._modelled:
            self._blind_steps = self._shut_steps
        self._modelled = modelled
        higher_kpa = newest_kpa if newest_kpa > pressure_kpa else pressure_kpa
        if self._blind_steps:
            self._blind_steps -= 1
            self._lowest_kpa = higher_kpa
            return schema.FAULT_NONE
        lowest_kpa = self._lowest_kpa + (pressure_kpa >> _CREEP_SHIFT)
        if open_ms:
            # The command acts until a lag later.
            open_ms += self._lag_ms
            if rate_kpa_s > _MAX_RATE_KPA_S:
                rate_kpa_s = _MAX_RATE_KPA_S
            asked_kpa = rate_kpa_s * open_ms // 1000
            if asked_kpa > risen_kpa:
                risen_kpa = asked_kpa
            wrong_shift = _DEAD_BAND_SHIFT
            if self._dwelling_steps > _FOUND_STEPS:
                wrong_shift = _FOUND_SHIFT
            lowest_kpa += (valves[_RISE_KPA_S] >> wrong_shift) * open_ms // 1000
        lowest_kpa += risen_kpa + risen_kpa // _STIFFEST_DIVISOR
        if higher_kpa < lowest_kpa:
            self._lowest_kpa = higher_kpa
            return schema.FAULT_NONE
        self._lowest_kpa = lowest_kpa
        rose_kpa = newest_kpa if newest_kpa < pressure_kpa else pressure_kpa
        rose_kpa -= lowest_kpa
        least_kpa = _RESOLUTIONS * self._resolution_kpa + (noise >> _FOUR_SIGMA_SHIFT)
        if rose_kpa > (pressure_kpa >> _RISE_SHIFT) + least_kpa:
            return schema.FAULT_PUMP_STUCK
        return schema.FAULT_NONE
