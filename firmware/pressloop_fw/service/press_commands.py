"""Works on the press between runs: its profile, a test of its valves, its latched fault."""

from pressloop_fw.loop.plan import TICK_MS
from pressloop_fw.loop.scaling import Scaling
from pressloop_fw.service import parts, preconditions, profile_store
from pressloop_fw.wire import schema
from pressloop_fw.wire.errors import CommandError

# Faults that a person at the press has to clear, not one at a screen.
_CLEARED_BY_BUTTON = (
    schema.FAULT_OVER_PRESSURE,
    schema.FAULT_EMERGENCY_STOP,
    schema.FAULT_GUARD_OPEN,
    schema.FAULT_NO_RELEASE,
    schema.FAULT_PUMP_STUCK,
)
# A series of valve tests that one press of the button allows ends after this pause, 30 s.
_MAX_PAUSE_TICKS = 30 * schema.TICK_HZ


def profile_read(server, _values):
    """Return the stored profile."""
    if server.profile is None:
        raise CommandError(schema.ERR_NO_PROFILE)
    return server.profile.values


def profile_write(server, values):
    """Store a profile and press by it from now on; return its CRC-32."""
    preconditions.require_idle(server.sequencer)
    preconditions.require_no_valve_test(server.controller)
    has_second = profile_store.has_second_channel(server.board)
    candidate = profile_store.Profile(values, has_second)
    field = candidate.contradiction()
    if candidate.lid_switch and not server.board.capabilities & schema.CAP_LID_SWITCH:
        # A lid that nothing watches must not pass for one that is watched.
        field = schema.PROFILE_LID_SWITCH
    if field:
        raise CommandError(schema.ERR_PROFILE_INVALID, field)
    if candidate.loosens(server.profile):
        preconditions.require_button(server.board, server.controller)
    # The journal first: a change that nothing records is not made.
    server.run_journal.require_writable()
    store = server.profile_store
    crc_before = store.crc
    try:
        store.save(candidate)
    except OSError:
        raise CommandError(schema.ERR_STORAGE)
    server.run_journal.note_profile(crc_before, store.crc)
    adopt(server, candidate)
    return {schema.PROFILE_WRITE_REPLY_CRC: store.crc}


def adopt(server, candidate):
    """Press by a profile from now on."""
    server.profile = candidate
    scaling = Scaling(candidate, candidate.dies_um[0])
    server.plan.adopt(candidate, scaling)
    server.board.fit(parts.signal(candidate.values), candidate.lid_switch)
    server.controller.configure(candidate, scaling)


def valve_test(server, values):
    """Open the valves for a time that the tick ends; return when it began."""
    controller = server.controller
    preconditions.require_no_fault(controller)
    preconditions.require_idle(server.sequencer)
    if server.profile is None or controller.configuring:
        raise CommandError(schema.ERR_NO_PROFILE)
    preconditions.require_inputs_safe(controller)
    pump = values[schema.VALVE_TEST_REQUEST_PUMP]
    pump_ticks = values[schema.VALVE_TEST_REQUEST_PUMP_MS] // TICK_MS if pump else 0
    ticks = values[schema.VALVE_TEST_REQUEST_DURATION_MS] // TICK_MS
    if pump_ticks > ticks:
        raise CommandError(schema.ERR_OUT_OF_RANGE, schema.VALVE_TEST_REQUEST_PUMP_MS)
    test = controller.valve_test
    if not test.ticks:
        preconditions.require_unloaded(controller, server.plan.scaling)
        if pump_ticks:
            preconditions.require_channels_agree(controller.second_channel)
            preconditions.require_zero(controller, server.plan.scaling)
    # The press of the button last: a refusal must not use it up.
    preconditions.require_valve_test_allowed(server.board, controller)
    rise_kpa = values[schema.VALVE_TEST_REQUEST_RISE_KPA]
    highest_kpa = controller.sampler.pressure_kpa + rise_kpa
    release = values[schema.VALVE_TEST_REQUEST_RELEASE]
    test.allowed_until_tick = controller.tick_count + ticks + _MAX_PAUSE_TICKS
    test.begin(pump, pump_ticks, release, ticks, highest_kpa)
    return {schema.VALVE_TEST_REPLY_TICK: controller.tick_count}


def clear(server, values):
    """Clear the latched fault, if its cause is gone."""
    controller = server.controller
    fault = controller.interlocks.fault
    if fault == schema.FAULT_NONE or values[schema.CLEAR_REQUEST_FAULT] != fault:
        raise CommandError(schema.ERR_BAD_STATE, schema.CLEAR_REQUEST_FAULT)
    preconditions.require_emergency_stop_released(controller)
    if server.plan.scaling:
        preconditions.require_unloaded(controller, server.plan.scaling)
    if fault in _CLEARED_BY_BUTTON:
        preconditions.require_button(server.board, controller)
    controller.interlocks.clear()
    server.sequencer.clear()
    # At once: a power cut must not bring the fault back.
    server.run_journal.update(controller.tick_count)
    return {}
