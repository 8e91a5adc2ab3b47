"""Sudden losses of pressure: which ones trip, with which fault, and which must not."""

from pressloop_fw.loop.crack_detector import CrackDetector
from pressloop_fw.loop.scaling import Scaling
from pressloop_fw.service.profile_store import Profile
from pressloop_fw.wire import schema
from pressloop_sim.plant.damage import DIE_BURST, FORCED
from pressloop_sim.plant.hydraulic_faults import HydraulicFaults
from rig import PRESS, PROFILE, RefusedError, Rig, hold, ramp, release
from steps import crack_check

_SCALING = Scaling(Profile(PROFILE), 10000)
_FALL = 3000000


def _watch(crack_kpa=-1):
    watch = CrackDetector()
    watch.configure(Profile(PROFILE), _SCALING, crack_kpa)
    return watch


def _see(watch, pressures, opening=0):
    """Return the first fault in a series of readings, and after how many."""
    for n, pressure in enumerate(pressures):
        fault = crack_check(watch, pressure, opening, _FALL)
        if fault != schema.FAULT_NONE:
            return fault, n + 1
    return schema.FAULT_NONE, len(pressures)


def test_a_step_down_is_detected_in_three_readings():
    watch = _watch()
    steady = [250000] * 50
    assert _see(watch, steady) == (schema.FAULT_NONE, 50)
    # 0.8 % of 250 MPa are 1.95 MPa.
    assert _see(watch, [248100] * 9)[0] == schema.FAULT_NONE
    watch = _watch()
    _see(watch, steady)
    assert _see(watch, [248000] * 9) == (schema.FAULT_SAMPLE_CRACKED, 3)
    watch = _watch()
    _see(watch, steady)
    assert _see(watch, [124000] * 9) == (schema.FAULT_SUDDEN_LOSS, 3)


def test_at_low_pressure_the_transducer_sets_the_size():
    for loss, fault in ((1400, schema.FAULT_NONE), (1500, schema.FAULT_SAMPLE_CRACKED)):
        watch = _watch()
        _see(watch, [30000] * 20)
        assert _see(watch, [30000 - loss] * 9)[0] == fault
    # Loose powder settles.
    watch = _watch()
    _see(watch, [7000] * 20)
    assert _see(watch, [1000] * 9)[0] == schema.FAULT_NONE


def test_spikes_and_slow_losses_are_none():
    watch = _watch()
    for _ in range(20):
        assert _see(watch, [250000] * 8 + [200000] * 2)[0] == schema.FAULT_NONE
        assert _see(watch, [250000] * 8 + [300000])[0] == schema.FAULT_NONE
    # 20 MPa/s, ten times faster than any powder.
    watch = _watch()
    assert _see(watch, range(250000, 50000, -200))[0] == schema.FAULT_NONE


def test_the_plan_sets_its_own_size_or_none():
    for crack_kpa, loss, fault in (
        (10000, 9900, schema.FAULT_NONE),
        (10000, 10100, schema.FAULT_SAMPLE_CRACKED),
        (0, 249000, schema.FAULT_NONE),
    ):
        watch = _watch(crack_kpa)
        _see(watch, [250000] * 20)
        assert _see(watch, [250000 - loss] * 9)[0] == fault


def test_an_open_release_explains_a_loss_until_it_has_shut():
    dead_band = PROFILE[schema.PROFILE_RELEASE_DEAD_BAND]
    watch = _watch()
    _see(watch, [250000] * 20)
    assert _see(watch, [250000], dead_band + 1000)[0] == schema.FAULT_NONE
    assert _see(watch, [245000] * 3)[0] == schema.FAULT_NONE
    # A collapse loses more than such an opening releases.
    assert _see(watch, [20000] * 5)[0] == schema.FAULT_SUDDEN_LOSS
    watch = _watch()
    _see(watch, [250000] * 20, dead_band + 1000)
    _see(watch, [250000] * 100)
    assert _see(watch, [245000] * 9)[0] == schema.FAULT_SAMPLE_CRACKED
    # A release that is fully open explains any loss.
    watch = _watch()
    _see(watch, [250000] * 20)
    assert _see(watch, [0] * 9, schema.OUTPUT_FULL)[0] == schema.FAULT_NONE


def test_an_open_release_explains_more_at_high_pressure():
    # 400 MPa/s at 10 MPa of oil, 5 times that pressure, and a valve that passes 3.3 times as much.
    opening = PROFILE[schema.PROFILE_RELEASE_DEAD_BAND] + 2000
    fall = range(450000, 430000, -1650)
    for root_q8, fault in ((256, schema.FAULT_SAMPLE_CRACKED), (115, schema.FAULT_NONE)):
        watch = _watch()
        _see(watch, [450000] * 20)
        found = [crack_check(watch, kpa, opening, 400000, root_q8) for kpa in fall]
        assert (fault in found) and max(found) == fault


def _pressing(step, has_displacement=False, press=None, **header):
    rig = Rig(press, has_displacement=has_displacement)
    rig.start([ramp(250000, 25000), step, release(0, 50000)], **header)
    assert rig.run(60, lambda: rig.sequencer.results.dwell[1] >= 100)
    return rig


def _fault(rig):
    return rig.controller.interlocks.fault


def test_a_crack_in_a_dwell_ends_the_run_safely():
    for mode, has_displacement, fault in (
        (schema.HOLD_REGULATED, True, schema.FAULT_SAMPLE_CRACKED),
        (schema.HOLD_SEALED, True, schema.FAULT_SAMPLE_CRACKED),
        (schema.HOLD_REGULATED, False, schema.FAULT_SUDDEN_LOSS),
    ):
        rig = _pressing(hold(250000, 60000, mode=mode), has_displacement)
        rig.plant.apply_damage(FORCED)
        assert rig.run(0.05, lambda rig=rig: _fault(rig) != schema.FAULT_NONE)
        assert _fault(rig) == fault
        assert rig.pump == 0 and rig.release == schema.OUTPUT_FULL
        assert rig.sequencer.end_reason == schema.END_FAULT
        assert rig.sequencer.results.dwell_end[1] == schema.DWELL_RUN


def test_a_crack_in_a_ramp():
    rig = Rig(has_displacement=True)
    rig.start([ramp(250000, 25000), hold(250000, 60000)])
    assert rig.run(60, lambda: rig.controller.sampler.pressure_kpa > 150000)
    rig.plant.apply_damage(FORCED)
    assert rig.run(0.05, lambda: _fault(rig) == schema.FAULT_SAMPLE_CRACKED)


def test_what_is_no_crack_is_not_called_one():
    for has_displacement in (True, False):
        # The reading of the transducer jumps, by little and by much.
        for mpa in (20, 150):
            rig = _pressing(hold(250000, 60000), has_displacement)
            rig.raw = rig.sample() - int(mpa / 18.46 * 480)
            assert rig.run(0.1, lambda rig=rig: _fault(rig) != schema.FAULT_NONE)
            assert _fault(rig) == schema.FAULT_SUDDEN_LOSS
        # A relief valve opens far below the pressure.
        rig = _pressing(hold(250000, 60000), has_displacement)
        HydraulicFaults(rig.plant).inject("relief", 60)
        assert rig.run(0.1, lambda rig=rig: _fault(rig) != schema.FAULT_NONE)
        assert _fault(rig) in (schema.FAULT_SUDDEN_LOSS, schema.FAULT_BURST)


def test_a_fall_over_ticks_that_are_missing_is_no_crack():
    rig = _pressing(hold(250000, 60000, mode=schema.HOLD_SEALED))
    counts = rig.sample()
    # 25 MPa/s: 1.5 MPa in the span of six ticks, and 3 MPa if every second one is missing.
    for _ in range(40):
        counts -= 2 * 6.5
        rig.raw = int(counts)
        rig.missed = 1
        rig.tick()
        if _fault(rig):
            break
    assert _fault(rig) == schema.FAULT_TICK_OVERRUN


def test_a_die_that_bursts():
    for has_displacement, fault in (
        (True, schema.FAULT_DIE_FAILURE),
        (False, schema.FAULT_SUDDEN_LOSS),
    ):
        rig = _pressing(hold(250000, 60000), has_displacement)
        rig.plant.apply_damage(DIE_BURST)
        assert rig.run(0.05, lambda rig=rig: _fault(rig) != schema.FAULT_NONE)
        assert _fault(rig) == fault


def test_a_hose_that_bursts():
    for has_displacement, fault in ((True, schema.FAULT_BURST), (False, schema.FAULT_SUDDEN_LOSS)):
        rig = _pressing(hold(250000, 60000), has_displacement)
        HydraulicFaults(rig.plant).inject("burst", 0)
        assert rig.run(0.1, lambda rig=rig: _fault(rig) != schema.FAULT_NONE)
        assert _fault(rig) == fault


def test_a_plan_without_detection_goes_on():
    rig = _pressing(hold(250000, 1000, 8000), crack_kpa=0)
    rig.plant.apply_damage(FORCED)
    assert rig.run(60, rig.idle_again)
    assert rig.sequencer.end_reason == schema.END_COMPLETED


def test_a_wire_that_breaks_is_no_crack():
    rig = _pressing(hold(250000, 60000))
    # While it falls the reading is in range once.
    rig.raw = 8000
    rig.tick()
    rig.raw = 0
    rig.run(1)
    assert _fault(rig) == schema.FAULT_SENSOR_LOW


def test_noise_dither_ripple_and_releases_do_not_trip():
    press = dict(PRESS)
    press["sensor_full_scale_mpa"] = 40.0
    press["sensor_offset_mpa"] = 0.0
    press["sensor_span_factor"] = 1.0
    # Three times the reference transducer's.
    press["sensor_noise_mpa"] = 0.0072
    press["sensor_lag_s"] = 0.002
    press["valve_hysteresis"] = 0.03
    press["pump_ripple"] = 0.1
    rig = Rig(press)
    rig.start(
        [
            ramp(250000, 50000),
            hold(250000, 2000, 5000),
            release(100000, 100000),
            hold(100000, 2000, 5000, mode=schema.HOLD_SEALED),
            ramp(400000, 100000),
            hold(400000, 2000, 8000),
            ramp(50000, 100000),
            hold(50000, 2000, 5000),
        ],
        vent_rate_kpa_s=200000,
    )
    assert rig.run(120, rig.idle_again)
    assert _fault(rig) == schema.FAULT_NONE
    assert rig.sequencer.end_reason == schema.END_COMPLETED


def _with_noise(noise_mpa, **more):
    press = dict(PRESS, sensor_noise_mpa=noise_mpa, **more)
    press["sensor_full_scale_mpa"] = 40.0
    press["sensor_offset_mpa"] = 0.0
    press["sensor_span_factor"] = 1.0
    press["sensor_lag_s"] = 0.002
    return press


def test_noise_as_large_as_the_accuracy_is_no_crack():
    """At low pressure, where twice the accuracy is 1.4 standard deviations of a difference."""
    for seed in (1, 2, 3):
        rig = Rig(_with_noise(0.04, seed=seed))
        rig.start(
            [
                ramp(60000, 20000),
                hold(60000, 20000, 6000, mode=schema.HOLD_SEALED),
                release(20000, 20000),
                hold(20000, 20000, 6000, mode=schema.HOLD_SEALED),
            ]
        )
        assert rig.run(120, rig.idle_again)
        assert rig.sequencer.end_reason == schema.END_COMPLETED, _fault(rig)


def test_one_per_cent_of_the_height_is_detected_in_a_sealed_dwell():
    """With the noise of the reference transducer."""
    for seed in (1, 2, 3):
        press = _with_noise(0.004, seed=seed, powder_crack_loss=0.01)
        rig = _pressing(hold(250000, 60000, mode=schema.HOLD_SEALED), True, press)
        rig.run(2)
        rig.plant.apply_damage(FORCED)
        assert rig.run(0.06, lambda rig=rig: _fault(rig) == schema.FAULT_SAMPLE_CRACKED), seed


def test_noise_that_ends_delays_detection_only_briefly():
    watch = _watch()
    noisy = [30000 + (2000, -1500, 700, -1200)[n % 4] for n in range(400)]
    assert _see(watch, noisy)[0] == schema.FAULT_NONE
    _see(watch, [30000] * 200)
    assert _see(watch, [28500] * 9) == (schema.FAULT_SAMPLE_CRACKED, 3)


def test_platens_that_close_without_pressure_are_a_die_that_gives_way():
    for has_displacement, fault in (
        (True, schema.FAULT_DIE_FAILURE),
        (False, schema.FAULT_NO_PRESSURE_GAIN),
    ):
        rig = _pressing(
            hold(250000, 60000, 3000, 30000), has_displacement=has_displacement, crack_kpa=0
        )
        # The pump does not raise the pressure as it should.
        rig.raw = rig.sample() - 400
        um = rig.controller.displacement_um
        for _ in range(1200):
            um += 2
            if has_displacement:
                rig.displacement_um = um
            rig.tick()
            if _fault(rig):
                break
        assert _fault(rig) == fault, has_displacement


def test_platens_that_close_in_a_dwell_that_keeps_its_pressure():
    rig = _pressing(hold(250000, 60000), has_displacement=True)
    rig.displacement_um = rig.controller.displacement_um
    assert not rig.run(12, lambda: _fault(rig) != schema.FAULT_NONE)
    for _ in range(1100):
        rig.displacement_um += 2
        rig.tick()
    assert _fault(rig) == schema.FAULT_DIE_FAILURE


def test_a_displacement_sensor_without_a_reading_fails_no_die():
    rig = _pressing(hold(250000, 60000), has_displacement=True)
    um = rig.controller.displacement_um
    for reading in (um, schema.NO_DISPLACEMENT, um + 100, schema.NO_DISPLACEMENT):
        rig.displacement_um = reading
        assert not rig.run(6, lambda: _fault(rig) != schema.FAULT_NONE)


def test_a_start_names_the_crack_that_is_latched_and_a_clear_of_it_clears_it():
    rig = _pressing(hold(250000, 60000))
    rig.plant.apply_damage(FORCED)
    rig.run(5)
    fault = rig.status()[schema.STATUS_REPLY_FAULT]
    assert fault in (schema.FAULT_SAMPLE_CRACKED, schema.FAULT_SUDDEN_LOSS)
    try:
        rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"anything"})
    except RefusedError as refused:
        assert refused.detail == fault
    rig.ask(schema.CMD_CLEAR, {schema.CLEAR_REQUEST_FAULT: fault})
    assert _fault(rig) == schema.FAULT_NONE
