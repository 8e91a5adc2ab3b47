"""What was pumped must show as pressure: readings that freeze or drift, by the true pressure."""

from pressloop_fw.wire import schema
from rig import PRESS, PROFILE, Rig, hold, ramp, release

# With the residual of a tuning, as every press has that was tuned.
TUNED = dict(PROFILE)
TUNED[schema.PROFILE_TUNING_RESIDUAL_PPM] = 5000


def _rig(steps, press=None):
    rig = Rig(press=press, profile=TUNED)
    rig.start(steps)
    return rig


def _holding(target_kpa=250000, before=()):
    """Return a rig two seconds into the dwell of a hold."""
    steps = list(before)
    steps += [ramp(target_kpa), hold(target_kpa, 300000)]
    rig = _rig(steps)
    step = len(before) + 1
    assert rig.run(120, lambda: rig.sequencer.step_index == step and rig.sequencer.hold.dwelling)
    rig.run(2)
    assert rig.controller.interlocks.fault == schema.FAULT_NONE
    return rig


def _raw(rig, kpa):
    scaling = rig.plan_scaling()
    return scaling.zero + int(kpa * 16 / (scaling.per_count + scaling.fraction / 4096))


def _run_up_to(rig, at_kpa):
    """Let time pass until the reading is at `at_kpa`, and freeze it there."""
    sampler = rig.controller.sampler
    assert rig.run(60, lambda: sampler.pressure_kpa > at_kpa)
    rig.raw = rig.sample()


def _peak_until_fault(rig, seconds, each_tick=None):
    """Let time pass until a fault, at most `seconds`; return the true peak with what follows."""
    peak = 0.0
    for _ in range(int(seconds * schema.TICK_HZ)):
        if rig.controller.interlocks.fault:
            break
        if each_tick:
            each_tick()
        rig.tick()
        peak = max(peak, rig.plant.pellet_mpa)
    assert rig.controller.interlocks.fault == schema.FAULT_NO_PRESSURE_GAIN
    for _ in range(30):
        rig.tick()
        peak = max(peak, rig.plant.pellet_mpa)
    return peak


def test_a_reading_that_freezes_just_below_the_setpoint_of_a_hold():
    for low_kpa, seconds in ((200, 8), (400, 5), (1000, 3)):
        rig = _holding()
        rig.raw = _raw(rig, 250000 - low_kpa)
        assert _peak_until_fault(rig, seconds) < 275, low_kpa


def test_a_reading_that_freezes_in_a_low_hold_after_a_high_one():
    before = [ramp(250000), hold(250000, 1000), release(0)]
    rig = _holding(74000, before)
    rig.raw = _raw(rig, 73600)
    assert _peak_until_fault(rig, 3) < 99


def test_a_reading_that_drifts_in_a_hold():
    for mpa_s, seconds in ((-1, 30), (-3, 10), (-10, 3)):
        rig = _holding()
        # In the first seconds of a hold its loss is still learned.
        rig.run(4)
        ticks = [0]

        def drift(rig=rig, mpa_s=mpa_s, ticks=ticks):
            ticks[0] += 1
            rig.raw = None
            rig.raw = rig.sample() - _raw(rig, 0) + _raw(rig, mpa_s * 10 * ticks[0])

        assert _peak_until_fault(rig, seconds, drift) < 285, mpa_s


def test_a_reading_that_freezes_in_the_second_ramp_of_a_sample():
    for at_kpa in (60000, 100000, 200000):
        rig = _rig([ramp(250000), hold(250000, 1000), release(50000), ramp(250000), hold(250000)])
        assert rig.run(90, lambda rig=rig: rig.sequencer.step_index == 3)
        _run_up_to(rig, at_kpa)
        # The largest of what the table of limits allows, a tenth and 25 MPa, and the way that the
        # setpoint makes meanwhile.
        assert _peak_until_fault(rig, 0.7) < at_kpa / 1000 + 25 + 7, at_kpa


def test_a_reading_that_freezes_in_the_first_ramp_of_a_sample():
    for at_kpa, rate in ((20000, 10000), (100000, 10000), (230000, 10000), (230000, 50000)):
        rig = _rig([ramp(250000, rate), hold(250000)])
        _run_up_to(rig, at_kpa)
        assert _peak_until_fault(rig, 0.7) < at_kpa / 1000 + 55, (at_kpa, rate)


def test_a_dry_pump():
    rig = _rig([ramp(250000), hold(250000)])
    assert rig.run(60, lambda: rig.controller.sampler.pressure_kpa > 100000)
    rig.plant.pump._full_flow = 0.0
    for _ in range(300):
        rig.tick()
    assert rig.controller.interlocks.fault == schema.FAULT_NO_PRESSURE_GAIN


def test_a_dead_band_that_has_drifted_is_no_fault():
    for error in (-0.03, 0.03):
        press = dict(PRESS)
        press["pump_dead_band"] += error
        steps = [ramp(250000), hold(250000, 5000), release(74000), hold(74000, 5000)]
        steps += [ramp(500000), hold(500000, 5000, 5000)]
        rig = _rig(steps, press)
        assert rig.run(180, rig.idle_again), error
        assert rig.sequencer.end_reason == schema.END_COMPLETED


def test_a_quick_relaxation_is_no_fault():
    press = dict(PRESS)
    press["powder_relaxation_share"] = 0.45
    press["powder_relaxation_half_s"] = 4.0
    rig = _rig([ramp(250000, 50000), hold(250000, 20000), release(0)], press)
    assert rig.run(180, rig.idle_again)
    assert rig.sequencer.end_reason == schema.END_COMPLETED
