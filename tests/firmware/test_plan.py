"""The board refuses what the host should have refused."""

from pressloop_fw.wire import schema
from rig import PROFILE, RefusedError, Rig, hold, prompt, ramp, release


def _refused(steps, profile=None, **header):
    rig = Rig(profile=profile)
    try:
        rig.upload(steps, **header)
    except RefusedError as refused:
        return refused
    raise AssertionError("accepted")


def test_a_good_plan_is_accepted():
    rig = Rig()
    rig.upload([ramp(250000), hold(250000), release(0), prompt(), ramp(74000), hold(74000)])
    assert rig.app.plan.committed


def test_target_above_the_ceiling():
    refused = _refused([ramp(74000), hold(74000), ramp(300000)], ceiling_kpa=250000)
    assert refused.code == schema.ERR_OVER_CEILING
    assert refused.step == 2
    assert refused.field == schema.PLAN_STEP_REQUEST_TARGET_KPA
    assert refused.detail == 250000


def test_ceiling_above_what_the_press_may_do():
    refused = _refused([ramp(74000)], ceiling_kpa=600000)
    assert refused.code == schema.ERR_OVER_LIMIT
    # 30 MPa of oil, 1450 mm2 over 78.54 mm2.
    assert abs(refused.detail - 30000 * 1450 / 78.54) < 200


def test_unknown_die():
    refused = _refused([ramp(74000)], die_um=11000)
    assert refused.code == schema.ERR_UNKNOWN_DIE


def test_tolerance_finer_than_the_transducer():
    refused = _refused([ramp(74000), hold(74000, tolerance_kpa=370)])
    assert refused.code == schema.ERR_TOLERANCE_UNRESOLVED
    assert 735 <= refused.detail <= 742
    rig = Rig()
    rig.upload([ramp(74000), hold(74000, tolerance_kpa=370)], accept_unresolved=True)
    assert rig.app.plan.committed


def test_impossible_rates():
    assert _refused([ramp(74000, 400000)]).code == schema.ERR_RATE_IMPOSSIBLE
    small_valve = dict(PROFILE)
    small_valve[schema.PROFILE_RELEASE_FLOW_UL_S] = 100
    fall = _refused([ramp(74000), release(0, 40000)], small_valve)
    assert fall.code == schema.ERR_RATE_IMPOSSIBLE and fall.step == 1
    vent = _refused([ramp(74000)], small_valve, vent_rate_kpa_s=40000)
    assert vent.code == schema.ERR_RATE_IMPOSSIBLE


def test_a_hold_needs_an_end():
    endless = hold(74000, duration_ms=None)
    assert _refused([ramp(74000), endless]).code == schema.ERR_NO_END
    shut = hold(74000, duration_ms=None, open=False)
    assert _refused([ramp(74000), shut]).code == schema.ERR_NO_END
    # The operator ends it, and it has a longest time as well.
    Rig().upload([ramp(74000), hold(74000, open=True), hold(74000, None, open=True)])


def test_a_hold_must_stay_where_the_ramp_led():
    refused = _refused([ramp(74000), hold(90000)])
    assert refused.code == schema.ERR_HOLD_ELSEWHERE and refused.detail == 74000


def test_a_release_goes_down():
    refused = _refused([ramp(74000), release(80000)])
    assert refused.code == schema.ERR_WRONG_DIRECTION


def test_keys_that_the_kind_of_step_needs_or_does_not_have():
    step = ramp(74000)
    del step[schema.PLAN_STEP_REQUEST_RATE_KPA_S]
    missing = _refused([step])
    assert missing.code == schema.ERR_MISSING_FIELD
    assert missing.field == schema.PLAN_STEP_REQUEST_RATE_KPA_S
    step = prompt()
    step[schema.PLAN_STEP_REQUEST_RATE_KPA_S] = 5
    assert _refused([step]).code == schema.ERR_UNKNOWN_FIELD


def test_steps_must_all_arrive_and_unchanged():
    rig = Rig()
    rig.upload([ramp(74000)])
    rig.ask(schema.CMD_PROFILE_WRITE, dict(PROFILE))
    try:
        rig.start()
    except RefusedError as refused:
        assert refused.code == schema.ERR_NO_PLAN
    else:
        raise AssertionError("a plan for another profile was started")
    begin = {
        schema.PLAN_BEGIN_REQUEST_STEPS: 2,
        schema.PLAN_BEGIN_REQUEST_DIE_UM: 10000,
        schema.PLAN_BEGIN_REQUEST_CEILING_KPA: 500000,
        schema.PLAN_BEGIN_REQUEST_HOST_LOSS: 1,
        schema.PLAN_BEGIN_REQUEST_HOST_LOSS_LIMIT_MS: 1000,
        schema.PLAN_BEGIN_REQUEST_HOST_TIMEOUT_MS: 1000,
        schema.PLAN_BEGIN_REQUEST_VENT_RATE_KPA_S: 1000,
        schema.PLAN_BEGIN_REQUEST_RECORD_EVERY: 1,
        schema.PLAN_BEGIN_REQUEST_ACCEPT_UNRESOLVED: False,
    }
    rig.ask(schema.CMD_PLAN_BEGIN, begin)
    step = ramp(74000)
    step[schema.PLAN_STEP_REQUEST_STAGE] = 0
    step[schema.PLAN_STEP_REQUEST_INDEX] = 1
    for command, values, expected in (
        (schema.CMD_PLAN_STEP, step, schema.ERR_PLAN_ORDER),
        (
            schema.CMD_PLAN_COMMIT,
            {schema.PLAN_COMMIT_REQUEST_DIGEST: 0},
            schema.ERR_PLAN_ORDER,
        ),
    ):
        try:
            rig.ask(command, values)
        except RefusedError as refused:
            assert refused.code == expected
        else:
            raise AssertionError("accepted")
    for index in range(2):
        step[schema.PLAN_STEP_REQUEST_INDEX] = index
        rig.ask(schema.CMD_PLAN_STEP, step)
    try:
        rig.ask(schema.CMD_PLAN_COMMIT, {schema.PLAN_COMMIT_REQUEST_DIGEST: 0})
    except RefusedError as refused:
        assert refused.code == schema.ERR_PLAN_DIGEST
    else:
        raise AssertionError("a wrong digest was accepted")
