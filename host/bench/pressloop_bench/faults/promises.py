"""The classes of faults and what the documentation promises for each: see `LIMITS`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pressloop_bench.faults.fault_case import FaultCase

SENSOR_TWO: Final = "sensor, two channels"
SENSOR_AGAIN: Final = "sensor, one channel, pressed before"
SENSOR_UNSEEN: Final = "sensor, one channel, within what valves are known to"
SENSOR_HIGH: Final = "sensor that reads too high in a ramp or a hold, one channel"
SENSOR_SLOW: Final = "sensor drift within what valves are known to, one channel"
SENSOR_RELEASE: Final = "sensor drift in a release, one channel"
SENSOR_FIRST: Final = "sensor, one channel, first pressing"
SENSOR_ERROR: Final = "sensor error, one channel"
SENSOR_DEAD: Final = "sensor current, any channels"
VALVE: Final = "valve or burst"
LEAK: Final = "leak"
RELIEF: Final = "relief valve below the target"
RELIEF_RELEASE: Final = "relief valve in a release"
NO_RELEASE: Final = "release stuck"
HANG: Final = "hung tick"
SLOW: Final = "lost ticks"
OUTSIDE: Final = "power, host, flash"
DIE: Final = "wrong die"
STROKE: Final = "end of the stroke, oil alone"
SOUND: Final = "sound"

AGAIN_TOLD_S: Final = 1.0

_DEAD: Final = ("open", "short")
_FROZEN_OR_DRIFTING: Final = ("frozen", "blocked", "zero", "drift")


@dataclass(frozen=True)
class Limit:
    """What a class of faults promises.

    Attributes:
        share: Most beyond the reference, as a share of the ceiling.
        least_mpa: The same in MPa, where that is more.
        delay_s: Time for which the rate at the fault adds to it; valve delay and lag are added.
            None: the rate adds nothing.
        told_s: Longest time from the effect to a fault or the end of the run; None: not promised.
        judged: Whether excess and claims are judged, or only printed.
    """

    share: float = 0.0
    least_mpa: float = 0.0
    delay_s: float | None = None
    told_s: float | None = None
    judged: bool = True


LIMITS: Final = {
    SENSOR_TWO: Limit(delay_s=0.1, told_s=0.1),
    SENSOR_AGAIN: Limit(share=0.10, least_mpa=25, told_s=AGAIN_TOLD_S),
    # See `one_witness`: told when the error has left what volume and valves are known to, or when a
    # release that follows lowers nothing.
    SENSOR_UNSEEN: Limit(share=0.10, least_mpa=25, told_s=2.0),
    # The sample gets too little. The release is known as badly as the pump: see `one_witness`.
    SENSOR_HIGH: Limit(share=0.10, least_mpa=25, told_s=2.0),
    # Not even the release that follows stands still.
    SENSOR_SLOW: Limit(share=0.10, least_mpa=25, told_s=2.0),
    SENSOR_RELEASE: Limit(share=0.10, least_mpa=25, told_s=2.0),
    SENSOR_FIRST: Limit(judged=False),
    # One channel has nothing to compare with: an error of scale looks like another pressure.
    SENSOR_ERROR: Limit(judged=False),
    SENSOR_DEAD: Limit(delay_s=0.1, told_s=0.1),
    VALVE: Limit(share=0.02, delay_s=0.5, told_s=0.5),
    LEAK: Limit(told_s=6.0),
    # The pressure stands still while the pump delivers. Powder that gives way may take half of that
    # in a ramp, and the limit of the volume is a sixteenth of the pressure and some.
    RELIEF: Limit(share=0.02, delay_s=0.5, told_s=3.0),
    # The reading is right and falls at most as fast as the release could let it.
    RELIEF_RELEASE: Limit(share=0.02, delay_s=0.5),
    NO_RELEASE: Limit(told_s=5.0),
    HANG: Limit(share=0.02, delay_s=0.06, told_s=3.5),
    SLOW: Limit(share=0.02, told_s=2.0),
    OUTSIDE: Limit(told_s=4.0),
    DIE: Limit(judged=False),
    # The reading is right, and no displacement sensor or load cell shows that the load is not.
    STROKE: Limit(judged=False),
    SOUND: Limit(),
}


def class_of(case: FaultCase) -> str:
    """Return the class of a case's fault."""
    if case.kind is None:
        return SOUND
    name, group = case.kind.name, case.kind.group
    if group in ("sensor", "second"):
        fault = name.partition("-")[2]
        if fault in _DEAD:
            return SENSOR_DEAD
        if case.channels > 1:
            return SENSOR_TWO
        if fault not in _FROZEN_OR_DRIFTING:
            return SENSOR_ERROR
        if fault == "drift" and case.stage == "release":
            return SENSOR_RELEASE
        seen = case.again or case.stage == "release"
        return SENSOR_AGAIN if seen else SENSOR_FIRST
    if name == "release-stuck-shut":
        return NO_RELEASE
    if name == "leak":
        return LEAK
    if name == "relief":
        return RELIEF_RELEASE if case.stage == "release" else RELIEF
    if name == "wrong-die":
        return DIE
    if name == "stroke-end":
        return STROKE
    if name == "tick-hang":
        return HANG
    if name == "tick-slow":
        return SLOW
    return VALVE if group in ("valve", "hydraulic") else OUTSIDE
