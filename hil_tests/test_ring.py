"""The telemetry ring fills holes in the record; what it no longer has is an exact gap."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from pressloop.errors import CommandRefusedError
from pressloop.evaluation import RunRecord
from pressloop.hil.bench import HilBench
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
"""Most records of one backfill, with displacement or without."""


def fetch(press: Press, first: int) -> tuple[int, bytes]:
    """Return a piece of the ring in the host's layout, which always has the displacement."""
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
    # Whole pieces only: how much is recorded after the last batch depends on when streaming ends.
    for first in range(min(streamed), max(streamed) - PIECE + 2, PIECE):
        begins, records = fetch(press, first)
        assert begins == first
        assert len(records) == PIECE * RECORD_SIZE
        for place in range(PIECE):
            record = records[place * RECORD_SIZE :][:RECORD_SIZE]
            assert record == streamed.get(first + place, record)


def test_idle_press_keeps_the_last_run(press: Press) -> None:
    """Without a run and a listener nothing is recorded: the ring keeps the run for a lost host."""
    before = press.session.status()
    until(lambda: press.session.status().tick > before.tick + 50, "half a second at rest")
    assert press.session.status().next == before.next


@pytest.mark.needs("pressing")
def test_overwritten_records_are_an_exact_gap(
    bench: HilBench, board: HelloReply, tmp_path: Path
) -> None:
    """The host is away for longer than the ring can hold."""
    ring_s = board.ring_records / TICK_HZ
    protocol = one_hold(f"{ring_s + 5:.0f} s", "finish", timeout_s=60)
    lost = lose_host(bench, tmp_path, protocol, RAMP, 20)
    known = lost.left_behind().frame()
    # A host that only reads the status: the board hears it, and no host records.
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
    # Records that were overwritten while the idle press was watched are part of the gap as well.
    assert gap.first_seq == known.seq.max() + 1
    assert oldest - 1 <= gap.last_seq < oldest + board.ring_records // 4
    assert held == set(range(frame.seq.min(), frame.seq.max() + 1)) - set(
        range(gap.first_seq, gap.last_seq + 1)
    )
    assert (frame.tick - frame.seq).nunique() == 1, "a record has the number of another one"
    assert gap.records == gap.last_seq - gap.first_seq + 1
    assert summary.end_reason == "completed"
