"""Telemetry is in order, complete or with exact gaps, and acknowledged after the reaction to it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable
from typing import cast

import pytest
from pressloop import errors
from pressloop.session.acknowledge import HEARTBEAT_S
from pressloop.session.connection import Link
from pressloop.session.listeners import Listener
from pressloop.session.session import Session
from pressloop.session.telemetry import TelemetryBatch
from pressloop.session.telemetry_iterator import MAX_WAITING_BATCHES, TelemetryIterator
from pressloop.wire.frame import Frame
from pressloop.wire.schema import RECORD_SIZE, Command, EchoRequest, FrameKind

from tests.unit.fake_board import FakeBoard

Opener = Callable[..., Session]


class Keeper(Listener):
    """Keeps all that it receives."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.batches: list[TelemetryBatch] = []
        self.lost: list[range] = []
        self.reconnects: list[bool] = []
        self.errors: list[BaseException] = []
        self.closed: list[errors.PressloopError | None] = []
        self.reaction: Callable[[TelemetryBatch], None] = lambda batch: None

    def on_telemetry(self, batch: TelemetryBatch) -> None:
        with self.changed:
            self.batches.append(batch)
            self.changed.notify_all()
        self.reaction(batch)

    def on_lost_records(self, lost: range) -> None:
        with self.changed:
            self.lost.append(lost)
            self.changed.notify_all()

    def on_reconnect(self, restarted: bool) -> None:
        with self.changed:
            self.reconnects.append(restarted)
            self.changed.notify_all()

    def on_error(self, error: BaseException) -> None:
        self.errors.append(error)

    def on_closed(self, error: errors.PressloopError | None) -> None:
        with self.changed:
            self.closed.append(error)
            self.changed.notify_all()

    def numbers(self) -> list[int]:
        """Sequence numbers in the order of arrival."""
        return [n for b in self.batches for n in range(b.first, b.first + len(b))]

    def wait_for(self, condition: Callable[[], object], limit_s: float = 10.0) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, limit_s), (self.numbers()[-5:], self.lost)


def is_event(frame: Frame) -> bool:
    return frame.kind == FrameKind.EVENT


def listening(session: Session) -> Keeper:
    """A listener that misses no record."""
    keeper = Keeper()
    session.follow(keeper)
    return keeper


def test_records_arrive_as_the_board_packed_them(board: FakeBoard, open_session: Opener) -> None:
    session = open_session()
    board.advance(7)
    keeper = listening(session)
    for _ in range(5):
        board.advance(20)
    keeper.wait_for(lambda: len(keeper.numbers()) == 100)
    assert keeper.numbers() == list(range(7, 107))
    for batch in keeper.batches:
        assert batch.source == "live"
        assert [record.raw for record in batch] == list(
            range(batch.first, batch.first + len(batch))
        )
        assert batch.newest == batch.records[-1]


def test_missing_records_are_fetched_from_the_ring(board: FakeBoard, open_session: Opener) -> None:
    session = open_session()
    keeper = listening(session)
    board.advance(20)
    board.advance(70, silently=True)
    board.advance(10)
    keeper.wait_for(lambda: len(keeper.numbers()) == 100)
    assert sorted(keeper.numbers()) == list(range(100))
    assert {b.source for b in keeper.batches if b.first < 56 and b.first >= 20} == {"backfill"}
    assert keeper.lost == []
    for batch in keeper.batches:
        assert [r.raw for r in batch] == list(range(batch.first, batch.first + len(batch)))


def test_shorter_batches_can_be_asked_for_and_lose_no_record(
    board: FakeBoard, open_session: Opener
) -> None:
    session = open_session()
    keeper = listening(session)
    board.advance(20)
    board.advance(13, silently=True)
    session.set_batch_ticks(5)
    assert board.batch_ticks == 5
    for _ in range(4):
        board.advance(5)
    keeper.wait_for(lambda: len(keeper.numbers()) == 53)
    assert sorted(keeper.numbers()) == list(range(53))
    assert keeper.lost == []
    session.set_batch_ticks()
    assert board.batch_ticks == 20
    for wrong in (0, 101, 2.5):
        with pytest.raises(errors.BadInputError):
            session.set_batch_ticks(wrong)  # type: ignore[arg-type]


def test_the_chosen_batches_outlive_a_lost_link(board: FakeBoard, open_session: Opener) -> None:
    session = open_session()
    keeper = listening(session)
    session.set_batch_ticks(5)
    board.unplug()
    keeper.wait_for(lambda: keeper.reconnects)
    assert board.batch_ticks == 5


def test_live_data_does_not_wait_for_a_backfill(board: FakeBoard, open_session: Opener) -> None:
    """Live events are delivered between two pieces of a backfill."""
    session = open_session()
    keeper = listening(session)

    def one_more(message: object) -> None:
        if type(message).__name__ == "BackfillRequest" and len(board.records) < 560:
            board.advance(20)

    board.on_request = one_more
    board.advance(300, silently=True)
    board.advance(20)
    keeper.wait_for(lambda: sorted(keeper.numbers()) == list(range(len(board.records))))
    order = [batch.source for batch in keeper.batches]
    last_backfill = len(order) - 1 - order[::-1].index("backfill")
    assert order[:last_backfill].count("live") >= 5


def test_what_the_ring_no_longer_holds_is_an_exact_gap(
    board: FakeBoard, open_session: Opener
) -> None:
    session = open_session()
    keeper = listening(session)
    board.advance(20)
    board.advance(100, silently=True)
    board.forget(77)
    board.advance(20)
    keeper.wait_for(lambda: len(keeper.numbers()) == 83)
    assert sorted(keeper.numbers()) == [*range(20), *range(77, 140)]
    assert keeper.lost == [range(20, 77)]


def test_a_ring_that_is_overwritten_meanwhile_is_overtaken(
    board: FakeBoard, open_session: Opener
) -> None:
    """Over a slow bridge the oldest record is always overwritten before the request arrives."""
    session = open_session()
    keeper = listening(session)
    board.advance(20)
    board.advance(400, silently=True)
    board.forget(100)
    board.overwritten_per_backfill = 3
    board.advance(20)
    keeper.wait_for(lambda: len(keeper.numbers()) + sum(map(len, keeper.lost)) == 440)
    lost = sum(map(len, keeper.lost))
    assert 80 <= lost <= 80 + 40, "the host ran after the oldest record until none was left"


def test_duplicated_and_reordered_events_are_delivered_once(
    board: FakeBoard, open_session: Opener
) -> None:
    session = open_session()
    keeper = listening(session)
    held: list[bytes] = []

    def swap_pairs(frame: Frame, data: bytes) -> Iterable[bytes]:
        if not is_event(frame):
            return [data]
        if not held:
            held.append(data)
            return []
        return [data, data, held.pop()]

    board.outgoing = swap_pairs
    for _ in range(10):
        board.advance(20)
    keeper.wait_for(lambda: len(keeper.numbers()) >= 200)
    assert sorted(keeper.numbers()) == list(range(200))


def test_a_reaction_is_on_the_wire_before_the_acknowledgement(
    board: FakeBoard, open_session: Opener
) -> None:
    session = open_session()
    keeper = listening(session)

    def ask(batch: TelemetryBatch) -> None:
        session.request(EchoRequest(b"%d" % batch.tick))

    keeper.reaction = ask
    for _ in range(10):
        board.advance(20)
    board.wait_for(lambda: ("alive", 200) in board.log)
    wire = [
        int(entry[1].data) if entry[0] == "echo" else -entry[1]
        for entry in board.log
        if entry[0] in ("echo", "alive")
    ]
    for tick in range(20, 201, 20):
        assert wire.index(tick) < wire.index(-tick)


def test_heartbeats_continue_while_a_listener_is_busy(
    board: FakeBoard, open_session: Opener
) -> None:
    session = open_session()
    keeper = listening(session)
    may_continue = threading.Event()

    def wait(_: TelemetryBatch) -> None:
        may_continue.wait(10)

    keeper.reaction = wait
    board.advance(20)
    keeper.wait_for(lambda: keeper.batches)
    before = len(board.log)
    board.wait_for(lambda: len(board.log) >= before + 3, limit_s=10 * HEARTBEAT_S)
    assert set(board.log[before:]) == {("alive", 0)}
    may_continue.set()
    board.wait_for(lambda: ("alive", 20) in board.log)


def test_a_listener_that_fails_leaves_the_others_their_telemetry(
    board: FakeBoard, open_session: Opener
) -> None:
    class Failing(Listener):
        closed: errors.PressloopError | None = None

        def on_telemetry(self, batch: TelemetryBatch) -> None:
            raise SystemExit(1)

        def on_closed(self, error: errors.PressloopError | None) -> None:
            self.closed = error

    session = open_session()
    failing = Failing()
    session.listen(failing)
    keeper = listening(session)
    board.advance(20)
    board.advance(20)
    keeper.wait_for(lambda: len(keeper.numbers()) == 40)
    assert failing.closed is not None
    assert failing.closed.code == "listener-failed"


def test_an_error_in_the_reader_ends_the_session(
    board: FakeBoard, open_session: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise SystemExit(1)

    session = open_session()
    keeper = listening(session)
    monkeypatch.setattr(Link, "_handle_event", fail)
    board.advance(20)
    keeper.wait_for(lambda: keeper.closed)
    (end,) = keeper.closed
    assert end is not None
    assert end.code == "reader-failed"
    with pytest.raises(errors.LinkClosedError):
        session.status()


def test_an_idle_session_sends_heartbeats(board: FakeBoard, open_session: Opener) -> None:
    open_session()
    board.wait_for(lambda: board.log.count(("alive", 0)) >= 3, limit_s=10 * HEARTBEAT_S)


def test_a_hold_keeps_the_clock_until_released(board: FakeBoard, open_session: Opener) -> None:
    session = open_session()
    keeper = listening(session)
    board.advance(20)
    board.wait_for(lambda: ("alive", 20) in board.log)
    hold = session.hold()
    board.advance(20)
    keeper.wait_for(lambda: len(keeper.numbers()) == 40)
    board.wait_for(lambda: board.log[-1] == ("alive", 20))
    session.release(hold)
    board.wait_for(lambda: board.log[-1] == ("alive", 40))


def test_a_script_that_iterates_paces_the_board(board: FakeBoard, open_session: Opener) -> None:
    """What the loop body sends reaches the board before the batch is acknowledged."""
    session = open_session()
    board.lockstep = True
    with TelemetryIterator(session) as iterator:
        for batch in iterator:
            session.request(EchoRequest(b"%d" % batch.tick))
            if batch.tick >= 400:
                break
    board.wait_for(lambda: ("alive", 400) in board.log)
    ticks = [int(entry[1].data) for entry in board.log if entry[0] == "echo"]
    assert ticks == list(range(20, 401, 20))
    wire = [
        entry[1] if entry[0] == "alive" else -int(entry[1].data)
        for entry in board.log
        if entry[0] in ("echo", "alive")
    ]
    for tick in ticks:
        assert wire.index(-tick) < wire.index(tick)


def test_a_failing_listener_gets_its_error_and_the_others_continue(
    board: FakeBoard, open_session: Opener
) -> None:
    session = open_session()
    broken, sound = listening(session), listening(session)

    def fail(batch: TelemetryBatch) -> None:
        raise ValueError("no disk")

    broken.reaction = fail
    board.advance(20)
    board.advance(20)
    sound.wait_for(lambda: len(sound.numbers()) == 40)
    board.wait_for(lambda: ("alive", 40) in board.log)
    assert [str(error) for error in broken.errors] == ["no disk", "no disk"]


def test_a_lost_link_leaves_no_gap(board: FakeBoard, open_session: Opener) -> None:
    session = open_session()
    keeper = listening(session)
    board.advance(20)
    keeper.wait_for(lambda: len(keeper.numbers()) == 20)
    board.unplug()
    board.advance(50, silently=True)
    keeper.wait_for(lambda: keeper.reconnects == [False])
    board.advance(20)
    keeper.wait_for(lambda: len(keeper.numbers()) == 90)
    assert sorted(keeper.numbers()) == list(range(90))


def test_a_restarted_board_is_not_mistaken_for_the_old_one(
    board: FakeBoard, open_session: Opener
) -> None:
    """Sequence numbers begin again at 0: missing records are lost, all others are new."""
    session = open_session()
    keeper = listening(session)
    board.advance(20)
    keeper.wait_for(lambda: len(keeper.numbers()) == 20)
    board.boot()
    board.unplug()
    keeper.wait_for(lambda: keeper.reconnects == [True])
    board.advance(20)
    keeper.wait_for(lambda: len(keeper.numbers()) == 40)
    assert keeper.numbers() == [*range(20), *range(20)]
    board.wait_for(lambda: board.log[-1] == ("alive", 20))


def test_queued_events_of_a_lost_link_are_ignored(board: FakeBoard, open_session: Opener) -> None:
    session = open_session()
    keeper = listening(session)
    may_continue = threading.Event()

    def wait(_: TelemetryBatch) -> None:
        may_continue.wait(10)

    keeper.reaction = wait
    board.advance(20)
    keeper.wait_for(lambda: keeper.batches)
    board.advance(20)
    board.boot()
    board.unplug()
    old_link = session._reconnector.link
    with pytest.raises(errors.LinkClosedError):
        old_link.request(EchoRequest(b"the reader has seen the end"))
    may_continue.set()
    keeper.wait_for(lambda: keeper.reconnects == [True])
    board.advance(20)
    keeper.wait_for(lambda: len(keeper.numbers()) >= 40)
    assert keeper.numbers() == [*range(20), *range(20)]


def test_a_board_that_restarts_behind_its_port_is_noticed(
    board: FakeBoard, open_session: Opener
) -> None:
    """The connection stays open, but the session is lost: only a request shows it."""
    session = open_session()
    keeper = listening(session)
    board.boot()
    keeper.wait_for(lambda: keeper.reconnects == [True])


def test_a_link_that_stays_lost_ends_the_session(board: FakeBoard, open_session: Opener) -> None:
    session = open_session(reconnect_timeout_s=0.0)
    keeper = listening(session)
    board.vanish()
    keeper.wait_for(lambda: keeper.closed)
    assert isinstance(keeper.closed[0], errors.LinkClosedError)
    with pytest.raises(errors.LinkClosedError, match="the link to the board"):
        session.status()


def test_closing_turns_the_stream_off(board: FakeBoard, open_session: Opener) -> None:
    session = open_session()
    keeper = listening(session)
    session.close()
    assert board.batch_ticks == 0
    assert keeper.closed == [None]


def test_a_listener_may_close_the_session(board: FakeBoard, open_session: Opener) -> None:
    session = open_session()
    keeper = listening(session)
    keeper.reaction = lambda batch: session.close()
    board.advance(20)
    keeper.wait_for(lambda: keeper.batches)
    session.close()
    assert keeper.closed == [None]


def test_lost_events_do_not_stop_a_board_in_lock_step(
    board: FakeBoard, open_session: Opener
) -> None:
    """The board waits for the acknowledgement of an event that was lost: the host asks."""
    session = open_session()
    board.lockstep = True
    spoilt: list[int] = []

    def lose_some(frame: Frame, data: bytes) -> Iterable[bytes]:
        if is_event(frame) and len(board.records) in (200, 400):
            spoilt.append(len(board.records))
            return []
        return [data]

    board.outgoing = lose_some
    keeper = listening(session)
    keeper.wait_for(lambda: len(keeper.numbers()) >= 600)
    board.lockstep = False
    assert spoilt == [200, 400]
    numbers = keeper.numbers()
    assert sorted(numbers) == list(range(len(numbers)))


@pytest.mark.parametrize("seed", range(3))
def test_nothing_blocks_on_a_bad_link(board: FakeBoard, open_session: Opener, seed: int) -> None:
    """Frames lost, doubled, spoilt and late, links cut, listeners and threads that ask.

    Everybody gets on, nothing is handed on twice, and nothing is missing in the end.
    """
    chance = random.Random(seed)
    session = open_session(waits_s=(0.02, 0.04, 0.08, 0.16, 0.32), reconnect_timeout_s=10.0)
    board.lockstep = True

    def spoil(frame: Frame, data: bytes) -> Iterable[bytes]:
        luck = chance.random()
        if luck < 0.03:
            return []
        if luck < 0.06:
            return [data, data]
        if luck < 0.09:
            at = chance.randrange(1, len(data) - 1)
            return [data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]]
        if luck < 0.095 and frame.code != Command.HELLO:
            board.unplug()
        return [data]

    board.outgoing = spoil
    board.incoming = lambda frame: [frame] * (0 if chance.random() < 0.03 else 1)
    keeper = listening(session)

    def react(batch: TelemetryBatch) -> None:
        if batch.first % 3 == 0:
            session.request(EchoRequest(b"listener"))

    keeper.reaction = react
    stop = threading.Event()
    unexpected: list[BaseException] = []

    def ask() -> None:
        while not stop.is_set():
            try:
                assert session.request(EchoRequest(b"thread")).data == b"thread"
            except (errors.LinkClosedError, errors.BoardTimeoutError):
                continue
            except BaseException as error:
                unexpected.append(error)

    askers = [threading.Thread(target=ask, daemon=True) for _ in range(2)]
    for asker in askers:
        asker.start()
    keeper.wait_for(lambda: len(keeper.numbers()) >= 800, limit_s=30)
    stop.set()
    for asker in askers:
        asker.join(10)
        assert not asker.is_alive()
    board.outgoing = lambda frame, data: [data]
    board.incoming = lambda frame: [frame]
    board.lockstep = False
    keeper.wait_for(lambda: set(keeper.numbers()) >= set(range(len(board.records) - 1)))
    numbers = keeper.numbers()
    assert len(numbers) == len(set(numbers))
    assert keeper.lost == []
    assert keeper.errors == []
    assert unexpected == []


class Unpaced:
    """A session for an iterator whose consumer does not pace the board."""

    def follow(self, _: object) -> None: ...
    def unlisten(self, _: object) -> None: ...
    def hold(self, *, expires: bool) -> object:
        return object()

    def release(self, _: object) -> None: ...


def test_an_iterator_without_a_reader_does_not_grow_for_a_week() -> None:
    with TelemetryIterator(cast(Session, Unpaced())) as iterator:
        for number in range(MAX_WAITING_BATCHES + 5):
            iterator.on_telemetry(TelemetryBatch(20 * number, bytes(20 * RECORD_SIZE), "live", 0))
        assert iterator.dropped == 100
        assert next(iterator).first == 100
        iterator.end()
        assert sum(1 for _ in iterator) == MAX_WAITING_BATCHES - 1


def test_a_board_that_answers_and_sends_no_telemetry_is_not_waited_for_for_ever() -> None:
    with TelemetryIterator(cast(Session, Unpaced()), silence_limit_s=0.05) as iterator:
        iterator.on_telemetry(TelemetryBatch(0, bytes(RECORD_SIZE), "live", 0))
        assert next(iterator).first == 0
        with pytest.raises(errors.BoardTimeoutError, match=r"no telemetry for 0\.05 s") as caught:
            next(iterator)
        assert caught.value.code == "no-telemetry"


def test_a_busy_script_does_not_make_an_emulated_press_wait_for_ever(
    board: FakeBoard, open_session: Opener
) -> None:
    session = open_session()
    board.lockstep = True
    with TelemetryIterator(session) as iterator:
        next(iterator)
        reached = board.tick
        board.wait_for(lambda: board.tick > reached, limit_s=5)
