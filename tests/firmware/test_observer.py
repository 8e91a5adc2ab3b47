"""The model of the valves behind the filter: late by nothing, quiet in noise, following drift."""

from pressloop_fw.wire import schema
from rig import PRESS, PROFILE, Rig, hold, ramp, release

FULL_SCALE_MPA = 40.0
NOISE = 0.001 * FULL_SCALE_MPA
SENSOR = {
    "sensor_full_scale_mpa": FULL_SCALE_MPA,
    "sensor_offset_mpa": 0.0,
    "sensor_span_factor": 1.0,
    "sensor_noise_mpa": 0.001,
    "sensor_lag_s": 0.002,
}


def _rig(shift=1, tuned=True, **press):
    config = dict(PRESS)
    config.update(SENSOR)
    config.update(press)
    profile = dict(PROFILE)
    profile[schema.PROFILE_FILTER_SHIFT] = shift
    if tuned:
        profile[schema.PROFILE_TUNING_RESIDUAL_PPM] = 10000
    return Rig(config, profile)


def _errors(rig, until):
    """Return by how much the filtered pressure differs from the pellet's until then, MPa."""
    errors = []

    def done():
        errors.append(rig.controller.sampler.pressure_kpa / 1000 - rig.plant.pellet_mpa)
        return until()

    assert rig.run(60, done)
    return errors


def test_a_slow_filter_is_not_late_in_a_ramp():
    """A plain filter over 16 ticks would be 4 MPa late at 25 MPa/s."""
    rig = _rig(shift=4)
    rig.start([ramp(250000, 25000), hold(250000, 2000)])
    assert rig.run(30, lambda: rig.plant.pellet_mpa > 100)
    errors = _errors(rig, lambda: rig.plant.pellet_mpa > 200)
    assert max(abs(error) for error in errors) < 0.8


def test_noise_of_a_thousandth_of_the_range_is_filtered_to_a_fifth():
    rig = _rig(shift=4, sensor_noise_mpa=NOISE)
    rig.start([ramp(250000, 25000), hold(250000, 8000, 3000)])
    assert rig.run(30, lambda: rig.sequencer.step_index == 1)
    rig.run(3)
    start = rig.controller.tick_count
    errors = _errors(rig, lambda: rig.controller.tick_count > start + 400)
    mean = sum(errors) / len(errors)
    deviation = (sum((error - mean) ** 2 for error in errors) / len(errors)) ** 0.5
    # Counts of noise on the pellet: 0.04 MPa of oil times the lever of 18.5.
    assert deviation < 0.3 * NOISE * 18.5, deviation


def test_the_quick_filter_is_back_when_the_loop_does_not_regulate():
    rig = _rig(shift=4)
    rig.start([ramp(100000, 25000), hold(100000, 500)])
    assert rig.run(60, lambda: rig.sequencer.state == schema.STATE_IDLE)
    # Within a few ticks of a jump, as contact and an unloaded press need it.
    sampler = rig.controller.sampler
    before = sampler.pressure_kpa
    raw = sampler.raw + 1000
    for _ in range(7):
        sampler.step(raw)
    assert sampler.pressure_kpa > before + 0.95 * (sampler.newest_kpa - before)


def test_a_dead_band_of_the_release_that_has_drifted_is_followed():
    drift = 0.02
    rig = _rig(release_dead_band=PRESS["release_dead_band"] + drift)
    assert schema.STATUS_REPLY_RELEASE_DEAD_BAND not in rig.status()
    rig.start([ramp(400000, 50000), hold(400000, 500), ramp(100000, 50000), hold(100000, 2000)])
    assert rig.run(60, lambda: rig.sequencer.step_index == 3)
    observer = rig.controller.valve_observer
    found = observer.drift / 256 / schema.OUTPUT_FULL
    assert abs(found - drift) < 0.007, found
    # The status says where it is now.
    now = rig.status()[schema.STATUS_REPLY_RELEASE_DEAD_BAND] / schema.OUTPUT_FULL
    assert abs(now - 0.2 - found) < 0.001, now
    # The next profile starts without it.
    assert rig.run(60, rig.idle_again)


def test_the_end_of_a_release_does_not_open_the_next_descent_too_far():
    """On the last MPa the sample is left and the loop cannot follow: no dead band shows there."""
    rig = _rig()
    high = ramp(200000, 100000), hold(200000, 1000)
    low = ramp(100000, 20000), hold(100000, 500)
    rig.start([high[0], high[1], release(0, 100000), high[0], high[1], low[0], low[1]])
    assert rig.run(60, lambda: rig.sequencer.step_index == 5)
    most = 0

    def lead():
        return rig.sequencer.setpoint.value_kpa - rig.plant.pellet_mpa * 1000

    for _ in range(40):
        rig.tick()
        most = max(most, lead())
    assert most < 1000, most


def test_a_release_waits_near_its_dead_band_at_the_end_of_a_hold():
    for tuned in (True, False):
        rig = _rig(tuned=tuned)
        rig.start([ramp(100000, 25000), hold(100000, 2000), ramp(50000, 25000), hold(50000, 500)])
        assert rig.run(60, lambda rig=rig: rig.sequencer.hold.dwelling)
        waited = []

        def note(rig=rig, waited=waited):
            if rig.sequencer.step_index == 1:
                valves = rig.controller.valves
                waited.append(valves.release)
                # Both valves are never beyond their dead bands at once.
                if valves.release > valves.registers[13]:
                    assert valves.pump <= valves.registers[12]
            return rig.sequencer.step_index == 2

        assert rig.run(10, note)
        dead_band = rig.controller.valves.registers[13]
        assert waited[0] == 0
        if tuned:
            assert 0 < waited[-1] < dead_band
        else:
            assert waited[-1] == 0


def test_a_hold_begins_when_the_pressure_is_in_its_band():
    rig = _rig()
    rig.start([ramp(250000, 25000), hold(250000, 1000, 1250)])
    assert rig.run(30, lambda: rig.sequencer.step_index == 1)
    assert abs(rig.plant.pellet_mpa - 250) < 1.25
    assert not rig.sequencer.setpoint.arrived()
    assert rig.run(5, lambda: rig.sequencer.state == schema.STATE_VENTING)
    assert rig.sequencer.results.dwell[1] == 100


def test_a_slow_valve_does_not_make_the_sample_look_soft():
    """By a lag of 40 ms for a valve of 100, the compliance swung between half and five times."""
    for lag_s in (0.03, 0.1):
        profile = dict(PROFILE)
        profile[schema.PROFILE_VALVE_LAG_MS] = int(1000 * lag_s) + 10
        rig = Rig(dict(PRESS, valve_lag_s=lag_s), profile)
        rig.start([ramp(250000, 25000, kp=1024), hold(250000, 500, 2500)])
        assert rig.run(30, lambda rig=rig: rig.plant.pellet_mpa > 120)
        ratios = []

        def note(rig=rig, ratios=ratios):
            ratios.append(rig.controller.sample_compliance.ratio)
            return rig.plant.pellet_mpa > 220

        assert rig.run(30, note)
        assert max(ratios) < 1.6 * min(ratios), (lag_s, min(ratios), max(ratios))
