"""Prints what is true of the wide family: median, 99th percentile and worst, and the coverage."""

from __future__ import annotations

import collections
import re
from collections.abc import Iterable
from typing import Final

import numpy as np
from pressloop.wire.schema import Fault

from pressloop_bench.truth.press_truth import PressTruth
from pressloop_bench.truth.rows import ROWS, Row
from pressloop_bench.truth.stage_truth import StageTruth

# Reasons that differ in the first number alone are one reason.
_NUMBER: Final = re.compile(r"(?<=comes out as )[\d.]+")

_FAULT: Final = re.compile(r"fault ([1-9]\d*)")


def table(what: str, judged: Iterable[StageTruth], *, targets_alone: bool = False) -> str:
    """Return the table over stages that ended; `what` names the pressure that was judged.

    The last column says whether every stage meets the target, and else how many do not and which
    is the worst. Of `targets_alone` rows without a target are left out.
    """
    stages = list(judged)
    lines = [f"| {what} | target | median | p99 | worst | met |", "|---|---|---|---|---|---|"]
    for row in ROWS:
        if targets_alone and not row.target:
            continue
        numbers = row.quantiles(stages)
        if numbers is None:
            continue
        cells = " | ".join(_number(number) for number in numbers)
        lines.append(f"| {row.name} | {row.target} | {cells} | {_met(row, stages)} |")
    return "\n".join(lines)


def compare(by_law: dict[str, list[PressTruth]]) -> str:
    """Return each row's figures for every law, on the same presses.

    A run that ended early has no figures for what it did not press, so the stages that ended are a
    row of their own.
    """
    laws = list(by_law)
    lines = [
        "| median / p99 / worst | target | " + " | ".join(laws) + " |",
        "|---|---|" + "---|" * len(laws),
    ]
    for row in ROWS:
        if not row.target:
            continue
        cells = []
        for results in by_law.values():
            numbers = row.quantiles(stage for result in results for stage in result.stages)
            cells.append(" / ".join(map(_number, numbers)) if numbers else "-")
        if any(cell != "-" for cell in cells):
            lines.append(f"| {row.name} | {row.target} | " + " | ".join(cells) + " |")
    ended = [
        f"{sum(not r.refused and not r.ended for r in results)} of {len(results)}"
        for results in by_law.values()
    ]
    lines.append("| pressed to the end | all | " + " | ".join(ended) + " |")
    return "\n".join(lines)


def _met(row: Row, stages: list[StageTruth]) -> str:
    missed = row.missed(stages)
    if missed is None:
        return ""
    if not missed:
        return "yes"
    of = len(row.values(stages))
    sign = -1 if row.smallest else 1
    value, stage = max(missed, key=lambda pair: sign * pair[0])
    way = "up" if stage.rising else "down"
    return (
        f"no: {len(missed)} of {of}, {_number(value)} at {stage.target_mpa:.3g} MPa {way}, "
        f"lag {1000 * stage.lag_s:.0f} ms, noise {stage.noise_percent:.2g} %"
    )


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


def _number(value: float) -> str:
    return "never" if np.isinf(value) else f"{value:.2f}"
