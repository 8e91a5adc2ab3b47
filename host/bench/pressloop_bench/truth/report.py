"""Prints what is true of the wide family: median, 99th percentile and worst, and the coverage."""

from __future__ import annotations

import collections
import re
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from pressloop.wire.schema import Fault

from pressloop_bench.truth.press_truth import PressTruth
from pressloop_bench.truth.stage_truth import StageTruth

# Reasons that differ in the first number alone are one reason.
_NUMBER: Final = re.compile(r"(?<=comes out as )[\d.]+")

_FAULT: Final = re.compile(r"fault ([1-9]\d*)")

_ROWS: Final[tuple[tuple[str, str, Callable[[StageTruth], float | None]], ...]] = (
    (
        "lateness going up, s",
        "<= 0.3; slow valves 3 x lag",
        lambda s: s.lateness_s if s.rising else None,
    ),
    (
        "lateness going down, s",
        "<= 0.4; slow valves 3 x lag",
        lambda s: None if s.rising else s.lateness_s,
    ),
    ("ramp time over asked, s", "<= 0.3", lambda s: s.over_asked_s),
    ("true time in band over planned dwell, s", "0 to 0.2", lambda s: s.dwell_excess_s),
    ("share of the whole hold in band, %", "99.9", lambda s: -s.in_band),
    ("overshoot, % of target", "0.5", lambda s: s.overshoot),
    ("true mean off target, from below, %", "", lambda s: _size(s.error) if s.rising else None),
    ("true mean off target, from above, %", "", lambda s: None if s.rising else _size(s.error)),
    ("the same, lowest stage, %", "", lambda s: _size(s.error) if s.low else None),
    ("stated uncertainty, k = 2, %", "", lambda s: s.stated),
    ("true mean off reading, % of the stated", "", lambda s: _size(s.used)),
)


def table(what: str, judged: Iterable[StageTruth], *, targets_alone: bool = False) -> str:
    """Return the table over stages that ended; `what` names the pressure that was judged.

    `targets_alone` leaves out the rows that have no target.
    """
    stages = list(judged)
    lines = [f"| {what} | target | median | p99 | worst |", "|---|---|---|---|---|"]
    for name, target, figure in _ROWS:
        if targets_alone and not target:
            continue
        found = [figure(stage) for stage in stages]
        values = np.array([value for value in found if value is not None])
        if not values.size:
            continue
        sign = -1 if "in band, %" in name else 1
        numbers = (
            float(np.quantile(values, 0.5, method="higher")),
            float(np.quantile(values, 0.99, method="higher")),
            float(values.max()),
        )
        cells = " | ".join(_number(sign * number) for number in numbers)
        lines.append(f"| {name} | {target} | {cells} |")
    return "\n".join(lines)


def counts(results: list[PressTruth]) -> list[str]:
    """Return lines that account for every press and every stage."""
    reasons: collections.Counter[str] = collections.Counter()
    for result in results:
        for change in result.case.changes:
            reasons[f"smaller protocol: {change}"] += 1
        if result.refused:
            reasons[f"not tuned: {_in_words(_NUMBER.sub('...', result.refused))}"] += 1
        if result.ended:
            reasons[f"run ended early: {_in_words(result.ended)}"] += 1
    pressed = sum(not result.refused for result in results)
    whole = sum(not result.refused and not result.ended for result in results)
    lines = [f"{len(results)} presses drawn, {pressed} tuned, {whole} pressed to the end"]
    lines += [f"  {count} x {reason}" for reason, count in reasons.most_common()]
    stages = [stage for result in results for stage in result.stages]
    never = sum(np.isinf(stage.lateness_s) for stage in stages)
    lines.append(f"{never} of {len(stages)} stages were never truly in band")
    return lines


def _in_words(reason: str) -> str:
    """Return the end of a run without its place, and with the name of its fault."""
    short = reason.split(", step")[0]
    fault = _FAULT.search(short)
    if fault is None:
        return short
    return f"a run ended by the fault {Fault(int(fault[1])).name.lower().replace('_', '-')}"


def coverage(results: list[PressTruth]) -> str:
    """Return the share of stages whose true mean is within the stated uncertainty."""
    stages = [stage for result in results for stage in result.stages]
    covered = sum(stage.covered for stage in stages)
    whole = sum(
        all(stage.covered for stage in result.stages) for result in results if result.stages
    )
    pressed = sum(bool(result.stages) for result in results)
    share = 100 * covered / len(stages) if stages else 0.0
    return (
        f"all stages covered on {whole} of {pressed} presses\n"
        f"coverage {share:.1f} % of {len(stages)} stages"
    )


def stages(result: PressTruth) -> list[str]:
    """Return a line for each stage of a press."""
    return [
        f"{result.case.name} {stage.target_mpa:7.2f} MPa {'up  ' if stage.rising else 'down'} "
        f"late {_number(stage.lateness_s)} over {stage.over_asked_s:.2f} "
        f"dwell {stage.dwell_excess_s:+.2f} in band {stage.in_band:.1f} "
        f"off {stage.error:+.2f} stated {stage.stated:.2f}{'' if stage.covered else ' !'}"
        for stage in result.stages
    ]


def _size(value: float) -> float | None:
    return None if np.isnan(value) else abs(value)


def _number(value: float) -> str:
    return "never" if np.isinf(value) else f"{value:.2f}"
