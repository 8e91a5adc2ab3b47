"""Runs on the emulated press: states, steps, commands and host loss."""

from pressloop_fw.loop.hold import dwell_tick
from pressloop_fw.loop.pump_dead_band import STEPS, TUNED
from pressloop_fw.service import progress
from pressloop_fw.wire import schema
from rig import PRESS, Rig, hold, prompt, ramp, release

IDLE = schema.STATE_IDLE
TICK = 0
PRESSURE = 1
OUTPUT = 3
STEP = 5
STATE = 6
FLAGS = 7


def _at_step(rig, step):
    return lambda: rig.sequencer.step_index == step


def test_a_run_presses_holds_and_ends_at_rest():
    rig = Rig()
    rig.start([ramp(100000, 20000), hold(100000, 3000), release(0)])
    assert rig.run(60, rig.idle_again)
    status = rig.status()
    assert status[schema.STATUS_REPLY_END_REASON] == schema.END_COMPLETED
    assert rig.plant.pellet_mpa < 3.0
    assert rig.release == schema.OUTPUT_FULL and rig.pump == 0
    for step in range(3):
        assert rig.result(step)[schema.STEP_RESULT_REPLY_OUTCOME] == schema.OUTCOME_DONE
    # Three seconds in band, to the tick.
    assert rig.result(1)[schema.STEP_RESULT_REPLY_DWELL_TICKS] == 300
    assert abs(rig.result(1)[schema.STEP_RESULT_REPLY_PEAK_KPA] - 100000) < 2500


def test_the_dwell_clock_counts_only_in_band():
    rig = Rig()
    rig.start([ramp(100000, 20000), hold(100000, 2000, 2000)])
    assert rig.run(30, _at_step(rig, 1))
    assert rig.run(2, lambda: rig.sequencer.hold.dwelling)
    rig.run(1)
    # A disturbance: the reading jumps by 6 MPa, out of band.
    before = progress.dwell_ticks(rig.sequencer)
    true = rig.sample()
    rig.raw = true + 150
    rig.run(0.3)
    during = progress.dwell_ticks(rig.sequencer)
    # The mean of some 16 readings leaves the band.
    assert during - before <= 12
    assert not rig.sequencer.hold.in_band
    rig.raw = None
    assert rig.run(20, rig.idle_again)
    dwelt = rig.result(1)[schema.STEP_RESULT_REPLY_DWELL_TICKS]
    assert dwelt == 200
    assert rig.result(1)[schema.STEP_RESULT_REPLY_TICKS] > 200 + 18


def _dwelling_hold(steady=False):
    """Return a function that gives a hold at 100 MPa +-2 a reading in kPa; it returns the count.

    With `steady` the ticks go the short way, as far as they can.
    """
    rig = Rig()
    rig.start([ramp(100000, 20000), hold(100000, 60000, 2000)])
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    assert rig.run(5, lambda: rig.sequencer.setpoint.arrived())
    a_hold, results = rig.sequencer.hold, rig.sequencer.results
    setpoint = rig.sequencer.setpoint
    a_hold.interrupt()

    def reads(kpa):
        before = results.dwell[1]
        if not steady or not dwell_tick(
            a_hold.registers, results.registers, 1, kpa, setpoint.registers
        ):
            a_hold.step(1, kpa, True)
        return results.dwell[1] - before

    for _ in range(3):
        reads(100000)
    return reads


def test_noise_beyond_the_band_does_not_stop_the_dwell_clock():
    reads = _dwelling_hold()
    # 3 MPa of noise where the band is 2 MPa.
    counted = sum(reads(100000 + (3000 if tick % 3 else -3000)) for tick in range(300))
    assert counted == 300


def test_the_dwell_clock_stops_as_long_as_the_pressure_is_out_of_band():
    for off in (-30000, -4000, 4000, 30000):
        reads = _dwelling_hold()
        counted = sum(reads(100000 + off) for _ in range(100))
        counted += sum(reads(100000) for _ in range(100))
        assert abs(counted - 100) <= 2, (off, counted)


def test_the_short_way_of_a_steady_tick_counts_the_same():
    short, long = _dwelling_hold(steady=True), _dwelling_hold()
    noise = 1
    for tick in range(2000):
        noise = noise * 1103515245 + 12345 & 0x7FFFFFFF
        kpa = 100000 + (noise >> 16) % 6000 - 3000 + 4 * (tick % 700) - 1400
        assert short(kpa) == long(kpa), tick


def _true_excess_s(rate_kpa_s, duration_ms, tolerance_kpa):
    """Press 250 MPa by a ramp; return the time of the pellet in band beyond the dwell, s."""
    rig = Rig()
    last = ramp(250000, rate_kpa_s)
    rig.start([ramp(240000, 40000), last, hold(250000, duration_ms, tolerance_kpa), prompt()])
    assert rig.run(60, _at_step(rig, 1))
    ticks = 0
    while rig.sequencer.step_index < 3:
        assert rig.sequencer.active()
        rig.run(0.01)
        ticks += abs(rig.plant.pellet_mpa * 1000 - 250000) <= tolerance_kpa
    counted = rig.result(2)[schema.STEP_RESULT_REPLY_DWELL_TICKS]
    assert counted == duration_ms // 10
    return ticks / 100 - duration_ms / 1000


def test_the_dwell_counts_what_the_end_of_a_slow_ramp_is_in_band():
    # The last 1.25 MPa of the ramp take 0.62 s.
    assert 0 <= _true_excess_s(2000, 20000, 1250) <= 0.25


def test_a_slow_ramp_takes_no_more_than_its_share_of_a_dwell():
    # A tenth of 4 s, where the band is reached 1.6 s before the ramp is over.
    assert 1.0 <= _true_excess_s(800, 4000, 1250) <= 1.3
    # A wide tolerance begins no dwell where the pressure is not yet nearly as asked.
    assert 1.9 <= _true_excess_s(2000, 20000, 5000) <= 2.2


def test_what_the_last_of_a_slow_ramp_needs_is_no_loss_of_its_hold():
    rig = Rig()
    rig.start([ramp(240000, 40000), ramp(250000, 800), hold(250000, 20000, 1250)])
    setpoint = rig.sequencer.setpoint
    leak = rig.controller.leak_test.registers
    band = rig.controller.pump_dead_band.registers
    # No dead band is followed on a press that was not tuned.
    band[TUNED] = 1
    assert rig.run(60, lambda: rig.sequencer.hold.dwelling)
    before = list(leak)
    while setpoint.rising:
        assert list(leak) == before and band[STEPS] == 0
        rig.tick()
    assert rig.sequencer.hold.dwelling
    rig.run(5)
    assert list(leak) != before and band[STEPS] > 20


def test_out_of_band_for_too_long_ends_the_run():
    rig = Rig()
    rig.start([ramp(100000, 20000), hold(100000, 60000, 2000, 1000)], crack_kpa=0)
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    # Above the band: a reading that stays below it while the pump works is a fault.
    rig.raw = rig.sample() + 150
    assert rig.run(3, lambda: rig.sequencer.state == schema.STATE_VENTING)
    rig.raw = None
    assert rig.run(30, rig.idle_again)
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_HOLD_TIMEOUT
    assert rig.result(1)[schema.STEP_RESULT_REPLY_OUTCOME] == schema.OUTCOME_CUT


def test_pump_stays_shut_in_a_release():
    rig = Rig()
    rig.start([ramp(200000, 50000), hold(200000, 500), release(50000), hold(50000, 500)])
    assert rig.run(60, _at_step(rig, 2))
    rig.tick()
    while rig.sequencer.step_index == 2:
        assert rig.pump == 0
        rig.tick()
    assert rig.run(60, rig.idle_again)
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_COMPLETED


def test_a_prompt_at_zero_leaves_the_press_safe_and_the_guard_free():
    rig = Rig()
    rig.start([prompt("load the die"), ramp(80000, 50000), hold(80000, 500)])
    rig.inputs = schema.INPUT_GUARD_OPEN
    rig.run(1)
    status = rig.status()
    assert status[schema.STATUS_REPLY_STATE] == schema.STATE_PROMPTING
    assert status[schema.STATUS_REPLY_PROMPT] == "load the die"
    assert rig.pump == 0 and rig.release == schema.OUTPUT_FULL
    confirm = {schema.CONFIRM_REQUEST_STEP: 0}
    assert rig.code_of(schema.CMD_CONFIRM, confirm) == schema.ERR_GUARD_OPEN
    rig.inputs = 0
    rig.run(0.1)
    assert rig.code_of(schema.CMD_CONFIRM, {schema.CONFIRM_REQUEST_STEP: 1}) == (
        schema.ERR_WRONG_PROMPT
    )
    rig.ask(schema.CMD_CONFIRM, confirm)
    rig.run(0.1)
    assert rig.sequencer.step_index == 1
    assert rig.run(60, rig.idle_again)


def test_a_prompt_without_an_answer_times_out():
    rig = Rig()
    rig.start([prompt(timeout_ms=1500), ramp(80000)])
    assert rig.run(5, rig.idle_again)
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_PROMPT_TIMEOUT


def test_pause_freezes_setpoint_and_clock_and_resume_goes_on():
    rig = Rig()
    rig.start([ramp(100000, 20000), hold(100000, 1000)])
    assert rig.run(30, lambda: rig.sequencer.setpoint.value_kpa > 40000)
    rig.ask(schema.CMD_PAUSE)
    rig.tick()
    frozen = rig.sequencer.setpoint.value_kpa
    rig.run(5)
    assert rig.sequencer.setpoint.value_kpa == frozen
    assert abs(rig.plant.pellet_mpa * 1000 - frozen) < 2000
    assert rig.code_of(schema.CMD_PAUSE) == schema.ERR_BAD_STATE
    rig.ask(schema.CMD_RESUME)
    assert rig.run(30, rig.idle_again)
    assert rig.result(1)[schema.STEP_RESULT_REPLY_DWELL_TICKS] == 100


def test_one_run_id_presses_once():
    """A host that lost the reply to its start repeats it in another session, after the run."""
    rig = Rig()
    rig.upload([ramp(50000, 50000)])
    rig.tick()
    start = {schema.START_REQUEST_RUN_ID: b"one cell"}
    rig.ask(schema.CMD_START, start)
    rig.tick()
    assert rig.run(30, rig.idle_again)
    rig.ask(schema.CMD_HELLO, {1: 7, 2: schema.PROTOCOL_MAJOR, 3: 0, 4: "again"})
    assert rig.code_of(schema.CMD_START, start) == schema.ERR_RUN_REPEATED
    rig.run(0.1)
    assert rig.sequencer.state == schema.STATE_IDLE
    rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"the next"})
    rig.run(0.1)
    assert rig.sequencer.state == schema.STATE_RUNNING


def test_a_pause_right_behind_the_start_is_kept():
    rig = Rig()
    rig.upload([ramp(100000, 20000), hold(100000, 1000)])
    rig.tick()
    rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"rig-run1"})
    rig.ask(schema.CMD_PAUSE)
    rig.run(1)
    assert rig.sequencer.state == schema.STATE_PAUSED
    assert rig.pump == 0
    rig.ask(schema.CMD_RESUME)
    assert rig.run(60, rig.idle_again)
    rig.upload([prompt(), ramp(100000, 20000)])
    rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"rig-run2"})
    assert rig.code_of(schema.CMD_PAUSE) == schema.ERR_BAD_STATE


def test_abort_comes_down_at_the_vent_rate_and_a_dump_opens_fully():
    rig = Rig()
    rig.start([ramp(200000, 50000), hold(200000, 60000)], vent_rate_kpa_s=10000)
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    rig.ask(schema.CMD_ABORT)
    rig.run(5)
    assert rig.sequencer.state == schema.STATE_VENTING
    assert 140 < rig.plant.pellet_mpa < 165
    rig.ask(schema.CMD_ABORT)
    rig.tick()
    assert rig.release < schema.OUTPUT_FULL // 2
    rig.ask(schema.CMD_DUMP)
    rig.tick()
    assert rig.release == schema.OUTPUT_FULL
    assert rig.run(10, rig.idle_again)
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_ABORTED


def test_advance_ends_an_open_hold_as_planned():
    rig = Rig()
    rig.start([ramp(80000, 50000), hold(80000, None, open=True)])
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    rig.run(30)
    assert rig.sequencer.step_index == 1
    rig.ask(schema.CMD_ADVANCE, {schema.ADVANCE_REQUEST_STEP: 1})
    assert rig.run(30, rig.idle_again)
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_COMPLETED
    assert rig.result(1)[schema.STEP_RESULT_REPLY_OUTCOME] == schema.OUTCOME_DONE


def test_a_last_step_that_is_over_at_once_ends_the_run_as_planned():
    rig = Rig()
    rig.start([ramp(80000, 50000), hold(80000, None, open=True), release(80000)])
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    # The dwell begins when the pressure is in band; the last of the ramp's fading is part of it.
    assert rig.run(1, lambda: rig.sequencer.setpoint.arrived())
    rig.ask(schema.CMD_ADVANCE, {schema.ADVANCE_REQUEST_STEP: 1})
    rig.tick()
    assert rig.sequencer.state == schema.STATE_VENTING
    assert rig.run(30, rig.idle_again)
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_COMPLETED


def test_a_sealed_hold_shuts_both_valves_and_tops_up():
    rig = Rig(dict(PRESS, leak_mm3_s_mpa=0.05))
    rig.start([ramp(100000, 20000), hold(100000, 60000, 1500, mode=schema.HOLD_SEALED)])
    assert rig.run(30, lambda: rig.sequencer.hold.sealed)
    shut = 0
    for _ in range(5000):
        rig.tick()
        if rig.sequencer.hold.sealed:
            shut += 1
            assert rig.pump == 0 and rig.release == 0
    assert shut > 4000
    # Leak and relaxation have taken it out of band at least once.
    assert rig.result(1)[schema.STEP_RESULT_REPLY_TOP_UPS] >= 1
    assert abs(rig.controller.sampler.pressure_kpa - 100000) < 2000


def test_a_sealed_hold_flags_what_its_dwell_clock_counts_from_the_third_reading_on():
    rig = Rig(dict(PRESS, approach_gap_mm=0.2))
    # The setpoint is there already, so that the first reading seals.
    sealed = hold(500, 1000, 20000, mode=schema.HOLD_SEALED)
    rig.start([ramp(500, 100000), hold(500, 1000, 20000), sealed])
    assert rig.run(30, _at_step(rig, 2))
    for reading in range(1, 50):
        rig.tick()
        assert rig.sequencer.results.dwell[2] == max(0, reading - 2)
        assert rig.sequencer.hold.in_band == (reading >= 3)


def test_a_top_up_comes_back_at_the_ramps_rate_and_not_beyond():
    rig = Rig(dict(PRESS, leak_mm3_s_mpa=0.2))
    steps = [ramp(250000, 10000), hold(250000, 200000, 10000, mode=schema.HOLD_SEALED)]
    rig.start(steps, ceiling_kpa=300000)
    assert rig.run(60, lambda: rig.sequencer.hold.sealed)
    assert rig.run(120, lambda: rig.result(1)[schema.STEP_RESULT_REPLY_TOP_UPS] == 1)
    below_kpa = rig.controller.sampler.pressure_kpa
    ticks = 0
    while not rig.sequencer.hold.sealed:
        rig.tick()
        ticks += 1
    assert below_kpa < 241000
    # 10 MPa at 10 MPa/s, and the time to start and to arrive.
    assert 100 <= ticks <= 200
    highest = max(rig.tick() or rig.controller.sampler.pressure_kpa for _ in range(100))
    assert 249000 < highest < 251250


def test_a_pause_keeps_the_pressure_that_a_sealed_hold_has_come_down_to():
    rig = Rig(dict(PRESS, leak_mm3_s_mpa=0.2))
    steps = [ramp(250000, 10000), hold(250000, 200000, 10000, mode=schema.HOLD_SEALED)]
    rig.start(steps, ceiling_kpa=300000)
    assert rig.run(60, lambda: rig.sequencer.hold.sealed)
    assert rig.run(120, lambda: rig.controller.sampler.pressure_kpa < 243000)
    rig.ask(schema.CMD_PAUSE)
    for _ in range(300):
        rig.tick()
        assert 241000 < rig.controller.sampler.pressure_kpa < 244500
    rig.ask(schema.CMD_RESUME)
    assert rig.run(5, lambda: rig.sequencer.hold.sealed)
    for _ in range(100):
        rig.tick()
        assert rig.controller.sampler.pressure_kpa < 251250


def test_the_step_after_a_sealed_hold_goes_on_from_where_the_pressure_has_come_to():
    rig = Rig(dict(PRESS, leak_mm3_s_mpa=0.2))
    steps = [
        ramp(150000, 10000),
        hold(150000, 12000, 10000, mode=schema.HOLD_SEALED),
        ramp(200000, 10000),
        hold(200000, 1000, 2000),
    ]
    rig.start(steps, ceiling_kpa=300000)
    assert rig.run(60, lambda: rig.sequencer.step_index == 2)
    assert rig.controller.sampler.pressure_kpa < 146000
    while rig.sequencer.step_index == 2:
        rig.tick()
        off_kpa = rig.controller.sampler.pressure_kpa - rig.sequencer.setpoint.value_kpa
        assert abs(off_kpa) < 3000


def _lost(action, limit_ms=3000):
    rig = Rig()
    rig.start(
        [ramp(100000, 20000), hold(100000, 20000, 1500), release(0), prompt(timeout_ms=60000)],
        host_loss=action,
        host_loss_limit_ms=limit_ms,
        host_timeout_ms=1000,
    )
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    rig.hear_host = False
    rig.run(0.9)
    assert not rig.status()[schema.STATUS_REPLY_HOST_LOST]
    rig.run(0.2)
    assert rig.status()[schema.STATUS_REPLY_HOST_LOST]
    return rig


def test_host_loss_vents():
    rig = _lost(schema.HOST_LOSS_VENT)
    assert rig.sequencer.state == schema.STATE_VENTING
    assert rig.run(30, rig.idle_again)
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_HOST_LOST


def test_host_loss_holds_until_the_host_resumes():
    rig = _lost(schema.HOST_LOSS_HOLD)
    assert rig.sequencer.state == schema.STATE_PAUSED
    dwelt = progress.dwell_ticks(rig.sequencer)
    rig.run(2)
    assert progress.dwell_ticks(rig.sequencer) == dwelt
    assert abs(rig.plant.pellet_mpa - 100) < 1.5
    rig.hear_host = True
    rig.run(5)
    assert rig.sequencer.state == schema.STATE_PAUSED
    assert not rig.status()[schema.STATUS_REPLY_HOST_LOST]
    rig.ask(schema.CMD_RESUME)
    assert rig.run(60, lambda: rig.sequencer.state == schema.STATE_PROMPTING)


def test_host_loss_holds_until_the_limit():
    rig = _lost(schema.HOST_LOSS_HOLD, 3000)
    assert rig.run(40, rig.idle_again)
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_HOST_LOST


def test_host_loss_finishes_what_needs_no_host():
    rig = _lost(schema.HOST_LOSS_FINISH, 30000)
    assert rig.sequencer.state == schema.STATE_RUNNING
    assert rig.run(60, lambda: rig.sequencer.state == schema.STATE_PROMPTING)
    # Without an answer of the host the limit ends the wait.
    assert rig.run(60, rig.idle_again)
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_HOST_LOST
    assert rig.result(1)[schema.STEP_RESULT_REPLY_OUTCOME] == schema.OUTCOME_DONE


def test_commands_that_do_not_fit_are_refused_and_change_nothing():
    rig = Rig()
    for command in (schema.CMD_PAUSE, schema.CMD_RESUME, schema.CMD_ABORT):
        assert rig.code_of(command) == schema.ERR_BAD_STATE
    start = {schema.START_REQUEST_RUN_ID: b"12345678"}
    assert rig.code_of(schema.CMD_START, start) == schema.ERR_NO_PLAN
    rig.start([ramp(100000), hold(100000)])
    assert rig.code_of(schema.CMD_START, start) == schema.ERR_BAD_STATE
    assert rig.code_of(schema.CMD_PROFILE_READ + 1, rig.ask(schema.CMD_PROFILE_READ)) == (
        schema.ERR_BAD_STATE
    )
    assert rig.sequencer.state == schema.STATE_RUNNING


def test_the_ring_numbers_every_tick_of_a_run():
    rig = Rig()
    rig.start([ramp(50000, 50000), hold(50000, 500)])
    assert rig.run(30, rig.idle_again)
    first = rig.status()[schema.STATUS_REPLY_RUN_FIRST]
    records = rig.records(first)
    assert records[0][STATE] == schema.STATE_RUNNING
    assert records[-1][STATE] == IDLE
    ticks = [record[TICK] for record in records]
    assert ticks == list(range(ticks[0], ticks[0] + len(ticks)))
    dwelt = sum(1 for r in records if r[FLAGS] & schema.FLAG_DWELLING and r[STEP] == 1)
    # The tick that completes the dwell already belongs to the next step.
    assert rig.result(1)[schema.STEP_RESULT_REPLY_DWELL_TICKS] - dwelt in (0, 1)
