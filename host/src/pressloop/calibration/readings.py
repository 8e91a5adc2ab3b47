"""Takes from the record of a series what the controller read at each level."""

from __future__ import annotations

from typing import Final

import numpy as np

from pressloop.calibration.levels import Levels, order_of
from pressloop.errors import BadInputError
from pressloop.extras import DataFrame
from pressloop.machine.profile import MachineProfile
from pressloop.record.model import RecordModel
from pressloop.units.force import die_area_mm2

WINDOW_S: Final = 3.0
"""A level is the mean of this time: friction falls below its level in sliding in a long hold."""
MIN_RECORDS: Final = 10

# The middle of the travel: it begins with filling the cylinder and ends with a rise.
_TRAVEL: Final = (0.4, 0.75)


class LevelReading(RecordModel):
    """One level of one series. Forces in kN.

    Attributes:
        series: Number of the series, from 1.
        rising: Whether it was reached from below.
        level: Number of the level, from 1, the lowest.
        target_kn: Force of the level.
        indicated_kn: Mean of what the controller read and showed.
        oil_kn: Mean of the oil's force, from the transducer's counts by the profile as it was.
        scatter_kn: Standard error of `oil_kn`.
        from_s: Begin of the time of the mean, seconds since 1970.
        to_s: Its end.
        by_cell: Whether the controller read its load cell.
        reference_kn: What the reference read; None as long as it is not known.
    """

    series: int
    rising: bool
    level: int
    target_kn: float
    indicated_kn: float
    oil_kn: float
    scatter_kn: float
    from_s: float
    to_s: float
    by_cell: bool = False
    reference_kn: float | None = None

    @property
    def name(self) -> str:
        """What a person calls this level: `series 1, rising, level 2`."""
        way = "rising" if self.rising else "falling"
        return f"series {self.series}, {way}, level {self.level}"


def force_kn(pressure_mpa: float, die_um: int) -> float:
    """Return the force of a pressure on a die, kN."""
    return pressure_mpa * float(die_area_mm2(die_um)) / 1000


def level_readings(
    frame: DataFrame,
    levels: Levels,
    series: int,
    profile: MachineProfile,
    references: dict[int, float] | None = None,
) -> list[LevelReading]:
    """Return what was read at each level of a series, in its order.

    Args:
        frame: Telemetry of the series.
        levels: The levels.
        series: Number of the series, from 1.
        profile: Profile with which it was pressed.
        references: Reference by position in the series, kN, where it was read while the level was
            held; then the mean is of the last seconds of the hold.

    Raises:
        BadInputError: `calibration-record`: a level is not in the record.
    """
    kn_per_count = _kn_per_count(profile)
    zero = profile.raw_zero + (profile.raw_zero_fraction or 0)
    step = frame.step_id.to_numpy(np.float64, na_value=np.nan)
    dwelling = frame.dwelling.to_numpy(np.bool_)
    readings = []
    for position, (rising, level) in enumerate(order_of(levels, series)):
        inside = np.flatnonzero((step == 2 * position + 1) & dwelling)
        reference = (references or {}).get(position)
        inside = _window(frame, inside, last=reference is not None)
        if len(inside) < MIN_RECORDS:
            raise BadInputError(
                f"series {series} has no reading at its level {level + 1}",
                hint="press this series again with --resume",
                code="calibration-record",
            )
        oil = (frame.raw_counts.to_numpy(np.float64)[inside] - zero) * kn_per_count
        at_s = frame.unix_time_second.to_numpy(np.float64)[inside]
        cell = frame.load_cell.to_numpy(np.bool_)[inside] if "load_cell" in frame else [False]
        indicated_mpa = float(frame.pressure_mpa.to_numpy(np.float64)[inside].mean())
        readings.append(
            LevelReading(
                series=series,
                rising=rising,
                level=level + 1,
                target_kn=force_kn(levels.levels_kpa[level] / 1000, levels.die_um),
                indicated_kn=force_kn(indicated_mpa, levels.die_um),
                oil_kn=float(oil.mean()),
                scatter_kn=_standard_error(oil),
                from_s=float(at_s[0]),
                to_s=float(at_s[-1]),
                by_cell=bool(np.all(cell)),
                reference_kn=reference,
            )
        )
    return readings


def zero_kn(frame: DataFrame, profile: MachineProfile) -> float | None:
    """Return what the controller read without load, while the ram travelled, kN; None without."""
    travel = np.flatnonzero(frame.approaching.to_numpy(np.bool_))
    middle = travel[int(_TRAVEL[0] * len(travel)) : int(_TRAVEL[1] * len(travel))]
    if len(middle) < MIN_RECORDS:
        return None
    zero = profile.raw_zero + (profile.raw_zero_fraction or 0)
    raw = frame.raw_counts.to_numpy(np.float64)[middle]
    return float((raw.mean() - zero) * _kn_per_count(profile))


def _kn_per_count(profile: MachineProfile) -> float:
    """Return the oil's force for each count of the transducer, kN."""
    full_kn = profile.full_scale_bar * profile.ram_area_cm2 / 100
    return full_kn / (profile.raw_full - profile.raw_zero)


def _window(
    frame: DataFrame, inside: np.ndarray[tuple[int], np.dtype[np.int64]], *, last: bool
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the records of the first seconds of a dwell, or of its last ones."""
    if not len(inside):
        return inside
    time_s = frame.time_s.to_numpy(np.float64)[inside]
    if last:
        return np.asarray(inside[time_s >= time_s[-1] - WINDOW_S])
    return np.asarray(inside[time_s <= time_s[0] + WINDOW_S])


def _standard_error(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Return the standard error of a mean, from the means of ten blocks: neighbours are alike."""
    blocks = [float(block.mean()) for block in np.array_split(values, 10) if block.size]
    return float(np.std(blocks, ddof=1) / np.sqrt(len(blocks))) if len(blocks) > 1 else 0.0
