"""The release valve, as the falls of a run show it, with the compliance that its rises showed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from pressloop.tuning.plausibility import require_plausible, require_told
from pressloop.tuning.pump_fit import PumpFit, Rises, require_dead_band
from pressloop.tuning.records import Floats
from pressloop.tuning.valve_fit import Estimate, Prior, ValveFit, ValveRecord, fit_valve
from pressloop.tuning.windows import (
    MIN_PRESSURE_SHARE_FALLING,
    SMOOTHED_NOISE,
    TICK_S,
    WINDOW_TICKS,
    VolumeBalance,
    absolute_zero_mpa,
)
from pressloop.wire import schema

_FULL: Final = schema.OUTPUT_FULL
_REFERENCE_MPA: Final = 10.0
# Both valves are of one kind and warm alike. A ram that sticks when it turns lets the pressure fall
# sooner, so the falls would show a lag that is too short.
_DOUBT_TICKS: Final = 0.05
_DRIFT_DOUBT: Final = 0.000002


@dataclass(frozen=True)
class ReleaseFit:
    """The release valve."""

    falling: VolumeBalance
    valve: ValveFit
    flow_ul_s: float
    """Of the fully open valve at 10 MPa of oil."""
    opening: Floats
    """Mean position of the spool in each window."""
    passed_ul_s: Floats
    """Flow in each window, converted to 10 MPa of oil."""

    @property
    def dead_band(self) -> float:
        """Of full stroke, in the middle of the run."""
        return self.valve.dead_band.value

    @property
    def hysteresis(self) -> float:
        """What the dither of the run has left of it, of full stroke."""
        return self.valve.hystereses[0].value


def fit_release(run: Rises, profile: schema.Profile, pump: PumpFit) -> ReleaseFit:
    """Find dead band, hysteresis and flow of the release, with the compliance of the rises.

    Delay, lag and drift are those of the pump.

    Raises:
        BadInputError: `tuning-nonsense`.
    """
    records, zero_mpa = run.records, absolute_zero_mpa(profile)
    falling = VolumeBalance.of(records, run.oil_mpa, MIN_PRESSURE_SHARE_FALLING, releasing=True)
    factors = pump.valve.factors
    # The flow of an orifice goes with the root of the pressure.
    root = np.sqrt(np.maximum(run.oil_mpa, 0) / _REFERENCE_MPA)
    record = ValveRecord(
        command=np.maximum(-records.output, 0) / _FULL,
        full_flow=root,
        balance=falling,
        rise_mpa=-falling.rise_mpa,
        shapes=(falling.mean_shapes(zero_mpa) @ factors)[:, None],
        # A leak helps the release.
        leaked=-(falling.leaked(run.leak.per_s, run.top_mpa, zero_mpa) @ factors)[:, None],
        noise_mpa=SMOOTHED_NOISE * run.noise_mpa,
    )
    valve = fit_valve([record], _alike(pump.valve))
    require_told(
        valve is not None,
        "the release's dead band",
        "no place of it explains when the pressure fell",
    )
    assert valve is not None  # noqa: S101
    require_dead_band(valve, "the release's dead band")
    flow_ul_s = 1 / max(1e-12, float(valve.factors[0]))
    ratio = flow_ul_s / profile.release_flow_ul_s
    require_plausible(
        0.2 < ratio < 5, "the release's flow, of the data sheet's,", ratio, "0.2-5 times"
    )
    released_ul = -(falling.volumes(run.leak.per_s, run.top_mpa, zero_mpa) @ factors)
    return ReleaseFit(
        falling,
        valve,
        flow_ul_s,
        falling.fed(valve.position(record)) / (WINDOW_TICKS * TICK_S),
        released_ul / np.maximum(falling.fed(root), 1e-9),
    )


def _alike(pump: ValveFit) -> Prior:
    return Prior(
        Estimate(pump.delay_ticks.value, _DOUBT_TICKS),
        Estimate(pump.drift_per_s.value, _DRIFT_DOUBT),
        Estimate(pump.lag_ticks.value, _DOUBT_TICKS),
        # The same dither leaves no more of it than in the pump.
        max_hysteresis=pump.hystereses[0].value,
    )
