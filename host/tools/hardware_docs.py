"""Write what comes from the hardware's data: the firmware's pin list, docs/hardware.

`hardware_docs.py` writes, with `--check` it exits 1 and names the files that differ. The check
needs no drawing program: each drawing holds a hash of what it was drawn from.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import hardware_harness
import hardware_pages
import hardware_pinout
import hardware_safety
import hardware_schematic
from pressloop.hardware import firmware_pins
from pressloop.hardware.boards import BOARDS

ROOT: Final = Path(__file__).resolve().parents[2]
_HERE: Final = Path(__file__).parent
_FOLDER: Final = hardware_pages.FOLDER
_MARK: Final = "<!-- drawn from {} by host/tools/hardware_docs.py -->\n"

CIRCUITS: Final = (
    "input-4-20ma",
    "input-0-10v",
    "input-ratiometric",
    "output-coil",
    "output-0-10v",
    "deadman",
)
"""Circuits of `hardware_circuits`, which needs schemdraw."""


def texts() -> dict[str, str]:
    """Return every generated text by its path in the checkout; drawings of our own are texts."""
    own = {f"pins-{key}": hardware_pinout.pinout(each) for key, each in BOARDS.items()}
    own["hydraulics"] = hardware_schematic.schematic()
    own["safety-circuit"] = hardware_safety.safety_circuit()
    return {
        firmware_pins.PLACE: firmware_pins.text(),
        **hardware_pages.pages(),
        **{f"{_FOLDER}/{name}.svg": text for name, text in own.items()},
    }


def drawings() -> dict[str, tuple[str, Callable[[], str]]]:
    """Return what needs a drawing program, by its path: hash of its source, and how to draw it."""
    sources = [_HERE / "hardware_circuits.py"]
    sources += [
        _HERE.parent / "src/pressloop/hardware" / name for name in ("boards.py", "harness.py")
    ]
    of_circuits = _hash(*(path.read_text(encoding="utf-8") for path in sources))
    found: dict[str, tuple[str, Callable[[], str]]] = {
        f"{_FOLDER}/{name}.svg": (of_circuits, partial(_circuit, name)) for name in CIRCUITS
    }
    description = json.dumps(hardware_harness.description())
    found[f"{_FOLDER}/harness.svg"] = (_hash(description), hardware_harness.harness)
    return found


def _circuit(name: str) -> str:
    # Only here: what it draws with is in the group `docs`, and the check needs none of it.
    import hardware_circuits

    return hardware_circuits.CIRCUITS[name]()


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _drifted(root: Path, wanted: Mapping[str, str]) -> list[str]:
    return [
        name
        for name, text in wanted.items()
        if not (root / name).is_file() or (root / name).read_text(encoding="utf-8") != text
    ]


def _outdated(root: Path) -> list[str]:
    """Return the drawings that were not drawn from the data of today."""
    outdated = []
    for name, (source, _) in drawings().items():
        path = root / name
        mark = _MARK.format(source)
        if not path.is_file() or not path.read_text(encoding="utf-8").endswith(mark):
            outdated.append(name)
    return outdated


def main(argv: list[str] | None = None) -> int:
    """Run the tool and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; name the files that differ"
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout")
    args = parser.parse_args(argv)
    wanted = texts()
    drifted = _drifted(args.root, wanted)
    outdated = _outdated(args.root)
    if not args.check:
        (args.root / _FOLDER).mkdir(parents=True, exist_ok=True)
        for name in drifted:
            (args.root / name).write_text(wanted[name], encoding="utf-8")
        for name in outdated:
            source, draw = drawings()[name]
            text = draw().rstrip() + "\n" + _MARK.format(source)
            (args.root / name).write_text(text, encoding="utf-8")
    for name in drifted + outdated:
        state = "differs from host/src/pressloop/hardware" if args.check else "written"
        print(f"{name}: {state}", file=sys.stderr)
    if args.check and drifted + outdated:
        print("run `make docs-hardware` and commit the result", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
