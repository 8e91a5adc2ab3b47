"""What `pressloop calibrate` is told: reference, levels, and where the values come from."""

from __future__ import annotations

import datetime
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.markup import escape

from pressloop.calibration.levels import RISING_SERIES, choose_levels
from pressloop.calibration.record import CalibrationRecord, ReferenceData
from pressloop.calibration.reference_csv import CsvReference, template
from pressloop.calibration.reference_serial import SerialReference
from pressloop.calibration.references import (
    EMULATED_UNCERTAINTY_PERCENT,
    EmulatedReference,
    Reference,
    TypedReference,
)
from pressloop.calibration.result import due_day
from pressloop.calibration.runner import profile_hash
from pressloop.cli.die import diameter_um
from pressloop.cli.output import err
from pressloop.emulator.description import PressDescription
from pressloop.errors import BadInputError, required
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press
from pressloop.units import PERCENT, parse, parse_pressure
from pressloop.units.force import die_area_mm2

TYPED: Final = "typed"
SERIAL: Final = "serial"
EMULATED: Final = "emulated"


def new_record(
    machine: Press,
    profile: MachineProfile,
    reference: ReferenceData,
    die: str | None,
    up_to: str | None,
    unit: str,
    count: int,
    falling: int | None,
    accept: float,
    months: int,
    emulated: bool,
) -> CalibrationRecord:
    """Return a calibration that has not begun, with its levels.

    Raises:
        BadInputError: `no-limit`, `unknown-die`, `over-limit` or `calibration-levels`.
    """
    die_um = strongest_die(profile) if die is None else diameter_um(die)
    if up_to is None and not emulated:
        raise BadInputError(
            "--up-to is missing: how much the reference stands is not known",
            hint="give the highest level with --up-to, as a force with its unit",
            code="no-limit",
        )
    if die_um not in profile.dies_um:
        raise BadInputError(
            f"the profile has no die of {die_um / 1000:g} mm",
            hint=f"choose one of {', '.join(f'{mm:g}' for mm in profile.dies_mm)} mm",
            code="unknown-die",
        )
    usual = 1 if reference.kind == TYPED else RISING_SERIES
    levels = choose_levels(
        profile,
        die_um,
        up_to_kpa=None if up_to is None else round(float(_pressure_kpa(up_to, unit, die_um))),
        count=count,
        falling=usual if falling is None else falling,
    )
    today = datetime.date.today()
    return CalibrationRecord(
        date=today.isoformat(),
        due=due_day(today, months).isoformat(),
        board=machine.hello.unique_id.hex(),
        simulated=machine.hello.simulated,
        press=profile.name,
        profile=profile.model_dump(mode="json"),
        profile_hash=profile_hash(profile),
        levels=asdict(levels),
        accept_percent=accept,
        reference=reference.model_copy(update={"unit": unit}),
    )


def _pressure_kpa(text: str, unit: str, die_um: int) -> Any:
    try:
        float(text)
    except ValueError:
        return parse_pressure(text, die_um).value
    return parse_pressure(f"{text} {unit}", die_um).value


def reference_data(
    reference: str, certificate: str | None, uncertainty: str | None
) -> ReferenceData:
    """Return what is known of the reference.

    Raises:
        BadInputError: `no-certificate` or `bad-text`.
    """
    kind = reference if reference in (TYPED, SERIAL, EMULATED) else "csv"
    if kind == EMULATED:
        certificate = certificate or "emulated load cell"
        uncertainty = uncertainty or f"{EMULATED_UNCERTAINTY_PERCENT} %"
    for name, value, why in (
        ("--certificate", certificate, "a result without it cannot be traced"),
        ("--uncertainty", uncertainty, "the result has no smaller one"),
    ):
        if value is None:
            raise BadInputError(
                f"{name} of the reference is missing: {why}",
                hint="both are in the reference's calibration certificate",
                code="no-certificate",
            )
    size = len((certificate or "").encode())
    if size > 23:
        raise BadInputError(
            f"--certificate has {size} bytes; the board stores 23",
            hint="shorten it to what finds the certificate, such as its number",
            code="bad-text",
        )
    text = uncertainty or ""
    percent = parse(text if "%" in text else f"{text} %", PERCENT)
    return ReferenceData(
        kind=kind, certificate=certificate or "", uncertainty_percent=float(percent.value)
    )


def strongest_die(profile: MachineProfile) -> int:
    """Return the die with which the press may make the largest force; no die is in the press."""
    return max(
        profile.dies_um,
        key=lambda um: profile.limits(um).pellet_limit_kpa * die_area_mm2(um),
    )


def source_of(
    reference: str,
    stack: ExitStack,
    *,
    unit: str,
    die_um: int,
    top_kn: float,
    press: PressDescription | None,
    instrument: str | None,
    **settings: Any,
) -> Reference:
    """Return where the reference's values come from; an instrument is closed by the stack."""
    if reference == EMULATED:
        emulated = required(press, "the description of the emulated press")
        return EmulatedReference(emulated, top_kn, die_um)
    if reference == TYPED:
        return TypedReference(_ask, _complain, unit, die_um)
    if reference == SERIAL:
        return stack.enter_context(_serial(instrument, unit, die_um, **settings))
    return CsvReference(Path(reference), unit, die_um)


def _serial(instrument: str | None, unit: str, die_um: int, **settings: Any) -> SerialReference:
    if instrument is None:
        raise BadInputError(
            "--instrument is missing: which port the reference is on",
            hint="give the serial port of the reference; pressloop ports lists them",
            code="no-instrument",
        )
    return SerialReference(instrument, unit, die_um, **settings)


def incomplete(
    missing: list[str], record: CalibrationRecord, path: Path, folder: Path
) -> BadInputError:
    """Return the error for values that the file does not have; a missing file gets its template."""
    made = ""
    if not path.exists():
        path.write_text(template(record.readings), encoding="utf-8")
        made = f"{path} was made for you to fill in; "
    return BadInputError(
        f"{path} has no value for {len(missing)} readings, such as {missing[0]}",
        hint=f"{made}the series are kept; when the values are there: pressloop calibrate "
        f"--reference {path} --resume {folder}",
        code="calibration-incomplete",
    )


def _ask(name: str) -> str:
    err.print(f"[note]reference[/note] {escape(name)}: ", end="", soft_wrap=True)
    line = sys.stdin.readline()
    if not line:
        raise BadInputError(
            f"the values end before {name}",
            hint="give one line for each reading, or go on with --resume",
            code="no-answer",
        )
    return line.strip()


def _complain(text: str) -> None:
    err.print(f"  [bad]not taken:[/bad] {escape(text)}", soft_wrap=True)
