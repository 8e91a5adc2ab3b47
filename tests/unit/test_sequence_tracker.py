"""Which records are missing, in any order of arrival, and how far telemetry is acknowledged."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st
from pressloop.session.acknowledge import HOLD_GRACE_S, HostProgress
from pressloop.session.sequence_tracker import SequenceTracker
from pressloop.session.telemetry import TelemetryBatch
from pressloop.wire.schema import RECORD_FORMAT, FlagBits, InputBits, State

steps = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(0, 80), st.integers(0, 20)),
        st.tuples(st.just("expect"), st.integers(0, 100), st.just(0)),
        st.tuples(st.just("mark lost"), st.integers(0, 100), st.just(0)),
        st.tuples(st.just("request"), st.integers(0, 60), st.integers(0, 20)),
    ),
    max_size=30,
)


@given(start=st.integers(0, 50), steps=steps)
def test_the_tracker_agrees_with_a_set_of_missing_numbers(
    start: int, steps: list[tuple[str, int, int]]
) -> None:
    tracker = SequenceTracker(start)
    missing: set[int] = set()
    known = start
    for kind, number, count in steps:
        if kind == "take":
            new = set(range(number, number + count))
            fresh = {n for part in tracker.mark_received(number, count) for n in part}
            if number > known:
                missing |= set(range(known, number))
                known = number
            assert fresh == (new & missing) | {n for n in new if n >= known}
            missing -= new
            known = max(known, number + count)
        elif kind == "expect":
            tracker.expect(number)
            missing |= set(range(known, number))
            known = max(known, number)
        elif kind == "mark lost":
            lost = {n for part in tracker.mark_lost(number) for n in part}
            assert lost == {n for n in missing if n < number}
            missing -= lost
        else:
            wanted = range(number, min(number + count, known))
            tracker.request(wanted)
            missing |= set(wanted)
        assert {n for gap in tracker.missing for n in gap} == missing
        assert tracker.next == known
        edges = [edge for gap in tracker.missing for edge in (gap.start, gap.stop)]
        assert edges == sorted(edges)
        assert all(tracker.missing)


def test_a_batch_is_unpacked_column_by_column() -> None:
    data = b"".join(
        struct.pack(RECORD_FORMAT, 100 + n, 250_000, 249_000, -5, 1234, 2, 1, 3, 2, 1500)
        for n in range(3)
    )
    batch = TelemetryBatch(40, data, "live", 103)
    assert len(batch) == 3
    record = batch.records[1]
    assert (record.tick, record.pressure_mpa, record.setpoint_mpa) == (101, 250.0, 249.0)
    assert record.state is State.RUNNING
    assert record.flags == FlagBits.IN_BAND | FlagBits.DWELLING
    assert record.inputs is InputBits.GUARD_OPEN
    assert batch.newest == batch.records[2]
    rest = batch.without(2)
    assert (rest.first, len(rest), rest.newest) == (42, 1, batch.newest)
    assert TelemetryBatch(40, b"", "live", 103).newest is None


class Clock:
    """A wall clock that a test moves."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_the_acknowledged_clock_follows_what_was_handled() -> None:
    ack = HostProgress(Clock())
    ack.handled(20)
    ack.handled(10)
    assert ack.tick() == 20


def test_a_hold_gives_way_to_the_wall_clock_after_its_grace() -> None:
    clock = Clock()
    ack = HostProgress(clock)
    ack.handled(100)
    hold = ack.hold()
    ack.handled(5000)
    assert ack.tick() == 100
    clock.now_s += HOLD_GRACE_S
    assert ack.tick() == 100
    clock.now_s += 2.5
    assert ack.tick() == 350
    clock.now_s += 3600
    assert ack.tick() == 5000
    hold.release()
    hold.release()
    assert ack.tick() == 5000


def test_the_oldest_of_several_holds_limits_the_clock() -> None:
    clock = Clock()
    ack = HostProgress(clock)
    early = ack.hold()
    ack.handled(100)
    late = ack.hold()
    ack.handled(200)
    assert ack.tick() == 0
    early.release()
    assert ack.tick() == 100
    late.release()
    assert ack.tick() == 200


def test_a_restarted_board_begins_at_zero() -> None:
    ack = HostProgress(Clock())
    ack.handled(100)
    ack.hold()
    ack.restart()
    ack.handled(7)
    assert ack.tick() == 7
