"""A pressure that stays or rises while the pump is shut is a fault with a name of its own."""

from pellet_rig import make_rig
from pressloop_fw.loop.pump_watch import BLIND_STEPS
from pressloop_fw.loop.pump_watch import TUNED as IS_TUNED
from pressloop_fw.wire import schema
from pressloop_sim.plant.plant import Plant
from pressloop_sim.plant.valve_faults import ValveFaults
from rig import PRESS, PROFILE, Rig, hold, prompt, ramp, release

# With the residual of a tuning, as every press has that was tuned.
TUNED = dict(PROFILE)
TUNED[schema.PROFILE_TUNING_RESIDUAL_PPM] = 5000


class _Lamp(Rig):
    """A rig that notes what the board is to show."""

    def __init__(self, **settings):
        """Make the attribute here: the tick must not allocate."""
        self.lit = False
        super().__init__(profile=TUNED, **settings)

    def show_pressure(self, stands):
        self.lit = stands


def _pressing(steps=None):
    rig = _Lamp()
    rig.start(steps or [ramp(250000, 50000), hold(250000, 60000), release(0), prompt()])
    assert rig.run(60, lambda: rig.sequencer.hold.dwelling)
    rig.run(1)
    return rig


def _inject(rig, kind, value=0.0):
    ValveFaults(rig.plant).inject(kind, value)


def _fault(rig):
    return rig.status()[schema.STATUS_REPLY_FAULT]


def _seconds_until(rig, fault, most):
    before = rig.controller.tick_count
    assert rig.run(most, lambda: rig.controller.interlocks.fault != schema.FAULT_NONE)
    assert _fault(rig) == fault
    return (rig.controller.tick_count - before) / schema.TICK_HZ


def test_a_release_that_is_stuck_is_a_fault_in_a_release_step():
    rig = _pressing()
    _inject(rig, "release-stuck-shut")
    rig.ask(schema.CMD_ADVANCE, {schema.ADVANCE_REQUEST_STEP: 1})
    assert _seconds_until(rig, schema.FAULT_NO_RELEASE, 7) < 2
    assert rig.lit


def test_a_release_that_is_stuck_is_told_within_five_seconds_in_a_dump_and_without_a_tuning():
    for profile, most_s in ((TUNED, 2), (PROFILE, 16)):
        rig = Rig(profile=profile)
        rig.start([ramp(250000, 50000), hold(250000, 60000), release(0, 100000)])
        assert rig.run(60, lambda rig=rig: rig.sequencer.hold.dwelling)
        _inject(rig, "release-stuck-shut")
        rig.ask(schema.CMD_ADVANCE, {schema.ADVANCE_REQUEST_STEP: 1})
        _seconds_until(rig, schema.FAULT_NO_RELEASE, most_s)
    rig = _pressing()
    _inject(rig, "release-stuck-shut")
    # The setpoint is at zero after a tenth of a second, and the release is fully open.
    rig.inputs = schema.INPUT_EMERGENCY_STOP
    rig.tick()
    rig.run(0.5)
    assert schema.STATUS_REPLY_FURTHER_FAULT not in rig.status()
    rig.run(2)
    assert rig.status()[schema.STATUS_REPLY_FURTHER_FAULT] == schema.FAULT_NO_RELEASE


def test_a_reading_that_stands_in_a_release_is_told_within_two_seconds():
    rig = _pressing()
    rig.ask(schema.CMD_ADVANCE, {schema.ADVANCE_REQUEST_STEP: 1})
    rig.run(1)
    rig.raw = rig.sample()
    assert _seconds_until(rig, schema.FAULT_NO_RELEASE, 2) < 1.7


def test_a_reading_that_stands_far_behind_a_quick_release_is_told_sooner():
    latest = 0
    for phase in range(0, 20, 4):
        rig = _pressing([ramp(250000, 50000), hold(250000, 60000), release(0, 40000)])
        rig.ask(schema.CMD_ADVANCE, {schema.ADVANCE_REQUEST_STEP: 1})
        for _ in range(60 + phase):
            rig.tick()
        rig.raw = rig.sample()
        latest = max(latest, _seconds_until(rig, schema.FAULT_NO_RELEASE, 2))
    assert latest < 0.95, latest


def test_an_open_release_that_lowers_nothing_is_told_within_two_seconds_at_any_phase():
    latest = 0
    for phase in range(20):
        rig = _pressing()
        rig.run(phase / schema.TICK_HZ)
        _inject(rig, "release-stuck-shut")
        rig.ask(schema.CMD_ABORT)
        rig.tick()
        rig.ask(schema.CMD_DUMP)
        latest = max(latest, _seconds_until(rig, schema.FAULT_NO_RELEASE, 4))
    assert 1.8 < latest <= 2.01


def test_a_release_that_is_stuck_is_a_fault_while_a_run_is_aborted():
    rig = _pressing()
    _inject(rig, "release-stuck-shut")
    rig.ask(schema.CMD_ABORT)
    rig.tick()
    rig.ask(schema.CMD_DUMP)
    _seconds_until(rig, schema.FAULT_NO_RELEASE, 6)


def test_a_stuck_release_is_said_beside_the_fault_that_came_first():
    rig = _pressing()
    _inject(rig, "release-stuck-shut")
    rig.inputs = schema.INPUT_EMERGENCY_STOP
    rig.tick()
    assert _fault(rig) == schema.FAULT_EMERGENCY_STOP
    assert schema.STATUS_REPLY_FURTHER_FAULT not in rig.status()
    rig.run(5.5)
    assert _fault(rig) == schema.FAULT_EMERGENCY_STOP
    assert rig.status()[schema.STATUS_REPLY_FURTHER_FAULT] == schema.FAULT_NO_RELEASE
    assert rig.lit and rig.plant.pellet_mpa > 200
    # Once the pressure is gone the lamp goes out, and both faults are cleared together.
    rig.plant.release = Plant(PRESS).release
    rig.inputs = 0
    rig.run(20)
    assert not rig.lit
    rig.ask(schema.CMD_CLEAR, {schema.CLEAR_REQUEST_FAULT: schema.FAULT_EMERGENCY_STOP})
    assert schema.STATUS_REPLY_FURTHER_FAULT not in rig.status()


def test_the_spring_pressure_of_a_retraction_is_no_fault():
    # A slow release valve: the ram takes a quarter of a minute back.
    press = dict(PRESS)
    press["release_flow_10mpa_mm3_s"] = 3000.0
    rig = _Lamp(press=press)
    rig.start([ramp(250000, 50000), hold(250000, 1000), release(0), prompt()])
    assert rig.run(60, lambda: rig.sequencer.state == schema.STATE_PROMPTING)
    rig.run(30)
    assert _fault(rig) == schema.FAULT_NONE and not rig.lit


def test_a_pump_that_is_stuck_open_is_named():
    for steps, percent in (
        # More than the ramp asks for.
        ([ramp(250000, 10000), hold(250000)], 20.0),
        # Both valves are shut, and the pressure rises.
        ([ramp(250000, 50000), hold(250000, 60000, 10000, mode=schema.HOLD_SEALED)], 3.0),
    ):
        rig = _Lamp()
        rig.start(steps)
        assert rig.run(60, lambda rig=rig: rig.controller.sampler.pressure_kpa > 100000)
        if percent < 10:
            assert rig.run(60, lambda rig=rig: rig.sequencer.hold.sealed)
        _inject(rig, "pump-stuck-open", percent)
        _seconds_until(rig, schema.FAULT_PUMP_STUCK, 5)


def test_a_pump_that_is_stuck_open_is_told_within_half_a_second():
    # From its effect on, 2 % beside the setpoint. The release makes good for most of these.
    for rate_kpa_s, dwells, percents in (
        (10000, False, (10.0, 15.0, 30.0, 100.0)),
        (50000, False, (25.0, 45.0, 60.0)),
        (50000, True, (15.0, 30.0, 45.0, 100.0)),
    ):
        for percent in percents:
            rig = _Lamp()
            rig.start([ramp(250000, rate_kpa_s), hold(250000, 60000)])
            if dwells:
                assert rig.run(60, lambda rig=rig: rig.sequencer.hold.dwelling)
                rig.run(1)
            else:
                assert rig.run(60, lambda rig=rig: rig.controller.sampler.pressure_kpa > 100000)
            # In between two turns of the watch.
            rig.run(0.06)
            _inject(rig, "pump-stuck-open", percent)
            rig.run(2, lambda rig=rig: rig.controller.interlocks.fault or _is_off(rig))
            if not rig.controller.interlocks.fault:
                seconds = _seconds_until(rig, schema.FAULT_PUMP_STUCK, 3)
                assert seconds < 0.5, (rate_kpa_s, dwells, percent)
            assert _fault(rig) == schema.FAULT_PUMP_STUCK


def test_a_pump_that_sticks_in_a_hold_is_told_at_the_next_look():
    # The loop has found the pump's dead band: what may be wrong of it explains no rise. It was told
    # after a second look, at 275 MPa.
    press = dict(PRESS, pump_flow_mm3_s=8000.0)
    profile = dict(TUNED)
    profile[schema.PROFILE_PUMP_FLOW_UL_S] = 8000
    rig = Rig(press=press, profile=profile)
    rig.start([ramp(250000, 10000), hold(250000, 60000)])
    assert rig.run(60, lambda: rig.sequencer.hold.dwelling)
    rig.run(2.03)
    _inject(rig, "pump-stuck-open", 8.0)
    peak = 0.0
    while not rig.controller.interlocks.fault and peak < 300:
        rig.tick()
        peak = max(peak, rig.plant.pellet_mpa)
    assert _fault(rig) == schema.FAULT_PUMP_STUCK
    assert peak < 265


def _is_off(rig):
    """Whether the pellet has 2 % of the target more or less than the setpoint."""
    return abs(rig.plant.pellet_mpa * 1000 - rig.sequencer.setpoint.value_kpa) > 5000


def test_a_pump_whose_dead_band_is_narrower_than_the_profile_says_is_not_stuck():
    # The model of its valve then passes nothing while the pressure rises.
    for less in (0.01, 0.03):
        press = dict(PRESS)
        press["pump_dead_band"] -= less
        rig = Rig(press, TUNED)
        rig.start([ramp(100000, 10000), ramp(250000, 50000), hold(250000, 2000), release(0)])
        rig.run(60, lambda rig=rig: rig.sequencer.step_index == 3)
        assert _fault(rig) == schema.FAULT_NONE, less


def test_a_pump_that_is_stuck_open_in_a_hold_that_regulates():
    for percent in (60.0, 100.0):
        rig = _pressing()
        _inject(rig, "pump-stuck-open", percent)
        _seconds_until(rig, schema.FAULT_PUMP_STUCK, 2)


def test_a_sealed_press_that_warms_is_no_stuck_pump():
    rig = _pressing([ramp(250000, 50000), hold(250000, 300000, 30000, mode=schema.HOLD_SEALED)])
    assert rig.run(20, lambda: rig.sequencer.hold.sealed)
    rig.run(2)
    counts = rig.sample()
    # 0.4 MPa/s.
    for n in range(5000):
        rig.raw = counts + n // 100
        rig.tick()
    assert _fault(rig) == schema.FAULT_NONE


def test_a_guard_that_is_opened_at_a_prompt_under_pressure_is_a_fault():
    rig = _pressing()
    rig.ask(schema.CMD_ADVANCE, {schema.ADVANCE_REQUEST_STEP: 1})
    assert rig.run(60, lambda: rig.sequencer.state == schema.STATE_PROMPTING)
    rig.run(1)
    rig.inputs = schema.INPUT_GUARD_OPEN
    rig.run(1)
    assert _fault(rig) == schema.FAULT_NONE
    rig.inputs = 0
    # The line was blocked, and now the pressure shows.
    rig.raw = 4850 + int(50000 / 18.46 * 19200 / 40000)
    rig.inputs = schema.INPUT_GUARD_OPEN
    rig.run(0.3)
    assert _fault(rig) == schema.FAULT_GUARD_OPEN


def test_a_reading_that_stands_above_the_setpoint_of_a_hold_is_told():
    # From 0.2 % on, with a slow integral, too. The release opens until it surely lets oil pass.
    slow = dict(TUNED)
    slow[schema.PROFILE_KP] = 900
    slow[schema.PROFILE_KI] = 200
    for profile in (TUNED, slow):
        for counts in (30, 58):
            rig = Rig(profile=profile)
            rig.start([ramp(250000, 50000), hold(250000, 60000)])
            assert rig.run(60, lambda rig=rig: rig.sequencer.hold.dwelling)
            rig.run(3)
            rig.raw = rig.sample() + counts
            assert _seconds_until(rig, schema.FAULT_NO_RELEASE, 10) < 6, counts
            assert rig.plant.pellet_mpa < 251


def test_a_reading_that_comes_down_late_is_no_fault():
    # The dead band of the release is 3 % wider than the profile says, and a reading that jumps has
    # to be released.
    press = dict(PRESS)
    press["release_dead_band"] += 0.03
    rig = Rig(press, TUNED)
    rig.start([ramp(250000, 50000), hold(250000, 60000)])
    assert rig.run(60, lambda: rig.sequencer.hold.dwelling)
    rig.run(1)
    lowest_kpa = 250000
    for _ in range(600):
        rig.raw = None
        rig.raw = rig.sample() + 40
        rig.tick()
        lowest_kpa = min(lowest_kpa, rig.controller.pellet_kpa())
    assert _fault(rig) == schema.FAULT_NONE
    assert abs(rig.controller.pellet_kpa() - 250000) < 500
    # Without a way back for the release it would be 2 MPa below.
    assert lowest_kpa > 248300


def test_a_pump_that_sticks_ever_further_open_in_a_hold_is_named():
    rig = _pressing([ramp(250000, 50000), hold(250000, 60000, 20000)])
    # What the release shows alone, without the check of the rise.
    pump_watch = rig.controller.pump_watch.registers
    pump_watch[IS_TUNED] = 0
    _inject(rig, "pump-stuck-open", 10.0)
    rig.run(1)
    percent = 10.0
    while rig.controller.interlocks.fault == schema.FAULT_NONE and percent < 100:
        percent += 0.5
        rig.plant.pump._opening = percent / 100
        # It sets this anew when the pump shuts: one step later it would judge the rise again.
        pump_watch[BLIND_STEPS] = 1 << 20
        rig.run(0.1)
    assert _fault(rig) == schema.FAULT_PUMP_STUCK


def test_friction_that_was_learned_is_no_pressure_above_the_setpoint():
    # The oil stands 13 MPa above the pellet, and the release opens from its seat.
    rig = make_rig(cell=False, learned=True, valve_lag_s=0.12)
    values = dict(rig.app.server.profile.values)
    values[schema.PROFILE_TUNING_RESIDUAL_PPM] = 5000
    values[schema.PROFILE_VALVE_LAG_MS] = 120
    values[schema.PROFILE_KP] = 700
    values[schema.PROFILE_KI] = 200
    rig.ask(schema.CMD_PROFILE_WRITE, values)
    rig.start([ramp(250000, 50000), hold(250000, 1000), release(0, 10000)])
    assert rig.run(60, lambda: rig.sequencer.step_index == 2)
    rig.run(2)
    assert _fault(rig) == schema.FAULT_NONE
