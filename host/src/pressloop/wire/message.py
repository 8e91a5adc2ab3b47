"""Describes fields and gives the base classes of the generated messages."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import ClassVar, Generic, TypeVar

ReplyT = TypeVar("ReplyT", bound="Message")


class FieldKind(IntEnum):
    """Type of a field on the wire."""

    INT = 0
    BOOL = 1
    BYTES = 2
    TEXT = 3
    INTS = 4


@dataclass(frozen=True)
class Field:
    """One key of a message.

    Attributes:
        key: Map key on the wire.
        name: Attribute of the message.
        kind: Type on the wire.
        low: Smallest value; for a string its shortest length in bytes, for an array in elements.
        high: Largest value or length.
        required: False for a field that may be None.
        enum: The enumeration that the integer is a member of.
        element_low: Smallest value of an array's elements.
        element_high: Largest value of an array's elements.
    """

    key: int
    name: str
    kind: FieldKind
    low: int
    high: int
    required: bool = True
    enum: type[IntEnum] | type[IntFlag] | None = None
    element_low: int = 0
    element_high: int = 0


class Message:
    """A map on the wire; every message class is a frozen dataclass derived from it."""

    __slots__ = ()

    FIELDS: ClassVar[tuple[Field, ...]]

    @classmethod
    def range_of(cls, name: str) -> tuple[int, int]:
        """Return the smallest and the largest value of a field, or its lengths if it is text.

        Raises:
            KeyError: There is no such field.
        """
        fields = {field.name: field for field in cls.FIELDS}
        return fields[name].low, fields[name].high


class CodedMessage(Message):
    """A message that has the `code` of its frame: a request, a notice or an event."""

    __slots__ = ()

    CODE: ClassVar[IntEnum]


class Request(CodedMessage, Generic[ReplyT]):
    """A message that the board answers with a `ReplyT`."""

    __slots__ = ()

    @classmethod
    def reply_type(cls) -> type[ReplyT]:
        """Return the class of the reply."""
        raise NotImplementedError
