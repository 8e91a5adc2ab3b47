"""Converts readings of the oil's thermistor: 10 kOhm at 25 C, B 3950 K, below 10 kOhm to 3.3 V."""

from __future__ import annotations

import math
from typing import Final

_FULL: Final = 4096
_OHM_AT_25: Final = 10_000.0
_PULL_UP_OHM: Final = 10_000.0
_B_K: Final = 3950.0
_ZERO_C_K: Final = 273.15
_REFERENCE_K: Final = _ZERO_C_K + 25

_MIN_COUNTS: Final = 80
_MAX_COUNTS: Final = 4016
"""Readings beyond these are a short circuit or a broken wire; they are 150 and -43 C."""


def celsius(counts: int) -> float | None:
    """Return the temperature, C; None with a broken or shorted wire.

    Args:
        counts: Reading of the chip's own converter, 0 to 4095.
    """
    if not _MIN_COUNTS <= counts <= _MAX_COUNTS:
        return None
    ohm = _PULL_UP_OHM * counts / (_FULL - counts)
    return 1 / (1 / _REFERENCE_K + math.log(ohm / _OHM_AT_25) / _B_K) - _ZERO_C_K


def counts_at(temperature_c: float) -> int:
    """Return the reading at a temperature, C."""
    exponent = _B_K * (1 / (temperature_c + _ZERO_C_K) - 1 / _REFERENCE_K)
    ohm = _OHM_AT_25 * math.exp(exponent)
    return round(_FULL * ohm / (ohm + _PULL_UP_OHM))
