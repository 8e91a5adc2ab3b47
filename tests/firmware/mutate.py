"""Damages bytes as lines, flash and wrong programs do; the same under either interpreter."""

from pressloop_sim.plant.noise import Rng

# Bytes that mean something to a frame, to CBOR or to a signed number.
_TELLING = (
    b"\x00\x01\x02\x03\x04\x10\x17\x18\x19\x1a\x1b\x3b\x5f\x7f\x80\x9f\xa0\xbf\xf4\xf5\xf6\xff"
)
# Most changes of one input: some damage hides behind other damage.
_MAX_CHANGES = 4


class Mutator:
    """Draws hostile inputs from sound ones; the same seed draws the same inputs."""

    def __init__(self, seed: int, tokens: tuple[bytes, ...] = ()) -> None:
        """Start from any integer. `tokens` are byte strings that are put in now and then."""
        self._rng = Rng(seed)
        self._tokens = tokens

    def below(self, limit: int) -> int:
        """Return an integer from 0 to limit - 1."""
        return self._rng.bits() % limit

    def noise(self, size: int) -> bytes:
        """Return random bytes."""
        return bytes([self._rng.bits() & 0xFF for _ in range(size)])

    def damaged(self, sound: bytes) -> bytes:
        """Return `sound` with one to four changes, or with none of it left."""
        data = bytearray(sound)
        if self.below(64) == 0:
            return self.noise(self.below(80))
        for _ in range(1 + self.below(_MAX_CHANGES)):
            self._change(data)
        return bytes(data)

    def _change(self, data: bytearray) -> None:
        kind = self.below(8)
        at = self.below(len(data) + 1)
        some = 1 + self.below(8)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << self.below(8)
        elif kind == 1 and at < len(data):
            data[at] = _TELLING[self.below(len(_TELLING))]
        elif kind == 2:
            data[at:at] = self.noise(some)
        elif kind == 3:
            data[at : at + some] = b""
        elif kind == 4:
            # A piece of the same input at another place.
            start = self.below(len(data) + 1)
            data[at:at] = data[start : start + 4 * some]
        elif kind == 5:
            data[at:] = b""
        elif kind == 6 and self._tokens:
            data[at : at + self.below(2) * some] = self._tokens[self.below(len(self._tokens))]
        else:
            data[at : at + some] = self.noise(some)
