"""`pressloop tune`: learn the press from three runs on a steel blank and store what was learned.

With --first-contact, look at the first contact with a sample instead; that stores nothing.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pressloop.cli import options
from pressloop.cli.live import LiveLine
from pressloop.cli.output import err, errors_as_exit_codes, out
from pressloop.errors import BadInputError, PressloopError
from pressloop.extras import needs_extra
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press
from pressloop.units import LENGTH, PRESSURE, parse, with_uncertainty

if TYPE_CHECKING:
    from pressloop.tuning.runner import TuningResult

_POWDER_HINT: Final = (
    "an emulated press has powder in its die: tune one with a steel blank, "
    "--press examples/presses/steel-blank.yaml"
)
_MIN_SAMPLE_RATIO: Final = 1.2
"""A sample that takes less than this times the oil of steel was pressed before, or is missing."""


def tune(
    limit: Annotated[
        str,
        typer.Argument(
            metavar="LIMIT", help="Highest pressure on blank or sample, such as '400 MPa'."
        ),
    ],
    die: Annotated[str, typer.Option("--die", help="Diameter of the die in the press.")] = "10 mm",
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
            from pressloop.tuning.runner import require_empty
        # Malformed quantities are reported before the question.
        parse(limit, PRESSURE)
        parse(die, LENGTH)
        folder = to or Path("runs") / f"{time.strftime('%Y%m%d-%H%M%S')}-tune"
        require_empty(folder, "choose another one with --out")
        what = "sample" if sample else "steel blank"
        if not yes and not typer.confirm(f"Is a {what} in the die, and the guard closed?"):
            raise BadInputError("nothing was pressed", hint=f"put a {what} into the die first")
        with Press.open(port, press=press, seed=seed) as machine:
            if sample:
                _first_contact(machine, limit, die, folder)
            else:
                _tune(machine, limit, die, folder)
        out.print(str(folder), soft_wrap=True)


def _tune(machine: Press, limit: str, die: str, folder: Path) -> None:
    try:
        with LiveLine(err, simulated=machine.hello.simulated) as line:
            result = machine.tune(limit, die, out=folder, on_status=line.update)
    except BadInputError as error:
        if error.code == "tuning-nonsense" and _has_powder(machine):
            error.hint = _POWDER_HINT
        raise
    _print_result(result, kept=machine.profile().leak_ul_min is not None)
    try:
        from pressloop.plotting.tuning import plot_tuning
    except PressloopError as missing:
        err.print(f"no picture: {missing}; {missing.hint}")
        return
    picture = plot_tuning(result, folder / "tuning.png", simulated=machine.hello.simulated)
    err.print(f"before and after: {picture}", soft_wrap=True)


def _has_powder(machine: Press) -> bool:
    """Whether the press is emulated, and not known to have a steel blank in its die."""
    board = machine.board
    return machine.hello.simulated and (board is None or board.press.powder.initial_density < 1)


def _first_contact(machine: Press, limit: str, die: str, folder: Path) -> None:
    with needs_extra("data"):
        from pressloop.tuning.runner import TuningRunner
    profile = machine.profile()
    with LiveLine(err, simulated=machine.hello.simulated) as line:
        contact = TuningRunner(
            machine.run,
            machine.write_profile,
            folder,
            die_um=round(parse(die, LENGTH).value),
            limit_kpa=round(parse(limit, PRESSURE).value),
            on_status=line.update,
        ).first_contact(profile)
    err.print(f"{'contact after':<28}{contact.approach_s:>10.3g} s")
    err.print(f"{'landed at':<28}{contact.landed_mpa:>10.3g} MPa")
    if profile.compliance_curve_ul_mpa is None:
        err.print("how soft the sample is can be seen only on a press tuned on a steel blank")
        return
    err.print(f"{'softer than steel by':<28}{contact.compliance_ratio:>10.3g} times")
    err.print(f"{'fastest rise here':<28}{contact.max_rate_mpa_s:>10.3g} MPa/s")
    if contact.compliance_ratio < _MIN_SAMPLE_RATIO:
        err.print("it takes no more oil than steel: is the sample in the die?")


def _print_result(result: TuningResult, *, kept: bool) -> None:
    before, after, fine = result.before, result.after, result.fine
    zeros = [profile.raw_zero + (profile.raw_zero_fraction or 0) for profile in (before, after)]
    err.print(f"{'zero':<28}{zeros[0]:>10.5g} -> {zeros[1]:<10.6g}counts")
    for name, unit in (
        ("pump_dead_band_percent", "%"),
        ("release_dead_band_percent", "%"),
        ("valve_dither_percent", "%"),
        ("valve_lag_ms", "ms"),
        ("release_flow_ml_s", "mL/s"),
        ("compliance_ul_mpa", "uL/MPa"),
        ("approach_opening_percent", "%"),
    ):
        err.print(
            f"{name:<28}{getattr(before, name):>10.5g} -> {getattr(after, name):<10.5g}{unit}"
        )
    err.print(_leak_line(before, after))
    if after.leak_ul_min is not None and not kept:
        err.print("its firmware is too old to keep the leak: update it, then tune again")
    err.print(f"{'noise of the transducer':<28}{'':>14}{fine.noise_percent:<10.2g}% of its range")
    err.print(f"[good]stored[/good]: explains all but {fine.residual_percent:.1f} % of the volume")


def _leak_line(before: MachineProfile, after: MachineProfile) -> str:
    """Return a line with the leak before and after, or with the reason why it is unknown."""
    old = "unknown" if before.leak_ul_min is None else f"{before.leak_ul_min:.3g}"
    uncertainty = after.leak_uncertainty_ul_min
    if after.leak_ul_min is None or uncertainty is None:
        new = "unknown: the press was not shut for long enough"
    elif not after.leak_ul_min:
        new = f"not distinguishable from zero, below {uncertainty:.2g} uL/min at 10 MPa of oil"
    else:
        new = f"{with_uncertainty(after.leak_ul_min, uncertainty)} uL/min at 10 MPa of oil"
    return f"{'leak_ul_min':<28}{old:>10} -> {new}"
