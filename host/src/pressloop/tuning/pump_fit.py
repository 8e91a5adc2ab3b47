"""The pump valve and the compliance of the press, as the rises of one or two runs show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pressloop.tuning.leak import BlankLeak
from pressloop.tuning.plausibility import require_plausible, require_told
from pressloop.tuning.records import Bools, Floats, TuningRecords
from pressloop.tuning.valve_fit import MAX_HYSTERESIS, ValveFit, ValveRecord, fit_valve
from pressloop.tuning.windows import (
    MIN_PRESSURE_SHARE_RISING,
    MIN_WINDOWS,
    SMOOTHED_NOISE,
    TICK_S,
    WINDOW_TICKS,
    VolumeBalance,
    absolute_zero_mpa,
    compliance_shapes,
    knots_mpa,
)
from pressloop.wire import schema

_FULL: Final = schema.OUTPUT_FULL

# The limits of what is believed.
_MAX_MISMATCH: Final = 1.08
"""Oil that one rise takes, of what another takes: steel gives back what it took, to 1.2 % on the
presses of the wide family."""
_MAX_RESIDUAL_PERCENT: Final = 15.0
_MIN_DEAD_BAND: Final = 0.002
_MAX_DEAD_BAND: Final = 0.49
_MAX_DEAD_BAND_DOUBT: Final = 0.05
"""Of full stroke, k = 2: what a data sheet says without any measurement is about as good."""
_MAX_LATE_MS: Final = 190.0
MAX_LATE_DOUBT_MS: Final = 60.0
_MAX_HYSTERESIS_DOUBT: Final = 0.02
# Share of the highest pressure; below, a run that hunts shows the contact more than the valve.
_MIN_PRESSURE_SHARE_HUNTING: Final = 0.05


@dataclass(frozen=True)
class Rises:
    """The telemetry of a run, with what its readings alone show."""

    records: TuningRecords
    oil_mpa: Floats
    noise_mpa: float
    """Of one reading, one standard deviation."""
    leak: BlankLeak
    """Of the press; it shows in the sealed hold of a run at two rates."""
    top_mpa: float
    """Pressure at which the leak was measured."""


@dataclass(frozen=True)
class PumpFit:
    """The pump valve and the press's compliance, as found together."""

    rising: VolumeBalance
    valve: ValveFit
    passed: Floats
    """Share of its full flow that the pump passes, one per tick."""
    position: Floats
    """Of the pump's spool, one per tick."""
    residual_percent: float
    fed_ul: Floats
    """Volume that the pump fed in each window."""
    needed_ul: Floats
    """Volume that compliance and leak took up in each window, by the model."""
    curve_ul_mpa: Floats
    """Compliance at the knots of the profile's curve."""

    @property
    def dead_band(self) -> float:
        """Of full stroke, in the middle of the run."""
        return self.valve.dead_band.value

    @property
    def opening(self) -> Floats:
        """Mean position of the spool in each window."""
        return self.rising.fed(self.position) / (WINDOW_TICKS * TICK_S)

    @property
    def taken_ul_s(self) -> Floats:
        """Flow that the press took up in each window."""
        return self.needed_ul / (WINDOW_TICKS * TICK_S)


def fit_pump(
    run: Rises,
    hunt: Rises | None,
    steps: Sequence[schema.PlanStepRequest],
    profile: schema.Profile,
) -> PumpFit:
    """Find the pump's dead band, hysteresis and lag, and the compliance, from the rises.

    Args:
        run: Of `two_rate_plan`.
        hunt: Of `hysteresis_plan`, from which the hysteresis and most of the lag are known.
        steps: Of `run`.
        profile: Whose pump flow is taken as it is.

    Raises:
        BadInputError: `tuning-nonsense`.
    """
    zero_mpa = absolute_zero_mpa(profile)
    record = _record(run, profile, MIN_PRESSURE_SHARE_RISING)
    records = [record]
    if hunt is not None:
        records.append(_record(hunt, profile, _MIN_PRESSURE_SHARE_HUNTING))
    valve = fit_valve(records)
    require_told(
        valve is not None, "the pump's dead band", "no place of it explains when the pressure rose"
    )
    assert valve is not None  # noqa: S101
    rising = record.balance
    needed_ul = rising.volumes(run.leak.per_s, run.top_mpa, zero_mpa) @ valve.factors
    fed_ul = valve.fed(record)
    noise_ul = record.noise_mpa * (record.shapes @ valve.factors)
    residual_percent = _residual_percent(fed_ul, needed_ul, noise_ul)
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
    _require_valve(valve, hunting=hunt is not None)
    curve_ul_mpa = _compliance_curve(rising, valve.factors, profile)
    require_plausible(
        bool(np.all(curve_ul_mpa > 0)),
        "the compliance",
        float(curve_ul_mpa.min()),
        "above 0 uL/MPa",
    )
    return PumpFit(
        rising=rising,
        valve=valve,
        passed=valve.passed(record),
        position=valve.position(record),
        residual_percent=residual_percent,
        fed_ul=fed_ul,
        needed_ul=needed_ul,
        curve_ul_mpa=curve_ul_mpa,
    )


def _record(run: Rises, profile: schema.Profile, min_share: float) -> ValveRecord:
    zero_mpa = absolute_zero_mpa(profile)
    rising = VolumeBalance.of(run.records, run.oil_mpa, min_share, releasing=False)
    command = np.maximum(run.records.output, 0) / _FULL
    return ValveRecord(
        command=command,
        full_flow=np.full(len(command), float(profile.pump_flow_ul_s)),
        balance=rising,
        rise_mpa=rising.rise_mpa,
        shapes=rising.mean_shapes(zero_mpa),
        leaked=rising.leaked(run.leak.per_s, run.top_mpa, zero_mpa),
        noise_mpa=SMOOTHED_NOISE * run.noise_mpa,
    )


def require_dead_band(valve: ValveFit, what: str) -> None:
    """Refuse a dead band that is implausible, or that the records do not show.

    Raises:
        BadInputError: `tuning-nonsense`.
    """
    require_plausible(
        _MIN_DEAD_BAND < valve.dead_band.value < _MAX_DEAD_BAND,
        what,
        100 * valve.dead_band.value,
        "0-50 % of stroke",
    )
    require_told(
        valve.dead_band.expanded < _MAX_DEAD_BAND_DOUBT,
        what,
        f"{100 * valve.dead_band.value:.3g} % of stroke is uncertain by "
        f"{100 * valve.dead_band.expanded:.2g} %",
    )


def _require_valve(valve: ValveFit, *, hunting: bool) -> None:
    """Refuse a valve whose numbers are implausible, or that the records do not show.

    Raises:
        BadInputError: `tuning-nonsense`.
    """
    require_dead_band(valve, "the pump's dead band")
    if not hunting:
        return
    late, hysteresis = valve.late_ticks, valve.hystereses[-1]
    require_plausible(
        10 * late.value < _MAX_LATE_MS,
        "the valves' delay and lag",
        10 * late.value,
        f"below {_MAX_LATE_MS:g} ms",
    )
    require_told(
        10 * late.expanded < MAX_LATE_DOUBT_MS,
        "the valves' lag",
        f"{10 * late.value:.3g} ms is uncertain by {10 * late.expanded:.2g} ms",
    )
    require_plausible(
        hysteresis.value < MAX_HYSTERESIS,
        "the valves' hysteresis",
        100 * hysteresis.value,
        f"below {100 * MAX_HYSTERESIS:g} % of stroke",
    )
    require_told(
        hysteresis.expanded < _MAX_HYSTERESIS_DOUBT,
        "the valves' hysteresis",
        f"{100 * hysteresis.value:.3g} % of stroke is uncertain by "
        f"{100 * hysteresis.expanded:.2g} %",
    )


def _residual_percent(fed_ul: Floats, needed_ul: Floats, noise_ul: Floats) -> float:
    """Return what is unexplained of the pumped volume, rms, beside the readings' noise."""
    left_ul = fed_ul - needed_ul
    unexplained = max(0.0, float(left_ul @ left_ul - noise_ul @ noise_ul))
    return 100 * float(np.sqrt(unexplained / (fed_ul @ fed_ul)))


def _compliance_mismatch(fed: Floats, explained: Floats, ramps: Sequence[Bools]) -> float:
    """Return how much more oil one rise took, against one model of the press, than another."""
    parts = [ramp for ramp in ramps if np.count_nonzero(ramp) >= MIN_WINDOWS]
    shares = [float(np.sum(fed[part]) / np.sum(explained[part])) for part in parts]
    least = min(shares, default=1.0)
    return max(shares, default=1.0) / least if least > 0 else float("inf")


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
