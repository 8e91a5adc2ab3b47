"""What a loss of power or a reset leaves: faults, the interrupted run, the journal."""

import struct

from pressloop_fw import app
from pressloop_fw.service.flash_journal import LAYOUT, RECORD_SIZE, FlashJournal
from pressloop_fw.wire import schema
from pressloop_sim.board.flash_area import EmulatedFlash
from rig import JOURNAL_BLOCKS, JOURNAL_SLOTS, Rig, hold, ramp

SLOW = ("test_a_power_cut_at_every_byte_leaves_the_state_before_or_after",)

_RUN_ID = (1).to_bytes(8, "big")


def _copy(stored):
    copy = dict(stored)
    copy["journal"] = bytearray(stored["journal"])
    return copy


def _reset(rig, cause=schema.RESET_POWER_ON, **more):
    again = Rig(stored=_copy(rig.stored), reset_cause=cause, **more)
    again.tick()
    return again


def _fault(rig):
    return rig.status()[schema.STATUS_REPLY_FAULT]


def _kinds(rig):
    """Return the kinds of all records, the oldest first."""
    records = rig.ask(schema.CMD_JOURNAL_READ, {schema.JOURNAL_READ_REQUEST_BACK: 0})
    packed = records[schema.JOURNAL_READ_REPLY_RECORDS]
    kinds = [struct.unpack_from(LAYOUT, packed, at)[1] for at in range(0, len(packed), RECORD_SIZE)]
    kinds.reverse()
    return kinds


def _dwelling(seconds=3):
    rig = Rig()
    rig.start([ramp(100000, 20000), hold(100000, 600000)])
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    rig.run(seconds)
    return rig


# --- faults


def test_a_latched_fault_outlives_power_until_a_person_clears_it():
    for fault in (schema.FAULT_OVER_PRESSURE, schema.FAULT_EMERGENCY_STOP, schema.FAULT_GUARD_OPEN):
        rig = Rig()
        rig.tick()
        rig.controller.interlocks.latch(fault)
        rig.tick()
        for _ in range(3):  # power failures often come in series
            rig = _reset(rig)
            assert _fault(rig) == fault
            assert rig.status()[schema.STATUS_REPLY_STATE] == schema.STATE_FAULT
            assert rig.pump == 0 and rig.release == schema.OUTPUT_FULL
            start = {schema.START_REQUEST_RUN_ID: b"12345678"}
            assert rig.code_of(schema.CMD_START, start) == schema.ERR_FAULTED
        rig.ask(schema.CMD_CLEAR, {schema.CLEAR_REQUEST_FAULT: fault})
        assert _fault(_reset(rig)) == schema.FAULT_NONE


def test_a_fault_in_a_run_is_what_counts_after_a_power_cut():
    rig = _dwelling()
    rig.inputs = schema.INPUT_EMERGENCY_STOP
    rig.tick()
    rig = _reset(rig)
    assert _fault(rig) == schema.FAULT_EMERGENCY_STOP
    assert rig.ask(schema.CMD_INTERRUPTED_RUN)[schema.INTERRUPTED_RUN_REPLY_RUN_ID] == b"\0" * 8


# --- the interrupted run


def test_the_interrupted_run_is_told_until_the_next_one():
    rig = _dwelling(10)
    dwell = rig.status()[schema.STATUS_REPLY_DWELL_MS]
    tick = rig.controller.tick_count
    for _ in range(2):
        rig = _reset(rig)
        told = rig.ask(schema.CMD_INTERRUPTED_RUN)
        assert told[schema.INTERRUPTED_RUN_REPLY_RUN_ID] == _RUN_ID
        assert told[schema.INTERRUPTED_RUN_REPLY_STEP] == 1
        assert told[schema.INTERRUPTED_RUN_REPLY_FAULT] == schema.FAULT_POWER_LOSS
        assert told[schema.INTERRUPTED_RUN_REPLY_RESET_CAUSE] == schema.RESET_POWER_ON
        # Records are 1, 2, 4, ... s apart.
        assert dwell / 2 - 1000 <= told[schema.INTERRUPTED_RUN_REPLY_DWELL_MS] <= dwell
        assert abs(told[schema.INTERRUPTED_RUN_REPLY_PRESSURE_KPA] - 100000) < 2000
        assert 0 < told[schema.INTERRUPTED_RUN_REPLY_START_TICK] < 10
        assert tick / 2 < told[schema.INTERRUPTED_RUN_REPLY_TICK] <= tick
        assert _fault(rig) == schema.FAULT_POWER_LOSS
    rig.ask(schema.CMD_CLEAR, {schema.CLEAR_REQUEST_FAULT: schema.FAULT_POWER_LOSS})
    assert rig.ask(schema.CMD_INTERRUPTED_RUN)[schema.INTERRUPTED_RUN_REPLY_RUN_ID] == _RUN_ID
    rig.start([ramp(50000, 20000)])
    assert rig.ask(schema.CMD_INTERRUPTED_RUN)[schema.INTERRUPTED_RUN_REPLY_RUN_ID] == b"\0" * 8


def test_a_start_with_a_fault_writes_one_record():
    rig = _dwelling()
    for _ in range(2):
        rig = Rig(stored=_copy(rig.stored))
        rig.app.poll()  # before the first tick, which trips
        rig.run(0.1)
        assert _kinds(rig)[-1] == schema.JOURNAL_BOOT
        told = rig.ask(schema.CMD_INTERRUPTED_RUN)
        assert told[schema.INTERRUPTED_RUN_REPLY_RUN_ID] == _RUN_ID


def test_a_run_that_ended_is_not_interrupted():
    rig = Rig()
    rig.start([ramp(20000, 20000)])
    assert rig.run(60, rig.idle_again)
    rig.tick()
    kinds = _kinds(rig)
    assert kinds[0] == schema.JOURNAL_BOOT and schema.JOURNAL_START in kinds
    assert kinds[-1] == schema.JOURNAL_END
    rig = _reset(rig)
    assert _fault(rig) == schema.FAULT_NONE
    assert rig.ask(schema.CMD_INTERRUPTED_RUN)[schema.INTERRUPTED_RUN_REPLY_RUN_ID] == b"\0" * 8


def test_what_the_watchdog_registers_kept_is_newer_than_the_journal():
    rig = _dwelling(30)
    kept = rig.kept_words
    assert kept is not None
    dwell = rig.status()[schema.STATUS_REPLY_DWELL_MS]
    rig = _reset(rig, schema.RESET_WATCHDOG, kept=kept)
    told = rig.ask(schema.CMD_INTERRUPTED_RUN)
    assert abs(told[schema.INTERRUPTED_RUN_REPLY_DWELL_MS] - dwell) <= 20
    assert told[schema.INTERRUPTED_RUN_REPLY_FAULT] == schema.FAULT_WATCHDOG
    assert told[schema.INTERRUPTED_RUN_REPLY_RESET_CAUSE] == schema.RESET_WATCHDOG


def test_a_hung_tick_is_a_fault_also_at_rest():
    rig = Rig()
    rig = _reset(rig, schema.RESET_WATCHDOG, tick_hung=True)
    assert _fault(rig) == schema.FAULT_TICK_HANG
    assert _fault(_reset(rig)) == schema.FAULT_TICK_HANG


# --- the journal


def test_each_change_of_a_run_is_a_record():
    rig = Rig()
    rig.start([ramp(50000, 20000), hold(50000, 60000)])
    assert rig.run(30, lambda: rig.sequencer.step_index == 1)
    rig.ask(schema.CMD_PAUSE)
    rig.run(0.1)
    rig.ask(schema.CMD_RESUME)
    rig.run(0.1)
    rig.ask(schema.CMD_ABORT)
    assert rig.run(60, rig.idle_again)
    rig.tick()
    changes = [kind for kind in _kinds(rig) if kind != schema.JOURNAL_PROGRESS]
    assert changes == [
        schema.JOURNAL_BOOT,
        schema.JOURNAL_PROFILE,
        schema.JOURNAL_START,
        schema.JOURNAL_STEP,
        schema.JOURNAL_STEP,
        schema.JOURNAL_PAUSE,
        schema.JOURNAL_RESUME,
        schema.JOURNAL_STEP,
        schema.JOURNAL_END,
    ]


def test_a_long_hold_writes_once_a_minute():
    rig = _dwelling(120)
    before = rig.app.server.run_journal._journal.count
    rig.run(300)
    assert rig.app.server.run_journal._journal.count - before == 5


def test_a_profile_change_is_logged_with_old_and_new_hash():
    rig = Rig()
    old = rig.app.server.profile_store.crc
    values = rig.ask(schema.CMD_PROFILE_READ)
    values[schema.PROFILE_MAX_OIL_KPA] -= 1000
    new = rig.ask(schema.CMD_PROFILE_WRITE, values)[schema.PROFILE_WRITE_REPLY_CRC]
    reply = rig.ask(schema.CMD_JOURNAL_READ, {schema.JOURNAL_READ_REQUEST_BACK: 0})
    record = struct.unpack_from(LAYOUT, reply[schema.JOURNAL_READ_REPLY_RECORDS])
    assert record[1] == schema.JOURNAL_PROFILE
    assert record[10] == struct.pack("<II", old, new)


def test_a_write_waits_while_the_next_tick_is_near():
    rig = Rig()
    rig.start([ramp(50000, 20000), hold(50000, 60000)])
    rig.journal.busy = True
    count = rig.app.server.run_journal._journal.count
    assert rig.run(30, lambda: rig.sequencer.step_index == 1)
    assert rig.app.server.run_journal._journal.count == count
    rig.journal.busy = False
    rig.tick()
    assert rig.app.server.run_journal._journal.count == count + 1


def test_no_block_is_erased_in_a_run():
    rig = Rig()
    rig.start([ramp(100000, 20000), hold(100000, 60000)])
    rig.run(30)
    assert rig.journal.erased == 0


def test_no_block_is_erased_while_the_press_is_under_pressure():
    rig = Rig()
    # More than half of the blocks are used, and the older ones are due.
    journal = rig.app.server.run_journal._journal
    for _ in range(JOURNAL_SLOTS * (JOURNAL_BLOCKS - 2)):
        journal.append(schema.JOURNAL_STEP, 0, 255, 0, 0, 0, 0, 0, _RUN_ID)
    rig.raw = 10000
    rig.run(1)
    rig.controller.interlocks.latch(schema.FAULT_INTERNAL)
    rig.run(5)
    assert rig.journal.erased == 0
    rig.raw = None
    rig.run(5)
    assert rig.journal.erased > 1


def test_the_journal_goes_round_and_keeps_the_newest_records():
    area = EmulatedFlash(4, 8)
    journal = FlashJournal(area)
    for number in range(1, 200):
        if journal.left < 2:
            assert journal.erase_ahead()
        assert journal.append(schema.JOURNAL_STEP, 1, 0, 0, number, 0, -5, 7, _RUN_ID)
        again = FlashJournal(EmulatedFlash(4, 8, area.image))
        newest = [record[5] for record in again.newest_first()]
        assert newest == list(range(number, number - len(newest), -1))
        assert len(newest) >= min(number, 9)


def test_a_full_journal_stops_says_so_and_goes_on_after_the_run():
    rig = Rig()
    rig.start([ramp(50000, 20000), hold(50000, 600000)])
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    rig.app.server.run_journal._quiet_s = 0  # a record in every turn
    rig.app.server.run_journal._progress_tick = 0
    rig.run(JOURNAL_BLOCKS * JOURNAL_SLOTS / schema.TICK_HZ + 1)
    status = rig.status()
    assert status[schema.STATUS_REPLY_STORAGE] == schema.STORAGE_JOURNAL_FULL
    assert status[schema.STATUS_REPLY_STATE] == schema.STATE_RUNNING
    assert _kinds(rig)[-1] == schema.JOURNAL_FULL
    # A power cut now is still one in a run.
    assert _fault(_reset(rig)) == schema.FAULT_POWER_LOSS
    rig.ask(schema.CMD_ABORT)
    assert rig.run(60, rig.idle_again)
    rig.run(3)
    assert schema.STATUS_REPLY_STORAGE not in rig.status()
    assert _fault(_reset(rig)) == schema.FAULT_NONE


def test_a_power_cut_at_every_byte_leaves_the_state_before_or_after():
    """Tear each write of a run, and of the boot after it, at each of its bytes."""
    writes = []

    class Recording(EmulatedFlash):
        def program(self, block, slot, record):
            before = bytearray(self.image)
            done = EmulatedFlash.program(self, block, slot, record)
            at = (block * self.slots + slot) * RECORD_SIZE
            writes.append((before, at, bytes(record)))
            return done

    rig = Rig()
    area = Recording(JOURNAL_BLOCKS, JOURNAL_SLOTS, rig.stored["journal"])
    rig.app.server.run_journal._journal._area = area
    rig.start([ramp(20000, 20000), hold(20000, 1000)])
    assert rig.run(60, rig.idle_again)
    rig.tick()
    assert len(writes) >= 5
    for before, at, record in writes:
        state_before = _recalled(bytearray(before))
        whole = bytearray(before)
        whole.extend(b"\xff" * (at + RECORD_SIZE - len(whole)))
        whole[at : at + RECORD_SIZE] = record
        state_after = _recalled(bytearray(whole))
        for cut in range(1, RECORD_SIZE):
            torn = bytearray(whole)
            torn[at + cut : at + RECORD_SIZE] = b"\xff" * (RECORD_SIZE - cut)
            assert _recalled(torn) in (state_before, state_after)
            # And the journal goes on behind it.
            assert FlashJournal(EmulatedFlash(JOURNAL_BLOCKS, JOURNAL_SLOTS, torn)).append(
                schema.JOURNAL_END, 0, 255, 0, 1, 0, 0, 0, _RUN_ID
            )


def test_the_ring_takes_up_blocks_that_are_added_behind_it():
    class Growing(EmulatedFlash):
        def grow(self):
            if self.blocks == 6:
                return False
            self.blocks += 1
            return True

    area = Growing(4, 8)
    journal = FlashJournal(area)
    for number in range(1, 300):
        if number > 40:
            journal.grow()
        if journal.left < 2:
            assert journal.erase_ahead()
        assert journal.append(schema.JOURNAL_STEP, 1, 0, 0, number, 0, 0, 0, _RUN_ID)
        again = FlashJournal(EmulatedFlash(area.blocks, 8, area.image))
        assert next(again.newest_first())[5] == number
    assert area.blocks == 6
    assert len(list(journal.newest_first())) > 4 * 8


def test_a_block_whose_erase_was_cut_off_is_erased_again():
    area = EmulatedFlash(4, 8)
    journal = FlashJournal(area)
    for number in range(30):
        journal.append(schema.JOURNAL_STEP, 1, 0, 0, number, 0, 0, 0, _RUN_ID)
    for cut in range(0, 8 * RECORD_SIZE, 5):
        image = bytearray(area.image)
        image[:cut] = b"\xff" * cut  # block 0, the oldest
        again = FlashJournal(EmulatedFlash(4, 8, image))
        assert next(again.newest_first())[5] == 29
        while again.erase_ahead():
            pass
        assert again.left == 2 + 2 * 8


def _recalled(image):
    """Return what a journal says of its newest state."""
    journal = FlashJournal(EmulatedFlash(JOURNAL_BLOCKS, JOURNAL_SLOTS, image))
    for record in journal.newest_first():
        return record[1:11]
    return None


# --- a full or broken flash


def test_a_board_starts_on_a_full_flash_and_says_so():
    stored = Rig().stored
    rig = Rig(stored=stored, flash_full=True)
    rig.run(0.1)
    assert rig.status()[schema.STATUS_REPLY_STORAGE] == schema.STORAGE_UNAVAILABLE
    # It can press: the journal has a place of its own.
    rig.start([ramp(20000, 20000)])
    assert rig.run(60, rig.idle_again)
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_COMPLETED


def test_two_boots_that_could_not_be_counted_differ():
    stored = Rig().stored
    ids = {Rig(stored=stored, flash_full=True).app.server.boot_id for _ in range(3)}
    assert len(ids) == 3


def test_a_profile_that_cannot_be_stored_is_refused_and_the_old_one_stays():
    rig = Rig()
    values = rig.ask(schema.CMD_PROFILE_READ)
    changed = dict(values)
    changed[schema.PROFILE_MAX_OIL_KPA] -= 1000
    rig.flash_full = True
    assert rig.code_of(schema.CMD_PROFILE_WRITE, changed) == schema.ERR_STORAGE
    assert rig.ask(schema.CMD_PROFILE_READ) == values
    rig.flash_full = False
    assert rig.ask(schema.CMD_PROFILE_WRITE, changed)
    assert _reset(rig).ask(schema.CMD_PROFILE_READ) == changed


def test_a_run_does_not_start_without_a_journal():
    rig = Rig()
    rig.upload([ramp(20000, 20000)])
    rig.tick()
    start = {schema.START_REQUEST_RUN_ID: b"12345678"}
    rig.journal.refuses = True
    assert rig.code_of(schema.CMD_START, start) == schema.ERR_STORAGE
    rig.run(0.1)
    assert rig.status()[schema.STATUS_REPLY_STATE] == schema.STATE_IDLE
    assert rig.status()[schema.STATUS_REPLY_STORAGE] == schema.STORAGE_UNAVAILABLE
    rig.journal.refuses = False
    assert rig.code_of(schema.CMD_START, start) == 0


def test_a_journal_that_fails_in_a_run_does_not_end_it():
    rig = _dwelling()
    before = rig.journal.attempts
    rig.journal.refuses = True
    rig.run(5)
    assert rig.status()[schema.STATUS_REPLY_STORAGE] == schema.STORAGE_UNAVAILABLE
    assert rig.status()[schema.STATUS_REPLY_STATE] == schema.STATE_RUNNING
    # It is tried again once a second, not in every turn.
    assert rig.journal.attempts - before <= 5
    rig.journal.refuses = False
    rig.run(61)
    assert schema.STATUS_REPLY_STORAGE not in rig.status()


def test_a_board_without_room_for_a_journal_answers_and_does_not_press():
    rig = Rig(stored=Rig().stored, has_journal=False)
    rig.upload([ramp(20000, 20000)])
    rig.run(0.1)
    assert rig.status()[schema.STATUS_REPLY_STORAGE] == schema.STORAGE_UNAVAILABLE
    start = {schema.START_REQUEST_RUN_ID: b"12345678"}
    assert rig.code_of(schema.CMD_START, start) == schema.ERR_STORAGE
    read = {schema.JOURNAL_READ_REQUEST_BACK: 0}
    assert rig.code_of(schema.CMD_JOURNAL_READ, read) == schema.ERR_STORAGE


# --- a run bound to a profile


def test_a_run_bound_to_another_profile_is_refused():
    rig = Rig()
    rig.upload([ramp(20000, 20000)])
    rig.tick()
    start = {
        schema.START_REQUEST_RUN_ID: b"12345678",
        schema.START_REQUEST_PROFILE_HASH: b"otherone",
    }
    assert rig.code_of(schema.CMD_START, start) == schema.ERR_PROFILE_MISMATCH
    crc = rig.app.server.profile_store.crc
    start[schema.START_REQUEST_PROFILE_HASH] = crc.to_bytes(4, "big") + b"\0\0\0\0"
    assert rig.code_of(schema.CMD_START, start) == 0


# --- tracebacks


def test_an_exception_in_every_turn_prints_one_traceback_a_second():
    rig = Rig()
    printed = []
    plain = app._print_traceback
    try:
        app._print_traceback = printed.append
        rig.app.server.drain = rig.app.link.poll = _fail
        rig.run(0.05)
        assert rig.controller.interlocks.fault == schema.FAULT_INTERNAL
        rig.run(3)
    finally:
        app._print_traceback = plain
    assert 3 <= len(printed) <= 4
    assert rig.controller.interlocks.fault == schema.FAULT_INTERNAL


def _fail():
    raise ValueError("a defect")
