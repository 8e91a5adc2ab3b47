"""Gains for every law, found in the same way: `make bench-control BENCH_ARGS=--search`.

Presses, starts, search and cost are the same for every law. The presses are the reference and some
of a seed of their own, so that no press of the search is judged.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pressloop_bench.control.peer_laws import Gains
from pressloop_bench.control.press_family import family, reference
from pressloop_bench.control.quality import Quality, cost
from pressloop_bench.control.run_case import LAWS, OURS, judged, tuned_profile

TRAINING: Final = 4
TRAINING_SEED: Final = 99
"""Presses on which gains are found, in addition to the reference; the bench never judges them."""

STARTS: Final = (Gains(6, 3, 0), Gains(16, 16, 0))
_FACTORS: Final = (3.0, 1.7, 1.3)
_MIN_KD: Final = 0.01
MAX_GAINS: Final = {OURS: Gains(8191 / 256, 16383 / 655.36, 4095 / 256)}
"""The largest gains that the wire can carry."""
MAX_PEER_GAINS: Final = Gains(200, 200, 200)

_NOT_COMPLETED: Final = 1000.0


def search_gains(jobs: int) -> None:
    """Print the best gains of every law."""
    tasks = [(law, start) for law in LAWS for start in STARTS]
    with multiprocessing.Pool(jobs) as pool:
        found = pool.map(_search, tasks, chunksize=1)
    for law in LAWS:
        best, least = min(
            (result for task, result in zip(tasks, found, strict=True) if task[0] == law),
            key=lambda result: result[1],
        )
        print(f"{law:<16} {best} cost {least:.3f}")


def _search(task: tuple[str, Gains]) -> tuple[Gains, float]:
    law, start = task
    cases = [reference(), *family(TRAINING, TRAINING_SEED)]
    profiles = [tuned_profile(case) for case in cases]

    def mean_cost(gains: Gains) -> float:
        total = 0.0
        for case, profile in zip(cases, profiles, strict=True):
            quality = judged(case, profile, law, gains)
            total += cost(quality) if isinstance(quality, Quality) else _NOT_COMPLETED
        return total / len(cases)

    best, least = pattern_search(mean_cost, start, MAX_GAINS.get(law, MAX_PEER_GAINS))
    print(f"{law} from {start}: {best}, cost {least:.3f}", file=sys.stderr, flush=True)
    return best, least


def pattern_search(
    cost_of: Callable[[Gains], float], start: Gains, max_gains: Gains
) -> tuple[Gains, float]:
    """Find the gains with the least cost: change one gain at a time, by ever smaller factors.

    Returns the gains and their cost.
    """
    best, least = start, cost_of(start)
    for factor in _FACTORS:
        for name in ("kp", "ki", "kd"):
            for way in (factor, 1 / factor):
                while True:
                    value = getattr(best, name) * way
                    if name == "kd" and not value:
                        value = _MIN_KD * factor
                    value = min(value, getattr(max_gains, name))
                    if value == getattr(best, name):
                        break
                    candidate = replace(best, **{name: value})
                    found = cost_of(candidate)
                    if found >= least:
                        break
                    best, least = candidate, found
    return best, least
