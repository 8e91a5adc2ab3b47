"""Prints the findings of the validation."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape

from pressloop.cli.output import err
from pressloop.errors import BadInputError
from pressloop.findings import Finding
from pressloop.machine.profile import MachineProfile
from pressloop.plan import Plan, compile_plan
from pressloop.validation import LoadedProtocol, validate_loaded
from pressloop.yaml.parse import MAX_BYTES

STANDARD_INPUT: Final = "standard input"
"""Name of a protocol that was given as `-`."""


def read_source(protocol: Path) -> LoadedProtocol:
    """Read a protocol file, or standard input if the path is `-`, once.

    Raises:
        BadInputError: The file cannot be read.
    """
    if str(protocol) != "-":
        return LoadedProtocol.of_file(protocol)
    return LoadedProtocol.of_bytes(sys.stdin.buffer.read(MAX_BYTES + 1), STANDARD_INPUT)


def check(
    protocol: LoadedProtocol, profile: MachineProfile, *, quiet: bool = False, real: bool = False
) -> Plan:
    """Print what the validation finds, with line and column, and return the plan.

    Args:
        protocol: The protocol file, as it was read.
        profile: Machine profile of the press that is to run it.
        quiet: Leave out warnings, which were printed before.
        real: Whether the profile is that of a board with a real press.

    Raises:
        BadInputError: The protocol has errors.
    """
    result = validate_loaded(protocol, profile, real=real)
    if result.errors or not quiet:
        print_findings(err, protocol.name, result.findings)
    if result.errors:
        count = len(result.errors)
        raise BadInputError(
            f"{protocol.name} has {count} error{'s' * (count > 1)}, nothing was pressed",
            hint=f"correct {'them' if count > 1 else 'it'}, then: "
            f"pressloop validate {'-' if protocol.name == STANDARD_INPUT else protocol.name}",
        )
    return compile_plan(result.checked(), profile)


def print_findings(console: Console, source: str, findings: Iterable[Finding]) -> None:
    """Print each finding as `file:line:column severity path`, message and hint."""
    for finding in findings:
        style = "bad" if finding.severity == "error" else "note"
        place = source
        if finding.line is not None:
            place += f":{finding.line}"
            if finding.column is not None:
                place += f":{finding.column}"
        console.print(
            f"{escape(place)} [{style}]{finding.severity}[/{style}] "
            f"[bold]{escape(finding.path)}[/bold] [dim]({finding.code})[/dim]",
            soft_wrap=True,
        )
        console.print(f"    {escape(finding.message)}", soft_wrap=True)
        if finding.hint:
            console.print(f"    [note]hint[/note] {escape(finding.hint)}", soft_wrap=True)
