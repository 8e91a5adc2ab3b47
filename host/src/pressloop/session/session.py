"""A conversation with a board that survives a lost link: telemetry in order, nothing left out.

Two threads, and no call from one into the other that waits:

- the link's reader only sorts what arrives (`link.py`);
- the dispatcher takes telemetry events in order, calls the listeners, fetches missing records from
  the board's ring, and then acknowledges the event's device clock.

So a listener may make requests like anybody else, their replies come in through the reader, and
whatever a listener sends in reaction to telemetry is on the wire before that telemetry is
acknowledged. Nothing here waits for a listener's own threads; `HostProgress.hold` is for those.

When the link is lost the dispatcher connects again for a while. A board that is still in the same
boot goes on where it was, and its ring closes the hole.
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

from pressloop.errors import BoardTimeoutError, LinkClosedError, PressloopError
from pressloop.session.acknowledge import Hold, HostProgress
from pressloop.session.connection import ATTEMPT_WAITS_S, Link, R
from pressloop.session.listeners import Listener, Listeners
from pressloop.session.reconnect import RECONNECT_TIMEOUT_S, Reconnector
from pressloop.session.telemetry_stream import BATCH_TICKS, QUIET_S, Stream
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

_JOIN_LIMIT_S: Final = 10.0
"""Longest wait for a listener to return when the session is closed."""

_log = logging.getLogger(__name__)


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
        reconnect_timeout_s: How long a lost link is tried again.
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
        reconnect_timeout_s: float = RECONNECT_TIMEOUT_S,
        waits_s: Sequence[float] = ATTEMPT_WAITS_S,
    ) -> None:
        """Connect and say hello."""
        self._connect = connect
        self._host = host
        self._waits_s = tuple(waits_s)
        self._ack = HostProgress()
        self._inbox: queue.SimpleQueue[_Telemetry | _Call[Any] | _Wake] = queue.SimpleQueue()
        self._listeners = Listeners()
        self._closing = threading.Event()
        self._ended = threading.Event()
        self._relinker = Reconnector(self._open_link, self._closing, reconnect_timeout_s)
        # From here on only the dispatcher touches these.
        self._stream = Stream(self._ack, self._listeners)
        self._boot_id = self.hello.boot_id
        self._resumed = True
        self._dispatcher = threading.Thread(
            target=self._dispatch, name=f"pressloop dispatcher {self.url}", daemon=True
        )
        self._dispatcher.start()

    @property
    def url(self) -> str:
        """Where the board is."""
        return self._relinker.link.url

    @property
    def hello(self) -> HelloReply:
        """What the board said of itself, most recently."""
        return self._relinker.link.hello

    @property
    def console(self) -> list[str]:
        """What the board printed outside frames on this connection, as lines."""
        return self._relinker.link.console.lines()

    def request(self, message: Request[R]) -> R:
        """Ask the board. From any thread, a listener's call included.

        While a lost link is being tried again, threads other than the dispatcher wait for it.

        Raises:
            CommandRefusedError: The board said no.
            BoardTimeoutError: No reply; whether the board carried the request out is unknown.
            LinkClosedError: The link ended meanwhile, or is lost for good.
        """
        # Nobody but the dispatcher connects again: it must not wait for itself.
        mine = threading.current_thread() is self._dispatcher
        return (self._relinker.link if mine else self._relinker.usable()).request(message)

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
            raise self._relinker.end_error from None

    def listen(self, listener: Listener) -> None:
        """Tell this listener, too, from the next event on."""
        self._listeners.add(listener)

    def unlisten(self, listener: Listener) -> None:
        """Tell this listener no more. Does nothing when it is not told anyway."""
        self._listeners.remove(listener)

    def start_stream(self) -> int:
        """Turn live telemetry on, if it is not.

        Returns:
            Sequence number of the next record.
        """
        return self.in_order(lambda: self._stream.start(self._relinker.link))

    def follow(self, listener: Listener) -> int:
        """Turn live telemetry on, if it is not, and tell this listener of every later record.

        Returns:
            Sequence number of the next record.
        """

        def follow() -> int:
            first = self._stream.start(self._relinker.link)
            self.listen(listener)
            return first

        return self.in_order(follow)

    def fetch(self, missing: range) -> None:
        """Fetch records that the board may still hold and that were not expected before."""
        self.in_order(lambda: self._stream.want(missing))

    def expect(self, stop: int) -> None:
        """Note that all records below `stop` exist; those that have not come are fetched."""
        self.in_order(lambda: self._stream.expect(stop))

    def hold(self, *, expires: bool = False) -> Hold:
        """Keep the acknowledged device clock from moving on while a reaction is pending.

        Args:
            expires: Give up after a second without `keep`: it is not sure that anybody will react.
        """
        return self._ack.hold(expires=expires)

    def keep(self, hold: Hold) -> None:
        """Let a hold that would lapse last until it is released."""
        self._ack.keep(hold)

    def release(self, hold: Hold) -> None:
        """End a hold and acknowledge what was held back at once."""
        hold.release()
        self._relinker.link.send_alive()

    def close(self) -> None:
        """Stop telemetry and let go of the port. The press goes on with what it does."""
        self._closing.set()
        self._inbox.put(_Wake())
        if threading.current_thread() is not self._dispatcher:
            self._dispatcher.join(_JOIN_LIMIT_S)
        link = self._relinker.link
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
        )

    # --- the dispatcher thread

    def _dispatch(self) -> None:
        failure: PressloopError | None = None
        try:
            while not self._closing.is_set():
                self._turn()
        except PressloopError as error:
            failure = error
        except Exception as error:
            _log.exception("the telemetry of %s ended", self.url)
            failure = LinkClosedError(
                f"the telemetry of {self.url} ended on an error of the host: {error!r}",
                hint="open the press again, and report this with the log",
            )
        self._end(failure)

    def _turn(self) -> None:
        """Serve one item, on a link that works."""
        link = self._relinker.link
        if link.lost is not None and not self._closing.is_set():
            self._relinker.reconnect(link.lost, self._boot_id)
            self._resumed = False
            link = self._relinker.link
        try:
            if not self._resumed:
                self._resume(link)
            self._serve(link)
        except BoardTimeoutError as error:
            # A board that does not answer its dispatcher is gone, whatever the port says.
            link.fail(LinkClosedError(error.message, hint=error.hint))
        except LinkClosedError:
            if link.lost is None:
                raise

    def _resume(self, link: Link) -> None:
        """Go on where the lost link left off, as far as the board still knows."""
        boot_id = link.hello.boot_id
        restarted = boot_id != self._boot_id
        if restarted:
            self._ack.restart()
        self._stream.resume(link, restarted=restarted)
        self._boot_id = boot_id
        self._resumed = True
        self._listeners.tell(lambda listener: listener.on_relink(restarted))

    def _serve(self, link: Link) -> None:
        item = self._next_item()
        if isinstance(item, _Call):
            item.run()
        elif isinstance(item, _Telemetry):
            if item.link is link:
                self._stream.take(link, item.event)
        elif self._stream.is_quiet:
            self._stream.ask(link)
        else:
            self._stream.fetch_piece(link)

    def _next_item(self) -> _Telemetry | _Call[Any] | _Wake | None:
        try:
            if self._stream.has_holes:
                return self._inbox.get_nowait()
            return self._inbox.get(timeout=QUIET_S)
        except queue.Empty:
            return None

    def _end(self, failure: PressloopError | None) -> None:
        # In this order: whoever finds the end finds its reason, too.
        self._relinker.end(failure)
        self._ended.set()
        with contextlib.suppress(queue.Empty):
            while True:
                item = self._inbox.get_nowait()
                if isinstance(item, _Call):
                    item.cancel()
        if failure is not None:
            self._relinker.link.close()
        self._listeners.tell_end(failure)
