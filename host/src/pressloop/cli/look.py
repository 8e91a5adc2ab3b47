"""`pressloop info` and `clear`: look at a board, clear its latched fault."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pressloop.cli import options
from pressloop.cli.output import err, errors_as_exit_codes, out
from pressloop.cli.profile_values import name_and_unit, readable
from pressloop.errors import CommandRefusedError
from pressloop.press import Press
from pressloop.wire.schema import Fault, StorageBits

_STORAGE = {
    StorageBits.UNAVAILABLE: "the flash cannot be written: no run starts",
    StorageBits.JOURNAL_FULL: "the journal is full: the board records no more of this run",
    StorageBits.PROFILE_DAMAGED: "the stored profile is damaged: write it again",
}


def info(
    port: Annotated[str | None, options.PORT] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show identity, versions, state and machine profile of a board."""
    with errors_as_exit_codes(), Press.open(port) as machine:
        facts = _facts(machine)
    if as_json:
        out.print_json(json.dumps(facts))
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for key, value in facts.items():
        name, unit = name_and_unit(key)
        text = readable(value)
        table.add_row(name, escape(text if value is None else f"{text} {unit}".rstrip()))
    out.print(table)


def clear(port: Annotated[str | None, options.PORT] = None) -> None:
    """Clear the latched fault of a press, if its cause is gone."""
    with errors_as_exit_codes(), Press.open(port) as machine:
        fault = machine.clear_fault()
        if fault is Fault.NONE:
            err.print("no fault is latched")
        else:
            err.print(f"cleared {fault.name.lower().replace('_', '-')}")


def _facts(machine: Press) -> dict[str, object]:
    """Return what `pressloop info` shows; keys of quantities end with their unit."""
    hello, status = machine.hello, machine.status()
    facts: dict[str, object] = {
        "board": hello.board,
        "simulated": hello.simulated,
        "unique_id": hello.unique_id.hex(),
        "firmware": hello.firmware,
        "build": hello.build,
        "python": hello.python,
        "protocol": f"{hello.major}.{hello.minor}",
        "schema": hello.schema_hash.hex(),
        "boot": hello.boot_id,
        "reset_cause": hello.reset_cause.name.lower().replace("_", "-"),
        "state": status.state.name.lower(),
        "fault": status.fault.name.lower().replace("_", "-"),
        "pressure_mpa": round(status.pressure_mpa, 3),
    }
    cut = machine.interrupted_run()
    if cut is not None:
        facts["interrupted_run"] = f"{cut.run_id.hex()}: {cut.description}"
    if status.storage:
        facts["storage"] = ", ".join(_STORAGE[bit] for bit in StorageBits if bit in status.storage)
    try:
        profile = machine.profile()
    except CommandRefusedError:
        facts["profile"] = (
            "none: the board needs one before it can press. Describe the press in a file: "
            "`pressloop machine new my-press.yaml`, then store it: "
            f"`pressloop machine write my-press.yaml --port {machine.session.url}`"
        )
        return facts
    facts["profile"] = profile.name
    facts.update(profile.model_dump(mode="json", exclude={"name"}))
    return facts
