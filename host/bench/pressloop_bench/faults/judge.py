"""Judges a run with a fault from the true pressure: how far beyond, how late, what was claimed.

The limits are those of the class of the fault, see `promises.LIMITS`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from pressloop.errors import required
from pressloop.machine.blocked_line import BlockedLine
from pressloop.machine.profile import MachineProfile
from pressloop.machine.relief_valve import relief_pellet_mpa
from pressloop.wire.schema import TICK_HZ

from pressloop_bench.control.press_run import TICK_S
from pressloop_bench.faults.effect import (
    effect_tick,
    figure_of,
    lever_of,
    reads_too_high,
    sensor_error_mpa,
    stays_unseen,
    unanswered_of,
)
from pressloop_bench.faults.fault_case import CEILING, TOLERANCE, FaultCase
from pressloop_bench.faults.fault_run import RUNNING, Course
from pressloop_bench.faults.promises import (
    LIMITS,
    SENSOR_AGAIN,
    SENSOR_FIRST,
    SENSOR_HIGH,
    SENSOR_SLOW,
    SENSOR_TWO,
    SENSOR_UNSEEN,
    class_of,
)

_CONTROL: Final = 0.01
"""Share of the target by which a sound loop may be beyond it: overshoot, noise and offset."""

_MIN_DWELL: Final = 0.9

_BREAKAGES: Final = ("sample-cracked", "die-failure")
"""Faults that say that pellet or die broke; the simulated press knows whether that is true."""

_RELIEF_RISE_MPA: Final = 1.0
"""By how much the oil may be above the setting of a relief valve that passes the pump's flow."""


@dataclass(frozen=True)
class Judgement:
    """What a run shows.

    Attributes:
        fault_class: Key of `promises.LIMITS`.
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


def judge(case: FaultCase, course: Course, profile: dict[str, Any]) -> Judgement:
    """Judge the course of a case."""
    fault_class = class_of(case)
    if course.refused is not None:
        return Judgement(fault_class, 0.0, 0.0, 0.0, f"refused: {course.refused}", 1.0)
    drifts = case.kind is not None and case.kind.name == "sensor-drift"
    if fault_class == SENSOR_AGAIN and reads_too_high(case, course, profile):
        fault_class = SENSOR_HIGH
    elif fault_class == SENSOR_AGAIN and stays_unseen(case, course, profile):
        fault_class = SENSOR_SLOW if drifts else SENSOR_UNSEEN
    limit = LIMITS[fault_class]
    ceiling_mpa = CEILING * case.case.targets_mpa[0]
    error_mpa = sensor_error_mpa(case, profile)
    from_tick = course.fault_tick if course.fault_tick is not None else 0
    reference = np.minimum(course.target_mpa, ceiling_mpa)
    true = course.true_mpa
    beyond = float(np.max((true - reference)[from_tick:], initial=0.0))
    allowed = max(limit.share * ceiling_mpa, limit.least_mpa)
    if fault_class == SENSOR_TWO:
        allowed = figure_of(case, profile)
    if fault_class in (SENSOR_UNSEEN, SENSOR_SLOW):
        running = course.state[from_tick:] == RUNNING
        unseen = unanswered_of(case, course, profile)[running]
        allowed = max(allowed, float(np.max(unseen, initial=0.0)))
    told = _told_tick(course, from_tick)
    effect = effect_tick(case, course, fault_class, error_mpa, profile, told)
    if limit.delay_s is not None:
        valves = case.case.press.valves
        late_s = limit.delay_s + (valves.delay_ms + valves.lag_ms) / 1000
        rate = _rate(true, from_tick, TICK_HZ)
        if fault_class == SENSOR_TWO and effect is not None:
            # A sensor that lags makes the loop swing, and leaves the figure seconds later.
            rate = max(rate, _rate(true, effect, round(late_s / TICK_S)))
        allowed += rate * late_s
    allowed += _CONTROL * float(case.target_kpa) / 1000 + error_mpa
    reaction: float | None = None
    if effect is not None:
        reaction = np.inf if told is None else max(0, told - effect) * TICK_S
    # With two channels an error below their figure counts as sound.
    slack_mpa = figure_of(case, profile) if fault_class == SENSOR_TWO else error_mpa
    dwell = _true_dwell(case, course, slack_mpa)
    name = _name(course)
    problems: list[str] = []
    if limit.judged and beyond > allowed:
        problems.append(f"{beyond:.0f} MPa beyond, {allowed:.0f} allowed")
    if fault_class == SENSOR_FIRST:
        bound_mpa = _printed_bound_mpa(case, profile)
        highest = float(np.max(true[from_tick:], initial=0.0))
        if highest > bound_mpa:
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


def _rate(true: Any, tick: int, ticks: int) -> float:
    """Return the fastest rise from 0.1 s before a tick to `ticks` behind it, MPa/s over 50 ms."""
    window = true[max(0, tick - 10) : tick + ticks]
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


def _printed_bound_mpa(case: FaultCase, profile: dict[str, Any]) -> float:
    """Return what `pressloop validate` prints for the first pressing of a sample, MPa.

    Every press of the bench has a relief valve that is set so high.
    """
    machine = MachineProfile.from_fields(profile)
    die_mm = case.case.press.die_mm
    bound_mpa = relief_pellet_mpa(machine, die_mm) + _RELIEF_RISE_MPA * lever_of(case)
    if case.stage != "approach":
        return bound_mpa
    return max(bound_mpa, required(BlockedLine.of(machine, die_mm), "the travel").pellet_mpa)


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
