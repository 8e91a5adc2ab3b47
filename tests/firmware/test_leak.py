"""A press that leaks: the relaxation of its powder is judged without the loss by the leak."""

from pressloop_fw.loop import leak
from pressloop_fw.loop.scaling import Scaling
from pressloop_fw.service.profile_store import Profile
from pressloop_fw.wire import schema
from rig import PRESS, PROFILE, RefusedError, Rig, hold, ramp

SLOW = ("test_the_dwell_ends_when_the_powder_is_relaxed_whatever_the_leak",)

# A powder that relaxes by some MPa in a minute.
_POWDER = dict(PRESS, powder_relaxation_share=0.5)
_RATE = 2000


def _press(ul_min):
    return dict(_POWDER, leak_mm3_s_mpa=ul_min / 600)


def _knowing(ul_min, percent=10):
    profile = dict(PROFILE)
    profile[schema.PROFILE_LEAK_NL_MIN] = 1000 * ul_min
    profile[schema.PROFILE_LEAK_UNCERTAINTY_NL_MIN] = 10 * ul_min * percent
    return profile


def _sealed(target_kpa=250000, rate=_RATE):
    return hold(target_kpa, 120000, 60000, mode=schema.HOLD_SEALED, relaxation_kpa_min=rate)


def _pressed(press, profile=None, target_kpa=250000):
    rig = Rig(press, profile=profile)
    rig.start([ramp(target_kpa, 50000), _sealed(target_kpa)])
    assert rig.run(200, rig.idle_again)
    return rig.result(1)


def _end(result):
    return result[schema.STEP_RESULT_REPLY_DWELL_END]


def _dwell_s(result):
    return result[schema.STEP_RESULT_REPLY_DWELL_TICKS] / schema.TICK_HZ


def test_the_dwell_ends_when_the_powder_is_relaxed_whatever_the_leak():
    tight = _pressed(_press(0))
    assert _end(tight) == schema.DWELL_RELAXATION
    for ul_min in (10, 30):
        # With an unknown leak, as on a press that was never tuned, it ends at the longest time.
        result = _pressed(_press(ul_min))
        assert _end(result) == schema.DWELL_LONGEST
        assert result[schema.STEP_RESULT_REPLY_LEAK_KPA_MIN] == 0
        result = _pressed(_press(ul_min), _knowing(ul_min))
        assert _end(result) == schema.DWELL_RELAXATION
        assert result[schema.STEP_RESULT_REPLY_TOP_UPS] == 0
        assert abs(_dwell_s(result) - _dwell_s(tight)) < 4
        loss = result[schema.STEP_RESULT_REPLY_LOSS_KPA_MIN]
        taken = result[schema.STEP_RESULT_REPLY_LEAK_KPA_MIN]
        assert 0 < loss - taken < _RATE
        # 10 uL/min at 10 MPa, of 57.5 uL/MPa: 1.74 % of the pressure in a minute, of a mean on
        # the way from 250 MPa down.
        assert 0.93 < taken / (250000 * ul_min * 0.00174) < 1.0


def test_a_leak_takes_more_where_the_press_is_stiff():
    profile = Profile(_knowing(10))
    scaling = Scaling(profile, 10000)
    shares = [leak.share_q15(profile, scaling, kpa) for kpa in (1000, 20000, 74000, 500000)]
    assert shares == sorted(shares) and shares[0] < shares[-1] * 57 // 100
    # Linear between the knots, constant beyond them.
    oil_kpa = profile.max_oil_kpa
    knots = [leak.compliance_nl_mpa(profile, oil_kpa >> (7 - knot)) for knot in range(8)]
    assert knots == list(profile.compliance_curve)
    half = leak.compliance_nl_mpa(profile, oil_kpa // 4 + oil_kpa // 8)
    assert half == (knots[5] + knots[6]) // 2
    assert leak.compliance_nl_mpa(profile, 0) == knots[0]
    assert leak.compliance_nl_mpa(profile, 10 * oil_kpa) == knots[-1]


def test_a_press_that_loses_everything_in_a_minute_subtracts_no_more():
    profile = Profile(_knowing(100000))
    share = leak.share_q15(profile, Scaling(profile, 10000), 250000)
    assert share == 32767
    assert leak.loss_kpa_min(share, 2000000) <= 2000000
    assert leak.loss_kpa_min(0, 2000000) == 0


def test_a_rate_finer_than_the_leak_is_known_is_refused():
    # A tenth of 10 uL/min is worth 0.43 MPa/min at 250 MPa.
    rig = Rig(profile=_knowing(10))
    rig.upload([ramp(250000), _sealed(rate=500)])
    try:
        rig.upload([ramp(250000), _sealed(rate=400)])
    except RefusedError as refused:
        assert refused.code == schema.ERR_RELAXATION_UNRESOLVED
        assert refused.field == schema.PLAN_STEP_REQUEST_RELAXATION_KPA_MIN
        assert 430 <= refused.detail <= 440
    else:
        raise AssertionError("accepted")
    # At less pressure the leak takes less, and the same rate is accepted; so it is without a leak.
    rig.upload([ramp(200000), _sealed(200000, rate=400)])
    Rig().upload([ramp(250000), _sealed(rate=400)])


def test_a_leak_and_how_well_it_is_known_belong_together():
    for key in (schema.PROFILE_LEAK_NL_MIN, schema.PROFILE_LEAK_UNCERTAINTY_NL_MIN):
        half = _knowing(10)
        del half[key]
        assert Profile(half).contradiction() == schema.PROFILE_LEAK_UNCERTAINTY_NL_MIN
    assert Profile(_knowing(10)).contradiction() == 0


def test_the_leak_of_the_profile_is_read_back():
    rig = Rig(profile=_knowing(10))
    assert rig.ask(schema.CMD_PROFILE_READ) == _knowing(10)


def _topped_up(ul_min, profile=None):
    """Return a rig after a minute of a sealed hold with a leak that comes up in it."""
    rig = Rig(profile=profile)
    rig.start([ramp(250000, 50000), hold(250000, 300000, 2500, mode=schema.HOLD_SEALED)])
    assert rig.run(60, lambda: rig.sequencer.hold.sealed)
    rig.plant.add_leak(ul_min / 600)
    rig.run(60)
    return rig


def test_top_ups_without_end_are_a_leak():
    rig = _topped_up(2000)
    assert rig.controller.interlocks.fault == schema.FAULT_LEAK
    assert rig.controller.sequencer.results.top_ups[1] < 60
    # A leak that the profile states, and a small one, are none.
    for ul_min, profile in ((400, _knowing(400)), (40, None)):
        rig = _topped_up(ul_min, profile)
        assert rig.controller.interlocks.fault == schema.FAULT_NONE
        assert rig.sequencer.results.top_ups[1] > 1
