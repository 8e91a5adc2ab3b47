"""Going on with a run whose program ended: is it the same run, and what of it is missing."""

from __future__ import annotations

from pathlib import Path

from pressloop.errors import RecordError
from pressloop.record import RunHeader, RunRecorder
from pressloop.record.entries import events_of, start_of
from pressloop.record.journal import JournalContents
from pressloop.run.run import Run
from pressloop.session.session import Session
from pressloop.wire.schema import StepResultRequest


def is_same_boot(session: Session, header: RunHeader) -> bool:
    """Check that a board still knows the run of a record.

    Returns:
        False if the board restarted since, so that there is nothing left to go on with.

    Raises:
        RecordError: It is another board, or it has begun another run.
    """
    hello = session.hello
    if header.board.unique_id != hello.unique_id.hex():
        raise RecordError(
            f"the record is of board {header.board.unique_id}, this is {hello.unique_id.hex()}",
            hint="open the press by the serial number or port of the other board",
            code="other-board",
        )
    if header.board.boot_id != hello.boot_id:
        return False
    current = session.status().run_id.hex()
    if current != header.run_id:
        raise RecordError(
            f"the record is of run {header.run_id}, the board's last run is {current}",
            hint="the record is complete as far as it goes; its run cannot be continued",
            code="other-run",
        )
    return True


def reattach(session: Session, run: Run, recorder: RunRecorder, contents: JournalContents) -> None:
    """Follow a run again and fetch what was missed.

    To be called in the dispatcher thread, so that no record is missed.

    Args:
        session: Of the board, which still knows the run.
        run: To be begun.
        recorder: Of its record, reopened.
        contents: What the record held before.
    """
    known = start_of(contents)
    if known is None:
        # The program ended between the board's start and writing it down.
        run_first = session.status().run_first
        start_tick = session.request(StepResultRequest(0)).start_tick
        recorder.started(run_first, start_tick)
    else:
        run_first, start_tick = known.run_first, known.start_tick
    next_record = session.start_stream()
    run.begin(run_first, start_tick)
    for first, last in recorder.gaps(run_first, next_record):
        session.fetch(range(first, last + 1))
    run.monitor.poll_status()


def truth_of(contents: JournalContents) -> Path | None:
    """Return where the emulated press keeps its true state, if this run was on one."""
    for event in events_of(contents):
        if "truth" in event.data:
            return Path(event.data["truth"])
    return None
