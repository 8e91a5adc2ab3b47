"""`pressloop run`: start a run, follow it live and print its verdict."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.catalogue import load_band
from pressloop.cli import options
from pressloop.cli.die import DIE
from pressloop.cli.findings import check, read_source
from pressloop.cli.follow import explain_left, follow_to_end, named_port, report_end
from pressloop.cli.live import LiveLine
from pressloop.cli.operator import Operator
from pressloop.cli.output import err, errors_as_exit_codes
from pressloop.cli.reference import watching
from pressloop.cli.termination import termination_as_exception
from pressloop.connect import EMULATED
from pressloop.emulator.description import PressDescription
from pressloop.emulator.faults import read_faults
from pressloop.errors import BadInputError, PressloopError, RecordError
from pressloop.evaluation import RunRecord
from pressloop.press import DEFAULT_THINNING, Press
from pressloop.record.header import planned_steps
from pressloop.record.journal import JOURNAL_NAME
from pressloop.run.active_runs import require_active_folder
from pressloop.sample import Sample, load_sample


def run(
    protocol: Annotated[Path, options.PROTOCOL],
    port: Annotated[str | None, options.PORT] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder for the record. Default: runs/DATE-NAME.",
            show_default=False,
        ),
    ] = None,
    press: Annotated[Path | None, options.PRESS] = None,
    seed: Annotated[int, options.SEED] = 1,
    yes: Annotated[bool, options.YES] = False,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="Run the emulated press in real time.")
    ] = False,
    every_record: Annotated[
        bool,
        typer.Option(
            "--every-record",
            help="Keep every telemetry record: 8 MB an hour, not 10 MB a week in quiet holds.",
        ),
    ] = False,
    sample: Annotated[
        Path | None,
        typer.Option(
            "--sample",
            help="Sample in the die (YAML): mass, density, thickness. Can also be added later.",
            show_default=False,
        ),
    ] = None,
    operator: Annotated[
        str | None,
        typer.Option(
            "--operator",
            envvar="PRESSLOOP_OPERATOR",
            help="Who presses; kept with the sample.",
            show_default=False,
        ),
    ] = None,
    lot: Annotated[
        str | None,
        typer.Option("--lot", help="Lot of the powder; kept with the sample.", show_default=False),
    ] = None,
    die: Annotated[str | None, DIE] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a record that is already in the folder.")
    ] = False,
    fault: Annotated[list[str] | None, options.FAULT] = None,
    continues: Annotated[
        Path | None,
        typer.Option(
            "--continue",
            metavar="RUN",
            help="Press only the rest of a run that did not complete; a prompt asks first.",
            show_default=False,
        ),
    ] = None,
    from_stage: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="STAGE",
            help="With --continue: where to go on. Default: the first stage that is not done.",
            show_default=False,
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference",
            help="Reference band, from `pressloop compare --save-band`: say at once when the run "
            "leaves it.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run a protocol. Ctrl-C aborts the run and releases the pressure."""
    folder = (
        to or Path("runs") / f"{time.strftime('%Y%m%d-%H%M%S')}-{protocol.stem.strip('-') or 'run'}"
    )
    faults = fault or []
    with errors_as_exit_codes(), termination_as_exception() as signals:
        read_faults(faults, port)
        source = read_source(protocol)
        described: PressDescription | Path | None = press
        if port in EMULATED:
            described = options.described(press)
            check(source, options.profile_of(described))
        else:
            source.require_form()
        _check_folder(folder, overwrite)
        band = None if reference is None else load_band(reference)
        pellet = _sample(sample, operator=operator, lot=lot)
        opened = Press.open(
            port, press=described, seed=seed, pacing="real" if real_time else "lockstep"
        )
        with opened as machine:
            plan = check(
                source,
                machine.profile(),
                quiet=port in EMULATED,
                real=not machine.hello.simulated,
            )
            if band is not None:
                band.require_plan(planned_steps(plan), plan.begin.die_um / 1000)
            open_holds = {step.index: step.text for step in plan.sources if step.is_open}
            _introduce(machine, protocol, folder)
            with LiveLine(err, simulated=machine.hello.simulated) as line:
                person = Operator(
                    err, line, yes=yes, open_holds=open_holds, port=named_port(machine)
                )
                if open_holds and not person.is_at_hand:
                    _require_a_way_to_end()
                die_um = None
                if not plan.protocol.is_isostatic:
                    die_um = person.confirm_die(die, simulated=machine.hello.simulated)
                folder.mkdir(parents=True, exist_ok=True)
                vents = plan.protocol.on_host_loss.action == "vent"
                signals.keep()
                handle = machine.start(
                    source,
                    out=folder,
                    on_status=person.show,
                    overwrite=overwrite,
                    thinning=None if every_record else DEFAULT_THINNING,
                    sample=pellet,
                    die=None if die_um is None else f"{die_um} um",
                    faults=faults,
                    continues=continues,
                    from_stage=from_stage,
                )
                with person.steering(handle), watching(handle, band, line):
                    follow_to_end(handle, person, line, signals, vents=vents)
        summary = RunRecord.open(folder).summary
        explain_left(handle, folder)
    report_end(summary, folder)


def _sample(path: Path | None, *, operator: str | None, lot: str | None) -> Sample | None:
    """Return the sample of a file with what the options say; None if nothing says anything."""
    said = {name: text for name, text in (("operator", operator), ("lot", lot)) if text}
    described = None if path is None else load_sample(path)
    return (described or Sample()).model_copy(update=said) if said else described


def _require_a_way_to_end() -> None:
    """Refuse a run with an open hold that nothing could end: no keys, and no other terminal."""
    try:
        require_active_folder()
    except (OSError, PressloopError) as error:
        why = error.message if isinstance(error, PressloopError) else str(error)
        raise BadInputError(
            "nothing could end the open hold of this protocol: standard input is no terminal, and "
            f"other terminals cannot reach the run ({why})",
            hint="run it in a terminal, or set XDG_RUNTIME_DIR to a folder that only you can "
            "write to, so that pressloop end works",
            code="no-way-to-end",
        ) from error


def _check_folder(folder: Path, overwrite: bool) -> None:
    """Raise an error if the folder cannot take the record, before a board is started."""
    if (folder / JOURNAL_NAME).exists() and not overwrite:
        raise RecordError(
            f"{folder} already holds a run record",
            hint="choose another folder with --out, or replace the record with --overwrite",
            code="record-exists",
        )
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not nearest.is_dir():
        problem = f"{nearest} is a file"
    elif not os.access(nearest, os.W_OK):
        problem = f"you have no permission to write to {nearest}"
    else:
        return
    raise BadInputError(
        f"cannot write the record to {folder}: {problem}", hint="choose another folder with --out"
    )


def _introduce(machine: Press, protocol: Path, folder: Path) -> None:
    """Print which press runs which protocol, and where the record goes."""
    hello = machine.hello
    if hello.simulated:
        kind, board = "[note]simulated press[/note]", hello.board
    else:
        kind, board = "press", f"{hello.board} {hello.unique_id.hex()}"
    err.print(
        f"{kind} on board [bold]{escape(board)}[/bold], firmware {escape(hello.firmware)}, "
        f"{escape(hello.python)}",
        soft_wrap=True,
    )
    err.print(f"[dim]{escape(str(protocol))} -> {escape(str(folder))}[/dim]", soft_wrap=True)
    if hello.simulated:
        err.print(f"[dim]its address for a second terminal: --port {machine.session.url}[/dim]")
