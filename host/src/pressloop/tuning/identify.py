"""The press that explains its runs on a steel blank best, as a profile.

Flow and compliance cannot be told apart by pressure alone, and need not be: the profile's pump flow
is taken as it is, and the compliance found is the one that goes with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from pressloop.tuning.leak import BlankLeak
from pressloop.tuning.pump_fit import PumpFit, Rises, fit_pump
from pressloop.tuning.readings import (
    measured_leak,
    measured_noise_percent,
    measured_return_kpa,
    measured_zero,
)
from pressloop.tuning.records import Floats, TuningRecords, oil_mpa_of
from pressloop.tuning.release_fit import ReleaseFit, fit_release
from pressloop.tuning.spool import SpoolModel
from pressloop.tuning.windows import TICK_S, absolute_zero_mpa, compliance_shapes, knots_mpa
from pressloop.wire import schema

MAX_TIMEOUT_MS: Final = 600_000
"""Longest time that the wire allows for an approach."""

_FULL: Final = schema.OUTPUT_FULL

# Of the spool, beside a tick of delay.
_MIN_LAG_TICKS: Final = 0.5

# The landing: the pump stops within this time after contact, and may not press more until then than
# counts as contact.
_STOP_S: Final = 0.1
_MIN_APPROACH: Final = 0.04
_MAX_APPROACH: Final = 0.5
# Longest time in which the ram that was tuned should meet the blank. Hysteresis of the valve may
# take half of the flow, and the timeout is 600 s.
_MAX_APPROACH_S: Final = 240


@dataclass(frozen=True)
class ValveObservations:
    """What the windows of a run show of one valve: each an opening and the flow that it passed."""

    oil_mpa: Floats
    opening: Floats
    """Mean position of the spool, of full stroke."""
    flow_ul_s: Floats
    """The release's is converted to 10 MPa of oil."""


@dataclass(frozen=True)
class Identification:
    """What one run on the blank showed: the profile that explains it, and how well it does."""

    profile: schema.Profile
    residual_percent: float
    """Of the volume pumped, rms, what the model leaves unexplained: the quality figure."""
    leak: BlankLeak
    noise_percent: float
    """Of the transducer's range, one standard deviation."""
    pump_fit: PumpFit
    release_fit: ReleaseFit
    compliance_ul_mpa: Floats
    """Oil that each window of `pump` took per MPa of rise."""
    compliance_at_mpa: Floats
    """Oil pressure in the middle of each of these windows; `pump` has the pressure at its end."""

    @property
    def pump(self) -> ValveObservations:
        """What the windows of the rises show of the pump valve."""
        fit = self.pump_fit
        return ValveObservations(fit.rising.oil_mpa, fit.opening, fit.taken_ul_s)

    @property
    def release(self) -> ValveObservations:
        """What the windows of the falls show of the release valve."""
        fit = self.release_fit
        return ValveObservations(fit.falling.oil_mpa, fit.opening, fit.passed_ul_s)

    @property
    def spool(self) -> SpoolModel:
        """Hysteresis and lag of the valves, where a run without dither has shown them."""
        valve = self.pump_fit.valve
        # No run with dither has more of it left than there is; half of what is uncertain is taken
        # to be there, as too little dither costs far more than too much.
        most = max(valve.hystereses, key=lambda hysteresis: hysteresis.value)
        return SpoolModel(
            most.value + most.standard, max(_MIN_LAG_TICKS, valve.late_ticks.value - 1)
        )


def identify(
    records: TuningRecords,
    steps: Sequence[schema.PlanStepRequest],
    profile: schema.Profile,
    hunt: TuningRecords | None = None,
) -> Identification:
    """Return the profile that explains a run of `two_rate_plan` on a steel blank.

    Args:
        records: Of that run.
        steps: Of that run.
        profile: With which it ran.
        hunt: Records of a run of `hysteresis_plan`, for the hysteresis and the lag of the valves.

    Raises:
        BadInputError: `tuning-nonsense`: the run shows no press that this controller could drive.
            The message names the implausible number. Nothing is to be stored then.
    """
    zero = measured_zero(records, profile)
    raw_zero = int(zero)
    oil_mpa = oil_mpa_of(records, zero, profile)
    noise_percent = measured_noise_percent(records, profile)
    noise_mpa = noise_percent / 100 * profile.full_scale_oil_kpa / 1000
    leak = measured_leak(records, oil_mpa)
    run = Rises(records, oil_mpa, noise_mpa, leak, float(oil_mpa.max()))
    hunting = None
    if hunt is not None:
        hunting = replace(run, records=hunt, oil_mpa=oil_mpa_of(hunt, zero, profile))
    pump = fit_pump(run, hunting, steps, profile)
    release = fit_release(run, profile, pump)
    leak_nl_min, leak_uncertainty_nl_min = leak.stored(
        float(
            (
                compliance_shapes(np.array([leak.oil_mpa]), absolute_zero_mpa(profile))
                @ pump.valve.factors
            )[0]
        )
    )
    resolution_mpa = profile.accuracy_ppm * 1e-6 * profile.full_scale_oil_kpa / 1000
    identified = replace(
        profile,
        raw_zero=raw_zero,
        raw_zero_fraction=int(256 * (zero - raw_zero)),
        raw_full=raw_zero + profile.raw_full - profile.raw_zero,
        return_oil_kpa=measured_return_kpa(records, zero, noise_percent, profile),
        pump_dead_band=round(pump.dead_band * _FULL),
        release_dead_band=round(release.dead_band * _FULL),
        release_flow_ul_s=round(release.flow_ul_s),
        compliance_nl_mpa=round(float(pump.curve_ul_mpa[-1]) * 1000),
        compliance_curve=tuple(round(float(value) * 1000) for value in pump.curve_ul_mpa),
        approach_opening=_approach_opening(records, profile, pump),
        approach_timeout_ms=MAX_TIMEOUT_MS,
        approach_um=_approach_um(records, profile, pump),
        tuning_residual_ppm=round(10_000 * pump.residual_percent),
        leak_nl_min=leak_nl_min,
        leak_uncertainty_nl_min=leak_uncertainty_nl_min,
    )
    rising = pump.rising
    rise_mpa = np.where(np.abs(rising.rise_mpa) > resolution_mpa, rising.rise_mpa, np.nan)
    return Identification(
        identified,
        residual_percent=pump.residual_percent,
        leak=leak,
        noise_percent=noise_percent,
        pump_fit=pump,
        release_fit=release,
        compliance_ul_mpa=np.asarray(pump.fed_ul / rise_mpa),
        compliance_at_mpa=rising.oil_mpa - rising.rise_mpa / 2,
    )


def _travel_s(records: TuningRecords, pump: PumpFit) -> float:
    """Return the time that the first travel to the blank would take with the pump fully open, s."""
    return float(pump.passed[records.approaching & (records.step == 0)].sum()) * TICK_S


def _approach_um(records: TuningRecords, profile: schema.Profile, pump: PumpFit) -> int | None:
    """Return the travel of the ram to the blank, um, in terms of the profile's pump flow.

    None if it is none that the board takes.
    """
    least, most = schema.Profile.range_of("approach_um")
    um = round(1000 * _travel_s(records, pump) * profile.pump_flow_ul_s / profile.ram_area_mm2)
    return um if least <= um <= most else None


def _approach_opening(records: TuningRecords, profile: schema.Profile, pump: PumpFit) -> int:
    """Return the pump's opening for the approach, of `OUTPUT_FULL`.

    Slow enough that the landing is gentle, fast enough that the ram arrives before the timeout.
    """
    contact_mpa = profile.contact_oil_kpa / 1000
    # By the stiffest that the press can be there: its compliance where the run has seen it.
    seen_mpa = max(contact_mpa, float(pump.rising.oil_start_mpa.min()))
    contact_ul_mpa = float(np.interp(seen_mpa, knots_mpa(profile), pump.curve_ul_mpa))
    landing = contact_mpa * contact_ul_mpa / _STOP_S / profile.pump_flow_ul_s
    slowest = max(_MIN_APPROACH, _travel_s(records, pump) / _MAX_APPROACH_S)
    landing = min(max(landing, slowest), _MAX_APPROACH)
    return round((pump.dead_band + landing * (1 - pump.dead_band)) * _FULL)
