"""`make bench-truth`: what is true of presses with friction, drift and heat, in honest definitions.

Tunes and presses a wide, seeded family, judges the pressure on the pellet, and prints the table of
docs/benchmarks.md. The last line is the coverage. Results go to stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time

from pressloop_bench.control.run_case import LAWS, OURS
from pressloop_bench.truth import report
from pressloop_bench.truth.press_truth import PressTruth, measure_laws
from pressloop_bench.truth.pressed_by import QUANTITIES, pressed_by
from pressloop_bench.truth.wide_family import wide_family


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presses", type=int, default=60)
    parser.add_argument("--seed", type=int, default=14)
    parser.add_argument("--by", choices=tuple(QUANTITIES), default="reading")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--each", action="store_true", help="print every stage of every press")
    parser.add_argument("--peers", action="store_true", help="press under the peers' laws, too")
    arguments = parser.parse_args()
    started = time.monotonic()
    laws = LAWS if arguments.peers else (OURS,)
    by_law: dict[str, list[PressTruth]] = {law: [] for law in laws}
    results = by_law[OURS]
    with multiprocessing.Pool(arguments.jobs) as pool:
        family = wide_family(arguments.presses, arguments.seed)
        jobs = [(pressed_by(case, arguments.by), laws) for case in family]
        for found in pool.imap(measure_laws, jobs):
            for law, result in found.items():
                by_law[law].append(result)
            print(f"\r{len(results)} of {arguments.presses}", end="", file=sys.stderr, flush=True)
    print(f", {time.monotonic() - started:.0f} s", file=sys.stderr)
    if arguments.each:
        for result in results:
            for line in report.stages(result):
                print(line)
    pellet = [stage for result in results for stage in result.stages]
    oil = [stage for result in results for stage in result.oil_stages]
    print(report.table("pellet pressure", pellet) + "\n")
    print(report.table("oil-derived, less constant errors", oil, targets_alone=True) + "\n")
    for line in report.counts(results):
        print(line)
    if arguments.peers:
        print("\n" + report.compare(by_law) + "\n")
    print(report.coverage(results))


if __name__ == "__main__":
    main()
