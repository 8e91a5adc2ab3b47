"""A port that is something else than a board ends with exit code 3 and one short sentence."""

from __future__ import annotations

import contextlib
import http.server
import os
import pty
import socket
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import serial.rfc2217
from pressloop import Press, connect, errors
from pressloop.cli.app import app
from pressloop.transport.transport import SerialTransport, open_transport
from pressloop.wire.schema import EchoRequest
from typer.testing import CliRunner

from tests.unit.fake_board import FakeBoard

HELLO_WAITS_S = connect.HELLO_WAITS_S
SHORT_WAITS_S = (0.1, 0.2)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "HELLO_WAITS_S", SHORT_WAITS_S)
    monkeypatch.setattr(connect, "ATTEMPT_WAITS_S", SHORT_WAITS_S)


def test_a_hello_waits_three_seconds() -> None:
    assert sum(HELLO_WAITS_S) == 3


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    far, near = pty.openpty()
    tty.setraw(near)
    yield far, os.ttyname(near)
    for descriptor in (far, near):
        os.close(descriptor)


def info(port: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["info", "--port", port], catch_exceptions=False)
    return done.exit_code, done.stderr


@contextlib.contextmanager
def answering(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """A server that answers whatever comes, and stays connected."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    link, _ = server.accept()
                    while data := link.recv(4096):
                        link.sendall(answer(data))

        threading.Thread(target=serve, daemon=True).start()
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"


def test_a_port_that_never_says_hello(terminal: tuple[int, str]) -> None:
    _, path = terminal
    code, text = info(path)
    assert code == 3
    assert f"no press controller answered at {path} within 0.3 s: wrong device?" in text
    assert len(text.splitlines()) == 2  # the sentence and the hint
    with pytest.raises(errors.NoBoardError) as caught:
        Press.open(path)
    assert caught.value.code == "no-hello"


GARBAGE = {
    "random": bytes((37 * i + i * i) % 256 for i in range(3000)),
    "terminal codes": b"\x1b[31m\x1b]0;owned\x07\x1b[2J" * 50,
    "wrong baud rate": b"\xff\x00\xfe" * 900,
    "NMEA": b"$GPGGA,123519,4807.038,N,01131.000,E,1,08\r\n" * 40,
    "balance": b"S S     12.345 g\r\n" * 40,
    "valid UTF-8": "压力\u202e\u200b€".encode() * 100,
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_what_a_strange_device_sends_is_shown_short_and_escaped(kind: str) -> None:
    with answering(lambda data: GARBAGE[kind]) as url:
        code, text = info(url)
    assert code == 3
    sentence = text.splitlines()[0]
    assert "wrong device? It sent '" in sentence
    assert text.replace("\n", "").isascii() and text.replace("\n", "").isprintable()
    assert len(sentence) < 400


def test_a_board_at_the_prompt_says_what_to_do() -> None:
    with answering(lambda data: b"\r\n>>> ") as url:
        code, text = info(url)
    assert code == 3
    assert ">>>" in text and "reset button" in text


def test_a_web_server_behind_a_socket() -> None:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        code, text = info(f"socket://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert code == 3
    assert "no press controller answered at socket://127.0.0.1" in text
    assert "wrong device?" in text


def test_a_server_that_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()
        code, text = info(f"socket://127.0.0.1:{server.getsockname()[1]}")
    assert code == 3
    assert "before the link ended: wrong device?" in text


def test_a_device_that_echoes() -> None:
    """A modem or an open terminal sends our own hello back."""
    with answering(lambda data: data) as url:
        code, text = info(url)
    assert code == 3
    assert "wrong device?" in text


def test_files_and_folders_are_no_ports(tmp_path: Path) -> None:
    file = tmp_path / "a protocol.yaml"
    file.write_text("pressloop: 1\n")
    for path in (file, tmp_path, Path("/dev/null")):
        code, text = info(str(path))
        assert code == 3, path
        assert f"{path} is not a serial port (not-a-port)" in text
    assert file.read_text() == "pressloop: 1\n"


def test_ports_that_are_not_there() -> None:
    assert info("/dev/ttyNONE")[0] == 3
    code, text = info("COM3")
    assert code == 3
    assert "COM3 is a port of Windows" in text and "/dev/ttyACM0" in text


@pytest.mark.skipif(os.getuid() == 0, reason="root may open everything")
def test_a_port_without_permission(terminal: tuple[int, str]) -> None:
    Path(terminal[1]).chmod(0)
    code, text = info(terminal[1])
    assert code == 3 and "dialout" in text


def test_a_busy_port(terminal: tuple[int, str]) -> None:
    link = SerialTransport(terminal[1])
    code, text = info(terminal[1])
    assert code == 3 and "in use by another program" in text
    link.close()


# --- pyserial's addresses


@pytest.mark.parametrize("url", ["loop://", "spy:///dev/ttyACM0", "alt://x", "http://h:1", "x://"])
def test_other_addresses_are_refused(url: str) -> None:
    code, text = info(url)
    assert code == 2
    assert "is not a way to a board" in text
    assert "rfc2217://HOST:PORT" in text


@pytest.mark.parametrize(
    "url", ["rfc2217://", "rfc2217://host", "rfc2217://host:99999", "RFC2217://h"]
)
def test_a_malformed_rfc2217_address(url: str) -> None:
    with pytest.raises(errors.BadInputError, match="not a rfc2217 address"):
        open_transport(url)


def test_rfc2217_without_a_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    code, text = info(f"rfc2217://127.0.0.1:{port}")
    assert code == 3 and "check that the server runs" in text


def test_a_description_that_no_port_matches() -> None:
    code, text = info("hwgrep://no such device")
    assert code == 3 and "pressloop ports" in text


class PortServer:
    """Serves a fake board by RFC 2217, as ser2net would, with pyserial's own server side."""

    def __init__(self, board: FakeBoard) -> None:
        self._board = board
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"rfc2217://127.0.0.1:{self._server.getsockname()[1]}"
        self._links: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                self._links.append(client)
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        class Writer:
            def write(self, data: bytes) -> None:
                client.sendall(data)

        host, _, port = self._board.url.removeprefix("socket://").partition(":")
        with socket.create_connection((host, int(port))) as device:
            # It has the settings and the lines of a port.
            loop: Any = serial.serial_for_url("loop://")
            writer: Any = Writer()
            manager = serial.rfc2217.PortManager(loop, writer)

            def from_device() -> None:
                with contextlib.suppress(OSError):
                    while data := device.recv(4096):
                        client.sendall(b"".join(manager.escape(data)))

            threading.Thread(target=from_device, daemon=True).start()
            with contextlib.suppress(OSError):
                while data := client.recv(4096):
                    device.sendall(b"".join(manager.filter(data)))

    def close(self) -> None:
        for link in self._links:
            link.close()
        self._server.close()


def test_a_board_behind_an_rfc2217_server(board: FakeBoard, tmp_path: Path) -> None:
    server = PortServer(board)
    with Press.open(server.url) as press:
        assert press.hello.unique_id == board.unique_id
        run = press.start(
            "pressloop: 1\nname: a\ndie: 10 mm\nceiling: 300 MPa\nstages:\n"
            "  - {name: a, ramp: {target: 250 MPa, rate: 10 MPa/s}}\n",
            out=tmp_path / "run",
        )
        board.advance(20)
        run.advance()
        board.advance(20)
        assert run.result(10).summary.header.port == server.url
    server.close()


def test_every_byte_passes_an_rfc2217_server(board: FakeBoard) -> None:
    """255 is doubled on the way."""
    server = PortServer(board)
    with Press.open(server.url) as press:
        data = bytes(range(256))
        assert press.session.request(EchoRequest(data)).data == data
    server.close()
