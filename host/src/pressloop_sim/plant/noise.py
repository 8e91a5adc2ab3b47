"""Repeatable noise: a small generator with the same numbers under every interpreter."""

import math

from pressloop_sim.plant import micropython_compat as micropython

_MASK = 0xFFFFFFFF
# Four bytes uniform in 0..255 sum to a mean of 510 and a variance of 4 (256^2 - 1) / 12 = 21845.
_MEAN = 510
_SCALE = 1 / math.sqrt(21845)


class Rng:
    """Generates random numbers by Marsaglia's xorshift32 (J. Stat. Software 8(14), 2003).

    Every intermediate value stays below 2**46, a small int on a 64-bit MicroPython.
    """

    def __init__(self, seed: int) -> None:
        """Start from any integer; Knuth's multiplier separates neighbouring seeds."""
        self.state = ((seed + 1) * 2654435761) & _MASK or 1
        for _ in range(8):
            self.bits()

    @micropython.native
    def bits(self) -> int:
        """Return the next 32 random bits."""
        x = self.state
        x ^= (x << 13) & _MASK
        x ^= x >> 17
        x ^= (x << 5) & _MASK
        self.state = x
        return x

    @micropython.native
    def gauss(self) -> float:
        """Return noise of mean 0 and variance 1, nearly Gaussian and within 3.45 sigma."""
        x = self.bits()
        return ((x & 255) + (x >> 8 & 255) + (x >> 16 & 255) + (x >> 24) - _MEAN) * _SCALE
