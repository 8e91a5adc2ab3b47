"""From when on a fault could be noticed at all: from what a reading, a valve or the pressure shows.

A reaction is timed from there, and not from the fault: a transducer that freezes while the pressure
stands is right.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from pressloop.errors import required
from pressloop.machine.channels import ChannelComparison
from pressloop.machine.profile import MachineProfile

from pressloop_bench.control.press_run import TICK_S
from pressloop_bench.faults import promises
from pressloop_bench.faults.disagreement import disagree_from, figure_mpa
from pressloop_bench.faults.fault_case import FaultCase
from pressloop_bench.faults.fault_run import RUNNING, Course
from pressloop_bench.faults.one_witness import reads_without_pressure, unanswered_mpa

_DEVIATION: Final = 0.02
"""Share of the target from which on a fault of valves or hydraulics has an effect."""

_LEAK_PER_S: Final = 1 / 32
"""Share of the pressure that a leak takes per second, from which on it must be told in a hold.

Fresh powder takes as much, and while the pressure moves neither can be told from what sample or
release valve take: smaller leaks, and leaks of a ramp or a release, are only judged by pressure.
"""


def lever_of(case: FaultCase) -> float:
    """Return pellet pressure over oil pressure."""
    config = case.case.press.plant_config()
    return config["ram_area_mm2"] / config["die_area_mm2"]


def sensor_error_mpa(case: FaultCase, profile: dict[str, Any]) -> float:
    """Return the transducer's stated error, MPa on the pellet."""
    full_mpa = profile["full_scale_oil_kpa"] / 1000
    return float(full_mpa * profile["accuracy_ppm"] / 1e6 * lever_of(case))


def figure_of(case: FaultCase, profile: dict[str, Any]) -> float:
    """Return the disagreement of two channels at the target that counts as a fault, MPa."""
    return comparison(case, profile).allowed_kpa(case.target_kpa) / 1000


def comparison(case: FaultCase, profile: dict[str, Any]) -> ChannelComparison:
    """Return how the board compares the two channels of the press."""
    machine = MachineProfile.from_fields(profile)
    compared = ChannelComparison.of(machine, round(case.case.press.die_mm * 1000))
    return required(compared, "the second channel")


def effect_tick(
    case: FaultCase,
    course: Course,
    fault_class: str,
    error_mpa: float,
    profile: dict[str, Any],
    told: int | None,
) -> int | None:
    """Return from when on the fault could be noticed at all; None if it never could."""
    start = course.fault_tick
    if start is None or case.kind is None or fault_class == promises.DIE:
        return None
    target = case.target_kpa / 1000
    running = course.state[start:] == RUNNING
    if fault_class == promises.SENSOR_DEAD:
        return start
    if fault_class == promises.SENSOR_TWO:
        apart_mpa = np.where(running, course.apart_mpa[start:], np.nan)
        figures = figure_mpa(comparison(case, profile), course.reading_mpa[start:], apart_mpa)
        tick = disagree_from(apart_mpa, figures, None if told is None else told - start)
        return None if tick is None else start + tick
    if fault_class in (promises.SENSOR_UNSEEN, promises.SENSOR_SLOW, promises.SENSOR_HIGH):
        below = (course.true_mpa - course.reading_mpa)[start:]
        noticeable = below > unanswered_of(case, course, profile)
        # Steps come in threes: ramp, hold, release.
        releases = course.step[start:] == case.step - case.step % 3 + 2
        if case.kind.name != "sensor-drift":
            noticeable |= releases
        else:
            noticeable &= ~releases
            noticeable |= _reads_without_pressure(case, course, profile)
        found = np.flatnonzero(noticeable & running)
    elif fault_class == promises.SENSOR_RELEASE:
        found = np.flatnonzero(_reads_without_pressure(case, course, profile) & running)
    elif fault_class in (promises.SENSOR_AGAIN, promises.SENSOR_FIRST, promises.SENSOR_ERROR):
        wrong = np.abs(course.reading_mpa - course.true_mpa)[start:]
        found = np.flatnonzero((wrong > _DEVIATION * target + error_mpa) & running)
    elif fault_class == promises.LEAK:
        if case.value * 1000 < _LEAK_PER_S * profile["compliance_nl_mpa"]:
            return None
        found = np.flatnonzero(course.dwelling[start:] & running)
    elif fault_class in (promises.VALVE, promises.RELIEF, promises.STROKE):
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
    elif fault_class == promises.NO_RELEASE:
        # The setpoint of an approach is 0, and its first pressure is not above what was asked for.
        begun = np.maximum.accumulate(course.setpoint_mpa)[start:] > 0
        gap = (course.true_mpa - course.setpoint_mpa)[start:]
        found = np.flatnonzero((gap > _DEVIATION * target + error_mpa) & begun)
    elif fault_class == promises.SLOW:
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
    lever, error_mpa = lever_of(case), sensor_error_mpa(case, profile)
    low_mpa = profile["return_oil_kpa"] / 1000 * lever + 3 * error_mpa
    high_mpa = max(3 * error_mpa, 0.75 * profile["contact_oil_kpa"] / 1000 * lever)
    since = slice(course.fault_tick, None)
    return reads_without_pressure(
        course.true_mpa[since], course.reading_mpa[since], (-low_mpa, high_mpa)
    )


def reads_too_high(case: FaultCase, course: Course, profile: dict[str, Any]) -> bool:
    """Return whether the first error that counts is a reading above the truth, before a release."""
    start = course.fault_tick
    if start is None or case.stage not in ("ramp", "hold"):
        return False
    above = (course.reading_mpa - course.true_mpa)[start:]
    counts = np.abs(above) > _least_error_mpa(case, profile)
    found = np.flatnonzero(counts & (course.state[start:] == RUNNING))
    return bool(found.size and above[found[0]] > 0)


def stays_unseen(case: FaultCase, course: Course, profile: dict[str, Any]) -> bool:
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
    due = slice(int(found[0]), int(found[0]) + round(promises.AGAIN_TOLD_S / TICK_S) + 1)
    within = below[due] <= unanswered_of(case, course, profile)[due]
    return bool(np.all(within & running[due]))


def unanswered_of(case: FaultCase, course: Course, profile: dict[str, Any]) -> Any:
    """Return what the only reading may be below the truth since the fault, unseen, MPa."""
    machine = MachineProfile.from_fields(profile)
    limit_mpa = machine.limits(round(case.case.press.die_mm * 1000)).pellet_limit_kpa / 1000
    reading = course.reading_mpa[course.fault_tick :]
    setpoint = course.setpoint_mpa[course.fault_tick :]
    return unanswered_mpa(profile, lever_of(case), limit_mpa, reading, setpoint)


def _least_error_mpa(case: FaultCase, profile: dict[str, Any]) -> float:
    """Return the error of a reading from which on it counts, MPa."""
    return _DEVIATION * case.target_kpa / 1000 + sensor_error_mpa(case, profile)
