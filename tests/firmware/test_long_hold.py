"""A hold of seven days: every counter is large enough until the last tick."""

from pressloop_fw.service import progress
from pressloop_fw.wire import schema
from rig import Rig, hold, ramp

WEEK_MS = 7 * 24 * 3600 * 1000
WEEK_TICKS = WEEK_MS // 10


def nearly_over(left):
    """Return a rig in the last ticks of a hold of a week, as if the week had passed."""
    rig = Rig()
    rig.start([ramp(20000), hold(20000, duration_ms=WEEK_MS)])
    assert rig.run(30, lambda: progress.dwell_ticks(rig.sequencer) >= 50)
    passed = WEEK_TICKS - left - progress.dwell_ticks(rig.sequencer)
    rig.sequencer.results.dwell[1] += passed
    rig.sequencer.results.ticks[1] += passed
    rig.controller.tick_count += passed
    rig.app.ring.next += passed
    return rig


def test_status_reports_days_in_ms():
    rig = nearly_over(300)
    status = rig.status()
    assert status[schema.STATUS_REPLY_DWELL_MS] == WEEK_MS - 3000
    assert status[schema.STATUS_REPLY_REMAINING_MS] == 3000
    assert status[schema.STATUS_REPLY_TICK] > WEEK_TICKS - 300


def test_the_hold_ends_on_its_tick():
    rig = nearly_over(300)
    assert not rig.run(2.99, lambda: rig.sequencer.state != schema.STATE_RUNNING)
    assert rig.run(30, rig.idle_again)
    status = rig.status()
    assert status[schema.STATUS_REPLY_END_REASON] == schema.END_COMPLETED
    result = rig.result(1)
    assert result[schema.STEP_RESULT_REPLY_OUTCOME] == schema.OUTCOME_DONE
    assert result[schema.STEP_RESULT_REPLY_DWELL_TICKS] == WEEK_TICKS
    assert rig.controller.interlocks.fault == schema.FAULT_NONE


def test_nothing_in_a_week_needs_more_than_a_small_integer_of_the_chip():
    """Beyond 2**30 a number is an object on a 32-bit chip, and making one in the tick a fault."""
    assert WEEK_MS < 1 << 30
    rig = nearly_over(10)
    controller = rig.controller
    largest = max(
        controller.tick_count,
        rig.app.ring.next,
        rig.sequencer.results.ticks[1],
        rig.sequencer.results.dwell[1],
        rig.sequencer.plan.duration_ticks[1],
    )
    assert largest < 1 << 30
