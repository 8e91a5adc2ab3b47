"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from pressloop.emulator import description
from pressloop.machine.profile import MachineProfile

PROTOCOL: Any = typer.Argument(metavar="PROTOCOL", help="Protocol file (YAML).", show_default=False)

RECORD: Any = typer.Argument(metavar="RECORD", help="Folder of a run record.", show_default=False)

PORT: Any = typer.Option(
    "--port",
    "-p",
    help=(
        "emulated, emulated:pico, socket://HOST:PORT, a serial port or a USB serial number; "
        "without it the one board on USB."
    ),
    show_default=False,
)

PRESS: Any = typer.Option(
    "--press",
    help=(
        "Description of the emulated press (YAML), or reference, jack-10t, jack-15t, jack-25t; "
        "without it the reference press."
    ),
    show_default=False,
)

SEED: Any = typer.Option("--seed", help="Seed of all that is random in the emulated press.", min=0)


def described(press: Path | None) -> description.PressDescription:
    """Return an emulated press, without a name for it the reference press."""
    return description.PressDescription() if press is None else description.load(press)


def profile_of(press: description.PressDescription) -> MachineProfile:
    """Return the machine profile that goes by an emulated press's data sheet."""
    return MachineProfile.from_fields(press.nominal_profile())
