"""The press that explains a run on a steel blank best: least squares, and whether to believe it.

Flow and compliance cannot be told apart by pressure alone, and need not be: the profile's pump flow
is taken as it is, and the compliance found is the one that goes with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from pressloop.tuning.leak import BlankLeak
from pressloop.tuning.plausibility import require_plausible
from pressloop.tuning.readings import (
    measured_leak,
    measured_noise_percent,
    measured_return_kpa,
    measured_zero,
)
from pressloop.tuning.records import Bools, Floats, TuningRecords, oil_mpa_of
from pressloop.tuning.spool import flow_share, spool_position
from pressloop.tuning.windows import (
    MIN_PRESSURE_SHARE_FALLING,
    MIN_PRESSURE_SHARE_RISING,
    MIN_WINDOWS,
    TICK_S,
    WINDOW_TICKS,
    VolumeBalance,
    absolute_zero_mpa,
    compliance_shapes,
    knots_mpa,
)
from pressloop.wire import schema

MAX_TIMEOUT_MS: Final = 600_000
"""Longest time that the wire allows for an approach."""

_FULL: Final = schema.OUTPUT_FULL
_REFERENCE_MPA: Final = 10.0
_USUAL_LAG_TICKS: Final = 3.0

# The limits of what is believed.
_MAX_MISMATCH: Final = 1.15
"""Oil that one rise takes, of what another takes: steel gives back what it took."""
_MAX_RESIDUAL_PERCENT: Final = 15.0
_MIN_DEAD_BAND: Final = 0.002
_MAX_DEAD_BAND: Final = 0.49

# Share of a ramp's windows in which the dead band must let oil pass.
_MIN_SHARE_PASSING: Final = 0.95

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
    pump: ValveObservations
    release: ValveObservations
    compliance_ul_mpa: Floats
    """Oil that each window of `pump` took per MPa of rise."""
    compliance_at_mpa: Floats
    """Oil pressure in the middle of each of these windows; `pump` has the pressure at its end."""


def identify(
    records: TuningRecords, steps: Sequence[schema.PlanStepRequest], profile: schema.Profile
) -> Identification:
    """Return the profile that explains a run of `two_rate_plan` on a steel blank.

    Raises:
        BadInputError: `tuning-nonsense`: the run shows no press that this controller could drive.
            The message names the implausible number. Nothing is to be stored then.
    """
    zero = measured_zero(records, profile)
    raw_zero = int(zero)
    oil_mpa = oil_mpa_of(records, zero, profile)
    noise_percent = measured_noise_percent(records, profile)
    leak = measured_leak(records, oil_mpa)
    lag_ticks = profile.valve_lag_ms / 10 - 1 if profile.valve_lag_ms else _USUAL_LAG_TICKS
    pump = _fit_pump(records, oil_mpa, steps, profile, leak=leak, lag_ticks=lag_ticks)
    release = _fit_release(records, oil_mpa, profile, pump, leak=leak, lag_ticks=lag_ticks)
    leak_nl_min, leak_uncertainty_nl_min = leak.stored(
        float(
            (
                compliance_shapes(np.array([leak.oil_mpa]), absolute_zero_mpa(profile))
                @ pump.factors
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
        pump=pump.observations(),
        release=release.observations,
        compliance_ul_mpa=np.asarray(pump.fed_ul / rise_mpa),
        compliance_at_mpa=rising.oil_mpa - rising.rise_mpa / 2,
    )


@dataclass(frozen=True)
class _PumpFit:
    """The pump's dead band and the press's compliance, as found together."""

    rising: VolumeBalance
    position: Floats
    """Of the pump's spool, one per tick."""
    dead_band: float
    factors: Floats
    """Of `compliance_shapes`."""
    residual_percent: float
    fed_ul: Floats
    """Volume that the pump fed in each window."""
    needed_ul: Floats
    """Volume that compliance and leak took up in each window, by the model."""
    curve_ul_mpa: Floats
    """Compliance at the knots of the profile's curve."""

    def observations(self) -> ValveObservations:
        """Return opening and flow per window; the flow is what the press took up."""
        window_s = WINDOW_TICKS * TICK_S
        return ValveObservations(
            self.rising.oil_mpa,
            self.rising.fed(self.position) / window_s,
            self.needed_ul / window_s,
        )


def _fit_pump(
    records: TuningRecords,
    oil_mpa: Floats,
    steps: Sequence[schema.PlanStepRequest],
    profile: schema.Profile,
    *,
    leak: BlankLeak,
    lag_ticks: float,
) -> _PumpFit:
    """Find the pump's dead band and the compliance from the rises.

    Raises:
        BadInputError: `tuning-nonsense`.
    """
    top_mpa = float(oil_mpa.max())
    rising = VolumeBalance.of(records, oil_mpa, MIN_PRESSURE_SHARE_RISING, releasing=False)
    position = spool_position(np.maximum(records.output, 0) / _FULL, 0.0, lag_ticks)
    volumes = rising.volumes(leak.per_s, top_mpa, absolute_zero_mpa(profile))

    def fed(dead_band: float) -> Floats:
        return rising.fed(flow_share(position, dead_band) * profile.pump_flow_ul_s)

    dead_band, factors, residual_percent = _fit_dead_band(fed, volumes, rising.moving)
    fed_ul, needed_ul = fed(dead_band), volumes @ factors
    ramps = [rising.step == n for n, step in enumerate(steps) if step.kind == schema.StepKind.RAMP]
    mismatch = _compliance_mismatch(fed_ul, needed_ul, ramps)
    require_plausible(
        mismatch < _MAX_MISMATCH,
        "the oil that one rise took, of what another took,",
        mismatch,
        f"below {_MAX_MISMATCH} times",
        "something in the die yields: take the sample out and put a steel blank in; then tune "
        "again",
    )
    require_plausible(
        residual_percent < _MAX_RESIDUAL_PERCENT,
        "the share of the pumped volume that no press explains",
        residual_percent,
        f"below {_MAX_RESIDUAL_PERCENT:g} %",
    )
    require_plausible(
        _MIN_DEAD_BAND < dead_band < _MAX_DEAD_BAND,
        "the pump's dead band",
        100 * dead_band,
        "0-50 % of stroke",
    )
    curve_ul_mpa = _compliance_curve(rising, factors, profile)
    require_plausible(
        bool(np.all(curve_ul_mpa > 0)),
        "the compliance",
        float(curve_ul_mpa.min()),
        "above 0 uL/MPa",
    )
    return _PumpFit(
        rising, position, dead_band, factors, residual_percent, fed_ul, needed_ul, curve_ul_mpa
    )


def _compliance_curve(rising: VolumeBalance, factors: Floats, profile: schema.Profile) -> Floats:
    """Return the compliance at the knots of the profile's curve, flat above the run's pressures.

    How high the ram landed decides where the lowest window begins. Below it, down to contact, the
    law of the air in the oil goes on: a curve that were flat there would be up to 40 % too stiff.
    """
    knots = knots_mpa(profile)
    lowest_mpa, highest_mpa = float(rising.oil_start_mpa.min()), float(rising.oil_mpa.max())
    contact_mpa = min(lowest_mpa, profile.contact_oil_kpa / 1000)
    zero_mpa = absolute_zero_mpa(profile)
    seen = compliance_shapes(np.clip(knots, lowest_mpa, highest_mpa), zero_mpa) @ factors
    beyond = compliance_shapes(np.clip(knots, contact_mpa, highest_mpa), zero_mpa) @ factors
    # Oil gets softer towards zero, never stiffer.
    return np.asarray(np.maximum(seen, beyond))


@dataclass(frozen=True)
class _ReleaseFit:
    """The release's dead band and flow."""

    dead_band: float
    flow_ul_s: float
    """Of the fully open valve at 10 MPa of oil."""
    observations: ValveObservations


def _fit_release(
    records: TuningRecords,
    oil_mpa: Floats,
    profile: schema.Profile,
    pump: _PumpFit,
    *,
    leak: BlankLeak,
    lag_ticks: float,
) -> _ReleaseFit:
    """Find dead band and flow of the release valve, with the compliance found from the rises.

    Raises:
        BadInputError: `tuning-nonsense`.
    """
    falling = VolumeBalance.of(records, oil_mpa, MIN_PRESSURE_SHARE_FALLING, releasing=True)
    # The flow of an orifice goes with the root of the pressure.
    root = np.sqrt(np.maximum(oil_mpa, 0) / _REFERENCE_MPA)
    position = spool_position(np.maximum(-records.output, 0) / _FULL, 0.0, lag_ticks)
    volumes = falling.volumes(leak.per_s, float(oil_mpa.max()), absolute_zero_mpa(profile))
    released_ul = -(volumes @ pump.factors)
    dead_band, per_volume, _ = _fit_dead_band(
        lambda edge: falling.fed(flow_share(position, edge) * root),
        released_ul[:, None],
        falling.moving,
    )
    require_plausible(
        _MIN_DEAD_BAND < dead_band < _MAX_DEAD_BAND,
        "the release's dead band",
        100 * dead_band,
        "0-50 % of stroke",
    )
    flow_ul_s = 1 / float(per_volume[0])
    ratio = flow_ul_s / profile.release_flow_ul_s
    require_plausible(
        0.2 < ratio < 5, "the release's flow, of the data sheet's,", ratio, "0.2-5 times"
    )
    return _ReleaseFit(
        dead_band,
        flow_ul_s,
        ValveObservations(
            falling.oil_mpa,
            falling.fed(position) / (WINDOW_TICKS * TICK_S),
            released_ul / np.maximum(falling.fed(root), 1e-9),
        ),
    )


def _travel_s(records: TuningRecords, pump: _PumpFit) -> float:
    """Return the time that the first travel to the blank would take with the pump fully open, s."""
    passed = flow_share(pump.position, pump.dead_band)
    return float(passed[records.approaching & (records.step == 0)].sum()) * TICK_S


def _approach_um(records: TuningRecords, profile: schema.Profile, pump: _PumpFit) -> int | None:
    """Return the travel of the ram to the blank, um, in terms of the profile's pump flow.

    None if it is none that the board takes.
    """
    least, most = schema.Profile.range_of("approach_um")
    um = round(1000 * _travel_s(records, pump) * profile.pump_flow_ul_s / profile.ram_area_mm2)
    return um if least <= um <= most else None


def _approach_opening(records: TuningRecords, profile: schema.Profile, pump: _PumpFit) -> int:
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


def _fit_dead_band(
    fed: Callable[[float], Floats], volumes: Floats, moving: Bools
) -> tuple[float, Floats, float]:
    """Find the dead band with which `volumes` explain best what was fed.

    A dead band that lets nothing pass while the pressure was `moving` is excluded: only jolts
    would be left to explain, and any compliance can explain those.

    Returns the dead band, the factors of the volumes' columns, and what is left, rms, in per cent
    of what was fed.
    """
    scale = np.linalg.norm(volumes, axis=0)
    inverse = np.linalg.pinv(volumes / scale, rcond=1e-6)

    def residual(edge: float) -> float:
        volume = fed(edge)
        if np.mean(volume[moving] > 0) < _MIN_SHARE_PASSING:
            return float("inf")
        left = volume - volumes / scale @ (inverse @ volume)
        size = float(volume @ volume)
        # Relative, as a dead band that lets nothing pass leaves nothing to explain.
        return float(np.sqrt(left @ left / size)) if size > 0 else float("inf")

    best = 0.25
    for reach, count in ((0.25, 101), (0.006, 61), (0.0003, 31)):
        edges = np.linspace(max(0.0, best - reach), min(0.5, best + reach), count)
        best = float(min(edges, key=residual))
    factors = inverse @ fed(best) / scale
    return best, factors, 100 * residual(best)


def _compliance_mismatch(fed: Floats, explained: Floats, ramps: Sequence[Bools]) -> float:
    """Return how much more oil one rise took, against one model of the press, than another."""
    parts = [ramp for ramp in ramps if np.count_nonzero(ramp) >= MIN_WINDOWS]
    shares = [float(np.sum(fed[part]) / np.sum(explained[part])) for part in parts]
    least = min(shares, default=1.0)
    return max(shares, default=1.0) / least if least > 0 else float("inf")
