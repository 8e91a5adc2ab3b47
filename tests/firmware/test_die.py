"""The die of a run: confirmed by a person, and loaded by no more than it bears."""

from pressloop_fw.service.profile_store import Profile
from pressloop_fw.wire import schema
from rig import PROFILE, RefusedError, Rig, ramp


def test_a_start_with_another_die_than_the_plan_is_refused():
    rig = Rig()
    rig.upload([ramp(100000)])
    rig.tick()
    start = {schema.START_REQUEST_RUN_ID: b"one cell", schema.START_REQUEST_DIE_UM: 12000}
    try:
        rig.ask(schema.CMD_START, start)
    except RefusedError as refused:
        assert refused.code == schema.ERR_DIE_UNCONFIRMED
        assert refused.field == schema.START_REQUEST_DIE_UM
        assert refused.detail == 10000
    else:
        raise AssertionError("started")
    assert not rig.sequencer.pending.start
    start[schema.START_REQUEST_DIE_UM] = 10000
    rig.ask(schema.CMD_START, start)


def _limited():
    values = dict(PROFILE)
    # 20 kN are 254.6 MPa on a die of 10 mm; the die of 12 mm states no load.
    values[schema.PROFILE_DIE_LOADS_N] = [20000, 0]
    return values


def test_a_ceiling_above_the_load_of_the_die_is_refused():
    rig = Rig(profile=_limited())
    rig.upload([ramp(100000)], ceiling_kpa=254000)
    try:
        rig.upload([ramp(100000)], ceiling_kpa=256000)
    except RefusedError as refused:
        assert refused.code == schema.ERR_OVER_LIMIT
        assert abs(refused.detail - 254648) < 10
    else:
        raise AssertionError("accepted")
    rig.upload([ramp(100000)], die_um=12000, ceiling_kpa=384000)


def test_a_reading_above_the_load_of_the_die_trips_without_a_run():
    rig = Rig(profile=_limited())
    rig.upload([ramp(100000)], ceiling_kpa=100000)
    rig.raw = 4850 + int(260000 / 18.46 * 19200 / 40000)
    rig.run(0.2)
    assert rig.status()[schema.STATUS_REPLY_FAULT] == schema.FAULT_OVER_PRESSURE


def test_there_is_a_load_for_each_die_or_for_none():
    values = _limited()
    assert Profile(values).contradiction() == 0
    values[schema.PROFILE_DIE_LOADS_N] = [20000]
    assert Profile(values).contradiction() == schema.PROFILE_DIE_LOADS_N


def test_an_accuracy_that_hides_the_ceiling_is_out_of_range():
    values = dict(PROFILE)
    # 10 % of full scale are 74 MPa on a die of 10 mm: a ceiling of 260 would trip at 334.
    values[schema.PROFILE_ACCURACY_PPM] = 100000
    try:
        Rig(profile=values)
    except Exception as refused:  # the codec refuses it before the handler
        assert "CodecError" in type(refused).__name__
    else:
        raise AssertionError("accepted")
