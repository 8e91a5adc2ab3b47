"""The emulated parts: transducers with other signals, and a release of two valves."""

from pressloop_sim.plant.dump_valve import ReleasePair, release_of
from pressloop_sim.plant.noise import Rng
from pressloop_sim.plant.plant import SUBSTEP_S
from pressloop_sim.plant.second_transducer import SecondTransducer
from pressloop_sim.plant.transducer import BROKEN, SHORT, Transducer
from rig import PRESS

RATIOMETRIC = {
    "sensor_full_scale_mpa": 40.0,
    "sensor_offset_mpa": 0.0,
    "sensor_span_factor": 1.0,
    "sensor_noise_mpa": 0.0,
    "sensor_lag_s": 0.0,
    "sensor_raw_zero": 2000.0,
    "sensor_raw_full": 18000.0,
    "sensor_raw_broken": 0.0,
    "sensor_raw_short": 20000.0,
}


def test_a_transducer_has_the_counts_of_its_signal():
    sensor = Transducer.of(RATIOMETRIC, Rng(1), 0.01)
    assert [sensor.sample(mpa) for mpa in (0.0, 20.0, 40.0)] == [2000, 10000, 18000]
    assert [sensor.sample(mpa) for mpa in (-20.0, 80.0)] == [1800, 18500]
    sensor.fault = BROKEN
    assert sensor.sample(20.0) == 0
    sensor.fault = SHORT
    assert sensor.sample(20.0) == 20000


def test_a_second_ads1115_has_no_steps_of_12_bits():
    press = {"second_" + key: value for key, value in RATIOMETRIC.items()}
    coarse = SecondTransducer(press, 1, 0.01)
    fine = SecondTransducer(dict(press, second_sensor_bits=16), 1, 0.01)
    readings = [(coarse.sample(mpa / 400), fine.sample(mpa / 400)) for mpa in range(40)]
    assert len({each[1] for each in readings}) > 3 * len({each[0] for each in readings})


def test_an_on_off_valve_empties_a_press_that_the_small_one_only_controls():
    config = dict(PRESS, release_flow_10mpa_mm3_s=500.0, on_off_release_flow_10mpa_mm3_s=50000.0)
    release = release_of(config, SUBSTEP_S, 0.0)
    assert isinstance(release, ReleasePair)
    open_without_power = release.flow(release.advance(), 10.0)
    release.open_on_off(0.0)
    release.command = 1.0
    for _ in range(100):
        opening = release.advance()
    small = release.flow(opening, 10.0)
    assert open_without_power > 90 * small
    assert abs(small - 500.0) < 50


def test_a_press_without_an_on_off_valve_has_the_release_of_before():
    assert not isinstance(release_of(PRESS, SUBSTEP_S, 0.0), ReleasePair)
