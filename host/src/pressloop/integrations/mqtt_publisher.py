"""Publishes messages to an MQTT broker that may be away for hours (extra `mqtt`)."""

from __future__ import annotations

import logging
import socket
import ssl
import sys
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pressloop.errors import BadInputError, PressloopError
from pressloop.extras import needs_extra

with needs_extra("mqtt"):
    import paho.mqtt.client as mqtt
    from paho.mqtt.enums import CallbackAPIVersion
    from paho.mqtt.reasoncodes import ReasonCode

ONLINE: Final = "online"
OFFLINE: Final = "offline"
"""What `TOPIC/publisher/NAME` says; the broker says the second when it loses this program."""

AT_LEAST_ONCE: Final = 1
MAX_UNACKNOWLEDGED: Final = 200
"""Messages that may be on their way at once; more would only fill memory while a broker is away."""

_KEEPALIVE_S: Final = 10
_MAX_RETRY_S: Final = 5
_MAX_CLOSE_S: Final = 5.0

_TRANSIENT: Final = "Server unavailable"
"""The one reason to refuse a connection that waiting mends."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Broker:
    """Address of a broker, and how to log in there.

    Attributes:
        host, port: Where it listens; 1883 by custom, 8883 with TLS.
        user, password: None for a broker that asks for neither.
        tls: Encrypt, and check the certificate of the broker.
        ca_file: Certificates to trust instead of those of the system.
    """

    host: str
    port: int = 1883
    user: str | None = None
    password: str | None = None
    tls: bool = False
    ca_file: Path | None = None

    def __str__(self) -> str:
        """Return host and port; never the password."""
        return f"{self.host}:{self.port}"


class MqttPublisher:
    """A connection to a broker that comes back by itself; messages are acknowledged one by one.

    All methods are called in one thread.

    The retained topic `TOPIC/publisher/NAME` says whether the program is connected; the broker
    changes it to `offline` when the program dies or the network fails (last will).
    """

    def __init__(self, broker: Broker, topic: str, name: str) -> None:
        """Begin to connect, in a thread of its own.

        Args:
            broker: The broker.
            topic: First part of all topics.
            name: Of this publisher; another one of the same name would push it off the broker.

        Raises:
            BadInputError: `bad-topic`: no topic to publish to; `bad-broker`: no name of a computer;
                `ca-file`.
        """
        if not topic or any(sign in f"{topic}{name}" for sign in "+#\0") or "/" in name:
            raise BadInputError(
                f"{topic!r} with the name {name!r} is no topic to publish to",
                code="bad-topic",
                hint="leave out + and #, and in the name also /",
            )
        try:
            broker.host.encode("idna")
        except UnicodeError:
            raise BadInputError(
                f"{broker.host!r} is no name of a computer",
                code="bad-broker",
                hint="write HOST or HOST:PORT, such as broker.example.org:1883",
            ) from None
        self.broker = broker
        self.topic = topic.strip("/")
        self._presence = f"{self.topic}/publisher/{name}"
        self._changed = threading.Event()
        # Filled by paho's thread, emptied by the one that publishes. No lock: paho holds one of its
        # own in both of its calls.
        self._new_acknowledgements: deque[int] = deque()
        self._acknowledged: set[int] = set()
        self._waiting: dict[int, Any] = {}
        self._refusal: str | None = None
        self._trouble: str | None = None
        self._connected = False
        self._client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"pressloop-{name}", clean_session=True
        )
        client.will_set(self._presence, OFFLINE, qos=AT_LEAST_ONCE, retain=True)
        client.reconnect_delay_set(min_delay=1, max_delay=_MAX_RETRY_S)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        if broker.user is not None:
            client.username_pw_set(broker.user, broker.password)
        if broker.tls:
            try:
                client.tls_set(None if broker.ca_file is None else str(broker.ca_file))
            except OSError as error:
                raise BadInputError(
                    f"cannot use the certificates in {broker.ca_file}: {error.strerror or error}",
                    code="ca-file",
                    hint="name a file with certificates in PEM format",
                ) from error
        client.connect_async(broker.host, broker.port, _KEEPALIVE_S)
        client.loop_start()

    @property
    def connected(self) -> bool:
        """Whether the broker is connected at this moment."""
        return self._connected

    @property
    def trouble(self) -> str | None:
        """Why the last try to connect failed, with what to check; None while nothing failed."""
        return self._trouble

    @property
    def room(self) -> int:
        """How many more messages may be on their way."""
        return MAX_UNACKNOWLEDGED - len(self._waiting)

    @property
    def idle(self) -> bool:
        """Whether the broker has everything that was published."""
        return not self._waiting

    def check_refusal(self) -> None:
        """Make sure that the broker has not refused this program, which no waiting mends.

        Raises:
            PressloopError: `mqtt-refused`.
        """
        if self._refusal is not None:
            raise PressloopError(
                f"the broker {self.broker} refused the connection: {self._refusal}",
                code="mqtt-refused",
                hint="check user and password, and what the broker lets this user publish",
            )

    def publish(self, topic: str, payload: bytes | str, *, tag: Any, retain: bool = False) -> None:
        """Hand a message over; `acknowledged` returns its tag when the broker has it.

        Args:
            topic: Below the first part.
            payload: The message.
            tag: What names the message.
            retain: Whether the broker keeps it for those who subscribe later.

        """
        info = self._client.publish(
            f"{self.topic}/{topic}", payload, qos=AT_LEAST_ONCE, retain=retain
        )
        self._waiting[info.mid] = tag

    def acknowledged(self) -> list[Any]:
        """Return the tags of messages that the broker has, in the order of publishing.

        A message counts only when all earlier ones count, so that a tag stands for all before it.
        """
        while self._new_acknowledgements:
            number = self._new_acknowledgements.popleft()
            if number in self._waiting:
                self._acknowledged.add(number)
        tags = []
        while self._waiting and (oldest := next(iter(self._waiting))) in self._acknowledged:
            self._acknowledged.discard(oldest)
            tags.append(self._waiting.pop(oldest))
        return tags

    def wait(self, limit_s: float) -> None:
        """Wait until a message was acknowledged or the connection changed, at most so long."""
        self._changed.wait(limit_s)
        self._changed.clear()

    def close(self) -> None:
        """Say `offline` and disconnect; what is not acknowledged is left to the next start."""
        if self._connected:
            last = self._client.publish(self._presence, OFFLINE, qos=AT_LEAST_ONCE, retain=True)
            try:
                last.wait_for_publish(_MAX_CLOSE_S)
            except (RuntimeError, ValueError) as error:
                _log.info("the broker does not know yet that this program ends: %s", error)
        self._client.disconnect()
        self._client.loop_stop()

    # --- calls of paho, in its thread

    def _on_connect(
        self, client: mqtt.Client, data: Any, flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        del data, flags, properties
        self._connected = not reason.is_failure
        self._trouble = f"it refused: {reason}" if reason.is_failure else None
        if reason.is_failure and str(reason) != _TRANSIENT:
            self._refusal = str(reason)
        if not reason.is_failure:
            client.publish(self._presence, ONLINE, qos=AT_LEAST_ONCE, retain=True)
        self._changed.set()

    def _on_connect_fail(self, client: mqtt.Client, data: Any) -> None:
        del client, data
        self._trouble = _why(sys.exc_info()[1], self.broker)  # paho handles it while it calls
        self._changed.set()

    def _on_disconnect(
        self, client: mqtt.Client, data: Any, flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        del client, data, flags, properties
        if not self._connected and self._trouble is None:
            self._trouble = "what listens there closed the connection; is it an MQTT broker?"
        self._connected = False
        _log.info("the connection to %s has ended: %s", self.broker, reason)
        self._changed.set()

    def _on_publish(
        self, client: mqtt.Client, data: Any, number: int, reason: ReasonCode, properties: Any
    ) -> None:
        del client, data, reason, properties
        self._new_acknowledgements.append(number)
        self._changed.set()


def _why(cause: BaseException | None, broker: Broker) -> str:
    """Return why a broker cannot be reached, and what to check."""
    if isinstance(cause, socket.gaierror):
        return f"this computer finds no address for {broker.host!r}; check the name in --broker"
    if isinstance(cause, ConnectionRefusedError):
        return (
            f"nothing listens on port {broker.port} of {broker.host}; check the port in --broker, "
            "and that the broker runs"
        )
    if isinstance(cause, ssl.SSLError):
        return (
            f"TLS failed: {cause.reason or cause}; check port, --tls and --ca, and the name in the "
            "certificate"
        )
    if isinstance(cause, TimeoutError):
        return "no answer; check name and port in --broker, and firewalls on the way"
    said = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    return f"{said}; check name and port in --broker"
