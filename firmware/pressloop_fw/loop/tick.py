"""The tick: sample, interlocks, sequencer, loop, valves, record, in this order.

Integers only, nothing allocates, nothing waits. An exception here would leave valves where they
are, so the board calls `tick()`, which turns one into a fault.
"""

from pressloop_fw.loop.crack_detector import CrackDetector, detect_crack
from pressloop_fw.loop.interlocks import Interlocks, count_pump_without_gain
from pressloop_fw.loop.pid import Pid
from pressloop_fw.loop.plan import TICK_MS
from pressloop_fw.loop.sampler import Sampler, process_sample
from pressloop_fw.loop.sequencer import Sequencer
from pressloop_fw.loop.split_range import SplitRange, dither, drive, schedule, set_openings
from pressloop_fw.loop.stiffness import SampleCompliance, follow_compliance
from pressloop_fw.loop.telemetry_ring import append_record
from pressloop_fw.wire import schema

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# generated: numbers of other modules; edit the lists and run `make generate`.
# wire.schema: OUTPUT_FULL STATE_IDLE STATE_FAULT FLAG_HOST_LOST
# loop.sequencer: ACT_SAFE ACT_SHUT ACT_REGULATE ACT_APPROACH ACT_DUMP
# loop.sampler: ALERT
# loop.setpoint: DESCENDING
# loop.split_range: PUMP_COMMAND RELEASE_COMMAND
# loop.flags: FLAGS
_OUTPUT_FULL = const(32767)
_STATE_IDLE = const(0)
_STATE_FAULT = const(5)
_FLAG_HOST_LOST = const(32)
_ACT_SAFE = const(0)
_ACT_SHUT = const(1)
_ACT_REGULATE = const(2)
_ACT_APPROACH = const(3)
_ACT_DUMP = const(4)
_ALERT = const(15)
_DESCENDING = const(3)
_PUMP_COMMAND = const(7)
_RELEASE_COMMAND = const(8)
_FLAGS = const(1)
# end of generated


class Controller:
    """Owns everything that the control tick touches."""

    def __init__(self, board, plan, ring):
        self.board = board
        self.plan = plan
        self.ring = ring
        self.sampler = Sampler()
        self.interlocks = Interlocks()
        self.crack_detector = CrackDetector()
        self.sequencer = Sequencer(plan)
        self.pid = Pid()
        self.valves = SplitRange()
        self.sample_compliance = SampleCompliance()
        self.tick_count = 0
        self.missed_ticks = 0
        self.inputs = 0
        self.failure = None
        self.run_first = 0
        # Closing of the platens, where there is a sensor.
        self.displacement_um = schema.NO_DISPLACEMENT
        # Whether a host has live telemetry on.
        self.watched = False
        # Raised while the foreground exchanges what the tick works on; see `configure`.
        self.held = False
        self._has_displacement = bool(board.capabilities & schema.CAP_DISPLACEMENT)
        self._scaling = None
        self._profile = None
        # Ticks without a record between two, and until the next.
        self._record_gap = 0
        self._record_wait = 0
        self._was_active = False
        # Whether the release does the work, and whether the setpoint is on its way down.
        self._descending = False
        self._falling = 0
        # One beat of the control loop; its argument is how many ticks were lost before it.
        self.tick = self._make_tick()

    def configure(self, profile, scaling):
        """Take over a profile and a die. Only at rest.

        The tick is a hard interrupt and may come between any two of these lines: while `held` it
        keeps the outputs safe and judges nothing. Interrupts stay on, for a garbage collection in
        here is longer than a beat. What raises leaves `held` up, and no run starts on half a
        profile.
        """
        self.held = True
        self.sampler.configure(profile, scaling)
        self.valves.configure(profile, scaling)
        self.sequencer.setpoint.configure(profile.valve_lag_ms // TICK_MS)
        self.pid.set_gains(profile.kp, profile.ki, profile.kd)
        self.sequencer.approach.landing_ticks = 2 * profile.valve_lag_ms // TICK_MS
        self._profile = profile
        self._scaling = scaling
        self.interlocks.configure(profile, scaling)
        self.limit_to(scaling.pellet_limit_kpa)

    def limit_to(self, ceiling_kpa, crack_kpa=-1):
        """Trip above this reading in a run: its ceiling and what the sensor may be wrong by.

        `crack_kpa` is the sudden loss that is a crack, -1 for the press's own.
        """
        self.held = True
        self.crack_detector.configure(self._profile, self._scaling, crack_kpa)
        over_kpa = ceiling_kpa + self._scaling.resolution_kpa
        self.interlocks.limit_to(over_kpa)
        self.sampler.alert_above(over_kpa)
        self.held = False

    def _make_tick(self):
        """Return the tick as a function that has all it works on at hand.

        Its arguments after `missed` are those things. To look one up instead, as an attribute or a
        name of the module, costs the chip as much as ten lines of arithmetic, in every tick.
        """
        board = self.board
        sequencer = self.sequencer

        def tick(
            missed=0,
            self=self,
            sequencer=sequencer,
            interlocks=self.interlocks,
            has_displacement=self._has_displacement,
            # The board.
            read_inputs=board.read_inputs,
            read_raw=board.read_raw,
            set_valves=board.set_valves,
            safe=board.safe,
            # The blocks of words.
            sampled=self.sampler.registers,
            cracks=self.crack_detector.registers,
            setpoint=sequencer.setpoint.registers,
            run_flags=sequencer.run_flags.registers,
            sample_compliance=self.sample_compliance.registers,
            valves=self.valves.registers,
            gained=self.interlocks.registers,
            recorded=self.ring.registers,
            records=self.ring.buf,
            # The steps of the loop.
            process_sample=process_sample,
            detect_crack=detect_crack,
            sequence=sequencer.step,
            schedule=schedule,
            drive=drive,
            count_pump_without_gain=count_pump_without_gain,
            dither=dither,
            follow_compliance=follow_compliance,
            append_record=append_record,
        ):
            try:
                if self.held:
                    self._tick_while_configuring(missed)
                    return
                inputs = read_inputs()
                self.inputs = inputs
                raw = read_raw()
                pressure = process_sample(sampled, raw)
                if has_displacement:
                    self.displacement_um = self.board.read_displacement()
                if missed:
                    self.missed_ticks += missed
                    self.tick_count += missed
                # Nothing is pressed, open, out of range or too high in nearly all ticks.
                if inputs or missed or sampled[_ALERT]:
                    self._check(inputs, missed)
                was_active = self._was_active
                if was_active:
                    fault = detect_crack(cracks, sampled, valves)
                    if fault:
                        interlocks.latch(fault)
                if sequencer.approaching and sequencer.approach_expired():
                    interlocks.latch(schema.FAULT_NO_CONTACT)
                if interlocks.fault:
                    sequencer.trip()

                tick = self.tick_count
                action = sequence(tick, pressure)
                starting = sequencer.starting
                if starting:
                    sequencer.starting = False
                    self._begin(pressure)
                if action == _ACT_SAFE:
                    set_openings(valves, 0, _OUTPUT_FULL)
                    safe()
                else:
                    if action == _ACT_REGULATE:
                        # Here and not in a method: a call costs as much as the law.
                        pid = self.pid
                        schedule(valves, pressure, sample_compliance)
                        if sequencer.loop_update_due or setpoint[_DESCENDING] != self._falling:
                            self._update_loop(pressure)
                        wanted = pid.law(pid.registers, setpoint, pressure, valves)
                        drive(valves, wanted, pressure, setpoint)
                        pump_without_gain_ticks = count_pump_without_gain(
                            gained, valves, setpoint, pressure
                        )
                        if pump_without_gain_ticks or has_displacement:
                            self._watch_gain(pressure, pump_without_gain_ticks)
                    elif action == _ACT_APPROACH:
                        set_openings(valves, self._profile.approach_opening, 0)
                    elif action == _ACT_SHUT:
                        set_openings(valves, 0, 0)
                    elif action == _ACT_DUMP:
                        set_openings(valves, 0, _OUTPUT_FULL)
                    dither(valves)
                    set_valves(valves[_PUMP_COMMAND], valves[_RELEASE_COMMAND])
                    follow_compliance(sample_compliance, valves, pressure)
                # At rest nothing is recorded unless somebody watches: the ring keeps the last run
                # until a host that was lost comes back for it. The tick that ends a run, by a fault
                # too, belongs to it.
                state = sequencer.state
                active = state != _STATE_IDLE and state != _STATE_FAULT
                if (
                    active
                    or starting
                    or was_active
                    or (self.watched and not run_flags[_FLAGS] & _FLAG_HOST_LOST)
                ):
                    if active != was_active:
                        self._was_active = active
                    wait = self._record_wait
                    if wait and active:
                        self._record_wait = wait - 1
                    else:
                        if self._record_gap:
                            self._record_wait = self._record_gap
                        append_record(
                            recorded,
                            records,
                            tick,
                            pressure,
                            raw,
                            setpoint,
                            valves,
                            self.pid.registers,
                            run_flags,
                            action,
                            sequencer.step_index,
                            state,
                            inputs,
                            self.displacement_um,
                        )
                self.tick_count = tick + 1
            except Exception as failure:
                safe()
                self.failure = failure
                interlocks.latch(schema.FAULT_INTERNAL)
                sequencer.trip()
                self.tick_count += 1

        return tick

    def _tick_while_configuring(self, missed):
        """A beat within `configure`: it counts, the emergency stop holds, the rest can wait."""
        board = self.board
        board.safe()
        inputs = board.read_inputs()
        self.inputs = inputs
        if inputs & schema.INPUT_EMERGENCY_STOP:
            self.interlocks.latch(schema.FAULT_EMERGENCY_STOP)
        self.missed_ticks += missed
        self.tick_count += missed + 1

    def _check(self, inputs, missed):
        """Look at everything that may latch a fault."""
        sequencer = self.sequencer
        sampler = self.sampler
        if sampler.low_count or sampler.high_count:
            # A wire that breaks is no crack; the reading stands still meanwhile.
            self.crack_detector.restart()
        self.interlocks.check(sampler, inputs, missed, sequencer.active(), sequencer.moving())

    def _begin(self, pressure):
        """A run starts in this tick."""
        self.run_first = self.ring.next
        self._record_wait = 0
        self._record_gap = self.plan.record_every - 1
        self.crack_detector.restart()
        self.interlocks.restart_closing(self.displacement_um, pressure)
        # What the sensor can tell within a second.
        self.sample_compliance.restart(pressure, 2 * self._scaling.resolution_kpa)

    def _update_loop(self, pressure):
        """The loop takes over, changes the valve that does the work, or begins a step."""
        sequencer = self.sequencer
        pid = self.pid
        sequencer.loop_update_due = False
        locked = sequencer.pump_locked
        self.valves.pump_locked = locked
        if sequencer.bumpless_transfer_due:
            sequencer.bumpless_transfer_due = False
            pid.restart(pressure)
        self._falling = sequencer.setpoint.descending
        descending = locked or self._falling != 0
        if descending != self._descending:
            self._descending = descending
            pid.act_through(descending)
        if sequencer.step_changed:
            # After the valve is chosen: its integral is the one that takes up the difference.
            sequencer.step_changed = False
            plan = self.plan
            index = sequencer.step_index
            pid.set_gains(plan.kp[index], plan.ki[index], plan.kd[index])

    def _watch_gain(self, pressure, pump_without_gain_ticks):
        """See what comes of the pump's work; a gauge tells a die that gives way from a dry pump."""
        if self._has_displacement:
            self.interlocks.check_platens(
                self.displacement_um, pressure, pump_without_gain_ticks, self._descending
            )
        self.interlocks.check_gain(pump_without_gain_ticks)
