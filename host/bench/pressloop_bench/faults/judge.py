"""Judges a run with a fault from the true pressure: how far beyond, how late, what was claimed.

The limits are those that the documentation promises for each class of faults, see `LIMITS`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from pressloop.errors import required
from pressloop.machine.blocked_line import BlockedLine
from pressloop.machine.channels import ChannelComparison
from pressloop.machine.profile import MachineProfile
from pressloop.machine.relief_valve import relief_pellet_mpa

from pressloop_bench.control.press_run import TICK_S
from pressloop_bench.faults.disagreement import disagree_from, figure_mpa
from pressloop_bench.faults.fault_case import CEILING, TOLERANCE, FaultCase
from pressloop_bench.faults.fault_run import RUNNING, Course
from pressloop_bench.faults.one_witness import reads_without_pressure, unanswered_mpa

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

_DEVIATION: Final = 0.02
"""Share of the target from which on a fault of valves or hydraulics has an effect."""

_LEAK_PER_S: Final = 1 / 32
"""Share of the pressure that a leak takes per second, from which on it must be told in a hold.

Fresh powder takes as much, and while the pressure moves neither can be told from what sample or
release valve take: smaller leaks, and leaks of a ramp or a release, are only judged by pressure.
"""

_CONTROL: Final = 0.01
"""Share of the target by which a sound loop may be beyond it: overshoot, noise and offset."""

_AGAIN_TOLD_S: Final = 1.0

_MIN_DWELL: Final = 0.9

_BREAKAGES: Final = ("sample-cracked", "die-failure")
"""Faults that say that pellet or die broke; the simulated press knows whether that is true."""

_RELIEF_RISE_MPA: Final = 1.0
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
    SENSOR_AGAIN: Limit(share=0.10, least_mpa=25, told_s=_AGAIN_TOLD_S),
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


@dataclass(frozen=True)
class Judgement:
    """What a run shows.

    Attributes:
        fault_class: Key of `LIMITS`.
        beyond_mpa: Most that the true pressure was beyond hold target or ceiling since the fault.
        allowed_mpa: What the class allows.
        reaction_s: From the effect of the fault to a latched fault or the end; None if there was no
            effect, infinite if nothing was told.
        name: What was told: a fault, or the reason of the end.
        dwell: Least share of a planned dwell that was truly in band; 1 without a hold.
        problems: What breaks a promise, each a few words; empty for a good run.
    """

    fault_class: str
    beyond_mpa: float
    allowed_mpa: float
    reaction_s: float | None
    name: str
    dwell: float
    problems: tuple[str, ...] = field(default=())

    @property
    def claims_wrongly(self) -> bool:
        """Whether the record says `completed` though a dwell was not truly in band."""
        return self.name == "completed" and self.dwell < _MIN_DWELL


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


def judge(case: FaultCase, course: Course, profile: dict[str, Any]) -> Judgement:
    """Judge the course of a case."""
    fault_class = class_of(case)
    if course.refused is not None:
        return Judgement(fault_class, 0.0, 0.0, 0.0, f"refused: {course.refused}", 1.0)
    drifts = case.kind is not None and case.kind.name == "sensor-drift"
    if fault_class == SENSOR_AGAIN and _reads_too_high(case, course, profile):
        fault_class = SENSOR_HIGH
    elif fault_class == SENSOR_AGAIN and _stays_unseen(case, course, profile):
        fault_class = SENSOR_SLOW if drifts else SENSOR_UNSEEN
    limit = LIMITS[fault_class]
    ceiling_mpa = CEILING * case.case.targets_mpa[0]
    error_mpa = _sensor_error_mpa(case, profile)
    from_tick = course.fault_tick if course.fault_tick is not None else 0
    reference = np.minimum(course.target_mpa, ceiling_mpa)
    true = course.true_mpa
    beyond = float(np.max((true - reference)[from_tick:], initial=0.0))
    allowed = max(limit.share * ceiling_mpa, limit.least_mpa)
    if fault_class == SENSOR_TWO:
        allowed = _figure_mpa(case, profile)
    if fault_class in (SENSOR_UNSEEN, SENSOR_SLOW):
        running = course.state[from_tick:] == RUNNING
        unseen = _unanswered_mpa(case, course, profile)[running]
        allowed = max(allowed, float(np.max(unseen, initial=0.0)))
    if limit.delay_s is not None:
        valves = case.case.press.valves
        late_s = limit.delay_s + (valves.delay_ms + valves.lag_ms) / 1000
        allowed += _rate(true, from_tick) * late_s
    allowed += _CONTROL * float(case.target_kpa) / 1000 + error_mpa
    told = _told_tick(course, from_tick)
    effect = _effect_tick(case, course, fault_class, error_mpa, profile, told)
    reaction: float | None = None
    if effect is not None:
        reaction = np.inf if told is None else max(0, told - effect) * TICK_S
    # With two channels an error below their figure counts as sound.
    slack_mpa = _figure_mpa(case, profile) if fault_class == SENSOR_TWO else error_mpa
    dwell = _true_dwell(case, course, slack_mpa)
    name = _name(course)
    problems: list[str] = []
    if limit.judged and beyond > allowed:
        problems.append(f"{beyond:.0f} MPa beyond, {allowed:.0f} allowed")
    bound_mpa = _printed_bound_mpa(case, profile)
    highest = float(np.max(true[from_tick:], initial=0.0))
    if fault_class == SENSOR_FIRST and highest > bound_mpa:
        problems.append(f"{highest:.0f} MPa, and validate prints {bound_mpa:.0f}")
    if limit.told_s is not None and reaction is not None and reaction > limit.told_s:
        problems.append(
            "not told"
            if reaction == np.inf
            else f"told after {reaction:.2f} s, not {limit.told_s:g}"
        )
    if limit.judged and name == "completed" and dwell < _MIN_DWELL:
        problems.append(f"claims completed with {dwell:.0%} of the dwell")
    if _hides_pressure(case, course):
        problems.append("pressure stays and nothing says so")
    if told is not None and name in _BREAKAGES and not course.damage[told]:
        problems.append(f"called {name}, and nothing broke")
    if course.tracebacks > 1:
        problems.append(f"{course.tracebacks} tracebacks")
    if case.kind is None and name != "completed":
        problems.append(f"false trip: {name}")
    return Judgement(fault_class, beyond, allowed, reaction, name, dwell, tuple(problems))


def _lever(case: FaultCase) -> float:
    config = case.case.press.plant_config()
    return config["ram_area_mm2"] / config["die_area_mm2"]


def _sensor_error_mpa(case: FaultCase, profile: dict[str, Any]) -> float:
    """Return the transducer's stated error, MPa on the pellet."""
    full_mpa = profile["full_scale_oil_kpa"] / 1000
    return float(full_mpa * profile["accuracy_ppm"] / 1e6 * _lever(case))


def _figure_mpa(case: FaultCase, profile: dict[str, Any]) -> float:
    """Return the disagreement of two channels at the target that counts as a fault, MPa."""
    return _comparison(case, profile).allowed_kpa(case.target_kpa) / 1000


def _comparison(case: FaultCase, profile: dict[str, Any]) -> ChannelComparison:
    machine = MachineProfile.from_fields(profile)
    compared = ChannelComparison.of(machine, round(case.case.press.die_mm * 1000))
    return required(compared, "the second channel")


def _rate(true: Any, tick: int) -> float:
    """Return the fastest rise around and after a fault, MPa/s over 50 ms."""
    window = true[max(0, tick - 10) : tick + 100]
    if len(window) < 6:
        return 0.0
    return float(max(0.0, np.max(window[5:] - window[:-5]) / (5 * TICK_S)))


def _told_tick(course: Course, from_tick: int) -> int | None:
    """Return when a fault was latched, or the run was ended for another reason than its plan."""
    told = course.fault != 0
    ended = np.zeros_like(told)
    if course.end_names.get(course.end_reason) not in ("completed", "none"):
        ended = (course.state != RUNNING) & (course.state != -1)
    found = np.flatnonzero((told | ended)[from_tick:])
    return from_tick + int(found[0]) if found.size else None


def _effect_tick(
    case: FaultCase,
    course: Course,
    fault_class: str,
    error_mpa: float,
    profile: dict[str, Any],
    told: int | None,
) -> int | None:
    """Return from when on the fault could be noticed at all; None if it never could."""
    start = course.fault_tick
    if start is None or case.kind is None or fault_class == DIE:
        return None
    target = case.target_kpa / 1000
    running = course.state[start:] == RUNNING
    if fault_class == SENSOR_DEAD:
        return start
    if fault_class == SENSOR_TWO:
        apart_mpa = np.where(running, course.apart_mpa[start:], np.nan)
        figures = figure_mpa(_comparison(case, profile), course.reading_mpa[start:], apart_mpa)
        tick = disagree_from(apart_mpa, figures, None if told is None else told - start)
        return None if tick is None else start + tick
    if fault_class in (SENSOR_UNSEEN, SENSOR_SLOW, SENSOR_HIGH):
        below = (course.true_mpa - course.reading_mpa)[start:]
        noticeable = below > _unanswered_mpa(case, course, profile)
        # Steps come in threes: ramp, hold, release.
        releases = course.step[start:] == case.step - case.step % 3 + 2
        if case.kind.name != "sensor-drift":
            noticeable |= releases
        else:
            noticeable &= ~releases
            noticeable |= _reads_without_pressure(case, course, profile)
        found = np.flatnonzero(noticeable & running)
    elif fault_class == SENSOR_RELEASE:
        found = np.flatnonzero(_reads_without_pressure(case, course, profile) & running)
    elif fault_class in (SENSOR_AGAIN, SENSOR_FIRST, SENSOR_ERROR):
        wrong = np.abs(course.reading_mpa - course.true_mpa)[start:]
        found = np.flatnonzero((wrong > _DEVIATION * target + error_mpa) & running)
    elif fault_class == LEAK:
        if case.value * 1000 < _LEAK_PER_S * profile["compliance_nl_mpa"]:
            return None
        found = np.flatnonzero(course.dwelling[start:] & running)
    elif fault_class in (VALVE, RELIEF, STROKE):
        # The setpoint of an approach is 0, also while the ram lands: no loop regulates yet.
        begun = np.maximum.accumulate(course.setpoint_mpa)[start:] > 0
        true = course.true_mpa[start:]
        gap = np.abs(true - course.setpoint_mpa[start:])
        if case.kind.name == "pump-stuck-open" and case.stage == "release":
            # A release that lets out less than asked looks the same until the pressure rises.
            gap = true - np.minimum.accumulate(true)
        elif case.kind.name == "pump-stuck-open":
            # One that passes less than a ramp asks for looks like powder that gives way.
            gap = true - course.setpoint_mpa[start:]
        gap = np.where(begun, gap, true - target)
        found = np.flatnonzero((gap > _DEVIATION * target + error_mpa) & running)
    elif fault_class == NO_RELEASE:
        # The setpoint of an approach is 0, and its first pressure is not above what was asked for.
        begun = np.maximum.accumulate(course.setpoint_mpa)[start:] > 0
        gap = (course.true_mpa - course.setpoint_mpa)[start:]
        found = np.flatnonzero((gap > _DEVIATION * target + error_mpa) & begun)
    elif fault_class == SLOW:
        return start if case.value >= 0.5 else None
    elif case.kind.name == "flash-full":
        return None
    else:
        return start
    return start + int(found[0]) if found.size else None


def _reads_without_pressure(case: FaultCase, course: Course, profile: dict[str, Any]) -> Any:
    """Return since the fault where a sample without pressure reads as if its zero were wrong.

    The limits are those between which the board takes a press for unloaded and its zero for right.
    """
    lever, error_mpa = _lever(case), _sensor_error_mpa(case, profile)
    low_mpa = profile["return_oil_kpa"] / 1000 * lever + 3 * error_mpa
    high_mpa = max(3 * error_mpa, 0.75 * profile["contact_oil_kpa"] / 1000 * lever)
    since = slice(course.fault_tick, None)
    return reads_without_pressure(
        course.true_mpa[since], course.reading_mpa[since], (-low_mpa, high_mpa)
    )


def _least_error_mpa(case: FaultCase, profile: dict[str, Any]) -> float:
    """Return the error of a reading from which on it counts, MPa."""
    return _DEVIATION * case.target_kpa / 1000 + _sensor_error_mpa(case, profile)


def _printed_bound_mpa(case: FaultCase, profile: dict[str, Any]) -> float:
    """Return what `pressloop validate` prints for the first pressing of a sample, MPa.

    Every press of the bench has a relief valve that is set so high. Its oil may be above that by
    `_RELIEF_RISE_MPA` while it passes the pump's flow.
    """
    machine = MachineProfile.from_fields(profile)
    die_mm = case.case.press.die_mm
    bound_mpa = relief_pellet_mpa(machine, die_mm) + _RELIEF_RISE_MPA * _lever(case)
    if case.stage != "approach":
        return bound_mpa
    return max(bound_mpa, required(BlockedLine.of(machine, die_mm), "the travel").pellet_mpa)


def _reads_too_high(case: FaultCase, course: Course, profile: dict[str, Any]) -> bool:
    """Return whether the first error that counts is a reading above the truth, before a release."""
    start = course.fault_tick
    if start is None or case.stage not in ("ramp", "hold"):
        return False
    above = (course.reading_mpa - course.true_mpa)[start:]
    counts = np.abs(above) > _least_error_mpa(case, profile)
    found = np.flatnonzero(counts & (course.state[start:] == RUNNING))
    return bool(found.size and above[found[0]] > 0)


def _stays_unseen(case: FaultCase, course: Course, profile: dict[str, Any]) -> bool:
    """Return whether a reading is too low by less than volume and valves are known to.

    It is so if the error is still within that a second after it has reached what is promised.
    """
    start = course.fault_tick
    if start is None or case.stage not in ("ramp", "hold"):
        return False
    running = course.state[start:] == RUNNING
    below = (course.true_mpa - course.reading_mpa)[start:]
    found = np.flatnonzero((below > _least_error_mpa(case, profile)) & running)
    if not found.size:
        return False
    due = slice(int(found[0]), int(found[0]) + round(_AGAIN_TOLD_S / TICK_S) + 1)
    within = below[due] <= _unanswered_mpa(case, course, profile)[due]
    return bool(np.all(within & running[due]))


def _unanswered_mpa(case: FaultCase, course: Course, profile: dict[str, Any]) -> Any:
    machine = MachineProfile.from_fields(profile)
    limit_mpa = machine.limits(round(case.case.press.die_mm * 1000)).pellet_limit_kpa / 1000
    reading = course.reading_mpa[course.fault_tick :]
    setpoint = course.setpoint_mpa[course.fault_tick :]
    return unanswered_mpa(profile, _lever(case), limit_mpa, reading, setpoint)


def _true_dwell(case: FaultCase, course: Course, slack_mpa: float) -> float:
    """Return the least share of a hold's planned dwell in which the true pressure was in band.

    The band is that of the plan, wider by `slack_mpa`.
    """
    worst = 1.0
    for index, step in enumerate(case.steps()):
        if "duration_ms" not in step:
            continue
        target = step["target_kpa"] / 1000
        inside = np.abs(course.true_mpa - target) <= TOLERANCE * target + slack_mpa
        ticks = int(np.count_nonzero(inside & (course.step == index)))
        worst = min(worst, ticks * TICK_S * 1000 / step["duration_ms"])
    return worst


def _hides_pressure(case: FaultCase, course: Course) -> bool:
    """Return whether pressure is left at the end while the board shows no fault."""
    left = course.true_mpa[-1] > max(0.05 * case.target_kpa / 1000, 1.0)
    return bool(left and course.fault[-1] == 0)


def _name(course: Course) -> str:
    faults = course.fault[course.fault != 0]
    if faults.size:
        return course.fault_names.get(int(faults[0]), str(faults[0]))
    if course.resets:
        return "reset without a fault"
    return course.end_names.get(course.end_reason, str(course.end_reason))
