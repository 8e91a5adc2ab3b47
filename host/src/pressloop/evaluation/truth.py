"""Reads the true state of an emulated press: what it simulates, without any sensor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from pressloop_sim.plant import damage
from pressloop_sim.plant.truth_format import MAGIC, RECORD

from pressloop.analysis.metrics import Floats
from pressloop.errors import RecordError
from pressloop.evaluation.series import Ints, Series, signed_ticks
from pressloop.record.columns import TRUTH_NAME

_COLUMNS: Final = (
    "tick",
    "pressure_mpa",
    "oil_mpa",
    "density",
    "ram_mm",
    "oil_derived_mpa",
    "damage",
)

TRUTH_DTYPE: Final = np.dtype(
    [(name, f"<{code}") for name, code in zip(_COLUMNS, RECORD[1:], strict=True)]
)
"""Layout of one record of the truth file; an emulated press writes one per tick."""

_DAMAGE: Final = {
    damage.OVER_PRESSURE: "cracked under too much pressure",
    damage.FAST_RELEASE: "cracked in too fast a release",
    damage.FORCED: "cracked on command",
    damage.DIE_BURST: "escaped from a burst die",
}


@dataclass(frozen=True)
class Breakage:
    """Pellet or die broke: the tick since the start of the run, and what the pellet did.

    The tick is negative when it broke in an earlier run: the pellet was broken from the start.
    """

    tick: int
    what: str


@dataclass(frozen=True)
class Truth:
    """True values at the instants of the telemetry records; NaN where the file has none.

    All arrays have the shape (n,), one element per record.

    Attributes:
        pressure_mpa: Pressure of the punch on the pellet.
        oil_derived_mpa: Pressure that the oil makes on the pellet, as a perfect transducer would
            read it; friction of the ram is the difference.
        breakages: What broke, in order of time, found at every tick of the file.
    """

    pressure_mpa: Floats
    oil_mpa: Floats
    relative_density: Floats
    ram_mm: Floats
    oil_derived_mpa: Floats
    breakages: tuple[Breakage, ...]


def truth_in(folder: Path) -> Path | None:
    """Return the path of the true state in the folder of a record; None when there is none."""
    path = folder / TRUTH_NAME
    return path if path.exists() else None


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
    if data[: len(MAGIC)] != MAGIC[: len(data)]:
        raise RecordError(
            f"{path} is not a truth file that this version can read",
            code="no-truth",
            hint="it was written by another version of the emulated press; read it with that one",
        )
    data = data[len(MAGIC) :]
    whole = len(data) - len(data) % TRUTH_DTYPE.itemsize
    rows = np.frombuffer(data[:whole], TRUTH_DTYPE)
    ticks, rows_at = np.unique(signed_ticks(rows["tick"], start_tick), return_index=True)
    wanted = series.ticks_since(start_tick)
    index = np.searchsorted(ticks, wanted)
    found = index < ticks.size
    found[found] = ticks[index[found]] == wanted[found]

    def at_records(name: str) -> npt.NDArray[np.float64]:
        values = np.full(wanted.size, np.nan)
        # A damaged file may hold signalling NaN: a value that is not there, and no warning.
        with np.errstate(invalid="ignore"):
            values[found] = rows[name][rows_at[index[found]]]
        return values

    until = int(wanted[-1]) if wanted.size else -1
    return Truth(
        at_records("pressure_mpa"),
        at_records("oil_mpa"),
        at_records("density"),
        at_records("ram_mm"),
        at_records("oil_derived_mpa"),
        _breakages(rows["damage"][rows_at][ticks <= until], ticks),
    )


def _breakages(bits: npt.NDArray[np.uint32], ticks: Ints) -> tuple[Breakage, ...]:
    """Return what broke, from the bits at ascending ticks."""
    found = []
    for bit, what in _DAMAGE.items():
        broken = np.flatnonzero(bits & bit)
        if broken.size:
            found.append(Breakage(int(ticks[broken[0]]), what))
    return tuple(sorted(found, key=lambda item: item.tick))
