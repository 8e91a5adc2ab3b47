"""The link carries every byte in every length."""

from __future__ import annotations

from pressloop.press import Press
from pressloop.wire.schema import EchoRequest

LONGEST = 500


def test_every_size(press: Press) -> None:
    for size in range(LONGEST + 1):
        # The start differs for each size, and 7 is odd: every position gets all 256 values.
        data = bytes((size + 7 * place) & 0xFF for place in range(size))
        assert press.session.request(EchoRequest(data)).data == data, f"{size} bytes"


def test_every_byte_value_alone_and_doubled(press: Press) -> None:
    for value in range(256):
        for data in (bytes([value]), bytes([value, value])):
            assert press.session.request(EchoRequest(data)).data == data


def test_longest_of_what_has_to_be_escaped(press: Press) -> None:
    for value in (0x01, 0x02, 0x03, 0x04, 0x10):
        data = bytes([value]) * LONGEST
        assert press.session.request(EchoRequest(data)).data == data
