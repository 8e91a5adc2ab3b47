"""One handler per command. Runs in the foreground; the tick sees only pending commands."""

from pressloop_fw import __version__
from pressloop_fw.loop.plan import TICK_MS, PlanError
from pressloop_fw.loop.scaling import Scaling
from pressloop_fw.loop.telemetry_ring import begin_event
from pressloop_fw.loop.unloaded import is_unloaded
from pressloop_fw.service import profile_store, progress
from pressloop_fw.wire import schema

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# generated: numbers of other modules; edit the lists and run `make generate`.
# wire.schema: STATE_RUNNING
_STATE_RUNNING = const(1)
# end of generated

# Written when a run starts and emptied when it ends: found at boot, it tells of a run that was
# cut off by a reset, until somebody has cleared the fault that says so.
_RUN_FILE = "run"
_NO_RUN = b"\0" * 8
# What a status can say. An open hold may last longer, and must not fail for being asked.
_MAX_KPA = 2000000
_MAX_MS = 1000000000
# Bytes of records that fit one telemetry event, and one reply to a backfill.
_EVENT_BYTES = schema.TELEMETRY_EVENT_FIELDS[-1][3]
_BACKFILL_BYTES = schema.BACKFILL_REPLY_FIELDS[-1][3]
# Minor version of the protocol from which on a host knows of displacement and dwell ends.
_MINOR_1_2 = 2
# From which on it knows of the leak.
_MINOR_1_3 = 3
_SINCE_1_3 = (
    schema.PROFILE_LEAK_NL_MIN,
    schema.PROFILE_LEAK_UNCERTAINTY_NL_MIN,
    schema.PROFILE_RAW_ZERO_FRACTION,
)


class Server:
    """Command handlers and live telemetry of one controller."""

    Refusal = PlanError

    def __init__(self, board, controller, plan, ring):
        self.host_tick = 0
        self.batch_ticks = 0
        self._board = board
        self._controller = controller
        self._sequencer = controller.sequencer
        self._plan = plan
        self._ring = ring
        self._link = None
        self._sent = 0
        self._batch_tick = 0
        self._run_id = _NO_RUN
        self._run_open = False
        self._vent_by_tick = 0
        self._record_size = schema.SHORT_RECORD_SIZE
        # Until a host has said otherwise.
        self._host_minor = schema.PROTOCOL_MINOR
        self._boot_id = 0
        self._profile = None
        self._profile_crc = 0
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
            schema.CMD_CONFIRM: self._confirm,
            schema.CMD_ADVANCE: self._advance,
            schema.CMD_CLEAR: self._clear,
            schema.CMD_PROFILE_READ: self._profile_read,
            schema.CMD_PROFILE_WRITE: self._profile_write,
            schema.CMD_STEP_RESULT: self._step_result,
        }

    def boot(self, link):
        """Load what is stored; latch what the last run left behind."""
        board = self._board
        self._link = link
        count = board.load("boots")
        boots = int.from_bytes(count, "little") + 1 if count else 1
        board.store("boots", (boots & 0xFFFFFFFF).to_bytes(4, "little"))
        self._boot_id = boots & 0xFFFFFFFF
        stored, crc = profile_store.load(board)
        if stored is not None:
            self._adopt(stored, crc)
        if board.load(_RUN_FILE):
            watchdog = board.reset_cause == schema.RESET_WATCHDOG
            fault = schema.FAULT_WATCHDOG if watchdog else schema.FAULT_POWER_LOSS
            self._controller.interlocks.latch(fault)

    # --- called by the link

    def heard(self):
        """Note that a frame of the session arrived."""
        self._controller.sequencer.host.heard()

    def alive(self, tick):
        """Note how far the host has followed."""
        self.host_tick = tick

    def handle(self, code, values, payload):
        """Carry out a request; return the reply's values or raise Refusal."""
        if code in (schema.CMD_PLAN_BEGIN, schema.CMD_PLAN_STEP):
            # The digest of the plan is over these payloads as sent.
            return self._handlers[code](values, payload)
        return self._handlers[code](values)

    # --- called by the foreground loop

    def drain(self):
        """Send a batch of live telemetry when one is due, and close the books of an ended run."""
        tick = self._controller.tick_count
        if self._run_open and (
            self._sequencer.state != _STATE_RUNNING or tick >= self._vent_by_tick
        ):
            self._update_run_file(tick)
        if self.batch_ticks and tick - self._batch_tick >= self.batch_ticks:
            self._send_batch(tick)

    def _update_run_file(self, tick):
        """Close the books of a run that has ended; end one before the clock does."""
        sequencer = self._sequencer
        # In this order: a tick between the two looks can turn the wish into a run.
        if not sequencer.pending.start and not sequencer.active():
            self._board.store(_RUN_FILE, b"")
            self._run_open = False
        elif sequencer.active() and tick >= self._vent_by_tick:
            # The tick cannot count on. A release under control, not one by a reset.
            sequencer.pending.request_end(schema.END_CLOCK_SPENT)

    def _send_batch(self, tick):
        place = self._link.event_buffer()
        if place is None:
            return
        ring = self._ring
        newest = ring.next
        most = _EVENT_BYTES // self._record_size
        if newest - self._sent > 2 * most:
            # The link is slower than the press: what is skipped stays in the ring for backfill.
            self._sent = newest - most
        count = min(newest - self._sent, most)
        buf, at = place
        at = begin_event(buf, at, self._sent, tick, count * self._record_size)
        at = ring.copy(self._sent, count, buf, at, self._record_size)
        self._sent += count
        self._batch_tick = tick
        self._link.send_event(schema.EVENT_TELEMETRY, at)

    # --- session

    def _hello(self, values):
        if values[schema.HELLO_REQUEST_MAJOR] != schema.PROTOCOL_MAJOR:
            raise PlanError(
                schema.ERR_BAD_VERSION,
                schema.HELLO_REQUEST_MAJOR,
                schema.PROTOCOL_MAJOR,
            )
        board = self._board
        capabilities = board.capabilities
        self._record_size = self._ring.record_size
        self._host_minor = values[schema.HELLO_REQUEST_MINOR]
        if self._host_minor < _MINOR_1_2:
            # A host that would take longer records for broken ones gets them as it knows them.
            capabilities &= ~schema.CAP_DISPLACEMENT
            self._record_size = schema.SHORT_RECORD_SIZE
        self.batch_ticks = 0
        self._controller.watched = False
        session = self._link.open_session()
        self.heard()
        return {
            schema.HELLO_REPLY_NONCE: values[schema.HELLO_REQUEST_NONCE],
            schema.HELLO_REPLY_MAJOR: schema.PROTOCOL_MAJOR,
            schema.HELLO_REPLY_MINOR: schema.PROTOCOL_MINOR,
            schema.HELLO_REPLY_SESSION: session,
            schema.HELLO_REPLY_FIRMWARE: __version__,
            schema.HELLO_REPLY_BOARD: board.name,
            schema.HELLO_REPLY_UNIQUE_ID: board.unique_id,
            schema.HELLO_REPLY_CAPABILITIES: capabilities,
            schema.HELLO_REPLY_SCHEMA_HASH: schema.SCHEMA_HASH,
            schema.HELLO_REPLY_BOOT_ID: self._boot_id,
            schema.HELLO_REPLY_RESET_CAUSE: board.reset_cause,
            schema.HELLO_REPLY_LAST_FAULT: self._fault(),
            schema.HELLO_REPLY_SIMULATED: board.simulated,
            schema.HELLO_REPLY_RING_RECORDS: self._ring.capacity,
            schema.HELLO_REPLY_PYTHON: board.python,
            schema.HELLO_REPLY_PROFILE_HASH: self._profile_crc.to_bytes(4, "big") + b"\0\0\0\0",
            schema.HELLO_REPLY_BUILD: board.build,
        }

    def _status(self, _values):
        controller = self._controller
        sequencer = controller.sequencer
        step = sequencer.step_index
        prompting = sequencer.state == schema.STATE_PROMPTING
        return {
            schema.STATUS_REPLY_STATE: sequencer.state,
            schema.STATUS_REPLY_TICK: controller.tick_count,
            schema.STATUS_REPLY_PRESSURE_KPA: max(
                -_MAX_KPA, min(controller.sampler.pressure_kpa, _MAX_KPA)
            ),
            schema.STATUS_REPLY_SETPOINT_KPA: sequencer.setpoint.value_kpa,
            schema.STATUS_REPLY_TARGET_KPA: progress.target_kpa(sequencer),
            schema.STATUS_REPLY_STEP: step,
            schema.STATUS_REPLY_STAGE: progress.stage(sequencer),
            schema.STATUS_REPLY_DWELL_MS: min(progress.dwell_ticks(sequencer) * TICK_MS, _MAX_MS),
            schema.STATUS_REPLY_REMAINING_MS: min(
                progress.remaining_ticks(sequencer) * TICK_MS, _MAX_MS
            ),
            schema.STATUS_REPLY_RUN_ID: self._run_id,
            schema.STATUS_REPLY_END_REASON: self._end_reason(),
            schema.STATUS_REPLY_FAULT: self._fault(),
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

    def _echo(self, values):
        return {schema.ECHO_REPLY_DATA: values[schema.ECHO_REQUEST_DATA]}

    def _stream(self, values):
        on = values[schema.STREAM_REQUEST_ON]
        self.batch_ticks = values[schema.STREAM_REQUEST_BATCH_TICKS] if on else 0
        self._controller.watched = on
        self._sent = self._ring.next
        self._batch_tick = self._controller.tick_count
        # A host that starts to listen has, by that, followed up to now.
        self.host_tick = self._controller.tick_count
        return {schema.STREAM_REPLY_NEXT: self._sent}

    def _backfill(self, values):
        first = values[schema.BACKFILL_REQUEST_FIRST]
        ring = self._ring
        oldest = ring.oldest
        if first < oldest or first >= ring.next:
            raise PlanError(schema.ERR_NOT_HELD, schema.BACKFILL_REQUEST_FIRST, oldest)
        size = self._record_size
        count = min(
            values[schema.BACKFILL_REQUEST_COUNT], ring.next - first, _BACKFILL_BYTES // size
        )
        records = bytearray(count * size)
        ring.copy(first, count, records, 0, size)
        if first < ring.oldest:
            # The tick was faster than the copy: what was copied last may be newer than it says.
            raise PlanError(schema.ERR_NOT_HELD, schema.BACKFILL_REQUEST_FIRST, ring.oldest)
        return {schema.BACKFILL_REPLY_FIRST: first, schema.BACKFILL_REPLY_RECORDS: records}

    # --- plan

    def _plan_begin(self, values, payload):
        self._at_rest()
        die_um = values[schema.PLAN_BEGIN_REQUEST_DIE_UM]
        if die_um not in self._profile.dies_um:
            raise PlanError(schema.ERR_UNKNOWN_DIE, schema.PLAN_BEGIN_REQUEST_DIE_UM)
        # Even a refused plan ends the one before, and its scale holds until the next.
        scaling = Scaling(self._profile, die_um)
        self._plan.adopt(self._profile, scaling)
        self._controller.configure(self._profile, scaling)
        self._controller.sequencer.results.reset()
        self._plan.begin(values, payload, self._profile, scaling)
        crack_kpa = values.get(schema.PLAN_BEGIN_REQUEST_CRACK_KPA, -1)
        self._controller.limit_to(self._plan.ceiling_kpa, crack_kpa)
        self._controller.sequencer.host.configure(
            self._plan.host_timeout_ticks, self._plan.host_loss_limit_ticks
        )
        return {}

    def _plan_step(self, values, payload):
        self._at_rest()
        self._plan.add(values, payload)
        return {}

    def _plan_commit(self, values):
        self._at_rest()
        self._plan.commit(values[schema.PLAN_COMMIT_REQUEST_DIGEST])
        return {}

    # --- run

    def _start(self, values):
        self._at_rest()
        plan = self._plan
        if not plan.committed or self._controller.held:
            raise PlanError(schema.ERR_NO_PLAN)
        run_id = values[schema.START_REQUEST_RUN_ID]
        if run_id == _NO_RUN:
            raise PlanError(schema.ERR_OUT_OF_RANGE, schema.START_REQUEST_RUN_ID)
        if run_id == self._run_id:
            # Pressing the same cell twice for a reply that got lost would spoil it and its record.
            told = self._host_minor >= _MINOR_1_2
            raise PlanError(
                schema.ERR_RUN_REPEATED if told else schema.ERR_BAD_STATE,
                schema.START_REQUEST_RUN_ID,
            )
        controller = self._controller
        self._require_clock_left()
        self._require_inputs_safe()
        sequencer = controller.sequencer
        if not is_unloaded(self._plan.scaling, controller.sampler.pressure_kpa):
            raise PlanError(schema.ERR_PRESSURISED)
        self._board.store(_RUN_FILE, run_id)
        self._run_id = run_id
        self._vent_by_tick = plan.vent_by_tick()
        self._run_open = True
        first, tick = self._ring.next, controller.tick_count
        sequencer.request_start()
        return {schema.START_REPLY_RUN_FIRST: first, schema.START_REPLY_TICK: tick}

    def _pause(self, _values):
        self._not_faulted()
        sequencer = self._controller.sequencer
        # A run that starts with the next tick is paused in it; a prompt is a pause by itself.
        if not sequencer.pending.start or self._plan.kind[0] == schema.STEP_PROMPT:
            self._in_state(schema.STATE_RUNNING)
        sequencer.pending.request_pause()
        return {}

    def _resume(self, _values):
        self._not_faulted()
        self._in_state(schema.STATE_PAUSED)
        self._require_inputs_safe()
        self._controller.sequencer.pending.request_resume()
        return {}

    def _abort(self, _values):
        sequencer = self._controller.sequencer
        if sequencer.state == schema.STATE_VENTING:
            sequencer.pending.request_dump()
            return {}
        if not sequencer.pending.start and not sequencer.active():
            raise PlanError(schema.ERR_BAD_STATE)
        sequencer.pending.request_end(schema.END_ABORTED)
        return {}

    def _confirm(self, values):
        self._in_state(schema.STATE_PROMPTING)
        sequencer = self._controller.sequencer
        step = values[schema.CONFIRM_REQUEST_STEP]
        if step != sequencer.step_index:
            raise PlanError(schema.ERR_WRONG_PROMPT, schema.CONFIRM_REQUEST_STEP)
        self._require_inputs_safe()
        sequencer.pending.request_confirm(step)
        return {}

    def _advance(self, values):
        self._in_state(schema.STATE_RUNNING)
        sequencer = self._controller.sequencer
        step = values[schema.ADVANCE_REQUEST_STEP]
        if step != sequencer.step_index or self._plan.kind[step] != schema.STEP_HOLD:
            raise PlanError(schema.ERR_BAD_STATE, schema.ADVANCE_REQUEST_STEP)
        sequencer.pending.request_advance(step)
        return {}

    def _clear(self, values):
        controller = self._controller
        fault = self._fault()
        if fault == schema.FAULT_NONE or values[schema.CLEAR_REQUEST_FAULT] != fault:
            raise PlanError(schema.ERR_BAD_STATE, schema.CLEAR_REQUEST_FAULT)
        if controller.inputs & schema.INPUT_EMERGENCY_STOP:
            raise PlanError(schema.ERR_EMERGENCY_STOP)
        sequencer = controller.sequencer
        if self._plan.scaling and not is_unloaded(
            self._plan.scaling, controller.sampler.pressure_kpa
        ):
            raise PlanError(schema.ERR_PRESSURISED)
        # Only now somebody has seen it: until then the next boot tells it again.
        if fault in (schema.FAULT_POWER_LOSS, schema.FAULT_WATCHDOG):
            self._board.store(_RUN_FILE, b"")
        controller.interlocks.clear()
        sequencer.clear()
        return {}

    def _step_result(self, values):
        step = values[schema.STEP_RESULT_REQUEST_STEP]
        results = self._controller.sequencer.results
        if step >= self._plan.count:
            raise PlanError(schema.ERR_OUT_OF_RANGE, schema.STEP_RESULT_REQUEST_STEP)
        reply = {
            schema.STEP_RESULT_REPLY_OUTCOME: results.outcome[step],
            schema.STEP_RESULT_REPLY_TICKS: results.ticks[step],
            schema.STEP_RESULT_REPLY_DWELL_TICKS: results.dwell[step],
            schema.STEP_RESULT_REPLY_PEAK_KPA: results.peak[step],
            schema.STEP_RESULT_REPLY_LOWEST_KPA: results.lowest[step],
            schema.STEP_RESULT_REPLY_TOP_UPS: min(results.top_ups[step], 65535),
            schema.STEP_RESULT_REPLY_START_TICK: results.start_tick[step],
        }
        if self._host_minor >= _MINOR_1_2:
            reply[schema.STEP_RESULT_REPLY_DWELL_END] = results.dwell_end[step]
            if self._plan.relaxation_kpa_min[step]:
                reply[schema.STEP_RESULT_REPLY_LOSS_KPA_MIN] = results.loss_kpa_min[step]
                if self._host_minor >= _MINOR_1_3:
                    reply[schema.STEP_RESULT_REPLY_LEAK_KPA_MIN] = results.leak_kpa_min[step]
        return reply

    # --- profile

    def _profile_read(self, _values):
        if self._profile is None:
            raise PlanError(schema.ERR_NO_PROFILE)
        values = self._profile.values
        if self._host_minor < _MINOR_1_3:
            return {key: value for key, value in values.items() if key not in _SINCE_1_3}
        return values

    def _profile_write(self, values):
        self._idle()
        candidate = profile_store.Profile(values)
        culprit = candidate.contradiction()
        if culprit:
            raise PlanError(schema.ERR_PROFILE_INVALID, culprit)
        try:
            crc = profile_store.save(self._board, candidate)
        except OSError:
            raise PlanError(schema.ERR_STORAGE)
        self._adopt(candidate, crc)
        return {schema.PROFILE_WRITE_REPLY_CRC: crc}

    def _adopt(self, candidate, crc):
        self._profile = candidate
        self._profile_crc = crc
        scaling = Scaling(candidate, candidate.dies_um[0])
        self._plan.adopt(candidate, scaling)
        self._controller.configure(candidate, scaling)

    # --- conditions

    def _fault(self):
        """Return the latched fault in the words that the host knows."""
        fault = self._controller.interlocks.fault
        if fault > schema.FAULT_INTERNAL and self._host_minor < _MINOR_1_2:
            return schema.FAULT_NO_PRESSURE_GAIN
        return fault

    def _end_reason(self):
        """Return why the last run ended in the words that the host knows."""
        reason = self._controller.sequencer.end_reason
        if reason > schema.END_FAULT and self._host_minor < _MINOR_1_2:
            return schema.END_ABORTED
        return reason

    def _require_clock_left(self):
        tick = self._controller.tick_count
        if tick <= self._plan.start_by_tick():
            return
        if self._host_minor < _MINOR_1_2:
            raise PlanError(schema.ERR_BAD_STATE)
        left_s = max(0, self._plan.vent_by_tick() - tick) // schema.TICK_HZ
        raise PlanError(schema.ERR_CLOCK_SPENT, 0, left_s)

    def _not_faulted(self):
        if self._controller.interlocks.fault != schema.FAULT_NONE:
            raise PlanError(schema.ERR_FAULTED, 0, self._fault())

    def _in_state(self, state):
        if self._controller.sequencer.state != state:
            raise PlanError(schema.ERR_BAD_STATE, 0, self._controller.sequencer.state)

    def _idle(self):
        # In this order: a tick between the two looks can turn the wish into a run.
        if self._controller.sequencer.pending.start:
            raise PlanError(schema.ERR_BAD_STATE)
        self._in_state(schema.STATE_IDLE)

    def _at_rest(self):
        self._not_faulted()
        self._idle()
        if self._profile is None:
            raise PlanError(schema.ERR_NO_PROFILE)

    def _require_inputs_safe(self):
        inputs = self._controller.inputs
        if inputs & schema.INPUT_EMERGENCY_STOP:
            raise PlanError(schema.ERR_EMERGENCY_STOP)
        if inputs & schema.INPUT_GUARD_OPEN:
            raise PlanError(schema.ERR_GUARD_OPEN)
