"""Print the JSON Schema of a protocol file: `python -m pressloop.protocol --schema`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pressloop.protocol.json_schema import json_schema_text


def main(argv: Sequence[str] | None = None) -> int:
    """Print the JSON Schema of a protocol file and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pressloop.protocol")
    parser.add_argument("--schema", action="store_true", required=True, help="print JSON Schema")
    parser.parse_args(argv)
    sys.stdout.write(json_schema_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
