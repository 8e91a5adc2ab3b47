"""A converter that hangs gives the same count for ever; noise never does."""

from pressloop_fw.wire import schema
from rig import PRESS, Rig, hold, ramp


def _rig(noise_counts):
    """Return a rig with noise on its transducer; a count is 1/480 MPa of oil."""
    press = dict(PRESS, sensor_noise_mpa=noise_counts / 480)
    press["sensor_full_scale_mpa"] = 40.0
    press["sensor_offset_mpa"] = 0.0
    press["sensor_span_factor"] = 1.0
    press["sensor_lag_s"] = 0.002
    return Rig(press)


def _pressing(noise_counts, seconds=60):
    """Return a rig in the dwell of a hold."""
    rig = _rig(noise_counts)
    rig.start([ramp(250000, 50000), hold(250000, 1000 * seconds)])
    assert rig.run(60, lambda: rig.sequencer.hold.dwelling)
    rig.run(5)
    return rig


def test_a_frozen_count_is_a_fault_within_a_second():
    for noise_counts in (1.0, 5.0):
        rig = _pressing(noise_counts)
        rig.raw = rig._reading
        rig.run(1)
        fault = rig.controller.interlocks.fault
        # With much noise the count that it stands at may be far from the setpoint.
        assert fault in (schema.FAULT_SENSOR_FROZEN, schema.FAULT_NO_PRESSURE_GAIN), noise_counts
        if noise_counts == 1.0:
            assert fault == schema.FAULT_SENSOR_FROZEN
        assert rig.plant.pellet_mpa < 275


def test_a_count_that_freezes_in_the_approach():
    rig = _rig(1.0)
    rig.start([ramp(250000, 50000), hold(250000)])
    rig.run(2.2)
    assert rig.sequencer.approaching
    rig.raw = rig._reading
    assert rig.run(1, lambda: rig.controller.interlocks.fault != schema.FAULT_NONE)
    assert rig.controller.interlocks.fault == schema.FAULT_SENSOR_FROZEN


def test_noise_of_any_size_is_no_frozen_count():
    for noise_counts in (0.2, 0.5, 0.8, 1.0, 2.0):
        rig = _pressing(noise_counts, 300)
        rig.run(100)
        assert rig.controller.interlocks.fault == schema.FAULT_NONE, noise_counts


def test_a_sensor_that_gets_quiet_is_not_frozen():
    rig = _pressing(1.0, 300)
    # Ever longer runs of the same count, as the noise fades.
    for length in (5, 15, 50, 150, 400, 1500):
        for raw in (0, 1):
            rig.raw = (rig.raw or rig._reading) + 1 - 2 * raw
            rig.run(length / 100)
    assert rig.controller.interlocks.fault != schema.FAULT_SENSOR_FROZEN


def test_without_noise_nothing_is_frozen():
    rig = _pressing(0.0)
    rig.raw = rig._reading
    rig.run(3)
    assert rig.controller.interlocks.fault == schema.FAULT_NONE
