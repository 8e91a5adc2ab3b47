"""A real Mosquitto for the tests, a way to cut the network to it, and a subscriber."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion


def find_mosquitto() -> str:
    """Return the broker's program, or skip the test."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if found is None:
        pytest.skip("no Mosquitto: install the package mosquitto")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(what: Callable[[], object], limit_s: float = 30.0) -> None:
    """Wait until a condition holds, and fail the test when it never does."""
    deadline_s = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.02)


class Mosquitto:
    """A broker with persistence, which can be stopped and started again."""

    def __init__(self, folder: Path, *, password_file: Path | None = None) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        lines = [
            f"listener {self.port} 127.0.0.1",
            "persistence true",
            f"persistence_location {folder}/",
            "max_queued_messages 0",
            f"allow_anonymous {'true' if password_file is None else 'false'}",
        ]
        if os.getuid() == 0:
            lines.append("user root")  # its own user cannot write into the folder of a test
        if password_file is not None:
            lines.append(f"password_file {password_file}")
        self._config.write_text("\n".join(lines) + "\n")
        self._program = find_mosquitto()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "-c", self._config],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: _listens(self.port))

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(20)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Cable:
    """A TCP proxy that can be cut: connections end, and new ones are refused."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open: list[socket.socket] = []
        self._cut = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        self._cut = True
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def mend(self) -> None:
        self._cut = False

    def close(self) -> None:
        self.cut()
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                try:
                    if self._cut:
                        raise ConnectionRefusedError
                    far = socket.create_connection(("127.0.0.1", self._target), 2)
                except OSError:
                    near.close()
                    continue
                self._open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


class Subscriber:
    """Keeps every message, with a session that the broker remembers."""

    def __init__(self, port: int, topic: str) -> None:
        self.messages: dict[str, list[bytes]] = defaultdict(list)
        self._topic = topic
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="reader", clean_session=False
        )
        self._client.on_connect = self._subscribe
        self._client.on_message = self._keep
        self._subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port, 10)
        self._client.loop_start()
        assert self._subscribed.wait(10)

    def json(self, suffix: str) -> list[Any]:
        """Return the messages of the topics that end so, in the order of arrival."""
        return [
            json.loads(message)
            for topic in sorted(self.messages)
            if topic.endswith(suffix)
            for message in list(self.messages[topic])
        ]

    def words(self, suffix: str) -> list[str]:
        return [
            message.decode()
            for topic in sorted(self.messages)
            if topic.endswith(suffix)
            for message in list(self.messages[topic])
        ]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe(f"{self._topic}/#", qos=1)

    def _keep(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        self.messages[message.topic].append(bytes(message.payload))


@contextmanager
def subscribed(port: int, topic: str = "pressloop") -> Iterator[Subscriber]:
    reader = Subscriber(port, topic)
    try:
        yield reader
    finally:
        reader.close()
