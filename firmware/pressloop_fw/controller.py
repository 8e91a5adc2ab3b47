"""The tick: sample, interlocks, sequencer, loop, valves, record, in this order.

Integers only, nothing allocates, nothing waits. An exception here would leave valves where they
are, so the board calls `tick()`, which turns one into a fault.
"""

from pressloop_fw import schema
from pressloop_fw.crack import CrackWatch, loss
from pressloop_fw.interlocks import Interlocks, fruitless
from pressloop_fw.pid import Pid
from pressloop_fw.plan import TICK_MS
from pressloop_fw.sampler import Sampler, take
from pressloop_fw.sequencer import Sequencer
from pressloop_fw.split_range import SplitRange, dither, drive, put, schedule
from pressloop_fw.stiffness import Softness, follow
from pressloop_fw.telemetry import append

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.plain import const

# Constants of other modules, as the tick uses them: a name of another module is looked up each
# time, which costs the chip 160 cycles, one of this module is a number. A test compares them.
_ACT_SAFE = const(0)
_ACT_SHUT = const(1)
_ACT_REGULATE = const(2)
_ACT_APPROACH = const(3)
_ACT_DUMP = const(4)
_ALERT = const(15)
_DESCENDING = const(3)
_PUMP_COMMAND = const(7)
_RELEASE_COMMAND = const(8)
_OUTPUT_FULL = const(32767)
_STATE_IDLE = const(0)
_STATE_FAULT = const(5)
_FLAG_HOST_LOST = const(32)
_PUMP_LOCKED = const(29)
_FLAGS = const(1)


class Controller:
    """Owns everything that the control tick touches."""

    def __init__(self, board, plan, ring):
        self.board = board
        self.plan = plan
        self.ring = ring
        self.sampler = Sampler()
        self.interlocks = Interlocks()
        self.crack_watch = CrackWatch()
        self.sequencer = Sequencer(plan)
        self.pid = Pid()
        self.valves = SplitRange()
        self.softness = Softness()
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
        self._gauged = bool(board.capabilities & schema.CAP_DISPLACEMENT)
        self._scaling = None
        self._profile = None
        self._record_wait = 0
        self._was_active = False
        # Whether the release does the work, and whether the setpoint is on its way down.
        self._descending = False
        self._falling = 0
        # What the steps of the loop work on.
        self._sampled = self.sampler.words
        self._setpoint = self.sequencer.setpoint.words
        self._valves = self.valves.words
        self._shown = self.sequencer.status.words
        self._softness = self.softness.words
        self._cracks = self.crack_watch.words
        self._gained = self.interlocks.words
        self._recorded = ring.words
        self._records = ring.buf

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
        self.crack_watch.configure(self._profile, self._scaling, crack_kpa)
        over_kpa = ceiling_kpa + self._scaling.resolution_kpa
        self.interlocks.limit_to(over_kpa)
        self.sampler.alert_above(over_kpa)
        self.held = False

    def tick(
        self,
        missed=0,
        take=take,
        loss=loss,
        schedule=schedule,
        drive=drive,
        fruitless=fruitless,
        dither=dither,
        follow=follow,
        append=append,
    ):
        """One beat of the control loop; `missed` is how many beats were lost before it.

        The other arguments are the steps of the loop, at hand without being looked up.
        """
        try:
            if self.held:
                self._rest(missed)
                return
            board = self.board
            sequencer = self.sequencer
            inputs = board.read_inputs()
            self.inputs = inputs
            raw = board.read_raw()
            sampled = self._sampled
            pressure = take(sampled, raw)
            if self._gauged:
                self.displacement_um = board.read_displacement()
            if missed:
                self.missed_ticks += missed
                self.tick_count += missed
            # Nothing is pressed, open, out of range or too high in nearly all ticks.
            if inputs or missed or sampled[_ALERT]:
                self._check(inputs, missed)
            valves = self._valves
            was_active = self._was_active
            if was_active:
                fault = loss(self._cracks, sampled, valves)
                if fault:
                    self.interlocks.latch(fault)
            if sequencer.approaching and sequencer.approach_expired():
                self.interlocks.latch(schema.FAULT_NO_CONTACT)
            if self.interlocks.fault:
                sequencer.trip()

            tick = self.tick_count
            action = sequencer.step(tick, pressure)
            starting = sequencer.starting
            if starting:
                sequencer.starting = False
                self._begin(pressure)
            if action == _ACT_SAFE:
                put(valves, 0, _OUTPUT_FULL)
                board.safe()
            else:
                if action == _ACT_REGULATE:
                    # Here and not in a method: a call costs as much as the law.
                    setpoint = self._setpoint
                    pid = self.pid
                    schedule(valves, pressure, self._softness)
                    if sequencer.news or setpoint[_DESCENDING] != self._falling:
                        self._take_up(pressure)
                    wanted = pid.law(pid.words, setpoint, pressure, valves)
                    drive(valves, wanted, pressure, setpoint)
                    fruitless_ticks = fruitless(self._gained, valves, setpoint, pressure)
                    if fruitless_ticks or self._gauged:
                        self._watch_gain(pressure, fruitless_ticks)
                elif action == _ACT_APPROACH:
                    put(valves, self._profile.approach_opening, 0)
                elif action == _ACT_SHUT:
                    put(valves, 0, 0)
                elif action == _ACT_DUMP:
                    put(valves, 0, _OUTPUT_FULL)
                dither(valves)
                board.set_valves(valves[_PUMP_COMMAND], valves[_RELEASE_COMMAND])
                follow(self._softness, valves, pressure)
            # At rest nothing is recorded unless somebody watches: the ring keeps the last run until
            # a host that was lost comes back for it. The tick that ends a run, by a fault too,
            # belongs to it.
            state = sequencer.state
            active = state != _STATE_IDLE and state != _STATE_FAULT
            if (
                active
                or starting
                or was_active
                or (self.watched and not self._shown[_FLAGS] & _FLAG_HOST_LOST)
            ):
                if active != was_active:
                    self._was_active = active
                if active and self._record_wait > 0:
                    self._record_wait -= 1
                else:
                    self._record_wait = self.plan.record_every - 1
                    append(
                        self._recorded,
                        self._records,
                        tick,
                        pressure,
                        raw,
                        self._setpoint,
                        valves,
                        self.pid.words,
                        self._shown,
                        action,
                        sequencer.step_index,
                        state,
                        inputs,
                        self.displacement_um,
                    )
            self.tick_count = tick + 1
        except Exception as failure:
            self.board.safe()
            self.failure = failure
            self.interlocks.latch(schema.FAULT_INTERNAL)
            self.sequencer.trip()
            self.tick_count += 1

    def _rest(self, missed):
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
            self.crack_watch.restart()
        self.interlocks.check(sampler, inputs, missed, sequencer.active(), sequencer.moving())

    def _begin(self, pressure):
        """A run starts in this tick."""
        self.run_first = self.ring.next
        self._record_wait = 0
        self.crack_watch.restart()
        self.interlocks.restart_closing(self.displacement_um, pressure)
        # What the sensor can tell within a second.
        self.softness.restart(pressure, 2 * self._scaling.resolution_kpa)

    def _take_up(self, pressure):
        """The loop takes over, changes the valve that does the work, or begins a step."""
        sequencer = self.sequencer
        pid = self.pid
        sequencer.news = False
        locked = sequencer.pump_locked
        self._valves[_PUMP_LOCKED] = locked
        if sequencer.take_over:
            sequencer.take_over = False
            pid.restart(pressure)
        self._falling = self._setpoint[_DESCENDING]
        descending = locked or self._falling != 0
        if descending != self._descending:
            self._descending = descending
            pid.act_through(descending)
        if sequencer.new_step:
            # After the valve is chosen: its integral is the one that takes up the difference.
            sequencer.new_step = False
            plan = self.plan
            index = sequencer.step_index
            pid.set_gains(plan.kp[index], plan.ki[index], plan.kd[index])

    def _watch_gain(self, pressure, fruitless_ticks):
        """See what comes of the pump's work; a gauge tells a die that gives way from a dry pump."""
        if self._gauged:
            self.interlocks.check_platens(
                self.displacement_um, pressure, fruitless_ticks, self._descending
            )
        self.interlocks.check_gain(fruitless_ticks)
