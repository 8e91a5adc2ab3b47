"""A conversation with a board that survives a lost link: telemetry in order, nothing left out.

Two threads, and no call from one into the other that waits:

- the link's reader only sorts what arrives (`link.py`);
- the dispatcher takes telemetry events in order, calls the listeners, fetches missing records from
  the board's ring, and then acknowledges the event's device clock.

So a listener may make requests like anybody else, their replies come in through the reader, and
whatever a listener sends in reaction to telemetry is on the wire before that telemetry is
acknowledged. Nothing here waits for a listener's own threads; `AckClock.hold` is for those.

When the link is lost the dispatcher connects again for a while. A board that is still in the same
boot goes on where it was, and its ring closes the hole.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pressloop.errors import (
    BoardTimeoutError,
    CommandRefusedError,
    LinkClosedError,
    NoBoardError,
    PortBusyError,
    PressloopError,
)
from pressloop.heartbeat import AckClock, Hold
from pressloop.link import ATTEMPT_WAITS_S, Link, R, SessionLostError
from pressloop.telemetry import Intake, Source, TelemetryBatch, widened
from pressloop.transport import Transport
from pressloop.wire.message import Request
from pressloop.wire.schema import (
    RECORD_SIZE,
    BackfillRequest,
    CapabilityBits,
    HelloReply,
    StatusReply,
    StatusRequest,
    StreamRequest,
    TelemetryEvent,
)

T = TypeVar("T")

BATCH_TICKS: Final = 20
"""Ticks per telemetry event: five events per second are quick enough for an eye and an answer, and
with a record per tick they fill a frame."""

RELINK_S: Final = 30.0
"""How long a lost link is tried again: long enough to replug a cable or to reboot a controller."""

_RELINK_PAUSE_S: Final = 0.5
_QUIET_S: Final = 0.5
"""Without telemetry for this long the board is asked: an event may have been lost, or the board."""

_BACKFILL_RECORDS: Final = 20
"""Most records of one backfill reply."""

_BACKFILL_LEAD: Final = 20
"""Records left behind when the oldest was gone twice before the request for it arrived."""

_JOIN_LIMIT_S: Final = 10.0
"""Longest wait for a listener to return when the session is closed."""

_log = logging.getLogger(__name__)


class Listener:
    """What a session tells. Called in the dispatcher thread, one call at a time, in order.

    A listener may make requests and may take its time, but a board in lock-step waits for it.
    """

    def on_telemetry(self, batch: TelemetryBatch) -> None:
        """Take records, or an empty batch when only the device clock moved on."""

    def on_lost_records(self, lost: range) -> None:
        """Learn that the board no longer holds these records, nor does anybody else."""

    def on_settled(self) -> None:
        """Learn that no record is known to be missing at the moment."""

    def on_relink(self, restarted: bool) -> None:
        """Learn that a lost link is back, and whether the board had restarted meanwhile."""

    def on_closed(self, error: PressloopError | None) -> None:
        """Learn that nothing more will come: the session was closed, or the link lost for good."""

    def on_error(self, error: Exception) -> None:
        """Learn that another of these methods raised this."""
        raise error


@dataclass(frozen=True)
class _Telemetry:
    """An event, and the link that brought it: what a lost link left behind does not count."""

    link: Link
    event: TelemetryEvent


class _Call(Generic[T]):
    """Something to run in the dispatcher thread."""

    def __init__(self, action: Callable[[], T]) -> None:
        self._action = action
        self._future: concurrent.futures.Future[T] = concurrent.futures.Future()

    def run(self) -> None:
        if not self._future.set_running_or_notify_cancel():
            return
        try:
            self._future.set_result(self._action())
        except BaseException as error:  # it belongs to whoever waits for the result
            self._future.set_exception(error)

    def cancel(self) -> None:
        self._future.cancel()

    def result(self) -> T:
        return self._future.result()


class _Wake:
    """Nothing but a reason to look."""


class Session:
    """A board that was said hello to.

    Args:
        connect: Opens a transport; called again when the link is lost.
        host: Name and version of the host software.
        relink_s: How long a lost link is tried again.
        waits_s: How long each attempt of a request waits for its reply.

    Raises:
        NoBoardError, PortBusyError: The transport did not open.
        BoardTimeoutError: Nothing that speaks the protocol answered.
        VersionMismatchError: The board speaks another major version.
    """

    def __init__(
        self,
        connect: Callable[[], Transport],
        *,
        host: str,
        relink_s: float = RELINK_S,
        waits_s: Sequence[float] = ATTEMPT_WAITS_S,
    ) -> None:
        """Connect and say hello."""
        self._connect = connect
        self._host = host
        self._relink_s = relink_s
        self._waits_s = tuple(waits_s)
        self._ack = AckClock()
        self._inbox: queue.SimpleQueue[_Telemetry | _Call[Any] | _Wake] = queue.SimpleQueue()
        self._listeners: tuple[Listener, ...] = ()
        self._closing = threading.Event()
        self._ended = threading.Event()
        self._changed = threading.Condition()
        self._failure: PressloopError | None = None
        self._link = self._open_link()
        # From here on only the dispatcher touches these.
        self._boot_id = self._link.hello.boot_id
        self._resumed = True
        self._streaming = False
        self._intake: Intake | None = None
        # Backfill requests in a row for records that were gone when they arrived.
        self._refusals = 0
        self._quiet_since_s = time.monotonic()
        self._dispatcher = threading.Thread(
            target=self._dispatch, name=f"pressloop dispatcher {self.url}", daemon=True
        )
        self._dispatcher.start()

    @property
    def url(self) -> str:
        """Where the board is."""
        return self._link.url

    @property
    def hello(self) -> HelloReply:
        """What the board said of itself, most recently."""
        return self._link.hello

    @property
    def console(self) -> list[str]:
        """What the board printed outside frames on this connection, as lines."""
        return self._link.console.lines()

    def request(self, message: Request[R]) -> R:
        """Ask the board. From any thread, a listener's call included.

        While a lost link is being tried again, threads other than the dispatcher wait for it.

        Raises:
            CommandRefusedError: The board said no.
            BoardTimeoutError: No reply; whether the board carried the request out is unknown.
            LinkClosedError: The link ended meanwhile, or is lost for good.
        """
        return self._usable_link().request(message)

    def status(self) -> StatusReply:
        """Ask what the press is doing."""
        return self.request(StatusRequest())

    def in_order(self, action: Callable[[], T]) -> T:
        """Run something in the dispatcher thread, between two telemetry events.

        Raises:
            LinkClosedError: The session has ended.
            Exception: Whatever the action raised.
        """
        if threading.current_thread() is self._dispatcher:
            return action()
        call = _Call(action)
        self._inbox.put(call)
        if self._ended.is_set():
            # Too late for the dispatcher to find it.
            call.cancel()
        try:
            return call.result()
        except concurrent.futures.CancelledError:
            raise self._end_error() from None

    def listen(self, listener: Listener) -> None:
        """Tell this listener, too, from the next event on."""
        with self._changed:
            self._listeners = (*self._listeners, listener)

    def unlisten(self, listener: Listener) -> None:
        """Tell this listener no more. Does nothing when it is not told anyway."""
        with self._changed:
            self._listeners = tuple(one for one in self._listeners if one is not listener)

    def start_stream(self) -> int:
        """Turn live telemetry on, if it is not.

        Returns:
            Sequence number of the next record.
        """
        return self.in_order(self._start_stream)

    def follow(self, listener: Listener) -> int:
        """Turn live telemetry on, if it is not, and tell this listener of every later record.

        Returns:
            Sequence number of the next record.
        """

        def follow() -> int:
            first = self._start_stream()
            self.listen(listener)
            return first

        return self.in_order(follow)

    def fetch(self, missing: range) -> None:
        """Fetch records that the board may still hold and that were not expected before."""

        def want() -> None:
            assert self._intake is not None, "fetch needs a stream"
            self._intake.want(missing)

        self.in_order(want)

    def expect(self, stop: int) -> None:
        """Note that all records below `stop` exist; those that have not come are fetched."""

        def expect() -> None:
            assert self._intake is not None, "expect needs a stream"
            self._intake.expect(stop)

        self.in_order(expect)

    def hold(self, *, lapses: bool = False) -> Hold:
        """Keep the acknowledged device clock from moving on while a reaction is pending.

        Args:
            lapses: Give up after a second without `keep`: it is not sure that anybody will react.
        """
        return self._ack.hold(lapses=lapses)

    def keep(self, hold: Hold) -> None:
        """Let a hold that would lapse last until it is released."""
        self._ack.keep(hold)

    def release(self, hold: Hold) -> None:
        """End a hold and acknowledge what was held back at once."""
        hold.release()
        self._link.send_alive()

    def close(self) -> None:
        """Stop telemetry and let go of the port. The press goes on with what it does."""
        self._closing.set()
        self._inbox.put(_Wake())
        if threading.current_thread() is not self._dispatcher:
            self._dispatcher.join(_JOIN_LIMIT_S)
        link = self._link
        if link.lost is None and self._streaming:
            try:
                link.request(StreamRequest(on=False, batch_ticks=BATCH_TICKS))
            except PressloopError as error:
                _log.info("closing %s: %s", self.url, error.message)
        link.close()

    # --- the link

    def _open_link(self) -> Link:
        return Link(
            self._connect(),
            host=self._host,
            ack=self._ack.tick,
            on_event=lambda link, event: self._inbox.put(_Telemetry(link, event)),
            on_lost=lambda: self._inbox.put(_Wake()),
            waits_s=self._waits_s,
        )

    def _usable_link(self) -> Link:
        if threading.current_thread() is self._dispatcher:
            return self._link
        with self._changed:
            self._changed.wait_for(lambda: self._link.lost is None or self._ended.is_set())
            if self._link.lost is not None:
                raise self._end_error()
            return self._link

    def _end_error(self) -> PressloopError:
        return self._failure or LinkClosedError(
            f"the press at {self.url} was closed", hint="open it again with Press.open()"
        )

    def _reconnect(self, cause: LinkClosedError) -> None:
        """Connect again, or raise the cause of the loss."""
        _log.warning("%s", cause.message)
        give_up_s = time.monotonic() + self._relink_s
        while True:
            try:
                link = self._open_link()
                break
            except (NoBoardError, PortBusyError, LinkClosedError, BoardTimeoutError):
                if time.monotonic() >= give_up_s or self._closing.wait(_RELINK_PAUSE_S):
                    raise cause from None
        try:
            self._check_board(link.hello, cause)
        except PressloopError:
            link.close()
            raise
        self._resumed = False
        with self._changed:
            self._link = link
            self._changed.notify_all()

    def _check_board(self, hello: HelloReply, cause: LinkClosedError) -> None:
        if hello.unique_id != self.hello.unique_id:
            raise LinkClosedError(
                f"another board ({hello.unique_id.hex()}) is at {self.url} now",
                hint="plug the board back in and open it by its serial number",
                code="other-board",
            )
        if isinstance(cause, SessionLostError) and hello.boot_id == self._boot_id:
            raise SessionLostError(
                f"another program opened the board at {self.url}",
                hint="use one program per press; close the other one, then open the press again",
            )

    # --- the dispatcher thread

    def _dispatch(self) -> None:
        try:
            while not self._closing.is_set():
                self._turn()
        except PressloopError as error:
            self._failure = error
        except Exception as error:
            _log.exception("the telemetry of %s ended", self.url)
            self._failure = LinkClosedError(
                f"the telemetry of {self.url} ended on an error of the host: {error!r}",
                hint="open the press again, and report this with the log",
            )
        self._end()

    def _turn(self) -> None:
        """Serve one item, on a link that works."""
        if self._link.lost is not None and not self._closing.is_set():
            self._reconnect(self._link.lost)
        try:
            if not self._resumed:
                self._resume()
            self._serve()
        except BoardTimeoutError as error:
            # A board that does not answer its dispatcher is gone, whatever the port says.
            self._link.fail(LinkClosedError(error.message, hint=error.hint))
        except LinkClosedError:
            if self._link.lost is None:
                raise

    def _resume(self) -> None:
        """Go on where the lost link left off, as far as the board still knows."""
        boot_id = self.hello.boot_id
        restarted = boot_id != self._boot_id
        if restarted:
            self._ack.restart()
            if self._intake is not None:
                self._give_up(self._intake, self._intake.next)
                self._intake = None
        if self._streaming:
            self._ask_for_stream()
        self._boot_id = boot_id
        self._resumed = True
        self._tell(lambda listener: listener.on_relink(restarted))

    def _serve(self) -> None:
        item = self._next_item()
        if isinstance(item, _Call):
            item.run()
        elif isinstance(item, _Telemetry):
            self._take(item)
        elif self._streaming and self._is_quiet():
            self._ask()
        else:
            self._fetch_piece()

    def _next_item(self) -> _Telemetry | _Call[Any] | _Wake | None:
        wait_s = _QUIET_S
        if self._intake is not None and self._intake.holes:
            wait_s = 0.0
        try:
            return self._inbox.get(timeout=wait_s) if wait_s else self._inbox.get_nowait()
        except queue.Empty:
            return None

    def _is_quiet(self) -> bool:
        return time.monotonic() - self._quiet_since_s >= _QUIET_S

    def _take(self, item: _Telemetry) -> None:
        """Hand on what is new, fetch a piece of what is missing, then acknowledge."""
        intake = self._intake
        if intake is None or item.link is not self._link:
            return
        event = item.event
        self._quiet_since_s = time.monotonic()
        self._hand_on(intake, event.first, event.records, "live", event.tick)
        self._fetch_piece()
        self._ack.handled(event.tick)
        self._link.send_alive()

    def _ask(self) -> None:
        """Ask for what the telemetry should have told."""
        assert self._intake is not None
        status = self._link.request(StatusRequest())
        self._quiet_since_s = time.monotonic()
        self._intake.expect(status.next)
        self._fetch_piece()
        self._ack.handled(status.tick)
        self._link.send_alive()

    def _hand_on(
        self, intake: Intake, first: int, records: bytes, source: Source, tick: int
    ) -> None:
        if not self._link.hello.capabilities & CapabilityBits.DISPLACEMENT:
            records = widened(records)
        fresh = intake.take(first, len(records) // RECORD_SIZE) or [range(first, first)]
        for part in fresh:
            start, stop = (RECORD_SIZE * (number - first) for number in (part.start, part.stop))
            self._tell_batch(TelemetryBatch(part.start, records[start:stop], source, tick))

    def _fetch_piece(self) -> None:
        """Fetch one frame's worth of missing records; live data gets its turn in between."""
        intake = self._intake
        if intake is None:
            return
        if intake.holes:
            hole = intake.holes[0]
            # A ring that is overwritten faster than requests travel is met further on.
            lead = _BACKFILL_LEAD if self._refusals > 1 and len(hole) > _BACKFILL_LEAD else 0
            first = hole.start + lead
            count = min(hole.stop - first, _BACKFILL_RECORDS)
            try:
                reply = self._link.request(BackfillRequest(first, count))
                self._refusals = 0
            except CommandRefusedError as refusal:
                if refusal.code != "not-held":
                    raise
                self._refusals += 1
                oldest = hole.stop if refusal.detail is None else refusal.detail
                self._give_up(intake, max(oldest, hole.start + 1))
            else:
                self._give_up(intake, reply.first if reply.records else hole.stop)
                self._hand_on(intake, reply.first, reply.records, "backfill", self._ack.tick())
        if not intake.holes:
            self._tell(lambda listener: listener.on_settled())

    def _give_up(self, intake: Intake, oldest: int) -> None:
        """Tell which missing records below `oldest` are gone."""
        for lost in intake.give_up(oldest):
            self._tell_lost(lost)

    def _start_stream(self) -> int:
        if not self._streaming:
            self._ask_for_stream()
        assert self._intake is not None
        return self._intake.next

    def _ask_for_stream(self) -> None:
        reply = self._link.request(StreamRequest(on=True, batch_ticks=BATCH_TICKS))
        if self._intake is None:
            self._intake = Intake(reply.next)
        self._intake.expect(reply.next)
        self._streaming = True
        self._quiet_since_s = time.monotonic()

    def _tell_batch(self, batch: TelemetryBatch) -> None:
        self._tell(lambda listener: listener.on_telemetry(batch))

    def _tell_lost(self, lost: range) -> None:
        self._tell(lambda listener: listener.on_lost_records(lost))

    def _tell(self, call: Callable[[Listener], None]) -> None:
        """Tell every listener, also when one of them fails."""
        problem: PressloopError | None = None
        for listener in self._listeners:
            try:
                call(listener)
            except (LinkClosedError, BoardTimeoutError) as error:
                problem = error
            except Exception as error:
                listener.on_error(error)
        if problem is not None:
            raise problem

    def _end(self) -> None:
        self._ended.set()
        with self._changed:
            self._changed.notify_all()
        with contextlib.suppress(queue.Empty):
            while True:
                item = self._inbox.get_nowait()
                if isinstance(item, _Call):
                    item.cancel()
        if self._failure is not None:
            self._link.close()
        for listener in self._listeners:
            try:
                listener.on_closed(self._failure)
            except Exception:
                _log.exception("a listener failed when %s was closed", self.url)
