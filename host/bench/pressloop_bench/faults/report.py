"""Writes what the bench of faults has found: a table by kind, and every line that fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pressloop_bench.faults.fault_case import FaultCase
from pressloop_bench.faults.judge import LIMITS, Judgement

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


def table(results: Sequence[Result]) -> str:
    """Return a table in the shape of the promised limits: one row per class and kind."""
    lines = [
        "| class | kind | runs | failing | worst beyond, MPa (allowed) "
        "| told after, s: median / worst | not told | wrong claims | told as |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for fault_class in LIMITS:
        of_class = [one for one in results if one.judgement.fault_class == fault_class]
        kinds = sorted({one.kind for one in of_class})
        if len(kinds) > 1:
            lines.append(_row(fault_class, "all", of_class))
        lines += [
            _row(
                "" if len(kinds) > 1 else fault_class, kind, [r for r in of_class if r.kind == kind]
            )
            for kind in kinds
        ]
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


def _row(fault_class: str, kind: str, results: Sequence[Result]) -> str:
    judged = [one.judgement for one in results]
    worst = max(judged, key=lambda one: one.beyond_mpa - one.allowed_mpa)
    reactions = [one.reaction_s for one in judged if one.reaction_s is not None]
    finite = [one for one in reactions if one != np.inf]
    told = f"{np.median(finite):.2f} / {max(finite):.2f}" if finite else "-"
    names = Counter(one.name for one in judged).most_common(_NAMES)
    cells = [
        fault_class,
        kind,
        str(len(judged)),
        str(sum(bool(one.problems) for one in judged)),
        f"{worst.beyond_mpa:.0f} ({worst.allowed_mpa:.0f})",
        told,
        str(len(reactions) - len(finite)),
        str(sum(one.claims_wrongly for one in judged)),
        ", ".join(f"{name} {count}" for name, count in names),
    ]
    return "| " + " | ".join(cells) + " |"
