"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from pressloop.emulator import description
from pressloop.profile import MachineProfile

PROTOCOL: Any = typer.Argument(help="Protocol file (YAML).", show_default=False)

RECORD: Any = typer.Argument(help="Folder of a run record.", show_default=False)

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

SEED: Any = typer.Option("--seed", help="Of everything random in the emulated press.", min=0)


def profile_of(press: Path | None) -> MachineProfile:
    """Return the machine profile of an emulated press, or of the reference press."""
    return MachineProfile.from_fields(_described(press).nominal_profile())


def with_die(press: Path | None, die_mm: float) -> description.PressDescription:
    """Return an emulated press, or the reference press, with this die put in."""
    return _described(press).model_copy(update={"die_mm": die_mm})


def _described(press: Path | None) -> description.PressDescription:
    return description.PressDescription() if press is None else description.load(press)
