"""`pressloop info` and `clear`: look at a board, clear its latched fault."""

from __future__ import annotations

import datetime
import json
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pressloop.cli import options
from pressloop.cli.output import err, errors_as_exit_codes, out
from pressloop.cli.profile_values import readable
from pressloop.errors import CommandRefusedError
from pressloop.machine.calibration import calibration_of_hello
from pressloop.machine.commissioned import commissioned_text
from pressloop.machine.dead_band_drift import tune_again_text
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press
from pressloop.session.board_journal import BoardRecord
from pressloop.session.status import PressStatus
from pressloop.units.keys import name_and_unit
from pressloop.wire.names import wire_name
from pressloop.wire.schema import TICK_HZ, Fault, HelloReply, InputBits, StorageBits

_STORAGE = {
    StorageBits.UNAVAILABLE: "the flash cannot be written: no run starts",
    StorageBits.JOURNAL_FULL: "the journal is full: the board records no more of this run",
    StorageBits.PROFILE_DAMAGED: "the stored profile is damaged: write it again",
}


def info(
    port: Annotated[str | None, options.PORT] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    journal: Annotated[
        int,
        typer.Option(
            help="Also show so many of the newest records of the board's journal, which keeps "
            "runs, faults and changes of the profile through loss of power.",
            min=0,
        ),
    ] = 0,
) -> None:
    """Show identity, versions, state and machine profile of a board."""
    with errors_as_exit_codes(), Press.open(port) as machine:
        facts = _facts(machine)
        if journal:
            facts["journal"] = [_line(record) for record in machine.board_journal(journal)]
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


def _line(record: BoardRecord) -> str:
    """Return a record of the board's journal as one line."""
    words = [f"{record.number}", record.kind.name.lower(), f"at {record.tick / TICK_HZ:.2f} s"]
    if record.run_id:
        words.append(f"run {record.run_id}")
    if record.step is not None:
        words.append(f"step {record.step}")
    if record.dwell_s:
        words.append(f"dwell {record.dwell_s:.1f} s")
    if record.run_id:
        words.append(f"{record.pressure_mpa:.1f} MPa")
    if record.fault is not Fault.NONE:
        words.append(wire_name(record.fault))
    return " ".join([*words, record.detail]).rstrip()


def clear(port: Annotated[str | None, options.PORT] = None) -> None:
    """Clear the latched fault of a press, if its cause is gone."""
    with errors_as_exit_codes(), Press.open(port) as machine:
        fault = machine.clear_fault()
        if fault is Fault.NONE:
            err.print("no fault is latched")
        else:
            err.print(f"cleared {wire_name(fault)}")


def _further(status: PressStatus) -> dict[str, object]:
    """Return what the pressure has shown since the fault, if it has shown anything."""
    further = wire_name(status.further_fault)
    return {} if further == "none" else {"further_fault": further}


def _inputs(status: PressStatus) -> str:
    """Return the names of the inputs that are active, as emergency-stop."""
    active = [str(bit.name) for bit in InputBits if bit in status.inputs]
    return ", ".join(active).lower().replace("_", "-") or "none"


def _oil_temperature(status: PressStatus) -> dict[str, object]:
    """Return the temperature of the oil, if it is measured."""
    celsius = status.oil_temperature_c
    return {} if celsius is None else {"oil_temperature": f"{celsius:.1f} C"}


def _dead_band(status: PressStatus, profile: MachineProfile) -> dict[str, object]:
    """Return where the board found a valve's dead band, if not where the profile has it."""
    valves = (
        ("release", status.release_dead_band_percent, profile.release_dead_band_percent),
        ("pump", status.pump_dead_band_percent, profile.pump_dead_band_percent),
    )
    return {
        f"{valve}_dead_band": tune_again_text(valve, tuned, found)
        or f"found at {found:.1f} % of stroke, the profile has {tuned:.1f} %"
        for valve, found, tuned in valves
        if found is not None
    }


def _parts(hello: HelloReply) -> dict[str, object]:
    """Return which converters the board found at power-on, and which it did not find."""
    parts = {"found_parts": hello.found_parts, "missing_parts": hello.missing_parts}
    return {name: text for name, text in parts.items() if text is not None}


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
        **_parts(hello),
        "protocol": f"{hello.major}.{hello.minor}",
        "schema": hello.schema_hash.hex(),
        "boot": hello.boot_id,
        "reset_cause": wire_name(hello.reset_cause),
        "calibration": calibration_of_hello(hello, datetime.date.today()),
        "state": status.state.name.lower(),
        "fault": wire_name(status.fault),
        **_further(status),
        "pressure_mpa": round(status.pressure_mpa, 3),
        "inputs": _inputs(status),
        **_oil_temperature(status),
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
    facts.update(_dead_band(status, profile))
    facts["commissioned"] = commissioned_text(profile.commissioned_day)
    facts.update(profile.model_dump(mode="json", exclude={"name", "commissioned_day"}))
    return facts
