"""The comparison of two pressure channels, judged by the true pressure on the pellet."""

from pellet_rig import CELL, CELL_PROFILE, FRICTION
from pressloop_fw.loop.second_channel import SecondChannel
from pressloop_fw.service.profile_store import Profile
from pressloop_fw.wire import schema
from rig import PRESS, PROFILE, RefusedError, Rig, hold, ramp, release
from two_channels import TWO_CHANNELS, TwoChannelRig, sensor

SLOW = ("test_sound_channels_never_trip",)

# Stated errors of both channels, 0.1 % and 1 % of 738 MPa, and six sigma of noise of 0.1 %.
_FIGURE_MPA = 0.74 + 7.39 + 3.14
_SHARE = 0.02
# Detection, delay and lag of the valve, and the difference of the sensors' lags, s.
_DETECTION_S = 0.1
_VALVE_S = 0.04
_LAG_S = 0.03
_FAST = (
    ramp(250000, 300000),
    hold(250000, 1000),
    ramp(500000, 300000),
    hold(500000, 1000),
    release(74000, 300000),
    hold(74000, 1000),
    release(0, 300000),
)


def _allowed_mpa(pressure_mpa, rate_mpa_s=0.0):
    return max(_FIGURE_MPA, _SHARE * pressure_mpa) + rate_mpa_s * _LAG_S


def _pressing(until, **transducers):
    rig = TwoChannelRig(**transducers)
    rig.start([ramp(250000, 50000), hold(250000, 30000), release(0)])
    assert rig.run(60, lambda: until(rig))
    rig.watch()
    return rig


def _in_hold(rig):
    return rig.sequencer.hold.dwelling and rig.sequencer.setpoint.arrived()


def _in_ramp(rig):
    return rig.plant.pellet_mpa > 120


def _in_approach(rig):
    return rig.sequencer.approaching and rig.plant.ram_mm() > 2


def _tripped(rig, fault=schema.FAULT_SENSOR_DISAGREE, seconds=40.0):
    """Let the run go on until it ends; check that it ends by the fault."""
    rig.run(seconds, lambda: not rig.sequencer.active())
    status = rig.status()
    assert status[schema.STATUS_REPLY_FAULT] == fault, status[schema.STATUS_REPLY_FAULT]
    assert status[schema.STATUS_REPLY_END_REASON] == schema.END_FAULT
    assert rig.pump == 0 and rig.release == schema.OUTPUT_FULL
    # The valves move after the trip.
    rig.run(0.3)
    return rig


def _assert_bounded(rig, from_mpa):
    """Check the true pressure: the figure, and the rise until the valves act."""
    rise_mpa = rig.rate_mpa_s * (_DETECTION_S + _VALVE_S + _LAG_S)
    assert rig.peak_mpa <= from_mpa + _allowed_mpa(rig.peak_mpa) + rise_mpa


def test_a_frozen_first_channel_in_a_hold():
    rig = _pressing(_in_hold)
    rig.freeze_first()
    _assert_bounded(_tripped(rig), 250)


def test_a_frozen_first_channel_in_a_ramp():
    rig = _pressing(_in_ramp)
    from_mpa = rig.plant.pellet_mpa
    rig.freeze_first()
    _assert_bounded(_tripped(rig, seconds=1), from_mpa)


def test_a_frozen_first_channel_in_the_approach():
    rig = _pressing(_in_approach)
    rig.freeze_first()
    _assert_bounded(_tripped(rig), 0)


def test_a_first_channel_at_zero():
    for until in (_in_hold, _in_ramp):
        rig = _pressing(until)
        from_mpa = rig.plant.pellet_mpa
        rig.first_error = lambda _raw: 4850
        _assert_bounded(_tripped(rig, seconds=0.2), from_mpa)


def test_an_offset_beyond_the_figure():
    for offset_mpa in (-60, -20, 20, 60):
        rig = _pressing(_in_hold)
        counts = rig.counts(offset_mpa)
        rig.first_error = lambda raw, by=counts: raw + by
        _assert_bounded(_tripped(rig, seconds=0.2), 250)


def test_a_drifting_first_channel():
    for mpa_s in (-1, 1):
        rig = _pressing(_in_hold)
        rig.drift_first(mpa_s)
        _assert_bounded(_tripped(rig, seconds=_FIGURE_MPA + 1), 250)


def test_a_wrong_gain_of_the_first_channel():
    for factor in (0.8, 1.2):
        for until in (_in_hold, _in_ramp):
            rig = _pressing(until)
            rig.first_error = lambda raw, by=factor: int(4850 + (raw - 4850) * by)
            _assert_bounded(_tripped(rig, seconds=5), 250)


def test_a_disagreement_is_told_within_100_ms():
    for error in (
        lambda raw: 4850,
        lambda raw: raw - 300,
        lambda raw: int(4850 + (raw - 4850) * 0.8),
    ):
        rig = _pressing(_in_ramp)
        rig.first_error = error
        left = 0
        while rig.sequencer.active() and left < 12:
            rig.tick()
            off_mpa = abs(rig.plant.pellet_mpa - rig.reading_mpa())
            if off_mpa > _allowed_mpa(rig.plant.pellet_mpa, rig.newest_rate_mpa_s):
                left += 1
        assert rig.status()[schema.STATUS_REPLY_FAULT] == schema.FAULT_SENSOR_DISAGREE
        assert left <= 10, left


def test_a_frozen_second_channel_in_a_ramp():
    rig = _pressing(_in_ramp)
    from_mpa = rig.plant.pellet_mpa
    rig.freeze_second()
    _assert_bounded(_tripped(rig, seconds=1), from_mpa)


def test_a_second_channel_without_a_signal_is_a_fault_of_its_own():
    for raw, fault in (
        (0, schema.FAULT_SECOND_SENSOR_LOW),
        (30000, schema.FAULT_SECOND_SENSOR_HIGH),
    ):
        rig = _pressing(_in_hold)
        rig.second_error = lambda _raw, as_read=raw: as_read
        rig.run(0.04)
        assert rig.sequencer.active()
        _tripped(rig, fault, 0.02)


def test_a_second_channel_with_many_bad_readings_trips_and_one_with_few_does_not():
    for bad_share, trips in ((2, True), (5, False)):
        rig = _pressing(_in_hold)
        state = [0]

        def loose_contact(raw, every=bad_share, count=state):
            count[0] += 1
            return 0 if count[0] % every == 0 else raw

        rig.second_error = loose_contact
        rig.run(2)
        assert rig.sequencer.active() != trips


def _with_spikes(first_mpa, second_mpa, readings):
    """Press with a few wrong readings in a hold; return whether the run goes on."""
    values = dict(TWO_CHANNELS)
    values[schema.PROFILE_CHANNEL_LAG_MS] = 0
    rig = TwoChannelRig(profile=values)
    rig.start([ramp(250000, 50000), hold(250000, 3000, 200000)], ceiling_kpa=260000)
    assert rig.run(30, lambda: _in_hold(rig))
    first_counts, second_counts = rig.counts(first_mpa), rig.counts(second_mpa)
    rig.first_error = lambda raw: raw + first_counts
    rig.second_error = lambda raw: raw + second_counts
    rig.run(readings / 100)
    rig.first_error = rig.second_error = None
    rig.run(0.3)
    return rig.sequencer.active()


def test_one_or_two_wrong_readings_are_noise_and_three_are_not():
    for readings in (1, 2, 3):
        assert _with_spikes(0, -100, readings) == (readings < 3)
        assert _with_spikes(-20, -20, 2)
    # Both channels beyond the ceiling, the first one too shortly for its own count.
    assert _with_spikes(30, 40, 2)


def test_the_second_channel_needs_three_readings_for_over_pressure():
    for readings in (2, 3):
        values = dict(TWO_CHANNELS)
        values[schema.PROFILE_CHANNEL_FRICTION_PPM] = 100000
        rig = TwoChannelRig(profile=values)
        rig.start([ramp(250000, 50000), hold(250000, 3000)], ceiling_kpa=250000)
        assert rig.run(30, lambda rig=rig: _in_hold(rig))
        counts = rig.counts(45)
        rig.second_error = lambda raw, by=counts: raw + by
        rig.run(readings / 100)
        rig.second_error = None
        rig.run(0.1)
        fault = rig.status()[schema.STATUS_REPLY_FAULT]
        assert fault == (schema.FAULT_NONE if readings < 3 else schema.FAULT_OVER_PRESSURE)


def test_an_error_below_the_figure_does_not_trip():
    for error in (
        lambda raw: raw + 240,
        lambda raw: raw - 240,
        lambda raw: int(4850 + (raw - 4850) * 0.97),
    ):
        rig = _pressing(_in_hold)
        rig.first_error = error
        rig.run(3)
        assert rig.sequencer.active()


def test_sound_channels_never_trip():
    for first_lag_s, second_lag_s in ((0.002, 0.032), (0.032, 0.002)):
        rig = TwoChannelRig(
            first=sensor(first_lag_s, noise_percent=0.1, offset_percent=0.1, seed=3),
            second=sensor(second_lag_s, noise_percent=0.1, offset_percent=-0.5, span=0.995, seed=4),
        )
        rig.start(_FAST, vent_rate_kpa_s=300000)
        assert rig.run(60, rig.idle_again)
        status = rig.status()
        assert status[schema.STATUS_REPLY_FAULT] == schema.FAULT_NONE
        assert status[schema.STATUS_REPLY_END_REASON] == schema.END_COMPLETED


def test_the_lags_alone_explain_their_difference():
    rig = TwoChannelRig(first=sensor(0.002), second=sensor(0.032))
    rig.start(_FAST, vent_rate_kpa_s=300000)
    assert rig.run(60, rig.idle_again)
    assert rig.status()[schema.STATUS_REPLY_LARGEST_DIFFERENCE_KPA] < 100


def test_a_crack_is_a_sudden_loss_and_no_disagreement():
    press = dict(PRESS)
    press["powder_crack_mpa"] = 200.0
    for lag_s in (0.002, 0.032):
        rig = TwoChannelRig(press=press, second=sensor(lag_s))
        rig.start([ramp(250000, 50000), hold(250000, 3000)])
        _tripped(rig, schema.FAULT_SUDDEN_LOSS)


def test_a_drop_of_the_first_channel_alone_is_no_crack():
    rig = _pressing(_in_hold)
    rig.first_error = lambda raw: raw - rig.counts(60)
    _tripped(rig, schema.FAULT_SENSOR_DISAGREE, 0.2)


def test_the_second_channel_trips_over_pressure():
    rig = TwoChannelRig(second=sensor(offset_percent=1.45))
    rig.start([ramp(250000, 50000), hold(250000, 3000)], ceiling_kpa=250000)
    _tripped(rig, schema.FAULT_OVER_PRESSURE)
    assert rig.peak_mpa < 251


def test_a_start_is_refused_while_the_channels_disagree():
    for error in (lambda raw: raw + 400, lambda raw: raw - 400):
        rig = TwoChannelRig()
        rig.second_error = error
        rig.run(0.2)
        assert rig.status()[schema.STATUS_REPLY_FAULT] == schema.FAULT_NONE
        try:
            rig.start([ramp(100000)])
        except RefusedError as refused:
            assert refused.code == schema.ERR_SENSORS_DISAGREE
            assert abs(refused.detail - 15400) < 100
        else:
            raise AssertionError("started")
        rig.second_error = None
        rig.run(0.2)
        rig.start()
        assert rig.sequencer.active()


def test_a_start_before_the_first_reading_is_refused():
    rig = TwoChannelRig()
    rig.upload([ramp(100000)])
    try:
        rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"tooearly"})
    except RefusedError as refused:
        assert refused.code == schema.ERR_NO_READING
    else:
        raise AssertionError("started")


def _start_behind_a_profile(rig, profile):
    """Write a profile, upload a plan and start it before the next reading."""
    rig.ask(schema.CMD_PROFILE_WRITE, profile)
    rig.upload([ramp(100000)])
    rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"at-once!"})


def test_a_start_right_behind_a_profile_is_judged_by_the_newest_readings_on_its_scale():
    # A board without the second channel in its profile has not compared anything.
    rig = TwoChannelRig(profile=PROFILE)
    rig.run(0.2)
    _start_behind_a_profile(rig, TWO_CHANNELS)
    rig.tick()
    assert rig.sequencer.active()
    for zero, apart_kpa in ((4450, 15400), (4850, 0)):
        rig = TwoChannelRig()
        rig.run(0.2)
        # A profile with a wrong zero, and after it the right one.
        wrong = dict(TWO_CHANNELS)
        wrong[schema.PROFILE_SECOND_RAW_ZERO] = 4450
        rig.ask(schema.CMD_PROFILE_WRITE, wrong)
        rig.run(0.2)
        profile = dict(TWO_CHANNELS)
        profile[schema.PROFILE_SECOND_RAW_ZERO] = zero
        try:
            _start_behind_a_profile(rig, profile)
        except RefusedError as refused:
            assert refused.code == schema.ERR_SENSORS_DISAGREE
            assert apart_kpa and abs(refused.detail - apart_kpa) < 400
        else:
            assert apart_kpa == 0


def test_a_start_right_behind_the_plan_needs_no_new_reading():
    rig = TwoChannelRig()
    rig.run(0.2)
    rig.upload([ramp(100000)])
    rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"at-once!"})
    rig.tick()
    assert rig.sequencer.active()
    # A disagreement from before the plan is not forgotten.
    rig = TwoChannelRig()
    rig.second_error = lambda raw: raw + 400
    rig.run(0.2)
    rig.upload([ramp(100000)])
    rig.upload([ramp(100000)])
    try:
        rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"at-once!"})
    except RefusedError as refused:
        assert refused.code == schema.ERR_SENSORS_DISAGREE
    else:
        raise AssertionError("started")


def test_a_run_forgets_the_difference_of_the_one_before():
    rig = _pressing(_in_hold)
    rig.first_error = lambda raw: raw + 240
    rig.run(1)
    assert rig.status()[schema.STATUS_REPLY_LARGEST_DIFFERENCE_KPA] > 8000
    rig.first_error = None
    assert rig.run(60, rig.idle_again)
    rig.start()
    rig.run(1)
    assert rig.status()[schema.STATUS_REPLY_LARGEST_DIFFERENCE_KPA] < 1000


def test_the_status_carries_the_second_reading():
    rig = _pressing(_in_hold)
    status = rig.status()
    assert abs(status[schema.STATUS_REPLY_SECOND_KPA] - 1000 * rig.plant.pellet_mpa) < 500


def test_a_single_channel_press_says_so():
    hello = {
        schema.HELLO_REQUEST_NONCE: 1,
        schema.HELLO_REQUEST_MAJOR: schema.PROTOCOL_MAJOR,
        schema.HELLO_REQUEST_MINOR: 0,
        schema.HELLO_REQUEST_HOST: "test",
    }
    for rig, channels in (
        (TwoChannelRig(), 2),
        (TwoChannelRig(profile=dict(PROFILE)), 1),
        (Rig(profile=dict(TWO_CHANNELS)), 1),
    ):
        assert rig.ask(schema.CMD_HELLO, hello)[schema.HELLO_REPLY_CHANNELS] == channels
        assert (schema.STATUS_REPLY_SECOND_KPA in rig.status()) == (channels == 2)


def test_the_profile_may_limit_a_single_channel_press():
    values = dict(TWO_CHANNELS)
    values[schema.PROFILE_SINGLE_CHANNEL_OIL_KPA] = 20000
    for rig, limit_kpa in ((TwoChannelRig(profile=values), 553800), (Rig(profile=values), 369200)):
        rig.upload([ramp(100000)], ceiling_kpa=limit_kpa - 1000)
        try:
            rig.upload([ramp(100000)], ceiling_kpa=limit_kpa + 1000)
        except RefusedError as refused:
            assert refused.code == schema.ERR_OVER_LIMIT
        else:
            raise AssertionError("accepted")


def test_half_a_second_channel_is_a_contradiction():
    for key in (
        schema.PROFILE_SECOND_FULL_SCALE_OIL_KPA,
        schema.PROFILE_SECOND_RAW_ZERO,
        schema.PROFILE_SECOND_RAW_FULL,
        schema.PROFILE_SECOND_RAW_FAULT_LOW,
        schema.PROFILE_SECOND_RAW_FAULT_HIGH,
        schema.PROFILE_SECOND_ACCURACY_PPM,
    ):
        values = dict(TWO_CHANNELS)
        del values[key]
        assert Profile(values, True).contradiction() == key
        assert Profile(values, True).second is None
    assert Profile(dict(TWO_CHANNELS), True).contradiction() == 0
    for key, value in (
        (schema.PROFILE_SECOND_FULL_SCALE_OIL_KPA, 20000),
        (schema.PROFILE_SECOND_RAW_FULL, 4850),
        (schema.PROFILE_SECOND_RAW_FAULT_LOW, 5000),
        (schema.PROFILE_SECOND_RAW_FAULT_HIGH, 24000),
    ):
        values = dict(TWO_CHANNELS)
        values[key] = value
        assert Profile(values, True).contradiction() == key


def test_the_figure_at_rest():
    rig = TwoChannelRig()
    rig.run(0.1)
    channel = rig.controller.second_channel
    assert isinstance(channel, SecondChannel)
    assert channel.compares and channel.primed
    assert abs(channel.allowed_kpa() - 1000 * _FIGURE_MPA) < 20


def test_what_the_seals_carry_is_not_above_the_ceiling_of_the_pellet():
    press = dict(PRESS)
    press.update(FRICTION)
    press.update(CELL)
    press["friction_share"] = 0.08
    profile = dict(TWO_CHANNELS)
    profile.update(CELL_PROFILE)
    rig = TwoChannelRig(press, profile)
    rig.start([ramp(250000, 25000), hold(250000, 3000, 1250)], ceiling_kpa=256000)
    assert rig.run(30, lambda: rig.sequencer.step_index == 1)
    rig.run(2)
    # Both transducers are in the oil, and more than the second one's error above the ceiling.
    assert rig.plant.oil_derived_mpa() > 256 + 9
    assert rig.controller.interlocks.fault == schema.FAULT_NONE
    assert abs(rig.plant.pellet_mpa - 250) < 1.5
