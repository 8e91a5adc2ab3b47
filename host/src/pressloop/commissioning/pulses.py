"""Small pulses of the pump without a run: how long each is, and what the reading makes of it."""

from __future__ import annotations

import math
from typing import Final

from pressloop.commissioning.bench import CommissioningBench, Reading
from pressloop.commissioning.step import StepFailedError

MAX_LEAK_UL_MIN: Final = 400.0
"""Leak at 10 MPa above which a press cannot be tuned."""
SURE: Final = 2.0
"""Answers that make a rise sure."""

_SPAN_SHARE: Final = 0.25
"""Opening of a pulse, as a share of the stroke beyond the dead band."""
_SETTLE_S: Final = 0.4
_MIN_PULSE_S: Final = 0.05
_MAX_PULSE_S: Final = 2.0
_LEAST_COUNTS: Final = 3.0
"""Smallest change of the mean reading that counts as an answer."""
_SIGMAS: Final = 5.0
READ_S: Final = 0.5
_READINGS: Final = 50
_RISE_BAR: Final = 10.0


def least_answer(before: Reading) -> float:
    """Return the smallest change of the mean reading that is an answer, counts."""
    return max(_LEAST_COUNTS, _SIGMAS * before.sigma / math.sqrt(_READINGS))


def pulse_of(bench: CommissioningBench, wanted_ul: float) -> tuple[float, float]:
    """Return how long a pulse of a volume lasts, s, and what it lets in by the data sheet, uL."""
    flow_ul_s = bench.profile.pump_flow_ml_s * 1000 * _SPAN_SHARE
    seconds = min(_MAX_PULSE_S, max(_MIN_PULSE_S, wanted_ul / flow_ul_s))
    return round(seconds, 2), round(seconds, 2) * flow_ul_s


def rise_after_pulse(
    bench: CommissioningBench, before: float, pulse_s: float, *, release: float
) -> float:
    """Let a pulse in; return by how many counts the reading is above `before` then."""
    dead = bench.profile.pump_dead_band_percent / 100
    bench.test_valves(
        pump=dead + _SPAN_SHARE * (1 - dead),
        pump_s=pulse_s,
        release=release,
        duration_s=10.0,
        rise_bar=_RISE_BAR,
    )
    bench.pass_time(pulse_s + _SETTLE_S)
    return bench.reading(READ_S).mean - before


def require_response(
    direct: float, rise: float, left: float, answer: float, pulse_ul: float, volume_ul: float
) -> None:
    """Judge what the reading made of pulses, all in counts.

    Args:
        direct: Rise by a pulse with the release open.
        rise: Rise by all pulses with the release shut.
        left: What stayed of it with the release open again.
        answer: `least_answer`.
        pulse_ul: Volume of one pulse, uL.
        volume_ul: Volume of all pulses with the release shut, uL.

    Raises:
        StepFailedError: `release-inverted`, `no-response`, `response-inverted` or `no-release`.
    """
    if abs(direct) > answer:
        raise StepFailedError(
            "release-inverted",
            f"a pulse of {pulse_ul:.0f} uL raised the reading by {direct:.0f} counts although "
            "the release valve had no current: it is shut without current",
            "fit a release valve that is open without current; with this one the pressure "
            "stays when the power fails",
        )
    if rise <= -answer:
        raise StepFailedError(
            "response-inverted",
            f"{volume_ul:.0f} uL lowered the reading by {-rise:.0f} counts",
            "the signal of the transducer is inverted, or it sits on another line: compare it with "
            "the gauge",
        )
    if rise < SURE * answer:
        raise StepFailedError(
            "no-response",
            f"{volume_ul:.0f} uL did not raise the reading: it moved by {rise:.1f} counts",
            "look whether the motor turns the right way and the tank is full, whether the release "
            "valve shuts with current and the manual release is shut, and whether the transducer "
            "sits on the line that is pressed; let the air out of the lines",
        )
    if left > max(answer, rise / 3):
        raise StepFailedError(
            "no-release",
            f"without current the reading stays {left:.0f} counts above its start",
            "check the release valve and its return line; open the manual release",
        )
