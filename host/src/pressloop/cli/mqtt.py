"""`pressloop mqtt`: publish runs to an MQTT broker."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from pressloop.cli.output import ExitCode, err, errors_as_exit_codes
from pressloop.errors import BadInputError
from pressloop.integrations.mqtt_publisher import Broker, MqttPublisher
from pressloop.integrations.published_position import position_folder
from pressloop.integrations.run_feeds import ANY_PORT, RunFeeds

PASSWORD_VARIABLE: Final = "PRESSLOOP_MQTT_PASSWORD"  # the name of the variable
_PORT: Final = 1883
_TLS_PORT: Final = 8883


def mqtt(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FOLDER",
            help="Folders of runs, or a folder that holds such folders: then runs to come, too.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        str | None,
        typer.Option(
            "--port", "-p", help="Publish the runs of the board at this port.", show_default=False
        ),
    ] = None,
    any_board: Annotated[
        bool, typer.Option("--any-board", help="Publish every run on this computer.")
    ] = False,
    broker: Annotated[
        str, typer.Option("--broker", metavar="HOST[:PORT]", help="The broker.")
    ] = "localhost",
    topic: Annotated[str, typer.Option("--topic", help="First part of all topics.")] = "pressloop",
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            help="Name of this publisher. Default: the name of the computer.",
            show_default=False,
        ),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(
            "--user",
            help=f"User at the broker; the password is taken from {PASSWORD_VARIABLE}.",
            show_default=False,
        ),
    ] = None,
    tls: Annotated[
        bool, typer.Option("--tls", help="Encrypt, and check the broker's certificate.")
    ] = False,
    ca: Annotated[
        Path | None,
        typer.Option(
            "--ca", help="Certificates to trust, instead of the system's.", show_default=False
        ),
    ] = None,
    positions: Annotated[
        Path | None,
        typer.Option(
            "--positions",
            help="Folder that remembers what was published. Default: the state folder of the user.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Publish runs to an MQTT broker: every entry of the journal, the state, and the result.

    Reads the folders of the runs only, so it can neither disturb a run nor lose one: what the
    broker has not acknowledged is published when it is back, or at the next start. Ends when the
    named runs are published; with --port, --any-board or a folder of runs at Ctrl-C.
    """
    with errors_as_exit_codes():
        if not folders and port is None and not any_board:
            raise BadInputError(
                "there is nothing to publish",
                code="nothing-named",
                hint="name the folder of a run, or --port, or --any-board",
            )
        for folder in folders or ():
            if not folder.is_dir():
                raise BadInputError(
                    f"there is no folder {folder}",
                    code="no-folder",
                    hint="name the folder that was given to pressloop run --out, or the one above",
                )
        publisher = MqttPublisher(
            _address(broker, user, tls or ca is not None, ca), topic, name or socket.gethostname()
        )
        feeds = RunFeeds(
            publisher,
            folders or (),
            positions or position_folder(),
            port=ANY_PORT if any_board else port,
            say=lambda text: err.print(escape(text), soft_wrap=True),
        )
        try:
            with _stopped_by_signals() as stop:
                feeds.publish(stop)
        finally:
            publisher.close()
    if feeds.problems:
        raise typer.Exit(ExitCode.NOT_COMPLETED)


def _address(text: str, user: str | None, tls: bool, ca: Path | None) -> Broker:
    """Read HOST or HOST:PORT; an IPv6 address stands in brackets.

    Raises:
        BadInputError: `bad-broker`.
    """
    found = re.fullmatch(
        r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<host>[^:\s/]+))(?::(?P<port>\d+))?", text
    )
    port = int(found["port"]) if found and found["port"] else _TLS_PORT if tls else _PORT
    if found is None or not 0 < port < 1 << 16:
        raise BadInputError(
            f"{text!r} is no address of a broker",
            code="bad-broker",
            hint="write HOST or HOST:PORT, such as broker.example.org:1883",
        )
    return Broker(
        found["v6"] or found["host"], port, user, os.environ.get(PASSWORD_VARIABLE), tls, ca
    )


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Set an event at Ctrl-C and at a signal to end, so that the position is kept."""
    stop = threading.Event()
    before: dict[int, Any] = {}
    for number in (int(signal.SIGINT), int(signal.SIGTERM)):
        with suppress(ValueError):  # only the main thread may set a handler
            before[number] = signal.signal(number, lambda _number, _frame: stop.set())
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
