"""`pressloop tune`: learn the press from three runs on a steel blank and store what was learned.

With --first-contact, look at the first contact with a sample instead; that stores nothing.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import numpy.typing as npt
import typer

from pressloop.cli import options
from pressloop.cli.live import LiveLine
from pressloop.cli.output import err, errors_as_exit_codes, out
from pressloop.errors import BadInputError, PressloopError, RecordError
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press
from pressloop.protocol import Protocol
from pressloop.tuning import first_contact
from pressloop.tuning import tune as tuning
from pressloop.units import LENGTH, PRESSURE, parse, with_uncertainty
from pressloop.wire import schema

_POWDER_HINT: Final = (
    "an emulated press has powder in its die: tune one with a steel blank, "
    "--press examples/presses/steel-blank.yaml"
)

Floats = npt.NDArray[np.float64]

_STEEL: Final = 1.2
"""A sample that is no softer than this many times steel was pressed before, or is not there."""


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
        limit_kpa = round(parse(limit, PRESSURE).value)
        die_um = round(parse(die, LENGTH).value)
        folder = to or Path("runs") / f"{time.strftime('%Y%m%d-%H%M%S')}-tune"
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise RecordError(
                f"{folder} is not an empty folder",
                hint="choose another one with --out",
                code="record-exists",
            )
        what = "sample" if sample else "steel blank"
        if not yes and not typer.confirm(f"Is a {what} in the die, and the guard closed?"):
            raise BadInputError("nothing was pressed", hint=f"put a {what} into the die first")
        with Press.open(port, press=press, seed=seed) as machine:
            bench = _Bench(machine, folder, die_um, limit_kpa)
            if sample:
                _first_contact(bench)
            else:
                _learn(bench)
        out.print(str(folder), soft_wrap=True)


def _learn(bench: _Bench) -> None:
    machine = bench.machine
    before = machine.profile()
    try:
        passes = tuning.tune(before.to_wire(), bench.die_um, bench.limit_kpa, bench.run)
    except BaseException as error:
        _restore(machine, before)
        if isinstance(error, BadInputError) and error.code == "tuning-nonsense":
            error.hint = _POWDER_HINT if _has_powder(machine) else error.hint
        raise
    after = MachineProfile.from_wire(passes[-1].profile)
    machine.write_profile(after)
    _report(before, after, passes[-1], kept=machine.profile().leak_ul_min is not None)
    try:
        from pressloop.plotting.tuning import plot_tuning
    except PressloopError as missing:
        err.print(f"no picture: {missing}; {missing.hint}")
        return
    picture = plot_tuning(
        before,
        after,
        passes[-1],
        (bench.errors[0], bench.errors[-1]),
        bench.folder / "tuning.png",
        simulated=machine.hello.simulated,
    )
    err.print(f"before and after: {picture}", soft_wrap=True)


def _has_powder(machine: Press) -> bool:
    """Whether the press is emulated, and not known to have a steel blank in its die."""
    board = machine.board
    return machine.hello.simulated and (board is None or board.press.powder.initial_density < 1)


def _restore(machine: Press, before: MachineProfile) -> None:
    """Write the profile from before; a press that refuses keeps one of the runs' own."""
    try:
        machine.write_profile(before)
    except PressloopError as error:
        err.print(f"[bad]the profile from before is not back on the board[/bad]: {error}")


def _first_contact(bench: _Bench) -> None:
    profile = bench.machine.profile().to_wire()
    steps = first_contact.plan(profile, bench.die_um, bench.limit_kpa)
    seen = first_contact.learn(bench.press("contact", steps), profile, bench.die_um)
    err.print(f"{'contact after':<28}{seen.approach_s:>10.3g} s")
    err.print(f"{'landed at':<28}{seen.landed_mpa:>10.3g} MPa")
    if profile.compliance_curve is None:
        err.print("how soft the sample is shows only on a press that was tuned on a steel blank")
        return
    err.print(f"{'softer than steel by':<28}{seen.softness:>10.3g} times")
    err.print(f"{'fastest rise here':<28}{seen.fastest_mpa_s:>10.3g} MPa/s")
    if seen.softness < _STEEL:
        err.print("it takes no more oil than steel: is the sample in the die?")


class _Bench:
    """Runs plans on the press that is being learned, each into a folder of its own."""

    def __init__(self, machine: Press, folder: Path, die_um: int, limit_kpa: int) -> None:
        self.machine = machine
        self.folder = folder
        self.die_um = die_um
        self.limit_kpa = limit_kpa
        self.errors: list[tuple[str, Floats, Floats]] = []
        """Per run that climbs in the same way: name, time in s, MPa off the setpoint."""

    def run(
        self, name: str, profile: schema.Profile, steps: list[schema.PlanStepRequest]
    ) -> tuning.Records:
        """Write a profile to the board, then press."""
        self.machine.write_profile(MachineProfile.from_wire(profile))
        return self.press(name, steps)

    def press(self, name: str, steps: list[schema.PlanStepRequest]) -> tuning.Records:
        """Press the steps and return the telemetry."""
        folder = self.folder / name
        line = LiveLine(err, simulated=self.machine.hello.simulated)
        with line:
            result = self.machine.run(
                protocol(name, steps, self.die_um, self.limit_kpa),
                out=folder,
                on_status=line.update,
            )
        if not result.completed:
            raise BadInputError(
                f"the {name} run ended by {result.end_reason}: nothing was learned",
                hint=f"the record is in {folder}; look at it with: pressloop plot {folder}",
            )
        frame = result.frame()
        # What the shut press loses is no error of the loop.
        idle = frame.approaching.to_numpy(np.bool_) | frame.sealed.to_numpy(np.bool_)
        moving = ~idle & (frame.setpoint_mpa.to_numpy() > 0)
        if name != "play":
            off = (frame.pressure_mpa - frame.setpoint_mpa).to_numpy(np.float64)
            time_s = frame.time_s.to_numpy(np.float64)
            self.errors.append((name, time_s, np.where(moving, off, np.nan)))
        return tuning.Records(
            raw=frame.raw_counts.to_numpy(np.int64),
            output=np.rint(frame.output_percent.to_numpy() / 100 * schema.OUTPUT_FULL).astype(
                np.int64
            ),
            step=frame.step_id.fillna(255).to_numpy(np.int64),
            approaching=frame.approaching.to_numpy(np.bool_),
        )


def protocol(
    name: str, steps: list[schema.PlanStepRequest], die_um: int, limit_kpa: int
) -> Protocol:
    """Return the protocol whose plan is `steps`: a stage for each."""
    return Protocol.model_validate(
        {
            "name": f"tuning, {name}",
            "die": f"{die_um} um",
            "ceiling": f"{round(1.1 * limit_kpa)} kPa",
            "vent_rate": f"{max(1, limit_kpa // 10)} kPa/s",
            "accept_unresolved_tolerance": True,
            "stages": [_stage(step) for step in steps],
        }
    )


def _stage(step: schema.PlanStepRequest) -> dict[str, object]:
    move = {"target": f"{step.target_kpa} kPa", "rate": f"{step.rate_kpa_s} kPa/s"}
    stage: dict[str, object] = {"name": f"{step.kind.name.lower()} {step.index}"}
    if step.kind == schema.StepKind.RAMP:
        stage["ramp"] = move
    elif step.kind == schema.StepKind.RELEASE:
        stage["release"] = move
    else:
        assert step.mode is not None
        stage["hold"] = {
            "target": f"{step.target_kpa} kPa",
            "duration": f"{step.duration_ms} ms",
            "tolerance": f"{step.tolerance_kpa} kPa",
            "timeout": f"{step.timeout_ms} ms",
            "mode": step.mode.name.lower(),
        }
    if step.kp is not None and step.ki is not None:
        stage["pid"] = {"kp": f"{step.kp / 256:g} /s", "ki": f"{step.ki / 655.36:.4f} /s2"}
    return stage


def _report(
    before: MachineProfile, after: MachineProfile, tuned: tuning.Tuned, *, kept: bool
) -> None:
    zeros = [tuning.zero_of(profile.to_wire()) for profile in (before, after)]
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
    err.print(f"{'noise of the transducer':<28}{'':>14}{tuned.noise_percent:<10.2g}% of its range")
    err.print(f"[good]stored[/good]: explains all but {tuned.residual_percent:.1f} % of the volume")


def _leak_line(before: MachineProfile, after: MachineProfile) -> str:
    """The leak before and after, or why there is none."""
    old = "unknown" if before.leak_ul_min is None else f"{before.leak_ul_min:.3g}"
    uncertainty = after.leak_uncertainty_ul_min
    if after.leak_ul_min is None or uncertainty is None:
        new = "unknown: the press was not shut for long enough"
    elif not after.leak_ul_min:
        new = f"not to be told from none, below {uncertainty:.2g} uL/min at 10 MPa of oil"
    else:
        new = f"{with_uncertainty(after.leak_ul_min, uncertainty)} uL/min at 10 MPa of oil"
    return f"{'leak_ul_min':<28}{old:>10} -> {new}"
