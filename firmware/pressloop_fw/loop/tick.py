"""The control tick: sample, interlocks, sequencer, loop, valves, record, in this order.

It uses integers only, allocates nothing and waits for nothing. An exception in it would leave the
valves as they are; so the tick that the board calls turns an exception into a fault.
"""

from pressloop_fw.loop.approach import watch_approach
from pressloop_fw.loop.button import Button
from pressloop_fw.loop.crack_detector import CrackDetector, detect_crack
from pressloop_fw.loop.force_trim import ForceTrim, follow_force
from pressloop_fw.loop.frozen_watch import FrozenWatch
from pressloop_fw.loop.interlocks import Interlocks
from pressloop_fw.loop.leak_test import LeakTest
from pressloop_fw.loop.observer import ValveObserver, predict
from pressloop_fw.loop.pid import Pid
from pressloop_fw.loop.plan import TICK_MS
from pressloop_fw.loop.pump_dead_band import PumpDeadBand
from pressloop_fw.loop.pump_watch import PumpWatch
from pressloop_fw.loop.registers import block_address
from pressloop_fw.loop.release_watch import ReleaseWatch
from pressloop_fw.loop.rest_zero import RestZero
from pressloop_fw.loop.sampler import Sampler, process_sample
from pressloop_fw.loop.second_channel import SecondChannel, compare_channels, shares_loss
from pressloop_fw.loop.sequencer import Sequencer
from pressloop_fw.loop.slow_checks import SlowChecks
from pressloop_fw.loop.split_range import (
    SplitRange,
    dither,
    drive,
    release_root_q8,
    schedule,
    set_openings,
)
from pressloop_fw.loop.stiffness import SampleCompliance, follow_compliance
from pressloop_fw.loop.telemetry_ring import append_record
from pressloop_fw.loop.travel_watch import TravelWatch
from pressloop_fw.loop.valve_test import ValveTest
from pressloop_fw.loop.volume_watch import VolumeWatch, clears_doubt, follow_loss, watch_volume
from pressloop_fw.wire import schema

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# generated: numbers of other modules; edit the lists and run `make generate`.
# wire.schema: OUTPUT_FULL STATE_IDLE STATE_FAULT FLAG_HOST_LOST FLAG_DWELLING
# loop.approach: EXPIRED AT_SEAT OPENING
# loop.sequencer: ACT_SAFE ACT_SHUT ACT_REGULATE ACT_APPROACH ACT_DUMP
# loop.sampler: ALERT REGULATING
# loop.split_range: COMMAND_BITS CHOSEN_DESCENDING PUMP RELEASE ACT_GAIN
# loop.crack_detector: NOISE
# loop.flags: FLAGS
# loop.volume_watch: ANSWERED UNANSWERED HIGHEST_KPA RETURNING
# loop.hold: PREPARE_LAGS
# loop.force_trim: ACTIVE
_OUTPUT_FULL = const(32767)
_STATE_IDLE = const(0)
_STATE_FAULT = const(5)
_FLAG_HOST_LOST = const(32)
_FLAG_DWELLING = const(2)
_EXPIRED = const(1)
_AT_SEAT = const(2)
_OPENING = const(1)
_ACT_SAFE = const(0)
_ACT_SHUT = const(1)
_ACT_REGULATE = const(2)
_ACT_APPROACH = const(3)
_ACT_DUMP = const(4)
_ALERT = const(15)
_REGULATING = const(21)
_COMMAND_BITS = const(15)
_CHOSEN_DESCENDING = const(34)
_PUMP = const(1)
_RELEASE = const(2)
_ACT_GAIN = const(32)
_NOISE = const(12)
_FLAGS = const(1)
_ANSWERED = const(0)
_UNANSWERED = const(2)
_HIGHEST_KPA = const(1)
_RETURNING = const(33)
_PREPARE_LAGS = const(3)
_ACTIVE = const(1)
# end of generated


class Controller:
    """Owns everything that the control tick works on."""

    def __init__(self, board, plan, ring):
        self.board = board
        self.plan = plan
        self.ring = ring
        self.sampler = Sampler()
        self.interlocks = Interlocks(bool(board.capabilities & schema.CAP_DEADMAN))
        self.crack_detector = CrackDetector()
        self.second_channel = SecondChannel()
        self.force_trim = ForceTrim(bool(board.capabilities & schema.CAP_LOAD_CELL))
        self.button = Button()
        self.sequencer = Sequencer(plan)
        self.pid = Pid()
        self.valves = SplitRange()
        self.sample_compliance = SampleCompliance()
        self.valve_observer = ValveObserver()
        self.volume_watch = VolumeWatch()
        self.release_watch = ReleaseWatch()
        self.pump_watch = PumpWatch()
        self.frozen_watch = FrozenWatch()
        self.valve_test = ValveTest()
        self.travel_watch = TravelWatch()
        self.leak_test = LeakTest()
        self.rest_zero = RestZero()
        self.pump_dead_band = PumpDeadBand(self.valves.registers, self.volume_watch.registers)
        self.tick_count = 0
        self.missed_ticks = 0
        self.inputs = 0
        # The last exception in the tick, until the foreground has printed it.
        self.failure = None
        # Sequence number of the run's first record.
        self.run_first = 0
        # How far the platens have closed, um, if there is a sensor.
        self.displacement_um = schema.NO_DISPLACEMENT
        # Whether a host has live telemetry on.
        self.streaming = False
        # Set while the foreground exchanges what the tick works on; see `configure`.
        self.configuring = False
        self.has_displacement = bool(board.capabilities & schema.CAP_DISPLACEMENT)
        self._has_second = bool(board.capabilities & schema.CAP_SECOND_CHANNEL)
        self.scaling = None
        self._profile = None
        # Whether no second channel is compared with the first.
        self.reads_alone = True
        # Whether a switch shows pressure under the lid of a vessel.
        self.watches_lid = False
        # Ticks without a record between two records, and how many are left until the next one.
        self._record_gap = 0
        self._record_wait = 0
        self._was_active = False
        self._run_flags = self.sequencer.run_flags.registers
        # Whether the release valve does the work.
        self.releasing = False
        self.slow_checks = SlowChecks(self)
        # One tick of the control loop; its argument is how many ticks were missed before it.
        self.tick = self._make_tick()

    def pellet_kpa(self):
        """What the loop controls: the pellet's pressure where that is known, else the oil's."""
        return self.sampler.pressure_kpa - self.force_trim.trim_kpa

    def configure(self, profile, scaling):
        """Take over a profile and a die. Only while no run is in progress.

        The tick is a hard interrupt and may come between any two of these lines. While
        `configuring` is set it keeps the outputs safe and judges nothing. Interrupts stay enabled,
        because a garbage collection in here takes longer than a tick. After an exception
        `configuring` stays set: no run starts on half a profile.
        """
        self.configuring = True
        self.sampler.configure(profile, scaling)
        self.second_channel.configure(profile, scaling, self.sampler.registers)
        self.valves.configure(profile, scaling)
        lag_ticks = profile.valve_lag_ms // TICK_MS
        self.sequencer.setpoint.configure(lag_ticks)
        self.sequencer.hold.prepare_ticks = _PREPARE_LAGS * lag_ticks
        self.valve_observer.configure(profile, scaling)
        self.pump_dead_band.configure(profile, scaling)
        self.sample_compliance.configure(profile)
        self.pid.configure(scaling)
        self.pid.set_gains(profile.kp, profile.ki, profile.kd)
        self.reads_alone = not self.second_channel.compares
        guarded = self.second_channel.compares or self.has_displacement
        approach = self.sequencer.approach
        approach.configure(profile, scaling, guarded)
        approach.hold_to_run = self._holds_to_run(profile, guarded)
        self.travel_watch.configure(profile)
        self.leak_test.configure(profile, scaling)
        self.rest_zero.configure(profile, scaling)
        self._profile = profile
        self.scaling = scaling
        self.watches_lid = profile.lid_switch and self.board.capabilities & schema.CAP_LID_SWITCH
        if self.watches_lid:
            scaling.lid_pressure = self.has_lid_pressure
        self.interlocks.configure(profile, scaling)
        self.volume_watch.configure(profile, scaling, self.second_channel.compares)
        self.release_watch.configure(profile, scaling)
        self.pump_watch.configure(profile, scaling)
        self.frozen_watch.configure(scaling)
        self.force_trim.configure(profile, scaling)
        self.limit_to(scaling.pellet_limit_kpa)

    def _holds_to_run(self, profile, guarded):
        """Return whether the ram approaches only while a person holds the button.

        A vessel has no ram, and a simulated press has nothing that could hurt a hand.
        """
        vessel = schema.PROFILE_LID_SWITCH in profile.values
        absent = not guarded and not self.board.simulated and not vessel
        return profile.values.get(schema.PROFILE_HOLD_TO_RUN, absent)

    def correct_zero(self):
        """Correct the readings by what they show at rest, for the run that starts now.

        Called by the foreground, before it requests the start.
        """
        self.rest_zero.starting = True
        self.sampler.shift_zero(self.rest_zero.measure())

    def has_lid_pressure(self):
        """Whether the switch of a vessel shows pressure under its lid."""
        return self.inputs & schema.INPUT_VESSEL_PRESSURE

    def take_law(self, pid):
        """Put another law in the place of ours, for a comparison, before the tick is in use."""
        self.pid = pid
        self.tick = self._make_tick()

    def limit_to(self, ceiling_kpa, crack_kpa=-1):
        """Set the ceiling of a run: a reading above it by more than the sensor's error trips.

        `crack_kpa` is the sudden loss of pressure that counts as a crack, -1 for the press's own.
        """
        self.configuring = True
        self.crack_detector.configure(self._profile, self.scaling, crack_kpa)
        over_kpa = ceiling_kpa + self.scaling.resolution_kpa
        self.interlocks.limit_to(over_kpa)
        self.sampler.alert_above(over_kpa)
        self.second_channel.limit_to(ceiling_kpa)
        self.configuring = False

    def _make_tick(self):
        """Return the tick as a function that gets all it works on as defaults of its arguments.

        Looking one of them up in every tick, as an attribute or as a name of the module, costs the
        chip as much as ten lines of arithmetic.
        """
        board = self.board
        sequencer = self.sequencer

        def tick(
            missed=0,
            self=self,
            sequencer=sequencer,
            interlocks=self.interlocks,
            has_displacement=self.has_displacement,
            has_second=self._has_second,
            valve_test=self.valve_test,
            # The board.
            read_inputs=board.read_inputs,
            read_raw=board.read_raw,
            read_second_raw=board.read_second_raw,
            read_force=board.read_force,
            set_valves=board.set_valves,
            dump=board.dump,
            safe=board.safe,
            # The register blocks, and the buffer of the ring.
            sampler=self.sampler.registers,
            cracks=self.crack_detector.registers,
            setpoint=sequencer.setpoint.registers,
            run_flags=sequencer.run_flags.registers,
            compliance=block_address(self.sample_compliance.registers),
            volume=self.volume_watch.registers,
            trim=self.force_trim.registers,
            observer=block_address(self.valve_observer.registers),
            approach=sequencer.approach.registers,
            ring=block_address(self.ring.registers),
            records=block_address(self.ring.buf),
            # The same blocks for machine code, which takes an address faster than a block.
            sampler_at=block_address(self.sampler.registers),
            cracks_at=block_address(self.crack_detector.registers),
            channels_at=block_address(self.second_channel.registers),
            setpoint_at=block_address(sequencer.setpoint.registers),
            run_flags_at=block_address(sequencer.run_flags.registers),
            valves_at=block_address(self.valves.registers),
            volume_at=block_address(self.volume_watch.registers),
            trim_at=block_address(self.force_trim.registers),
            approach_at=block_address(sequencer.approach.registers),
            pid_block=self.pid.block,
            # What a record takes unless there is a sensor.
            displacement_um=schema.NO_DISPLACEMENT,
            # The steps of the loop.
            process_sample=process_sample,
            compare_channels=compare_channels,
            shares_loss=shares_loss,
            detect_crack=detect_crack,
            watch_approach=watch_approach,
            sequence=sequencer.step,
            schedule=schedule,
            law=self.pid.law,
            drive=drive,
            release_root_q8=release_root_q8,
            set_openings=set_openings,
            follow_loss=follow_loss,
            watch_volume=watch_volume,
            clears_doubt=clears_doubt,
            follow_force=follow_force,
            predict=predict,
            leak_test=self.leak_test,
            dither=dither,
            follow_compliance=follow_compliance,
            append_record=append_record,
            slow_checks=self.slow_checks,
            check_slowly=self.slow_checks.check,
        ):
            try:
                if self.configuring:
                    self._tick_while_configuring(missed)
                    return
                inputs = read_inputs()
                self.inputs = inputs
                raw = read_raw()
                pressure = pellet = process_sample(sampler_at, raw)
                if trim[_ACTIVE]:
                    pellet = follow_force(
                        trim_at,
                        read_force(),
                        pressure,
                        setpoint_at,
                        sampler_at,
                        run_flags_at,
                        channels_at,
                    )
                if has_displacement:
                    displacement_um = self.board.read_displacement()
                    self.displacement_um = displacement_um
                if missed:
                    self.missed_ticks += missed
                    self.tick_count += missed
                    # Over the ticks that are missing any pressure falls or rises further.
                    self.crack_detector.restart()
                    self.pump_watch.forget()
                # In nearly all ticks no input is set, no tick was missed and no reading is unusual.
                if inputs or missed or sampler[_ALERT]:
                    self._check_interlocks(inputs, missed)
                was_active = self._was_active
                if has_second:
                    fault = compare_channels(channels_at, sampler_at, read_second_raw(), was_active)
                    if fault:
                        interlocks.latch(fault)
                if was_active:
                    fault = detect_crack(cracks_at, sampler_at, valves_at)
                    if fault and shares_loss(channels_at):
                        interlocks.latch_loss(fault, self.displacement_um, slow_checks.still_um)
                    if sequencer.approaching:
                        ends = watch_approach(approach_at, inputs)
                        if ends == _EXPIRED:
                            interlocks.latch(schema.FAULT_NO_CONTACT)
                        if ends == _AT_SEAT:
                            interlocks.latch(schema.FAULT_NO_PRESSURE_GAIN)
                if interlocks.fault:
                    sequencer.trip()

                tick = self.tick_count
                action = sequence(tick, pellet)
                starting = sequencer.starting
                if starting:
                    sequencer.starting = False
                    self._begin_run(pressure)
                if action == _ACT_SAFE:
                    sampler[_REGULATING] = 0
                    if not valve_test.ticks or not self._test_valves(pressure):
                        set_openings(valves_at, 0, _OUTPUT_FULL)
                        safe()
                else:
                    if action == _ACT_REGULATE:
                        # Here and not in a method: a call costs as much as the law.
                        turns = schedule(
                            valves_at, pressure, compliance, release_root_q8, setpoint_at
                        )
                        if turns or sequencer.loop_update_due:
                            self._update_loop(pressure, pellet)
                        # A hold or a run that ends in a test ends the test, too.
                        if leak_test.running and sequencer.step_index == slow_checks.tested_step:
                            # The integral stands still; the fall of a leak is no crack.
                            set_openings(valves_at, 0, 0)
                            self.crack_detector.restart()
                            fault = leak_test.step(pressure, cracks[_NOISE])
                            if fault:
                                interlocks.latch(fault)
                            elif leak_test.has_fallen():
                                sequencer.return_to_target(pellet)
                                volume[_RETURNING] = 1
                        else:
                            wanted = law(pid_block, setpoint_at, pellet, valves_at)
                            drive(valves_at, wanted, pressure, setpoint_at, release_root_q8)
                            wanted = follow_loss(
                                volume_at, wanted, pressure, setpoint_at, valves_at
                            )
                            answer = watch_volume(
                                volume_at,
                                wanted,
                                pressure,
                                setpoint_at,
                                valves_at,
                                compliance,
                                cracks_at,
                            )
                            if answer and clears_doubt(volume_at, valves_at, cracks_at):
                                answer = _ANSWERED
                            if answer or has_displacement:
                                self._check_volume(pressure, answer)
                    elif action == _ACT_APPROACH:
                        set_openings(valves_at, approach[_OPENING], 0)
                        # What comes next may be another sample.
                        volume[_HIGHEST_KPA] = 0
                    elif action == _ACT_SHUT:
                        set_openings(valves_at, 0, 0)
                    elif action == _ACT_DUMP:
                        set_openings(valves_at, 0, _OUTPUT_FULL)
                    predict(observer, sampler_at, valves_at, action)
                    commands = dither(valves_at)
                    if action == _ACT_DUMP:
                        dump()
                    else:
                        set_valves(commands & _OUTPUT_FULL, commands >> _COMMAND_BITS)
                    follow_compliance(compliance, valves_at, pressure, observer)
                # Between runs nothing is recorded without live telemetry: the ring keeps the last
                # run until a host that was lost comes back for it. The tick that ends a run, also
                # by a fault, belongs to the run.
                state = sequencer.state
                active = state != _STATE_IDLE and state != _STATE_FAULT
                if (
                    active
                    or starting
                    or was_active
                    or (self.streaming and not run_flags[_FLAGS] & _FLAG_HOST_LOST)
                ):
                    if active != was_active:
                        self._was_active = active
                    if not self._record_gap or self._is_kept(active):
                        append_record(
                            ring,
                            records,
                            tick,
                            pellet,
                            raw,
                            setpoint_at,
                            valves_at,
                            pid_block,
                            run_flags_at,
                            action,
                            sequencer.step_index,
                            state,
                            inputs,
                            displacement_um,
                        )
                if tick >= slow_checks.due:
                    check_slowly(tick, pressure, action, active)
                if interlocks.fault and state != _STATE_FAULT:
                    # What latches after the sequencer ends the run in this tick, too.
                    sequencer.trip()
                    safe()
                self.tick_count = tick + 1
            except Exception as failure:
                safe()
                self.failure = failure
                interlocks.latch(schema.FAULT_INTERNAL)
                sequencer.trip()
                self.tick_count += 1

        return tick

    def _tick_while_configuring(self, missed):
        """Tick during `configure`: keep outputs safe, obey the emergency stop, count it."""
        board = self.board
        board.safe()
        inputs = board.read_inputs()
        self.inputs = inputs
        if inputs & schema.INPUT_EMERGENCY_STOP:
            self.interlocks.latch(schema.FAULT_EMERGENCY_STOP)
        if inputs & schema.INPUT_BUTTON:
            self.button.hold(self.tick_count + missed, missed)
        self.missed_ticks += missed
        self.tick_count += missed + 1

    def _check_interlocks(self, inputs, missed):
        """Check everything that may latch a fault, except the pressure gain."""
        sequencer = self.sequencer
        sampler = self.sampler
        if sampler.low_level or sampler.high_level:
            # A broken wire is not a crack; the filtered reading stays constant meanwhile.
            self.crack_detector.restart()
        # Pressure moves things, too, as at a prompt before which the release got stuck.
        moving = (
            sequencer.moving()
            or self.valve_test.ticks > 0
            or (self.release_watch.stands and sequencer.state != _STATE_IDLE)
        )
        force_trim = self.force_trim
        self.interlocks.check(
            sampler,
            force_trim.highest_kpa(sampler.newest_kpa),
            inputs,
            missed,
            self.tick_count,
            sequencer.active(),
            moving,
        )
        if force_trim.far() and sequencer.active():
            self.interlocks.latch(schema.FAULT_LOAD_CELL)
        if inputs & schema.INPUT_BUTTON and self.button.hold(self.tick_count, missed):
            self._end_by_button()

    def _end_by_button(self):
        """End a run with a controlled release, as an abort does; at rest the press is only noted.

        A run that ends already goes on so: a second press does not dump the pressure. Where an
        approach goes on only while the button is held, a press of it is no wish to end.
        """
        sequencer = self.sequencer
        if sequencer.state == schema.STATE_RUNNING and (
            sequencer.approaching and sequencer.approach.hold_to_run
        ):
            self.button.use()
        elif self.valve_test.ticks:
            self.button.use()
            self.valve_test.stop_by_button()
        elif sequencer.pending.start or sequencer.active():
            self.button.use()
            sequencer.pending.request_end(schema.END_ABORTED)

    def _test_valves(self, pressure):
        """Let a test of the valves go on for a tick; return whether it does."""
        test = self.valve_test
        if self.interlocks.fault or self.sequencer.state != _STATE_IDLE:
            test.stop()
            return False
        if not test.step(pressure, self.scaling.contact_kpa):
            return False
        valves = self.valves.registers
        set_openings(valves, test.pump_opening(), test.release)
        self.board.set_valves(valves[_PUMP], valves[_RELEASE])
        return True

    def _begin_run(self, pressure):
        """Prepare records, crack detector, interlocks and compliance for a run from this tick."""
        self.rest_zero.begin_run()
        self.run_first = self.ring.next
        self.slow_checks.begin_run(self.tick_count)
        self._record_gap = self.plan.record_every - 1
        self._record_wait = 0
        self.crack_detector.restart()
        self.pid.forget()
        self.pump_dead_band.begin_run(self.tick_count)
        self.second_channel.restart()
        self.interlocks.restart_closing(self.displacement_um, pressure)
        self.volume_watch.highest_kpa = 0
        # The slowest slope to learn from is what the sensor resolves within a second.
        self.sample_compliance.restart(pressure, 2 * self.scaling.resolution_kpa)

    def _is_kept(self, active):
        """Return whether a run that keeps only some of its records keeps that of this tick.

        The tick that ends the run keeps its record in any case.
        """
        if active and self._record_wait:
            self._record_wait -= 1
            return False
        self._record_wait = self._record_gap
        return True

    def _update_loop(self, pressure, pellet):
        """Take over from manual openings, change the valve that works, or change the gains."""
        sequencer = self.sequencer
        pid = self.pid
        sequencer.loop_update_due = False
        locked = sequencer.pump_locked
        self.valves.pump_locked = locked
        begins_ramp = self._begins_ramp()
        if not self.releasing and (locked or begins_ramp):
            # Before the choice of the valve: the integral is that of the pump.
            self.pump_dead_band.hand_over(pressure, pid)
        if sequencer.bumpless_transfer_due:
            sequencer.bumpless_transfer_due = False
            pid.restart(pellet)
            self.volume_watch.restart(pressure)
        descending = sequencer.setpoint.descending
        self.valves.registers[_CHOSEN_DESCENDING] = descending
        releasing = locked or descending != 0
        if releasing != self.releasing:
            self.releasing = releasing
            pid.act_through(releasing)
            self.valves.through_release = releasing
            if releasing:
                self.pump_dead_band.descend()
            compliance = self.sample_compliance.registers
            schedule(
                self.valves.registers,
                pressure,
                compliance,
                release_root_q8,
                sequencer.setpoint.registers,
            )
        if sequencer.step_changed:
            # After the choice of the valve: its integral takes up the difference of the gains.
            sequencer.step_changed = False
            plan = self.plan
            index = sequencer.step_index
            gain = self.valves.registers[_ACT_GAIN]
            pid.set_gains(plan.kp[index], plan.ki[index], plan.kd[index], gain)
            self.valves.fit_gap(plan.kp[index])
            if begins_ramp:
                self.volume_watch.begin_ramp()

    def _begins_ramp(self):
        """Return whether a ramp begins in this tick."""
        sequencer = self.sequencer
        return sequencer.step_changed and self.plan.kind[sequencer.step_index] == schema.STEP_RAMP

    def _check_volume(self, pressure, answer):
        """Check what the pump achieves.

        Only a displacement sensor shows whether the die yields or the pump delivers nothing.
        """
        if self.has_displacement:
            self.interlocks.check_platens(
                self.displacement_um,
                pressure,
                answer,
                self.releasing,
                self.sequencer.setpoint.rising,
            )
        if answer == _UNANSWERED and self._run_flags[_FLAGS] & _FLAG_DWELLING:
            # With the pump shut, the reading shows whether oil is lost.
            self.leak_test.decide()
        else:
            self.interlocks.check_volume(answer)
