"""Write every file that derives from pressloop.cddl, or check that none has drifted.

The numbers that modules of the firmware take from each other are written, too: see
`generator/constants.py`.

`python protocol/generate.py` writes; with `--check` it exits 1 and names the files that differ.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from cddlparser import ParserError
from generator import constants, firmware, host, reference
from generator.model import Schema, SchemaError, read_schema

ROOT = Path(__file__).resolve().parent.parent
CDDL = ROOT / "protocol" / "pressloop.cddl"

OUTPUTS: dict[str, Callable[[Schema], str]] = {
    "firmware/pressloop_fw/wire/schema.py": firmware.emit,
    "host/src/pressloop/wire/schema.py": host.emit,
    "docs/wire-reference.md": reference.emit,
}


def main(argv: list[str] | None = None) -> int:
    """Run the generator and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; name the files that differ"
    )
    parser.add_argument("--schema", type=Path, default=CDDL, help="the CDDL to read")
    parser.add_argument(
        "--root", type=Path, default=ROOT, help="the folder to write into or to check"
    )
    args = parser.parse_args(argv)

    try:
        schema = read_schema(args.schema.read_text())
        texts = {name: emit(schema) for name, emit in OUTPUTS.items()}
    except (SchemaError, ParserError) as error:
        print(f"{args.schema}: {error}", file=sys.stderr)
        return 2
    try:
        texts.update(constants.emit(args.root, texts))
    except constants.ConstantsError as error:
        print(error, file=sys.stderr)
        return 2

    drifted = []
    for name, text in texts.items():
        path = args.root / name
        if path.is_file() and path.read_text() == text:
            continue
        drifted.append(name)
        if not args.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    for name in drifted:
        source = "the schema" if name in OUTPUTS else "the modules that own its numbers"
        print(f"{name}: {f'differs from {source}' if args.check else 'written'}", file=sys.stderr)
    if args.check and drifted:
        print("run `python protocol/generate.py` and commit the result", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
