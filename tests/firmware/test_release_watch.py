"""A pressure that stays or rises while the pump is shut is a fault with a name of its own."""

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
    assert _seconds_until(rig, schema.FAULT_NO_RELEASE, 7) > 5
    assert rig.lit


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
