"""`pressloop runs`: find recorded runs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape
from rich.text import Text

from pressloop.catalogue import Catalogue, CatalogueEntry, RunSearch
from pressloop.catalogue.listing import listed_run
from pressloop.cli.output import err, errors_as_exit_codes, out

_STYLES: Final = {"pass": "good", "fail": "bad", "in progress": "note", "unreadable": "bad"}

_VERDICT: Final = 13
_MOMENT: Final = len("2026-11-28 15:20")
_INDENT: Final = " " * (_MOMENT + 2)


def runs(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where the records are, at any depth.")
    ] = Path("runs"),
    sample: Annotated[str, typer.Option(help="Part of the sample's name or material.")] = "",
    protocol: Annotated[str, typer.Option(help="Part of the protocol's name.")] = "",
    verdict: Annotated[
        str, typer.Option(help="pass, fail, 'in progress', 'not judged' or unreadable.")
    ] = "",
    operator: Annotated[str, typer.Option(help="Part of the operator's name.")] = "",
    lot: Annotated[str, typer.Option(help="Part of the lot.")] = "",
    since: Annotated[str, typer.Option(help="First day, as 2026-11-28.")] = "",
    until: Annotated[str, typer.Option(help="Last day.")] = "",
    simulated: Annotated[
        bool | None,
        typer.Option("--simulated/--real", help="Only simulated runs, or only real ones."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print as JSON, with every stage.")
    ] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Read every record again, changed or not.")
    ] = False,
) -> None:
    """Find recorded runs by sample, protocol, verdict, date, operator or lot."""
    with errors_as_exit_codes():
        wanted = RunSearch(
            sample=sample,
            protocol=protocol,
            verdict=verdict,
            operator=operator,
            lot=lot,
            since=since,
            until=until,
            simulated=simulated,
        )
        with Catalogue.open(folder, rebuild=rebuild) as catalogue:
            found = catalogue.search(wanted)
    if as_json:
        out.print_json(json.dumps([asdict(entry) for entry in found]))
        return
    if not found:
        err.print(f"no run below {escape(str(folder))} matches", soft_wrap=True)
        return
    for entry in found:
        _print(folder, entry)


def _print(folder: Path, entry: CatalogueEntry) -> None:
    """Print a run on two lines; to a pipe on one, with tabs."""
    run = listed_run(entry)
    place = str(folder / run.folder)
    if not out.is_terminal:
        fields = [run.moment, run.verdict, run.kind, place, run.about, run.problem]
        print("\t".join(" ".join(field.split()) for field in fields), file=out.file)
        return
    line = Text(f"{run.moment.ljust(_MOMENT)}  ")
    line.append(run.verdict.ljust(_VERDICT), _STYLES.get(run.verdict, ""))
    line.append(place)
    if entry.simulated:
        line.append("  SIMULATED", "note")
    out.print(line, soft_wrap=True)
    out.print(Text(f"{_INDENT}{run.about}", "dim"), soft_wrap=True)
    if run.problem:
        out.print(Text(f"{_INDENT}{run.problem}", "note"), soft_wrap=True)
