"""An approach that one channel alone watches goes on only while a person holds the button."""

from pressloop_fw.wire import schema
from rig import PROFILE, Rig, hold, ramp, release
from two_channels import TwoChannelRig

STEPS = (ramp(60000, 20000), hold(60000, 1000), release(0))
BUTTON = schema.INPUT_BUTTON


def _real(rig_type=Rig, profile=None):
    """Return a board with a press; only a simulated one takes its profile without the button."""
    rig = rig_type(profile=profile)
    rig.simulated = False
    return rig


def _started(rig):
    rig.start(STEPS)
    rig.run(0.1)
    assert rig.sequencer.approaching
    return rig


def _pumps(rig):
    """Return whether the ram moves within a quarter of a second."""
    before = rig.sequencer.approach.travel
    rig.run(0.25)
    return rig.sequencer.approach.travel > before


def _waits(rig):
    return rig.status().get(schema.STATUS_REPLY_WAITS_FOR_BUTTON, False)


def test_the_ram_moves_only_while_the_button_is_held():
    rig = _started(_real())
    assert not _pumps(rig) and _waits(rig)
    rig.inputs = BUTTON
    assert _pumps(rig) and not _waits(rig)
    rig.inputs = 0
    rig.run(0.02)
    assert not _pumps(rig) and _waits(rig)
    assert rig.controller.valves.output() == 0
    # A press that moves the ram is no wish to end the run.
    rig.inputs = BUTTON
    assert rig.run(60, lambda: not rig.sequencer.approaching)
    assert rig.sequencer.state == schema.STATE_RUNNING
    # From contact on the loop has the pressure, and the hand may go.
    rig.inputs = 0
    assert rig.run(60, rig.idle_again)
    assert rig.sequencer.end_reason == schema.END_COMPLETED


def test_a_wait_takes_nothing_of_the_time_and_the_travel_that_an_approach_may_take():
    rig = _started(_real())
    rig.run(2 * PROFILE[schema.PROFILE_APPROACH_TIMEOUT_MS] / 1000)
    assert rig.controller.interlocks.fault == schema.FAULT_NONE and _waits(rig)
    rig.inputs = BUTTON
    assert rig.run(60, lambda: not rig.sequencer.approaching)
    assert rig.controller.interlocks.fault == schema.FAULT_NONE


def test_a_button_that_was_down_before_the_approach_is_no_hand():
    rig = _real()
    rig.inputs = BUTTON
    rig.run(0.5)
    _started(rig)
    assert not _pumps(rig) and _waits(rig)
    rig.inputs = 0
    rig.run(0.05)
    rig.inputs = BUTTON
    assert _pumps(rig)


def test_the_button_ends_a_run_again_once_the_ram_has_landed_and_in_a_pause():
    for pauses in (False, True):
        rig = _started(_real())
        rig.inputs = BUTTON
        if pauses:
            rig.run(0.5)
            rig.ask(schema.CMD_PAUSE)
        else:
            assert rig.run(60, lambda rig=rig: not rig.sequencer.approaching)
        rig.inputs = 0
        rig.run(0.1)
        assert not _waits(rig)
        rig.inputs = BUTTON
        rig.run(0.1)
        rig.inputs = 0
        assert rig.run(60, rig.idle_again)
        assert rig.sequencer.end_reason == schema.END_ABORTED


def test_a_hand_that_goes_at_contact_leaves_the_ram_on_its_sample():
    rig = _started(_real())
    rig.inputs = BUTTON
    contact_kpa = rig.app.plan.scaling.contact_kpa
    assert rig.run(60, lambda: rig.controller.sampler.pressure_kpa >= contact_kpa)
    assert rig.sequencer.approaching
    rig.inputs = 0
    assert rig.run(1, lambda: not rig.sequencer.approaching)


def test_an_abort_ends_a_run_that_waits():
    rig = _started(_real())
    rig.ask(schema.CMD_ABORT)
    assert rig.run(10, rig.idle_again)
    assert rig.sequencer.end_reason == schema.END_ABORTED


def test_a_press_that_a_second_channel_watches_or_that_is_simulated_does_not_wait():
    for rig in (Rig(), _real(TwoChannelRig)):
        _started(rig)
        assert _pumps(rig) and not _waits(rig)


def test_the_profile_decides_where_it_says_so():
    for new, holds in ((Rig, True), (_real, False)):
        profile = dict(PROFILE)
        profile[schema.PROFILE_HOLD_TO_RUN] = holds
        rig = _started(new(profile=profile))
        assert _pumps(rig) != holds and _waits(rig) == holds
