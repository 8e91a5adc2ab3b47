"""Measures how well a stage was pressed: peak, overshoot, ramp error, settling, dwell, mean, rms.

Pure functions of arrays; the same ones measure the reading and, on an emulated press, the true
pressure. The definitions, with their formulas, are in docs/run-record.md.

Arrays of one stage have one dimension and one element per telemetry record. Pressures are MPa on
the pellet, times are seconds on the device clock. `target_mpa` and `tolerance_mpa` (half width of
the band) are the stage's own. A measure is None without the samples that it needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from pressloop.machine.band import BAND_SLACK_MPA, FIXED_BAND

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SETTLED_S: Final = 1.0
"""The pressure has settled when it stays in band for this long, or to the end of the hold."""

FULLY_OPEN_PERCENT: Final = 99.5
"""From this opening on the pump gives all that it has; rounding costs the rest."""

BEHIND_SHARE: Final = 0.01
"""Of the target: a pressure that is further below its setpoint has fallen behind."""

NOISE_BLOCK: Final = 32
"""Samples over which noise is measured: longer than the reading's filter, shorter than the
changes that the powder makes."""


@dataclass(frozen=True)
class StageSamples:
    """The samples of which the measures of one stage are computed, in order of time.

    Arrays have the shape (n,).

    Attributes:
        time_s: Device clock, s.
        pressure_mpa: The reading, or the true pressure, MPa on the pellet.
        setpoint_mpa: From the board's setpoint generator, MPa on the pellet.
        output_percent: Opening of the valves, -100..100; positive pump, negative release.
        ramp: The sample belongs to the ramp or release that leads to the target.
        hold: The sample belongs to the hold.
        running: The stage's clocks ran (not paused).
        approaching: The ram moved without load.
    """

    time_s: Floats
    pressure_mpa: Floats
    setpoint_mpa: Floats
    output_percent: Floats
    ramp: Bools
    hold: Bools
    running: Bools
    approaching: Bools

    def where(self, mask: Bools) -> StageSamples:
        """Return only the samples that the mask selects."""
        return StageSamples(**{name: array[mask] for name, array in vars(self).items()})


@dataclass(frozen=True)
class StageMetrics:
    """The measures of one stage; None where the stage has no samples for it."""

    peak_mpa: float | None
    lowest_mpa: float | None
    overshoot_mpa: float | None
    overshoot_percent: float | None
    ramp_error_percent: float | None
    full_flow_s: float | None
    settle_s: float | None
    in_band_fraction: float | None
    hold_within_half_percent: float | None
    dwell_s: float | None
    mean_mpa: float | None
    rms_error_mpa: float | None
    top_up_count: int | None
    noise_mpa: float | None


def stage_metrics(
    samples: StageSamples,
    *,
    target_mpa: float,
    tolerance_mpa: float | None,
    direction: Literal["up", "down", "none"],
    sample_interval_s: float,
) -> StageMetrics:
    """Compute all measures of one stage.

    Samples whose pressure is not finite are left out. Without a tolerance (a stage that only
    ramps) the measures that need a band are None.
    """
    samples = samples.where(np.isfinite(samples.pressure_mpa) & (samples.ramp | samples.hold))
    sign = -1 if direction == "down" else 1
    arrived = from_arrival(samples.pressure_mpa, target_mpa, tolerance_mpa or 0.0, sign)
    overshoot = overshoot_mpa(arrived, target_mpa, sign)
    window = dwell_window(samples, target_mpa, tolerance_mpa or 0.0)
    in_dwell = samples.pressure_mpa[window]
    fraction = fraction_within(in_dwell, target_mpa, tolerance_mpa)
    dwell = None
    if fraction is not None:
        dwell = round(round(fraction * in_dwell.size) * sample_interval_s, 6)
    return StageMetrics(
        peak_mpa=float(arrived.max()) if arrived.size else None,
        lowest_mpa=float(arrived.min()) if arrived.size else None,
        overshoot_mpa=overshoot,
        overshoot_percent=percent_of(overshoot, target_mpa),
        ramp_error_percent=percent_of(ramp_error_mpa(samples, target_mpa), target_mpa),
        full_flow_s=full_flow_s(samples, target_mpa, sample_interval_s),
        settle_s=None
        if direction != "none" and _begins_at_target(samples, target_mpa)
        else settle_s(samples, target_mpa, tolerance_mpa, sample_interval_s),
        in_band_fraction=fraction,
        hold_within_half_percent=fraction_within(in_dwell, target_mpa, FIXED_BAND * target_mpa),
        dwell_s=dwell,
        mean_mpa=float(in_dwell.mean()) if in_dwell.size else None,
        rms_error_mpa=rms_error_mpa(in_dwell, target_mpa),
        top_up_count=top_up_count(samples.output_percent[samples.hold]),
        noise_mpa=noise_mpa(in_dwell),
    )


def in_band(pressure_mpa: Floats, target_mpa: float, tolerance_mpa: float) -> Bools:
    """Return which samples satisfy `|p - target| <= tolerance`; the edge belongs to the band."""
    return np.abs(pressure_mpa - target_mpa) <= tolerance_mpa + BAND_SLACK_MPA


def from_arrival(
    pressure_mpa: Floats, target_mpa: float, tolerance_mpa: float, sign: int
) -> Floats:
    """Return the samples from arrival on: from the first in band, or beyond it, on the way.

    All samples when the pressure never arrived. `sign` is 1 on the way up and -1 on the way down.
    """
    arrived = sign * (pressure_mpa - target_mpa) >= -tolerance_mpa - BAND_SLACK_MPA
    return pressure_mpa[int(arrived.argmax()) :] if arrived.any() else pressure_mpa


def overshoot_mpa(arrived_mpa: Floats, target_mpa: float, sign: int) -> float | None:
    """Return how far the pressure went beyond the target in the direction of travel, MPa, or 0."""
    if not arrived_mpa.size:
        return None
    return max(0.0, float((sign * (arrived_mpa - target_mpa)).max()))


def ramp_error_mpa(samples: StageSamples, target_mpa: float) -> float | None:
    """Return the largest `|p - setpoint|` of the ramp, MPa; None without a ramp.

    From contact (the sample after the last approaching one) to the first sample whose setpoint is
    the target, that one included, which can be the first of the hold; without paused samples.
    """
    if not samples.ramp.any():
        return None
    approaching = np.flatnonzero(samples.approaching)
    contact = int(approaching[-1]) + 1 if approaching.size else 0
    at_target = np.flatnonzero(_setpoint_at(samples, target_mpa)[contact:])
    stop = contact + int(at_target[0]) + 1 if at_target.size else samples.time_s.size
    error = np.abs(samples.pressure_mpa - samples.setpoint_mpa)[contact:stop]
    error = error[samples.running[contact:stop]]
    return float(error.max()) if error.size else None


def full_flow_s(samples: StageSamples, target_mpa: float, sample_interval_s: float) -> float | None:
    """Return for how long the pump was fully open and the pressure still behind its setpoint, s.

    Behind by more than `BEHIND_SHARE` of the target, from contact on; without paused samples. None
    without samples. Loose powder may need more oil than the pump gives; no controller helps there.
    """
    if not samples.time_s.size:
        return None
    behind = samples.setpoint_mpa - samples.pressure_mpa > BEHIND_SHARE * target_mpa
    fully_open = samples.output_percent >= FULLY_OPEN_PERCENT
    limited = behind & fully_open & samples.running & ~samples.approaching
    return round(int(np.count_nonzero(limited)) * sample_interval_s, 6)


def settle_s(
    samples: StageSamples,
    target_mpa: float,
    tolerance_mpa: float | None,
    sample_interval_s: float,
) -> float | None:
    """Return the time from the setpoint's arrival at the target until the pressure has settled, s.

    It has settled when it stays in band for `SETTLED_S`, or to the end of the hold. None when that
    never happens, when the setpoint never arrives, and when either moment, or the time in band
    that proves it, contains a gap between two samples: what happened there is not known.
    """
    at_target = np.flatnonzero(_setpoint_at(samples, target_mpa))
    if tolerance_mpa is None or not at_target.size or not samples.hold.any():
        return None
    behind_gap = _behind_gap(samples.time_s, sample_interval_s)[at_target[0] :]
    if behind_gap[0]:
        return None
    time = samples.time_s[at_target[0] :]
    inside = in_band(samples.pressure_mpa[at_target[0] :], target_mpa, tolerance_mpa)
    outside = np.flatnonzero(~inside)
    # Every time in band begins at the start or behind a sample outside, and ends before the next.
    entries = np.concatenate(([0], outside + 1))
    exits = np.append(outside, inside.size)
    for entry, leave in zip(entries, exits, strict=True):
        if entry < leave and (leave == inside.size or _at_least(time, entry, leave, SETTLED_S)):
            proof = behind_gap[entry:leave][time[entry:leave] <= time[entry] + SETTLED_S]
            return None if proof.any() else round(float(time[entry] - time[0]), 6)
    return None


def dwell_window(samples: StageSamples, target_mpa: float, tolerance_mpa: float) -> Bools:
    """Return the samples that measure the hold: from the first in band to its end, without pauses.

    If no sample was in band, all samples of the hold are returned.
    """
    hold = samples.hold & samples.running
    inside = hold & in_band(samples.pressure_mpa, target_mpa, tolerance_mpa)
    if inside.any():
        hold = hold & (np.arange(hold.size) >= inside.argmax())
    return hold


def fraction_within(
    pressure_mpa: Floats, target_mpa: float, tolerance_mpa: float | None
) -> float | None:
    """Return the share of the samples that are in a band around the target, 0..1."""
    if tolerance_mpa is None or not pressure_mpa.size:
        return None
    return float(in_band(pressure_mpa, target_mpa, tolerance_mpa).mean())


def rms_error_mpa(pressure_mpa: Floats, target_mpa: float) -> float | None:
    """Return the root mean square of `p - target`, MPa."""
    if not pressure_mpa.size:
        return None
    return float(np.sqrt(np.mean(np.square(pressure_mpa - target_mpa))))


def noise_mpa(pressure_mpa: Floats) -> float | None:
    """Return the standard deviation of the pressure about its mean over short blocks, MPa.

    Drift that is slower than a block of `NOISE_BLOCK` samples comes from press and powder and does
    not count as noise. None with less than two blocks.
    """
    blocks = pressure_mpa.size // NOISE_BLOCK
    if blocks < 2:
        return None
    rows = pressure_mpa[: blocks * NOISE_BLOCK].reshape(blocks, NOISE_BLOCK)
    return float(np.sqrt(rows.var(axis=1, ddof=1).mean()))


def top_up_count(output_percent: Floats) -> int | None:
    """Return how often the pump started within the hold, after a sample in which it stood still."""
    if not output_percent.size:
        return None
    pumping = output_percent > 0
    return int(np.count_nonzero(pumping[1:] & ~pumping[:-1]))


def percent_of(value: float | None, reference: float) -> float | None:
    """Return `value` in percent of `reference`; None without a value or a positive reference."""
    return None if value is None or reference <= 0 else 100.0 * value / reference


def _setpoint_at(samples: StageSamples, target_mpa: float) -> Bools:
    return in_band(samples.setpoint_mpa, target_mpa, 0.0)


def _begins_at_target(samples: StageSamples, target_mpa: float) -> bool:
    """Return whether the samples begin at the target: the end of the ramp was not recorded."""
    return not samples.ramp.any() and bool(_setpoint_at(samples, target_mpa)[:1].any())


def _behind_gap(time_s: Floats, sample_interval_s: float) -> Bools:
    """Return which samples follow the one before by more than the time of a record."""
    return np.diff(time_s, prepend=time_s[:1]) > 1.5 * sample_interval_s


def _at_least(time_s: Floats, first: int, last: int, duration_s: float) -> bool:
    """Return whether two samples are that far apart, to a microsecond."""
    return bool(time_s[last] - time_s[first] >= duration_s - 1e-6)
