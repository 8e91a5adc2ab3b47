"""A zero that has drifted is measured at rest and taken off the readings of the next run."""

from pressloop_fw.wire import schema
from rig import PRESS, PROFILE, Rig, hold, ramp, release

# 103 kPa of oil carry ram and spring: 49.6 counts. The zero is that of the travelling ram.
RETURN = {schema.PROFILE_RETURN_OIL_KPA: 103, schema.PROFILE_APPROACH_UM: 1000}
# A count is 38 kPa on the pellet; the transducer's error is 738 kPa.
COUNT_KPA = 38.46
# The ram has surely gone back after 4.5 s of an open release; then 6.4 s are averaged.
REST_S = 12


def _rig(counts, tuned=True, known=True):
    profile = dict(PROFILE)
    if known:
        profile.update(RETURN)
    if tuned:
        profile[schema.PROFILE_TUNING_RESIDUAL_PPM] = 5000
    rig = Rig(dict(PRESS, approach_gap_mm=1.0), profile)
    rig.drift = counts
    sample = rig.sample
    rig.sample = lambda: sample() + rig.drift
    return rig


def _press(rig):
    """Press to 100 MPa; return what was taken off the readings, kPa, and their error, MPa."""
    rig.start([ramp(100000, 50000), hold(100000, 1000, 1500), release(0, 50000)])
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    error = rig.controller.pellet_kpa() / 1000 - rig.plant.pellet_mpa
    taken = rig.status().get(schema.STATUS_REPLY_ZERO_CORRECTION_KPA, 0)
    assert rig.run(30, rig.idle_again)
    assert rig.controller.interlocks.fault == schema.FAULT_NONE
    return taken, error


def test_a_drift_within_the_stated_error_is_taken_off():
    for counts in (15, -15):
        rig = _rig(counts)
        rig.run(REST_S)
        taken, error = _press(rig)
        assert abs(taken - counts * COUNT_KPA) < 30, taken
        assert abs(error) < 0.1, error


def test_corrections_never_add_up():
    """Each is the difference to the calibrated zero, and ends with its run."""
    rig = _rig(10)
    rig.run(REST_S)
    first, _ = _press(rig)
    rig.run(REST_S)
    at_rest = rig.status()[schema.STATUS_REPLY_PRESSURE_KPA]
    assert abs(at_rest + 103 * 18.46 - 10 * COUNT_KPA) < 60, at_rest
    second, _ = _press(rig)
    assert first and second == first
    rig.drift = 30
    rig.run(REST_S)
    assert _press(rig)[0] == 0


def test_what_may_be_pressure_stays_in_the_reading():
    # More than the stated error, and less: residual pressure can hide no more than that.
    for counts in (21, -21):
        rig = _rig(counts)
        rig.run(REST_S)
        taken, error = _press(rig)
        assert taken == 0
        assert abs(error - counts * COUNT_KPA / 1000) < 0.1, error


def test_without_a_rest_or_a_calibrated_zero_nothing_is_corrected():
    for tuned, known, rest_s in ((False, True, REST_S), (True, False, REST_S), (True, True, 8)):
        rig = _rig(15, tuned, known)
        rig.run(rest_s)
        assert _press(rig)[0] == 0, (tuned, known, rest_s)


def _press_while_it_drifts(counts):
    """Press to 100 MPa, in whose hold of 20 s the zero moves by so many counts; return the rig."""
    rig = _rig(0)
    rig.run(REST_S)
    rig.start([ramp(100000, 50000), hold(100000, 20000), release(0, 50000)])
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    for tick in range(2000):
        rig.drift = counts * tick // 2000
        rig.tick()
    assert rig.sequencer.active()
    assert rig.run(30, lambda: not rig.sequencer.active())
    return rig


def test_a_zero_that_has_moved_too_far_during_a_run_is_told_at_its_end():
    # No start is accepted from 107 counts below zero on.
    for counts, ends, fault in (
        (-150, schema.END_FAULT, schema.FAULT_ZERO_MOVED),
        (-80, schema.END_COMPLETED, schema.FAULT_NONE),
    ):
        rig = _press_while_it_drifts(counts)
        assert rig.controller.interlocks.fault == fault, counts
        assert rig.sequencer.end_reason == ends


def test_a_zero_that_moves_at_rest_is_no_fault():
    rig = _rig(0)
    rig.run(REST_S)
    _press(rig)
    rig.drift = -150
    rig.run(5)
    assert rig.controller.interlocks.fault == schema.FAULT_NONE
