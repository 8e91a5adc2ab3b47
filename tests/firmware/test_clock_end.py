"""The device clock ends with the small integers: nothing starts or runs beyond its end."""

from pressloop_fw.wire import schema
from rig import RefusedError, Rig, hold, prompt, ramp

_DAY = 24 * 3600 * schema.TICK_HZ
_HOUR = 3600 * schema.TICK_HZ
_MINUTE = 60 * schema.TICK_HZ


def _at(rig, tick):
    rig.controller.tick_count = tick


def _refusal(rig, run_id=b"12345678"):
    """Return code and detail of the refusal of a start; code 0 if it is accepted."""
    try:
        rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: run_id})
    except RefusedError as refused:
        return refused.code, refused.detail
    return 0, 0


def _planned_ticks(steps):
    """Return how long the steps can take by the plan, with the vent."""
    ticks = level = 0
    for step in steps:
        ms = step.get(schema.PLAN_STEP_REQUEST_DURATION_MS, 0)
        ms += step.get(schema.PLAN_STEP_REQUEST_TIMEOUT_MS, 0)
        ticks += ms // 10
        target = step.get(schema.PLAN_STEP_REQUEST_TARGET_KPA, level)
        rate = step.get(schema.PLAN_STEP_REQUEST_RATE_KPA_S)
        if rate:
            ticks += abs(target - level) * 100 // rate + 6000
        level = target
    return ticks + 520000 * 100 // 20000


def test_the_clock_is_a_small_integer_of_the_chip():
    assert schema.CLOCK_END == 1 << 30
    assert schema.TICK_HZ * 86400 * 124 < schema.CLOCK_END


def test_a_start_is_refused_one_tick_after_the_last_that_is_safe():
    plans = (
        [ramp(80000), hold(80000, 1000)],
        [ramp(80000, 7), hold(80000, 1000000000), ramp(1000, 1)],
        [prompt("load", 60000), ramp(20000), hold(20000, None, open=True)],
    )
    for steps in plans:
        last = schema.CLOCK_END - _HOUR - _DAY - _planned_ticks(steps)
        for tick, code in ((last + 1, schema.ERR_CLOCK_SPENT), (last, 0)):
            rig = Rig()
            rig.upload(steps)
            rig.tick()
            _at(rig, tick)
            assert _refusal(rig)[0] == code, tick - last


def test_a_refused_start_says_how_long_a_run_may_take_and_changes_nothing():
    rig = Rig()
    rig.upload([ramp(80000), hold(80000, 1000)])
    rig.tick()
    _at(rig, schema.CLOCK_END - 2 * _HOUR)
    code, left_s = _refusal(rig)
    assert code == schema.ERR_CLOCK_SPENT and left_s == 3600 - 26
    assert "run" not in rig.stored
    _at(rig, schema.CLOCK_END - 10)
    assert _refusal(rig) == (schema.ERR_CLOCK_SPENT, 0)
    # Restarted, the same controller starts.
    rig = Rig(stored=rig.stored)
    rig.upload([ramp(80000), hold(80000, 1000)])
    rig.tick()
    assert _refusal(rig)[0] == 0


def _open_run(state=schema.STATE_RUNNING):
    rig = Rig()
    rig.start([ramp(80000, 50000), hold(80000, None, open=True)])
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    if state == schema.STATE_PAUSED:
        rig.ask(schema.CMD_PAUSE)
        rig.tick()
    # 26 s of vent, and an hour until the press is unloaded.
    _at(rig, schema.CLOCK_END - _HOUR - 2600 - 100)
    return rig


def test_a_run_that_is_open_at_the_end_of_the_clock_is_vented_at_its_rate():
    for state in (schema.STATE_RUNNING, schema.STATE_PAUSED):
        rig = _open_run(state)
        assert not rig.run(0.9, lambda rig=rig, state=state: rig.sequencer.state != state)
        assert rig.run(0.2, lambda rig=rig: rig.sequencer.state == schema.STATE_VENTING)
        rig.run(1)
        assert rig.plant.pellet_mpa > 40
        assert rig.run(30, rig.idle_again)
        assert rig.controller.interlocks.fault == schema.FAULT_NONE
        assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_CLOCK_SPENT


def test_at_rest_the_watchdog_is_not_fed_before_the_clock_ends():
    rig = Rig()
    rig.tick()
    _at(rig, schema.CLOCK_END - _MINUTE - 50)
    rig.run(0.4)
    fed = rig.fed
    assert fed > 40
    rig.run(0.2)
    assert rig.fed - fed < 20
    fed = rig.fed
    rig.run(1)
    assert rig.fed == fed
