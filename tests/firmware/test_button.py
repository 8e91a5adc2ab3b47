"""The button on the controller: it ends a run, and allows what a person at the press must allow."""

from pressloop_fw.wire import schema
from rig import PROFILE, Rig, hold, ramp


def _hold_down(rig, seconds):
    rig.inputs = schema.INPUT_BUTTON
    rig.run(seconds)
    rig.inputs = 0
    rig.run(0.1)


def _real(rig):
    """Let the board be one with a press."""
    rig.simulated = False
    rig.run(0.1)
    return rig


def _holding():
    rig = Rig()
    rig.start([ramp(100000, 20000), hold(100000, 60000)], vent_rate_kpa_s=20000)
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    return _real(rig)


def _higher():
    values = dict(PROFILE)
    values[schema.PROFILE_MAX_OIL_KPA] = 31000
    return values


def test_a_press_in_a_run_ends_it_with_a_controlled_release():
    rig = _holding()
    rig.inputs = schema.INPUT_BUTTON
    rig.run(0.05)
    assert rig.sequencer.state == schema.STATE_VENTING
    # Held down, and pressed a second time: the release stays under control.
    rig.run(1)
    rig.inputs = 0
    rig.run(0.1)
    _hold_down(rig, 0.1)
    assert rig.sequencer.state == schema.STATE_VENTING
    assert not rig.sequencer.dumping
    assert rig.plant.pellet_mpa > 50
    assert rig.run(30, rig.idle_again)
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_ABORTED
    assert rig.status()[schema.STATUS_REPLY_FAULT] == schema.FAULT_NONE


def test_a_spike_on_the_wire_is_no_press():
    rig = _holding()
    for _ in range(20):
        rig.inputs = schema.INPUT_BUTTON
        rig.run(0.02)
        rig.inputs = 0
        rig.run(0.02)
    assert rig.sequencer.state == schema.STATE_RUNNING


def test_a_button_that_was_down_before_the_run_does_not_end_it():
    rig = Rig()
    rig.inputs = schema.INPUT_BUTTON
    rig.run(1)
    rig.start([ramp(50000, 20000), hold(50000, 1000)])
    rig.run(1)
    assert rig.sequencer.state == schema.STATE_RUNNING
    # Also with a tick lost meanwhile.
    rig.missed = 3
    rig.run(1)
    assert rig.sequencer.state == schema.STATE_RUNNING


def test_a_press_between_start_and_its_first_tick_ends_the_run():
    rig = Rig()
    rig.upload([ramp(50000, 20000)])
    rig.inputs = 0
    rig.run(0.1)
    rig.inputs = schema.INPUT_BUTTON
    rig.run(0.02)
    rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"12345678"})
    rig.tick()
    assert rig.run(5, rig.idle_again)
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_ABORTED


def test_a_limit_is_raised_only_with_a_press_of_the_button():
    rig = _real(Rig())
    assert rig.code_of(schema.CMD_PROFILE_WRITE, _higher()) == schema.ERR_NEEDS_BUTTON
    assert rig.ask(schema.CMD_PROFILE_READ) == PROFILE
    _hold_down(rig, 0.2)
    assert rig.code_of(schema.CMD_PROFILE_WRITE, _higher()) == 0
    # The press is used up.
    higher = _higher()
    higher[schema.PROFILE_MAX_OIL_KPA] += 1000
    assert rig.code_of(schema.CMD_PROFILE_WRITE, higher) == schema.ERR_NEEDS_BUTTON


def test_a_press_counts_for_half_a_minute():
    rig = _real(Rig())
    _hold_down(rig, 0.2)
    rig.run(31)
    assert rig.code_of(schema.CMD_PROFILE_WRITE, _higher()) == schema.ERR_NEEDS_BUTTON


def test_a_button_that_is_stuck_since_power_on_allows_nothing():
    rig = Rig()
    rig.simulated = False
    _hold_down(rig, 1)
    assert rig.code_of(schema.CMD_PROFILE_WRITE, _higher()) == schema.ERR_NEEDS_BUTTON


def test_a_press_that_ended_a_run_allows_nothing_else():
    rig = _holding()
    _hold_down(rig, 0.1)
    assert rig.run(30, rig.idle_again)
    rig.run(0.1)
    assert rig.code_of(schema.CMD_PROFILE_WRITE, _higher()) == schema.ERR_NEEDS_BUTTON


def test_tuning_and_tighter_limits_need_no_button():
    rig = _real(Rig())
    for changes in (
        {schema.PROFILE_KP: 1400, schema.PROFILE_PUMP_DEAD_BAND: 6000},
        {schema.PROFILE_MAX_OIL_KPA: 29000},
        {schema.PROFILE_RAW_ZERO: 4855, schema.PROFILE_RAW_FULL: 24055},
        {schema.PROFILE_DIES_UM: [10000]},
        {schema.PROFILE_DIE_LOADS_N: [50000, 60000]},
        {schema.PROFILE_SINGLE_CHANNEL_OIL_KPA: 20000},
    ):
        values = dict(PROFILE)
        values.update(changes)
        assert rig.code_of(schema.CMD_PROFILE_WRITE, values) == 0
        rig.simulated = True
        rig.ask(schema.CMD_PROFILE_WRITE, dict(PROFILE))
        rig.simulated = False


def test_what_gives_a_reading_another_meaning_needs_the_button():
    for changes in (
        {schema.PROFILE_RAM_AREA_MM2: 1400},
        {schema.PROFILE_FULL_SCALE_OIL_KPA: 39000},
        {schema.PROFILE_RAW_FULL: 24100},
        {schema.PROFILE_RAW_ZERO: 4950, schema.PROFILE_RAW_FULL: 24150},
        {schema.PROFILE_RAW_FAULT_LOW: 4000},
        {schema.PROFILE_RAW_FAULT_HIGH: 30000},
        {schema.PROFILE_ACCURACY_PPM: 5000},
        {schema.PROFILE_NO_GAIN_WINDOW_MS: 60000},
        {schema.PROFILE_DIES_UM: [10000, 12000, 13000]},
    ):
        rig = _real(Rig())
        values = dict(PROFILE)
        values.update(changes)
        assert rig.code_of(schema.CMD_PROFILE_WRITE, values) == schema.ERR_NEEDS_BUTTON, changes


def test_a_greater_load_of_a_die_needs_the_button():
    limited = dict(PROFILE)
    limited[schema.PROFILE_DIE_LOADS_N] = [50000, 60000]
    for loads in ([50000, 60001], [0, 60000], None):
        rig = _real(Rig(profile=limited))
        values = dict(limited)
        if loads:
            values[schema.PROFILE_DIE_LOADS_N] = loads
        else:
            del values[schema.PROFILE_DIE_LOADS_N]
        assert rig.code_of(schema.CMD_PROFILE_WRITE, values) == schema.ERR_NEEDS_BUTTON


def test_some_faults_are_cleared_only_with_a_press_of_the_button():
    for fault, needs in (
        (schema.FAULT_OVER_PRESSURE, True),
        (schema.FAULT_EMERGENCY_STOP, True),
        (schema.FAULT_GUARD_OPEN, True),
        (schema.FAULT_NO_RELEASE, True),
        (schema.FAULT_PUMP_STUCK, True),
        (schema.FAULT_POWER_LOSS, False),
        (schema.FAULT_SENSOR_LOW, False),
    ):
        rig = _real(Rig())
        rig.controller.interlocks.latch(fault)
        rig.tick()
        clear = {schema.CLEAR_REQUEST_FAULT: fault}
        assert rig.code_of(schema.CMD_CLEAR, clear) == (schema.ERR_NEEDS_BUTTON if needs else 0)
        if needs:
            _hold_down(rig, 0.2)
            assert rig.code_of(schema.CMD_CLEAR, clear) == 0
        rig.run(0.1)
        assert rig.status()[schema.STATUS_REPLY_STATE] == schema.STATE_IDLE


def _type_ctrl_c(rig):
    rig.typed = b"\r\x03"
    rig.run(0.05)
    return rig.interrupts


def test_other_firmware_gets_the_board_only_with_a_press_of_the_button():
    rig = _real(Rig())
    assert _type_ctrl_c(rig) == 0
    _hold_down(rig, 0.2)
    assert _type_ctrl_c(rig) == 1
    # Each press allows one thing, and for 30 s.
    assert _type_ctrl_c(rig) == 1
    _hold_down(rig, 0.2)
    rig.run(31)
    assert _type_ctrl_c(rig) == 1


def test_a_run_keeps_the_board_whatever_is_typed_and_pressed():
    rig = _holding()
    rig.simulated = True
    assert _type_ctrl_c(rig) == 0
    rig.ask(schema.CMD_ABORT)
    assert rig.run(30, rig.idle_again)
    assert _type_ctrl_c(rig) == 1


def test_a_simulated_board_needs_no_button():
    rig = Rig()
    rig.tick()
    assert rig.code_of(schema.CMD_PROFILE_WRITE, _higher()) == 0
    rig.controller.interlocks.latch(schema.FAULT_OVER_PRESSURE)
    rig.tick()
    clear = {schema.CLEAR_REQUEST_FAULT: schema.FAULT_OVER_PRESSURE}
    assert rig.code_of(schema.CMD_CLEAR, clear) == 0
