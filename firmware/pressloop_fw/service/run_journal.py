"""Writes the state of the press into the journal at each change; reads at boot what it was.

Only the foreground writes, after the tick that changed something, so that no tick waits for the
flash. What a power cut leaves is the state of a moment before it.
"""

from pressloop_fw.loop.plan import NO_STEP, TICK_MS
from pressloop_fw.service import progress
from pressloop_fw.service.flash_journal import open_journal, pressure_of
from pressloop_fw.wire import schema
from pressloop_fw.wire.errors import CommandError

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# generated: numbers of other modules; edit the lists and run `make generate`.
# wire.schema: STATE_IDLE STATE_RUNNING STATE_PAUSED STATE_FAULT FAULT_NONE
_STATE_IDLE = const(0)
_STATE_RUNNING = const(1)
_STATE_PAUSED = const(2)
_STATE_FAULT = const(5)
_FAULT_NONE = const(0)
# end of generated

NO_RUN = b"\0" * 8

_AT_REST = (_STATE_IDLE, _STATE_FAULT)
_NEVER = schema.CLOCK_END
_MAX_KPA = const(2000000)
_MAX_MS = const(1000000000)
# Seconds between two records of a run in which nothing changes; at first they are closer.
_MAX_QUIET_S = const(60)
# Ticks at rest and without pressure before a block is erased, and between two attempts at a flash
# that refuses.
_PAUSE_TICKS = const(100)
# Attempts to write at rest: each one ends at once while the next tick is near.
_MAX_ATTEMPTS = const(1000)
# Records that are read at boot: the newest ones say all, the others when the run started.
_MAX_READ = const(1000)


class InterruptedRun:
    """Holds what is known of the run that a reset cut off: the newest record of it."""

    def __init__(self, record):
        self.run_id = record[10]
        self.step = record[3]
        self.tick = record[5]
        self.inputs = record[6]
        self.pressure_kpa = pressure_of(record)
        self.dwell_ms = record[9]
        self.start_tick = 0
        self.fault = _FAULT_NONE
        self.reset_cause = schema.RESET_POWER_ON


# What the host gets when no run was cut off.
NO_INTERRUPTED_RUN = InterruptedRun((0, 0, 0, NO_STEP, 0, 0, 0, 0, 0, 0, NO_RUN, 0))


class RunJournal:
    """Keeps the journal in step with the run.

    `run_id` is that of the current or the last run, NO_RUN before the first. `interrupted` is the
    run that the last reset cut off, until the next one starts; None without one. `profile_crc` is
    the CRC-32 of the profile that was in use, None when unknown.
    """

    def __init__(self, board, controller):
        self.run_id = NO_RUN
        self.interrupted = None
        self.profile_crc = None
        self._board = board
        self._controller = controller
        self._sequencer = controller.sequencer
        self._journal = open_journal(board.open_journal())
        self._failed = False
        self._full = False
        self._open = False
        self._vent_by_tick = 0
        # As in the newest record, with idle for a fault: the fault itself says that.
        self._state = _STATE_IDLE
        self._step = NO_STEP
        self._fault = _FAULT_NONE
        # When the next record of progress is due, and after how long the one after it.
        self._progress_tick = _NEVER
        self._quiet_s = 1
        self._retry_tick = 0
        self._erase_tick = _PAUSE_TICKS
        # CRC-32 of the profiles before and after a change that is not in the journal yet.
        self._changed_profile = None

    @property
    def storage(self):
        """Return what is wrong with the journal, as STORAGE_* bits."""
        if self._journal is None or self._failed:
            return schema.STORAGE_UNAVAILABLE
        return schema.STORAGE_JOURNAL_FULL if self._full else 0

    def recall(self):
        """Find what the last reset interrupted; return the fault that has to latch."""
        board = self._board
        watchdog = board.reset_cause == schema.RESET_WATCHDOG
        fault = _FAULT_NONE
        cut = None
        first = True
        cause = board.reset_cause
        read = 0
        if self._journal is not None:
            for record in self._journal.newest_first():
                kind, state = record[1], record[2] & 0xF
                if first:
                    first = False
                    fault = record[4]
                if self.profile_crc is None and kind == schema.JOURNAL_BOOT:
                    self.profile_crc = record[9]
                elif self.profile_crc is None and kind == schema.JOURNAL_PROFILE:
                    self.profile_crc = int.from_bytes(record[10][4:], "little")
                if cut is not None:
                    if record[10] != cut.run_id:
                        break
                    if kind == schema.JOURNAL_START:
                        cut.start_tick = record[5]
                        break
                elif kind == schema.JOURNAL_BOOT:
                    cause = record[2] >> 4
                elif kind != schema.JOURNAL_PROFILE:
                    if state in _AT_REST:
                        break
                    cut = InterruptedRun(record)
                    cut.reset_cause = cause
                read += 1
                if read >= _MAX_READ:
                    break
        if fault == _FAULT_NONE:
            if watchdog and board.tick_hung:
                fault = schema.FAULT_TICK_HANG
            elif cut is not None:
                fault = schema.FAULT_WATCHDOG if watchdog else schema.FAULT_POWER_LOSS
        if cut is not None:
            cut.fault = fault
            kept = board.kept() if watchdog else None
            if kept is not None and kept[1] >= cut.tick:
                cut.step, cut.tick, dwell_ticks = kept
                cut.dwell_ms = min(dwell_ticks * TICK_MS, _MAX_MS)
            self.interrupted = cut
        return fault

    def note_boot(self, boot_id, profile_crc):
        """Write that the controller has started, with the fault that is latched."""
        self._fault = self._controller.interlocks.fault
        state = _STATE_FAULT if self._fault else _STATE_IDLE
        run_id = boot_id.to_bytes(4, "little") + b"\0\0\0\0"
        cause = self._board.reset_cause
        self._write(schema.JOURNAL_BOOT, state | cause << 4, NO_STEP, profile_crc, run_id)

    def open(self, run_id, vent_by_tick):
        """Write that a run is about to start; it has to vent from `vent_by_tick` on.

        Raises CommandError when that cannot be written: a power cut in the run would go unnoticed.
        """
        if not self._write(schema.JOURNAL_START, _STATE_RUNNING, NO_STEP, 0, run_id):
            raise CommandError(schema.ERR_STORAGE)
        self.run_id = run_id
        self.interrupted = None
        self._vent_by_tick = vent_by_tick
        self._open = True
        self._full = False
        self._state = _STATE_RUNNING
        self._step = NO_STEP
        self._quiet_s = 1

    def require_writable(self):
        """Refuse what has to be written into the journal while that is impossible."""
        if self._journal is None:
            raise CommandError(schema.ERR_STORAGE)

    def note_profile(self, crc_before, crc):
        """Write that the profile was changed; in a later turn if it is impossible now."""
        self._changed_profile = (crc_before, crc)
        self._write_profile()

    def records(self, back, most):
        """Return up to `most` records as bytes, the newest first, after skipping `back`.

        Raises CommandError when there is none.
        """
        self.require_writable()
        packed = b""
        for _ in self._journal.newest_first():
            if back:
                back -= 1
                continue
            packed += self._journal.packed()
            most -= 1
            if not most:
                break
        if not packed:
            raise CommandError(schema.ERR_NOT_HELD, schema.JOURNAL_READ_REQUEST_BACK)
        return packed

    def update(self, tick):
        """Write what has changed since the last turn; end a run before the device clock does."""
        sequencer = self._sequencer
        if sequencer.pending.start:
            # In this order: the tick after this check can turn the pending start into a run.
            return
        state = sequencer.state
        step = sequencer.step_index
        fault = self._controller.interlocks.fault
        active = state not in _AT_REST
        if self._open:
            if not active:
                self._open = False
            else:
                self._board.keep(step, tick, progress.dwell_ticks(sequencer))
                if tick >= self._vent_by_tick:
                    # The tick cannot count past the end of the clock: release under control before
                    # it, not by the reset that comes with it.
                    sequencer.pending.request_end(schema.END_CLOCK_SPENT)
        if self._journal is None or tick < self._retry_tick:
            return
        known = state if active else _STATE_IDLE
        changed = known != self._state or step != self._step or fault != self._fault
        if changed or tick >= self._progress_tick:
            self._write_state(state, step, fault, tick, active, changed)
        elif not active:
            if self._changed_profile:
                self._write_profile()
            elif tick >= self._erase_tick and not self._controller.release_watch.stands:
                self._erase_tick = tick + _PAUSE_TICKS
                self._erase_ahead(tick)

    def _write_state(self, state, step, fault, tick, active, changed):
        """Write one record of a change or of progress, if the flash takes it now."""
        journal = self._journal
        if active and self._full:
            return
        if not active and not journal.left:
            if tick < self._erase_tick or self._controller.release_watch.stands:
                return
            self._erase_ahead(tick)
        kind = self._kind(state, fault, changed)
        if active and journal.left <= 1:
            kind = schema.JOURNAL_FULL
        detail = self._sequencer.end_reason if kind == schema.JOURNAL_END else 0
        dwell_ms = min(progress.dwell_ticks(self._sequencer) * TICK_MS, _MAX_MS)
        if not self._append(kind, state | detail << 4, step, fault, dwell_ms, self.run_id):
            return
        self._full = kind == schema.JOURNAL_FULL
        if step != self._step:
            self._quiet_s = 1
        elif not changed:
            self._quiet_s = min(2 * self._quiet_s, _MAX_QUIET_S)
        self._state = state if active else _STATE_IDLE
        self._step = step
        self._fault = fault
        self._progress_tick = tick + self._quiet_s * schema.TICK_HZ if active else _NEVER
        self._erase_tick = tick + _PAUSE_TICKS

    def _kind(self, state, fault, changed):
        """Return the kind of the record that takes the journal to this state."""
        if not changed:
            return schema.JOURNAL_PROGRESS
        if fault != self._fault:
            return schema.JOURNAL_FAULT if fault else schema.JOURNAL_CLEAR
        if state in _AT_REST:
            return schema.JOURNAL_END
        if state == _STATE_PAUSED:
            return schema.JOURNAL_PAUSE
        if self._state == _STATE_PAUSED and state == _STATE_RUNNING:
            return schema.JOURNAL_RESUME
        return schema.JOURNAL_STEP

    def _write_profile(self):
        before, after = self._changed_profile
        run_id = before.to_bytes(4, "little") + after.to_bytes(4, "little")
        if self._write(schema.JOURNAL_PROFILE, self._state, NO_STEP, 0, run_id):
            self._changed_profile = None

    def _write(self, kind, state, step, dwell_ms, run_id):
        """Write a record at rest, and wait for the tick if it is near; return whether it worked."""
        journal = self._journal
        if journal is None:
            return False
        if journal.left < 2:
            self._erase_ahead(self._controller.tick_count)
        for _ in range(_MAX_ATTEMPTS):
            if self._append(kind, state, step, self._fault, dwell_ms, run_id):
                return True
            if self._failed:
                return False
        return False

    def _append(self, kind, state, step, fault, dwell_ms, run_id):
        controller = self._controller
        kpa = max(-_MAX_KPA, min(controller.sampler.pressure_kpa, _MAX_KPA))
        tick = controller.tick_count
        try:
            written = self._journal.append(
                kind, state, step, fault, tick, controller.inputs, kpa, dwell_ms, run_id
            )
        except OSError:
            self._failed = True
            self._retry_tick = tick + _PAUSE_TICKS
            return False
        if written:
            self._failed = False
        return written

    def _erase_ahead(self, tick):
        try:
            if not self._journal.erase_ahead():
                self._journal.grow()
        except OSError:
            self._failed = True
            self._retry_tick = tick + _PAUSE_TICKS
