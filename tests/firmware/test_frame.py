"""Frames as the board builds and finds them."""

from pressloop_fw.wire import frame, schema

MAX = 64


class Ear:
    """A decoder that remembers what it heard."""

    def __init__(self):
        self.frames = []
        self.console = bytearray()
        self.decoder = frame.Decoder(MAX, self._frame, self.console.append)

    def _frame(self, kind, code, seq, session, buf, start, end):
        self.frames.append((kind, code, seq, session, bytes(buf[start:end])))

    def hear(self, data):
        self.decoder.feed(data, len(data))
        return self


def wire(payload, kind=schema.KIND_REQUEST, code=3, seq=0x0201, session=0x1004):
    encoder = frame.Encoder(MAX)
    end = encoder.START + len(payload)
    encoder.payload[encoder.START : end] = payload
    n = encoder.finish(kind, code, seq, session, end)
    return bytes(encoder.wire[:n])


def test_every_byte_value_and_every_length_survives():
    for size in range(MAX + 1):
        for first in (0, 1, 2, 3, 4, 5, 0x10, 0x21, 200):
            payload = bytes((first + i) & 0xFF for i in range(size))
            ear = Ear().hear(wire(payload))
            assert ear.frames == [(schema.KIND_REQUEST, 3, 0x0201, 0x1004, payload)]
            assert ear.decoder.errors == 0
            assert ear.console == b""


def test_reserved_bytes_never_stand_inside_a_frame():
    for first in range(0, 256, MAX):
        inside = wire(bytes(range(first, first + MAX)))[1:-1]
        for reserved in (1, 2, 3, 4):
            assert inside.find(bytes([reserved])) == -1


def test_a_frame_arrives_byte_by_byte():
    ear = Ear()
    for byte in wire(b"slowly"):
        ear.hear(bytes([byte]))
    assert [f[4] for f in ear.frames] == [b"slowly"]


def test_feed_takes_no_more_than_n_bytes():
    data = wire(b"a")
    ear = Ear()
    ear.decoder.feed(data, len(data) - 1)
    assert ear.frames == []


def test_a_start_byte_restarts():
    whole = wire(b"whole")
    ear = Ear().hear(wire(b"torn")[:-3] + whole)
    assert [f[4] for f in ear.frames] == [b"whole"]
    assert ear.decoder.errors == 1


def test_one_flipped_bit_is_never_delivered():
    data = wire(b"hold 250 MPa")
    for i in range(len(data)):
        for bit in range(8):
            bad = bytearray(data)
            bad[i] ^= 1 << bit
            assert Ear().hear(bad).frames == []


def test_an_overlong_frame_is_dropped_and_the_next_one_heard():
    ear = Ear().hear(b"\x01" + b"x" * 1000 + b"\x02" + wire(b"next"))
    assert [f[4] for f in ear.frames] == [b"next"]
    assert ear.decoder.errors == 1
    assert ear.console == b""


def test_a_short_frame_is_dropped():
    ear = Ear().hear(b"\x01\x02" + b"\x01short\x02")
    assert ear.frames == []
    assert ear.decoder.errors == 2


def test_a_bad_escape_is_dropped():
    for bad in (b"\x10\x02", b"\x10\x10\x02", b"\x10a\x02", b"\x10\x00\x02"):
        ear = Ear().hear(wire(b"before")[:-1] + bad + wire(b"after"))
        assert [f[4] for f in ear.frames] == [b"after"]
        assert ear.decoder.errors == 1


def test_text_between_frames_goes_to_the_console():
    ear = Ear().hear(b"boot\r\n" + wire(b"a") + b"Traceback" + wire(b"b") + b"\x02>>> ")
    assert [f[4] for f in ear.frames] == [b"a", b"b"]
    assert ear.console == b"boot\r\nTraceback\x02>>> "
    assert ear.decoder.errors == 0


def test_control_c_gets_through_a_torn_frame():
    for torn in (b"\x01tor", b"\x01tor\x10", b"\x01" + b"x" * 1000):
        ear = Ear().hear(torn + b"\x03\x04after")
        assert ear.console == b"\x03\x04after"
        assert ear.decoder.errors == 1


def test_an_encoder_refuses_what_does_not_fit():
    encoder = frame.Encoder(MAX)
    for end in (0, encoder.START - 1, encoder.START + MAX + 1):
        try:
            encoder.finish(1, 1, 1, 1, end)
        except ValueError:
            continue
        raise AssertionError(end)
