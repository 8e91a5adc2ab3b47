"""`pressloop export`: give a run to other programs, as CSV, Excel, MCAP or a notebook's archive."""

from __future__ import annotations

import locale
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.output import err, errors_as_exit_codes, out, writing
from pressloop.errors import BadInputError
from pressloop.evaluation import RunRecord
from pressloop.reports import export_csv, export_eln, export_mcap, export_xlsx


def export(
    record: Annotated[Path, options.RECORD],
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Telemetry and stages as two CSV files.")
    ] = False,
    as_xlsx: Annotated[
        bool, typer.Option("--xlsx", help="An Excel workbook: run, stages, telemetry.")
    ] = False,
    as_mcap: Annotated[
        bool, typer.Option("--mcap", help="Channels for Foxglove, PlotJuggler and the like.")
    ] = False,
    as_eln: Annotated[
        bool, typer.Option("--eln", help="The whole record for an electronic lab notebook.")
    ] = False,
    to: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="File to write. Default: in the folder RECORD.", show_default=False
        ),
    ] = None,
    separator: Annotated[
        str | None,
        typer.Option(
            help="Of the columns of a CSV file: one character, or 'tab'. Default: a comma, or a "
            "semicolon with decimal commas.",
            show_default=False,
        ),
    ] = None,
    decimal: Annotated[
        str, typer.Option(help="Decimal sign of a CSV file: '.', ',' or 'local'.")
    ] = ".",
) -> None:
    """Export a run as CSV, Excel, MCAP or archive for a lab notebook (.eln).

    Prints the paths of what was written. The record is not changed.
    """
    with errors_as_exit_codes():
        run = RunRecord.open(record)
        writers: dict[str, Callable[[Path], tuple[Path, ...]]] = {}
        if as_csv:
            sign = _separator(separator)
            point = _local_decimal() if decimal == "local" else decimal
            writers["telemetry.csv"] = lambda path: export_csv(
                run, path, separator=sign, decimal=point
            )
        if as_xlsx:
            writers["run.xlsx"] = lambda path: (export_xlsx(run, path),)
        if as_mcap:
            writers["run.mcap"] = lambda path: (export_mcap(run, path),)
        if as_eln:
            name = record.resolve().name or "run"
            writers[f"{name}.eln"] = lambda path: (export_eln(run, path),)
        _require_one(writers, to)
        if run.in_progress:
            err.print("[note]note[/note] the run is in progress: only what is recorded so far")
        written: list[Path] = []
        for name, write in writers.items():
            path = to or record / name
            with writing(path):
                written += write(path)
    for path in written:
        out.print(escape(str(path)), soft_wrap=True)


def _require_one(writers: Mapping[str, object], to: Path | None) -> None:
    if not writers:
        raise BadInputError(
            "no format was chosen",
            hint="choose one or several of --csv, --xlsx, --mcap, --eln",
            code="no-format",
        )
    if to is not None and len(writers) > 1:
        raise BadInputError(
            "--out names one file, and several formats were chosen",
            hint="leave --out out: each format then gets its file in the folder of the record",
            code="one-file",
        )


def _separator(text: str | None) -> str | None:
    return "\t" if text in ("tab", "\\t") else text


def _local_decimal() -> str:
    """Return the decimal sign of this computer's language."""
    try:
        locale.setlocale(locale.LC_NUMERIC, "")
        sign = str(locale.localeconv()["decimal_point"])
    except locale.Error:
        return "."
    finally:
        locale.setlocale(locale.LC_NUMERIC, "C")
    return sign if sign in (".", ",") else "."
