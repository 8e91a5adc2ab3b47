"""`pressloop report`: write the report of a run as a page that stands alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.output import err, errors_as_exit_codes, out, writing
from pressloop.evaluation import RunRecord
from pressloop.reports import write_report, write_report_pdf


def report(
    record: Annotated[Path, options.RECORD],
    pdf: Annotated[bool, typer.Option("--pdf", help="Write PDF, with run.json attached.")] = False,
    to: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="File to write. Default: RECORD/report.html, or report.pdf.",
            show_default=False,
        ),
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option(
            "--beside",
            metavar="RUN",
            help="Another run of the protocol; can be repeated. The report says whether this one "
            "differs.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write the report of a run: one page of HTML for screen and print, or PDF.

    It has the answers to three questions (was it pressed as asked, how sure is that, what was
    different), the methods as a paper needs them, and every value of run.json. It loads nothing
    from anywhere.
    """
    with errors_as_exit_codes():
        run = RunRecord.open(record)
        as_pdf = pdf or (to is not None and to.suffix.lower() == ".pdf")
        path = to or record / ("report.pdf" if as_pdf else "report.html")
        if run.in_progress:
            err.print("[note]note[/note] the run is in progress: only what is recorded so far")
        others = [RunRecord.open(other) for other in beside or ()]
        with writing(path):
            (write_report_pdf if as_pdf else write_report)(run, path, beside=others)
    out.print(escape(str(path)), soft_wrap=True)
