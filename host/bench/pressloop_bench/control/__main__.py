"""`make bench-control`: how well the controller runs presses that it has never seen.

Runs the reference press and a seeded family, each after its own tuning, under our law and three
peers'; judges the true pressure; prints the table of docs/benchmarks.md. Results go to stdout,
progress to stderr.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeVar

from pressloop_bench.control import report, report_plot
from pressloop_bench.control.gain_search import search_gains
from pressloop_bench.control.press_family import Case, family, reference
from pressloop_bench.control.quality import cost
from pressloop_bench.control.repeatability import RUNS, holds, jobs, spread
from pressloop_bench.control.run_case import LAWS, OURS, measure, tuned_profile

_SMALL_DPI: Final = 100
_Job = TypeVar("_Job")
_Found = TypeVar("_Found")


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presses", type=int, default=200)
    parser.add_argument("--seed", type=int, default=14)
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--laws", nargs="*", default=list(LAWS), choices=LAWS)
    parser.add_argument("--runs", type=int, default=RUNS, help="repeated runs on one press")
    parser.add_argument("--search", action="store_true", help="search the gains of every law anew")
    parser.add_argument("--json", type=Path, help="write all measures here")
    parser.add_argument("--plot", type=Path, help="draw the best and the worst press into this PNG")
    arguments = parser.parse_args()
    if arguments.search:
        search_gains(arguments.jobs)
        return
    started = time.monotonic()
    laws: tuple[str, ...] = tuple(arguments.laws)
    cases = [reference(), *family(arguments.presses, arguments.seed)]
    with multiprocessing.Pool(arguments.jobs) as pool:
        results = _with_progress("presses", pool.imap, measure, [(case, laws) for case in cases])
        runs = _with_progress("repeated runs", pool.imap, holds, list(jobs(arguments.runs)))
    on_reference, results = results[0][1], results[1:]
    spreads = spread(runs)
    took_s = time.monotonic() - started
    print(report.markdown(on_reference, results, laws))
    print("\n" + report.spread_table(spreads, len(runs)))
    for line in report.failures(results, laws):
        print(line)
    for line in report.beaten(results, laws) or ["No peer is better in any row."]:
        print(line)
    print(
        f"{arguments.presses} presses of seed {arguments.seed}, {len(laws)} laws: "
        f"{took_s / 60:.1f} min on {arguments.jobs} processes",
        file=sys.stderr,
    )
    if arguments.json:
        numbers = report.as_json(
            on_reference,
            results,
            spreads,
            laws,
            seed=arguments.seed,
            took_s=round(took_s),
            processes=arguments.jobs,
        )
        arguments.json.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    if arguments.plot and OURS in laws:
        _draw_best_and_worst(results, laws, arguments.plot)


def _with_progress(
    what: str,
    imap: Callable[[Callable[[_Job], _Found], Iterable[_Job]], Iterable[_Found]],
    work: Callable[[_Job], _Found],
    todo: list[_Job],
) -> list[_Found]:
    """Do the work, and show on stderr how much of it is done."""
    started = time.monotonic()
    found: list[_Found] = []
    on_terminal = sys.stderr.isatty()
    for result in imap(work, todo):
        found.append(result)
        done = len(found)
        if on_terminal or done % 20 == 0 or done == len(todo):
            left_s = (time.monotonic() - started) / done * (len(todo) - done)
            print(
                f"{what}: {done} of {len(todo)}, {left_s:.0f} s left".ljust(60),
                end="\r" if on_terminal and done < len(todo) else "\n",
                file=sys.stderr,
                flush=True,
            )
    return found


def _draw_best_and_worst(results: report.Judged, laws: tuple[str, ...], path: Path) -> None:
    ours = report.completed(results, OURS)
    if not ours:
        return
    ranked = sorted(ours, key=lambda name: cost(ours[name]))
    cases: dict[str, Case] = {case.name: case for case, _ in results}
    columns = [
        (f"{which}: {name}", cases[name], tuned_profile(cases[name]))
        for which, name in (("best press", ranked[0]), ("worst press", ranked[-1]))
    ]
    peer = _best_peer(results, laws)
    report_plot.draw(columns, peer, path, 2 * _SMALL_DPI)
    report_plot.draw(columns, peer, path.with_name(f"{path.stem}-small.png"), _SMALL_DPI)
    print(f"best and worst press beside {peer}: {path}", file=sys.stderr)


def _best_peer(results: report.Judged, laws: tuple[str, ...]) -> str:
    def total(law: str) -> float:
        found = report.completed(results, law)
        return sum(cost(quality) for quality in found.values()) / max(1, len(found))

    peers: list[str] = [law for law in laws if law != OURS]
    return min(peers, key=total) if peers else OURS


if __name__ == "__main__":
    main()
