"""`pressloop simulate`: what would a press do? The firmware itself, on the emulated press."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from pressloop.cli import options
from pressloop.cli.chart import chart
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes, out
from pressloop.cli.run import _check_first
from pressloop.cli.verdict import end_line, print_verdict
from pressloop.plotting import plot_run
from pressloop.press import Press
from pressloop.prompts import confirm_all
from pressloop.record import RunRecord

_COLUMNS = ["time_s", "stage", "setpoint_mpa", "pressure_mpa", "true_pressure_mpa"]


def simulate(
    protocol: Annotated[Path, options.PROTOCOL],
    press: Annotated[Path | None, options.PRESS] = None,
    seed: Annotated[int, options.SEED] = 1,
    csv: Annotated[
        Path | None, typer.Option(help="Write the curve here; - for stdout.", show_default=False)
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Plot to this PNG, SVG or PDF.", show_default=False)
    ] = None,
    interval_s: Annotated[
        float, typer.Option("--interval", help="Seconds between rows of the CSV.", min=0.01)
    ] = 1.0,
) -> None:
    """Predict the pressure-time curve without a board; prompts are answered at once."""
    with errors_as_exit_codes(), tempfile.TemporaryDirectory(prefix="pressloop-") as folder:
        _check_first(protocol, press)
        with (
            err.status("pressing the emulated press"),
            Press.open("emulated", press=press, seed=seed) as machine,
        ):
            machine.run(protocol, out=folder, on_prompt=confirm_all)
        record = RunRecord.open(folder)
        summary = record.summary
        frame = record.frame()
        if plot is not None:
            plot_run(record, plot)
            err.print(f"plot in {plot}", soft_wrap=True)
        if csv is not None:
            every = max(1, round(interval_s / record.header.record_interval_s))
            names = {stage.index: stage.name for stage in record.header.stages}
            frame["stage"] = frame["stage_id"].map(names)
            text = frame.iloc[::every][_COLUMNS].to_csv(index=False, float_format="%.3f")
            if str(csv) == "-":
                out.file.write(text)
            else:
                csv.write_text(text, encoding="utf-8")
                err.print(f"curve in {csv}", soft_wrap=True)
        if csv is None or str(csv) != "-":
            out.print(chart(frame["time_s"].to_numpy(), frame["pressure_mpa"].to_numpy()))
    print_verdict(err, summary)
    err.print(end_line(summary))
    completed = summary.end_reason == "completed"
    raise typer.Exit(ExitCode.COMPLETED if completed else ExitCode.NOT_COMPLETED)
