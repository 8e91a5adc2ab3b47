"""`pressloop flash`: put the firmware's image on a Pico."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli.output import err, errors_as_exit_codes
from pressloop.install.flashing import choose_images
from pressloop.install.flashing import flash as flash_board


def flash(
    image: Annotated[
        Path | None,
        typer.Argument(
            metavar="IMAGE",
            help="UF2 file; by default what `make firmware` built.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        str | None,
        typer.Option(
            "--port",
            "-p",
            help="A serial port or USB serial number; without it the one controller on USB.",
            show_default=False,
        ),
    ] = None,
    drive: Annotated[
        Path | None,
        typer.Option(
            help="Where the drive of a Pico in its boot loader is mounted, if it is not found.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Put the firmware's image on a Pico or Pico 2; refuses while its press runs.

    A controller at rest goes into its boot loader by itself.
    For a new Pico, hold BOOTSEL while plugging it in.
    """
    with errors_as_exit_codes():
        hello = flash_board(
            choose_images(image), port=port, place=drive, say=lambda text: err.print(escape(text))
        )
        err.print(
            f"[good]{hello.board} answers[/good]: firmware {hello.firmware}, build {hello.build}, "
            f"{escape(hello.python)}",
            soft_wrap=True,
        )
