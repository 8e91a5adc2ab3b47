"""`make bench-faults`: what the press does when a part of it breaks, on presses it has never seen.

Draws presses of the family, tunes each, and gives each run one fault: a kind, a stage of the plan,
a time in it. Judges from the true pressure, the commands and what the board says of the run. The
same seed gives the same runs. A failing line prints the command that runs it again.
`--sound` counts false trips in runs without a fault.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

from pressloop.errors import BadInputError
from pressloop_sim.plant.fault_kinds import BY_NAME

from pressloop_bench.control.press_family import Case
from pressloop_bench.control.press_run import PressRunError
from pressloop_bench.control.run_case import tuned_profile
from pressloop_bench.faults import report
from pressloop_bench.faults.fault_case import LINK, PRESSES, FaultCase, draw, sound
from pressloop_bench.faults.fault_run import run_case
from pressloop_bench.faults.judge import judge
from pressloop_bench.faults.link_run import run_on_link
from pressloop_bench.faults.report import Result

COMMAND: Final = "python -m pressloop_bench.faults"


def measure(cases: list[FaultCase]) -> list[Result]:
    """Tune the one press of all these cases, and run and judge each."""
    try:
        profile = tuned_profile(cases[0].case)
    except (PressRunError, BadInputError) as error:
        print(f"{cases[0].case.name}: tuning: {error}", file=sys.stderr)
        return []
    return [_result(case, profile) for case in cases]


def _result(case: FaultCase, profile: dict[str, Any]) -> Result:
    if case.kind is not None and case.kind.name in LINK:
        return Result(case, run_on_link(case), True)
    course = run_case(case, profile)
    return Result(case, judge(case, course, profile), course.fault_tick is not None)


def run(cases: list[FaultCase], jobs: int) -> list[Result]:
    """Run all cases, those of one press together."""
    by_press: dict[Case, list[FaultCase]] = {}
    for case in cases:
        by_press.setdefault(case.case, []).append(case)
    started = time.monotonic()
    results: list[Result] = []
    groups = list(by_press.values())
    if jobs == 1:
        found = map(measure, groups)
        for group in found:
            results += group
        return results
    with multiprocessing.Pool(jobs) as pool:
        for group in pool.imap_unordered(measure, groups):
            results += group
            print(
                f"{len(results)} of {len(cases)} runs, {time.monotonic() - started:.0f} s",
                file=sys.stderr,
                flush=True,
            )
    return sorted(results, key=lambda one: one.case.number)


def main() -> int:
    """Run the bench; return 1 if a run breaks a promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument("--count", type=int, default=1000, help="runs")
    parser.add_argument("--kind", choices=sorted(BY_NAME), help="only faults of this kind")
    parser.add_argument("--channels", type=int, nargs="*", default=[1], choices=[1, 2])
    parser.add_argument("--case", type=int, help="only the run with this number")
    parser.add_argument("--sound", action="store_true", help="no faults: count false trips")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--json", type=Path, help="write all judgements here")
    parser.add_argument("--of", type=Path, nargs="+", help="only the table of such files together")
    arguments = parser.parse_args()
    if arguments.of:
        together = report.stored(arguments.of)
        broken = sum(bool(one.judgement.problems) for one in together)
        print(f"{report.table(together)}\n\n{broken} of {len(together)} runs break a promise")
        return 1 if broken else 0
    channels = tuple(arguments.channels)
    numbers = range(arguments.count) if arguments.case is None else [arguments.case]
    if arguments.sound:
        cases = [sound(arguments.seed, number, channels) for number in numbers]
    else:
        cases = [draw(arguments.seed, number, arguments.kind, channels) for number in numbers]
    results = run(cases, min(arguments.jobs, PRESSES, len(cases)))
    print(report.table(results))
    options = "".join(
        [
            f" --kind {arguments.kind}" if arguments.kind else "",
            " --sound" if arguments.sound else "",
            f" --channels {' '.join(map(str, channels))}" if channels != (1,) else "",
        ]
    )
    failing = report.failing_lines(results, COMMAND + options)
    print(f"\n{len(failing)} of {len(results)} runs break a promise")
    if len(results) < len(cases):
        print(f"{len(cases) - len(results)} runs are missing: their presses could not be tuned")
    print("\n".join(failing))
    if arguments.json:
        rows = [{"kind": r.kind, "number": r.case.number, **vars(r.judgement)} for r in results]
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 1 if failing or len(results) < len(cases) else 0


if __name__ == "__main__":
    sys.exit(main())
