"""Thermistor in the oil: 10 kOhm at 25 C, B 3950 K, below 10 kOhm to 3.3 V, on 12 bits."""

import math

OHM_AT_25 = 10000.0
PULL_UP_OHM = 10000.0
B_K = 3950.0
ZERO_C_K = 273.15
REFERENCE_K = ZERO_C_K + 25
# Counts of the whole range of the converter.
FULL = 4096

_ROOM_C = 23.0


def counts_at(temperature_c: float) -> int:
    """Return the reading at a temperature, C."""
    exponent = B_K * (1 / (temperature_c + ZERO_C_K) - 1 / REFERENCE_K)
    ohm = OHM_AT_25 * math.exp(exponent)
    return round(FULL * ohm / (ohm + PULL_UP_OHM))


def counts_of(rise_k: float) -> int:
    """Return the reading in oil that is warmer than its room by so many kelvin, 0..4095."""
    return min(counts_at(_ROOM_C + rise_k), FULL - 1)
