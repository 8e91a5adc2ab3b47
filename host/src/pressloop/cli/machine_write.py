"""`pressloop machine write`: store the machine profile of a press file on a board."""

from __future__ import annotations

import getpass
import json
import logging
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from platformdirs import user_state_path
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.output import err, errors_as_exit_codes, out
from pressloop.cli.profile_values import change_table, changes
from pressloop.connect import names_emulated
from pressloop.emulator import description
from pressloop.emulator.description.stated import not_stated, unserved_parts
from pressloop.errors import BadInputError, CommandRefusedError, PressloopError
from pressloop.machine.calibration import outdated_by
from pressloop.machine.commissioned import commissioned_text, keep_commissioned, undone
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press

LOG_NAME: Final = "machine-profiles.jsonl"

_log = logging.getLogger(__name__)


def machine_write(
    file: Annotated[Path, options.PRESS_FILE],
    port: Annotated[str | None, options.PORT] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Write without asking; a board may want its button.")
    ] = False,
) -> None:
    """Store the machine profile of a press file on a board; the press must be at rest.

    Shows what changes first. A change of a limit, or of what a reading means, needs the button on
    the controller.
    """
    with errors_as_exit_codes():
        described = description.load(file)
        new = described.machine_profile()
        if port is not None and names_emulated(port):
            raise BadInputError(
                "an emulated board takes its press from the file each time it is started",
                hint=f"pressloop run PROTOCOL --port {port} --press {file}",
                code="emulated-press",
            )
        with Press.open(port) as machine:
            _refuse_assumptions(described, file, simulated=machine.hello.simulated)
            old = _profile_of(machine)
            _warn_of_converter(new, old)
            new = keep_commissioned(new, old)
            _warn_of_commissioning(new, old)
            changed = changes(old, new)
            if not changed:
                err.print("the board has these values already; nothing was written")
                return
            out.print(change_table(changed))
            _refuse_outdated(old, new)
            _ask(machine, yes=yes)
            write_with_button(machine, new)
            refuse_difference(machine.profile(), new)
            board = machine.hello.unique_id.hex()
        keep_change(board, file, changed)
        err.print(f"[good]stored[/good]: board {board} is {escape(new.name)}", soft_wrap=True)


def _refuse_assumptions(
    described: description.PressDescription, file: Path, *, simulated: bool
) -> None:
    """Refuse to give a real board what the file does not state; a simulated one may have it."""
    unserved = [each for each in unserved_parts(described) if each.severity == "error"]
    if unserved and not simulated:
        raise BadInputError(
            f"{file} has parts that the controller board cannot serve",
            hint="correct the kinds of parts; docs/hardware/parts.md lists them",
            findings=unserved,
            code="unserved-part",
        )
    findings = list(not_stated(described, "error"))
    if findings and not simulated:
        raise BadInputError(
            f"{file} leaves values to the reference press that a real press must state",
            hint="write them into the file, or make one with: pressloop machine new",
            findings=findings,
            code="not-stated",
        )


def _profile_of(machine: Press) -> MachineProfile | None:
    """Return the profile of the board; None if it has none."""
    try:
        return machine.profile()
    except CommandRefusedError as refused:
        if refused.code != "no-profile":
            raise
        err.print("the board has no machine profile yet")
        return None


def _refuse_outdated(old: MachineProfile | None, new: MachineProfile) -> None:
    """Refuse to keep a calibration beside values that it was not made with."""
    outdated = () if old is None else outdated_by(old, new)
    if outdated:
        raise BadInputError(
            f"the file keeps the calibration of {new.calibration_date} and changes "
            f"{', '.join(outdated)}, with which it was made",
            hint="remove the calibration_... keys from 'measured' and calibrate the press again",
            code="calibration-outdated",
        )


def _warn_of_converter(new: MachineProfile, old: MachineProfile | None) -> None:
    has = None if old is None else old.converter
    if new.converter is not None and has is not None and has != new.converter:
        err.print(
            f"[note]note[/note] the file says transducer.converter: {new.converter}, and the board "
            f"found {has} at power-on: no run starts until they agree",
            soft_wrap=True,
        )


def _warn_of_commissioning(new: MachineProfile, old: MachineProfile | None) -> None:
    if old is not None and old.commissioned_day is not None and new.commissioned_day is None:
        err.print(
            f"[note]note[/note] the commissioning of {commissioned_text(old.commissioned_day)} no "
            f"longer counts, as another value is written for {', '.join(undone(new, old))}: "
            "commission the press again, pressloop commission",
            soft_wrap=True,
        )


def _ask(machine: Press, *, yes: bool) -> None:
    board = f"board {machine.hello.unique_id.hex()} at {machine.session.url}"
    if yes:
        return
    try:
        agreed = typer.confirm(f"Store these values on {board}?")
    except typer.Abort:
        agreed = False
    if not agreed:
        raise BadInputError(
            "nothing was written",
            hint="answer y to write, or give --yes where there is no terminal",
            code="not-confirmed",
        )


def write_with_button(machine: Press, new: MachineProfile) -> None:
    """Write a profile; where a person must allow it, wait for the button and write again."""
    while True:
        try:
            machine.write_profile(new)
        except CommandRefusedError as refused:
            if refused.code != "needs-button" or not sys.stdin.isatty():
                raise
            err.print(f"[note]{escape(refused.message)}[/note]", soft_wrap=True)
            err.print(
                "Press the button on the controller, then Enter here; Ctrl-C to leave it: ", end=""
            )
            if not sys.stdin.readline():
                raise
        else:
            return


def refuse_difference(there: MachineProfile, new: MachineProfile) -> None:
    """Read what the board has now: what was not stored as written is an error."""
    wrong = changes(there, new)
    if wrong:
        raise PressloopError(
            f"the board has other values than were written: {', '.join(wrong)}",
            code="profile-differs",
            hint="write it again; if that does not help, flash the firmware again",
        )


def keep_change(board: str, file: Path, changed: dict[str, tuple[object, object]]) -> None:
    """Add what was changed to the log of this user; a lost line does not undo the change."""
    line = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "user": _user(),
        "board": board,
        "file": str(file.absolute()),
        "changed": {name: {"old": old, "new": new} for name, (old, new) in changed.items()},
    }
    path = user_state_path("pressloop") / LOG_NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
    except OSError as error:
        _log.warning("the change could not be logged in %s: %s", path, error)
    else:
        err.print(f"[dim]logged in {escape(str(path))}[/dim]", soft_wrap=True)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
