"""Runs a session with a board that survives a lost link and delivers all telemetry in order.

A session has two threads, and neither waits for the other:

- the reader of the link only sorts what arrives (`connection.py`);
- the dispatcher processes telemetry events in order: it calls the listeners, fetches missing
  records from the board's ring, and then acknowledges the device clock of the event.

So a listener may make requests: their replies come in through the reader. What a listener sends in
reaction to telemetry is on the wire before that telemetry is acknowledged. The session does not
wait for a listener's own threads; they use `hold`.

When the link is lost, the dispatcher tries to reconnect for a while. If the board has not
restarted, the session continues, and missing records are fetched from the board's ring.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pressloop.arguments import out_of_range, whole_number
from pressloop.errors import BoardTimeoutError, LinkClosedError, PressloopError
from pressloop.session.acknowledge import AckHold, HostProgress
from pressloop.session.connection import ATTEMPT_WAITS_S, Link, R
from pressloop.session.listeners import Listener, Listeners
from pressloop.session.reconnect import RECONNECT_TIMEOUT_S, Reconnector
from pressloop.session.telemetry_stream import BATCH_TICKS, QUIET_S, TelemetryStream
from pressloop.transport.transport import Transport
from pressloop.wire.message import Request
from pressloop.wire.schema import (
    HelloReply,
    StatusReply,
    StatusRequest,
    StreamRequest,
    TelemetryEvent,
)

T = TypeVar("T")

_MAX_BATCH_TICKS: Final = StreamRequest.range_of("batch_ticks")[1]

_MAX_JOIN_S: Final = 10.0
"""Maximum wait for a listener to return when the session is closed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Telemetry:
    """Holds an event and its link: events of a lost link are ignored."""

    link: Link
    event: TelemetryEvent


class _Call(Generic[T]):
    """Runs an action in the dispatcher thread and passes its result to the caller."""

    def __init__(self, action: Callable[[], T]) -> None:
        self._action = action
        self._future: concurrent.futures.Future[T] = concurrent.futures.Future()

    def run(self) -> None:
        if not self._future.set_running_or_notify_cancel():
            return
        try:
            self._future.set_result(self._action())
        except BaseException as error:  # raised in the thread that waits for the result
            self._future.set_exception(error)

    def cancel(self) -> bool:
        """Keep the action from beginning; return False if it has begun."""
        return self._future.cancel()

    def wait(self) -> None:
        """Wait until the action has ended, without its result."""
        concurrent.futures.wait([self._future])

    def result(self) -> T:
        return self._future.result()


class _Wake:
    """Wakes the dispatcher."""


class Session:
    """A session with one board, over one link after another.

    Args:
        connect: Opens a transport; called again when the link is lost.
        host: Name and version of the host software.
        reconnect_timeout_s: How long to try to reconnect when the link is lost.
        waits_s: How long each attempt of a request waits for its reply.
        hello_waits_s: The same for the hello of each link; None takes `waits_s`.

    Raises:
        NoBoardError, PortBusyError: The transport did not open.
        BoardTimeoutError: No reply in Pressloop's protocol.
        VersionMismatchError: Host and board were built from different wire schemas.
    """

    def __init__(
        self,
        connect: Callable[[], Transport],
        *,
        host: str,
        reconnect_timeout_s: float = RECONNECT_TIMEOUT_S,
        waits_s: Sequence[float] = ATTEMPT_WAITS_S,
        hello_waits_s: Sequence[float] | None = None,
    ) -> None:
        """Connect and say hello."""
        self._connect = connect
        self._host = host
        self._waits_s = tuple(waits_s)
        self._hello_waits_s = hello_waits_s
        self._ack = HostProgress()
        self._inbox: queue.SimpleQueue[_Telemetry | _Call[Any] | _Wake] = queue.SimpleQueue()
        self._listeners = Listeners()
        self._closing = threading.Event()
        self._ended = threading.Event()
        self._reconnector = Reconnector(self._open_link, self._closing, reconnect_timeout_s)
        # From here on only the dispatcher touches these.
        self._stream = TelemetryStream(self._ack, self._listeners)
        self._boot_id = self.hello.boot_id
        self._resumed = True
        self._dispatcher = threading.Thread(
            target=self._dispatch, name=f"pressloop dispatcher {self.url}", daemon=True
        )
        self._dispatcher.start()

    @property
    def url(self) -> str:
        """Where the board is."""
        return self._reconnector.link.url

    @property
    def is_connected(self) -> bool:
        """Whether the link is up; while it is not, the session reconnects and requests wait."""
        return self._reconnector.link.lost is None

    @property
    def hello(self) -> HelloReply:
        """The board's newest hello: versions, identity, capabilities."""
        return self._reconnector.link.hello

    @property
    def console(self) -> list[str]:
        """Lines that the board printed outside frames on the current link."""
        return self._reconnector.link.console.lines()

    def request(self, message: Request[R]) -> R:
        """Send a request and wait for the reply; from any thread, listeners included.

        While the session reconnects, threads other than the dispatcher wait for it.

        Raises:
            CommandRefusedError: The board refused the request.
            BoardTimeoutError: No reply; it is unknown whether the board carried the request out.
            LinkClosedError: The link ended meanwhile, or is lost for good.
        """
        # The dispatcher is the thread that reconnects, so it must not wait for a new link.
        mine = threading.current_thread() is self._dispatcher
        return (self._reconnector.link if mine else self._reconnector.usable()).request(message)

    def status(self) -> StatusReply:
        """Ask for the state of the press."""
        return self.request(StatusRequest())

    def in_order(self, action: Callable[[], T]) -> T:
        """Run an action in the dispatcher thread, between two telemetry events.

        When the wait for it is interrupted, the action either never begins or has ended.

        Raises:
            LinkClosedError: The session has ended.
            Exception: Whatever the action raised.
        """
        if threading.current_thread() is self._dispatcher:
            return action()
        call = _Call(action)
        self._inbox.put(call)
        if self._ended.is_set():
            # The dispatcher may have ended before it could find the call.
            call.cancel()
        try:
            return call.result()
        except concurrent.futures.CancelledError:
            raise self._reconnector.end_error from None
        except BaseException:
            # If this thread was interrupted, as by Ctrl-C, the action must not begin later: it may
            # start a run that no thread follows.
            if not call.cancel():
                call.wait()
            raise

    def listen(self, listener: Listener) -> None:
        """Notify this listener from the next event on."""
        self._listeners.add(listener)

    def unlisten(self, listener: Listener) -> None:
        """Stop notifying this listener; does nothing if it does not listen."""
        self._listeners.remove(listener)

    def start_stream(self) -> int:
        """Turn live telemetry on, if it is off.

        Returns:
            Sequence number of the next record.
        """
        return self.in_order(lambda: self._stream.start(self._reconnector.link))

    def follow(self, listener: Listener) -> int:
        """Turn live telemetry on, if it is off, and notify this listener of every later record.

        Returns:
            Sequence number of the next record.
        """

        def follow() -> int:
            first = self._stream.start(self._reconnector.link)
            self.listen(listener)
            return first

        return self.in_order(follow)

    def set_batch_ticks(self, ticks: int = BATCH_TICKS) -> None:
        """Choose how often live telemetry comes: every 20 ticks (200 ms) unless changed here.

        Args:
            ticks: Ticks of 10 ms in an event; 5 are enough for a picture without visible steps.
                More events cost the board more time outside its control tick.

        Raises:
            BadInputError: `wrong-type` or `out-of-range`: it is no whole number from 1 to 100.
        """
        ticks = whole_number(ticks, "ticks", low=1)
        if ticks > _MAX_BATCH_TICKS:
            raise out_of_range("ticks", ticks, f"{_MAX_BATCH_TICKS} or less")
        self.in_order(lambda: self._stream.set_batch_ticks(self._reconnector.link, ticks))

    def fetch(self, missing: range) -> None:
        """Fetch records that the board may still hold and that were not expected until now."""
        self.in_order(lambda: self._stream.request(missing))

    def expect(self, stop: int) -> None:
        """Note that all records below `stop` exist; those that have not come are fetched."""
        self.in_order(lambda: self._stream.expect(stop))

    def hold(self, *, expires: bool = False) -> AckHold:
        """Keep the acknowledged device clock from moving on while a reaction is pending.

        Args:
            expires: End the hold after a second without `renew`: perhaps there is no reaction.
        """
        return self._ack.hold(expires=expires)

    def renew(self, hold: AckHold) -> None:
        """Let a hold that expires last until it is released."""
        self._ack.renew(hold)

    def release(self, hold: AckHold) -> None:
        """End a hold and acknowledge at once."""
        hold.release()
        self._reconnector.link.send_alive()

    def close(self) -> None:
        """Stop telemetry and close the port. The press continues what it is doing, also a run."""
        self._closing.set()
        self._inbox.put(_Wake())
        if threading.current_thread() is not self._dispatcher:
            self._dispatcher.join(_MAX_JOIN_S)
        link = self._reconnector.link
        if link.lost is None and self._stream.is_on:
            try:
                link.request(StreamRequest(on=False, batch_ticks=BATCH_TICKS))
            except PressloopError as error:
                _log.info("closing %s: %s", self.url, error.message)
        link.close()

    def _open_link(self) -> Link:
        return Link(
            self._connect(),
            host=self._host,
            ack=self._ack.tick,
            on_event=lambda link, event: self._inbox.put(_Telemetry(link, event)),
            on_lost=lambda: self._inbox.put(_Wake()),
            waits_s=self._waits_s,
            hello_waits_s=self._hello_waits_s,
        )

    # --- the dispatcher thread

    def _dispatch(self) -> None:
        failure: PressloopError | None = None
        try:
            while not self._closing.is_set():
                self._step()
        except PressloopError as error:
            failure = error
        except BaseException as error:  # without this thread, no heartbeat must go on
            _log.exception("the telemetry of %s ended", self.url)
            failure = LinkClosedError(
                f"the telemetry of {self.url} ended because of an error in this program: {error!r}",
                hint="open the press again, and report this error with the log",
            )
        self._end(failure)

    def _step(self) -> None:
        """Process one item; reconnect first if the link is lost."""
        link = self._reconnector.link
        if link.lost is not None and not self._closing.is_set():
            self._reconnector.reconnect(link.lost, self._boot_id)
            self._resumed = False
            link = self._reconnector.link
        try:
            if not self._resumed:
                self._resume(link)
            self._process_next(link)
        except BoardTimeoutError as error:
            # A board that does not answer is treated as lost, even if its port is still open.
            link.fail(LinkClosedError(error.message, hint=error.hint))
        except LinkClosedError:
            if link.lost is None:
                raise

    def _resume(self, link: Link) -> None:
        """Continue the telemetry on a new link, as far as the board still holds it."""
        boot_id = link.hello.boot_id
        restarted = boot_id != self._boot_id
        if restarted:
            self._ack.restart()
        self._stream.resume(link, restarted=restarted)
        self._boot_id = boot_id
        self._resumed = True
        self._listeners.notify(lambda listener: listener.on_reconnect(restarted))

    def _process_next(self, link: Link) -> None:
        item = self._next_item()
        if isinstance(item, _Call):
            item.run()
        elif isinstance(item, _Telemetry):
            if item.link is link:
                self._stream.process_event(link, item.event)
        elif self._stream.is_quiet:
            self._stream.poll_status(link)
        else:
            self._stream.fetch_missing(link)

    def _next_item(self) -> _Telemetry | _Call[Any] | _Wake | None:
        try:
            if self._stream.has_missing:
                return self._inbox.get_nowait()
            return self._inbox.get(timeout=QUIET_S)
        except queue.Empty:
            return None

    def _end(self, failure: PressloopError | None) -> None:
        # In this order: a thread that sees the end must also find its reason.
        self._reconnector.end(failure)
        self._ended.set()
        with contextlib.suppress(queue.Empty):
            while True:
                item = self._inbox.get_nowait()
                if isinstance(item, _Call):
                    item.cancel()
        if failure is not None:
            self._reconnector.link.close()
        self._listeners.notify_end(failure)
