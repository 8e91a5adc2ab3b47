"""What the readings alone show: the zero in the approach, noise and leak in the sealed hold."""

from __future__ import annotations

from typing import Final

import numpy as np

from pressloop.tuning.leak import BlankLeak, fit_leak
from pressloop.tuning.plans import SEALED_STEP
from pressloop.tuning.plausibility import require_plausible
from pressloop.tuning.records import Floats, TuningRecords, zero_of
from pressloop.wire import schema

_MAX_NOISE_PERCENT: Final = 0.12
"""Of the transducer's range, one standard deviation: with more the slowest filter leaves more than
a band of 0.05 % of the range bears."""
_MAX_LEAK_PERCENT_S: Final = 2.0
"""Of the pressure, lost per second by the shut press: beyond, no dwell is worth a record."""
_MAX_ZERO_OFF_PERCENT: Final = 2.0
"""Of the range, from the profile's zero."""

# Ticks after which both valves of a sealed hold are shut.
_VALVES_SHUT_TICKS: Final = 100
# Readings before the first valve has moved, and the noise above which they are not worth a mean.
_SEATED_TICKS: Final = 3
_MAX_SEATED_NOISE_PERCENT: Final = 0.03
# Fewer readings of the travel leave the zero at that of the profile.
_MIN_TRAVEL_TICKS: Final = 20


def measured_zero(records: TuningRecords, profile: schema.Profile) -> float:
    """Return the mean reading while the ram travels freely, counts; a load adds to it.

    Noise of half a count or more spreads the readings over several counts, so that their mean is
    good to a fraction of one.
    """
    travel = np.flatnonzero(records.approaching & (records.step == 0))
    # The travel begins with filling the cylinder; a slow one ends with a slow rise on the blank.
    middle = records.raw[travel[2 * len(travel) // 5 : 3 * len(travel) // 4]]
    if len(middle) < _MIN_TRAVEL_TICKS:
        return zero_of(profile)
    zero = float(np.mean(middle))
    off = 100 * abs(zero - zero_of(profile)) / (profile.raw_full - profile.raw_zero)
    require_plausible(
        off < _MAX_ZERO_OFF_PERCENT,
        "the zero, off the profile's by",
        off,
        f"below {_MAX_ZERO_OFF_PERCENT:g} % of the range",
    )
    return zero


def measured_return_kpa(
    records: TuningRecords, zero: float, noise_percent: float, profile: schema.Profile
) -> int | None:
    """Return the pressure of the oil that carries ram and return spring, kPa.

    It is by how much the seated ram reads below the zero of the travelling one, from the first
    readings of a run, in which no valve has moved yet. The profile's value where it has none, where
    they are too noisy, and where the ram was not at its seat: it then reads the same as in travel.
    """
    stated = profile.return_oil_kpa
    seated = records.raw[:_SEATED_TICKS]
    begun = bool(np.all(records.approaching[:_SEATED_TICKS]))
    if not stated or not begun or noise_percent > _MAX_SEATED_NOISE_PERCENT:
        return stated
    counts = zero - float(np.mean(seated))
    found = counts / (profile.raw_full - profile.raw_zero) * profile.full_scale_oil_kpa
    return round(found) if abs(found - stated) <= stated / 2 else stated


def measured_noise_percent(records: TuningRecords, profile: schema.Profile) -> float:
    """Return the noise of the readings in per cent of the range, from neighbours in a sealed hold.

    Raises:
        BadInputError: `tuning-nonsense`.
    """
    shut = records.raw[records.step == SEALED_STEP][_VALVES_SHUT_TICKS:]
    if len(shut) < _VALVES_SHUT_TICKS:
        return 0.0
    counts = float(np.std(np.diff(shut)) / np.sqrt(2))
    percent = 100 * counts / (profile.raw_full - profile.raw_zero)
    require_plausible(
        percent < _MAX_NOISE_PERCENT,
        "the transducer's noise",
        percent,
        f"below {_MAX_NOISE_PERCENT} % of its range",
        "check the transducer's cable, shield and supply; pump motor and valve drivers belong on "
        "another supply; then tune again",
    )
    return percent


def measured_leak(records: TuningRecords, oil_mpa: Floats) -> BlankLeak:
    """Return the leak of the press while both valves are shut.

    Raises:
        BadInputError: `tuning-nonsense`.
    """
    hold = records.step == SEALED_STEP
    shut = oil_mpa[hold][_VALVES_SHUT_TICKS:]
    at_work = np.flatnonzero(records.output[hold][_VALVES_SHUT_TICKS:])
    # From the tick in which the pressure left the band, the pump was at work.
    leak = fit_leak(np.asarray(shut[: at_work[0]] if len(at_work) else shut))
    require_plausible(
        100 * leak.per_s < _MAX_LEAK_PERCENT_S,
        "the leak, of the pressure per second,",
        100 * leak.per_s,
        f"below {_MAX_LEAK_PERCENT_S:g} %",
        "look for oil at fittings and hoses, and for dirt on the release valve's seat; then tune "
        "again",
    )
    return leak
