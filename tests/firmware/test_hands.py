"""Nothing moves, and no pressure is kept, where a hand may be."""

from pressloop_fw.wire import schema
from rig import PRESS, RefusedError, Rig, hold, prompt, ramp

_START = {schema.START_REQUEST_RUN_ID: b"12345678"}


def test_a_guard_that_opens_between_the_start_and_its_tick_keeps_the_pump_shut():
    rig = Rig()
    rig.upload([ramp(80000)])
    rig.tick()
    rig.ask(schema.CMD_START, _START)
    rig.inputs = schema.INPUT_GUARD_OPEN
    for _ in range(5):
        rig.tick()
        assert rig.pump == 0 and rig.release == schema.OUTPUT_FULL
    assert rig.status()[schema.STATUS_REPLY_FAULT] == schema.FAULT_GUARD_OPEN
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_FAULT


def test_a_guard_that_opens_between_the_confirmation_and_its_tick_keeps_the_pump_shut():
    rig = Rig()
    rig.start([prompt("load"), ramp(80000)])
    rig.ask(schema.CMD_CONFIRM, {schema.CONFIRM_REQUEST_STEP: 0})
    rig.inputs = schema.INPUT_GUARD_OPEN
    for _ in range(5):
        rig.tick()
        assert rig.pump == 0 and rig.release == schema.OUTPUT_FULL
    assert rig.status()[schema.STATUS_REPLY_FAULT] == schema.FAULT_GUARD_OPEN


def test_a_run_that_ends_at_rest_with_the_guard_open_is_no_fault():
    for command, reason in (
        (schema.CMD_ABORT, schema.END_ABORTED),
        (0, schema.END_PROMPT_TIMEOUT),
    ):
        rig = Rig()
        rig.start([prompt("load", timeout_ms=1000), ramp(80000)])
        rig.inputs = schema.INPUT_GUARD_OPEN
        rig.run(0.5)
        if command:
            rig.ask(command)
        for _ in range(100):
            rig.tick()
            assert rig.pump == 0 and rig.release == schema.OUTPUT_FULL
        status = rig.status()
        assert status[schema.STATUS_REPLY_STATE] == schema.STATE_IDLE
        assert status[schema.STATUS_REPLY_END_REASON] == reason


def test_a_prompt_after_a_ramp_to_zero_waits_for_the_pressure_to_be_gone():
    # A release valve with a fifth of the flow in the profile.
    rig = Rig(dict(PRESS, release_flow_10mpa_mm3_s=2000.0))
    rig.start([ramp(200000, 50000), hold(200000, 500), ramp(0, 100000), prompt("take out")])
    assert rig.run(60, lambda: rig.sequencer.state == schema.STATE_PROMPTING)
    assert rig.plant.pellet_mpa < 3.0


def test_a_prompt_under_pressure_keeps_no_rate_of_the_ramp_before():
    rig = Rig()
    rig.start([ramp(80000, 50000), prompt("listen")])
    assert rig.run(30, lambda: rig.sequencer.state == schema.STATE_PROMPTING)
    assert rig.sequencer.setpoint.lead_kpa_s == 0


def test_a_ramp_to_zero_never_pumps():
    rig = Rig()
    rig.raw = 4700  # the sensor reads less than zero
    rig.upload([ramp(0), ramp(0)])
    rig.tick()
    rig.ask(schema.CMD_START, _START)
    for _ in range(100):
        rig.tick()
        assert rig.pump == 0
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_COMPLETED


def test_a_hold_at_zero_is_refused():
    rig = Rig()
    try:
        rig.upload([hold(0)])
    except RefusedError as refused:
        assert refused.code == schema.ERR_OUT_OF_RANGE
        assert refused.field == schema.PLAN_STEP_REQUEST_TARGET_KPA
        assert refused.step == 0
    else:
        raise AssertionError("accepted")


def test_a_sealed_hold_keeps_its_pressure_in_a_pause():
    rig = Rig(dict(PRESS, leak_mm3_s_mpa=0.2))
    rig.start([ramp(100000, 20000), hold(100000, 60000, 1500, mode=schema.HOLD_SEALED)])
    assert rig.run(30, lambda: rig.sequencer.hold.sealed)
    rig.ask(schema.CMD_PAUSE)
    rig.run(20)
    assert rig.sequencer.state == schema.STATE_PAUSED
    assert abs(rig.plant.pellet_mpa - 100) < 1.5
    rig.ask(schema.CMD_RESUME)
    assert rig.run(10, lambda: rig.sequencer.hold.sealed)


def test_a_vent_starts_no_higher_than_the_ceiling_and_can_be_asked_about():
    rig = Rig()
    rig.start([ramp(100000, 20000), hold(100000, 60000)], ceiling_kpa=120000)
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    # The sensor reads far beyond what the press can do: three of these are a fault.
    rig.controller.sampler.pressure_kpa = 3000000
    rig.sequencer.vent(schema.END_ABORTED, 3000000)
    assert rig.status()[schema.STATUS_REPLY_SETPOINT_KPA] == 120000
