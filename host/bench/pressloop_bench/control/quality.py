"""Measures of how well one run kept to its protocol, on the true pressure, and their targets.

All measures are worst cases over the stages of one run, in per cent of the stage's target unless
the name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from pressloop_bench.control.press_run import TICK_S, Floats

BAND: Final = 0.005
"""Half width of the band around the target, relative."""

TARGETS: Final = {
    "overshoot": 0.5,
    "overshoot_low_mpa": 0.5,
    "ramp": 2.0,
    "settle_s": 0.5,
    "in_band": 99.9,
    "rms": 0.1,
    "dwell_ticks": 1.0,
    "beyond_mpa": 0.0,
}
"""The targets that every press must meet; measures without a target only describe."""

_MAX_COST: Final = 20.0
_SETTLED_TICKS: Final = 100


@dataclass(frozen=True)
class JudgedStage:
    """One target of a run; every array has one element per tick of its part of the run."""

    target_mpa: float
    rising: bool
    level_mpa: float
    """Pressure that ramp errors are relative to: the target, or where a release begins."""
    ramp_true: Floats
    ramp_set: Floats
    hold_true: Floats
    dwell_true: Floats
    """True pressure in the ticks that the board counted as dwell."""
    asked_ticks: int
    """Dwell of the protocol; 0 for a release to zero, which has no hold."""


@dataclass(frozen=True)
class Quality:
    """The measures of one run. Smaller is better, except for `in_band`."""

    overshoot: float
    """Highest excess beyond the target, in the direction of the ramp."""
    overshoot_low_mpa: float
    """The same in MPa, for targets below 100 MPa alone."""
    ramp: float
    """Largest distance between true pressure and setpoint in ramps and releases."""
    settle_s: float
    """From the ramp's end until the pressure stays within 0.5 % for a second."""
    in_band: float
    """Least share of dwell ticks within 0.5 %."""
    rms: float
    """Of the distance to the target over the dwell."""
    steady: float
    """Standard deviation over the dwell: the rms without the sensor's constant error."""
    dwell_ticks: float
    """Difference between the dwell of the protocol and the ticks truly in band."""
    beyond_mpa: float
    """Highest true pressure above the ceiling plus the accuracy of the sensor."""

    def badness(self, name: str) -> float:
        """Return a measure with the sign with which smaller is better."""
        value = float(getattr(self, name))
        return -value if name == "in_band" else value

    @property
    def missed_targets(self) -> list[str]:
        """The measures that do not meet their targets."""
        return [
            name
            for name, target in TARGETS.items()
            if self.badness(name) > (-target if name == "in_band" else target)
        ]


def cost(quality: Quality) -> float:
    """Return the sum of measures over their targets: 1 for one that is just met, 20 at most."""
    shares = (
        quality.overshoot / TARGETS["overshoot"],
        quality.ramp / TARGETS["ramp"],
        quality.settle_s / TARGETS["settle_s"],
        (100 - quality.in_band) / (100 - TARGETS["in_band"]),
        quality.rms / TARGETS["rms"],
        quality.dwell_ticks / TARGETS["dwell_ticks"],
    )
    return sum(min(_MAX_COST, share) for share in shares)


def judge(stages: list[JudgedStage], limit_mpa: float) -> Quality:
    """Return the measures of a run; `limit_mpa` is the ceiling plus the accuracy of the sensor."""
    holds = [stage for stage in stages if stage.asked_ticks]
    above = [(stage, _overshoot(stage)) for stage in holds]
    return Quality(
        overshoot=max(100 * over / stage.target_mpa for stage, over in above),
        overshoot_low_mpa=max((over for stage, over in above if stage.target_mpa < 100), default=0),
        ramp=max(_ramp(stage) for stage in stages),
        settle_s=max(_settle_s(stage) for stage in holds),
        in_band=min(100 * float(np.mean(_inside(stage, stage.dwell_true))) for stage in holds),
        rms=max(
            100 * _rms(stage.dwell_true - stage.target_mpa) / stage.target_mpa for stage in holds
        ),
        steady=max(100 * float(np.std(stage.dwell_true)) / stage.target_mpa for stage in holds),
        dwell_ticks=max(
            abs(int(np.sum(_inside(stage, stage.dwell_true))) - stage.asked_ticks)
            for stage in holds
        ),
        beyond_mpa=max(
            0.0,
            max(float(np.max(stage.ramp_true)) for stage in stages if len(stage.ramp_true))
            - limit_mpa,
        ),
    )


def _inside(stage: JudgedStage, pressure: Floats) -> np.typing.NDArray[np.bool_]:
    return np.abs(pressure - stage.target_mpa) <= BAND * stage.target_mpa


def _overshoot(stage: JudgedStage) -> float:
    both = np.concatenate((stage.ramp_true, stage.hold_true))
    beyond = both.max() - stage.target_mpa if stage.rising else stage.target_mpa - both.min()
    return max(0.0, float(beyond))


def _ramp(stage: JudgedStage) -> float:
    if not len(stage.ramp_true):
        return 0.0
    return 100 * float(np.max(np.abs(stage.ramp_true - stage.ramp_set))) / stage.level_mpa


def _settle_s(stage: JudgedStage) -> float:
    inside = _inside(stage, stage.hold_true)
    outside = np.flatnonzero(~inside)
    start = 0
    for tick in outside:
        if tick - start >= _SETTLED_TICKS:
            break
        start = int(tick) + 1
    return start * TICK_S


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2)))


NAMES: Final = tuple(field.name for field in fields(Quality))
