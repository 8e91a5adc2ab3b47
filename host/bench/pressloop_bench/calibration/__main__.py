"""Calibrates presses of the wide family and judges them by their true pressure.

Prints what was refused, and the table of docs/benchmarks.md: the spread of the figures, and the
coverage, the share of stages whose true mean lies within the stated uncertainty. Results go to
stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time

import numpy as np

from pressloop_bench.calibration.calibrated_press import CalibratedPress, measure
from pressloop_bench.truth.wide_family import wide_family


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presses", type=int, default=50)
    parser.add_argument("--seed", type=int, default=28)
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    arguments = parser.parse_args()
    started = time.monotonic()
    results: list[CalibratedPress] = []
    with multiprocessing.Pool(arguments.jobs) as pool:
        for result in pool.imap(measure, wide_family(arguments.presses, arguments.seed)):
            results.append(result)
            print(f"\r{len(results)} of {arguments.presses}", end="", file=sys.stderr, flush=True)
    print(f", {time.monotonic() - started:.0f} s", file=sys.stderr)
    print("\n".join([*endings(results), *report(results)]))


def endings(results: list[CalibratedPress]) -> list[str]:
    """Return a line for each press that has no calibration, or whose run did not complete."""
    lines = [f"{result.case.name}: {result.refused}" for result in results if result.refused]
    return lines + [f"{result.case.name}: {result.ended}" for result in results if result.ended]


def report(results: list[CalibratedPress]) -> list[str]:
    """Return the table of docs/benchmarks.md; its last line is the coverage."""
    figures = [result.figures for result in results if result.figures is not None]
    judged = [result for result in results if result.stages]
    whole = sum(all(stage.covered for stage in result.stages) for result in judged)
    stages = [stage for result in results for stage in result.stages]
    covered = sum(stage.covered for stage in stages)
    share = 100 * covered / len(stages) if stages else 0.0
    return [
        "| | median or number | worst or share |",
        "|---|---|---|",
        f"| presses calibrated, of {len(results)} | {len(figures)} | |",
        f"| calibrations passed, of {len(figures)} | {sum(each.passed for each in figures)} | |",
        _spread(
            "uncertainty of zero and gain (k = 2), %", [f.uncertainty_percent for f in figures]
        ),
        _spread("the same without load, N", [f.uncertainty_n for f in figures]),
        _spread("largest error left at a level, %", [f.error_left_percent for f in figures]),
        f"| presses with all stages covered, of {len(judged)} | {whole} | |",
        f"| stages covered, of {len(stages)} | {covered} | {share:.1f} % |",
    ]


def _spread(name: str, values: list[float]) -> str:
    if not values:
        return f"| {name} | | |"
    return f"| {name} | {float(np.median(values)):.2f} | {max(values):.2f} |"


if __name__ == "__main__":
    main()
