"""Keeps a calibration in a file while it goes on, so that an interrupted one can be resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from pressloop.calibration.levels import Levels
from pressloop.calibration.readings import LevelReading
from pressloop.errors import BadInputError
from pressloop.record.model import RecordModel

FILE_NAME: Final = "calibration.json"
SCHEMA: Final = "pressloop.calibration/1"


class ReferenceData(RecordModel):
    """What is known of the reference.

    Attributes:
        kind: `typed`, `csv`, `serial` or `emulated`.
        certificate: Text that finds its certificate, 23 letters at most.
        uncertainty_percent: Its expanded uncertainty (k = 2), of the reading.
        unit: Unit of numbers without one.
    """

    kind: str
    certificate: str
    uncertainty_percent: float
    unit: str = "kN"


class SeriesRecord(RecordModel):
    """One series that was pressed to its end.

    Attributes:
        series: Number of the series, from 1.
        folder: Folder of its run record, beside the file.
        zero_kn: What the controller read without load; None where it was not read.
        readings: Its levels, in their order.
    """

    series: int
    folder: str
    zero_kn: float | None
    readings: tuple[LevelReading, ...]


class CalibrationRecord(RecordModel):
    """A calibration, as far as it has come.

    Attributes:
        date: Day on which it began.
        due: Day from which on it is overdue.
        board: Identity of the controller, hexadecimal.
        simulated: Whether no real press is attached.
        press: Name of the press.
        profile: Machine profile with which it is pressed, by the names of `MachineProfile`.
        profile_hash: Its hash on the board.
        levels: Levels, as in `Levels`.
        accept_percent: Largest error, repeatability and reversibility that pass.
        reference: The reference.
        preloaded: Whether press and reference were loaded before the first reading.
        series: Series that were pressed to their end.
        outcome: Figures, correction and changes of the profile, once all is read.
        stored: Whether the board has stored the result.
    """

    schema_name: str = SCHEMA
    date: str
    due: str
    board: str
    simulated: bool
    press: str
    profile: dict[str, Any]
    profile_hash: str
    levels: dict[str, Any]
    accept_percent: float
    reference: ReferenceData
    preloaded: bool = False
    series: tuple[SeriesRecord, ...] = ()
    outcome: dict[str, Any] | None = None
    stored: bool = False

    @property
    def plan(self) -> Levels:
        """The levels."""
        values = dict(self.levels)
        for name in ("levels_kpa", "tolerances_kpa"):
            values[name] = tuple(values[name])
        return Levels(**values)

    @property
    def readings(self) -> list[LevelReading]:
        """All readings so far."""
        return [reading for series in self.series for reading in series.readings]

    @property
    def zeros_kn(self) -> dict[int, float]:
        """What the controller read without load, by series."""
        return {s.series: s.zero_kn for s in self.series if s.zero_kn is not None}

    def save(self, folder: Path) -> None:
        """Write the file; one that is cut off leaves the one before."""
        beside = folder / f"{FILE_NAME}.new"
        beside.write_text(self.model_dump_json(indent=1), encoding="utf-8")
        beside.replace(folder / FILE_NAME)


def read_record(folder: Path) -> CalibrationRecord:
    """Read the file of a calibration.

    Raises:
        BadInputError: `no-calibration`: there is none, or it cannot be read.
    """
    path = folder / FILE_NAME
    try:
        return CalibrationRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise BadInputError(
            f"{path} is no calibration that can be resumed",
            hint="name the folder that pressloop calibrate printed, or begin a new calibration",
            code="no-calibration",
        ) from error
