"""Findings of the validation, for people."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape

from pressloop.findings import Finding


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
            console.print(f"    [note]try[/note] {escape(finding.hint)}", soft_wrap=True)
