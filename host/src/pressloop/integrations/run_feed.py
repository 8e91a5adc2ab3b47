"""Publishes one run from its folder: every entry of the journal, the newest state, the result.

The folder is the truth and is only read: the publisher can neither disturb a run nor lose one. It
may be started before, during or long after the run.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

from pressloop.errors import RecordError
from pressloop.integrations.journal_messages import columns_of, message_of
from pressloop.integrations.mqtt_publisher import MqttPublisher
from pressloop.integrations.published_position import PublishedPosition
from pressloop.record.columns import SUMMARY_NAME
from pressloop.record.entries import header_of
from pressloop.record.entry_form import EntryKind
from pressloop.record.file_lock import is_locked
from pressloop.record.journal import JOURNAL_NAME, JournalContents
from pressloop.record.journal_tail import JournalTail, TailEntry
from pressloop.record.model import INTERRUPTED, RunHeader
from pressloop.record.pending import PENDING_NAMES
from pressloop.wire.schema import RECORD_SIZE

STATE_SCHEMA: Final = "pressloop.state/1"

_STATE_INTERVAL_S: Final = 1.0
_SAVE_INTERVAL_S: Final = 0.5
_MAX_RESULT_WAIT_S: Final = 30.0
"""Time for which the result of a run that has ended is waited for; it may never be made."""


class RunFeed:
    """Publishes one run, step by step, below `TOPIC/BOARD`; BOARD is the id of the board.

    `.../journal` has every entry of the journal, `.../state` (retained) the newest reading and how
    the run stands, `.../result` (retained) the content of run.json.
    """

    def __init__(self, folder: Path, publisher: MqttPublisher, positions: Path) -> None:
        """Continue where this run was left.

        Raises:
            RecordError: `no-record`, or another one if the header cannot be read.
            PressloopError: `already-published`.
        """
        self.folder = folder
        self._publisher = publisher
        journal = folder / JOURNAL_NAME
        first = JournalTail(journal).read()
        self.header: RunHeader = header_of(
            JournalContents([one.content for one in first[:1]], [], 0), journal
        )
        destination = f"{publisher.broker}/{publisher.topic}"
        self._position = PublishedPosition(positions, destination, self.header.run_id)
        self._tail = JournalTail(journal, self._position.offset)
        self._unsent: list[TailEntry] = []
        self._pending_tails = [JournalTail(folder / name) for name in PENDING_NAMES]
        self._newest: dict[str, Any] = {}
        self._newest_tick = -1
        self._start_tick: int | None = None
        self._end: dict[str, Any] | None = None
        self._end_seen_s: float | None = None
        self._state: dict[str, Any] = {}
        self._state_s = self._save_s = float("-inf")
        self._result_queued = False
        self._dirty = False
        self._outstanding = 0
        self.recording = True
        self._look_back()

    @property
    def topic(self) -> str:
        """Topic of the board of this run, below the first part."""
        return self.header.board.unique_id

    @property
    def done(self) -> bool:
        """Whether the broker has everything of a run that has ended."""
        return self._position.done

    @property
    def interrupted(self) -> bool:
        """Whether the broker has all there is of a run that no program records and that has no end.

        `pressloop attach` may add to it later.
        """
        return not (self.recording or self._end or self._unsent or self._outstanding)

    def step(self) -> bool:
        """Publish what there is room for.

        Returns:
            Whether there is more to publish at once.

        Raises:
            RecordError: `record-replaced`, `record-unreadable`.
        """
        if not self._unsent and self._publisher.room > 0:
            # Before the journal is read, so that an end cannot slip in between.
            self.recording = is_locked(self.folder / JOURNAL_NAME) is not False
            self._unsent = self._tail.read()
        while self._unsent and self._publisher.room > 0:
            entry = self._unsent.pop(0)
            self._look_at(entry)
            self._publish(
                "journal",
                _json(message_of(entry, self.header.run_id)),
                ("entry", entry.stop, entry.content.get("kind") == EntryKind.END),
            )
        if self._publisher.room > 0:
            self._publish_state()
            self._publish_result()
        self._save()
        return bool(self._unsent) and self._publisher.room > 0

    def _publish(
        self, topic: str, payload: bytes | str, what: tuple[Any, ...], *, retain: bool = False
    ) -> None:
        self._outstanding += 1
        self._publisher.publish(f"{self.topic}/{topic}", payload, tag=(self, what), retain=retain)

    def note_acknowledged(self, what: tuple[Any, ...]) -> None:
        """Note that the broker has a message of this feed; `what` is the second part of its tag."""
        self._outstanding -= 1
        kind, *rest = what
        if kind == "entry":
            self._position.offset, ended = rest
            self._position.ended = self._position.ended or ended
            self._dirty = True
        elif kind == "result":
            self._position.result_sent = True
            self._dirty = True

    def close(self) -> None:
        """Keep the position."""
        try:
            self._save(at_once=True)
        finally:
            self._position.close()

    # --- the state

    def _look_back(self) -> None:
        """Learn start and end from what was published before."""
        if self._position.offset:
            earlier = JournalTail(self.folder / JOURNAL_NAME)
            while earlier.position < self._position.offset and (entries := earlier.read()):
                for entry in entries:
                    if entry.stop <= self._position.offset:
                        self._look_at(entry)

    def _look_at(self, entry: TailEntry) -> None:
        content = entry.content
        match content.get("kind"):
            case EntryKind.START:
                self._start_tick = content["start_tick"]
            case EntryKind.END:
                self._end, self._end_seen_s = content, time.monotonic()
            case EntryKind.TELEMETRY | EntryKind.INTERVAL if content["records"]:
                newest = columns_of(content["records"][-RECORD_SIZE:])
                if newest["tick"][0] > self._newest_tick:
                    self._newest = {name: values[0] for name, values in newest.items()}
                    self._newest_tick = newest["tick"][0]

    def _publish_state(self) -> None:
        """Publish the newest reading if it has changed, at most once a second."""
        now_s = time.monotonic()
        if now_s - self._state_s < _STATE_INTERVAL_S and self._end is None:
            return
        self._state_s = now_s
        for tail in self._pending_tails:
            self._look_at_pending(tail)
        state = self._describe_state()
        if state != self._state:
            self._state = state
            document = {**state, "published_unix_time_second": time.time()}
            self._publish("state", _json(document), ("state",), retain=True)

    def _look_at_pending(self, tail: JournalTail) -> None:
        """Read the newest records, which are not in the journal yet; the files are emptied."""
        try:
            while entries := tail.read():
                self._look_at(entries[-1])
        except RecordError as error:
            if error.code == "record-replaced":
                tail.position = 0
            elif tail.path.exists():
                raise

    def _describe_state(self) -> dict[str, Any]:
        header, newest = self.header, self._newest
        step = newest.get("step_id")
        stage = None if step is None else header.stage_of_step(step)
        end_reason = None
        if self._end is not None:
            end_reason = self._end["end_reason"]
        elif not self.recording:
            end_reason = INTERRUPTED
        since_start_s = None
        if self._start_tick is not None and newest:
            since_start_s = (newest["tick"] - self._start_tick) / header.tick_hz
        return {
            "schema_name": STATE_SCHEMA,
            "run_id": header.run_id,
            "protocol_name": header.protocol_name,
            "simulated": header.simulated,
            "recording": self.recording and self._end is None,
            "end_reason": end_reason,
            "fault": None if self._end is None else self._end["fault"],
            "stage": None if stage is None else stage.name,
            "time_s": since_start_s,
            **{name: newest.get(name) for name in _STATE_COLUMNS},
        }

    # --- the result

    def _publish_result(self) -> None:
        """Publish run.json once it is there; a run may have ended without one."""
        if self._end is None or self._unsent or self._result_queued or self._position.result_sent:
            return
        summary = self.folder / SUMMARY_NAME
        if summary.exists():
            self._result_queued = True
            self._publish("result", summary.read_bytes(), ("result",), retain=True)
        elif time.monotonic() - (self._end_seen_s or 0.0) > _MAX_RESULT_WAIT_S:
            self._position.result_sent = self._dirty = True

    def _save(self, *, at_once: bool = False) -> None:
        now_s = time.monotonic()
        due = now_s - self._save_s >= _SAVE_INTERVAL_S or self._position.done
        if self._dirty and (due or at_once):
            self._position.save()
            self._dirty, self._save_s = False, now_s


def _json(document: object) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


_STATE_COLUMNS: Final = (
    "state",
    "pressure_mpa",
    "setpoint_mpa",
    "displacement_mm",
    "output_percent",
    "step_id",
    "flags",
    "inputs",
)
