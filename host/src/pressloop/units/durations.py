"""Prints durations for people; `printing.format_quantity` prints those that are read back."""

from __future__ import annotations

from typing import Final

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400

_MAX_PLAIN_S: Final = 2 * _MINUTE_S
"""Below this, a duration is given in seconds alone."""

_MIN_DAYS_S: Final = 2 * _DAY_S
"""From here on, days are counted: 36 h is easier to read than 1 d 12 h."""


def duration_text(seconds: float, places: int = 3) -> str:
    """Return a duration in the units of a protocol: 8.4 s, 90 s, 10 min, 9 min 58.4 s, 36 h, 7 d.

    Args:
        seconds: The duration; negative for a time before a start.
        places: Decimals of a second to round to; zeros at the end are left out.
    """
    rounded = round(abs(seconds), places)
    sign = "-" if seconds < 0 < rounded else ""
    if rounded < _MAX_PLAIN_S:
        return f"{sign}{_decimal(rounded, places)} s"
    rest_s, parts = rounded, []
    for unit, unit_s in (("d", _DAY_S), ("h", _HOUR_S), ("min", _MINUTE_S)):
        if unit == "d" and rounded < _MIN_DAYS_S:
            continue
        count, rest_s = divmod(rest_s, unit_s)
        if count:
            parts.append(f"{int(count)} {unit}")
    last = _decimal(rest_s, places)
    if last != "0":
        parts.append(f"{last} s")
    return sign + " ".join(parts)


def rounded_duration_text(seconds: float) -> str:
    """Return about how long something takes, in one unit: 45 s, 18.5 min, 7.2 h, 7 d."""
    if seconds < _MAX_PLAIN_S:
        return f"{seconds:.0f} s"
    if seconds < 3 * _HOUR_S:
        return f"{_decimal(seconds / _MINUTE_S, 1)} min"
    if seconds < _MIN_DAYS_S:
        return f"{_decimal(seconds / _HOUR_S, 1)} h"
    return f"{_decimal(seconds / _DAY_S, 1)} d"


def running_time_text(seconds: float) -> str:
    """Return a time that is counting, as a clock shows it: 8.4 s, 3:05, 2:15:00, 6 d 2:15:00."""
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    minutes, whole_s = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{whole_s:02d}"
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return (f"{days} d " if days else "") + f"{hours}:{minutes:02d}:{whole_s:02d}"


def _decimal(value: float, places: int) -> str:
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text
