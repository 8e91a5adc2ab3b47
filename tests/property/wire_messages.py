"""Every message of the wire, by its name."""

from __future__ import annotations

from pressloop.wire import schema
from pressloop.wire.message import Message

MESSAGES: list[type[Message]] = sorted(
    {
        kind
        for kind in vars(schema).values()
        if isinstance(kind, type) and issubclass(kind, Message) and "FIELDS" in vars(kind)
    },
    key=lambda kind: kind.__name__,
)
