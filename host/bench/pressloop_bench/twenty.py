"""`make bench-twenty`: twenty presses at once on one computer, at the pace of the wall clock.

Every press is an emulated board in a process of its own, at a hundred records a second; one program
follows them all, as a lab's computer would. CPU time of that program is what real presses would
cost; that of the boards is only what it costs to emulate them.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pressloop import EmulatedBoard, Press, PressloopError
from pressloop.evaluation import RunSummary
from pressloop.record.columns import TELEMETRY_NAME
from pressloop.record.entry_form import EntryKind
from pressloop.record.journal import JOURNAL_NAME, read_journal
from pressloop.wire.schema import RECORD_SIZE

_PROTOCOL: Final = """
pressloop: 1
name: One of many
die: 10 mm
ceiling: 260 MPa
stages:
  - name: densify
    ramp: {{target: 250 MPa, rate: 10 MPa/s}}
    hold: {{duration: {minutes:g} min, tolerance: 0.5 %}}
"""


@dataclass(frozen=True)
class Outcome:
    """What became of one run.

    Attributes:
        summary: Its result.
        wall_s: How long it took by the wall clock; longer than its own duration on a computer that
            is too slow.
        backfilled: Records that did not come live and were fetched from the board's memory.
    """

    summary: RunSummary
    wall_s: float
    backfilled: int

    @property
    def missed(self) -> int:
        """Records that are missing for good."""
        return sum(gap.records for gap in self.summary.gaps)


def press_one(number: int, minutes: float, folder: Path) -> Outcome:
    """Run the protocol on a press of its own, which starts a little later than the one before."""
    time.sleep(0.5 * number)  # as people do; not twenty ramps at the same instant
    with EmulatedBoard(seed=number, pacing="real") as board, Press.open(board.url) as press:
        press.write_profile(board.press.machine_profile())
        # On a busy computer the start could come before the first reading of both channels.
        next(press.telemetry())
        began_s = time.monotonic()
        run = press.start(_PROTOCOL.format(minutes=minutes), out=folder, thinning=None)
        run.wait()
        wall_s = time.monotonic() - began_s
        summary = run.result().summary
    fetched = sum(
        len(entry["records"]) // RECORD_SIZE
        for entry in read_journal(folder / JOURNAL_NAME).entries
        if entry["kind"] == EntryKind.TELEMETRY and entry["source"] == "backfill"
    )
    return Outcome(summary, wall_s, fetched)


def resident_mb() -> float:
    """Return the memory that this process has now, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_s(who: int) -> float:
    """Return the CPU time of this process, or of its children that have ended, s."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def measure(presses: int, minutes: float, folder: Path) -> list[Outcome]:
    """Press, print the figures, and return what became of the runs."""
    with ThreadPoolExecutor(presses) as pool:
        host, boards = cpu_s(resource.RUSAGE_SELF), cpu_s(resource.RUSAGE_CHILDREN)
        began_s, before_mb = time.monotonic(), resident_mb()
        futures = [
            pool.submit(press_one, number, minutes, folder / str(number))
            for number in range(presses)
        ]
        outcomes = []
        for number, future in enumerate(futures):
            try:
                outcomes.append(future.result())
            except PressloopError as error:
                print(f"press {number}: {error.message} ({error.code})", file=sys.stderr)
    if not outcomes:
        return []
    wall_s = time.monotonic() - began_s
    host = cpu_s(resource.RUSAGE_SELF) - host
    boards = cpu_s(resource.RUSAGE_CHILDREN) - boards
    records = sum(one.summary.records for one in outcomes)
    missed = sum(one.missed for one in outcomes)
    slowest = max(one.wall_s / one.summary.duration_s for one in outcomes)
    # By press time, so that other programs on the computer change nothing.
    press_s = sum(one.summary.duration_s for one in outcomes) / len(outcomes)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    megabytes = sum(file.stat().st_size for file in folder.glob(f"*/{JOURNAL_NAME}")) / 1e6
    parquet = sum(file.stat().st_size for file in folder.glob(f"*/{TELEMETRY_NAME}")) / 1e6
    ended = sorted({one.summary.end_reason for one in outcomes})
    child_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    largest_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    for name, value in (
        ("presses, runs ended", f"{presses}, {', '.join(ended)}"),
        ("time", f"{wall_s:.0f} s; load of the computer at the end: {load}"),
        ("records", f"{records}, {records / wall_s:.0f} a second"),
        ("missed samples", f"{missed}"),
        ("fetched from a board's memory", f"{sum(one.backfilled for one in outcomes)}"),
        ("slowest press", f"{slowest:.3f} times real time"),
        ("CPU of the program", f"{100 * host / press_s:.1f} % of a core in real time"),
        ("CPU of all emulated boards", f"{100 * boards / press_s:.1f} % of a core in real time"),
        ("memory of the program", f"{before_mb:.0f} MB before, {largest_mb:.0f} MB at most"),
        ("memory of one emulated board", f"{child_mb:.0f} MB"),
        ("records on disk", f"{megabytes:.0f} MB journals, {parquet:.0f} MB tables"),
    ):
        print(f"{name:32}{value}")
    return outcomes


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Run many emulated presses at once.")
    parser.add_argument("--presses", type=int, default=20, help="how many")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the hold")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pressloop-twenty-") as folder:
        outcomes = measure(options.presses, options.minutes, Path(folder))
    completed = sum(one.summary.end_reason == "completed" for one in outcomes)
    missed = sum(one.missed for one in outcomes)
    lacking = options.presses - completed
    print(f"{options.presses} runs, {lacking} not completed, {missed} missed samples")


if __name__ == "__main__":
    main()
