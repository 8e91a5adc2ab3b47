"""Prints the results of a bench run as the table of docs/benchmarks.md, and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import numpy as np

from pressloop_bench.control.press_family import Case
from pressloop_bench.control.quality import NAMES, TARGETS, Quality
from pressloop_bench.control.repeatability import Spread
from pressloop_bench.control.run_case import OURS, Results

ROWS: Final = {
    "overshoot": "overshoot, up or down, % of target",
    "overshoot_low_mpa": "overshoot at 74 MPa, MPa",
    "ramp": "ramp: largest distance from the setpoint, %",
    "settle_s": "settle after the ramp, s",
    "in_band": "share of the dwell within 0.5 %, %",
    "rms": "hold: rms about the target, %",
    "steady": "hold: standard deviation, %",
    "dwell_ticks": "dwell error, ticks",
    "beyond_mpa": "beyond ceiling and sensor error, MPa",
}
_STATISTICS: Final = ("median", "99th percentile", "worst")

Judged = list[tuple[Case, Results]]


def statistics(results: Judged, law: str, name: str) -> tuple[float, float, float]:
    """Return median, 99th percentile and worst of a measure over the runs that completed."""
    sign = -1 if name == "in_band" else 1
    worse = np.array([quality.badness(name) for quality in completed(results, law).values()])
    return (
        float(sign * np.median(worse)),
        float(sign * np.quantile(worse, 0.99)),
        float(sign * worse.max()),
    )


def completed(results: Judged, law: str) -> dict[str, Quality]:
    """Return the runs of a law that completed, by press."""
    found = {case.name: by_law[law] for case, by_law in results}
    return {name: quality for name, quality in found.items() if isinstance(quality, Quality)}


def markdown(reference: Results, results: Judged, laws: tuple[str, ...]) -> str:
    """Return the table: targets, the reference press, and each law on the family."""
    lines = [
        f"| measure | target | reference press | {' | '.join(laws)} |",
        "|---" * (3 + len(laws)) + "|",
    ]
    ours = reference[laws[0]]
    for name in NAMES:
        cells = [ROWS[name], _target(name)]
        cells.append(_number(getattr(ours, name)) if isinstance(ours, Quality) else "not completed")
        for law in laws:
            numbers = statistics(results, law, name)
            cells.append(" / ".join(_number(number) for number in numbers))
        lines.append(f"| {' | '.join(cells)} |")
    met = [
        sum(not quality.missed_targets for quality in completed(results, law).values())
        for law in laws
    ]
    counts = " | ".join(f"{count} of {len(results)}" for count in met)
    all_met = "yes" if isinstance(ours, Quality) and not ours.missed_targets else "no"
    return "\n".join([*lines, f"| every target met | all | {all_met} | {counts} |"])


def failures(results: Judged, laws: tuple[str, ...]) -> list[str]:
    """Return a line for each run that did not complete, or was ours and missed a target."""
    lines = []
    for case, by_law in results:
        for law in laws:
            quality = by_law[law]
            if isinstance(quality, str):
                lines.append(f"{law}, {case.name}: not completed: {quality}")
            elif law == OURS and quality.missed_targets:
                measured = ", ".join(
                    f"{n} {getattr(quality, n):.3g}" for n in quality.missed_targets
                )
                lines.append(f"{law}, {case.name}: misses {measured}")
    return lines


def beaten(results: Judged, laws: tuple[str, ...]) -> list[str]:
    """Return a line for each number in which a peer is better, to the digits of the table."""
    lines = []
    for law in laws:
        if law == OURS or OURS not in laws:
            continue
        for name in NAMES:
            pairs = zip(
                _STATISTICS,
                statistics(results, OURS, name),
                statistics(results, law, name),
                strict=True,
            )
            for statistic, ours, theirs in pairs:
                better = theirs > ours if name == "in_band" else theirs < ours
                if better and _number(ours) != _number(theirs):
                    lines.append(
                        f"{law} is better in: {ROWS[name]}, {statistic}: "
                        f"{_number(theirs)} against {_number(ours)}"
                    )
    return lines


def spread_table(spreads: list[Spread], runs: int) -> str:
    """Return the repeated runs as a table."""
    lines = [
        f"| hold ({runs} runs, 1 sigma) | peak, % | dwell mean, % | dwell, ticks apart |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {spread.target_mpa:g} MPa | {spread.peak_percent:.4f} | {spread.mean_percent:.4f} "
        f"| {spread.dwell_ticks} |"
        for spread in spreads
    ]
    return "\n".join(lines)


def as_json(
    reference: Results,
    results: Judged,
    spreads: list[Spread],
    laws: tuple[str, ...],
    **about: Any,
) -> dict[str, Any]:
    """Return every number of a bench run as plain data."""

    def plain(by_law: Results) -> dict[str, Any]:
        return {law: q if isinstance(q, str) else asdict(q) for law, q in by_law.items()}

    return {
        **about,
        "targets": TARGETS,
        "reference": plain(reference),
        "family": {
            law: {
                name: dict(zip(_STATISTICS, statistics(results, law, name), strict=True))
                for name in NAMES
            }
            for law in laws
            if completed(results, law)
        },
        "every_target_met": {
            law: sum(not quality.missed_targets for quality in completed(results, law).values())
            for law in laws
        },
        "peer_better": beaten(results, laws),
        "repeated": [asdict(spread) for spread in spreads],
        "presses": {case.name: plain(by_law) for case, by_law in results},
    }


def _target(name: str) -> str:
    return f"{TARGETS[name]:g}" if name in TARGETS else "-"


def _number(value: float) -> str:
    """Return three significant digits; a value just below 100 is not rounded up to 100."""
    if value >= 100 or value == 0:
        # A percentile of negated values may be -0.
        return f"{abs(value):.0f}"
    if value > 99:
        return f"{value:.2f}" if value < 99.995 else "99.99"
    return f"{value:.3g}" if value >= 0.1 else f"{value:.3f}"
