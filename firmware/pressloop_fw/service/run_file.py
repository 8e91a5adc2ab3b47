"""The mark in the flash that a run is in progress.

It is written when a run starts and emptied when it ends. Found at boot, it says that a reset cut a
run off; it then stays until a host has cleared the fault that reports it.
"""

from pressloop_fw.wire import schema

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# generated: numbers of other modules; edit the lists and run `make generate`.
# wire.schema: STATE_RUNNING
_STATE_RUNNING = const(1)
# end of generated

NO_RUN = b"\0" * 8

_FILE = "run"


class RunFile:
    """Keeps the mark in step with the run.

    `run_id` is that of the current or the last run, NO_RUN before the first. `is_open` says that
    the mark of a run of this boot is in the flash.
    """

    def __init__(self, board, sequencer):
        self.run_id = NO_RUN
        self.is_open = False
        self._board = board
        self._sequencer = sequencer
        self._vent_by_tick = 0

    def found(self):
        """Whether the flash has the mark of a run that has not ended."""
        return bool(self._board.load(_FILE))

    def open(self, run_id, vent_by_tick):
        """Mark a run that is about to start; it has to vent from `vent_by_tick` on."""
        self._board.store(_FILE, run_id)
        self.run_id = run_id
        self._vent_by_tick = vent_by_tick
        self.is_open = True

    def clear(self):
        """Remove the mark."""
        self._board.store(_FILE, b"")
        self.is_open = False

    def update(self, tick):
        """Remove the mark of a run that has ended; end a run before the device clock does."""
        sequencer = self._sequencer
        if sequencer.state == _STATE_RUNNING and tick < self._vent_by_tick:
            return
        # In this order: a tick between the two checks can turn the pending start into a run.
        if not sequencer.pending.start and not sequencer.active():
            self.clear()
        elif sequencer.active() and tick >= self._vent_by_tick:
            # The tick cannot count past the end of the clock: release under control before it,
            # not by the reset that comes with it.
            sequencer.pending.request_end(schema.END_CLOCK_SPENT)
