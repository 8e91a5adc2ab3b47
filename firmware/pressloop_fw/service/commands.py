"""The table of commands and one handler for each; the telemetry that is sent live.

All of this runs in the foreground. A handler never changes the run itself: it posts a request,
which the next tick carries out.
"""

import os

from pressloop_fw import __version__
from pressloop_fw.loop.plan import TICK_MS
from pressloop_fw.loop.scaling import Scaling
from pressloop_fw.loop.telemetry_ring import begin_event
from pressloop_fw.service import parts, preconditions, profile_store, progress
from pressloop_fw.service.flash_journal import RECORD_SIZE
from pressloop_fw.service.run_journal import NO_INTERRUPTED_RUN, NO_RUN, RunJournal
from pressloop_fw.wire import schema
from pressloop_fw.wire.errors import CommandError

# Limits of a status reply. An open hold may last longer; its status must not fail for that.
_MAX_KPA = 2000000
_MAX_MS = 1000000000
# Bytes of records that fit one telemetry event and one reply to a backfill.
_EVENT_BYTES = schema.TELEMETRY_EVENT_FIELDS[-1][3]
_BACKFILL_BYTES = schema.BACKFILL_REPLY_FIELDS[-1][3]
# Faults that a person at the press has to clear, not one at a screen.
_CLEARED_BY_BUTTON = (
    schema.FAULT_OVER_PRESSURE,
    schema.FAULT_EMERGENCY_STOP,
    schema.FAULT_GUARD_OPEN,
    schema.FAULT_NO_RELEASE,
    schema.FAULT_PUMP_STUCK,
)
# Keys of a hello, of the profile, and the value without a calibration.
_CALIBRATION = (
    (
        schema.HELLO_REPLY_CALIBRATION,
        schema.PROFILE_CALIBRATION_RESULT,
        schema.CALIBRATION_NONE,
    ),
    (schema.HELLO_REPLY_CALIBRATION_DAY, schema.PROFILE_CALIBRATION_DAY, None),
    (schema.HELLO_REPLY_CALIBRATION_DUE_DAY, schema.PROFILE_CALIBRATION_DUE_DAY, None),
    (schema.HELLO_REPLY_CALIBRATION_ERROR_PPM, schema.PROFILE_CALIBRATION_ERROR_PPM, None),
    (schema.HELLO_REPLY_CALIBRATION_REFERENCE, schema.PROFILE_CALIBRATION_REFERENCE, None),
)
# A series of valve tests that one press of the button allows ends after this pause, 30 s.
_MAX_PAUSE_TICKS = 30 * schema.TICK_HZ
_MOST_RECORDS = schema.JOURNAL_READ_REPLY_FIELDS[-1][3] // RECORD_SIZE


class CommandServer:
    """Carries out the commands of the host and sends it live telemetry.

    `host_tick` is the newest device clock that the host has acknowledged. `batch_ticks` is how many
    ticks make a telemetry event, 0 while live telemetry is off.
    """

    def __init__(self, board, controller, plan, ring):
        self.host_tick = 0
        self.batch_ticks = 0
        self._board = board
        self._controller = controller
        self._sequencer = controller.sequencer
        self._run_journal = RunJournal(board, controller)
        self._plan = plan
        self._ring = ring
        self._link = None
        self._sent = 0
        self._batch_tick = 0
        self._boot_id = 0
        self._profile = None
        self._profile_store = profile_store.ProfileStore(board)
        # Whether the flash refused to count this boot.
        self._uncounted = False
        self._handlers = {
            schema.CMD_HELLO: self._hello,
            schema.CMD_STATUS: self._status,
            schema.CMD_ECHO: self._echo,
            schema.CMD_STREAM: self._stream,
            schema.CMD_BACKFILL: self._backfill,
            schema.CMD_PLAN_BEGIN: self._plan_begin,
            schema.CMD_PLAN_STEP: self._plan_step,
            schema.CMD_PLAN_COMMIT: self._plan_commit,
            schema.CMD_START: self._start,
            schema.CMD_PAUSE: self._pause,
            schema.CMD_RESUME: self._resume,
            schema.CMD_ABORT: self._abort,
            schema.CMD_DUMP: self._dump,
            schema.CMD_CONFIRM: self._confirm,
            schema.CMD_ADVANCE: self._advance,
            schema.CMD_CLEAR: self._clear,
            schema.CMD_PROFILE_READ: self._profile_read,
            schema.CMD_PROFILE_WRITE: self._profile_write,
            schema.CMD_STEP_RESULT: self._step_result,
            schema.CMD_INTERRUPTED_RUN: self._interrupted_run,
            schema.CMD_JOURNAL_READ: self._journal_read,
            schema.CMD_VALVE_TEST: self._valve_test,
        }

    def boot(self, link):
        """Load what is stored; latch the fault from before the reset, and a reset during a run.

        Nothing in here may keep the controller from starting: without storage it says so.
        """
        self._link = link
        self._boot_id = self._count_boot()
        journal = self._run_journal
        fault = journal.recall()
        store = self._profile_store
        store.load(journal.profile_crc)
        if store.profile is not None:
            self._adopt(store.profile)
        if fault:
            self._controller.interlocks.latch(fault)
        journal.note_boot(self._boot_id, store.crc)
        missing = parts.missing(self._board, store.profile.values) if store.profile else ""
        if missing:
            print("Pressloop did not find at power-on: " + missing)

    def _count_boot(self):
        """Return a number that no other boot had; by chance if the flash cannot count."""
        board = self._board
        try:
            count = board.load("boots")
            boots = (int.from_bytes(count, "little") + 1 if count else 1) & 0xFFFFFFFF
            board.store("boots", boots.to_bytes(4, "little"))
        except OSError:
            self._uncounted = True
            return int.from_bytes(os.urandom(4), "little")
        return boots

    # --- called by the link

    def heard(self):
        """Note that a frame of the session arrived."""
        self._sequencer.host.heard()

    def alive(self, tick):
        """Note the newest device clock that the host has seen."""
        self.host_tick = tick

    def abort(self):
        """End the run, if there is one, with a release at the vent rate; return whether there is.

        Changes nothing while the run is being released already. Ends a test of the valves, too.
        """
        if self._controller.valve_test.ticks:
            self._controller.valve_test.stop()
            return True
        sequencer = self._sequencer
        if not sequencer.pending.start and not sequencer.active():
            return False
        if sequencer.state != schema.STATE_VENTING:
            sequencer.pending.request_end(schema.END_ABORTED)
        return True

    def handle(self, code, values, payload):
        """Carry out a request and return the reply's values. Raises CommandError."""
        if code in (schema.CMD_PLAN_BEGIN, schema.CMD_PLAN_STEP):
            # The digest of the plan is over these payloads as sent.
            return self._handlers[code](values, payload)
        return self._handlers[code](values)

    # --- called by the foreground loop

    def drain(self):
        """Send a batch of live telemetry when one is due; keep the mark of the run up to date."""
        tick = self._controller.tick_count
        self._run_journal.update(tick)
        if self.batch_ticks and tick - self._batch_tick >= self.batch_ticks:
            self._send_batch(tick)

    def _send_batch(self, tick):
        place = self._link.event_buffer()
        if place is None:
            return
        ring = self._ring
        newest = ring.next
        size = ring.record_size
        most = _EVENT_BYTES // size
        if newest - self._sent > 2 * most:
            # The link is slower than the press. What is skipped stays in the ring for a backfill.
            self._sent = newest - most
        count = min(newest - self._sent, most)
        buf, at = place
        at = begin_event(buf, at, self._sent, tick, count * size)
        at = ring.copy(self._sent, count, buf, at)
        self._sent += count
        self._batch_tick = tick
        self._link.send_event(schema.EVENT_TELEMETRY, at)

    # --- session

    def _hello(self, values):
        if values[schema.HELLO_REQUEST_MAJOR] != schema.PROTOCOL_MAJOR:
            raise CommandError(
                schema.ERR_BAD_VERSION,
                schema.HELLO_REQUEST_MAJOR,
                schema.PROTOCOL_MAJOR,
            )
        board = self._board
        self.batch_ticks = 0
        self._controller.streaming = False
        session = self._link.open_session()
        self.heard()
        reply = {
            schema.HELLO_REPLY_NONCE: values[schema.HELLO_REQUEST_NONCE],
            schema.HELLO_REPLY_MAJOR: schema.PROTOCOL_MAJOR,
            schema.HELLO_REPLY_MINOR: schema.PROTOCOL_MINOR,
            schema.HELLO_REPLY_SESSION: session,
            schema.HELLO_REPLY_FIRMWARE: __version__,
            schema.HELLO_REPLY_BOARD: board.name,
            schema.HELLO_REPLY_UNIQUE_ID: board.unique_id,
            schema.HELLO_REPLY_CAPABILITIES: board.capabilities,
            schema.HELLO_REPLY_SCHEMA_HASH: schema.SCHEMA_HASH,
            schema.HELLO_REPLY_BOOT_ID: self._boot_id,
            schema.HELLO_REPLY_RESET_CAUSE: board.reset_cause,
            schema.HELLO_REPLY_LAST_FAULT: self._controller.interlocks.fault,
            schema.HELLO_REPLY_SIMULATED: board.simulated,
            schema.HELLO_REPLY_RING_RECORDS: self._ring.capacity,
            schema.HELLO_REPLY_PYTHON: board.python,
            schema.HELLO_REPLY_PROFILE_HASH: self._profile_hash(),
            schema.HELLO_REPLY_BUILD: board.build,
            schema.HELLO_REPLY_CHANNELS: 2 if self._controller.second_channel.compares else 1,
        }
        found = parts.found(board)
        if found:
            reply[schema.HELLO_REPLY_FOUND_PARTS] = found
        missing = parts.missing(board, self._profile.values) if self._profile else ""
        if missing:
            reply[schema.HELLO_REPLY_MISSING_PARTS] = missing
        if self._profile is not None:
            stored = self._profile.values
            for key, source, absent in _CALIBRATION:
                value = stored.get(source, absent)
                if value is not None:
                    reply[key] = value
        return reply

    def _status(self, _values):
        controller = self._controller
        sequencer = self._sequencer
        step = sequencer.step_index
        prompting = sequencer.state == schema.STATE_PROMPTING
        reply = {
            schema.STATUS_REPLY_STATE: sequencer.state,
            schema.STATUS_REPLY_TICK: controller.tick_count,
            schema.STATUS_REPLY_PRESSURE_KPA: max(
                -_MAX_KPA, min(controller.pellet_kpa(), _MAX_KPA)
            ),
            schema.STATUS_REPLY_SETPOINT_KPA: sequencer.setpoint.value_kpa,
            schema.STATUS_REPLY_TARGET_KPA: progress.target_kpa(sequencer),
            schema.STATUS_REPLY_STEP: step,
            schema.STATUS_REPLY_STAGE: progress.stage(sequencer),
            schema.STATUS_REPLY_DWELL_MS: min(progress.dwell_ticks(sequencer) * TICK_MS, _MAX_MS),
            schema.STATUS_REPLY_REMAINING_MS: min(
                progress.remaining_ticks(sequencer) * TICK_MS, _MAX_MS
            ),
            schema.STATUS_REPLY_RUN_ID: self._run_journal.run_id,
            schema.STATUS_REPLY_END_REASON: sequencer.end_reason,
            schema.STATUS_REPLY_FAULT: controller.interlocks.fault,
            schema.STATUS_REPLY_INPUTS: controller.inputs,
            schema.STATUS_REPLY_HOST_LOST: bool(sequencer.host.lost),
            schema.STATUS_REPLY_OLDEST: self._ring.oldest,
            schema.STATUS_REPLY_NEXT: self._ring.next,
            schema.STATUS_REPLY_MISSED_TICKS: controller.missed_ticks,
            schema.STATUS_REPLY_FRAME_ERRORS: self._link.errors(),
            schema.STATUS_REPLY_PROMPT: self._plan.text.get(step, "") if prompting else "",
            schema.STATUS_REPLY_RUN_FIRST: controller.run_first,
            schema.STATUS_REPLY_RECORD_EVERY: self._plan.record_every,
            schema.STATUS_REPLY_APPROACHING: sequencer.approaching,
        }
        second = controller.second_channel
        if second.compares:
            reply[schema.STATUS_REPLY_SECOND_KPA] = max(
                -_MAX_KPA, min(second.pressure_kpa, _MAX_KPA)
            )
            reply[schema.STATUS_REPLY_LARGEST_DIFFERENCE_KPA] = min(second.largest_kpa, _MAX_KPA)
        storage = self._run_journal.storage
        if self._uncounted:
            storage |= schema.STORAGE_UNAVAILABLE
        if self._profile_store.damaged:
            storage |= schema.STORAGE_PROFILE_DAMAGED
        if storage:
            reply[schema.STATUS_REPLY_STORAGE] = storage
        if controller.interlocks.further_fault:
            reply[schema.STATUS_REPLY_FURTHER_FAULT] = controller.interlocks.further_fault
        oil_temperature = self._board.oil_temperature_raw()
        if oil_temperature is not None:
            reply[schema.STATUS_REPLY_OIL_TEMPERATURE_RAW] = oil_temperature
        if controller.valve_observer.drift:
            reply[schema.STATUS_REPLY_RELEASE_DEAD_BAND] = controller.valve_observer.dead_band()
        running = sequencer.state == schema.STATE_RUNNING
        if running and sequencer.approaching and sequencer.approach.waits():
            reply[schema.STATUS_REPLY_WAITS_FOR_BUTTON] = True
        if sequencer.run_flags.is_set(schema.FLAG_TOPPING_UP):
            reply[schema.STATUS_REPLY_TOPPING_UP] = True
        if controller.pump_dead_band.has_moved():
            reply[schema.STATUS_REPLY_PUMP_DEAD_BAND] = controller.pump_dead_band.dead_band()
        if controller.rest_zero.correction:
            reply[schema.STATUS_REPLY_ZERO_CORRECTION_KPA] = controller.rest_zero.correction_kpa()
        force_trim = controller.force_trim
        if force_trim.active:
            reply[schema.STATUS_REPLY_TRIM_KPA] = force_trim.trim_kpa
            if force_trim.has_cell:
                reply[schema.STATUS_REPLY_LOAD_CELL_KPA] = max(
                    -_MAX_KPA, min(force_trim.cell_kpa, _MAX_KPA)
                )
        return reply

    def _profile_hash(self):
        return self._profile_store.crc.to_bytes(4, "big") + b"\0\0\0\0"

    def _echo(self, values):
        return {schema.ECHO_REPLY_DATA: values[schema.ECHO_REQUEST_DATA]}

    def _stream(self, values):
        on = values[schema.STREAM_REQUEST_ON]
        self.batch_ticks = values[schema.STREAM_REQUEST_BATCH_TICKS] if on else 0
        self._controller.streaming = on
        self._sent = self._ring.next
        self._batch_tick = self._controller.tick_count
        # A host that starts to listen has acknowledged all ticks up to now.
        self.host_tick = self._controller.tick_count
        return {schema.STREAM_REPLY_NEXT: self._sent}

    def _backfill(self, values):
        first = values[schema.BACKFILL_REQUEST_FIRST]
        ring = self._ring
        oldest = ring.oldest
        if first < oldest or first >= ring.next:
            raise CommandError(schema.ERR_NOT_HELD, schema.BACKFILL_REQUEST_FIRST, oldest)
        size = ring.record_size
        count = min(
            values[schema.BACKFILL_REQUEST_COUNT], ring.next - first, _BACKFILL_BYTES // size
        )
        records = bytearray(count * size)
        ring.copy(first, count, records, 0)
        if first < ring.oldest:
            # The tick overtook the copy: records copied last may be newer than their numbers.
            raise CommandError(schema.ERR_NOT_HELD, schema.BACKFILL_REQUEST_FIRST, ring.oldest)
        return {schema.BACKFILL_REPLY_FIRST: first, schema.BACKFILL_REPLY_RECORDS: records}

    # --- plan

    def _plan_begin(self, values, payload):
        preconditions.require_ready(self._controller, self._profile)
        die_um = values[schema.PLAN_BEGIN_REQUEST_DIE_UM]
        if die_um not in self._profile.dies_um:
            raise CommandError(schema.ERR_UNKNOWN_DIE, schema.PLAN_BEGIN_REQUEST_DIE_UM)
        # Even a plan that is refused replaces the one before, and its scale stays until the next.
        scaling = Scaling(self._profile, die_um)
        self._plan.adopt(self._profile, scaling)
        self._controller.configure(self._profile, scaling)
        self._sequencer.results.reset()
        self._plan.begin(values, payload, self._profile, scaling)
        crack_kpa = values.get(schema.PLAN_BEGIN_REQUEST_CRACK_KPA, -1)
        self._controller.limit_to(self._plan.ceiling_kpa, crack_kpa)
        self._sequencer.host.configure(
            self._plan.host_timeout_ticks, self._plan.host_loss_limit_ticks
        )
        return {}

    def _plan_step(self, values, payload):
        preconditions.require_ready(self._controller, self._profile)
        self._plan.add(values, payload)
        return {}

    def _plan_commit(self, values):
        preconditions.require_ready(self._controller, self._profile)
        self._plan.commit(values[schema.PLAN_COMMIT_REQUEST_DIGEST])
        return {}

    # --- run

    def _start(self, values):
        preconditions.require_ready(self._controller, self._profile)
        plan = self._plan
        if not plan.committed or self._controller.configuring:
            raise CommandError(schema.ERR_NO_PLAN)
        run_id = values[schema.START_REQUEST_RUN_ID]
        if run_id == NO_RUN:
            raise CommandError(schema.ERR_OUT_OF_RANGE, schema.START_REQUEST_RUN_ID)
        if run_id == self._run_journal.run_id:
            # The reply to the first start was lost. A second run would press the same cell twice.
            raise CommandError(schema.ERR_RUN_REPEATED, schema.START_REQUEST_RUN_ID)
        profile_hash = values.get(schema.START_REQUEST_PROFILE_HASH)
        if profile_hash is not None and profile_hash != self._profile_hash():
            raise CommandError(schema.ERR_PROFILE_MISMATCH, schema.START_REQUEST_PROFILE_HASH)
        controller = self._controller
        preconditions.require_clock_left(plan, controller.tick_count)
        preconditions.require_inputs_safe(controller)
        preconditions.require_parts(self._board, self._profile)
        preconditions.require_channels_agree(controller.second_channel)
        preconditions.require_unloaded(controller, plan.scaling)
        preconditions.require_zero(controller, plan.scaling)
        preconditions.require_load_cell_zero(controller.force_trim)
        preconditions.require_die(plan, values[schema.START_REQUEST_DIE_UM])
        self._run_journal.open(run_id, plan.vent_by_tick())
        controller.correct_zero()
        sequencer = self._sequencer
        sequencer.prepare_start()
        # A host takes a press that is at rest more than a tick after this one for a run that did
        # not start. So nothing slow may come in between, and a tick that did is counted.
        first, tick = self._ring.next, controller.tick_count
        sequencer.request_start()
        tick = max(tick, controller.tick_count - 1)
        return {schema.START_REPLY_RUN_FIRST: first, schema.START_REPLY_TICK: tick}

    def _pause(self, _values):
        preconditions.require_no_fault(self._controller)
        sequencer = self._sequencer
        # A run that starts with the next tick is paused in that tick. A prompt cannot be paused.
        if not sequencer.pending.start or self._plan.kind[0] == schema.STEP_PROMPT:
            preconditions.require_state(sequencer, schema.STATE_RUNNING)
        sequencer.pending.request_pause()
        return {}

    def _resume(self, _values):
        preconditions.require_no_fault(self._controller)
        preconditions.require_state(self._sequencer, schema.STATE_PAUSED)
        preconditions.require_inputs_safe(self._controller)
        self._sequencer.pending.request_resume()
        return {}

    def _abort(self, _values):
        if not self.abort():
            raise CommandError(schema.ERR_BAD_STATE)
        return {}

    def _dump(self, _values):
        sequencer = self._sequencer
        preconditions.require_state(sequencer, schema.STATE_VENTING)
        sequencer.pending.request_dump()
        return {}

    def _confirm(self, values):
        sequencer = self._sequencer
        preconditions.require_state(sequencer, schema.STATE_PROMPTING)
        step = values[schema.CONFIRM_REQUEST_STEP]
        if step != sequencer.step_index:
            raise CommandError(schema.ERR_WRONG_PROMPT, schema.CONFIRM_REQUEST_STEP)
        preconditions.require_inputs_safe(self._controller)
        sequencer.pending.request_confirm(step)
        return {}

    def _advance(self, values):
        sequencer = self._sequencer
        preconditions.require_state(sequencer, schema.STATE_RUNNING)
        step = values[schema.ADVANCE_REQUEST_STEP]
        if step != sequencer.step_index or self._plan.kind[step] not in (
            schema.STEP_HOLD,
            schema.STEP_REST,
        ):
            raise CommandError(schema.ERR_BAD_STATE, schema.ADVANCE_REQUEST_STEP)
        sequencer.pending.request_advance(step)
        return {}

    def _clear(self, values):
        controller = self._controller
        fault = controller.interlocks.fault
        if fault == schema.FAULT_NONE or values[schema.CLEAR_REQUEST_FAULT] != fault:
            raise CommandError(schema.ERR_BAD_STATE, schema.CLEAR_REQUEST_FAULT)
        preconditions.require_emergency_stop_released(controller)
        if self._plan.scaling:
            preconditions.require_unloaded(controller, self._plan.scaling)
        if fault in _CLEARED_BY_BUTTON:
            preconditions.require_button(self._board, controller)
        controller.interlocks.clear()
        self._sequencer.clear()
        # At once: a power cut must not bring the fault back.
        self._run_journal.update(controller.tick_count)
        return {}

    def _step_result(self, values):
        step = values[schema.STEP_RESULT_REQUEST_STEP]
        results = self._sequencer.results
        if step >= self._plan.count:
            raise CommandError(schema.ERR_OUT_OF_RANGE, schema.STEP_RESULT_REQUEST_STEP)
        reply = {
            schema.STEP_RESULT_REPLY_OUTCOME: results.outcome[step],
            schema.STEP_RESULT_REPLY_TICKS: results.ticks[step],
            schema.STEP_RESULT_REPLY_DWELL_TICKS: results.dwell[step],
            schema.STEP_RESULT_REPLY_PEAK_KPA: results.peak[step],
            schema.STEP_RESULT_REPLY_LOWEST_KPA: results.lowest[step],
            schema.STEP_RESULT_REPLY_TOP_UPS: min(results.top_ups[step], 65535),
            schema.STEP_RESULT_REPLY_START_TICK: results.start_tick[step],
            schema.STEP_RESULT_REPLY_DWELL_END: results.dwell_end[step],
        }
        if self._plan.relaxation_kpa_min[step]:
            reply[schema.STEP_RESULT_REPLY_LOSS_KPA_MIN] = results.loss_kpa_min[step]
            reply[schema.STEP_RESULT_REPLY_LEAK_KPA_MIN] = results.leak_kpa_min[step]
        return reply

    def _interrupted_run(self, _values):
        cut = self._run_journal.interrupted
        if cut is None:
            cut = NO_INTERRUPTED_RUN
        return {
            schema.INTERRUPTED_RUN_REPLY_RUN_ID: cut.run_id,
            schema.INTERRUPTED_RUN_REPLY_STEP: cut.step,
            schema.INTERRUPTED_RUN_REPLY_DWELL_MS: cut.dwell_ms,
            schema.INTERRUPTED_RUN_REPLY_PRESSURE_KPA: cut.pressure_kpa,
            schema.INTERRUPTED_RUN_REPLY_TICK: cut.tick,
            schema.INTERRUPTED_RUN_REPLY_START_TICK: cut.start_tick,
            schema.INTERRUPTED_RUN_REPLY_FAULT: cut.fault,
            schema.INTERRUPTED_RUN_REPLY_RESET_CAUSE: cut.reset_cause,
            schema.INTERRUPTED_RUN_REPLY_INPUTS: cut.inputs,
        }

    def _journal_read(self, values):
        packed = self._run_journal.records(values[schema.JOURNAL_READ_REQUEST_BACK], _MOST_RECORDS)
        return {schema.JOURNAL_READ_REPLY_RECORDS: packed}

    # --- commissioning

    def _valve_test(self, values):
        controller = self._controller
        preconditions.require_no_fault(controller)
        preconditions.require_idle(self._sequencer)
        if self._profile is None or controller.configuring:
            raise CommandError(schema.ERR_NO_PROFILE)
        preconditions.require_inputs_safe(controller)
        pump = values[schema.VALVE_TEST_REQUEST_PUMP]
        pump_ticks = values[schema.VALVE_TEST_REQUEST_PUMP_MS] // TICK_MS if pump else 0
        ticks = values[schema.VALVE_TEST_REQUEST_DURATION_MS] // TICK_MS
        if pump_ticks > ticks:
            raise CommandError(schema.ERR_OUT_OF_RANGE, schema.VALVE_TEST_REQUEST_PUMP_MS)
        test = controller.valve_test
        if not test.ticks:
            preconditions.require_unloaded(controller, self._plan.scaling)
            if pump_ticks:
                preconditions.require_channels_agree(controller.second_channel)
                preconditions.require_zero(controller, self._plan.scaling)
        # The press of the button last: a refusal must not use it up.
        preconditions.require_valve_test_allowed(self._board, controller)
        rise_kpa = values[schema.VALVE_TEST_REQUEST_RISE_KPA]
        highest_kpa = controller.sampler.pressure_kpa + rise_kpa
        release = values[schema.VALVE_TEST_REQUEST_RELEASE]
        test.allowed_until_tick = controller.tick_count + ticks + _MAX_PAUSE_TICKS
        test.begin(pump, pump_ticks, release, ticks, highest_kpa)
        return {schema.VALVE_TEST_REPLY_TICK: controller.tick_count}

    # --- profile

    def _profile_read(self, _values):
        if self._profile is None:
            raise CommandError(schema.ERR_NO_PROFILE)
        return self._profile.values

    def _profile_write(self, values):
        preconditions.require_idle(self._sequencer)
        preconditions.require_no_valve_test(self._controller)
        has_second = profile_store.has_second_channel(self._board)
        candidate = profile_store.Profile(values, has_second)
        field = candidate.contradiction()
        if candidate.lid_switch and not self._board.capabilities & schema.CAP_LID_SWITCH:
            # A lid that nothing watches must not pass for one that is watched.
            field = schema.PROFILE_LID_SWITCH
        if field:
            raise CommandError(schema.ERR_PROFILE_INVALID, field)
        if candidate.loosens(self._profile):
            preconditions.require_button(self._board, self._controller)
        # The journal first: a change that nothing records is not made.
        self._run_journal.require_writable()
        store = self._profile_store
        crc_before = store.crc
        try:
            store.save(candidate)
        except OSError:
            raise CommandError(schema.ERR_STORAGE)
        self._run_journal.note_profile(crc_before, store.crc)
        self._adopt(candidate)
        return {schema.PROFILE_WRITE_REPLY_CRC: store.crc}

    def _adopt(self, candidate):
        self._profile = candidate
        scaling = Scaling(candidate, candidate.dies_um[0])
        self._plan.adopt(candidate, scaling)
        self._board.fit(parts.signal(candidate.values), candidate.lid_switch)
        self._controller.configure(candidate, scaling)
