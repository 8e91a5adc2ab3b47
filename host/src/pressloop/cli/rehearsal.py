"""What `run` and `simulate` do before they press on an emulated press."""

from __future__ import annotations

from pathlib import Path

from pressloop.cli import options
from pressloop.cli.findings import check
from pressloop.emulator.description import PressDescription
from pressloop.plan import Plan


def prepare(protocol: Path, press: Path | None) -> tuple[Plan, PressDescription]:
    """Check a protocol for an emulated press; return its plan and the press with its die put in.

    As the operator puts in the die that the protocol names: on another, all pressures are wrong.

    Raises:
        BadInputError: There are errors in one of the files.
    """
    described = options.described(press)
    plan = check(protocol, options.profile_of(described))
    return plan, described.model_copy(update={"die_mm": plan.begin.die_um / 1000})
