"""Writes what the bench of faults has found: a table by kind, and every line that fails."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np

from pressloop_bench.faults.fault_case import FaultCase
from pressloop_bench.faults.judge import Judgement
from pressloop_bench.faults.promises import LIMITS

_NAMES: Final = 3


@dataclass(frozen=True)
class Result:
    """A case and what its run showed."""

    case: FaultCase
    judgement: Judgement
    struck: bool

    @property
    def kind(self) -> str:
        """Name of the kind, "sound" without a fault."""
        return "sound" if self.case.kind is None else self.case.kind.name


@dataclass(frozen=True)
class Stored:
    """What a run of an earlier bench has shown, from its JSON."""

    kind: str
    judgement: Judgement


def stored(files: Iterable[Path]) -> list[Stored]:
    """Read what benches wrote with `--json`."""
    rows = [row for file in files for row in json.loads(file.read_text("utf-8"))]
    names = [one.name for one in fields(Judgement)]
    return [Stored(row["kind"], Judgement(**{name: row[name] for name in names})) for row in rows]


HEADER: Final = (
    "class",
    "kind",
    "runs",
    "most beyond, MPa",
    "allowed, MPa",
    "told after, s: median / longest",
    "promised, s",
    "not told",
    "short dwell called completed",
    "break a promise",
    "named",
)


def table(results: Sequence[Result | Stored]) -> str:
    """Return the Markdown table of limits: a row per kind of fault and class of limits.

    `most beyond` is how far the true pressure was above the target of a hold, or above the ceiling
    before it, at the most since the fault; `allowed` is the limit of that run. The time is that
    from the first effect of the fault that could be seen.
    """
    lines = ["| " + " | ".join(HEADER) + " |", "|" + "---|" * len(HEADER)]
    for fault_class in LIMITS:
        of_class = [one for one in results if one.judgement.fault_class == fault_class]
        for number, kind in enumerate(sorted({one.kind for one in of_class})):
            of_kind = [one for one in of_class if one.kind == kind]
            lines.append(_row("" if number else fault_class, fault_class, kind, of_kind))
    return "\n".join(lines)


def failing_lines(results: Sequence[Result], command: str) -> list[str]:
    """Return a line per failing run, each with the command that runs it again."""
    return [
        f"{one.case.case.name}, {one.case.channels} ch, {one.case.text} in "
        f"{'second ' if one.case.again else ''}{one.case.stage}: "
        f"{'; '.join(one.judgement.problems)} [{one.judgement.name}]\n"
        f"    {command} --seed {one.case.seed} --case {one.case.number}"
        for one in results
        if one.judgement.problems
    ]


def _row(label: str, fault_class: str, kind: str, results: Sequence[Result | Stored]) -> str:
    judged = [one.judgement for one in results]
    limit = LIMITS[fault_class]
    most = max(judged, key=lambda one: one.beyond_mpa)
    reactions = [one.reaction_s for one in judged if one.reaction_s is not None]
    finite = [one for one in reactions if one != np.inf]
    names = Counter(one.name for one in judged).most_common(_NAMES)
    cells = [
        label,
        kind,
        str(len(judged)),
        f"{most.beyond_mpa:.1f}",
        f"{most.allowed_mpa:.1f}" if limit.judged else "-",
        f"{np.median(finite):.2f} / {max(finite):.2f}" if finite else "-",
        "-" if limit.told_s is None else f"{limit.told_s:g}",
        str(len(reactions) - len(finite)),
        str(sum(one.claims_wrongly for one in judged)),
        str(sum(bool(one.problems) for one in judged)),
        ", ".join(f"{name} {count}" for name, count in names),
    ]
    return "| " + " | ".join(cells) + " |"
