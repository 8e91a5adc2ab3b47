"""The control path: scaling, setpoint, PID, split range."""

from pressloop_fw.loop.pid import Pid
from pressloop_fw.loop.sampler import Sampler
from pressloop_fw.loop.scaling import Scaling
from pressloop_fw.loop.setpoint import SetpointGenerator
from pressloop_fw.loop.split_range import (
    PUMP_GAIN,
    SplitRange,
    dither,
    release_root_q8,
    set_openings,
)
from pressloop_fw.loop.stiffness import COMPLIANCE_RATIO_ONE, GAIN_BITS, SampleCompliance
from pressloop_fw.service.profile_store import Profile
from pressloop_fw.wire import schema
from rig import PROFILE
from steps import drive, follow_compliance, pid_step, schedule


def _press():
    profile = Profile(dict(PROFILE))
    return profile, Scaling(profile, 10000)


def test_scaling_is_exact_at_zero_and_close_at_full_scale():
    sampler = Sampler()
    sampler.configure(*_press())

    def reading(raw):
        sampler.step(raw)
        return sampler.newest_kpa

    assert reading(4850) == 0
    # 40 MPa of oil on 1450 mm2 of ram over a 10 mm die.
    true_kpa = 40000 * 1450 / 78.5398163
    assert abs(reading(24050) - true_kpa) < true_kpa * 2e-5
    assert reading(4700) < 0


def test_zero_may_lie_between_two_counts():
    values = dict(PROFILE)
    whole, between = Sampler(), Sampler()
    whole.configure(*_press())
    values[schema.PROFILE_RAW_ZERO_FRACTION] = 128
    profile = Profile(values)
    between.configure(profile, Scaling(profile, 10000))
    half_a_count_kpa = 40000 * 1450 / 78.5398163 / 19200 / 2
    for raw in (4850, 4851, 9000, 24050):
        whole.step(raw)
        between.step(raw)
        assert abs(whole.newest_kpa - between.newest_kpa - half_a_count_kpa) <= 1


def test_resolution_is_the_transducers_error_on_the_pellet():
    _, scaling = _press()
    # 0.1 % of 400 bar is 0.4 bar of oil, 1.85 MPa per bar: 0.74 MPa.
    assert 735 <= scaling.resolution_kpa <= 742


def test_a_ramp_arrives_exactly_and_takes_the_time_its_rate_says():
    for target, rate in ((250000, 10000), (74000, 333), (1000, 7), (50, 1)):
        setpoint = SetpointGenerator()
        setpoint.ramp(target, rate)
        ticks = 0
        fastest = 0
        while not setpoint.arrived():
            before = setpoint.value_kpa
            setpoint.step()
            fastest = max(fastest, setpoint.value_kpa - before)
            ticks += 1
        assert setpoint.value_kpa == target
        assert fastest <= rate // schema.TICK_HZ + 1
        # Growing and fading of the rate cost a few time constants; nothing else is lost.
        ideal = target * schema.TICK_HZ // rate
        assert ideal <= ticks <= ideal + 150
    down = SetpointGenerator()
    down.jump(5000)
    down.ramp(0, 2500)
    values = []
    while not down.arrived():
        down.step()
        values.append(down.value_kpa)
        assert down.descending
    assert values == sorted(values, reverse=True)


def test_slow_rates_lose_no_fraction():
    setpoint = SetpointGenerator()
    setpoint.ramp(1000000, 33)
    for _ in range(3000):
        setpoint.step()
    # 33 kPa/s for 30 s, less what the growth over a quarter of a second costs.
    assert 980 <= setpoint.value_kpa <= 990


def test_a_change_of_gains_does_not_move_the_output():
    pid = Pid()
    pid.set_gains(1536, 1966, 0)
    pid.restart(100000)
    for _ in range(50):
        before = pid_step(pid, 100500, 100000, 0, -100000, 100000)
    growth = before - pid_step(pid, 100500, 100000, 0, -100000, 100000)
    pid.set_gains(256, 1966, 0)
    after = pid_step(pid, 100500, 100000, 0, -100000, 100000)
    assert abs(after - before + 2 * growth) <= abs(growth) + 2


def test_the_integral_stands_still_at_a_limit():
    pid = Pid()
    pid.set_gains(1536, 8191, 0)
    pid.restart(0)
    for _ in range(2000):
        assert pid_step(pid, 200000, 0, 0, -50000, 50000) == 50000
        assert pid.saturated
    # When the error changes its sign, so does the output: the integral has not wound up.
    for _ in range(5):
        output = pid_step(pid, 200000, 201000, 0, -50000, 50000)
    assert output < 0


def test_derivative_acts_on_the_measurement_only():
    pid = Pid()
    pid.set_gains(0, 0, 256)
    pid.restart(50000)
    assert pid_step(pid, 90000, 50000, 0, -100000, 100000) == 0
    assert pid_step(pid, 90000, 50100, 0, -100000, 100000) < 0


def test_the_release_opens_by_the_root_of_the_pressure():
    for reference in (1, 1000, 250000, 2000000):
        for pressure in list(range(-2, 300)) + [1000, 74000, 250000, 500000, 2000000]:
            # The ratio of the pressures, times 256; at most 64.
            ratio = min(64 << 8, max(1, (reference << 8) // max(1, pressure)))
            root = release_root_q8(reference, pressure)
            assert root * root <= ratio << 8 < (root + 1) * (root + 1)
    assert release_root_q8(100000, 100000) == 256
    assert release_root_q8(100000, 25000) == 512
    assert release_root_q8(100000, 0) == release_root_q8(100000, -500) == 8 * 256


def test_pump_and_release_never_act_together_and_stay_in_range():
    profile, scaling = _press()
    valves = SplitRange()
    valves.configure(profile, scaling)
    rates = [0, 1, 50, 500, 1600, 5000, 100000, valves.rise_kpa_s, valves.rise_kpa_s * 3]
    for rate in rates + [-rate for rate in rates]:
        for pressure in (-500, 0, 1, 1000, 74000, 500000):
            drive(valves, rate, pressure, False)
            assert valves.pump == 0 or valves.release == 0
            assert 0 <= valves.pump <= schema.OUTPUT_FULL
            assert 0 <= valves.release <= schema.OUTPUT_FULL
            if rate > 0:
                assert valves.pump > profile.pump_dead_band or rate < 50
            drive(valves, rate, pressure, True)
            assert valves.pump == 0


def test_full_rate_is_full_opening():
    profile, scaling = _press()
    valves = SplitRange()
    valves.configure(profile, scaling)
    drive(valves, valves.rise_kpa_s, 74000, False)
    assert valves.pump >= schema.OUTPUT_FULL - 40
    valves.through_release = 1
    schedule(valves, scaling.release_reference_kpa, COMPLIANCE_RATIO_ONE)
    # Where the flow is specified, the fall rate of the profile is the whole stroke.
    drive(valves, -valves.fall_kpa_s, scaling.release_reference_kpa, False)
    assert valves.release >= schema.OUTPUT_FULL - 200
    at_reference = valves.release
    schedule(valves, scaling.release_reference_kpa * 4, COMPLIANCE_RATIO_ONE)
    drive(valves, -valves.fall_kpa_s // 4, scaling.release_reference_kpa * 4, False)
    low_flow = valves.release
    schedule(valves, scaling.release_reference_kpa, COMPLIANCE_RATIO_ONE)
    drive(valves, -valves.fall_kpa_s // 4, scaling.release_reference_kpa, False)
    # Four times the pressure, half the opening above the dead band.
    dead = profile.release_dead_band
    assert abs((low_flow - dead) * 2 - (valves.release - dead)) < 100
    assert valves.release < at_reference


def test_noise_around_zero_leaves_the_release_shut_and_the_pump_waiting():
    profile, scaling = _press()
    valves = SplitRange()
    valves.configure(profile, scaling)
    schedule(valves, 74000, COMPLIANCE_RATIO_ONE)
    for _ in range(20):
        drive(valves, -scaling.resolution_kpa, 74000, False)
        assert valves.release == 0 and valves.pumping == 0
        assert profile.pump_dead_band - 700 < valves.pump < profile.pump_dead_band
    # Too much pressure for the gap: the pump shuts and the release acts.
    drive(valves, -3 * scaling.resolution_kpa, 74000, False)
    assert valves.release > profile.release_dead_band and valves.pump == 0


def test_a_lower_gain_opens_the_release_at_the_same_error():
    """With the gap of a usual gain, a slow valve's loop let the pressure rise by half a band."""
    tuned = Profile(dict(PROFILE))
    tuned.values[schema.PROFILE_TUNING_RESIDUAL_PPM] = 5000
    scaling = Scaling(tuned, 10000)
    valves = SplitRange()
    valves.configure(tuned, scaling)
    schedule(valves, 74000, COMPLIANCE_RATIO_ONE)
    error_kpa = 2 * scaling.resolution_kpa // 12
    for kp in (3072, 684):
        valves.fit_gap(kp)
        for share, opens in ((8, False), (12, True)):
            drive(valves, -(error_kpa * share // 10) * kp // 256, 74000, False)
            assert (valves.release > 0) == opens, (kp, share)
            drive(valves, 1, 74000, False)
    # It never gets wider than for the usual gain.
    valves.fit_gap(8191)
    drive(valves, -(error_kpa * 12 // 10) * 12, 74000, False)
    assert valves.release > 0
    # Before a tuning it is as wide as for the usual one.
    valves.configure(*_press())
    schedule(valves, 74000, COMPLIANCE_RATIO_ONE)
    valves.fit_gap(684)
    drive(valves, -scaling.resolution_kpa, 74000, False)
    assert valves.release == 0


def test_a_strong_pump_does_not_widen_the_gap_of_a_hold():
    """A thousandth of 10 GPa/s is 10 MPa/s, for which the loop needs an error of 0.8 MPa."""
    values = dict(PROFILE)
    values[schema.PROFILE_PUMP_FLOW_UL_S] = 30000
    tuned = Profile(values)
    scaling = Scaling(tuned, 10000)
    gap = 2 * scaling.resolution_kpa
    # Before a tuning, behind it in a ramp, and in a hold.
    for is_tuned, rising, opens in (
        (False, False, False),
        (True, True, False),
        (True, False, True),
    ):
        if is_tuned:
            tuned.values[schema.PROFILE_TUNING_RESIDUAL_PPM] = 5000
        valves = SplitRange()
        valves.configure(tuned, scaling)
        schedule(valves, 74000, COMPLIANCE_RATIO_ONE)
        assert valves.rise_kpa_s // 1000 > 2 * gap
        drive(valves, -gap * 12 // 10, 74000, False, False, rising)
        assert (valves.release > 0) == opens, (is_tuned, rising)


def test_on_the_way_down_the_release_acts_without_a_gap():
    profile, scaling = _press()
    valves = SplitRange()
    valves.configure(profile, scaling)
    schedule(valves, 74000, COMPLIANCE_RATIO_ONE)
    drive(valves, -valves.rise_kpa_s // 300, 74000, False, True)
    assert valves.release > profile.release_dead_band and valves.pump == 0
    drive(valves, 100, 74000, False, True)
    assert 0 < valves.release < profile.release_dead_band and valves.pump == 0


def test_on_the_way_up_the_pump_shuts_well_before_the_release_acts():
    """The dead band of a data sheet may be 3 % of stroke too high: the pump shuts by more."""
    profile, scaling = _press()
    valves = SplitRange()
    valves.configure(profile, scaling)
    schedule(valves, 74000, COMPLIANCE_RATIO_ONE)
    gap = max(2 * scaling.resolution_kpa, valves.rise_kpa_s // 1000)
    drive(valves, -gap, 74000, False, False, True)
    assert valves.release == 0
    assert valves.pump < profile.pump_dead_band - schema.OUTPUT_FULL // 20
    drive(valves, -gap // 2, 74000, False, False, True)
    assert valves.pump < profile.pump_dead_band - schema.OUTPUT_FULL // 40
    drive(valves, -2 * gap, 74000, False, False, True)
    assert valves.pump == 0 and valves.release > profile.release_dead_band


def test_dither_alternates_and_cancels():
    profile, scaling = _press()
    valves = SplitRange()
    valves.configure(profile, scaling)
    set_openings(valves.registers, 10000, 0)
    pair = []
    for _ in range(2):
        dither(valves.registers)
        pair.append(valves.pump_command - 10000)
        assert valves.release_command == 0
    assert sorted(pair) == [-profile.valve_dither, profile.valve_dither]


def test_dither_moves_no_valve_that_is_shut_or_fully_open():
    valves = SplitRange()
    valves.configure(*_press())
    for pump, release in ((0, 0), (0, schema.OUTPUT_FULL), (schema.OUTPUT_FULL, 0)):
        set_openings(valves.registers, pump, release)
        for _ in range(2):
            dither(valves.registers)
            assert valves.pump_command == valves.pump
            assert valves.release_command == valves.release


def test_the_curve_is_met_at_its_knots_and_straight_between():
    profile, scaling = _press()
    valves = SplitRange()
    valves.configure(profile, scaling)

    def gain(pressure):
        schedule(valves, pressure, COMPLIANCE_RATIO_ONE)
        return valves.curve_gain

    for knot, compliance in enumerate(profile.compliance_curve):
        pressure = scaling.pellet_limit_kpa >> 7 - knot
        rise = scaling.rise_kpa_s(compliance)
        expected = (schema.OUTPUT_FULL << GAIN_BITS) // rise
        assert abs(gain(pressure) - expected) <= 1 + expected // 200
    low = scaling.pellet_limit_kpa >> 7
    middle = gain(low * 3 // 2)
    assert abs(2 * middle - gain(low) - gain(2 * low)) <= 20
    assert gain(-5) == gain(0) == gain(low)
    assert gain(3000000) == gain(scaling.pellet_limit_kpa)


def test_a_soft_sample_takes_as_much_more_of_the_pump():
    profile, scaling = _press()
    valves = SplitRange()
    valves.configure(profile, scaling)
    # On both sides of the ratio from which on it is rounded, and the softest that is followed.
    for ratio in (256, 2560, 8191, 8192, 15000, 32767):
        schedule(valves, scaling.pellet_limit_kpa, ratio)
        expected = min(131071, valves.curve_gain * ratio / 256)
        assert abs(valves.registers[PUMP_GAIN] - expected) <= 1 + expected / 1000, ratio


TUNED = dict(PROFILE)
TUNED[schema.PROFILE_TUNING_RESIDUAL_PPM] = 5000


def test_compliance_ratio_of_the_sample_is_found():
    """A press that rises a third as fast as the curve says is three times softer."""
    # 24 and more: loose powder in a die of 6 mm under a ram of 22 cm2.
    for factor, rate_kpa_s in ((3, 10000), (1, 10000), (8, 5000), (24, 2000), (100, 2000)):
        compliance = SampleCompliance()
        # Without a tuning no sample is taken for so soft.
        compliance.configure(Profile(PROFILE) if factor <= 24 else Profile(TUNED))
        compliance.restart(0, 1500)
        gain = 1650  # 325 MPa/s for the full pump
        opening = rate_kpa_s * factor * gain >> GAIN_BITS
        pressure = 0
        for tick in range(200):
            # Delay and lag of a valve of 30 ms.
            if tick > 4:
                pressure += rate_kpa_s // schema.TICK_HZ
            follow_compliance(compliance, opening, gain, pressure)
        assert (
            abs(compliance.ratio - factor * COMPLIANCE_RATIO_ONE)
            < factor * COMPLIANCE_RATIO_ONE // 20
        )


def _swung(half_period_ticks, step_kpa, swings=20, tuned=True):
    """Return the ratio of a sample that looks 8 times soft, after swings about 250 MPa."""
    compliance = SampleCompliance()
    compliance.configure(Profile(TUNED if tuned else PROFILE))
    compliance.restart(250000, 700)
    compliance.ratio = 8 * COMPLIANCE_RATIO_ONE
    gain = 1650
    pressure = 250000
    for swing in range(swings):
        for _ in range(half_period_ticks):
            pressure += -step_kpa if swing % 2 else step_kpa
            # So much flows in while it rises that the ratio stays.
            flow = 0 if swing % 2 else 8 * step_kpa * schema.TICK_HZ * gain >> GAIN_BITS
            follow_compliance(compliance, flow, gain, pressure)
    return compliance.ratio / COMPLIANCE_RATIO_ONE


def test_a_loop_that_swings_takes_the_sample_for_less_soft():
    # By 4 MPa within 0.1 s, as with a leak of a fifth of the pressure per second.
    assert _swung(10, 400) <= 4
    # Slow swings, and those of a noisy reading, say nothing of the gain.
    assert _swung(40, 400) > 6
    assert _swung(10, 100) > 6
    # A reading may be as noisy as that until a tuning has refused it.
    assert _swung(10, 400, tuned=False) > 6
    # Four turns are needed.
    assert _swung(10, 400, swings=4) > 4


def test_compliance_ratio_is_not_learned_at_standstill():
    compliance = SampleCompliance()
    compliance.restart(74000, 1500)
    for tick in range(500):
        follow_compliance(compliance, 40 if tick % 3 else 0, 1650, 74000 + tick % 5 * 20)
    assert compliance.ratio == COMPLIANCE_RATIO_ONE


def _moved(setpoint, lag_ticks, start, target, rate_kpa_s):
    """Ramp, and return setpoint and lead of every tick."""
    setpoint.configure(lag_ticks)
    setpoint.jump(start)
    setpoint.ramp(target, rate_kpa_s)
    values = []
    leads = []
    while not setpoint.arrived():
        setpoint.step()
        values.append(setpoint.value_kpa)
        leads.append(setpoint.lead_kpa_s)
    return values, leads


def test_lead_is_the_rate_to_come():
    """The feed-forward is what the setpoint does one lag later, to the kPa."""
    for start, target in ((0, 100000), (100000, 20000)):
        values, leads = _moved(SetpointGenerator(), 4, start, target, 10000)
        come = start
        for tick in range(len(values) - 4):
            come += leads[tick]
            # The last step is what remains, at most a quarter of the rate.
            last = 2500 if tick >= len(values) - 6 else 0
            assert abs(values[tick + 4] * schema.TICK_HZ - come - start * 99) <= 100 + last
        assert values[-1] == target and leads[-1] == 0


def test_the_rate_grows_without_a_corner():
    _, leads = _moved(SetpointGenerator(), 0, 0, 100000, 10000)
    grown = [leads[tick + 1] - leads[tick] for tick in range(40)]
    assert leads[12] == leads[40] == 10000
    assert leads[0] < 200
    # A jerk-limited start: its acceleration has no step of more than a third of its greatest.
    assert all(abs(grown[tick + 1] - grown[tick]) < 400 for tick in range(39))


def test_a_descent_waits_for_the_release_to_cross_its_dead_band():
    setpoint = SetpointGenerator()
    values, leads = _moved(setpoint, 4, 100000, 20000, 10000)
    assert values[11] == 100000 and leads[11] == 0
    assert leads[12] < 0
    setpoint.configure(4)
    setpoint.jump(100000)
    setpoint.ramp(20000, 10000)
    setpoint.step()
    assert setpoint.descending and setpoint.value_kpa == 100000
    # A pause stops the descent: afterwards the setpoint waits for the release again.
    for _ in range(100):
        setpoint.step()
    setpoint.halt()
    paused = setpoint.value_kpa
    assert not setpoint.descending and paused < 100000
    for _ in range(12):
        setpoint.step()
        assert setpoint.value_kpa == paused
    assert setpoint.descending


def test_each_valve_keeps_its_own_integral():
    pid = Pid()
    pid.set_gains(1536, 1966, 0)
    pid.restart(100000)
    for _ in range(100):
        pid_step(pid, 100500, 100000, 0, -100000, 100000)
    pumped = pid_step(pid, 100000, 100000, 0, -100000, 100000)
    assert pumped > 1000
    pid.act_through(True)
    assert pid_step(pid, 100000, 100000, 0, -100000, 100000) == 0
    pid.act_through(False)
    assert pid_step(pid, 100000, 100000, 0, -100000, 100000) == pumped


def test_a_release_keeps_what_it_learned_above_a_sixteenth_of_the_limit():
    pid = Pid()
    pid.configure(_press()[1])
    pid.set_gains(1536, 1966, 0)
    pid.act_through(True)
    for _ in range(100):
        pid_step(pid, 199000, 200000, 0, -100000, 100000)
    learned = pid_step(pid, 200000, 200000, 0, -100000, 100000)
    assert learned < 0
    for _ in range(100):
        pid_step(pid, 0, 2000, 0, -100000, 100000)
    assert pid_step(pid, 2000, 2000, 0, -100000, 100000) < 2 * learned
    pid.act_through(False)
    pid.act_through(True)
    assert pid_step(pid, 200000, 200000, 0, -100000, 100000) == learned
    # A contact that never got so high leaves it as it is.
    for _ in range(100):
        pid_step(pid, 0, 2000, 0, -100000, 100000)
    pid.act_through(False)
    pid.act_through(True)
    assert pid_step(pid, 200000, 200000, 0, -100000, 100000) == learned
