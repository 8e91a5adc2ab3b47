"""Writes the report of a run: one page that loads nothing, and the same as PDF.

Two printed pages. The first answers whether the cell was pressed as asked, how sure that is, and
what was different; the second says how it was pressed. On the screen every value of `run.json`
follows; the PDF has `run.json` attached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from pressloop._version import __version__
from pressloop.arguments import path_argument
from pressloop.catalogue.comparison import MIN_RUNS_FOR_FIGURES, compare_runs, same_plan
from pressloop.errors import PressloopError
from pressloop.evaluation import RunRecord, RunSummary
from pressloop.evaluation.conditions import conditions_of
from pressloop.evaluation.notes import ended_late_text, stage_notes
from pressloop.extras import needs_extra
from pressloop.reports.methods import calibration_of, methods_of
from pressloop.reports.page_figures import draw_page_figures
from pressloop.reports.questions import Answers, answers_of
from pressloop.reports.run_values import Scalar, run_values
from pressloop.sample import Sample
from pressloop.units import duration_text

_TEMPLATES: Final = Path(__file__).with_name("templates")

_MAX_PRINTED_SENTENCE: Final = 230
"""Printed characters of the verdict in words, which names every stage."""

_MAX_FINDINGS: Final = 3
"""Differences from other runs that are named."""

_MAX_PRINTED_METHODS: Final = 2600
"""Printed characters of the methods."""


@dataclass(frozen=True)
class PrintedRoom:
    """How much of what there is to say is printed; the page on the screen has all.

    Attributes:
        stages: Stages of a table; those that did not pass come first into it.
        lines: Lines of a list.
        tall: Whether the first page has room for a large picture.
    """

    stages: int
    lines: int
    tall: bool


_ROOMY: Final = PrintedRoom(stages=8, lines=7, tall=True)
_MIDDLE: Final = PrintedRoom(stages=8, lines=7, tall=False)
_DENSE: Final = PrintedRoom(stages=5, lines=3, tall=False)

_MAX_ROOMY_LINES: Final = 12
_MAX_MIDDLE_LINES: Final = 18
"""Lines of tables and lists on the first page up to which there is this much room."""


@dataclass(frozen=True)
class EventLine:
    """One event of a run as texts."""

    time: str
    kind: str
    text: str


def write_report(record: RunRecord, path: str | Path, *, beside: Sequence[RunRecord] = ()) -> Path:
    """Write the report of a run as one HTML file that loads nothing.

    Args:
        record: Of the run, finalised or not.
        path: Of the file.
        beside: Other runs of the protocol, to say what was different.

    Returns:
        The path.

    Raises:
        PressloopError: `missing-extra`.
    """
    target = path_argument(path, "path")
    target.write_text(report_html(record, beside=beside), "utf-8")
    return target


def write_report_pdf(
    record: RunRecord, path: str | Path, *, beside: Sequence[RunRecord] = ()
) -> Path:
    """Write the report of a run as PDF, with `run.json` attached.

    Args:
        record: Of the run, finalised or not.
        path: Of the file.
        beside: Other runs of the protocol, to say what was different.

    Returns:
        The path.

    Raises:
        PressloopError: `missing-extra`; `no-pango`, if the machine lacks the library that sets
            the text.
    """
    with needs_extra("reports"):
        try:
            import weasyprint  # type: ignore[import-untyped]
        except OSError as error:
            raise PressloopError(
                "PDF needs Pango, which this machine does not have",
                code="no-pango",
                hint="install it: on Debian and Ubuntu `apt install libpango-1.0-0 "
                "libpangoft2-1.0-0`; or print the page from a browser",
            ) from error

    target = path_argument(path, "path")
    text = record.summary.model_dump_json(indent=2)
    attachment = weasyprint.Attachment(
        string=text.encode(), name="run.json", description="the record of the run"
    )
    page: Any = weasyprint.HTML(string=_page(record, beside, with_values=False))
    page.write_pdf(target, attachments=[attachment])
    return target


def report_html(record: RunRecord, *, beside: Sequence[RunRecord] = ()) -> str:
    """Return the report of a run as the text of an HTML page.

    Args:
        record: Of the run, finalised or not.
        beside: Other runs of the protocol, to say what was different.

    Raises:
        PressloopError: `missing-extra`.
    """
    return _page(record, beside, with_values=True)


def _page(record: RunRecord, beside: Sequence[RunRecord], *, with_values: bool) -> str:
    with needs_extra("reports"):
        import jinja2

    summary = record.summary
    answers = answers_of(summary, in_progress=record.in_progress)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["exact"] = _exact
    environment.filters["duration"] = duration_text
    methods = methods_of(summary)
    room = _room_for(answers)
    started = datetime.fromtimestamp(summary.started_unix_time_second, timezone.utc)
    return environment.get_template("report.html").render(
        summary=summary,
        sample=summary.sample or Sample(),
        started=f"{started.astimezone():%Y-%m-%d %H:%M %Z}",
        started_utc=started.isoformat(timespec="seconds"),
        answers=answers,
        sentence_printed=_cut(answers.sentence, _MAX_PRINTED_SENTENCE, "[...]"),
        shown=_printed_stages(answers, room.stages),
        max_lines=room.lines,
        figures=draw_page_figures(record, tall=room.tall),
        methods=methods,
        methods_printed=_cut(
            methods.text, _MAX_PRINTED_METHODS, "[...] The page on the screen has the rest."
        ),
        conditions=list(_conditions(summary)),
        beside=list(_beside(record, beside)),
        notes=list(_notes(summary)),
        events=list(_events(record)),
        values=list(run_values(summary)) if with_values else [],
        version=__version__,
    )


def _printed_stages(answers: Answers, most: int) -> frozenset[int]:
    """Return which stages are printed: those that did not pass first, then from the beginning."""
    order = sorted(range(len(answers.stages)), key=lambda at: (answers.stages[at].passed, at))
    return frozenset(order[:most])


def _room_for(answers: Answers) -> PrintedRoom:
    lines = 2 * len(answers.stages) + len(answers.differences)
    lines += sum(len(stage.reasons) for stage in answers.stages)
    if lines <= _MAX_ROOMY_LINES:
        return _ROOMY
    return _MIDDLE if lines <= _MAX_MIDDLE_LINES else _DENSE


def _beside(record: RunRecord, others: Sequence[RunRecord]) -> Iterator[str]:
    """Yield in what a run differs from others; nothing without others."""
    others = [one for one in others if one.summary.run_id != record.summary.run_id]
    if not others:
        return
    comparison = compare_runs([record, *others])
    mine = [one for one in comparison.odd if one.record == record.directory]
    among = f"Beside {len(others)} other run{'s' * (len(others) > 1)}"
    if mine:
        findings = mine[0].findings[:_MAX_FINDINGS]
        yield f"{among}, this one is not like the others: {'; '.join(map(str, findings))}."
    elif len(others) + 1 >= MIN_RUNS_FOR_FIGURES:
        yield f"{among}, this one is like the others."
    else:
        unlike = sum(not same_plan(record, other) for other in others)
        plans = f"{unlike} of them with another plan" if unlike else "all with the same plan"
        yield f"{among}, {plans}: too few to tell a difference by the figures."


def _notes(summary: RunSummary) -> Iterator[tuple[str, str]]:
    """Yield what was measured of each stage, without what the first page has."""
    for stage in summary.stages:
        for note in stage_notes(stage):
            if not note.startswith("mean ") and note != ended_late_text(stage):
                yield stage.label, note


def _cut(text: str, most: int, rest: str) -> str:
    """Return a text, cut between words where it is too long, with what stands for the rest."""
    return text if len(text) <= most else f"{text[:most].rpartition(' ')[0]} {rest}"


def _conditions(summary: RunSummary) -> Iterator[tuple[str, str | None]]:
    """Yield name and text of each condition; None where the record does not say."""
    sample, conditions, header = summary.sample or Sample(), conditions_of(summary), summary.header
    rows: list[tuple[str, object, str]] = [
        ("operator", sample.operator, ""),
        ("sample", sample.name, ""),
        ("powder", sample.material or None, ""),
        ("lot", sample.lot, ""),
        ("mass", sample.mass_mg, " mg"),
        ("die", header.die_mm, " mm"),
        ("die material", conditions.die_material, ""),
        ("plungers", conditions.plunger_diameter_mm, " mm"),
        ("plunger material", conditions.plunger_material, ""),
        ("temperature", conditions.temperature_c, " °C"),
        ("atmosphere", conditions.atmosphere, ""),
        ("layers from below", ", ".join(conditions.layers) if conditions.layers else None, ""),
        ("press", header.profile.get("name"), ""),
        ("calibrated on", calibration_of(header).get("date"), ""),
    ]
    for name, value, unit in rows:
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        yield name, None if value is None else f"{shown}{unit}"


def _events(record: RunRecord) -> Iterator[EventLine]:
    table = record.table(("tick", "time_s"))
    hz = record.header.tick_hz
    start = table["tick"][0].as_py() - round(hz * table["time_s"][0].as_py()) if len(table) else 0
    for event in record.events:
        if event.kind == "note" and "truth" in event.data:
            continue
        time = ""
        if event.tick is not None:
            time = duration_text((event.tick - start) % (1 << 32) / hz, 2)
        said = [f"{event.data[key]}" for key in ("text", "answer", "reason") if event.data.get(key)]
        said += [f"by {event.data['by']}"] if event.data.get("by") else []
        said = said or [f"{key} {value}" for key, value in event.data.items()]
        yield EventLine(time, event.kind.replace("-", " "), ", ".join(said))


def _exact(value: Scalar) -> str:
    """Return a value with all its digits, as in `run.json`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else value
