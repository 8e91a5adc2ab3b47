"""Presses batches of emulated pellets, three of them odd, and counts which a comparison finds.

    python -m pressloop_bench.batches --seeds 10 --pellets 30

A line per seed; the last says how many odd pellets were named, how many of them with the right
cause, and how many sound ones were named. Takes about a second per pellet.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pressloop import Press, PressDescription, RunRecord, confirm_all
from pressloop.catalogue import Comparison, compare_runs

PROTOCOL: Final = """
pressloop: 1
name: pellet of a batch
die: 10 mm
ceiling: 220 MPa
stages:
  - name: densify
    ramp: {target: 200 MPa, rate: 50 MPa/s}
    hold: {duration: DWELL s, tolerance: 1 %}
    release: {target: 0 MPa, rate: 50 MPa/s}
  - name: stack
    ramp: {target: 74 MPa, rate: 20 MPa/s}
    hold: {duration: 4 s, tolerance: 2 %}
"""

DWELL_S: Final = 6
WRONG_DWELL_S: Final = 5
WRONG_DIE_MM: Final = 8
LEAK_UL_S_MPA: Final = 0.5
"""Of an additional leak of the valves: at 200 MPa on 10 mm, 5 uL/s."""

_MASS_SPREAD: Final = 0.01
"""Standard deviation of the powder's mass, as from a spatula and a balance."""

_FILL_SPREAD: Final = 0.01
"""Standard deviation of the density at which the powder lies in the die."""


@dataclass(frozen=True)
class Batch:
    """Records of a batch, in the order of pressing, and which of them are not like the others."""

    records: tuple[Path, ...]
    odd: dict[Path, str]


def press_batch(folder: Path, seed: int, count: int) -> Batch:
    """Press a batch: one pellet with a leaking valve, one with a wrong dwell, one in a wrong die.

    Args:
        folder: Gets a record per pellet.
        seed: Of everything random.
        count: Pellets.
    """
    dice = random.Random(seed)
    odd = dict(zip(dice.sample(range(count), 3), ("leak", "dwell", "die"), strict=True))
    records = []
    for number in range(count):
        path = folder / f"pellet-{number:02}"
        _press(path, dice, seed=1000 * seed + number, kind=odd.get(number, ""))
        records.append(path)
    return Batch(tuple(records), {records[number]: kind for number, kind in odd.items()})


def _press(path: Path, dice: random.Random, *, seed: int, kind: str) -> None:
    powder = PressDescription().powder
    description = PressDescription(
        powder=powder.model_copy(
            update={
                "mass_mg": powder.mass_mg * dice.gauss(1, _MASS_SPREAD),
                "initial_density": powder.initial_density * dice.gauss(1, _FILL_SPREAD),
            }
        )
    )
    dwell_s = WRONG_DWELL_S if kind == "dwell" else DWELL_S
    faults = {"leak": [f"leak={LEAK_UL_S_MPA}@0"], "die": [f"wrong-die={WRONG_DIE_MM}@0"]}
    with Press.open("emulated", press=description, seed=seed) as press:
        press.run(
            PROTOCOL.replace("DWELL", str(dwell_s)),
            out=path,
            on_prompt=confirm_all,
            faults=faults.get(kind, ()),
            overwrite=True,
            remote_control=False,
        )


CAUSES: Final = {"leak": "a leak", "dwell": "planned dwell", "die": "another die"}
"""A part of the finding that comes first for each kind of odd pellet."""


@dataclass(frozen=True)
class Found:
    """What a comparison found of a batch.

    Attributes:
        named: Kinds of the odd pellets that were named.
        explained: Those of them whose first finding has the right cause.
        false: Sound pellets that were named.
    """

    named: tuple[str, ...]
    explained: tuple[str, ...]
    false: tuple[str, ...]


def judge(batch: Batch, comparison: Comparison) -> Found:
    """Compare what was found with what is odd."""
    named, explained, false = [], [], []
    for one in comparison.odd:
        kind = batch.odd.get(one.record)
        if kind is None:
            false.append(f"{one.record.name}: {one.findings[0]}")
            continue
        named.append(kind)
        if CAUSES[kind] in str(one.findings[0]):
            explained.append(kind)
    return Found(tuple(named), tuple(explained), tuple(false))


def measure(seed: int, pellets: int, keep: Path | None = None) -> Found:
    """Press a batch and compare its runs; `keep` is a folder that keeps the records."""
    with tempfile.TemporaryDirectory() as folder:
        batch = press_batch(Path(folder) if keep is None else keep / f"seed-{seed}", seed, pellets)
        return judge(batch, compare_runs([RunRecord.open(path) for path in batch.records]))


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--pellets", type=int, default=30)
    parser.add_argument("--keep", type=Path, help="folder for the records")
    arguments = parser.parse_args()
    results = []
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        found = measure(seed, arguments.pellets, arguments.keep)
        results.append(found)
        print(f"seed {seed}: named {', '.join(sorted(found.named)) or 'none'}", end="")
        print("".join(f"; falsely {text}" for text in found.false), flush=True)
    odd = 3 * len(results)
    print(
        f"{sum(len(found.named) for found in results)} of {odd} odd pellets named, "
        f"{sum(len(found.explained) for found in results)} with the right cause, "
        f"{sum(len(found.false) for found in results)} sound ones named"
    )


if __name__ == "__main__":
    main()
