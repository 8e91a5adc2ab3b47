"""Reads the board's journal, which survives loss of power."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

from pressloop.errors import CommandRefusedError
from pressloop.session.session import Session
from pressloop.session.telemetry import NO_STEP
from pressloop.wire.names import wire_name
from pressloop.wire.schema import (
    EndReason,
    Fault,
    InputBits,
    JournalKind,
    JournalReadRequest,
    ResetCause,
    State,
)

# Columns as in docs/wire-reference.md, journal-read; the pressure has 24 bits.
_LAYOUT: Final = struct.Struct("<IBBBBIBHBI8sI")


@dataclass(frozen=True)
class BoardRecord:
    """One record of the board's journal.

    Attributes:
        number: Number of the record; counts on through all starts of the controller.
        kind: What it reports.
        state: State of the press.
        step: Index of the plan step; None without one.
        fault: The latched fault.
        tick: Device clock, ticks of 10 ms since the controller's start.
        inputs: States of emergency stop, guard and button.
        pressure_mpa: Reading, MPa on the pellet.
        dwell_s: Time in band of the hold in progress, s.
        run_id: Id of the run, hexadecimal; empty in records that are not of a run.
        detail: Reset cause of a start, end reason of a run, hashes before and after a change of the
            profile; else empty.
    """

    number: int
    kind: JournalKind
    state: State
    step: int | None
    fault: Fault
    tick: int
    inputs: InputBits
    pressure_mpa: float
    dwell_s: float
    run_id: str
    detail: str

    @classmethod
    def unpack(cls, packed: bytes) -> BoardRecord | None:
        """Read 32 bytes; None if they are damaged or of a kind that this version does not know."""
        if len(packed) != _LAYOUT.size:
            return None
        columns = _LAYOUT.unpack(packed)
        number, kind, state, step, fault, tick, inputs, low, high, dwell, run_id, crc = columns
        if zlib.crc32(packed[:-4]) != crc:
            return None
        kpa = low | (high << 16)
        try:
            known = JournalKind(kind)
            detail = ""
            if known is JournalKind.BOOT:
                detail = wire_name(ResetCause(state >> 4))
            elif known is JournalKind.END:
                detail = wire_name(EndReason(state >> 4))
            elif known is JournalKind.PROFILE:
                before, after = struct.unpack("<II", run_id)
                detail = f"{before:08x} to {after:08x}"
            of_run = known not in (JournalKind.BOOT, JournalKind.PROFILE)
            return cls(
                number=number,
                kind=known,
                state=State(state & 0xF),
                step=None if step == NO_STEP else step,
                fault=Fault(fault),
                tick=tick,
                inputs=InputBits(inputs),
                pressure_mpa=(kpa - (1 << 24) if kpa >> 23 else kpa) / 1000,
                dwell_s=dwell / 1000 if of_run else 0.0,
                run_id=run_id.hex() if of_run and any(run_id) else "",
                detail=detail,
            )
        except ValueError:
            return None


def read_board_journal(session: Session, most: int = 100) -> list[BoardRecord]:
    """Read the newest records of the board's journal, the newest first.

    Args:
        session: Session with the board.
        most: How many records to read at most.

    Raises:
        CommandRefusedError: `storage`: the board has no journal.
    """
    records: list[BoardRecord] = []
    back = 0
    while len(records) < most:
        try:
            packed = session.request(JournalReadRequest(back)).records
        except CommandRefusedError as refusal:
            if refusal.code == "not-held":
                break
            raise
        if not packed:
            break  # Not a reply that a board gives: it would be asked for ever.
        pieces = [packed[at : at + _LAYOUT.size] for at in range(0, len(packed), _LAYOUT.size)]
        back += len(pieces)
        records += [record for record in map(BoardRecord.unpack, pieces) if record is not None]
    return records[:most]
