"""Faults: what trips, that the first one stays latched, and that the outputs go safe."""

from pressloop_fw.loop.interlocks import Interlocks
from pressloop_fw.wire import schema
from rig import RefusedError, Rig, hold, prompt, ramp


def _pressing(**header):
    rig = Rig()
    rig.start([ramp(100000, 50000), hold(100000, 60000), prompt()], **header)
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    return rig


def _assert_tripped(rig, fault):
    status = rig.status()
    assert status[schema.STATUS_REPLY_STATE] == schema.STATE_FAULT
    assert status[schema.STATUS_REPLY_FAULT] == fault
    assert status[schema.STATUS_REPLY_END_REASON] == schema.END_FAULT
    assert rig.pump == 0 and rig.release == schema.OUTPUT_FULL


def test_emergency_stop():
    rig = _pressing()
    rig.inputs = schema.INPUT_EMERGENCY_STOP
    rig.tick()
    _assert_tripped(rig, schema.FAULT_EMERGENCY_STOP)
    clear = {schema.CLEAR_REQUEST_FAULT: schema.FAULT_EMERGENCY_STOP}
    try:
        rig.ask(schema.CMD_CLEAR, clear)
    except RefusedError as refused:
        assert refused.code == schema.ERR_EMERGENCY_STOP
    else:
        raise AssertionError("cleared with the button pressed")
    rig.inputs = 0
    rig.run(20)
    rig.ask(schema.CMD_CLEAR, clear)
    assert rig.idle_again()


def test_guard():
    rig = _pressing()
    rig.inputs = schema.INPUT_GUARD_OPEN
    rig.tick()
    _assert_tripped(rig, schema.FAULT_GUARD_OPEN)


def test_broken_wire_and_short_circuit():
    for raw, fault in ((0, schema.FAULT_SENSOR_LOW), (30000, schema.FAULT_SENSOR_HIGH)):
        rig = _pressing()
        rig.raw = raw
        rig.run(0.04)
        assert rig.sequencer.state == schema.STATE_RUNNING
        rig.run(0.02)
        _assert_tripped(rig, fault)


def test_a_single_bad_reading_changes_nothing():
    rig = _pressing()
    before = rig.controller.sampler.pressure_kpa
    rig.raw = 0
    rig.run(0.03)
    assert rig.controller.sampler.pressure_kpa == before
    rig.raw = None
    rig.run(1)
    assert rig.sequencer.state == schema.STATE_RUNNING


def test_a_sensor_that_was_mended_is_judged_anew():
    rig = Rig()
    rig.raw = 0
    rig.run(10)
    clear = {schema.CLEAR_REQUEST_FAULT: schema.FAULT_SENSOR_LOW}
    rig.raw = None
    rig.run(0.2)
    rig.ask(schema.CMD_CLEAR, clear)
    rig.raw = 30000
    rig.run(0.1)
    assert rig.status()[schema.STATUS_REPLY_FAULT] == schema.FAULT_SENSOR_HIGH


def test_readings_of_which_four_in_five_are_bad():
    for bad, fault in ((0, schema.FAULT_SENSOR_LOW), (30000, schema.FAULT_SENSOR_HIGH)):
        rig = _pressing()
        for number in range(20):
            rig.raw = None if number % 5 == 4 else bad
            rig.tick()
        _assert_tripped(rig, fault)
    # One in five is noise on the wire.
    rig = _pressing()
    for number in range(2000):
        rig.raw = 0 if number % 5 == 4 else None
        rig.tick()
    assert rig.sequencer.state == schema.STATE_RUNNING


def test_over_pressure_trips_at_the_plans_ceiling():
    rig = _pressing(ceiling_kpa=110000)
    rig.raw = 4850 + int(112000 / 18.46 * 19200 / 40000)
    rig.run(0.2)
    _assert_tripped(rig, schema.FAULT_OVER_PRESSURE)


def test_pumping_without_gain():
    rig = _pressing(crack_kpa=0)
    rig.raw = 4850 + int(90000 / 18.46 * 19200 / 40000)
    rig.run(1)
    _assert_tripped(rig, schema.FAULT_NO_PRESSURE_GAIN)


def test_an_approach_without_contact():
    rig = Rig()
    rig.raw = 4800
    rig.start([ramp(100000)])
    rig.run(59.9)
    assert rig.sequencer.approaching
    rig.run(0.2)
    _assert_tripped(rig, schema.FAULT_NO_CONTACT)


def test_missed_ticks():
    rig = _pressing()
    rig.missed = 3
    rig.tick()
    assert rig.sequencer.state == schema.STATE_RUNNING
    assert rig.status()[schema.STATUS_REPLY_MISSED_TICKS] == 3
    rig.missed = 50
    rig.tick()
    _assert_tripped(rig, schema.FAULT_TICK_OVERRUN)


def test_fewer_ticks_may_be_missed_at_once_where_a_deadman_circuit_cuts_the_coils():
    for has_deadman, missed, fault in (
        (True, 5, schema.FAULT_TICK_OVERRUN),
        (True, 4, schema.FAULT_NONE),
        (False, 5, schema.FAULT_NONE),
        (False, 11, schema.FAULT_TICK_OVERRUN),
    ):
        interlocks = Interlocks(has_deadman)
        interlocks._check_missed(missed, 1000, True)
        assert interlocks.fault == fault, (has_deadman, missed)


def test_ticks_that_are_missed_again_and_again():
    # A share of the ticks for ever, in pieces that are no fault alone.
    for missed, every in ((9, 1), (1, 1), (3, 5)):
        rig = _pressing()
        for number in range(100):
            rig.missed = missed if number % every == 0 else 0
            rig.tick()
        _assert_tripped(rig, schema.FAULT_TICK_OVERRUN)
    for missed, every in ((1, 9), (10, 100)):
        rig = _pressing()
        for number in range(1000):
            rig.missed = missed if number % every == 0 else 0
            rig.tick()
        assert rig.sequencer.state == schema.STATE_RUNNING


def test_an_exception_in_the_tick_is_a_fault_with_safe_outputs():
    rig = _pressing()
    rig.app.poll = lambda: None  # keep the traceback off the test's console

    rig.broken = True
    rig.tick()
    _assert_tripped(rig, schema.FAULT_INTERNAL)


def test_the_first_reason_wins_and_everything_else_is_refused():
    rig = _pressing()
    rig.inputs = schema.INPUT_GUARD_OPEN
    rig.tick()
    rig.inputs = schema.INPUT_EMERGENCY_STOP
    rig.run(1)
    _assert_tripped(rig, schema.FAULT_GUARD_OPEN)
    rig.inputs = 0
    for command, values in (
        (schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"12345678"}),
        (schema.CMD_PAUSE, None),
        (schema.CMD_RESUME, None),
    ):
        try:
            rig.ask(command, values)
        except RefusedError as refused:
            assert refused.code == schema.ERR_FAULTED
        else:
            raise AssertionError("accepted")
    try:
        rig.ask(schema.CMD_CLEAR, {schema.CLEAR_REQUEST_FAULT: schema.FAULT_SENSOR_LOW})
    except RefusedError as refused:
        assert refused.code == schema.ERR_BAD_STATE
    else:
        raise AssertionError("cleared a fault that was never reported")


def test_a_reset_during_a_run_is_reported_at_the_next_boot():
    for cause, fault in (
        (schema.RESET_POWER_ON, schema.FAULT_POWER_LOSS),
        (schema.RESET_WATCHDOG, schema.FAULT_WATCHDOG),
    ):
        rig = _pressing()
        again = Rig(stored=rig.stored, reset_cause=cause)
        again.tick()
        assert again.status()[schema.STATUS_REPLY_FAULT] == fault
        assert again.pump == 0 and again.release == schema.OUTPUT_FULL
        # Reported once: after clearing, a further boot has no fault.
        again.ask(schema.CMD_CLEAR, {schema.CLEAR_REQUEST_FAULT: fault})
        third = Rig(stored=again.stored)
        third.tick()
        assert third.status()[schema.STATUS_REPLY_STATE] == schema.STATE_IDLE


def test_the_watchdog_is_fed_only_while_the_tick_advances():
    rig = Rig()
    rig.run(1)
    fed = rig.fed
    assert fed == 100
    for _ in range(20):
        rig.app.poll()
    assert rig.fed == fed
