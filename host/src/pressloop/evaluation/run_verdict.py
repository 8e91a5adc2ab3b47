"""Says in one word whether a whole run was pressed as asked."""

from __future__ import annotations

from typing import Final, Literal

from pressloop.evaluation.summary import RunSummary
from pressloop.evaluation.verdict import verdict_rows

RunVerdict = Literal["pass", "fail", "in progress", "not judged", "unreadable"]

RUN_VERDICTS: Final[tuple[RunVerdict, ...]] = (
    "pass",
    "fail",
    "in progress",
    "not judged",
    "unreadable",
)


def run_verdict(summary: RunSummary) -> RunVerdict:
    """Return `pass` only if the run completed, nothing is missing and every stage passed.

    By the reading, as for each stage. A completed run without a pressing stage is `not judged`.
    """
    if not summary.complete:
        return "fail"
    readings = [row for row in verdict_rows(summary) if row.source == "reading"]
    if not readings:
        return "not judged"
    return "pass" if all(row.passed for row in readings) else "fail"
