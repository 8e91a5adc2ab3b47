"""Transports carry all bytes, wait for a limited time, and explain errors."""

from __future__ import annotations

import os
import pty
import socket
import threading
import time
import tty
from collections.abc import Iterator

import pytest
import serial
from pressloop import errors
from pressloop.session.console import Console
from pressloop.transport import transport
from pressloop.transport.transport import (
    MAX_READ_WAIT_S,
    SerialTransport,
    SocketTransport,
    explain_open_error,
    open_transport,
)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """A pseudo terminal: the far end as a descriptor, the near end as a port."""
    far, near = pty.openpty()
    tty.setraw(near)
    yield far, os.ttyname(near)
    for descriptor in (far, near):
        os.close(descriptor)


def url_of(server: socket.socket) -> str:
    return f"socket://127.0.0.1:{server.getsockname()[1]}"


def read_some(link: transport.Transport) -> bytes:
    for _ in range(100):
        if data := link.read():
            return data
    raise AssertionError("nothing came")


def test_a_socket_carries_every_byte_both_ways(listener: socket.socket) -> None:
    link = open_transport(url_of(listener))
    far, _ = listener.accept()
    every = bytes(range(256))
    link.write(every)
    assert far.recv(1000) == every
    far.sendall(every)
    assert read_some(link) == every
    assert link.url == url_of(listener)
    link.close()
    assert far.recv(10) == b""
    far.close()


def test_an_idle_read_returns_nothing_soon(listener: socket.socket) -> None:
    link = open_transport(url_of(listener))
    began = time.monotonic()
    assert link.read() == b""
    assert time.monotonic() - began < 10 * MAX_READ_WAIT_S
    link.close()


def test_a_far_end_that_closes_is_noticed(listener: socket.socket) -> None:
    link = open_transport(url_of(listener))
    listener.accept()[0].close()
    with pytest.raises(errors.LinkClosedError, match="ended"):
        read_some(link)
    link.close()


def test_closing_ends_a_read_in_another_thread(listener: socket.socket) -> None:
    link = open_transport(url_of(listener))
    ended = threading.Event()

    def read() -> None:
        try:
            while True:
                link.read()
        except errors.LinkClosedError:
            ended.set()

    threading.Thread(target=read, daemon=True).start()
    link.close()
    assert ended.wait(5)


def test_a_far_end_that_does_not_read_cannot_freeze_the_host(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_WRITE_S", 0.2)
    link = SocketTransport("127.0.0.1", listener.getsockname()[1])

    def write_much() -> None:
        for _ in range(1000):
            link.write(bytes(1_000_000))

    with pytest.raises(errors.LinkClosedError, match="accepted no bytes") as caught:
        write_much()
    assert caught.value.code == "link-stuck"
    link.close()


def test_a_port_without_a_server(listener: socket.socket) -> None:
    url = url_of(listener)
    listener.close()
    with pytest.raises(errors.NoBoardError, match="no connection to"):
        open_transport(url)


@pytest.mark.parametrize("url", ["socket://", "socket://host", "socket://host:x", "socket://:5"])
def test_a_malformed_address(url: str) -> None:
    with pytest.raises(errors.BadInputError, match="not a socket address"):
        open_transport(url)


def test_a_serial_port_carries_every_byte_both_ways(terminal: tuple[int, str]) -> None:
    far, path = terminal
    link = open_transport(path)
    every = bytes(range(256))
    link.write(every)
    assert os.read(far, 1000) == every
    os.write(far, every)
    received = b""
    while len(received) < len(every):
        received += read_some(link)
    assert received == every
    link.close()
    with pytest.raises(errors.LinkClosedError):
        link.read()
    with pytest.raises(errors.LinkClosedError):
        link.write(b"x")


def test_a_serial_port_is_held_exclusively(terminal: tuple[int, str]) -> None:
    _, path = terminal
    link = SerialTransport(path)
    with pytest.raises(errors.PortBusyError, match="in use by another program"):
        SerialTransport(path)
    link.close()
    SerialTransport(path).close()


def test_a_serial_port_that_does_not_exist() -> None:
    with pytest.raises(errors.NoBoardError, match="cannot open /dev/ttyNONE"):
        open_transport("/dev/ttyNONE")


@pytest.mark.parametrize(
    ("error", "kind", "advice"),
    [
        (PermissionError(13, "Permission denied"), errors.PortBusyError, "dialout"),
        (
            serial.SerialException(
                "could not open port 'COM5': PermissionError(13, 'Access is denied.', None, 5)"
            ),
            errors.PortBusyError,
            "wait two seconds",
        ),
        (OSError(16, "Device or resource busy"), errors.PortBusyError, "ModemManager"),
        (OSError(2, "No such file or directory"), errors.NoBoardError, "pressloop ports"),
    ],
)
def test_why_a_port_did_not_open(error: Exception, kind: type, advice: str) -> None:
    explained = explain_open_error("COM5", error)
    assert type(explained) is kind
    assert advice in explained.hint


def test_console_text_becomes_lines() -> None:
    console = Console()
    for piece in (b"Trace", b"back\r\n  File\r\n\r\n", b"\xff\x00!", b"\n>>> "):
        console.feed(piece)
    assert console.lines() == ["Traceback", "  File", r"\xff\x00!", ">>> "]


def test_a_console_without_line_ends_stays_readable() -> None:
    console = Console()
    console.feed(b"x" * 100_000)
    assert max(len(line) for line in console.lines()) <= 400
    assert len(console.lines()) <= 201
