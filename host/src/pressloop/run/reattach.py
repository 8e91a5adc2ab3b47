"""Attaches to a run whose program ended: checks that it is the same, fetches missing records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pressloop.errors import RecordError
from pressloop.record import RunHeader, RunRecorder
from pressloop.record.entries import events_of, header_of, start_of
from pressloop.record.journal import JOURNAL_NAME, JournalContents, read_journal
from pressloop.run.pause_reason import PauseReason
from pressloop.run.prompts import Asker
from pressloop.run.run import Run
from pressloop.session.session import Session
from pressloop.session.status import PressStatus
from pressloop.validation import LoadedProtocol
from pressloop.wire.schema import StepResultRequest


def reopen_run(
    session: Session,
    record_dir: Path,
    *,
    ask: Asker | None,
    on_status: Callable[[PressStatus], None] | None,
) -> tuple[Run, JournalContents]:
    """Open the record of a run again, to `reattach` to it.

    Returns:
        The run, and what its record holds so far.

    Raises:
        RecordError: There is no such record, it has ended, another program records it, or the
            board is another one or has begun another run.
    """
    path = record_dir / JOURNAL_NAME
    contents = read_journal(path)
    _require_same_run(session, header_of(contents, path))
    recorder = RunRecorder.reopen(record_dir, truth=_truth_path(contents))
    draft = LoadedProtocol.of_text(recorder.header.protocol_text, "the protocol").draft
    timeout_s = None if draft.protocol is None else draft.protocol.host_timeout_ms / 1000
    reason = PauseReason(timeout_s)
    reason.by = _paused_by(contents)
    return Run(session, recorder, ask=ask, on_status=on_status, reason=reason), contents


def reattach(session: Session, run: Run, contents: JournalContents) -> None:
    """Follow a run again and fetch the missing records; if the board restarted, record that.

    Args:
        session: Session with the board.
        run: The run that was reopened.
        contents: What its record held before.
    """
    if _is_same_boot(session, run.recorder.header):
        # In the dispatcher thread, so that no record is missed.
        session.in_order(lambda: _follow_again(session, run, contents))
    else:
        run.monitor.on_reconnect(restarted=True)


def _follow_again(session: Session, run: Run, contents: JournalContents) -> None:
    known = start_of(contents)
    if known is None:
        # The program ended after the board's start, but before it recorded the start.
        run_first = session.status().run_first
        start_tick = session.request(StepResultRequest(0)).start_tick
        run.recorder.started(run_first, start_tick)
    else:
        run_first, start_tick = known.run_first, known.start_tick
    next_record = session.start_stream()
    run.begin(run_first, start_tick)
    for first, last in run.recorder.gaps(run_first, next_record):
        session.fetch(range(first, last + 1))
    run.monitor.poll_status()


def _require_same_run(session: Session, header: RunHeader) -> None:
    """Check that a board is the one of a record, and has not begun another run."""
    hello = session.hello
    if header.board.unique_id != hello.unique_id.hex():
        raise RecordError(
            f"the record is of board {header.board.unique_id}, this is {hello.unique_id.hex()}",
            hint="open the press by the serial number or port of the record's board",
            code="other-board",
        )
    if not _is_same_boot(session, header):
        return
    current = session.status().run_id.hex()
    if current != header.run_id:
        raise RecordError(
            f"the record is of run {header.run_id}, the board's last run is {current}",
            hint="this run cannot be continued; what was recorded of it can be read",
            code="other-run",
        )


def _is_same_boot(session: Session, header: RunHeader) -> bool:
    """Return whether the board has not restarted since, so that it still knows the run."""
    return header.board.boot_id == session.hello.boot_id


def _paused_by(contents: JournalContents) -> str:
    """Return who had paused the run when its program ended; empty if it was not paused."""
    by = ""
    for event in events_of(contents):
        if event.kind == "pause":
            by = str(event.data.get("by", "operator"))
        elif event.kind == "resume":
            by = ""
    return by


def _truth_path(contents: JournalContents) -> Path | None:
    """Return the file with the true state of the emulated press; None if there is none."""
    for event in events_of(contents):
        path = event.data.get("truth")
        if isinstance(path, str):
            return Path(path)
    return None
