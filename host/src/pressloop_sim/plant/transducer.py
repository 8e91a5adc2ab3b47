"""Pressure transducer on a 4-20 mA loop, read by a 16-bit converter over a shunt.

The wiring is that of the reference board: a 150 ohm shunt on an ADS1115 at its +-4.096 V range,
single ended, so 8000 counts per volt and 1200 counts per mA: 4 mA reads 4800, 20 mA reads 24000.
NAMUR NE 43: a working transmitter saturates at 3.8 and 20.5 mA; below 3.6 or above 21 mA it has
failed. Transducers with another signal have other counts and saturate at the same shares of their
range.
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
# Where a working transducer saturates, as parts of its span below zero and above full scale.
_UNDER = 80
_OVER = 32
# Counts without current (broken wire), and with the supply's current (shorted transmitter).
_RAW_BROKEN = 0
_RAW_SHORT = 25 * COUNTS_PER_MA

OK = "ok"
BROKEN = "broken"
SHORT = "short"
FAULTS = (OK, BROKEN, SHORT)


class Transducer:
    """Converts the true oil pressure to raw counts, with lag, errors, noise and faults."""

    def __init__(
        self,
        rng: Rng,
        full_scale_mpa: float,
        offset_mpa: float,
        span_factor: float,
        noise_mpa: float,
        lag_s: float,
        sample_s: float,
        raw: tuple[int, int, int, int] = (RAW_ZERO, RAW_FULL, _RAW_BROKEN, _RAW_SHORT),
    ) -> None:
        """`noise_mpa` is one sigma; `sample_s` the time between calls of `sample`.

        `raw` has the counts at zero, at full scale, with a broken wire and with a short circuit.
        """
        zero, full, self._broken, self._short = raw
        self._rng = rng
        self.full_scale_mpa = full_scale_mpa
        self._per_mpa = (full - zero) / full_scale_mpa
        self._gain = span_factor * self._per_mpa
        # Half a count is added because int() truncates.
        self._zero = zero + offset_mpa * self._per_mpa + 0.5
        self._noise = noise_mpa * self._per_mpa
        self._lag_gain = 1.0 - math.exp(-sample_s / lag_s) if lag_s > 0.0 else 1.0
        self._lagged_mpa = 0.0
        self._min = max(0, zero - (full - zero) // _UNDER)
        self._max = full + (full - zero) // _OVER
        self.fault = OK

    @classmethod
    def of(
        cls, press: dict[str, float], rng: Rng, sample_s: float, which: str = "sensor_"
    ) -> "Transducer":
        """Build a transducer of a press from its `PressDescription.plant_config`.

        `which` is what the names of its numbers begin with.
        """
        return cls(
            rng,
            press[which + "full_scale_mpa"],
            press[which + "offset_mpa"],
            press[which + "span_factor"],
            press[which + "noise_mpa"],
            press[which + "lag_s"],
            sample_s,
            (
                int(press.get(which + "raw_zero", RAW_ZERO)),
                int(press.get(which + "raw_full", RAW_FULL)),
                int(press.get(which + "raw_broken", _RAW_BROKEN)),
                int(press.get(which + "raw_short", _RAW_SHORT)),
            ),
        )

    @micropython.native
    def sample(self, pressure: float) -> int:
        """Return the counts for a true oil `pressure`, `sample_s` after the last call."""
        lagged = self._lagged_mpa
        lagged += (pressure - lagged) * self._lag_gain
        self._lagged_mpa = lagged
        counts = int(self._zero + lagged * self._gain + self._noise * self._rng.gauss())
        if self.fault != OK:
            return self._broken if self.fault == BROKEN else self._short
        if counts < self._min:
            return self._min
        return counts if counts < self._max else self._max
