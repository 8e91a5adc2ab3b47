"""The second pressure channel: a transducer of its own, usually on the chip's own converter.

That one has 12 bits; a second ADS1115 has the steps of the first channel.

It has its own errors, lag, faults and noise generator, so that the first channel reads the same
with and without it.
"""

from pressloop_sim.plant import micropython_compat as micropython
from pressloop_sim.plant.noise import Rng
from pressloop_sim.plant.transducer import Transducer

# 3.3 V, the converter's range, in counts of the first channel's converter, 125 uV.
_RANGE_COUNTS = 26400
_BITS = 12
# Separates its noise from that of the first channel.
_SEED_OFFSET = 7919


class SecondTransducer:
    """Converts the true oil pressure to counts like the first channel's, in steps of 0.8 mV."""

    def __init__(self, press: dict[str, float], seed: int, sample_s: float) -> None:
        """Build it from a press's `PressDescription.plant_config`."""
        self.rng = Rng(seed + _SEED_OFFSET)
        self.transducer = Transducer.of(press, self.rng, sample_s, "second_sensor_")
        self._bits = int(press.get("second_sensor_bits", _BITS))

    @micropython.native
    def sample(self, pressure: float) -> int:
        """Return the counts for a true oil `pressure`."""
        counts = self.transducer.sample(pressure)
        if self._bits > _BITS:
            return counts
        return (counts << _BITS) // _RANGE_COUNTS * _RANGE_COUNTS >> _BITS


def is_fitted(press: dict[str, float]) -> bool:
    """Return whether a press has a second channel."""
    return press.get("second_sensor_full_scale_mpa", 0.0) > 0.0
