"""The slow checks: every tenth tick they look at what takes longer than a tick to show.

Two halves take turns. One follows where the ram is, whether oil is lost and whether the reading
lives; the other whether the release lowers the pressure, and what lamp and buzzer say.
"""

from pressloop_fw.loop.approach import note_rest
from pressloop_fw.loop.buzzer import sounds
from pressloop_fw.loop.frozen_watch import watch_frozen
from pressloop_fw.loop.leak_test import consider_test
from pressloop_fw.loop.plan import NO_STEP
from pressloop_fw.loop.pump_dead_band import follow_dead_band
from pressloop_fw.loop.pump_watch import watch_pump
from pressloop_fw.loop.registers import block_address
from pressloop_fw.loop.release_watch import watch_release
from pressloop_fw.wire import schema

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# generated: numbers of other modules; edit the lists and run `make generate`.
# wire.schema: STATE_IDLE FLAG_DWELLING
# loop.sequencer: ACT_SAFE ACT_SHUT ACT_REGULATE ACT_APPROACH ACT_DUMP
# loop.sampler: RAW LOW_LEVEL HIGH_LEVEL
# loop.setpoint: VALUE_KPA RISING
# loop.split_range: ACT_GAIN
# loop.crack_detector: NOISE LOST
# loop.flags: FLAGS
# loop.pump_dead_band: TUNED
# loop.pump_watch: STEP_TICKS
# loop.release_watch: TURN_TICKS SWEEP FED STANDS STAYS_ABOVE
# loop.force_trim: TRIM
_STATE_IDLE = const(0)
_FLAG_DWELLING = const(2)
_ACT_SAFE = const(0)
_ACT_SHUT = const(1)
_ACT_REGULATE = const(2)
_ACT_APPROACH = const(3)
_ACT_DUMP = const(4)
_RAW = const(1)
_LOW_LEVEL = const(2)
_HIGH_LEVEL = const(3)
_VALUE_KPA = const(1)
_RISING = const(4)
_ACT_GAIN = const(32)
_NOISE = const(12)
_LOST = const(3)
_FLAGS = const(1)
_TUNED = const(3)
_STEP_TICKS = const(10)
_TURN_TICKS = const(20)
_SWEEP = const(44)
_FED = const(255)
_STANDS = const(1)
_STAYS_ABOVE = const(2)
_TRIM = const(2)
# end of generated


class SlowChecks:
    """The slow checks of a controller, and what the tick asks of them."""

    def __init__(self, controller):
        self._controller = controller
        # The tick in which they are due again, and the tick from which their turns count: the start
        # of the run, so that two runs of one press are the same.
        self.due = 0
        self._from = 0
        # The step in which a leak is looked for.
        self.tested_step = NO_STEP
        # How far the platens had closed a fifth of a second ago or less, before a sudden loss of
        # force, um.
        self.still_um = schema.NO_DISPLACEMENT
        # `check(tick, pressure, action, active)`, when it is due.
        self.check = self._make_check()

    def begin_run(self, tick):
        """Count the turns from a tick, which is their first one."""
        self.due = self._from = tick

    def _make_check(self):
        """Return the checks as a function that is made like the tick, and for its reason."""
        controller = self._controller
        sequencer = controller.sequencer

        def check(
            tick,
            pressure,
            action,
            active,
            self=self,
            controller=controller,
            sequencer=sequencer,
            interlocks=controller.interlocks,
            leak_test=controller.leak_test,
            pid=controller.pid,
            has_displacement=controller.has_displacement,
            show_pressure=controller.board.show_pressure,
            sound=controller.board.sound,
            # The register blocks, and their addresses for machine code.
            sampler=controller.sampler.registers,
            setpoint=sequencer.setpoint.registers,
            cracks=controller.crack_detector.registers,
            run_flags=sequencer.run_flags.registers,
            release=controller.release_watch.registers,
            valves=controller.valves.registers,
            dead_band=controller.pump_dead_band.registers,
            sampler_at=block_address(controller.sampler.registers),
            setpoint_at=block_address(sequencer.setpoint.registers),
            cracks_at=block_address(controller.crack_detector.registers),
            run_flags_at=block_address(sequencer.run_flags.registers),
            release_at=block_address(controller.release_watch.registers),
            pump_at=block_address(controller.pump_watch.registers),
            dead_band_at=block_address(controller.pump_dead_band.registers),
            frozen_at=block_address(controller.frozen_watch.registers),
            leak_at=block_address(controller.leak_test.registers),
            approach_at=block_address(sequencer.approach.registers),
            valves_at=block_address(controller.valves.registers),
            compliance_at=block_address(controller.sample_compliance.registers),
            observer_at=block_address(controller.valve_observer.registers),
            volume_at=block_address(controller.volume_watch.registers),
            trim_at=block_address(controller.force_trim.registers),
            pid_block=controller.pid.block,
            # The checks.
            watch_pump=watch_pump,
            follow_dead_band=follow_dead_band,
            watch_release=watch_release,
            note_rest=note_rest,
            consider_test=consider_test,
            watch_frozen=watch_frozen,
            sounds=sounds,
        ):
            turn = (tick - self._from) // _STEP_TICKS * _STEP_TICKS
            self.due = self._from + turn + _STEP_TICKS
            if sampler[_LOW_LEVEL] or sampler[_HIGH_LEVEL]:
                # The reading stands still until the wire is mended; the pressure is not known.
                show_pressure(True)
                if turn % _TURN_TICKS == 0:
                    sound(sounds(sequencer.state, True, turn // _TURN_TICKS))
                return
            if action == _ACT_DUMP and self._ends_below_zero(pressure):
                interlocks.latch(schema.FAULT_ZERO_MOVED)
            regulating = action == _ACT_REGULATE
            fault = watch_pump(
                pump_at,
                pressure,
                compliance_at,
                action != _ACT_SAFE,
                release[_STANDS] and not sequencer.approaching,
                sequencer.rate_kpa_s,
                sampler_at,
                setpoint_at,
                run_flags_at,
                valves_at,
                cracks_at,
            )
            if regulating and not controller.releasing and not leak_test.running:
                follow_dead_band(
                    dead_band_at,
                    valves_at,
                    pressure,
                    tick,
                    pid_block,
                    setpoint_at,
                    run_flags_at,
                    sampler_at,
                    observer_at,
                    compliance_at,
                    cracks_at,
                    volume_at,
                )
                # The integral of a press that is not tuned is mostly the error of a dead band.
                if dead_band[_TUNED] and sequencer.hold.stands_above():
                    pid.wind_down()
            if turn % _TURN_TICKS:
                # Where the ram is, whether oil is lost, and whether the reading lives.
                approaching = action == _ACT_APPROACH
                if has_displacement:
                    self._check_platens(action, active)
                if not approaching:
                    free = action in (_ACT_SAFE, _ACT_DUMP)
                    note_rest(approach_at, pressure, _TURN_TICKS, action != _ACT_SHUT, free)
                if not active:
                    self._check_zero(action)
                if not regulating or sequencer.step_index != self.tested_step:
                    self.tested_step = sequencer.step_index
                    leak_test.restart()
                elif run_flags[_FLAGS] & _FLAG_DWELLING and not setpoint[_RISING]:
                    elastic = self._is_elastic(pressure)
                    if consider_test(leak_at, pressure, compliance_at, cracks_at, elastic):
                        leak_test.begin()
                if sequencer.leaking:
                    sequencer.leaking = False
                    interlocks.latch(schema.FAULT_LEAK)
                if active:
                    frozen = watch_frozen(frozen_at, sampler_at, cracks_at, approaching)
                    if frozen:
                        interlocks.latch(frozen)
            else:
                if has_displacement and not cracks[_LOST]:
                    self.still_um = controller.displacement_um
                shown = watch_release(
                    release_at,
                    pressure,
                    regulating,
                    controller.watches_lid and controller.has_lid_pressure(),
                    setpoint_at,
                    valves_at,
                    cracks_at,
                    trim_at,
                )
                if shown == _FED:
                    shown = self._explain_fed(pressure)
                fault = fault or shown
                if release[_STAYS_ABOVE]:
                    pid.ask_less(controller.valves.fall_of(_SWEEP), valves[_ACT_GAIN])
                elif pid.asked_less:
                    pid.ask_as_before()
                stands = release[_STANDS]
                show_pressure(stands)
                sound(sounds(sequencer.state, stands, turn // _TURN_TICKS))
            # At rest a transducer with another zero than the profile's would latch over and over.
            if fault and sequencer.state != _STATE_IDLE:
                interlocks.latch_standing(fault)

        return check

    def _explain_fed(self, pressure):
        """Return the fault of a release that passes oil and lowers no pressure."""
        controller = self._controller
        # The setpoint is a pressure of the pellet, and so is the peak.
        trim_kpa = controller.force_trim.registers[_TRIM]
        sequencer = controller.sequencer
        setpoint_kpa = max(0, sequencer.setpoint.registers[_VALUE_KPA] + trim_kpa)
        rose_kpa = sequencer.peak_kpa() + trim_kpa - setpoint_kpa
        noise = controller.crack_detector.registers[_NOISE]
        return controller.release_watch.explain_fed(pressure, rose_kpa, noise)

    def _ends_below_zero(self, pressure):
        """Return whether a run ends, or rests, too far below zero to start another.

        Only there does a slow drift of the only transducer show. A run that ends unloads the press
        for twice as long as from one call to the next. The filtered reading runs ahead while the
        press empties, so it has to be seen in the newest one, too. A rest may last for a day: there
        the noise of some readings must not look like a zero, so a mean over seconds decides, too.
        """
        controller = self._controller
        sequencer = controller.sequencer
        resting = sequencer.resting()
        if not resting and sequencer.state != schema.STATE_VENTING:
            return False
        highest_kpa = max(pressure, controller.sampler.newest_kpa)
        if resting:
            highest_kpa = max(highest_kpa, sequencer.approach.mean_kpa())
        return highest_kpa < 0 - controller.scaling.zero_band_kpa

    def _check_platens(self, action, active):
        """Check by the displacement sensor where the ram is, and whether it travels freely."""
        controller = self._controller
        watch = controller.travel_watch
        if active:
            ends = watch.check_stroke(controller.displacement_um)
            if ends:
                controller.interlocks.latch(ends)
        if action == _ACT_APPROACH:
            stands = watch.step(controller.sequencer.approach, controller.displacement_um)
            if stands:
                controller.interlocks.latch(stands)
        else:
            watch.restart()

    def _is_elastic(self, pressure):
        """Return whether only a leak explains a loss, and no second channel bounds a drift."""
        controller = self._controller
        return controller.reads_alone and controller.volume_watch.has_seen(pressure)

    def _check_zero(self, action):
        """Follow the zero of a press at rest, and end the correction of a run that is over."""
        controller = self._controller
        sequencer = controller.sequencer
        sampler = controller.sampler
        rest_zero = controller.rest_zero
        resting = action == _ACT_SAFE and not controller.valve_test.ticks
        rest_zero.step(sampler.registers[_RAW], resting and sequencer.approach.seated())
        if sequencer.state == schema.STATE_FAULT:
            rest_zero.starting = False
        if sampler.zero_shift and not rest_zero.starting:
            sampler.shift_zero(0)
