"""The control tick: sample, interlocks, sequencer, loop, valves, record, in this order.

It uses integers only, allocates nothing and waits for nothing. An exception in it would leave the
valves as they are; so the tick that the board calls turns an exception into a fault.
"""

from pressloop_fw.loop.button import Button
from pressloop_fw.loop.crack_detector import CrackDetector, detect_crack
from pressloop_fw.loop.force_trim import ForceTrim, follow_force
from pressloop_fw.loop.frozen_watch import FrozenWatch
from pressloop_fw.loop.interlocks import Interlocks
from pressloop_fw.loop.pid import Pid
from pressloop_fw.loop.plan import TICK_MS
from pressloop_fw.loop.release_watch import ReleaseWatch
from pressloop_fw.loop.sampler import Sampler, process_sample
from pressloop_fw.loop.second_channel import SecondChannel, compare_channels, shares_loss
from pressloop_fw.loop.sequencer import Sequencer
from pressloop_fw.loop.split_range import SplitRange, dither, drive, schedule, set_openings
from pressloop_fw.loop.stiffness import SampleCompliance, follow_compliance
from pressloop_fw.loop.telemetry_ring import append_record
from pressloop_fw.loop.volume_watch import VolumeWatch, watch_volume
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
# loop.split_range: PUMP_COMMAND RELEASE_COMMAND PUMP RELEASE
# loop.crack_detector: NOISE
# loop.flags: FLAGS
# loop.volume_watch: UNANSWERED HIGHEST_KPA
# loop.release_watch: STEP_TICKS
# loop.force_trim: ACTIVE SURE_TRIM
# loop.second_channel: CARRIED_KPA
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
_PUMP = const(1)
_RELEASE = const(2)
_NOISE = const(12)
_FLAGS = const(1)
_UNANSWERED = const(2)
_HIGHEST_KPA = const(1)
_STEP_TICKS = const(20)
_ACTIVE = const(1)
_SURE_TRIM = const(29)
_CARRIED_KPA = const(38)
# end of generated


class Controller:
    """Owns everything that the control tick works on."""

    def __init__(self, board, plan, ring):
        self.board = board
        self.plan = plan
        self.ring = ring
        self.sampler = Sampler()
        self.interlocks = Interlocks()
        self.crack_detector = CrackDetector()
        self.second_channel = SecondChannel()
        self.force_trim = ForceTrim(bool(board.capabilities & schema.CAP_LOAD_CELL))
        self.button = Button()
        self.sequencer = Sequencer(plan)
        self.pid = Pid()
        self.valves = SplitRange()
        self.sample_compliance = SampleCompliance()
        self.volume_watch = VolumeWatch()
        self.release_watch = ReleaseWatch()
        self.frozen_watch = FrozenWatch()
        self.tick_count = 0
        self.missed_ticks = 0
        self.inputs = 0
        # The last exception in the tick, until the foreground has printed it.
        self.failure = None
        # Sequence number of the run's first record.
        self.run_first = 0
        # How far the platens have closed, um, if there is a sensor.
        self.displacement_um = schema.NO_DISPLACEMENT
        # The same a fifth of a second ago or less, before a sudden loss of force.
        self._still_um = schema.NO_DISPLACEMENT
        # Whether a host has live telemetry on.
        self.streaming = False
        # Set while the foreground exchanges what the tick works on; see `configure`.
        self.configuring = False
        self._has_displacement = bool(board.capabilities & schema.CAP_DISPLACEMENT)
        self._has_second = bool(board.capabilities & schema.CAP_SECOND_CHANNEL)
        self._scaling = None
        self._profile = None
        # Ticks without a record between two records, and until the next one.
        self._record_gap = 0
        self._record_wait = 0
        self._was_active = False
        # Whether the release valve does the work, and whether the setpoint was descending when that
        # was decided.
        self._releasing = False
        self._setpoint_descending = 0
        # One tick of the control loop; its argument is how many ticks were missed before it.
        self.tick = self._make_tick()

    @property
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
        self.second_channel.configure(profile, scaling)
        self.valves.configure(profile, scaling)
        self.sequencer.setpoint.configure(profile.valve_lag_ms // TICK_MS)
        self.pid.set_gains(profile.kp, profile.ki, profile.kd)
        self.sequencer.approach.landing_ticks = 2 * profile.valve_lag_ms // TICK_MS
        self._profile = profile
        self._scaling = scaling
        self.interlocks.configure(profile, scaling)
        self.volume_watch.configure(profile, scaling)
        self.release_watch.configure(profile, scaling)
        self.frozen_watch.configure(scaling)
        self.force_trim.configure(profile, scaling)
        self.limit_to(scaling.pellet_limit_kpa)

    def limit_to(self, ceiling_kpa, crack_kpa=-1):
        """Set the ceiling of a run: a reading above it by more than the sensor's error trips.

        `crack_kpa` is the sudden loss of pressure that counts as a crack, -1 for the press's own.
        """
        self.configuring = True
        self.crack_detector.configure(self._profile, self._scaling, crack_kpa)
        over_kpa = ceiling_kpa + self._scaling.resolution_kpa
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
            has_displacement=self._has_displacement,
            has_second=self._has_second,
            # The board.
            read_inputs=board.read_inputs,
            read_raw=board.read_raw,
            read_second_raw=board.read_second_raw,
            read_force=board.read_force,
            set_valves=board.set_valves,
            safe=board.safe,
            # The register blocks, and the buffer of the ring.
            sampler=self.sampler.registers,
            cracks=self.crack_detector.registers,
            channels=self.second_channel.registers,
            setpoint=sequencer.setpoint.registers,
            run_flags=sequencer.run_flags.registers,
            compliance=self.sample_compliance.registers,
            valves=self.valves.registers,
            volume=self.volume_watch.registers,
            trim=self.force_trim.registers,
            ring=self.ring.registers,
            records=self.ring.buf,
            # What a record takes unless this tick regulates and unless there is a sensor.
            pid_registers=self.pid.registers,
            displacement_um=schema.NO_DISPLACEMENT,
            # The steps of the loop.
            process_sample=process_sample,
            compare_channels=compare_channels,
            shares_loss=shares_loss,
            detect_crack=detect_crack,
            sequence=sequencer.step,
            schedule=schedule,
            drive=drive,
            set_openings=set_openings,
            watch_volume=watch_volume,
            follow_force=follow_force,
            dither=dither,
            follow_compliance=follow_compliance,
            append_record=append_record,
        ):
            try:
                if self.configuring:
                    self._tick_while_configuring(missed)
                    return
                inputs = read_inputs()
                self.inputs = inputs
                raw = read_raw()
                pressure = pellet = process_sample(sampler, raw)
                if trim[_ACTIVE]:
                    pellet = follow_force(
                        trim, read_force(), pressure, setpoint, sampler, run_flags
                    )
                    channels[_CARRIED_KPA] = trim[_SURE_TRIM]
                if has_displacement:
                    displacement_um = self.board.read_displacement()
                    self.displacement_um = displacement_um
                if missed:
                    self.missed_ticks += missed
                    self.tick_count += missed
                # In nearly all ticks no input is set, no tick was missed and no reading is unusual.
                if inputs or missed or sampler[_ALERT]:
                    self._check_interlocks(inputs, missed)
                was_active = self._was_active
                if has_second:
                    fault = compare_channels(channels, sampler, read_second_raw(), was_active)
                    if fault:
                        interlocks.latch(fault)
                if was_active:
                    fault = detect_crack(cracks, sampler, valves)
                    if fault and shares_loss(channels):
                        interlocks.latch_loss(fault, self.displacement_um, self._still_um)
                    if sequencer.approaching and sequencer.approach_expired():
                        interlocks.latch(schema.FAULT_NO_CONTACT)
                if interlocks.fault:
                    sequencer.trip()

                tick = self.tick_count
                action = sequence(tick, pellet)
                starting = sequencer.starting
                if starting:
                    sequencer.starting = False
                    self._begin_run(pressure)
                if action == _ACT_SAFE:
                    set_openings(valves, 0, _OUTPUT_FULL)
                    safe()
                else:
                    if action == _ACT_REGULATE:
                        # Here and not in a method: a call costs as much as the law.
                        pid = self.pid
                        pid_registers = pid.registers
                        schedule(valves, pressure, compliance)
                        if (
                            sequencer.loop_update_due
                            or setpoint[_DESCENDING] != self._setpoint_descending
                        ):
                            self._update_loop(pressure, pellet)
                        wanted = pid.law(pid_registers, setpoint, pellet, valves)
                        drive(valves, wanted, pressure, setpoint)
                        answer = watch_volume(
                            volume, wanted, pressure, setpoint, valves, compliance, cracks
                        )
                        if answer == _UNANSWERED or has_displacement:
                            self._check_volume(pressure, answer)
                    elif action == _ACT_APPROACH:
                        set_openings(valves, self._profile.approach_opening, 0)
                        # What comes next may be another sample.
                        volume[_HIGHEST_KPA] = 0
                    elif action == _ACT_SHUT:
                        set_openings(valves, 0, 0)
                    elif action == _ACT_DUMP:
                        set_openings(valves, 0, _OUTPUT_FULL)
                    dither(valves)
                    set_valves(valves[_PUMP_COMMAND], valves[_RELEASE_COMMAND])
                    follow_compliance(compliance, valves, pressure)
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
                    wait = self._record_wait
                    if wait and active:
                        self._record_wait = wait - 1
                    else:
                        if self._record_gap:
                            self._record_wait = self._record_gap
                        append_record(
                            ring,
                            records,
                            tick,
                            pellet,
                            raw,
                            setpoint,
                            valves,
                            pid_registers,
                            run_flags,
                            action,
                            sequencer.step_index,
                            state,
                            inputs,
                            displacement_um,
                        )
                if tick % _STEP_TICKS == 0:
                    self._check_slowly(pressure, action)
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
        moving = sequencer.moving() or (
            self.release_watch.stands and sequencer.state != _STATE_IDLE
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

        A run that ends already goes on so: a second press does not dump the pressure.
        """
        sequencer = self.sequencer
        if sequencer.pending.start or sequencer.active():
            self.button.use()
            sequencer.pending.request_end(schema.END_ABORTED)

    def _check_slowly(self, pressure, action):
        """Check every twentieth tick what takes longer than a tick to show; show the pressure."""
        if not self.crack_detector.losing:
            self._still_um = self.displacement_um
        sampler = self.sampler
        if sampler.low_level or sampler.high_level:
            # The reading stands still until the wire is mended; the pressure is not known.
            self.board.show_pressure(True)
            return
        valves = self.valves.registers
        noise = self.crack_detector.registers[_NOISE]
        regulating = action == _ACT_REGULATE
        fault = self.release_watch.step(
            pressure,
            action == _ACT_APPROACH or (regulating and valves[_PUMP] > 0),
            action in (_ACT_SAFE, _ACT_DUMP),
            self.sequencer.setpoint.value_kpa if regulating and valves[_RELEASE] else -1,
            noise,
        )
        sequencer = self.sequencer
        if sequencer.leaking:
            sequencer.leaking = False
            self.interlocks.latch(schema.FAULT_LEAK)
        if sequencer.active():
            frozen = self.frozen_watch.step(sampler, action == _ACT_APPROACH, noise)
            if frozen:
                self.interlocks.latch(frozen)
        # At rest a transducer with another zero than the profile says would latch over and over.
        if fault and sequencer.state != _STATE_IDLE:
            self.interlocks.latch_standing(fault)
        self.board.show_pressure(self.release_watch.stands)

    def _begin_run(self, pressure):
        """Prepare records, crack detector, interlocks and compliance for a run from this tick."""
        self.run_first = self.ring.next
        self._record_wait = 0
        self._record_gap = self.plan.record_every - 1
        self.crack_detector.restart()
        self.second_channel.restart()
        self.interlocks.restart_closing(self.displacement_um, pressure)
        self.volume_watch.highest_kpa = 0
        # The slowest slope to learn from is what the sensor resolves within a second.
        self.sample_compliance.restart(pressure, 2 * self._scaling.resolution_kpa)

    def _update_loop(self, pressure, pellet):
        """Take over from manual openings, change the valve that works, or change the gains."""
        sequencer = self.sequencer
        pid = self.pid
        sequencer.loop_update_due = False
        locked = sequencer.pump_locked
        self.valves.pump_locked = locked
        if sequencer.bumpless_transfer_due:
            sequencer.bumpless_transfer_due = False
            pid.restart(pellet)
            self.volume_watch.restart(pressure)
        self._setpoint_descending = sequencer.setpoint.descending
        releasing = locked or self._setpoint_descending != 0
        if releasing != self._releasing:
            self._releasing = releasing
            pid.act_through(releasing)
        if sequencer.step_changed:
            # After the choice of the valve: its integral takes up the difference of the gains.
            sequencer.step_changed = False
            plan = self.plan
            index = sequencer.step_index
            pid.set_gains(plan.kp[index], plan.ki[index], plan.kd[index])

    def _check_volume(self, pressure, answer):
        """Check what the pump achieves.

        Only a displacement sensor shows whether the die yields or the pump delivers nothing.
        """
        if self._has_displacement:
            self.interlocks.check_platens(
                self.displacement_um,
                pressure,
                answer,
                self._releasing,
                self.sequencer.setpoint.rising,
            )
        self.interlocks.check_volume(answer)
