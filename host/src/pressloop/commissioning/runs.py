"""Makes one run of a walk, and keeps its record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from pressloop.commissioning.bench import CommissioningBench
from pressloop.commissioning.step import StepFailedError
from pressloop.errors import BadInputError, CommandRefusedError
from pressloop.protocol import Protocol, Stage
from pressloop.protocol.model.protocol import NO_DIE
from pressloop.run.result import RunResult
from pressloop.session.status import PressStatus

LIMIT_SHARE: Final = 0.5
"""Pressure of a run, as a share of the limit that the person gave."""
SEALED_S: Final = 20.0
"""How long both valves are shut for a leak."""


def press_once(
    bench: CommissioningBench,
    name: str,
    die: str,
    limit_mpa: float,
    stages: Sequence[Stage],
    vent_rate_mpa_s: float,
    look: Callable[[PressStatus], None],
) -> RunResult:
    """Press stages, and return the result of the run, which has completed.

    Args:
        bench: The press.
        name: Name of the step, and of the folder of the record.
        die: The die, such as `10 mm`; `none` in a vessel.
        limit_mpa: Highest pressure that the person allows; the ceiling is a tenth above it.
        stages: What is pressed.
        vent_rate_mpa_s: How fast the pressure falls if the run ends early.
        look: Gets the status a few times a second.

    Raises:
        StepFailedError: The run was refused, or did not complete.
    """
    protocol = Protocol(
        name=f"commissioning, {name}",
        die=die,
        ceiling=f"{1.1 * limit_mpa:.3f} MPa",
        vent_rate=f"{vent_rate_mpa_s:.3f} MPa/s",
        accept_unresolved_tolerance=True,
        stages=tuple(stages),
    )

    def on_status(status: PressStatus) -> None:
        if bench.on_status is not None:
            bench.on_status(status)
        look(status)

    folder = fresh_folder(bench.folder / name)
    confirmed = None if die == NO_DIE else die
    try:
        result = bench.press.run(protocol, out=folder, on_status=on_status, die=confirmed)
    except (BadInputError, CommandRefusedError) as error:
        raise StepFailedError(error.code, error.message, error.hint) from error
    if not result.completed:
        fault = result.summary.fault or result.end_reason
        raise StepFailedError(
            fault,
            f"the run ended by {fault}",
            f"look at the record, pressloop plot {folder}; docs/faults.md explains the fault",
        )
    return result


def fresh_folder(folder: Path) -> Path:
    """Return a folder of this name that does not exist yet."""
    number = 1
    fresh = folder
    while fresh.exists():
        number += 1
        fresh = folder.with_name(f"{folder.name}-{number}")
    return fresh
