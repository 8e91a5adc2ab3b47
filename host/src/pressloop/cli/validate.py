"""`pressloop validate`: check a protocol, and whether a press can run it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.findings import print_findings, read_source
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes, out
from pressloop.plan import compile_plan
from pressloop.units import pressure_text, rounded_duration_text
from pressloop.validation import Validation, validate_loaded
from pressloop.validation.check_channels import comparison_text


def validate(
    protocol: Annotated[Path, options.PROTOCOL],
    press: Annotated[Path | None, options.PRESS] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check a protocol against a press, without a board.

    Exits with 0 if the protocol is valid, with 2 if it has errors.
    """
    with errors_as_exit_codes():
        profile = options.profile_of(options.described(press))
        source = read_source(protocol)
        result = validate_loaded(source, profile)
    if as_json:
        out.print_json(json.dumps(result.as_dict()))
    else:
        print_findings(out, source.name, result.findings)
        _print_conclusion(source.name, result, profile.name)
        if not result.errors:
            plan = compile_plan(result.checked(), profile)
            highest_kpa = max(step.target_kpa for step in plan.sources)
            stages = "stage" if len(plan.stages) == 1 else "stages"
            out.print(
                f"{len(plan.stages)} {stages}, {len(plan.steps)} steps, "
                f"at least {rounded_duration_text(plan.expected_s)}, up to "
                f"{pressure_text(highest_kpa, plan.protocol.die_um or None)}"
            )
            if result.comparison is not None:
                targets = [step.target_kpa for step in plan.sources if step.target_kpa]
                lowest_kpa = min(targets, default=None)
                rates = [
                    plan.begin.vent_rate_kpa_s,
                    *(step.rate_kpa_s or 0 for step in plan.sources),
                ]
                text = comparison_text(
                    result.comparison, plan.protocol.die_um, lowest_kpa, max(rates)
                )
                out.print(text, soft_wrap=True)
            if result.calibration is not None:
                out.print(escape(result.calibration.sentence), soft_wrap=True)
    raise typer.Exit(ExitCode.BAD_INPUT if result.errors else ExitCode.COMPLETED)


def _print_conclusion(name: str, result: Validation, press_name: str) -> None:
    errors, warnings = len(result.errors), len(result.warnings)
    if errors:
        err.print(f"[bad]{errors} error{'s' * (errors > 1)}[/bad] in {name}")
    elif warnings:
        err.print(f"[note]valid, with {warnings} warning{'s' * (warnings > 1)}[/note]: {name}")
    else:
        err.print(f"[good]valid[/good] for {press_name}: {name}")
