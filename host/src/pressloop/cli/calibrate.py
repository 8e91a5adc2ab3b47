"""`pressloop calibrate`: compare the press with a reference for force, and correct it by that."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.calibration.figures import DEFAULT_ACCEPT_PERCENT
from pressloop.calibration.levels import MIN_LEVELS
from pressloop.calibration.readings import force_kn
from pressloop.calibration.record import CalibrationRecord, read_record
from pressloop.calibration.reference_serial import DEFAULT_BAUD, DEFAULT_PATTERN
from pressloop.calibration.references import UNITS, press_for_calibration
from pressloop.calibration.report import write_report
from pressloop.calibration.result import DEFAULT_MONTHS
from pressloop.calibration.runner import CalibrationRunner
from pressloop.cli import options
from pressloop.cli.calibration_setup import (
    EMULATED,
    SERIAL,
    TYPED,
    incomplete,
    new_record,
    reference_data,
    source_of,
    strongest_die,
)
from pressloop.cli.calibration_tables import print_figures, print_learned
from pressloop.cli.live import LiveLine
from pressloop.cli.machine_write import keep_change, refuse_difference, write_with_button
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes, out
from pressloop.cli.profile_values import change_table, changes
from pressloop.cli.terminal_mode import silent_keyboard
from pressloop.connect import names_emulated
from pressloop.errors import BadInputError
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press
from pressloop.session.status import PressStatus
from pressloop.tuning.runner import require_empty
from pressloop.units.force import die_area_mm2


def calibrate(
    reference: Annotated[
        str,
        typer.Option(
            "--reference",
            "-r",
            metavar="SOURCE",
            help="Where the reference's values come from: a CSV file, serial, typed, or emulated.",
            show_default=False,
        ),
    ],
    port: Annotated[str | None, options.PORT] = None,
    certificate: Annotated[
        str | None,
        typer.Option(
            help="Number of the reference's certificate, at most 23 letters.", show_default=False
        ),
    ] = None,
    uncertainty: Annotated[
        str | None,
        typer.Option(
            metavar="PERCENT",
            help="Uncertainty of the reference (k = 2), such as '0.1 %' of its reading.",
            show_default=False,
        ),
    ] = None,
    up_to: Annotated[
        str | None,
        typer.Option(
            "--up-to",
            metavar="FORCE",
            help="Highest level, such as '40 kN': no more than the reference stands.",
            show_default=False,
        ),
    ] = None,
    unit: Annotated[
        str, typer.Option(help=f"Unit of numbers without one: {', '.join(UNITS)}.")
    ] = "kN",
    levels: Annotated[int, typer.Option(help="Number of levels, from 20 to 100 %.")] = MIN_LEVELS,
    falling: Annotated[
        int | None,
        typer.Option(
            help="Series that are read on the way down, too. Default: 3; 1 if you type the values.",
            show_default=False,
        ),
    ] = None,
    accept: Annotated[
        float, typer.Option(help="Largest error that passes after the correction, percent.")
    ] = DEFAULT_ACCEPT_PERCENT,
    months: Annotated[int, typer.Option(help="Months until it is due again.")] = DEFAULT_MONTHS,
    die: Annotated[
        str | None,
        typer.Option(
            help="Die of the profile whose limit holds. Default: the one with the largest force.",
            show_default=False,
        ),
    ] = None,
    instrument: Annotated[
        str | None,
        typer.Option(
            help="Serial port of the reference, for --reference serial.", show_default=False
        ),
    ] = None,
    baud: Annotated[int, typer.Option(help="Its baud rate.")] = DEFAULT_BAUD,
    pattern: Annotated[
        str, typer.Option(help="Regular expression for the number in its lines.")
    ] = DEFAULT_PATTERN,
    request: Annotated[
        str, typer.Option(help=r"What asks it for a line, such as 'READ?\r\n'.")
    ] = "",
    press: Annotated[
        Path | None,
        typer.Option(
            help="Press file: the report is kept beside it; an emulated port presses with it.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder; runs/DATE-calibration by default."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on with the calibration in this folder.", show_default=False),
    ] = None,
    seed: Annotated[int, options.SEED] = 1,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="The reference is in place; store the result.")
    ] = False,
) -> None:
    """Calibrate the press against a reference for force, after the procedure of ISO 7500-1.

    Three rising series and one falling at least; the press moves by itself. What is learned (zero,
    gain, friction) is stored on the board with its key. No class of the standard is claimed.
    """
    with errors_as_exit_codes(), ExitStack() as stack:
        emulated = port is not None and names_emulated(port)
        if reference == EMULATED and not emulated:
            raise BadInputError(
                "only an emulated press has an emulated reference",
                hint="give --port emulated, or another --reference",
                code="no-truth",
            )
        before = None if resume is None else read_record(resume)
        if before is None:
            data = reference_data(reference, certificate, uncertainty)
        else:
            data, unit = before.reference, before.reference.unit
        folder = resume or to or Path("runs") / f"{time.strftime('%Y%m%d-%H%M%S')}-calibration"
        if before is None:
            require_empty(folder, "choose another one with --out, or go on with --resume")
        description = None
        if emulated:
            description = press_for_calibration(
                options.described(press), with_friction=reference == EMULATED
            )
        machine = stack.enter_context(Press.open(port, press=description, seed=seed))
        if before is not None and emulated:
            # An emulated board starts anew, with the profile of its file.
            machine.write_profile(MachineProfile(**before.profile))
        profile = _tuned_profile(machine, folder, emulated=emulated)
        waits = reference in (TYPED, SERIAL)
        record = before or new_record(
            machine, profile, data, die, up_to, unit, levels, falling, accept, months, emulated
        )
        die_um = record.plan.die_um
        top_kn = force_kn(record.plan.levels_kpa[-1] / 1000, die_um)
        source = source_of(
            reference,
            stack,
            unit=unit,
            die_um=die_um,
            top_kn=top_kn,
            press=description,
            instrument=instrument,
            baud=baud,
            pattern=pattern,
            request=request,
        )
        if not yes and not _is_in_place(record, top_kn):
            raise BadInputError(
                "nothing was pressed", hint="put the reference into the press first"
            )
        folder.mkdir(parents=True, exist_ok=True)
        record.save(folder)
        err.print(f"calibration in {escape(str(folder))}", soft_wrap=True)
        with _shown(machine, live=not waits) as (say, show):
            runner = CalibrationRunner(machine, folder, record, source, say=say, on_status=show)
            try:
                runner.press_all()
            except KeyboardInterrupt:
                say(f"interrupted: go on with pressloop calibrate ... --resume {folder}")
                raise
        missing = runner.read_missing()
        if missing:
            raise incomplete(missing, runner.record, Path(reference), folder)
        _conclude(machine, runner, profile, folder, press, yes=yes)


def _conclude(
    machine: Press,
    runner: CalibrationRunner,
    profile: MachineProfile,
    folder: Path,
    press: Path | None,
    *,
    yes: bool,
) -> None:
    """Show the result, store it on the board, and keep the report."""
    correction, figures, after = runner.finish()
    plan = runner.record.plan
    bore_mm2 = float(die_area_mm2(plan.die_um)) if plan.isostatic else None
    print_figures(figures, bore_mm2)
    print_learned(correction, figures, bore_mm2)
    changed = changes(profile, after)
    out.print(change_table(changed))
    beside = folder / "report"
    if press is not None and press.exists():
        beside = press.with_name(f"{press.stem}.calibration-{runner.record.date}")
    agreed = yes or typer.confirm("Store this on the board?", err=True)
    try:
        if agreed:
            write_with_button(machine, after)
            refuse_difference(machine.profile(), after)
            runner.stored()
            keep_change(machine.hello.unique_id.hex(), press or folder, changed)
    finally:
        text, _ = write_report(runner.record, beside)
        err.print(f"report: {escape(str(text))} and .json", soft_wrap=True)
    if not agreed:
        err.print("[note]not stored[/note]: the board keeps its profile as it was")
    elif machine.board is not None:
        err.print("[dim]an emulated board forgets it: values to keep are in the report[/dim]")
    else:
        err.print("[dim]keep it in the press file: pressloop machine show --yaml > FILE[/dim]")
    out.print(str(folder), soft_wrap=True)
    if not figures.passed:
        err.print("[bad]calibration failed[/bad]: nothing was corrected")
        raise typer.Exit(ExitCode.NOT_COMPLETED)
    err.print(f"[good]calibrated[/good], due {runner.record.due}")


def _is_in_place(record: CalibrationRecord, top_kn: float) -> bool:
    """Ask whether the reference is in the press and stands the highest level."""
    if record.plan.isostatic:
        top_mpa = record.plan.levels_kpa[-1] / 1000
        err.print(f"The reference on the line must stand {top_mpa:.4g} MPa.")
        return typer.confirm("Is it connected, and is the lid shut?", err=True)
    err.print(f"The reference under the ram must stand {top_kn:.4g} kN.")
    return typer.confirm("Is it in place, and is the guard closed?", err=True)


def _tuned_profile(machine: Press, folder: Path, *, emulated: bool) -> MachineProfile:
    """Return the profile of a tuned press; an emulated one, which forgets, is tuned now.

    Raises:
        BadInputError: `not-tuned`: a real press hunts in its holds, and friction turns round in
            them.
    """
    profile = machine.profile()
    # A vessel has no ram, and no friction that could turn round.
    if profile.tuning_residual_percent is not None or profile.is_vessel:
        return profile
    if not emulated:
        raise BadInputError(
            "the press is not tuned: in its holds it hunts, and friction cannot be told from gain",
            hint="tune it first, on a steel blank: pressloop tune",
            code="not-tuned",
        )
    die_um = strongest_die(profile)
    limit_kpa = int(profile.limits(die_um).pellet_limit_kpa / 1.11)
    err.print("[dim]tuning the emulated press first, as it was never tuned[/dim]")
    with _shown(machine, live=True) as (_, show):
        machine.tune(f"{limit_kpa} kPa", f"{die_um} um", out=folder / "tuning", on_status=show)
    return machine.profile()


@contextmanager
def _shown(
    machine: Press, *, live: bool
) -> Iterator[tuple[Callable[[str], None], Callable[[PressStatus], None] | None]]:
    """Return what prints a line, and what shows the state of the press, if nothing is typed."""

    def plain(text: str) -> None:
        err.print(f"[bold]{escape(text)}[/bold]", soft_wrap=True)

    if not live:
        yield plain, None
        return
    with silent_keyboard(), LiveLine(err, simulated=machine.hello.simulated) as line:

        def say(text: str) -> None:
            line.say(f"[bold]{escape(text)}[/bold]")

        yield say, line.update
