"""Says what the board is and how the press is now: hello, echo and status."""

from pressloop_fw import __version__
from pressloop_fw.loop.plan import TICK_MS
from pressloop_fw.service import parts, progress
from pressloop_fw.wire import schema
from pressloop_fw.wire.errors import CommandError

# Limits of a status reply. An open hold may last longer; its status must not fail for that.
_MAX_KPA = 2000000
_MAX_MS = 1000000000
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


def hello(server, values):
    """Begin a session; return who the board is."""
    if values[schema.HELLO_REQUEST_MAJOR] != schema.PROTOCOL_MAJOR:
        raise CommandError(
            schema.ERR_BAD_VERSION,
            schema.HELLO_REQUEST_MAJOR,
            schema.PROTOCOL_MAJOR,
        )
    board = server.board
    server.batch_ticks = 0
    server.controller.streaming = False
    session = server.link.open_session()
    server.heard()
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
        schema.HELLO_REPLY_BOOT_ID: server.boot_id,
        schema.HELLO_REPLY_RESET_CAUSE: board.reset_cause,
        schema.HELLO_REPLY_LAST_FAULT: server.controller.interlocks.fault,
        schema.HELLO_REPLY_SIMULATED: board.simulated,
        schema.HELLO_REPLY_RING_RECORDS: server.ring.capacity,
        schema.HELLO_REPLY_PYTHON: board.python,
        schema.HELLO_REPLY_PROFILE_HASH: server.profile_store.profile_hash(),
        schema.HELLO_REPLY_BUILD: board.build,
        schema.HELLO_REPLY_CHANNELS: 2 if server.controller.second_channel.compares else 1,
    }
    found = parts.found(board)
    if found:
        reply[schema.HELLO_REPLY_FOUND_PARTS] = found
    missing = parts.missing(board, server.profile.values) if server.profile else ""
    if missing:
        reply[schema.HELLO_REPLY_MISSING_PARTS] = missing
    if server.profile is not None:
        stored = server.profile.values
        for key, source, absent in _CALIBRATION:
            value = stored.get(source, absent)
            if value is not None:
                reply[key] = value
    return reply


def echo(server, values):
    """Return what was sent."""
    return {schema.ECHO_REPLY_DATA: values[schema.ECHO_REQUEST_DATA]}


def status(server, _values):
    """Return controller and run as they are now."""
    controller = server.controller
    sequencer = server.sequencer
    step = sequencer.step_index
    prompting = sequencer.state == schema.STATE_PROMPTING
    reply = {
        schema.STATUS_REPLY_STATE: sequencer.state,
        schema.STATUS_REPLY_TICK: controller.tick_count,
        schema.STATUS_REPLY_PRESSURE_KPA: max(-_MAX_KPA, min(controller.pellet_kpa(), _MAX_KPA)),
        schema.STATUS_REPLY_SETPOINT_KPA: sequencer.setpoint.value_kpa,
        schema.STATUS_REPLY_TARGET_KPA: progress.target_kpa(sequencer),
        schema.STATUS_REPLY_STEP: step,
        schema.STATUS_REPLY_STAGE: progress.stage(sequencer),
        schema.STATUS_REPLY_DWELL_MS: min(progress.dwell_ticks(sequencer) * TICK_MS, _MAX_MS),
        schema.STATUS_REPLY_REMAINING_MS: min(
            progress.remaining_ticks(sequencer) * TICK_MS, _MAX_MS
        ),
        schema.STATUS_REPLY_RUN_ID: server.run_journal.run_id,
        schema.STATUS_REPLY_END_REASON: sequencer.end_reason,
        schema.STATUS_REPLY_FAULT: controller.interlocks.fault,
        schema.STATUS_REPLY_INPUTS: controller.inputs,
        schema.STATUS_REPLY_HOST_LOST: bool(sequencer.host.lost),
        schema.STATUS_REPLY_OLDEST: server.ring.oldest,
        schema.STATUS_REPLY_NEXT: server.ring.next,
        schema.STATUS_REPLY_MISSED_TICKS: controller.missed_ticks,
        schema.STATUS_REPLY_FRAME_ERRORS: server.link.errors(),
        schema.STATUS_REPLY_PROMPT: server.plan.text.get(step, "") if prompting else "",
        schema.STATUS_REPLY_RUN_FIRST: controller.run_first,
        schema.STATUS_REPLY_RECORD_EVERY: server.plan.record_every,
        schema.STATUS_REPLY_APPROACHING: sequencer.approaching,
    }
    second = controller.second_channel
    if second.compares:
        reply[schema.STATUS_REPLY_SECOND_KPA] = max(-_MAX_KPA, min(second.pressure_kpa, _MAX_KPA))
        reply[schema.STATUS_REPLY_LARGEST_DIFFERENCE_KPA] = min(second.largest_kpa, _MAX_KPA)
    storage = server.run_journal.storage
    if server.boot_uncounted:
        storage |= schema.STORAGE_UNAVAILABLE
    if server.profile_store.damaged:
        storage |= schema.STORAGE_PROFILE_DAMAGED
    if storage:
        reply[schema.STATUS_REPLY_STORAGE] = storage
    if controller.interlocks.further_fault:
        reply[schema.STATUS_REPLY_FURTHER_FAULT] = controller.interlocks.further_fault
    oil_temperature = server.board.oil_temperature_raw()
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
