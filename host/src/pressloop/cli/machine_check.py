"""`pressloop machine check`: what a board would say of a press file, and what the press can do."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape
from rich.table import Table

from pressloop.cli import options
from pressloop.cli.findings import print_findings
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes, out
from pressloop.emulator import description
from pressloop.errors import BadInputError
from pressloop.findings import Finding
from pressloop.machine.profile import MachineProfile
from pressloop.machine.summary import DieSummary, summarise

_HEADINGS: Final = (
    "die",
    "force",
    "limit MPa",
    "MPa/bar",
    "transducer",
    "channels",
    "tolerance",
    "MPa/s",
)


def machine_check(
    file: Annotated[Path, options.PRESS_FILE],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check a press file as the board would, and show what the press can do with each die.

    Exits with 0 if a board takes it, with 2 if not.
    """
    with errors_as_exit_codes():
        try:
            profile = description.load(file).machine_profile()
        except BadInputError as refused:
            findings = [each for each in refused.findings if isinstance(each, Finding)]
            if not findings:
                raise
            if as_json:
                out.print_json(json.dumps({"findings": [each.as_dict() for each in findings]}))
            else:
                print_findings(out, str(file), findings)
                count = len(findings)
                err.print(f"[bad]{count} error{'s' * (count > 1)}[/bad] in {escape(str(file))}")
            raise typer.Exit(ExitCode.BAD_INPUT) from refused
    rows = summarise(profile)
    if as_json:
        dies = [asdict(row) for row in rows]
        out.print_json(json.dumps({"findings": [], "name": profile.name, "dies": dies}))
        return
    print_summary(profile, rows)
    err.print(
        f"[good]valid[/good]: a board takes {escape(str(file))}; store it: "
        f"pressloop machine write {escape(str(file))}",
        soft_wrap=True,
    )


def print_summary(profile: MachineProfile, rows: Iterable[DieSummary]) -> None:
    """Print what a press can do with each die, and how far that is known."""
    out.print(
        f"[bold]{escape(profile.name)}[/bold]: ram {profile.ram_area_cm2:g} cm2, transducer "
        f"{profile.full_scale_bar:g} bar, {profile.accuracy_percent:g} % of it, at most "
        f"{profile.max_oil_bar:g} bar of oil",
        soft_wrap=True,
    )
    table = Table(box=None, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            f"{row.die_mm:g} mm",
            row.force,
            f"{row.limit_mpa:.0f}" if row.limit_mpa >= 100 else f"{row.limit_mpa:.3g}",
            f"{row.mpa_per_bar:.3g}",
            f"+-{row.transducer_mpa:.3g}",
            "one" if row.channels_mpa is None else f"+-{row.channels_mpa:.3g}",
            f"+-{row.tolerance_mpa:.3g}",
            f"{row.fastest_rise_mpa_s:.3g}",
        )
    out.print(table)
    out.print(
        "[dim]In MPa on the pellet: error of the transducer, difference of both channels at which "
        "the board trips at the limit, least tolerance; fastest ramp.[/dim]",
        soft_wrap=True,
    )
    if profile.single_channel:
        out.print(
            "[note]Single channel: nothing bounds a wrong reading of the transducer.[/note]",
            soft_wrap=True,
        )
    if profile.converter is None:
        out.print(
            "[dim]Without transducer.converter in the file, half a step of the board's converter "
            "is not in the smallest tolerance.[/dim]",
            soft_wrap=True,
        )
    if profile.tuning_residual_percent is None:
        out.print(
            "[dim]Not tuned: dead bands, compliance and leak are those of the data sheet, until "
            "`pressloop tune`.[/dim]",
            soft_wrap=True,
        )
