"""Arguments and options that several commands share, and the press that they describe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from pressloop.emulator import description
from pressloop.machine.profile import MachineProfile

PROTOCOL: Any = typer.Argument(
    metavar="PROTOCOL", help="Protocol file (YAML); - for standard input.", show_default=False
)

RECORD: Any = typer.Argument(metavar="RECORD", help="Folder of a run record.", show_default=False)

RECORDS: Any = typer.Argument(metavar="RUN...", help="Folders of runs.", show_default=False)

PORT: Any = typer.Option(
    "--port",
    "-p",
    help=(
        "Board: emulated, emulated:pico, socket://HOST:PORT, a serial port or a USB serial "
        "number. Default: the one board on USB."
    ),
    show_default=False,
)

PRESS: Any = typer.Option(
    "--press",
    help=(
        "Emulated press: a description file (YAML), or reference, jack-10t, jack-15t, jack-25t. "
        "Default: reference."
    ),
    show_default=False,
)

PRESS_FILE: Any = typer.Argument(metavar="FILE", help="Press file (YAML).", show_default=False)

YES: Any = typer.Option("--yes", "-y", help="Confirm operator prompts automatically.")

SEED: Any = typer.Option("--seed", help="Seed of the random numbers of the emulated press.", min=0)


FAULT: Any = typer.Option(
    "--fault",
    metavar="KIND[=VALUE]@SECONDS",
    help=(
        "Rehearse a fault of the emulated press, at this press time since the start of the run; "
        "can be repeated. docs/faults.md lists the kinds."
    ),
    show_default=False,
)


def described(press: Path | None) -> description.PressDescription:
    """Load the description of an emulated press; None gives the reference press."""
    return description.PressDescription() if press is None else description.load(press)


def profile_of(press: description.PressDescription) -> MachineProfile:
    """Return the machine profile of an emulated press, by its data sheet."""
    return press.machine_profile()
