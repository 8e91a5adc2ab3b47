"""Builds all objects of the firmware and runs the foreground loop."""

import gc
import sys

from pressloop_fw.loop.plan import Plan
from pressloop_fw.loop.telemetry_ring import TelemetryRing
from pressloop_fw.loop.tick import Controller
from pressloop_fw.service.commands import CommandServer
from pressloop_fw.service.preconditions import is_allowed
from pressloop_fw.wire import schema
from pressloop_fw.wire.link import Link

_CTRL_C = 3
# A minute before the device clock ends. Every run has ended by then (`Plan.vent_by_tick`).
_LAST_TICK = schema.CLOCK_END - 60 * schema.TICK_HZ
# Ring records that a board must have room for: eleven seconds, so that a host which is away for ten
# misses none.
_MIN_RING_RECORDS = 1100
# Memory for all that is built after the ring (27 KiB) and for what commands and reports allocate.
_REST_BYTES = 40 * 1024


class App:
    """The firmware of one controller on one board.

    It has two tiers: `controller.tick`, called by the board's timer, and `poll`, called in a loop.
    The foreground may stall without an effect on the tick.
    """

    def __init__(self, board):
        self.board = board
        self.plan = Plan()
        has_displacement = bool(board.capabilities & schema.CAP_DISPLACEMENT)
        self.ring = _ring(board.ring_records, has_displacement)
        self.controller = Controller(board, self.plan, self.ring)
        self.server = CommandServer(board, self.controller, self.plan, self.ring)
        self.link = Link(board, self.server, self._on_console)
        self._fed_at = -1
        self._report_tick = 0
        board.safe()
        self.server.boot(self.link)

    def poll(self):
        """Run one turn of the foreground loop. An exception in it latches a fault."""
        controller = self.controller
        try:
            self.link.poll()
            self.server.drain()
        except Exception as failure:
            controller.interlocks.latch(schema.FAULT_INTERNAL)
            self._report(failure)
        if controller.failure is not None:
            failure, controller.failure = controller.failure, None
            self._report(failure)
        # Fed only when the tick has advanced since the last turn: a hung tick and a hung foreground
        # both end in a reset. So does the end of the device clock: a controller that has been on
        # for 124 days restarts, without a run.
        tick = controller.tick_count
        if tick != self._fed_at and tick < _LAST_TICK:
            self._fed_at = tick
            self.board.feed_watchdog()

    def _report(self, failure):
        """Print a traceback, at most one a second: a host must find the first one."""
        tick = self.controller.tick_count
        if tick >= self._report_tick:
            self._report_tick = tick + schema.TICK_HZ
            _print_traceback(failure)

    def run(self):
        """Run without end."""
        board = self.board
        board.start_tick(self.controller.tick)
        while True:
            self.poll()
            board.idle()

    def _on_console(self, byte):
        """Process a byte from outside a frame. Ctrl-C stops the controller, for other firmware.

        It is ignored while a run is active, and without the button: what has the port could else
        replace the firmware, and with it every limit, from afar.
        """
        sequencer = self.controller.sequencer
        if byte != _CTRL_C or sequencer.active() or sequencer.pending.start:
            return
        if is_allowed(self.board, self.controller):
            self.board.interrupt()


def _print_traceback(failure):
    if hasattr(sys, "print_exception"):
        sys.print_exception(failure)
    else:
        import traceback

        traceback.print_exception(failure)


def _ring(records, has_displacement):
    """Return a telemetry ring of `records`, or of as many of them as there is memory for.

    On MicroPython without our image the code itself takes memory. A host learns the size of the
    ring from hello. What is built after the ring needs memory too, in small pieces.
    """
    if hasattr(gc, "mem_free"):  # MicroPython
        gc.collect()
        size = schema.RECORD_SIZE if has_displacement else schema.SHORT_RECORD_SIZE
        room = (gc.mem_free() - _REST_BYTES) // size
        records = min(records, max(room, _MIN_RING_RECORDS))
    while True:
        try:
            return TelemetryRing(records, has_displacement)
        except MemoryError:
            records -= records // 4
            if records < _MIN_RING_RECORDS:
                raise
            gc.collect()
