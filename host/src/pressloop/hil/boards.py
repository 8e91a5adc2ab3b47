"""Opens the board that the suite runs on, by the name given to `--pressloop-board`.

What its bench cannot do is not among what it `offers`, and the cases that need it are reported as
not run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pressloop.hil.bench import HilBench, PortBench
from pressloop.hil.emulated_bench import EmulatedBench, EmulatedPicoBench
from pressloop.hil.needs import PRESSING

BENCHES: Final[dict[str, type[EmulatedBench]]] = {
    "emulated": EmulatedBench,
    "emulated:pico": EmulatedPicoBench,
}
"""Boards that the suite starts itself, by their names in `Press.open`."""


def offers(name: str, *, press_for_real: bool) -> frozenset[str]:
    """Return which of `NEEDS` the bench of a board offers."""
    if name in BENCHES:
        return BENCHES[name].OFFERS
    return frozenset({PRESSING} if press_for_real else ())


def open_bench(name: str, folder: Path) -> HilBench:
    """Return the test bench of a board; an emulated board keeps its flash in `folder`."""
    return BENCHES[name](name, folder) if name in BENCHES else PortBench(name)
