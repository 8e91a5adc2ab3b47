"""Dwells that end on relaxation, by the operator or at their longest; what the board refuses."""

from pressloop_fw.loop.relaxation import MAX_WINDOW_S, Relaxation, window_s
from pressloop_fw.wire import schema
from rig import PRESS, PROFILE, RefusedError, Rig, hold, ramp

# No leak, and a powder that relaxes by some MPa in a minute.
_PRESS = dict(PRESS)
_PRESS["leak_mm3_s_mpa"] = 0.0
_PRESS["powder_relaxation_share"] = 0.5


def _sealed(longest_ms=120000, **more):
    more.setdefault("tolerance_kpa", 8000)
    return hold(250000, longest_ms, mode=schema.HOLD_SEALED, **more)


def _pressed(step, seconds=200, press=None):
    rig = Rig(press or _PRESS)
    rig.start([ramp(250000, 50000), step])
    assert rig.run(seconds, rig.idle_again)
    return rig, rig.result(1)


def _end(result):
    return result[schema.STEP_RESULT_REPLY_DWELL_END]


def _dwell_s(result):
    return result[schema.STEP_RESULT_REPLY_DWELL_TICKS] / schema.TICK_HZ


def test_a_dwell_ends_when_the_powder_has_come_to_rest():
    rig, result = _pressed(_sealed(relaxation_kpa_min=2000))
    assert _end(result) == schema.DWELL_RELAXATION
    assert 10 < _dwell_s(result) < 110
    assert 0 <= result[schema.STEP_RESULT_REPLY_LOSS_KPA_MIN] < 2000
    assert result[schema.STEP_RESULT_REPLY_OUTCOME] == schema.OUTCOME_DONE
    assert rig.sequencer.end_reason == schema.END_COMPLETED
    # A faster rate is reached sooner.
    _, sooner = _pressed(_sealed(relaxation_kpa_min=4000))
    assert _dwell_s(sooner) < _dwell_s(result) - 5
    # The board reports what the readings lost in the last seconds.
    records = [record for record in rig.records(0) if record[5] == 1]
    window = window_s(2000, rig.plan_scaling().loss_unit_kpa)
    lost = records[-100 * window - 50][1] - records[-50][1]
    assert abs(lost * 60 / window - result[schema.STEP_RESULT_REPLY_LOSS_KPA_MIN]) < 200


def test_a_dwell_does_not_end_before_its_least_time():
    _, early = _pressed(_sealed(relaxation_kpa_min=60000))
    assert _end(early) == schema.DWELL_RELAXATION and _dwell_s(early) < 10
    _, late = _pressed(_sealed(relaxation_kpa_min=60000, least_ms=30000))
    assert _end(late) == schema.DWELL_RELAXATION
    assert abs(_dwell_s(late) - 30) < 0.02


def test_a_dwell_ends_at_its_longest_in_any_case():
    press = dict(_PRESS)
    press["leak_mm3_s_mpa"] = 0.05
    _, result = _pressed(_sealed(20000, relaxation_kpa_min=1000), press=press)
    assert _end(result) == schema.DWELL_LONGEST
    assert result[schema.STEP_RESULT_REPLY_DWELL_TICKS] == 2000
    assert result[schema.STEP_RESULT_REPLY_LOSS_KPA_MIN] > 1000


def test_a_top_up_begins_the_measurement_anew():
    press = dict(_PRESS)
    press["leak_mm3_s_mpa"] = 0.05
    rig = Rig(press)
    rig.start([ramp(250000, 50000), _sealed(60000, relaxation_kpa_min=100, tolerance_kpa=1500)])
    sequencer = rig.sequencer
    assert rig.run(60, lambda: sequencer.results.top_ups[1] == 1)
    assert not sequencer.hold.relaxation.known
    assert rig.run(2, lambda: sequencer.hold.sealed)
    # The first second after sealing is left out, and then comes a whole window.
    ticks = 0
    while sequencer.hold.sealed and not sequencer.hold.relaxation.known:
        rig.tick()
        ticks += 1
    assert not sequencer.hold.sealed or ticks >= 600


def test_a_pause_begins_the_measurement_anew():
    rig = Rig(_PRESS)
    rig.start([ramp(250000, 50000), _sealed(relaxation_kpa_min=2000)])
    assert rig.run(60, lambda: rig.sequencer.hold.relaxation.known)
    rig.ask(schema.CMD_PAUSE)
    rig.run(0.5)
    assert not rig.sequencer.hold.relaxation.known
    rig.ask(schema.CMD_RESUME)
    assert rig.run(200, rig.idle_again)
    assert rig.sequencer.results.dwell_end[1] == schema.DWELL_RELAXATION


def test_the_operator_ends_an_open_hold_before_its_longest():
    for longest_ms, end in ((60000, schema.DWELL_OPERATOR), (2000, schema.DWELL_LONGEST)):
        rig = Rig(_PRESS)
        rig.start([ramp(74000, 50000), hold(74000, longest_ms, open=True, text="steady?")])
        rig.run(60, lambda rig=rig: rig.sequencer.results.dwell[1] >= 300)
        if rig.sequencer.step_index == 1:
            rig.ask(schema.CMD_ADVANCE, {1: 1})
        assert rig.run(60, rig.idle_again)
        assert rig.sequencer.results.dwell_end[1] == end
        assert rig.sequencer.results.outcome[1] == schema.OUTCOME_DONE


def test_other_ends_of_a_dwell_have_their_names_too():
    rig, result = _pressed(_sealed(8000))
    assert _end(result) == schema.DWELL_DURATION
    assert schema.STEP_RESULT_REPLY_LOSS_KPA_MIN not in result
    assert _end(rig.result(0)) == schema.DWELL_NONE
    rig = Rig(_PRESS)
    rig.start([ramp(74000, 50000), hold(74000, 60000)])
    rig.run(60, lambda: rig.sequencer.results.dwell[1] >= 100)
    rig.ask(schema.CMD_ABORT)
    assert rig.run(60, rig.idle_again)
    assert rig.sequencer.results.dwell_end[1] == schema.DWELL_RUN


def test_the_loss_is_that_of_the_means_of_seconds():
    relaxation = Relaxation()
    relaxation.restart(5)
    # 3000 kPa/min, with noise that sums to nothing in a second.
    for tick in range(2000):
        relaxation.step(250000 - tick // 2 + (40 if tick % 2 else -40))
        assert relaxation.known == (tick >= 699)
    assert abs(relaxation.loss_kpa_min - 3000) <= 12
    relaxation.restart(MAX_WINDOW_S)
    assert not relaxation.known
    for tick in range(6200 * 3):
        relaxation.step(2000000 - tick // 60)
        assert relaxation.known == (tick >= 6199)
    assert abs(relaxation.loss_kpa_min - 100) <= 1
    # A rising pressure has a negative loss.
    relaxation.restart(5)
    for tick in range(1000):
        relaxation.step(1000 + tick)
    assert relaxation.loss_kpa_min == -6000


def _refused(step, profile=None):
    try:
        Rig(profile=profile).upload([ramp(250000), step])
    except RefusedError as refused:
        assert refused.step == 1
        return refused
    raise AssertionError("accepted")


def test_the_rate_is_one_that_the_transducer_resolves():
    # 0.1 % of 40 MPa of oil are 738 kPa on this die; an eighth is 92, two counts are 77.
    refused = _refused(_sealed(relaxation_kpa_min=91))
    assert refused.code == schema.ERR_RELAXATION_UNRESOLVED
    assert refused.field == schema.PLAN_STEP_REQUEST_RELAXATION_KPA_MIN
    assert refused.detail == 92
    Rig().upload([ramp(250000), _sealed(relaxation_kpa_min=92)])
    better = dict(PROFILE)
    better[schema.PROFILE_ACCURACY_PPM] = 100
    assert _refused(_sealed(relaxation_kpa_min=76), better).detail == 77


def test_a_relaxation_needs_a_seal_and_a_longest_time():
    regulated = hold(250000, 60000, relaxation_kpa_min=500)
    assert _refused(regulated).code == schema.ERR_NOT_SEALED
    assert _refused(regulated).field == schema.PLAN_STEP_REQUEST_MODE
    for more in ({}, {"open": True}):
        endless = hold(250000, None, mode=1, relaxation_kpa_min=500, **more)
        assert _refused(endless).code == schema.ERR_NO_END
    late = _refused(_sealed(60000, relaxation_kpa_min=500, least_ms=60010))
    assert late.code == schema.ERR_OUT_OF_RANGE
    assert late.field == schema.PLAN_STEP_REQUEST_LEAST_MS
    assert _refused(_sealed(least_ms=1000)).code == schema.ERR_UNKNOWN_FIELD
