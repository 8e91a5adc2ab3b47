"""What the loop of a tuned press gets from its noise and its lag: filter and gains.

The filter is an observer, which moves with what the valves pass, so a slow one is not late in a
ramp; it only takes longer to notice what the valves' model does not know. The gains are those that
the profile had, lowered where the valves are slow: with a lag T an integrating press under
proportional control has no overshoot up to a gain of about 1/(2 T).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from pressloop.tuning.plans import MAX_GAIN_TIMES_LAG
from pressloop.wire import schema

MAX_FILTERED_NOISE_PERCENT: Final = 0.02
"""Of the range, one standard deviation: less than half of the finest band, 0.05 % of it."""
MAX_FILTER_SHIFT: Final = 4
"""0.16 s, with which noise of 0.1 % of the range is as small as that."""
_MIN_FILTER_SHIFT: Final = 1
# What the valves' model does not know reaches the loop late by a part of the filter's time.
_FILTER_SHARE: Final = 0.25
_KP_UNIT: Final = 256


def filter_shift(noise_percent: float) -> int:
    """Return the filter's time constant for a noise in per cent of the range, as 2^n ticks."""
    shift = _MIN_FILTER_SHIFT
    while shift < MAX_FILTER_SHIFT and filtered(noise_percent, shift) > MAX_FILTERED_NOISE_PERCENT:
        shift += 1
    return shift


def filtered(noise_percent: float, shift: int) -> float:
    """Return what the observer leaves of white noise: its bias adds a quarter to the variance."""
    return noise_percent * math.sqrt(1.25 / (2 ** (shift + 1) - 1))


def with_loop_settings(profile: schema.Profile, noise_percent: float) -> schema.Profile:
    """Return the profile with the filter for this noise, and with gains for its lag of the valves.

    Gains are only lowered, the integral's with the square of the proportional one.
    """
    shift = filter_shift(noise_percent)
    filter_s = _FILTER_SHARE * (2**shift - 2**_MIN_FILTER_SHIFT) / schema.TICK_HZ
    lag_s = max(10, profile.valve_lag_ms or 0) / 1000 + filter_s
    kp = min(profile.kp, round(_KP_UNIT * MAX_GAIN_TIMES_LAG / lag_s))
    ki = round(profile.ki * (kp / profile.kp) ** 2)
    return replace(profile, kp=kp, ki=ki, filter_shift=shift)
