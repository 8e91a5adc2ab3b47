"""`pressloop serve`: show and steer a press in a browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes, out, print_error
from pressloop.connect import EMULATED
from pressloop.errors import BadInputError, PressloopError
from pressloop.extras import needs_extra

with needs_extra("web"):
    from pressloop.web.board_choice import BoardChoice
    from pressloop.web.server import PageServer
    from pressloop.web.settings import (
        DEFAULT_HTTP_PORT,
        LOOPBACK,
        TOKEN_VARIABLE,
        ServerSettings,
        token_for,
    )


def serve(
    port: Annotated[str | None, options.PORT] = None,
    press: Annotated[Path | None, options.PRESS] = None,
    seed: Annotated[int, options.SEED] = 1,
    speed: Annotated[
        float,
        typer.Option("--speed", help="How many times faster an emulated press runs.", min=0.1),
    ] = 1.0,
    protocols: Annotated[
        Path, typer.Option("--protocols", help="Folder with the protocols to choose from.")
    ] = Path("protocols"),
    runs: Annotated[Path, typer.Option("--runs", help="Folder for the records.")] = Path("runs"),
    host: Annotated[
        str, typer.Option("--host", help="Address to serve; the default is this computer only.")
    ] = LOOPBACK,
    http_port: Annotated[
        int, typer.Option("--http-port", help="TCP port of the page.", min=0, max=65535)
    ] = DEFAULT_HTTP_PORT,
    allow_remote: Annotated[
        bool,
        typer.Option(
            "--allow-remote",
            help="Let other computers open the page: everyone with the token can see this press.",
        ),
    ] = False,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", help="Certificate for https (PEM).", show_default=False),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option("--key", help="Private key of the certificate (PEM).", show_default=False),
    ] = None,
) -> None:
    """Show and steer a press in a browser, from this computer or a tablet beside the press.

    Ctrl-C ends the page, aborts a run in progress and releases the pressure.
    """
    with errors_as_exit_codes():
        token = token_for(host, allow_remote=allow_remote, given=os.environ.get(TOKEN_VARIABLE))
        if (certificate is None) != (key is None):
            raise BadInputError(
                "https needs a certificate and its key", hint="give --certificate and --key"
            )
        if press is not None and port not in EMULATED:
            raise BadInputError(
                f"the press description is for the emulated press, the port is {port!r}",
                hint="use --port emulated, or leave --press out",
            )
        settings = ServerSettings(
            protocols=protocols,
            runs=runs,
            host=host,
            http_port=http_port,
            token=token,
            certificate=certificate,
            key=key,
        )
        described = options.described(press) if port in EMULATED else None
        choice = BoardChoice(port, described, seed, speed)
        server = PageServer(choice, settings, on_link=_print_link)
        err.print("the page of the press is at", end=" ")
        err.file.flush()
        out.print(escape(server.url), soft_wrap=True)
        out.file.flush()
        if token is not None and certificate is None:
            err.print(
                "[note]note[/note] without https, others in the network can read the token; "
                "docs/page.md says how to serve it over https or ssh",
                soft_wrap=True,
            )
        err.print(
            f"[dim]protocols from {escape(str(protocols))}, records to {escape(str(runs))}; "
            "Ctrl-C ends it[/dim]",
            soft_wrap=True,
        )
        server.run(
            lambda: err.print(
                "[bad]aborting[/bad]: releasing the pressure; "
                "press Ctrl-C again to open the release valve fully"
            )
        )
    raise typer.Exit(ExitCode.COMPLETED)


def _print_link(error: PressloopError | None) -> None:
    """Print why there is no link to the board, which the page shows too, or that there is one."""
    if error is None:
        err.print("[good]connected[/good] to the press", soft_wrap=True)
        return
    print_error(error)
    err.print(
        "  the page stays open and connects by itself once the board is there; Ctrl-C ends it",
        soft_wrap=True,
    )
