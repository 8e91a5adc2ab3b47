"""A rest keeps the press unloaded for a time, with the release open, between two pressings."""

from pressloop_fw.loop.plan import NO_STEP
from pressloop_fw.loop.sequencer import ACT_DUMP
from pressloop_fw.service import progress
from pressloop_fw.wire import schema
from rig import PROFILE, RefusedError, Rig, hold, prompt, ramp, release, rest
from two_channels import TwoChannelRig

REST = 3
# Press, release, rest for so many ms, press again.
REST_MS = 5000


def _steps(rest_ms=REST_MS):
    return [
        ramp(60000, 50000),
        hold(60000, 500),
        release(0, 50000),
        rest(rest_ms),
        ramp(80000, 50000),
        hold(80000, 500),
        release(0, 50000),
    ]


def _resting(rig=None, rest_ms=REST_MS, **header):
    """Return a rig in the first tick of the rest."""
    rig = rig or Rig()
    rig.start(_steps(rest_ms), **header)
    assert rig.run(60, lambda: rig.sequencer.step_index == REST)
    return rig


def _refused(steps):
    try:
        Rig().upload(steps)
    except RefusedError as refused:
        return refused
    raise AssertionError("accepted")


def _dwelt(rig):
    return rig.result(REST)[schema.STEP_RESULT_REPLY_DWELL_TICKS]


# --- the plan


def test_a_rest_is_accepted_only_at_zero_pressure():
    Rig().upload(_steps() + [rest(10), prompt(), rest()])
    for level_kpa, *before in (
        (60000, ramp(60000)),
        (20000, ramp(60000), release(20000)),
        (60000, ramp(60000), prompt()),
    ):
        refused = _refused(before + [rest()])
        assert refused.code == schema.ERR_REST_ABOVE_ZERO
        assert refused.step == len(before)
        assert refused.field == schema.PLAN_STEP_REQUEST_KIND
        assert refused.detail == level_kpa


def test_a_rest_has_a_duration_and_nothing_else():
    endless = rest()
    del endless[schema.PLAN_STEP_REQUEST_DURATION_MS]
    refused = _refused([endless])
    assert refused.code == schema.ERR_MISSING_FIELD
    assert refused.field == schema.PLAN_STEP_REQUEST_DURATION_MS
    for key, value in (
        (schema.PLAN_STEP_REQUEST_TARGET_KPA, 0),
        (schema.PLAN_STEP_REQUEST_TIMEOUT_MS, 1000),
        (schema.PLAN_STEP_REQUEST_OPEN, True),
        (schema.PLAN_STEP_REQUEST_TEXT, "wait"),
    ):
        step = rest()
        step[key] = value
        refused = _refused([step])
        assert refused.code == schema.ERR_UNKNOWN_FIELD
        assert refused.field == key


def test_a_rest_is_part_of_the_time_that_a_run_may_take():
    rig = Rig()
    rig.upload(_steps(10))
    short = rig.app.plan.start_by_tick()
    rig.upload(_steps(86400000))
    assert short - rig.app.plan.start_by_tick() == 8640000 - 1


# --- what it does


def test_a_rest_lasts_as_long_as_planned_with_the_release_open_and_the_pump_shut():
    rig = _resting()
    status = rig.status()
    assert status[schema.STATUS_REPLY_STATE] == schema.STATE_RUNNING
    assert status[schema.STATUS_REPLY_REMAINING_MS] == REST_MS
    ticks = 0
    while rig.sequencer.step_index == REST:
        assert rig.pump == 0 and rig.release == schema.OUTPUT_FULL
        assert rig.sequencer.action == ACT_DUMP
        rig.tick()
        ticks += 1
    assert ticks == REST_MS // 10
    assert rig.run(60, rig.idle_again)
    assert rig.sequencer.end_reason == schema.END_COMPLETED
    result = rig.result(REST)
    assert result[schema.STEP_RESULT_REPLY_TICKS] == REST_MS // 10
    assert result[schema.STEP_RESULT_REPLY_DWELL_TICKS] == REST_MS // 10
    assert result[schema.STEP_RESULT_REPLY_OUTCOME] == schema.OUTCOME_DONE
    assert result[schema.STEP_RESULT_REPLY_DWELL_END] == schema.DWELL_DURATION
    assert abs(rig.result(5)[schema.STEP_RESULT_REPLY_PEAK_KPA] - 80000) < 2500


def test_the_status_counts_a_rest_down():
    rig = _resting()
    rig.run(2)
    status = rig.status()
    assert status[schema.STATUS_REPLY_DWELL_MS] == 2000
    assert status[schema.STATUS_REPLY_REMAINING_MS] == REST_MS - 2000
    assert status[schema.STATUS_REPLY_SETPOINT_KPA] == 0
    assert status[schema.STATUS_REPLY_TARGET_KPA] == 0


def test_the_records_flag_the_ticks_that_the_clock_of_a_rest_counts():
    rig = Rig()
    rig.start(_steps())
    assert rig.run(60, rig.idle_again)
    steps = [record[5] for record in rig.records(rig.controller.run_first)]
    flags = [record[7] for record in rig.records(rig.controller.run_first)]
    # A record has the step that the tick has left behind it.
    first = steps.index(REST) + 1
    last = steps.index(REST + 1)
    assert last - first + 1 == REST_MS // 10
    for at in range(first - 1, last + 2):
        assert bool(flags[at] & schema.FLAG_DWELLING) == (first <= at <= last), at
        assert not flags[at] & schema.FLAG_IN_BAND


def test_the_clock_stands_while_the_press_is_not_unloaded():
    rig = _resting()
    rig.run(1)
    assert progress.dwell_ticks(rig.sequencer) == 100
    # A reading that says so; the switch at a vessel's lid does it for longer.
    unloaded_raw = rig.sample()
    rig.raw = unloaded_raw + 100
    rig.run(1)
    # The filter takes a tick or two.
    counted = progress.dwell_ticks(rig.sequencer)
    assert counted <= 102
    assert rig.controller.interlocks.fault == schema.FAULT_NONE
    rig.raw = None
    rig.run(0.15)
    assert progress.dwell_ticks(rig.sequencer) == counted
    rig.run(0.15)
    assert progress.dwell_ticks(rig.sequencer) > counted
    assert rig.run(10, lambda: rig.sequencer.step_index == REST + 1)
    assert _dwelt(rig) == REST_MS // 10
    assert rig.result(REST)[schema.STEP_RESULT_REPLY_TICKS] >= REST_MS // 10 + 115


def test_a_rest_as_the_last_step_ends_the_run_as_planned():
    rig = Rig()
    rig.start([ramp(60000, 50000), release(0, 50000), rest(2000)])
    assert rig.run(60, rig.idle_again)
    assert rig.sequencer.end_reason == schema.END_COMPLETED
    assert rig.result(2)[schema.STEP_RESULT_REPLY_DWELL_TICKS] == 200


def test_a_rest_behind_a_prompt_or_first_in_a_plan_waits_for_an_unloaded_press():
    rig = Rig()
    # The readings at the end of a run are not those of the next one.
    for _ in range(2):
        rig.start([rest(1000), prompt(), rest(1000)])
        assert rig.run(5, lambda: rig.sequencer.state == schema.STATE_PROMPTING)
        # Twenty readings must say so first.
        assert rig.result(0)[schema.STEP_RESULT_REPLY_TICKS] == 100 + 19
        rig.ask(schema.CMD_CONFIRM, {schema.CONFIRM_REQUEST_STEP: 1})
        assert rig.run(5, rig.idle_again)
        assert rig.result(2)[schema.STEP_RESULT_REPLY_TICKS] == 100 + 19
        assert rig.sequencer.end_reason == schema.END_COMPLETED


def _approach_after(step):
    """Press, release, do `step` and press again; return the rig while it approaches."""
    rig = Rig()
    rig.start([ramp(60000, 50000), release(0, 50000)] + step + [ramp(80000, 50000)])
    assert rig.run(60, lambda: rig.sequencer.step_index == 2)
    if step:
        assert rig.run(60, lambda: rig.sequencer.step_index == 3)
    rig.tick()
    return rig


def test_the_ramp_behind_a_rest_approaches_as_it_does_without_one():
    for step in ([], [rest(20000)]):
        rig = _approach_after(step)
        assert rig.sequencer.approaching
        assert rig.release == 0 and rig.pump > 0
        assert rig.run(60, rig.idle_again)
        assert rig.sequencer.end_reason == schema.END_COMPLETED


def test_where_a_person_holds_to_run_the_approach_behind_a_rest_asks_for_the_button():
    rig = Rig()
    rig.simulated = False
    rig.upload([rest(500), ramp(60000, 50000)])
    rig.sequencer.approach.hold_to_run = True
    rig.start()
    assert rig.run(5, lambda: rig.sequencer.step_index == 1)
    rig.run(1)
    assert rig.status()[schema.STATUS_REPLY_WAITS_FOR_BUTTON]
    assert rig.pump == 0


# --- what ends or interrupts it


def test_the_operator_ends_a_rest_early():
    rig = _resting()
    rig.run(1)
    assert rig.code_of(schema.CMD_ADVANCE, {schema.ADVANCE_REQUEST_STEP: REST - 1}) == (
        schema.ERR_BAD_STATE
    )
    rig.ask(schema.CMD_ADVANCE, {schema.ADVANCE_REQUEST_STEP: REST})
    rig.tick()
    assert rig.sequencer.step_index == REST + 1
    result = rig.result(REST)
    assert result[schema.STEP_RESULT_REPLY_OUTCOME] == schema.OUTCOME_ADVANCED
    assert result[schema.STEP_RESULT_REPLY_DWELL_END] == schema.DWELL_OPERATOR
    assert 100 <= _dwelt(rig) <= 101
    assert rig.run(60, rig.idle_again)
    assert rig.sequencer.end_reason == schema.END_COMPLETED


def test_a_pause_stops_the_clock_and_leaves_the_release_open():
    rig = _resting()
    rig.run(1)
    rig.ask(schema.CMD_PAUSE)
    for _ in range(500):
        rig.tick()
        assert rig.pump == 0 and rig.release == schema.OUTPUT_FULL
    assert rig.sequencer.state == schema.STATE_PAUSED
    assert _dwelt(rig) == 100
    rig.ask(schema.CMD_RESUME)
    assert rig.run(60, lambda: rig.sequencer.step_index == REST + 1)
    assert _dwelt(rig) == REST_MS // 10
    assert rig.result(REST)[schema.STEP_RESULT_REPLY_TICKS] == REST_MS // 10


def test_an_abort_ends_the_run_in_a_rest_with_the_rest_cut():
    rig = _resting()
    rig.run(1)
    rig.ask(schema.CMD_ABORT)
    assert rig.run(1, rig.idle_again)
    assert rig.sequencer.end_reason == schema.END_ABORTED
    result = rig.result(REST)
    assert result[schema.STEP_RESULT_REPLY_OUTCOME] == schema.OUTCOME_CUT
    assert result[schema.STEP_RESULT_REPLY_DWELL_END] == schema.DWELL_RUN
    assert rig.sequencer.step_index == NO_STEP


def test_the_button_ends_the_run_in_a_rest():
    rig = _resting()
    rig.inputs = schema.INPUT_BUTTON
    assert rig.run(1, rig.idle_again)
    assert rig.sequencer.end_reason == schema.END_ABORTED


def test_a_guard_or_an_emergency_stop_trips_in_a_rest_paused_or_not():
    for pause in (False, True):
        for bit, fault in (
            (schema.INPUT_GUARD_OPEN, schema.FAULT_GUARD_OPEN),
            (schema.INPUT_EMERGENCY_STOP, schema.FAULT_EMERGENCY_STOP),
        ):
            rig = _resting()
            rig.run(1)
            if pause:
                rig.ask(schema.CMD_PAUSE)
                rig.run(1)
            rig.inputs = bit
            rig.tick()
            assert rig.controller.interlocks.fault == fault
            assert rig.sequencer.state == schema.STATE_FAULT
            assert rig.sequencer.end_reason == schema.END_FAULT


def test_a_lost_host_pauses_or_ends_a_rest_or_lets_it_go_on():
    for policy, state, step in (
        (schema.HOST_LOSS_HOLD, schema.STATE_PAUSED, REST),
        (schema.HOST_LOSS_FINISH, schema.STATE_RUNNING, REST),
        (schema.HOST_LOSS_VENT, schema.STATE_IDLE, NO_STEP),
    ):
        rig = _resting(host_loss=policy, host_timeout_ms=1000, host_loss_limit_ms=3000)
        rig.hear_host = False
        rig.run(2)
        assert rig.sequencer.state == state, policy
        assert rig.sequencer.step_index == step
        assert rig.pump == 0 and rig.release == schema.OUTPUT_FULL
        counted = _dwelt(rig)
        assert (counted > 150) == (policy == schema.HOST_LOSS_FINISH)
        # When the limit has passed, the run ends: there is nothing to release.
        assert rig.run(3, rig.idle_again)
        assert rig.sequencer.end_reason == schema.END_HOST_LOST


def test_a_host_that_comes_back_resumes_a_rest():
    rig = _resting(host_loss=schema.HOST_LOSS_HOLD, host_timeout_ms=500, host_loss_limit_ms=60000)
    rig.hear_host = False
    rig.run(10)
    rig.hear_host = True
    rig.tick()
    assert rig.sequencer.state == schema.STATE_PAUSED
    rig.ask(schema.CMD_RESUME)
    assert rig.run(60, rig.idle_again)
    assert rig.sequencer.end_reason == schema.END_COMPLETED
    assert _dwelt(rig) == REST_MS // 10


def test_a_pressure_that_rises_in_a_rest_is_told():
    rig = _resting(rest_ms=60000)
    rig.run(1)
    # Although the pump is shut and the release open: a count and a half in each tick.
    zero = rig.sample()
    for tick in range(500):
        rig.raw = zero + 3 * tick // 2
        rig.tick()
    assert rig.controller.interlocks.fault == schema.FAULT_PUMP_STUCK
    assert rig.sequencer.state == schema.STATE_FAULT


def test_a_broken_wire_in_a_rest_is_told():
    rig = _resting()
    rig.raw = 1000
    rig.run(1)
    assert rig.controller.interlocks.fault == schema.FAULT_SENSOR_LOW


def test_two_channels_that_part_in_a_rest_are_told():
    rig = _resting(TwoChannelRig())
    rig.run(1)
    offset = rig.counts(60)
    rig.second_error = lambda raw: raw + offset
    rig.run(0.5)
    assert rig.controller.interlocks.fault == schema.FAULT_SENSOR_DISAGREE
    assert rig.sequencer.state == schema.STATE_FAULT


def test_the_deadman_circuit_has_its_edges_in_a_rest():
    rig = _resting(Rig(has_deadman=True))
    rig.run(2)
    assert rig._deadman.powered
    assert rig.run(60, rig.idle_again)
    assert rig.sequencer.end_reason == schema.END_COMPLETED


def test_a_zero_that_moves_in_a_rest_is_told_there_and_its_noise_is_not():
    rig = _resting(rest_ms=60000)
    rig.run(10)
    # No start is accepted from 3 resolutions and the pressure of the return spring below zero on.
    band = rig.plan_scaling().zero_band_kpa
    per_count = 40000 / 19200 * 1450 / 78.54
    zero = rig.sample()
    beyond = int(1.4 * band / per_count)
    # For 0.1 s in each second the reading is as low as that.
    for tick in range(1000):
        rig.raw = PROFILE[schema.PROFILE_RAW_ZERO] - beyond if tick % 100 < 10 else zero
        rig.tick()
    assert rig.sequencer.step_index == REST
    for tick in range(1000):
        rig.raw = max(PROFILE[schema.PROFILE_RAW_ZERO] - beyond, zero - tick)
        rig.tick()
        if rig.sequencer.state == schema.STATE_FAULT:
            break
    assert rig.controller.interlocks.fault == schema.FAULT_ZERO_MOVED
    assert rig.sequencer.end_reason == schema.END_FAULT


def test_the_journal_keeps_how_long_a_rest_has_lasted_through_a_reset():
    rig = _resting(rest_ms=60000)
    rig.run(10)
    step, _, dwell_ticks = rig.kept_words
    assert step == REST
    assert 900 <= dwell_ticks <= 1000
