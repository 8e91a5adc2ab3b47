"""`pressloop commission`: the walk from a wired box to a tuned press."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.commission_terminal import CommissioningTerminal
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes, out
from pressloop.commissioning.emulated_person import EmulatedPerson
from pressloop.commissioning.operator import CommissioningOperator
from pressloop.commissioning.report import readable_path, report_path
from pressloop.commissioning.steps import BY_NAME, STEPS
from pressloop.commissioning.walk import CommissioningWalk
from pressloop.connect import names_emulated
from pressloop.emulator import description
from pressloop.emulator.wiring_faults import read_wiring_faults
from pressloop.errors import BadInputError
from pressloop.machine.commissioned import undone
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press

_SIMULATED = "[note]SIMULATED[/note]"
_REHEARSAL_SHARE = 0.5
"""Limit on the blank in a rehearsal, of what the press may reach."""


def commission(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="Press file (YAML); the report is kept beside it. On an emulated board it is also "
            "the emulated press.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[str | None, options.PORT] = None,
    step: Annotated[
        str | None,
        typer.Option(help=f"Make one step anew: {', '.join(BY_NAME)}.", show_default=False),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Where to keep the report (JSON); beside the press file by default.",
            show_default=False,
        ),
    ] = None,
    as_list: Annotated[
        bool, typer.Option("--list", help="Show which steps are made, and make none.")
    ] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="KIND[=VALUE]",
            help="Rehearse a wrong wire of the emulated press, or air in a vessel; "
            "docs/commissioning.md lists them. Can be repeated.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, options.SEED] = 1,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            help="Rehearse: the emulated press is operated, and answers itself. On a real press a "
            "person has to look.",
        ),
    ] = False,
) -> None:
    """Walk from a wired box to a tuned press; each step says what happens and what to see.

    It goes on where it stopped. Wires are proved anew after each start of the controller. Nothing
    moves before buttons, stop, guard and outputs have passed with the pump motor off.
    """
    with errors_as_exit_codes():
        emulated = port is not None and names_emulated(port)
        if file is None and emulated:
            raise BadInputError(
                "an emulated press needs a press file with a steel blank in its die",
                hint=f"pressloop commission examples/presses/steel-blank.yaml --port {port} --yes",
                code="no-press-file",
            )
        wires = read_wiring_faults(fault or (), port or "")
        described = None if file is None else description.load(file)
        with Press.open(port, press=described if emulated else None, seed=seed) as machine:
            _rewire(machine, wires)
            profile = machine.profile()
            if described is not None and not emulated:
                _refuse_other_press(profile, described.machine_profile(), file)
            simulated = machine.hello.simulated
            terminal = CommissioningTerminal(err, simulated=simulated)
            if simulated:
                err.print(f"{_SIMULATED}: no real press is commissioned by this", soft_wrap=True)
            person: CommissioningOperator = terminal
            if yes:
                person = _stand_in(machine, profile, terminal)
            walk = CommissioningWalk(
                machine,
                person,
                report or _path(file, profile),
                converter=None if described is None else described.transducer.converter,
                on_step=terminal.step,
                on_result=terminal.result,
                on_status=terminal.status,
            )
            if as_list:
                _print_list(walk)
                return
            try:
                passed = _walk(walk, step, simulated=simulated)
            finally:
                terminal.end_line()
        if not passed:
            raise typer.Exit(ExitCode.NOT_COMPLETED)


def _walk(walk: CommissioningWalk, step: str | None, *, simulated: bool) -> bool:
    """Make one step or all open ones, and print what is left; return whether nothing failed."""
    begun = len(walk.report.results)
    if step is not None:
        passed = walk.run_step(step).outcome != "fail"
    else:
        made = len(STEPS) - len(walk.open_steps())
        if made:
            err.print(f"{made} of {len(STEPS)} steps are made; going on", soft_wrap=True)
        passed = walk.run()
    left = walk.open_steps()
    err.print()
    if not passed:
        again = "" if step is None else f" --step {step}"
        err.print(
            f"[bad]not passed[/bad]: mend it with the power off, then run this command{again} "
            "again; wires are proved anew then",
            soft_wrap=True,
        )
    elif left:
        err.print(f"still to make: {', '.join(one.name for one in left)}", soft_wrap=True)
    elif len(walk.report.results) == begun:
        err.print(
            f"commissioned on {walk.report.finished_on}; nothing is left to make. To make a step "
            "anew: --step NAME",
            soft_wrap=True,
        )
    else:
        mark = f" {_SIMULATED}" if simulated else ""
        err.print(f"[good]commissioned[/good]{mark} on {walk.report.finished_on}", soft_wrap=True)
    out.print(escape(str(readable_path(walk.path))), soft_wrap=True)
    return passed


def _path(file: Path | None, profile: MachineProfile) -> Path:
    if file is not None:
        return report_path(file)
    name = "".join(letter if letter.isalnum() else "-" for letter in profile.name.lower())
    return report_path(Path(f"{name}.yaml"))


def _refuse_other_press(there: MachineProfile, file: MachineProfile, path: Path | None) -> None:
    """Refuse a board whose profile is of another press than the file; tuning may differ.

    Raises:
        BadInputError: `profile-differs`.
    """
    differ = undone(file, there)
    if differ:
        raise BadInputError(
            f"the board has other values than {path} for: {', '.join(differ)}",
            hint=f"give the board the file first: pressloop machine write {path}",
            code="profile-differs",
        )


def _rewire(machine: Press, wires: list[dict[str, Any]]) -> None:
    if not wires:
        return
    if machine.board is None:
        raise BadInputError(
            "a wrong wire can be rehearsed only on an emulated press that this program starts",
            hint="use the port emulated or emulated:pico, or leave --fault out",
            code="no-faults-here",
        )
    for wire in wires:
        machine.board.control(wire)


def _stand_in(
    machine: Press, profile: MachineProfile, terminal: CommissioningTerminal
) -> EmulatedPerson:
    """Return what operates an emulated press in a rehearsal.

    Raises:
        BadInputError: `yes-is-no-look`: the press is not emulated by this program.
    """
    if machine.board is None:
        raise BadInputError(
            "--yes answers only for a press that this program emulates: here a person has to look",
            hint="run the command at a terminal beside the press, without --yes",
            code="yes-is-no-look",
        )
    die_um = profile.dies_um[0]
    return EmulatedPerson(
        machine.board.control,
        relief_bar=profile.max_oil_bar,
        die_mm=profile.dies_mm[0],
        limit_mpa=float(f"{_REHEARSAL_SHARE * profile.limits(die_um).pellet_limit_kpa / 1000:.2g}"),
        show=terminal.show,
    )


def _print_list(walk: CommissioningWalk) -> None:
    left = walk.open_steps()
    for step in STEPS:
        found = walk.report.last(step.name)
        state: str = "not made" if found is None else found.outcome
        if found is not None and step in left and found.outcome != "fail":
            state += ", to be made anew"
        out.print(f"{step.name:<16}{state}", soft_wrap=True)
