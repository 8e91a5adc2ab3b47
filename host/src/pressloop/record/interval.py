"""Sums up consecutive records: an interval keeps their extremes whole, and sums over all of them.

The sums are those that the measures of a stage need, in whole kPa and so exact. Standard library
only, so that recording needs no extra.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from pressloop.machine.band import BAND_SLACK_MPA, FIXED_BAND
from pressloop.record.model import IntervalSums, PlannedStep, TruthSums
from pressloop.wire.schema import RECORD_FIELDS, RECORD_FORMAT, RECORD_SIZE, FlagBits

_RECORD: Final = struct.Struct(RECORD_FORMAT)
TICK: Final = RECORD_FIELDS.index("tick")
PRESSURE: Final = RECORD_FIELDS.index("pressure_kpa")
SETPOINT: Final = RECORD_FIELDS.index("setpoint_kpa")
OUTPUT: Final = RECORD_FIELDS.index("output")
STEP: Final = RECORD_FIELDS.index("step")
STATE: Final = RECORD_FIELDS.index("state")
FLAGS: Final = RECORD_FIELDS.index("flags")
INPUTS: Final = RECORD_FIELDS.index("inputs")
"""Columns of an unpacked record."""

_DWELLING: Final = int(FlagBits.DWELLING)
_SLACK_KPA: Final = 1000 * BAND_SLACK_MPA


@dataclass(frozen=True)
class Interval:
    """Consecutive records, summed up.

    Attributes:
        first: Sequence number of the first.
        count: How many they are.
        offsets: Which of them are kept, counted from the first, ascending.
        records: The kept ones, packed.
        sums: What the measures need of all of them.
        truth: The same from the true pressure, on an emulated press.
        truth_rows: Rows for the record's own truth file: of the kept records, and of all records
            since the last interval.
    """

    first: int
    count: int
    offsets: tuple[int, ...]
    records: bytes
    sums: IntervalSums
    truth: TruthSums | None = None
    truth_rows: bytes = b""


@dataclass(frozen=True)
class IntervalTruth:
    """The true pressures of an interval.

    Attributes:
        sums: Over all its records.
        extremes: Offsets of the records with the lowest and the highest true pressure, and of
            those behind which something broke.
        before: Packed rows of what came before the interval and was not taken yet.
        row_of: Packed row by tick.
    """

    sums: TruthSums
    extremes: tuple[int, ...]
    before: bytes
    row_of: Mapping[int, bytes]


Rows = Sequence[tuple[int, ...]]
"""Unpacked telemetry records."""

TruthOf = Callable[[Rows, float | None, float | None], IntervalTruth]
"""Takes the true pressures of consecutive records, given target and tolerance, MPa."""


def unpack_rows(records: bytes) -> Rows:
    """Unpack telemetry records; the columns are `TICK`, `PRESSURE` and so on."""
    return list(_RECORD.iter_unpack(records))


def sum_up(
    first: int, records: bytes, steps: Mapping[int, PlannedStep], truth_of: TruthOf | None
) -> Interval:
    """Sum up consecutive records of one step and one state.

    Args:
        first: Sequence number of the first.
        records: Packed records.
        steps: Of the plan, by index: a hold has target and tolerance.
        truth_of: Takes the true pressures of an emulated press.
    """
    rows = unpack_rows(records)
    step = steps.get(rows[0][STEP])
    target = tolerance = None
    if step is not None and step.kind == "hold":
        target, tolerance = step.target_mpa, step.tolerance_mpa
    pressures = [row[PRESSURE] for row in rows]
    lowest, highest = min(pressures), max(pressures)
    offsets = {0, pressures.index(lowest), pressures.index(highest), len(rows) - 1}
    truth = None
    if truth_of is not None:
        truth = truth_of(rows, target, tolerance)
        offsets.update(truth.extremes)
    kept = tuple(sorted(offsets))
    packed = b"".join(records[n * RECORD_SIZE : (n + 1) * RECORD_SIZE] for n in kept)
    sums = _sums(rows, pressures, round(1000 * target) if target is not None else 0, tolerance)
    if truth is None:
        return Interval(first, len(rows), kept, packed, sums)
    true_rows = [truth.before, *(truth.row_of.get(rows[n][TICK], b"") for n in kept)]
    return Interval(first, len(rows), kept, packed, sums, truth.sums, b"".join(true_rows))


def _sums(
    rows: Rows, pressures: Sequence[int], target_kpa: int, tolerance_mpa: float | None
) -> IntervalSums:
    errors = [pressure - target_kpa for pressure in pressures]
    largest_kpa = max(max(errors), -min(errors))
    outputs = [row[OUTPUT] for row in rows]
    return IntervalSums(
        step=rows[0][STEP],
        state=rows[0][STATE],
        target_kpa=target_kpa,
        error_kpa=sum(errors),
        square_kpa2=sum([error * error for error in errors]),
        in_band=_count_within(errors, largest_kpa, tolerance_mpa),
        half_percent=_count_within(errors, largest_kpa, FIXED_BAND * target_kpa / 1000),
        dwelling=sum([1 for row in rows if row[FLAGS] & _DWELLING]),
        output=sum(outputs),
        pump_starts=sum([1 for a, b in pairwise(outputs) if b > 0 >= a]),
    )


def _count_within(errors: Sequence[int], largest_kpa: int, tolerance_mpa: float | None) -> int:
    """Count the errors within a tolerance, its edge included; 0 without a tolerance."""
    if tolerance_mpa is None:
        return 0
    limit_kpa = 1000 * tolerance_mpa + _SLACK_KPA
    if largest_kpa <= limit_kpa:
        return len(errors)
    return sum([1 for error in errors if -limit_kpa <= error <= limit_kpa])
