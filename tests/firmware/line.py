"""The host's end of a rig's link: bytes that wait for the board, and frames of requests."""

from pressloop_fw.wire import frame, schema


class Line:
    """Gives a rig's link what is put into `to_board`."""

    def __init__(self, rig):
        """Take over what the rig's board receives."""
        self.rig = rig
        self.to_board = b""
        self.encoder = frame.Encoder(schema.MAX_PAYLOAD)
        rig.receive_into = self._receive_into

    def _receive_into(self, buf):
        n = min(len(buf), len(self.to_board))
        buf[:n] = self.to_board[:n]
        self.to_board = self.to_board[n:]
        return n

    def request(self, command, payload, session, seq):
        """Return the bytes of a request with any payload in it."""
        encoder = self.encoder
        size = min(len(payload), schema.MAX_PAYLOAD)
        end = encoder.START + size
        encoder.payload[encoder.START : end] = payload[:size]
        n = encoder.finish(schema.KIND_REQUEST, command & 0xFF, seq & 0xFFFF, session, end)
        return bytes(encoder.wire[:n])
