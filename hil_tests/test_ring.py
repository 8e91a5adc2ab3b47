"""The board's telemetry ring: it fills holes, and what it no longer has is named exactly."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from pressloop.errors import CommandRefusedError
from pressloop.evaluation import RunRecord
from pressloop.hil.boards import HilBench
from pressloop.hil.watching import batches_of, until, watching
from pressloop.press import Press
from pressloop.session.telemetry import widened
from pressloop.wire.schema import (
    RECORD_FORMAT,
    RECORD_SIZE,
    TICK_HZ,
    BackfillRequest,
    CapabilityBits,
    HelloReply,
    State,
)

from hil_tests.protocols import RAMP, one_hold
from hil_tests.test_host_loss import lose_host

PIECE = 18
"""Most records of one backfill, with a displacement or without."""


def fetch(press: Press, first: int) -> tuple[int, bytes]:
    """Return a piece of the ring in the layout that the host uses throughout."""
    reply = press.session.request(BackfillRequest(first, PIECE))
    if press.session.hello.capabilities & CapabilityBits.DISPLACEMENT:
        return reply.first, reply.records
    return reply.first, widened(reply.records)


def test_ring_repeats_what_was_streamed(press: Press) -> None:
    streamed: dict[int, bytes] = {}
    with batches_of(press) as batches:
        for batch in batches:
            for place, _ in enumerate(batch):
                streamed[batch.first + place] = batch.data[place * RECORD_SIZE :][:RECORD_SIZE]
            if len(streamed) >= 200:
                break
    # Whole pieces: what is recorded after the last batch depends on when streaming ends.
    for first in range(min(streamed), max(streamed) - PIECE + 2, PIECE):
        begins, records = fetch(press, first)
        assert begins == first
        assert len(records) == PIECE * RECORD_SIZE
        for place in range(PIECE):
            record = records[place * RECORD_SIZE :][:RECORD_SIZE]
            assert record == streamed.get(first + place, record)


def test_idle_press_keeps_the_last_run(press: Press) -> None:
    """At rest and unwatched nothing is recorded, so the ring keeps what a lost host wants."""
    before = press.session.status()
    until(lambda: press.session.status().tick > before.tick + 50, "half a second at rest")
    assert press.session.status().next == before.next


@pytest.mark.needs("pressing")
def test_overwritten_records_are_an_exact_gap(
    bench: HilBench, board: HelloReply, tmp_path: Path
) -> None:
    """The host is away for longer than the ring lasts."""
    ring_s = board.ring_records / TICK_HZ
    protocol = one_hold(f"{ring_s + 5:.0f} s", "finish", timeout_s=60)
    lost = lose_host(bench, tmp_path, protocol, RAMP, 20)
    known = lost.left_behind().frame()
    # Somebody who only looks: the board hears a host, and nobody records.
    with bench.open_press() as other, watching(other) as watch:
        watch.until(lambda now: now.state is State.IDLE, "the end", limit_s=60 + 2 * ring_s)
    with bench.open_press() as other:
        status = other.session.status()
        oldest = status.oldest
        assert oldest > known.seq.max(), "the ring did not wrap"
        with pytest.raises(CommandRefusedError) as refusal:
            other.session.request(BackfillRequest(oldest - 1, 1))
        assert (refusal.value.code, refusal.value.detail) == ("not-held", oldest)

        _, piece = fetch(other, oldest)
        ticks = [tick for tick, *_ in struct.iter_unpack(RECORD_FORMAT, piece)]
        assert ticks == list(range(ticks[0], ticks[0] + PIECE)), "the oldest was overwritten"

    with Press.reopen(lost.record, port=bench.url) as press:
        result = press.attach(lost.record).result(60)

    summary = result.summary
    (gap,) = summary.gaps
    frame = RunRecord.open(lost.record).frame()
    held = set(frame.seq)
    # What watching the idle press overwrote meanwhile is part of the gap, and of no silence.
    assert gap.first_seq == known.seq.max() + 1
    assert oldest - 1 <= gap.last_seq < oldest + board.ring_records // 4
    assert held == set(range(frame.seq.min(), frame.seq.max() + 1)) - set(
        range(gap.first_seq, gap.last_seq + 1)
    )
    assert (frame.tick - frame.seq).nunique() == 1, "a record stands under another's number"
    assert gap.records == gap.last_seq - gap.first_seq + 1
    assert summary.end_reason == "completed"
