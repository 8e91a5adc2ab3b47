"""`pressloop simulate`: run a protocol with the real firmware on the emulated press."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.chart import chart
from pressloop.cli.findings import check, read_source
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes, out, writing
from pressloop.cli.verdict import end_line, print_verdict
from pressloop.emulator.faults import read_faults
from pressloop.errors import BadInputError
from pressloop.evaluation import RunRecord
from pressloop.plan import Plan
from pressloop.plotting import FORMATS, plot_run
from pressloop.press import Press
from pressloop.run.prompts import confirm_all
from pressloop.run.run import Run
from pressloop.units import duration_text, rounded_duration_text
from pressloop.wire.schema import TICK_HZ, FlagBits

_LONG_S = 3600
"""A simulation of at least this much press time announces how long it will take."""

_SPEED = 170
"""Press time over simulation time, roughly."""

_COLUMNS = ["time_s", "stage", "setpoint_mpa", "pressure_mpa", "true_pressure_mpa"]


def simulate(
    protocol: Annotated[Path, options.PROTOCOL],
    press: Annotated[Path | None, options.PRESS] = None,
    seed: Annotated[int, options.SEED] = 1,
    csv: Annotated[
        Path | None,
        typer.Option(help="Write the curve to this CSV file; - for stdout.", show_default=False),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Write a plot to this PNG, SVG or PDF file.", show_default=False),
    ] = None,
    interval_s: Annotated[
        float,
        typer.Option("--interval", help="Seconds between rows of the CSV file.", min=0.01),
    ] = 1.0,
    open_hold_s: Annotated[
        float,
        typer.Option(
            "--open-hold", help="End each open hold after this many seconds in band.", min=0.01
        ),
    ] = 60.0,
    fault: Annotated[list[str] | None, options.FAULT] = None,
) -> None:
    """Predict the pressure-time curve on the emulated press.

    Operator prompts are confirmed at once.
    """
    with errors_as_exit_codes(), tempfile.TemporaryDirectory(prefix="pressloop-") as folder:
        faults = fault or []
        read_faults(faults, "emulated")
        source = read_source(protocol)
        described = options.described(press)
        plan = check(source, options.profile_of(described))
        _check_outputs(csv, plot)
        if plan.expected_s > _LONG_S:
            err.print(
                f"[note]note[/note] simulating {rounded_duration_text(plan.expected_s)} of press "
                f"time takes about {rounded_duration_text(plan.expected_s / _SPEED)}",
                soft_wrap=True,
            )
        with (
            err.status("running on the emulated press"),
            Press.open("emulated", press=described, seed=seed) as machine,
        ):
            run = machine.start(
                source, out=folder, on_prompt=confirm_all, remote_control=False, faults=faults
            )
            _end_open_holds(run, plan, open_hold_s)
            run.result()
        record = RunRecord.open(folder)
        summary = record.summary
        frame = record.frame()
        if plot is not None:
            with writing(plot):
                plot_run(record, plot)
            err.print(f"plot in {escape(str(plot))}", soft_wrap=True)
        if csv is not None:
            # Sample by time, not by row: a long run has fewer records where nothing happened.
            slot = (frame["time_s"] / interval_s + 1e-6) // 1
            names = {stage.index: stage.name for stage in record.header.stages}
            frame["stage"] = frame["stage_id"].map(names)
            text = frame[slot != slot.shift()][_COLUMNS].to_csv(index=False, float_format="%.3f")
            if str(csv) == "-":
                out.file.write(text)
            else:
                with writing(csv):
                    csv.write_text(text, encoding="utf-8")
                err.print(f"curve in {escape(str(csv))}", soft_wrap=True)
        if csv is None or str(csv) != "-":
            out.print(chart(frame["time_s"].to_numpy(), frame["pressure_mpa"].to_numpy()))
    print_verdict(err, summary)
    err.print(end_line(summary), soft_wrap=True)
    completed = summary.end_reason == "completed"
    raise typer.Exit(ExitCode.COMPLETED if completed else ExitCode.NOT_COMPLETED)


def _end_open_holds(run: Run, plan: Plan, after_s: float) -> None:
    """End each open hold as the operator would, after `after_s` in band."""
    record_s = plan.begin.record_every / TICK_HZ
    in_band_s = {step.index: 0.0 for step in plan.sources if step.is_open}
    if not in_band_s:
        return
    err.print(
        f"[note]note[/note] each open hold ends after {duration_text(after_s)} in band",
        soft_wrap=True,
    )
    for batch in run.telemetry():
        for record in batch:
            if record.step in in_band_s and FlagBits.DWELLING in record.flags:
                in_band_s[record.step] += record_s
        for step in [step for step, held_s in in_band_s.items() if held_s >= after_s]:
            del in_band_s[step]
            run.advance(step, by="pressloop simulate --open-hold")


def _check_outputs(csv: Path | None, plot: Path | None) -> None:
    """Raise an error for a file that cannot be written, before a simulation of minutes."""
    if plot is not None and plot.suffix.lower() not in FORMATS:
        raise BadInputError(
            f"cannot plot to {plot.name}: unknown file type",
            hint=f"use a file name that ends in {', '.join(FORMATS)}",
        )
    for path in (csv, plot):
        if path is not None and str(path) != "-" and not path.absolute().parent.is_dir():
            raise BadInputError(
                f"cannot write {path}: there is no folder {path.parent}",
                hint="create the folder first, or choose another",
            )
