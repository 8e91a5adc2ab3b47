"""`pressloop flash`: flash the firmware image onto a Pico."""

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
            help="UF2 file. Default: the image that `make firmware` built.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        str | None,
        typer.Option(
            "--port",
            "-p",
            help="Serial port or USB serial number. Default: the one controller on USB.",
            show_default=False,
        ),
    ] = None,
    drive: Annotated[
        Path | None,
        typer.Option(
            help="Mount point of the Pico's boot loader drive, if it is not found by itself.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Flash the firmware onto a Pico. Refuses while the press is running.

    An idle controller enters its boot loader by itself.
    For a new Pico or Pico 2, hold BOOTSEL while plugging it in.
    """
    with errors_as_exit_codes():
        hello = flash_board(
            choose_images(image), port=port, place=drive, say=lambda text: err.print(escape(text))
        )
        err.print(
            f"[good]{hello.board} runs[/good] firmware {hello.firmware}, build {hello.build}, "
            f"{escape(hello.python)}",
            soft_wrap=True,
        )
