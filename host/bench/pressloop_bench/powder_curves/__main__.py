"""`make curves`: draw every figure of docs/press-and-powder.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from pressloop_bench.powder_curves.curves import FIGURES, curves
from pressloop_bench.powder_curves.plots import draw


def main() -> None:
    """Draw the figures into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs/curves"))
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for figure in FIGURES:
        path = folder / f"{figure}.svg"
        draw(figure, curves(figure), path)
        print(path)


if __name__ == "__main__":
    main()
