"""Checks what must hold in every tick, whatever host, operator, sensor and time do.

A random walk over the firmware on its emulated press: commands that fit and commands that do not,
inputs that bounce, sensors that break and freeze, hosts that fall silent, ticks that are missed.
Afterwards, hostile but valid profiles, plans and readings through arithmetic that a small integer
of the chip must hold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from pressloop_fw.loop.flags import RunFlags
from pressloop_fw.loop.force_trim import ForceTrim, follow_force
from pressloop_fw.loop.relaxation import MIN_WINDOW_S, Relaxation
from pressloop_fw.loop.sampler import Sampler, process_sample
from pressloop_fw.loop.scaling import Scaling, die_area_um2, ratio_q10
from pressloop_fw.loop.second_channel import SecondChannel, compare_channels, shares_loss
from pressloop_fw.loop.sequencer import NO_STEP
from pressloop_fw.loop.setpoint import SetpointGenerator
from pressloop_fw.loop.unloaded import is_unloaded
from pressloop_fw.service.profile_store import Profile
from pressloop_fw.wire import cbor, schema
from rig import PRESS, PROFILE, RefusedError, Rig, hold, prompt, ramp, release, rest
from small_int import SmallInt, small_registers, small_rig

CEILING_KPA = 300000
HOST_TIMEOUT_MS = 500
LOSS_LIMIT_MS = 1000
VENT_RATE_KPA_S = 100000
# A healthy press is unloaded this long after an abort: 300 MPa at the vent rate, the last part
# through the open valve, and the readings that an unloaded press needs.
MAX_VENT_S = 15
STEERING = (
    schema.CMD_PAUSE,
    schema.CMD_RESUME,
    schema.CMD_RESUME,
    schema.CMD_CONFIRM,
    schema.CMD_ADVANCE,
)
ANY = (*STEERING, schema.CMD_ABORT, schema.CMD_START, schema.CMD_PLAN_COMMIT)
# No shrinking, which runs a step's thousands of ticks again and again. A failure is reported as it
# was found, and replays by itself, because the walk is the same every time.
PHASES = (Phase.generate,)
PUMP_STATES = (schema.STATE_RUNNING, schema.STATE_PAUSED, schema.STATE_PROMPTING)
REST_STATES = (schema.STATE_IDLE, schema.STATE_FAULT)

# Of these the loop knows nothing; a profile has all of the calibration's or none.
ONLY_FOR_THE_HOST = (
    schema.PROFILE_PARTS,
    schema.PROFILE_CALIBRATION_RESULT,
    schema.PROFILE_CALIBRATION_DAY,
    schema.PROFILE_CALIBRATION_DUE_DAY,
    schema.PROFILE_CALIBRATION_ERROR_PPM,
    schema.PROFILE_CALIBRATION_UNCERTAINTY_PPM,
    schema.PROFILE_CALIBRATION_UNCERTAINTY_N,
    schema.PROFILE_CALIBRATION_UP_TO_N,
    schema.PROFILE_COMMISSIONED_DAY,
)

TARGETS = st.sampled_from([0, 500, 40000, 100000, 250000, CEILING_KPA - 5000, CEILING_KPA])
RATES = st.sampled_from([50000, 100000, 200000])


@st.composite
def plans(draw: st.DrawFn) -> list[dict[int, Any]]:
    """Draw the steps of a plan that the board accepts, most often one that makes sense."""
    steps: list[dict[int, Any]] = []
    if draw(st.integers(0, 3)) == 0:
        steps.append(prompt(timeout_ms=300))
    for _ in range(draw(st.integers(1, 3))):
        level = draw(TARGETS)
        steps.append(ramp(level, draw(RATES)))
        if level and draw(st.integers(0, 4)):
            timed = draw(st.sampled_from([500, 1000, 2000, None]))
            mode = draw(st.sampled_from([schema.HOLD_REGULATED, schema.HOLD_SEALED]))
            more: dict[str, int] = {"open": True} if timed is None else {}
            tolerance = draw(st.sampled_from([800, 3000, 20000]))
            if timed and mode == schema.HOLD_SEALED and draw(st.booleans()):
                timed *= 10
                more = {"relaxation_kpa_min": draw(st.sampled_from([100, 5000, 1000000]))}
            steps.append(hold(level, timed, tolerance, 3000, mode, **more))
        if draw(st.integers(0, 3)) == 0:
            level = draw(TARGETS.filter(level.__ge__))
            steps.append(release(level, draw(RATES)))
        if level == 0 and draw(st.booleans()):
            steps.append(rest(draw(st.sampled_from([10, 500, 2000]))))
        if draw(st.integers(0, 2)) == 0:
            steps.append(prompt(timeout_ms=3000))
    return steps


class Walk(RuleBasedStateMachine):
    """A random walk of one board with one press."""

    def __init__(self) -> None:
        """Start at rest, without a plan."""
        super().__init__()
        self.rig = Rig(dict(PRESS, approach_gap_mm=0.2))
        self.first_fault = schema.FAULT_NONE
        self.dwell: tuple[int, int] = (NO_STEP, 0)

    # --- what happens

    @initialize(steps=plans(), loss=st.integers(1, 3), every=st.sampled_from([1, 7]))
    def load(self, steps: list[dict[int, Any]], loss: int, every: int) -> None:
        self._start(steps, loss, every, 0)

    @precondition(lambda self: self.rig.sequencer.state == schema.STATE_IDLE)
    @rule(
        steps=plans(),
        loss=st.integers(1, 3),
        every=st.sampled_from([1, 7]),
        meanwhile=st.sampled_from([0, 0, 0, schema.INPUT_GUARD_OPEN]),
    )
    def run_again(self, steps: list[dict[int, Any]], loss: int, every: int, meanwhile: int) -> None:
        self._start(steps, loss, every, meanwhile)

    def _start(self, steps: list[dict[int, Any]], loss: int, every: int, meanwhile: int) -> None:
        try:
            self.rig.upload(
                steps,
                ceiling_kpa=CEILING_KPA,
                host_loss=loss,
                host_loss_limit_ms=LOSS_LIMIT_MS,
                host_timeout_ms=HOST_TIMEOUT_MS,
                vent_rate_kpa_s=VENT_RATE_KPA_S,
                record_every=every,
            )
            self.rig.runs += 1
            run_id = self.rig.runs.to_bytes(8, "big")
            self.rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: run_id})
        except RefusedError as refused:
            self._assert_said(refused)
        self.rig.inputs |= meanwhile
        self._pass_ticks(1)

    @rule(ticks=st.sampled_from([1, 2, 10, 50, 200]))
    def wait(self, ticks: int) -> None:
        self._pass_ticks(ticks)

    @precondition(lambda self: self.rig.sequencer.step_index != NO_STEP)
    @rule(more=st.sampled_from([1, 7, 60]))
    def wait_for_the_next_step(self, more: int) -> None:
        sequencer = self.rig.sequencer
        step = sequencer.step_index
        self._pass_ticks(
            20 * schema.TICK_HZ,
            lambda: sequencer.step_index != step or sequencer.state != schema.STATE_RUNNING,
        )
        self._pass_ticks(more)

    @precondition(lambda self: self.rig.sequencer.active())
    @rule(
        commands=st.lists(st.sampled_from(STEERING), min_size=1, max_size=3), lie=st.integers(0, 9)
    )
    def steer(self, commands: list[int], lie: int) -> None:
        for command in commands:
            self._ask(command, lie)

    @precondition(lambda self: self.rig.sequencer.state == schema.STATE_PROMPTING)
    @rule()
    def answer(self) -> None:
        self.rig.inputs = 0
        self._pass_ticks(1)
        self._ask(schema.CMD_CONFIRM, 9)

    @rule(commands=st.lists(st.sampled_from(ANY), min_size=1, max_size=3), lie=st.integers(0, 9))
    def nonsense(self, commands: list[int], lie: int) -> None:
        for command in commands:
            self._ask(command, lie)

    @precondition(lambda self: self.rig.sequencer.state == schema.STATE_FAULT)
    @rule(repaired=st.booleans())
    def clear(self, repaired: bool) -> None:
        if repaired:
            self.rig.inputs = 0
            self._pass_ticks(3 * schema.TICK_HZ)
        fault = self.rig.controller.interlocks.fault
        done = self._ask(schema.CMD_CLEAR, 9, fault)
        if done:
            self.first_fault = schema.FAULT_NONE
        # A healthy press that had time to unload can always be cleared.
        assert done or not repaired

    @rule(inputs=st.sampled_from([0, 1, 2, 4, 4]), ticks=st.sampled_from([1, 3, 50]))
    def press_inputs(self, inputs: int, ticks: int) -> None:
        self.rig.inputs = inputs
        self._pass_ticks(ticks)

    @rule(raw=st.sampled_from([0, 65535, 4850, 12000, 26000]), ticks=st.sampled_from([1, 2, 4, 6]))
    def sensor_reads(self, raw: int, ticks: int) -> None:
        self.rig.raw = raw
        self._pass_ticks(ticks)
        self.rig.raw = None

    @rule(ticks=st.sampled_from([20, 100]))
    def sensor_freezes(self, ticks: int) -> None:
        self.rig.raw = self.rig.sample()
        self._pass_ticks(ticks)
        self.rig.raw = None

    @rule(ticks=st.sampled_from([40, 60, 200]))
    def host_falls_silent(self, ticks: int) -> None:
        self.rig.hear_host = False
        self._pass_ticks(ticks)
        self.rig.hear_host = True

    @rule(missed=st.sampled_from([1, 10, 11]))
    def ticks_are_missed(self, missed: int) -> None:
        self.rig.missed = missed
        self._pass_ticks(1)

    @rule(on=st.booleans())
    def stream(self, on: bool) -> None:
        self._ask(schema.CMD_STREAM, 0, on)

    @rule(first=st.integers(0, 2**32 - 1), back=st.integers(-2, 30), count=st.integers(1, 20))
    def backfill(self, first: int, back: int, count: int) -> None:
        ring = self.rig.app.ring
        if back > -2:
            first = max(0, ring.next - back)
        try:
            reply = self.rig.ask(schema.CMD_BACKFILL, {1: first, 2: count})
        except RefusedError as refused:
            assert refused.code == schema.ERR_NOT_HELD
            assert not ring.oldest <= first < ring.next
        else:
            held = len(reply[schema.BACKFILL_REPLY_RECORDS]) // schema.SHORT_RECORD_SIZE
            assert held == min(count, ring.next - first) > 0

    @precondition(lambda self: self.rig.sequencer.active())
    @rule()
    def undisturbed(self) -> None:
        """Let the run end by itself: every plan has an end or a hold that can be advanced."""
        rig = self.rig
        sequencer = rig.sequencer
        rig.inputs = 0
        for _ in range(60):
            self._ask(schema.CMD_RESUME, 9)
            self._pass_ticks(300, lambda: sequencer.state in (*REST_STATES, schema.STATE_PROMPTING))
            if sequencer.state in REST_STATES:
                break
            self._ask(schema.CMD_CONFIRM, 9)
            if sequencer.step_index != NO_STEP and rig.app.plan.open[sequencer.step_index]:
                self._ask(schema.CMD_ADVANCE, 9)
        assert sequencer.state in REST_STATES, "the run did not end"

    @precondition(lambda self: self.rig.sequencer.hold.dwelling)
    @rule()
    def abort_leads_to_rest(self) -> None:
        rig = self.rig
        rig.inputs = 0
        if self._ask(schema.CMD_ABORT, 0):
            self._pass_ticks(
                MAX_VENT_S * schema.TICK_HZ, lambda: rig.sequencer.state in REST_STATES
            )
            assert rig.sequencer.state in REST_STATES, "the abort did not end"
            assert rig.status()[schema.STATUS_REPLY_END_REASON] != schema.END_NONE

    # --- how it is done

    def _ask(self, command: int, lie: int, argument: int = 0) -> bool:
        """Send a command, in three of ten cases for a wrong step; return whether it was done."""
        step = self.rig.sequencer.step_index
        if lie < 3 or step == NO_STEP:
            step = lie
        values: dict[int, Any] = {
            schema.CMD_CONFIRM: {schema.CONFIRM_REQUEST_STEP: step},
            schema.CMD_ADVANCE: {schema.ADVANCE_REQUEST_STEP: step},
            schema.CMD_START: {schema.START_REQUEST_RUN_ID: b"piplined"},
            schema.CMD_PLAN_COMMIT: {schema.PLAN_COMMIT_REQUEST_DIGEST: lie},
            schema.CMD_CLEAR: {schema.CLEAR_REQUEST_FAULT: argument},
            schema.CMD_STREAM: {1: bool(argument), 2: 10},
        }.get(command, {})
        try:
            self.rig.ask(command, values)
        except RefusedError as refused:
            self._assert_said(refused)
            return False
        return True

    def _assert_said(self, refused: RefusedError) -> None:
        values = {schema.ERROR_REPLY_CODE: refused.code}
        for key, value in (
            (schema.ERROR_REPLY_STEP, refused.step),
            (schema.ERROR_REPLY_FIELD, refused.field),
            (schema.ERROR_REPLY_DETAIL, refused.detail),
        ):
            if value >= 0:
                values[key] = value
        cbor.encode_map(schema.ERROR_REPLY_FIELDS, values, bytearray(schema.MAX_PAYLOAD), 0)

    def _pass_ticks(self, ticks: int, until: Callable[[], bool] = lambda: False) -> None:
        for _ in range(ticks):
            before = self.rig.sequencer.state
            self.rig.tick()
            self._check(before)
            if until():
                break
        self._check_replies()

    def _check(self, before: int) -> None:
        rig = self.rig
        sequencer = rig.sequencer
        state = sequencer.state
        step = sequencer.step_index
        assert 0 <= rig.pump <= schema.OUTPUT_FULL
        assert 0 <= rig.release <= schema.OUTPUT_FULL
        assert rig.pump == 0 or rig.release == 0, "pump and release at once"
        if rig.pump:
            assert state in PUMP_STATES, "pump open in another state"
            assert sequencer.setpoint.target_kpa > 0, "pump open with nothing to reach"
            assert rig.app.plan.kind[step] != schema.STEP_RELEASE, "pump open in a release"
            assert not rig.inputs & schema.INPUT_EMERGENCY_STOP, "pump open in an emergency"
            assert not rig.inputs & schema.INPUT_GUARD_OPEN, "pump open with the guard open"
        if step != NO_STEP and rig.app.plan.kind[step] == schema.STEP_REST:
            assert rig.pump == 0 and rig.release == schema.OUTPUT_FULL, "not open in a rest"
        if rig.inputs & schema.INPUT_GUARD_OPEN and state == schema.STATE_PROMPTING:
            pressure_kpa = rig.controller.sampler.pressure_kpa
            assert is_unloaded(rig.app.plan.scaling, pressure_kpa) or rig.raw is not None
        if state in REST_STATES or rig.inputs & schema.INPUT_EMERGENCY_STOP:
            assert rig.pump == 0 and rig.release == schema.OUTPUT_FULL, "outputs not safe"
            assert step == NO_STEP
        assert (step == NO_STEP) == (state in (*REST_STATES, schema.STATE_VENTING))
        assert sequencer.setpoint.value_kpa <= CEILING_KPA, "setpoint above the ceiling"
        if state not in REST_STATES and before in REST_STATES:
            self.dwell = (NO_STEP, 0)

        fault = rig.controller.interlocks.fault
        assert fault != schema.FAULT_INTERNAL, "an exception in the firmware"
        assert (fault != schema.FAULT_NONE) == (state == schema.STATE_FAULT)
        if self.first_fault != schema.FAULT_NONE:
            assert fault == self.first_fault, "another fault took the place of the first"
        self.first_fault = fault

        if step != NO_STEP:
            dwell = sequencer.results.dwell[step]
            if self.dwell[0] == step:
                grown = dwell - self.dwell[1]
                assert grown in (0, 1)
                rests = rig.app.plan.kind[step] == schema.STEP_REST
                assert not grown or state == schema.STATE_RUNNING
                assert not grown or rests or sequencer.hold.in_band
            self.dwell = (step, dwell)

    def _check_replies(self) -> None:
        """In every state the questions of the host are answered."""
        rig = self.rig
        status = rig.status()
        assert status[schema.STATUS_REPLY_FAULT] == rig.controller.interlocks.fault
        for step in range(rig.app.plan.count):
            rig.result(step)
        ring = rig.app.ring
        if ring.next:
            rig.ask(schema.CMD_BACKFILL, {1: max(ring.oldest, ring.next - 20), 2: 20})


TestWalk = Walk.TestCase
TestWalk.settings = settings(
    max_examples=100,
    stateful_step_count=25,
    deadline=None,
    database=None,
    phases=PHASES,
    suppress_health_check=list(HealthCheck),
)


# --- the chip's integers


@given(
    readings=st.lists(st.integers(-100000, 2000000), min_size=1, max_size=8),
    rate=st.integers(1),
    leak=st.integers(0, 32767),
)
@example(readings=[2000000] * 8, rate=0, leak=32767)
def test_the_loss_of_any_dwell_is_a_small_integer(
    readings: list[int], rate: int, leak: int
) -> None:
    relaxation = Relaxation()
    relaxation.restart(SmallInt(MIN_WINDOW_S + rate % 56), SmallInt(leak))
    for reading in readings:
        for _ in range(10 * schema.TICK_HZ):
            relaxation.step(SmallInt(reading))
            assert isinstance(relaxation.loss_kpa_min * SmallInt(1), SmallInt)
            assert isinstance(relaxation.leak_kpa_min * SmallInt(1), SmallInt)


def _extreme(low: int, high: int) -> st.SearchStrategy[int]:
    return st.sampled_from([low, high]) | st.integers(low, high)


@st.composite
def profiles(draw: st.DrawFn) -> dict[int, Any]:
    """Draw a profile as extreme as the board accepts."""
    values = dict(PROFILE)
    for key, kind, low, high, *_ in schema.PROFILE_FIELDS:
        if kind == schema.T_INT and key not in ONLY_FOR_THE_HOST:
            values[key] = draw(_extreme(low, high))
    # Most drawn profiles would contradict themselves: change them until they just do not.
    die_um = draw(_extreme(1000, 100000))
    values[schema.PROFILE_DIES_UM] = [die_um]
    counts = sorted(draw(st.sets(_extreme(0, 65535), min_size=4, max_size=4)))
    for key, count in zip(
        (
            schema.PROFILE_RAW_FAULT_LOW,
            schema.PROFILE_RAW_ZERO,
            schema.PROFILE_RAW_FULL,
            schema.PROFILE_RAW_FAULT_HIGH,
        ),
        counts,
        strict=True,
    ):
        values[key] = count
    ratio = ratio_q10(values[schema.PROFILE_RAM_AREA_MM2], die_um)
    span = values[schema.PROFILE_RAW_FULL] - values[schema.PROFILE_RAW_ZERO]
    # More than the board accepts, so that its limit is tested.
    most_full = min(200000, 2**15 * 1024 * span // (16 * max(1, ratio)))
    assume(most_full >= 1000)
    values[schema.PROFILE_FULL_SCALE_OIL_KPA] = draw(_extreme(1000, most_full))
    most_oil = min(values[schema.PROFILE_FULL_SCALE_OIL_KPA], 2000000 * 1024 // max(1, ratio))
    assume(most_oil >= 100)
    values[schema.PROFILE_MAX_OIL_KPA] = draw(_extreme(100, most_oil))
    for key in (schema.PROFILE_PUMP_DEAD_BAND, schema.PROFILE_RELEASE_DEAD_BAND):
        values[key] = draw(_extreme(0, schema.OUTPUT_FULL // 2))
    values[schema.PROFILE_APPROACH_OPENING] = draw(
        _extreme(values[schema.PROFILE_PUMP_DEAD_BAND] + 1, schema.OUTPUT_FULL)
    )
    values[schema.PROFILE_CONTACT_OIL_KPA] = draw(
        _extreme(1, min(20000, values[schema.PROFILE_MAX_OIL_KPA] // 4))
    )
    values[schema.PROFILE_KP] = draw(_extreme(1, 8191))
    zero, full = sorted(draw(st.sets(_extreme(-16000000, 16000000), min_size=2, max_size=2)))
    values[schema.PROFILE_LOAD_CELL_ZERO] = zero
    values[schema.PROFILE_LOAD_CELL_FULL] = full
    most_n = min(10000000, 16 * die_area_um2(die_um) // 1000)
    values[schema.PROFILE_LOAD_CELL_CAPACITY_N] = draw(_extreme(1, most_n))
    second = {
        schema.PROFILE_SECOND_FULL_SCALE_OIL_KPA: schema.PROFILE_FULL_SCALE_OIL_KPA,
        schema.PROFILE_SECOND_RAW_ZERO: schema.PROFILE_RAW_ZERO,
        schema.PROFILE_SECOND_RAW_FULL: schema.PROFILE_RAW_FULL,
        schema.PROFILE_SECOND_RAW_FAULT_LOW: schema.PROFILE_RAW_FAULT_LOW,
        schema.PROFILE_SECOND_RAW_FAULT_HIGH: schema.PROFILE_RAW_FAULT_HIGH,
    }
    values.update({key: values[like] for key, like in second.items()})
    flow = max(
        values[schema.PROFILE_PUMP_FLOW_UL_S],
        values[schema.PROFILE_RELEASE_FLOW_UL_S],
    )
    least = min(10000000, flow * 1000000 * ratio // (1024 * 4000000) + 1)
    values[schema.PROFILE_COMPLIANCE_NL_MPA] = draw(_extreme(least, 10000000))
    assume(Profile(values).contradiction() == 0)
    return values


@settings(max_examples=100, deadline=None, database=None, phases=PHASES)
@given(values=profiles(), data=st.data())
def test_no_pair_of_channels_leaves_the_small_integers(
    values: dict[int, Any], data: st.DataObject
) -> None:
    profile = Profile(values, True)
    scaling = Scaling(profile, profile.dies_um[0])
    with small_registers():
        sampler, channel = Sampler(), SecondChannel()
    sampler.configure(profile, scaling)
    channel.configure(profile, scaling, sampler.registers)
    channel.limit_to(scaling.pellet_limit_kpa)
    counts = _extreme(profile.raw_fault_low, profile.raw_fault_high)
    for _ in range(20):
        process_sample(sampler.registers, SmallInt(data.draw(counts)))
        compare_channels(channel.registers, sampler.registers, SmallInt(data.draw(counts)), 1)
        shares_loss(channel.registers)


@settings(
    max_examples=150,
    deadline=None,
    database=None,
    phases=PHASES,
    suppress_health_check=list(HealthCheck),
)
@given(values=profiles(), has_cell=st.booleans(), data=st.data())
def test_no_force_leaves_the_small_integers(
    values: dict[int, Any], has_cell: bool, data: st.DataObject
) -> None:
    profile = Profile(values, True)
    scaling = Scaling(profile, profile.dies_um[0])
    with small_registers():
        sampler, trim, setpoint = Sampler(), ForceTrim(has_cell), SetpointGenerator()
        flags, channels = RunFlags(), SecondChannel()
    sampler.configure(profile, scaling)
    trim.configure(profile, scaling)
    limit = scaling.pellet_limit_kpa
    forces = _extreme(-(1 << 23), 1 << 23)
    for _ in range(40):
        setpoint.value_kpa = SmallInt(data.draw(_extreme(0, limit)))
        setpoint.lead_kpa_s = SmallInt(data.draw(_extreme(-1000000, 1000000)))
        counts = data.draw(forces) if has_cell else schema.NO_FORCE
        oil = SmallInt(data.draw(_extreme(-(1 << 25), 1 << 25)))
        follow_force(
            trim.registers,
            SmallInt(counts),
            oil,
            setpoint.registers,
            sampler.registers,
            flags.registers,
            channels.registers,
        )


class SmallColumn:
    """A column of the plan whose entries are checked integers."""

    def __init__(self, column: Any) -> None:
        """Wrap a column."""
        self._column = column

    def __getitem__(self, index: int) -> SmallInt:
        """Return an entry."""
        return SmallInt(self._column[index])


@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    database=None,
    phases=PHASES,
    suppress_health_check=list(HealthCheck),
)
@given(profile=profiles(), data=st.data())
def test_no_profile_plan_or_reading_leaves_the_small_integers(
    profile: dict[int, Any], data: st.DataObject
) -> None:
    rig = small_rig(lambda: Rig(profile=profile))
    scaling = rig.app.plan.scaling  # only to know the limits: the upload makes its own
    limit = scaling.pellet_limit_kpa
    rises = _extreme(1, min(1000000, scaling.fastest_rise_kpa_s))
    falls = _extreme(1, min(1000000, scaling.fastest_fall_kpa_s))
    gains = {"kp": 8191, "ki": 16383, "kd": 4095}
    steps = []
    level = 0
    for _ in range(4):
        mine = {name: data.draw(_extreme(0, most)) for name, most in gains.items()}
        target = data.draw(_extreme(0, limit))
        steps.append(ramp(target, data.draw(rises if target > level else falls), **mine))
        level = target
        if level:
            steps.append(hold(level, 50, data.draw(_extreme(1, 1000000)), 1000000000, **mine))
    rig.raw = profile[schema.PROFILE_RAW_ZERO]
    rig.upload(
        steps,
        die_um=profile[schema.PROFILE_DIES_UM][0],
        ceiling_kpa=limit,
        vent_rate_kpa_s=data.draw(falls),
        accept_unresolved=True,
    )
    plan = rig.app.plan
    controller = rig.controller
    for name in ("target_kpa", "rate_kpa_s", "tolerance_kpa", "kp", "ki", "kd"):
        setattr(plan, name, SmallColumn(getattr(plan, name)))
    readings = _extreme(
        profile[schema.PROFILE_RAW_FAULT_LOW], profile[schema.PROFILE_RAW_FAULT_HIGH]
    )
    # What a run would reach only after hours, where the arithmetic is widest.
    interlocks = controller.interlocks
    interlocks._check_pressure = lambda over: None
    rig.raw = SmallInt(profile[schema.PROFILE_RAW_ZERO])
    rig.run(0.2)
    try:
        rig.start()
    except RefusedError as refused:
        # The reading before was far below zero, and the filter is slow.
        assume(refused.code != schema.ERR_ZERO_OFF)
        raise
    shut = profile[schema.PROFILE_RELEASE_DEAD_BAND]
    for _ in range(30):
        rig.raw = SmallInt(data.draw(readings))
        if data.draw(st.booleans()):
            setpoint = rig.sequencer.setpoint
            setpoint.value_kpa = SmallInt(data.draw(_extreme(0, limit)))
        for _ in range(data.draw(st.sampled_from([1, 4, 30]))):
            rig.tick()
            assert interlocks.fault != schema.FAULT_INTERNAL
            assert 0 <= rig.pump <= schema.OUTPUT_FULL
            assert 0 <= rig.release <= schema.OUTPUT_FULL
            # Before a descent the release waits just below its dead band, where it passes nothing.
            assert not (rig.pump and rig.release > shut)
