"""Presses the series of a calibration, reads the reference, and computes the result.

Every series is a run with a record of its own. After each the state is written, so that an
interrupted calibration goes on with the first series that is missing.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from pressloop.calibration.corrected_profile import corrected_profile
from pressloop.calibration.correction import Correction, learn_correction
from pressloop.calibration.figures import Figures, compute_figures
from pressloop.calibration.levels import (
    RISING_SERIES,
    Levels,
    hold_steps,
    order_of,
    preload_protocol,
    series_protocol,
)
from pressloop.calibration.readings import WINDOW_S, force_kn, level_readings, zero_kn
from pressloop.calibration.record import CalibrationRecord, SeriesRecord
from pressloop.calibration.references import Reference
from pressloop.calibration.result import calibrated_profile
from pressloop.errors import BadInputError, CommandRefusedError
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press
from pressloop.protocol import Protocol
from pressloop.run.result import RunResult, frame_of
from pressloop.run.run import Run
from pressloop.session.status import PressStatus
from pressloop.wire.codec import encode_message
from pressloop.wire.schema import TICK_HZ, FlagBits

_MAX_SETTLE_TICKS: Final = round(WINDOW_S * TICK_HZ)

Say = Callable[[str], None]


class CalibrationRunner:
    """Goes on with a calibration until all its series are read."""

    def __init__(
        self,
        press: Press,
        folder: Path,
        record: CalibrationRecord,
        reference: Reference,
        *,
        say: Say = lambda _text: None,
        on_status: Callable[[PressStatus], None] | None = None,
    ) -> None:
        """Take a calibration that is new or was read from its file.

        Args:
            press: The press; at rest, with the reference in it.
            folder: Folder of the calibration.
            record: Its state.
            reference: Where the values come from.
            say: Prints what is done next.
            on_status: Called a few times a second with what the press is doing.

        Raises:
            BadInputError: `other-press`: the calibration is of another board or profile.
        """
        self._press = press
        self._folder = folder
        self.record = record
        self._reference = reference
        self._say = say
        self._on_status = on_status
        self._profile = press.profile()
        self._has_ram = not self._profile.is_vessel
        self._require_same_press()

    def press_all(self) -> None:
        """Press what is missing: preload and series; read the reference.

        Raises:
            BadInputError: `calibration-interrupted`: a run did not complete; the state is kept.
            PressloopError: Errors of press and reference come through.
        """
        levels = self.record.plan
        if not self.record.preloaded:
            self._say(f"preload: three times to {self._force(levels, -1)}")
            self._completed(self._run(preload_protocol(levels), "preload"), "preload")
            self._keep(preloaded=True)
        for series in range(1, RISING_SERIES + 1):
            if any(done.series == series for done in self.record.series):
                continue
            self._press_series(levels, series)

    def read_missing(self) -> list[str]:
        """Read the reference of series that were pressed without; return what is still missing."""
        series = []
        for done in self.record.series:
            if any(reading.reference_kn is None for reading in done.readings):
                frame = frame_of(self._folder / done.folder)
                values = self._reference.read_after(done.readings, frame)
                readings = tuple(
                    reading if value is None else reading.model_copy(update={"reference_kn": value})
                    for reading, value in zip(done.readings, values, strict=True)
                )
                done = done.model_copy(update={"readings": readings})
            series.append(done)
        self._keep(series=tuple(series))
        return [reading.name for reading in self.record.readings if reading.reference_kn is None]

    def finish(self) -> tuple[Correction, Figures, MachineProfile]:
        """Return what was learned, the figures, and the profile to store; keep them in the file.

        Raises:
            BadInputError: `calibration-nonsense` or `calibration-incomplete`.
        """
        record = self.record
        error = record.reference.uncertainty_percent / 100
        correction = learn_correction(
            record.readings,
            reference_error=error,
            zeros_kn=record.zeros_kn,
            has_ram=self._has_ram,
        )
        figures = compute_figures(
            record.readings,
            correction,
            reference_error=error,
            zeros_kn=record.zeros_kn.values(),
            accept_percent=record.accept_percent,
        )
        before = self._profile
        # A failed calibration corrects nothing: what is wrong is not what a correction is for.
        corrected = corrected_profile(before, correction) if figures.passed else before
        after = calibrated_profile(
            corrected,
            figures,
            up_to_kn=max(reading.target_kn for reading in record.readings),
            date=record.date,
            due=record.due,
            reference=record.reference.certificate,
        )
        self._keep(outcome=_outcome(correction, figures, before, after))
        return correction, figures, after

    def stored(self) -> None:
        """Note that the board has stored the result."""
        self._keep(stored=True)

    # --- one run

    def _press_series(self, levels: Levels, series: int) -> None:
        way = "up and down" if levels.falls(series) else "up"
        self._say(
            f"series {series} of {RISING_SERIES}, {way}: {self._force(levels, 0)} to "
            f"{self._force(levels, -1)}"
        )
        name = f"series-{series}"
        protocol = series_protocol(levels, series, waits=self._reference.waits)
        references: dict[int, float] = {}
        if self._reference.waits:
            result, references = self._run_waiting(protocol, name, levels, series)
        else:
            result = self._run(protocol, name)
        self._completed(result, name)
        frame = result.frame()
        readings = level_readings(frame, levels, series, self._profile, references)
        if not self._reference.waits:
            values = self._reference.read_after(readings, frame)
            readings = [
                reading if value is None else reading.model_copy(update={"reference_kn": value})
                for reading, value in zip(readings, values, strict=True)
            ]
        done = SeriesRecord(
            series=series,
            folder=name,
            zero_kn=zero_kn(frame, self._profile) if self._has_ram else None,
            readings=tuple(readings),
        )
        self._keep(series=(*self.record.series, done))

    def _run(self, protocol: Protocol, name: str) -> RunResult:
        return self._press.run(
            protocol,
            out=self._folder / name,
            on_status=self._on_status,
            overwrite=True,
            die=None if self.record.plan.isostatic else self._die,
        )

    def _run_waiting(
        self, protocol: Protocol, name: str, levels: Levels, series: int
    ) -> tuple[RunResult, dict[int, float]]:
        """Press a series whose levels are held until their reference was read."""
        run = self._press.start(
            protocol,
            out=self._folder / name,
            on_status=self._on_status,
            overwrite=True,
            die=None if self.record.plan.isostatic else self._die,
        )
        try:
            references = self._read_held(run, levels, series)
        except BaseException:
            run.abort_and_finish("calibration")
            raise
        return run.result(), references

    def _read_held(self, run: Run, levels: Levels, series: int) -> dict[int, float]:
        """Read the reference at each hold, and end the hold."""
        steps = hold_steps(levels, series)
        order = order_of(levels, series)
        references: dict[int, float] = {}
        since: dict[int, int] = {}
        for batch in run.telemetry():
            newest = batch.newest
            if newest is None or newest.step not in steps:
                continue
            position = steps.index(newest.step)
            if position in references or not newest.flags & FlagBits.DWELLING:
                continue
            if newest.tick - since.setdefault(position, newest.tick) < _MAX_SETTLE_TICKS:
                continue
            rising, level = order[position]
            way = "rising" if rising else "falling"
            target_kn = force_kn(levels.levels_kpa[level] / 1000, levels.die_um)
            references[position] = self._reference.read_held(
                f"series {series}, {way}, level {level + 1} of {len(levels.levels_kpa)} "
                f"({target_kn:.4g} kN)",
                target_kn,
            )
            with suppress(CommandRefusedError):  # the run has ended meanwhile
                run.advance(newest.step, by="calibration")
        return references

    def _completed(self, result: RunResult, name: str) -> None:
        if not result.completed:
            raise BadInputError(
                f"the run {name} ended by {result.end_reason}: what was read before is kept",
                hint=f"the record is in {result.directory}; go on with: pressloop calibrate "
                f"--resume {self._folder}",
                code="calibration-interrupted",
            )

    # --- helpers

    @property
    def _die(self) -> str:
        return f"{self.record.plan.die_um} um"

    def _force(self, levels: Levels, level: int) -> str:
        return f"{force_kn(levels.levels_kpa[level] / 1000, levels.die_um):.4g} kN"

    def _keep(self, **update: Any) -> None:
        self.record = self.record.model_copy(update=update)
        self.record.save(self._folder)

    def _require_same_press(self) -> None:
        hello = self._press.hello
        same = self.record.profile_hash == profile_hash(self._profile)
        # An emulated board is a new one each time it is started.
        mine = self.record.board == hello.unique_id.hex() or (
            hello.simulated and self.record.simulated
        )
        if mine and same:
            return
        what = "with another profile" if mine else "of another board"
        raise BadInputError(
            f"the calibration in {self._folder} is {what}",
            hint="begin a new calibration of this press",
            code="other-press",
        )


def profile_hash(profile: MachineProfile) -> str:
    """Return the hash of a profile as its board computes it, hexadecimal."""
    return f"{binascii.crc32(encode_message(profile.to_wire())):08x}"


def _outcome(
    correction: Correction, figures: Figures, before: MachineProfile, after: MachineProfile
) -> dict[str, Any]:
    """Return what a calibration showed as plain data."""
    plain = asdict(replace(correction, unreversed=frozenset()))
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return {
        "passed": figures.passed,
        "reasons": list(figures.reasons),
        "figures": asdict(figures),
        "correction": plain | {"unreversed": sorted(correction.unreversed)},
        "changes": {
            name: {"old": old[name], "new": new[name]} for name in new if old[name] != new[name]
        },
    }
