"""The table of commands: where each is carried out. Boots the service and keeps what it knows.

All of this runs in the foreground. A handler never changes the run itself: it posts a request,
which the next tick carries out.
"""

import os

from pressloop_fw.service import (
    parts,
    press_commands,
    profile_store,
    record_commands,
    run_commands,
    status_commands,
)
from pressloop_fw.service.run_journal import RunJournal
from pressloop_fw.wire import schema

# Each handler takes the server and the values of the request, and returns those of the reply or
# raises CommandError.
_HANDLERS = {
    schema.CMD_HELLO: status_commands.hello,
    schema.CMD_STATUS: status_commands.status,
    schema.CMD_ECHO: status_commands.echo,
    schema.CMD_STREAM: record_commands.stream,
    schema.CMD_BACKFILL: record_commands.backfill,
    schema.CMD_PLAN_COMMIT: run_commands.plan_commit,
    schema.CMD_START: run_commands.start,
    schema.CMD_PAUSE: run_commands.pause,
    schema.CMD_RESUME: run_commands.resume,
    schema.CMD_ABORT: run_commands.abort,
    schema.CMD_DUMP: run_commands.dump,
    schema.CMD_CONFIRM: run_commands.confirm,
    schema.CMD_ADVANCE: run_commands.advance,
    schema.CMD_CLEAR: press_commands.clear,
    schema.CMD_PROFILE_READ: press_commands.profile_read,
    schema.CMD_PROFILE_WRITE: press_commands.profile_write,
    schema.CMD_STEP_RESULT: run_commands.step_result,
    schema.CMD_INTERRUPTED_RUN: record_commands.interrupted_run,
    schema.CMD_JOURNAL_READ: record_commands.journal_read,
    schema.CMD_VALVE_TEST: press_commands.valve_test,
}
# These get the payload as it was sent, too: the digest of the plan is over it.
_PLAN_HANDLERS = {
    schema.CMD_PLAN_BEGIN: run_commands.plan_begin,
    schema.CMD_PLAN_STEP: run_commands.plan_step,
}


class CommandServer:
    """Carries out the commands of the host and sends it live telemetry.

    What the handlers share:

    `profile` is the profile in force, None without one. `boot_id` is a number that no other boot
    had; `boot_uncounted` says that the flash refused to count this one. `host_tick` is the newest
    device clock that the host has acknowledged. `batch_ticks` is how many ticks make a telemetry
    event, 0 while live telemetry is off; `batch_tick` is the tick of the newest one, and
    `next_to_send` the number of the record behind it.
    """

    def __init__(self, board, controller, plan, ring):
        self.board = board
        self.controller = controller
        self.sequencer = controller.sequencer
        self.run_journal = RunJournal(board, controller)
        self.plan = plan
        self.ring = ring
        self.link = None
        self.host_tick = 0
        self.batch_ticks = 0
        self.batch_tick = 0
        self.next_to_send = 0
        self.boot_id = 0
        self.boot_uncounted = False
        self.profile = None
        self.profile_store = profile_store.ProfileStore(board)

    def boot(self, link):
        """Load what is stored; latch the fault from before the reset, and a reset during a run.

        Nothing in here may keep the controller from starting: without storage it says so.
        """
        self.link = link
        self.boot_id = self._count_boot()
        journal = self.run_journal
        fault = journal.recall()
        store = self.profile_store
        store.load(journal.profile_crc)
        if store.profile is not None:
            press_commands.adopt(self, store.profile)
        if fault:
            self.controller.interlocks.latch(fault)
        journal.note_boot(self.boot_id, store.crc)
        missing = parts.missing(self.board, store.profile.values) if store.profile else ""
        if missing:
            print("Pressloop did not find at power-on: " + missing)

    def _count_boot(self):
        """Return a number that no other boot had; by chance if the flash cannot count."""
        board = self.board
        try:
            count = board.load("boots")
            boots = (int.from_bytes(count, "little") + 1 if count else 1) & 0xFFFFFFFF
            board.store("boots", boots.to_bytes(4, "little"))
        except OSError:
            self.boot_uncounted = True
            return int.from_bytes(os.urandom(4), "little")
        return boots

    # --- called by the link

    def heard(self):
        """Note that a frame of the session arrived."""
        self.sequencer.host.heard()

    def alive(self, tick):
        """Note the newest device clock that the host has seen."""
        self.host_tick = tick

    def abort(self):
        """End the run, if there is one, or a test of the valves; return whether there was."""
        return run_commands.end_run(self)

    def handle(self, code, values, payload):
        """Carry out a request and return the reply's values. Raises CommandError."""
        if code in _PLAN_HANDLERS:
            return _PLAN_HANDLERS[code](self, values, payload)
        return _HANDLERS[code](self, values)

    # --- called by the foreground loop

    def drain(self):
        """Send a batch of live telemetry when one is due; keep the mark of the run up to date."""
        tick = self.controller.tick_count
        self.run_journal.update(tick)
        if self.batch_ticks and tick - self.batch_tick >= self.batch_ticks:
            record_commands.send_batch(self, tick)
