"""Finds the record of a run that goes on although its program has ended."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Final

from pressloop.errors import PressloopError
from pressloop.record import BoardIdentity
from pressloop.record.columns import SUMMARY_NAME
from pressloop.record.entries import end_of, header_of
from pressloop.record.file_lock import is_locked
from pressloop.record.journal import JOURNAL_NAME, read_journal
from pressloop.record.model import INTERRUPTED

_MAX_LOOKED_AT: Final = 30
"""Newest records that are looked at: a run that goes on is one of the last."""

_log = logging.getLogger(__name__)


def unfinished_record(runs: Path, board: BoardIdentity, run_id: str) -> Path | None:
    """Return the folder of the record of a run on this board that no program records now.

    Args:
        runs: Folder with the records.
        board: The board that is connected.
        run_id: The board's current or last run, hexadecimal.
    """
    journals = [path for path in runs.glob(f"*/{JOURNAL_NAME}") if not _is_final(path.parent)]
    journals.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for journal in journals[:_MAX_LOOKED_AT]:
        try:
            contents = read_journal(journal)
            header = header_of(contents, journal)
        except (PressloopError, OSError) as error:
            _log.info("%s is not looked at: %s", journal, error)
            continue
        mine = header.run_id == run_id and header.board.unique_id == board.unique_id
        same_boot = header.board.boot_id == board.boot_id
        if mine and same_boot and end_of(contents) is None and not is_locked(journal):
            return journal.parent
    return None


def _is_final(folder: Path) -> bool:
    """Return whether a record was completed after the end of its run."""
    try:
        summary = json.loads((folder / SUMMARY_NAME).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(summary, dict) and summary.get("end_reason") != INTERRUPTED
