"""Draws a pressure-time curve in block characters for the terminal."""

from __future__ import annotations

from typing import Any

from pressloop.extras import needs_extra
from pressloop.units import rounded_duration_text

with needs_extra("data"):
    import numpy as np
    import numpy.typing as npt

_LABEL_WIDTH = 12
_WIDTH = 79 - _LABEL_WIDTH  # fits a terminal of 80 columns
_SIDE_WIDTH = 11
_HEIGHT = 12
_EIGHTHS = " ▁▂▃▄▅▆▇█"


def chart(time_s: npt.NDArray[Any], pressure_mpa: npt.NDArray[Any]) -> str:
    """Return the chart as text: each column is the highest pressure of its time slice.

    Args:
        time_s: Time since the start, ascending.
        pressure_mpa: Pressure at these times; same length.
    """
    if not len(time_s):
        return ""
    end_s = float(time_s[-1]) or 1.0
    slot = np.minimum((time_s / end_s * _WIDTH).astype(int), _WIDTH - 1)
    highest = np.zeros(_WIDTH)
    np.maximum.at(highest, slot, pressure_mpa)
    top = float(highest.max()) or 1.0
    eighths = np.round(highest / top * _HEIGHT * 8).astype(int)
    lines = []
    for row in range(_HEIGHT - 1, -1, -1):
        filled = np.clip(eighths - row * 8, 0, 8)
        label = f"{top * (row + 1) / _HEIGHT:6.0f} MPa " if row % 4 == 3 else " " * 11
        lines.append(label + "┤" + "".join(_EIGHTHS[cell] for cell in filled))
    lines.append(" " * 11 + "└" + "─" * _WIDTH)
    half, whole = rounded_duration_text(end_s / 2), rounded_duration_text(end_s)
    middle = half.center(_WIDTH - 2 * _SIDE_WIDTH)
    lines.append(" " * _LABEL_WIDTH + "0".ljust(_SIDE_WIDTH) + middle + whole.rjust(_SIDE_WIDTH))
    return "\n".join(lines)
