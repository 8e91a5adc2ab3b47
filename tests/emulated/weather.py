"""A proxy between host and board that damages what passes, by a seed."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final

from typing_extensions import Self

_CHUNK_BYTES: Final = 1024
_LOCALHOST: Final = "127.0.0.1"


@dataclass(frozen=True)
class Weather:
    """How often a chunk meets each kind of damage, 0..1; `seed` decides which chunks do.

    Attributes:
        flip: One bit of the chunk is inverted.
        drop: Some bytes of the chunk are lost.
        duplicate: The chunk comes twice.
        reorder: The chunk comes after the next one.
        split: The chunk comes in pieces of a few bytes.
        delay: The chunk comes `delay_s` late.
        cut: Both connections are closed after some bytes of the chunk.
        stale: After a cut, the next connection begins with bytes of the one before.
    """

    flip: float = 0.0
    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    split: float = 0.0
    delay: float = 0.0
    cut: float = 0.0
    stale: bool = False
    delay_s: float = 0.05
    seed: int = 1


@dataclass
class _Direction:
    """What passes one way: its random numbers, a chunk that waits, the newest bytes."""

    draw: random.Random
    held: bytes = b""
    newest: bytes = b""


class _CutError(Exception):
    """The weather cuts the connection."""


@dataclass
class WeatherProxy:
    """Passes bytes between one host at a time and the board at `board_port`.

    `calm_bytes` pass undamaged first in each connection. `damaged` counts what was done, by kind.
    """

    board_port: int
    weather: Weather
    damaged: dict[str, int] = field(default_factory=dict)
    links: int = 0

    def __enter__(self) -> Self:
        """Listen, and serve in a thread."""
        self._listener = socket.create_server((_LOCALHOST, 0))
        self._ending = threading.Event()
        self._up = _Direction(random.Random(f"up {self.weather.seed}"))
        self._down = _Direction(random.Random(f"down {self.weather.seed}"))
        self._server = threading.Thread(target=self._serve, daemon=True)
        self._server.start()
        return self

    @property
    def url(self) -> str:
        """Where a host connects to."""
        return f"socket://{_LOCALHOST}:{self._listener.getsockname()[1]}"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop listening; the connection ends with its host's."""
        self._ending.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._server.join(10)

    def _serve(self) -> None:
        while not self._ending.is_set():
            try:
                host, _ = self._listener.accept()
            except OSError:
                return
            self.links += 1
            with host, socket.create_connection((_LOCALHOST, self.board_port), 10) as board:
                board.settimeout(None)
                if self.weather.stale and self._down.newest:
                    self._count("stale")
                    with contextlib.suppress(OSError):
                        host.sendall(self._down.newest)
                        board.sendall(self._up.newest)
                threads = [
                    threading.Thread(target=self._pass, args=(*ends, way), daemon=True)
                    for ends, way in (((host, board), self._up), ((board, host), self._down))
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()

    def _pass(self, source: socket.socket, sink: socket.socket, way: _Direction) -> None:
        way.held = b""
        try:
            while chunk := source.recv(_CHUNK_BYTES):
                way.newest = chunk
                for piece in self._damage(chunk, way):
                    sink.sendall(piece)
        except (OSError, _CutError):
            pass
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _damage(self, chunk: bytes, way: _Direction) -> Iterator[bytes]:
        draw, weather = way.draw, self.weather

        def happens(kind: str, share: float) -> bool:
            happened = draw.random() < share
            if happened:
                self._count(kind)
            return happened

        if happens("cut", weather.cut):
            yield chunk[: draw.randrange(len(chunk))]
            raise _CutError
        if happens("delay", weather.delay):
            time.sleep(weather.delay_s)
        chunk = _changed(chunk, draw, happens, weather)
        if way.held:
            yield chunk
            chunk, way.held = way.held, b""
        elif happens("reorder", weather.reorder):
            way.held = chunk
            return
        if happens("split", weather.split):
            while chunk:
                size = draw.randint(1, 7)
                yield chunk[:size]
                chunk = chunk[size:]
        elif chunk:
            yield chunk

    def _count(self, kind: str) -> None:
        self.damaged[kind] = self.damaged.get(kind, 0) + 1


def _changed(
    chunk: bytes, draw: random.Random, happens: Callable[[str, float], bool], weather: Weather
) -> bytes:
    """Return the chunk with flipped, lost and doubled bytes."""
    if happens("flip", weather.flip):
        at, bit = draw.randrange(len(chunk)), draw.randrange(8)
        chunk = chunk[:at] + bytes([chunk[at] ^ 1 << bit]) + chunk[at + 1 :]
    if happens("drop", weather.drop):
        at = draw.randrange(len(chunk))
        chunk = chunk[:at] + chunk[at + draw.randint(1, 40) :]
    if happens("duplicate", weather.duplicate):
        chunk += chunk
    return chunk
