"""The tick interrupts the foreground anywhere, between any two of its reads of the state."""

from pressloop_fw.loop.scaling import Scaling
from pressloop_fw.service import preconditions, progress
from pressloop_fw.service.profile_store import Profile
from pressloop_fw.wire import schema
from rig import PROFILE, Rig, hold, prompt, ramp

_START = {schema.START_REQUEST_RUN_ID: b"12345678"}


class _TickAfter:
    """Let one tick pass right after the first call of a method in the block."""

    def __init__(self, rig, owner, name):
        self.rig = rig
        self.owner = owner
        self.name = name

    def __enter__(self):
        self.plain = getattr(self.owner, self.name)
        setattr(self.owner, self.name, self._call)

    def _call(self, *arguments):
        result = self.plain(*arguments)
        self.__exit__()
        self.rig.controller.tick()
        return result

    def __exit__(self, *_):
        setattr(self.owner, self.name, self.plain)


def _about_to_start():
    rig = Rig()
    rig.upload([ramp(80000, 50000), hold(80000, 60000)])
    rig.tick()
    rig.ask(schema.CMD_START, _START)
    return rig


_BEGIN = {
    schema.PLAN_BEGIN_REQUEST_STEPS: 1,
    schema.PLAN_BEGIN_REQUEST_DIE_UM: 12000,
    schema.PLAN_BEGIN_REQUEST_CEILING_KPA: 1000,
    schema.PLAN_BEGIN_REQUEST_HOST_LOSS: schema.HOST_LOSS_VENT,
    schema.PLAN_BEGIN_REQUEST_HOST_LOSS_LIMIT_MS: 0,
    schema.PLAN_BEGIN_REQUEST_HOST_TIMEOUT_MS: 500,
    schema.PLAN_BEGIN_REQUEST_VENT_RATE_KPA_S: 1,
    schema.PLAN_BEGIN_REQUEST_RECORD_EVERY: 1,
    schema.PLAN_BEGIN_REQUEST_ACCEPT_UNRESOLVED: False,
}


def test_nothing_is_exchanged_under_a_run_that_is_about_to_start():
    for command, values in (
        (schema.CMD_PLAN_BEGIN, _BEGIN),
        (schema.CMD_PROFILE_WRITE, dict(PROFILE)),
    ):
        rig = _about_to_start()
        with _TickAfter(rig, preconditions, "require_state"):
            assert rig.code_of(command, values) == schema.ERR_BAD_STATE
        rig.tick()
        assert rig.sequencer.state == schema.STATE_RUNNING
        assert rig.app.plan.committed


def test_an_abort_finds_the_run_that_is_about_to_start():
    rig = _about_to_start()
    with _TickAfter(rig, rig.sequencer, "active"):
        assert rig.code_of(schema.CMD_ABORT) == 0
    rig.tick()
    assert rig.run(30, rig.idle_again)
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_ABORTED


def test_a_start_that_is_pending_is_no_end_of_a_run():
    rig = _about_to_start()
    rig.app.poll()
    again = Rig(stored=dict(rig.stored))
    assert again.status()[schema.STATUS_REPLY_FAULT] == schema.FAULT_POWER_LOSS


def test_a_request_that_came_too_late_does_not_reach_the_next_run():
    rig = _about_to_start()
    rig.tick()
    sequencer = rig.sequencer
    plain = preconditions.require_state
    try:
        # The run ends between the check of the state and the request.
        preconditions.require_state = lambda sequencer, state: sequencer.clear()
        rig.ask(schema.CMD_PAUSE)
        preconditions.require_state = lambda sequencer, state: None
        rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"the next"})
    finally:
        preconditions.require_state = plain
    rig.tick()
    assert sequencer.state == schema.STATE_RUNNING


def test_an_abort_that_crosses_the_end_of_the_plan_is_no_dump():
    rig = Rig()
    rig.start([ramp(80000, 50000), hold(80000, None, open=True)], vent_rate_kpa_s=10000)
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    # One tick carries out both, or a tick passes between the abort's check and its request.
    rig.ask(schema.CMD_ABORT)
    rig.sequencer.vent(schema.END_COMPLETED, rig.controller.sampler.pressure_kpa)
    rig.run(1)
    assert rig.sequencer.state == schema.STATE_VENTING
    assert rig.plant.pellet_mpa > 60
    rig.ask(schema.CMD_DUMP)
    rig.tick()
    assert rig.release == schema.OUTPUT_FULL


def test_a_status_while_the_tick_ends_the_step():
    rig = _about_to_start()
    rig.tick()

    class Vanishing(type(rig.sequencer)):
        """A sequencer whose step is over when it is read a second time."""

        looks = 0

        @property
        def step_index(self):
            self.looks += 1
            return 1 if self.looks % 2 else 255

        @step_index.setter
        def step_index(self, value):
            pass

    vanishing = Vanishing(rig.app.plan)
    assert progress.stage(vanishing) == 0
    vanishing.looks = 0
    assert progress.dwell_ticks(vanishing) == 0


def test_a_run_that_was_accepted_has_no_end_reason_before_it_begins():
    rig = Rig()
    rig.start([prompt("load")])
    rig.ask(schema.CMD_ABORT)
    assert rig.run(30, rig.idle_again)
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_ABORTED
    rig.ask(schema.CMD_START, _START)
    status = rig.status()
    assert status[schema.STATUS_REPLY_RUN_ID] == b"12345678"
    assert status[schema.STATUS_REPLY_END_REASON] == schema.END_NONE
    # A fault before the first tick ends the accepted run and is its end reason.
    rig.inputs = schema.INPUT_EMERGENCY_STOP
    rig.tick()
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_FAULT
    assert rig.pump == 0 and rig.release == schema.OUTPUT_FULL


class _TickInterrupt:
    """Lets a tick pass at each access to what it replaces, and checks what that tick changed."""

    def __init__(self, rig, of):
        self._rig = rig
        self._of = of
        self.ticks = 0

    def __getattr__(self, name):
        controller = self._rig.controller
        before = list(controller.sampler.registers)
        self.ticks += 1
        controller.tick(1)
        assert list(controller.sampler.registers) == before
        assert self._rig.pump == 0 and self._rig.release == schema.OUTPUT_FULL
        return getattr(self._of, name)


def _other_sensor():
    """Return an idle press whose reading means 20 MPa of oil by the profile that comes next."""
    small = dict(PROFILE)
    small[schema.PROFILE_RAW_ZERO] = 14850
    small[schema.PROFILE_MAX_OIL_KPA] = 1000
    rig = Rig(profile=small)
    rig.raw = 14850
    rig.run(0.5)
    assert rig.controller.interlocks.fault == schema.FAULT_NONE
    profile = Profile(PROFILE)
    return rig, _TickInterrupt(rig, profile), _TickInterrupt(rig, Scaling(profile, 10000))


def test_a_tick_within_an_exchange_of_profiles_judges_nothing_and_is_counted():
    rig, profile, scaling = _other_sensor()
    controller = rig.controller
    before = controller.tick_count, controller.missed_ticks
    controller.configure(profile, scaling)
    ticks = profile.ticks + scaling.ticks
    assert ticks > 20
    assert controller.interlocks.fault == schema.FAULT_NONE
    assert controller.tick_count == before[0] + 2 * ticks
    assert controller.missed_ticks == before[1] + ticks
    controller._profile, controller.scaling = Profile(PROFILE), Scaling(Profile(PROFILE), 10000)
    rig.tick()
    assert 360000 < controller.sampler.newest_kpa < 400000
    # From here on readings are judged by the new scale.
    rig.raw = 20000
    rig.run(0.1)
    assert controller.interlocks.fault == schema.FAULT_OVER_PRESSURE


def test_the_emergency_stop_holds_within_an_exchange_of_profiles():
    rig, profile, scaling = _other_sensor()
    seen = []

    def pressed_for_two_ticks():
        seen.append(1)
        return schema.INPUT_EMERGENCY_STOP if len(seen) <= 2 else 0

    rig.read_inputs = pressed_for_two_ticks
    rig.controller.configure(profile, scaling)
    assert len(seen) > 2
    rig.tick()
    assert rig.sequencer.state == schema.STATE_FAULT
    assert rig.controller.interlocks.fault == schema.FAULT_EMERGENCY_STOP


def test_half_an_exchange_starts_nothing():
    """The memory may be full in the middle of it."""
    rig = Rig()
    steps = [ramp(80000, 50000), hold(80000, 1000)]
    rig.upload(steps)
    plain = rig.controller.valves.configure

    def full(profile, scaling):
        raise MemoryError

    rig.controller.valves.configure = full
    try:
        rig.ask(schema.CMD_PLAN_BEGIN, _BEGIN)
        raise AssertionError("nothing was raised")
    except MemoryError:
        pass
    rig.controller.valves.configure = plain
    rig.run(0.5)
    assert rig.controller.interlocks.fault == schema.FAULT_NONE
    assert rig.code_of(schema.CMD_START, _START) == schema.ERR_NO_PLAN
    rig.start(steps)
    assert rig.run(60, rig.idle_again)
    assert rig.sequencer.end_reason == schema.END_COMPLETED


class _Sealed:
    """A register block that must not be written."""

    def __init__(self, block):
        self.block = block

    def __getitem__(self, place):
        return self.block[place]

    def __setitem__(self, place, value):
        raise ValueError("the status word is the tick's to change")


def test_a_clear_leaves_the_run_flags_to_the_tick():
    """A flag that the tick sets between a read and a write of the register would be lost."""
    rig = _about_to_start()
    rig.run(1)
    rig.inputs = schema.INPUT_EMERGENCY_STOP
    rig.tick()
    rig.inputs = 0
    rig.run(20)
    sequencer = rig.sequencer
    plain = sequencer.run_flags.registers
    sequencer.run_flags.registers = sequencer.hold._flag_registers = _Sealed(plain)
    rig.ask(schema.CMD_CLEAR, {schema.CLEAR_REQUEST_FAULT: schema.FAULT_EMERGENCY_STOP})
    sequencer.run_flags.registers = sequencer.hold._flag_registers = plain
    assert sequencer.state == schema.STATE_IDLE
    rig.tick()
    rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"87654321"})
    rig.tick()
    assert sequencer.state == schema.STATE_RUNNING


def test_a_start_that_takes_longer_than_a_tick_tells_the_tick_before_the_run():
    """A host takes a press that is at rest more than a tick after it for a run that never began."""
    rig = Rig()
    rig.upload([ramp(50000, 50000), hold(50000, 500)])
    sequencer = rig.sequencer
    # The results of the run before take so long; a garbage collection may come at any place.
    for owner, name in ((sequencer.results, "reset"), (sequencer, "request_start")):
        rig.run(5)
        plain = getattr(owner, name)

        def slowly(plain=plain):
            rig.run(0.03)
            plain()

        setattr(owner, name, slowly)
        rig.runs += 1
        run_id = rig.runs.to_bytes(8, "big")
        reply = rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: run_id})
        setattr(owner, name, plain)
        assert not sequencer.active()
        while rig.controller.tick_count <= reply[schema.START_REPLY_TICK] + 1:
            rig.tick()
        assert sequencer.active()
        rig.ask(schema.CMD_ABORT)
        assert rig.run(30, rig.idle_again)
