"""Pressure transducer on a 4-20 mA loop, read by a 16-bit ADC over a shunt.

The wiring is that of the reference board: a 150 ohm shunt on an ADS1115 at its +-4.096 V range,
single ended, so 8000 counts per volt and 1200 counts per mA: 4 mA reads 4800, 20 mA reads 24000.
NAMUR NE 43: a sound transmitter saturates at 3.8 and 20.5 mA; below 3.6 or above 21 mA it is
broken.
Pressures in MPa of oil.
"""

import math

from pressloop_sim.plant import micropython_compat as micropython
from pressloop_sim.plant.noise import Rng

COUNTS_PER_MA = 1200
RAW_ZERO = 4 * COUNTS_PER_MA
RAW_FULL = 20 * COUNTS_PER_MA
RAW_FAULT_LOW = 36 * COUNTS_PER_MA // 10
RAW_FAULT_HIGH = 21 * COUNTS_PER_MA
_RAW_MIN = 38 * COUNTS_PER_MA // 10
_RAW_MAX = 205 * COUNTS_PER_MA // 10
# No current in the shunt; and what the loop supply drives through it past a shorted transmitter.
_RAW_BROKEN = 0
_RAW_SHORT = 25 * COUNTS_PER_MA

OK = "ok"
BROKEN = "broken"
SHORT = "short"
FAULTS = (OK, BROKEN, SHORT)


class Transducer:
    """From the true oil pressure to raw counts."""

    def __init__(
        self,
        rng: Rng,
        full_scale_mpa: float,
        offset_mpa: float,
        span_factor: float,
        noise_mpa: float,
        lag_s: float,
        sample_s: float,
    ) -> None:
        """`noise_mpa` is one sigma; `sample_s` the time between calls of `sample`."""
        self._rng = rng
        self._per_mpa = (RAW_FULL - RAW_ZERO) / full_scale_mpa
        self._gain = span_factor * self._per_mpa
        # The half count turns truncation into rounding.
        self._zero = RAW_ZERO + offset_mpa * self._per_mpa + 0.5
        self._noise = noise_mpa * self._per_mpa
        self._towards = 1.0 - math.exp(-sample_s / lag_s) if lag_s > 0.0 else 1.0
        self._felt = 0.0
        self.fault = OK

    @classmethod
    def of(cls, press: dict[str, float], rng: Rng, sample_s: float) -> "Transducer":
        """Return the one of a press, by its `PressDescription.plant_config`."""
        return cls(
            rng,
            press["sensor_full_scale_mpa"],
            press["sensor_offset_mpa"],
            press["sensor_span_factor"],
            press["sensor_noise_mpa"],
            press["sensor_lag_s"],
            sample_s,
        )

    @micropython.native
    def sample(self, pressure: float) -> int:
        """Return the counts for a true oil `pressure`, `sample_s` after the last call."""
        felt = self._felt
        felt += (pressure - felt) * self._towards
        self._felt = felt
        counts = int(self._zero + felt * self._gain + self._noise * self._rng.gauss())
        if self.fault != OK:
            return _RAW_BROKEN if self.fault == BROKEN else _RAW_SHORT
        if counts < _RAW_MIN:
            return _RAW_MIN
        return counts if counts < _RAW_MAX else _RAW_MAX
