"""`pressloop tune`: learn the press from three runs on a steel blank and store what was learned.

With --first-contact, look at the first contact with a sample instead; that stores nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from pressloop.cli import options
from pressloop.cli.die import DIE, confirmed_die_um, diameter_um
from pressloop.cli.keyboard import Keyboard
from pressloop.cli.live import LiveLine
from pressloop.cli.output import err, errors_as_exit_codes, out
from pressloop.cli.terminal_mode import silent_keyboard
from pressloop.cli.tuning_report import print_first_contact, print_tuning
from pressloop.cli.waiting import Controls, WaitingNotices
from pressloop.errors import BadInputError, PressloopError
from pressloop.extras import needs_extra
from pressloop.press import DEFAULT_DIE_UM, Press
from pressloop.session.status import PressStatus
from pressloop.units import parse_pressure

_POWDER_HINT: Final = (
    "an emulated press has powder in its die: tune one with a steel blank, "
    "--press examples/presses/steel-blank.yaml"
)


def tune(
    limit: Annotated[
        str,
        typer.Argument(
            metavar="LIMIT", help="Highest pressure or force on it, such as '400 MPa' or '30 kN'."
        ),
    ],
    die: Annotated[str | None, DIE] = None,
    port: Annotated[str | None, options.PORT] = None,
    to: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder of the records; runs/DATE-tune by default."),
    ] = None,
    press: Annotated[Path | None, options.PRESS] = None,
    seed: Annotated[int, options.SEED] = 1,
    sample: Annotated[
        bool,
        typer.Option(
            "--first-contact",
            help="A sample is in the die: show its first contact, gently; store nothing.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="It is in the die.")] = False,
) -> None:
    """Learn dead bands, hysteresis, stiffness and leak; a steel blank must be in the die."""
    with errors_as_exit_codes():
        with needs_extra("data"):
            from pressloop.tuning.runner import require_empty, require_ram
        # Malformed quantities are reported before the question.
        parse_pressure(limit, DEFAULT_DIE_UM if die is None else diameter_um(die))
        folder = to or Path("runs") / f"{time.strftime('%Y%m%d-%H%M%S')}-tune"
        require_empty(folder, "choose another one with --out")
        what = "sample" if sample else "steel blank"
        if not yes and not typer.confirm(f"Is a {what} in the die, and the guard closed?"):
            raise BadInputError("nothing was pressed", hint=f"put a {what} into the die first")
        with Press.open(port, press=press, seed=seed) as machine:
            require_ram(machine.profile())
            simulated = machine.hello.simulated
            die_um = confirmed_die_um(err, Keyboard(), die, simulated=simulated, yes=yes)
            die_um = DEFAULT_DIE_UM if die_um is None else die_um
            if sample:
                _first_contact(machine, limit, die_um, folder)
            else:
                _tune(machine, limit, f"{die_um} um", folder)
        out.print(str(folder), soft_wrap=True)


def _tune(machine: Press, limit: str, die: str, folder: Path) -> None:
    try:
        with _shown(machine) as show:
            result = machine.tune(limit, die, out=folder, on_status=show)
    except BadInputError as error:
        if error.code == "tuning-nonsense" and _has_powder(machine):
            error.hint = _POWDER_HINT
        raise
    print_tuning(result)
    try:
        from pressloop.plotting.tuning import plot_tuning
    except PressloopError as missing:
        err.print(f"no picture: {missing}; {missing.hint}")
        return
    picture = plot_tuning(result, folder / "tuning.png", simulated=machine.hello.simulated)
    err.print(f"before and after: {picture}", soft_wrap=True)


@contextmanager
def _shown(machine: Press) -> Iterator[Callable[[PressStatus], None]]:
    """Return what shows a status; where a run waits for a person, it says what ends the wait."""
    with silent_keyboard(), LiveLine(err, simulated=machine.hello.simulated) as line:
        notices = WaitingNotices(line.say, Controls(port=machine.session.url), {})

        def show(status: PressStatus) -> None:
            line.update(status)
            notices.see(status)

        yield show


def _has_powder(machine: Press) -> bool:
    """Whether the press is emulated, and not known to have a steel blank in its die."""
    board = machine.board
    return machine.hello.simulated and (board is None or board.press.powder.initial_density < 1)


def _first_contact(machine: Press, limit: str, die_um: int, folder: Path) -> None:
    with needs_extra("data"):
        from pressloop.tuning.runner import TuningRunner
    profile = machine.profile()
    with _shown(machine) as show:
        contact = TuningRunner(
            partial(machine.run, die=f"{die_um} um"),
            machine.write_profile,
            folder,
            die_um=die_um,
            limit_kpa=round(parse_pressure(limit, die_um).value),
            on_status=show,
        ).first_contact(profile)
    print_first_contact(contact, tuned=profile.compliance_curve_ul_mpa is not None)
