"""`pressloop machine check`: what a board would say of a press file, and what the press can do."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from rich.markup import escape
from rich.table import Table

from pressloop.cli import options
from pressloop.cli.findings import print_findings
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes, out
from pressloop.emulator import description
from pressloop.emulator.description.stated import not_stated, unserved_parts
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
            press = description.load(file)
            profile = press.machine_profile()
        except BadInputError as refused:
            findings = [each for each in refused.findings if isinstance(each, Finding)]
            if not findings:
                raise
            _refuse(file, findings, as_json=as_json)
    rows = summarise(profile)
    unserved = list(unserved_parts(press))
    errors = [each for each in unserved if each.severity == "error"]
    unstated = list(not_stated(press, "warning"))
    warnings = [*unstated, *unserved]
    if errors:
        _refuse(file, errors, as_json=as_json)
    if as_json:
        dies = [asdict(row) for row in rows]
        found = [each.as_dict() for each in warnings]
        out.print_json(json.dumps({"findings": found, "name": profile.name, "dies": dies}))
        return
    print_findings(out, str(file), warnings)
    print_summary(profile, rows)
    if unstated:
        err.print(
            "[note]valid for an emulated press[/note]; a real board gets it when these values are "
            "in the file",
            soft_wrap=True,
        )
        return
    err.print(
        f"[good]valid[/good]: a board takes {escape(str(file))}; store it: "
        f"pressloop machine write {escape(str(file))}",
        soft_wrap=True,
    )


def _refuse(file: Path, findings: list[Finding], *, as_json: bool) -> NoReturn:
    """Print what is wrong, and end with the exit code of bad input."""
    if as_json:
        out.print_json(json.dumps({"findings": [each.as_dict() for each in findings]}))
    else:
        print_findings(out, str(file), findings)
        count = len(findings)
        err.print(f"[bad]{count} error{'s' * (count > 1)}[/bad] in {escape(str(file))}")
    raise typer.Exit(ExitCode.BAD_INPUT)


def _what(profile: MachineProfile) -> str:
    if profile.is_vessel:
        return f"isostatic vessel with a bore of {profile.dies_mm[0]:g} mm"
    return f"ram {profile.ram_area_cm2:g} cm2"


def print_summary(profile: MachineProfile, rows: Iterable[DieSummary]) -> None:
    """Print what a press can do with each die, and how far that is known."""
    out.print(
        f"[bold]{escape(profile.name)}[/bold]: {_what(profile)}, transducer "
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
