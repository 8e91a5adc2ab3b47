"""Says which runs of a catalogue are wanted, as a condition in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pressloop.errors import BadInputError
from pressloop.evaluation.run_verdict import RUN_VERDICTS


@dataclass(frozen=True)
class RunSearch:
    """What a run must have to be listed; None and empty texts leave it open.

    Texts are parts of names, in any case. Dates are of the local time of this computer.

    Attributes:
        sample: Part of the sample's name or of its material.
        verdict: `pass`, `fail`, `in progress`, `not judged` or `unreadable`.
        since: First day, or moment, as `2026-11-28` or `2026-11-28 14:30`.
        until: Last day, which counts whole, or last moment.
        simulated: Whether only simulated runs are wanted, or only real ones.
    """

    sample: str = ""
    protocol: str = ""
    verdict: str = ""
    operator: str = ""
    lot: str = ""
    since: str = ""
    until: str = ""
    simulated: bool | None = None

    def condition(self) -> tuple[str, list[object]]:
        """Return the condition of SQL's WHERE, and its values.

        Raises:
            BadInputError: `bad-date` or `bad-choice`.
        """
        parts = ["1"]
        values: list[object] = []
        for text, columns in (
            (self.sample, ("sample", "material")),
            (self.protocol, ("protocol",)),
            (self.operator, ("operator",)),
            (self.lot, ("lot",)),
        ):
            if text:
                parts.append(" OR ".join(f"instr(lower({name}), lower(?))" for name in columns))
                values += [text] * len(columns)
        if self.verdict:
            parts.append("verdict = ?")
            values.append(_known_verdict(self.verdict))
        if self.since:
            parts.append("started_unix_time_second >= ?")
            values.append(_moment(self.since, end_of_day=False))
        if self.until:
            parts.append("started_unix_time_second < ?")
            values.append(_moment(self.until, end_of_day=True))
        if self.simulated is not None:
            parts.append("simulated = ?")
            values.append(self.simulated)
        return " AND ".join(f"({part})" for part in parts), values


def _known_verdict(text: str) -> str:
    if text not in RUN_VERDICTS:
        raise BadInputError(
            f"{text!r} is no verdict of a run",
            hint=f"choices: {', '.join(RUN_VERDICTS)}",
            code="bad-choice",
        )
    return text


def _moment(text: str, *, end_of_day: bool) -> float:
    try:
        moment = datetime.fromisoformat(text)
        if end_of_day and len(text) <= len("2026-11-28"):
            moment += timedelta(days=1)
        return moment.timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise BadInputError(
            f"{text!r} is no date",
            hint="write it as 2026-11-28, or with a time as '2026-11-28 14:30'",
            code="bad-date",
        ) from error
