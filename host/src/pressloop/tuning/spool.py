"""The spool of a valve: how it follows its command, and the hysteresis and lag that a run shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from pressloop.errors import required
from pressloop.tuning.plausibility import require_plausible
from pressloop.tuning.records import Floats, TuningRecords, oil_mpa_of, zero_of
from pressloop.tuning.windows import VolumeBalance, knots_mpa
from pressloop.wire import schema

_FULL: Final = schema.OUTPUT_FULL

# The hysteresis and lag are searched on a wide grid, then on a fine one around the best.
_HYSTERESES: Final = tuple(0.005 * n for n in range(17))
_LAGS_TICKS: Final = (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.5, 10.0, 12.0, 14.0, 16.0, 18.0)
_FINE_HYSTERESES: Final = tuple(0.00125 * n for n in range(-4, 5))
_FINE_LAGS_TICKS: Final = tuple(0.25 * n for n in range(-3, 4))
# Share of the highest pressure; below, the compliance of the coarse run is too uncertain to show
# the hysteresis.
_MIN_PRESSURE_SHARE_HUNTING: Final = 0.1


@dataclass(frozen=True)
class SpoolModel:
    """How the spools of the valves follow a command."""

    hysteresis: float
    """Of full stroke, between the two directions."""
    lag_ticks: float


def spool_position(command: Floats, hysteresis: float, lag_ticks: float) -> Floats:
    """Return the positions of a spool that follows its command with hysteresis, delay and lag.

    Command, hysteresis and position are shares of full stroke; one command and position per tick.
    The delay is one tick.
    """
    half = hysteresis / 2
    approach = 1 - np.exp(-1 / lag_ticks)
    wanted = position = 0.0
    positions = np.empty_like(command)
    for tick, target in enumerate(command.tolist()):
        positions[tick] = position
        if target > wanted + half:
            wanted = target - half
        elif target < wanted - half:
            wanted = target + half
        position += (wanted - position) * approach
    return positions


def flow_share(position: Floats, dead_band: float) -> Floats:
    """Return the share of its full flow that a valve passes at a position of its spool."""
    return np.asarray(np.maximum(0, position - dead_band) / (1 - dead_band), dtype=np.float64)


def fit_spool(records: TuningRecords, profile: schema.Profile) -> SpoolModel:
    """Return the hysteresis and the lag that explain best how a run of `hysteresis_plan` hunted.

    Raises:
        BadInputError: `tuning-nonsense`: the hysteresis is implausible.
    """
    oil_mpa = oil_mpa_of(records, zero_of(profile), profile)
    balance = VolumeBalance.of(records, oil_mpa, _MIN_PRESSURE_SHARE_HUNTING, releasing=False)
    command = np.maximum(records.output, 0) / _FULL
    dead_band = profile.pump_dead_band / _FULL
    curve_ul_mpa = np.array(required(profile.compliance_curve, "the compliance curve")) / 1000
    needed_ul = np.interp(balance.oil_mpa, knots_mpa(profile), curve_ul_mpa) * balance.rise_mpa

    def distance(hysteresis: float, lag_ticks: float) -> float:
        position = spool_position(command, hysteresis, lag_ticks)
        fed_ul = balance.fed(flow_share(position, dead_band) * profile.pump_flow_ul_s)
        # Not squared: a few windows that the compliance explains badly would outvote the rest.
        return float(np.sum(np.abs(fed_ul - needed_ul)))

    def nearest(hystereses: Iterable[float], lags_ticks: Sequence[float]) -> tuple[float, float]:
        return min(product(hystereses, lags_ticks), key=lambda pair: distance(*pair))

    hysteresis, lag_ticks = nearest(_HYSTERESES, _LAGS_TICKS)
    require_plausible(
        hysteresis < _HYSTERESES[-1],
        "the valves' hysteresis",
        100 * hysteresis,
        "below 8 % of stroke",
    )
    hysteresis, lag_ticks = nearest(
        [hysteresis + by for by in _FINE_HYSTERESES if hysteresis + by >= 0],
        [lag_ticks + by for by in _FINE_LAGS_TICKS],
    )
    return SpoolModel(hysteresis, lag_ticks)
