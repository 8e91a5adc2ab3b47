"""The true state of an emulated press, which no transducer and no loop has touched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from pressloop.errors import RecordError
from pressloop.metrics import Floats
from pressloop.record.series import Series, signed_ticks

TRUTH_DTYPE: Final = np.dtype(
    [("tick", "<u4"), ("pressure_mpa", "<f4"), ("oil_mpa", "<f4"), ("density", "<f4")]
)
"""One record of the file that an emulated press writes, one record per tick."""


@dataclass(frozen=True)
class Truth:
    """True values at the instants of the telemetry records; NaN where the file has none."""

    pressure_mpa: Floats
    oil_mpa: Floats
    relative_density: Floats


def read_truth(path: Path, series: Series, start_tick: int) -> Truth:
    """Read a truth file and pick the values that belong to the records.

    A record that is cut off at the end of the file is dropped.

    Raises:
        RecordError: `no-truth`, when the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordError(
            f"the emulated press left no true pressure in {path}: {error.strerror}",
            code="no-truth",
            hint="finalise without it; the stages are then judged by the reading alone",
        ) from error
    whole = len(data) - len(data) % TRUTH_DTYPE.itemsize
    rows = np.frombuffer(data[:whole], TRUTH_DTYPE)
    ticks, rows_at = np.unique(signed_ticks(rows["tick"], start_tick), return_index=True)
    wanted = series.ticks_since(start_tick)
    index = np.searchsorted(ticks, wanted)
    found = index < ticks.size
    found[found] = ticks[index[found]] == wanted[found]

    def at_records(name: str) -> npt.NDArray[np.float64]:
        values = np.full(wanted.size, np.nan)
        values[found] = rows[name][rows_at[index[found]]]
        return values

    return Truth(at_records("pressure_mpa"), at_records("oil_mpa"), at_records("density"))
