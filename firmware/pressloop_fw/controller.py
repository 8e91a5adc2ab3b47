"""The tick: sample, interlocks, sequencer, loop, valves, record, in this order.

Integers only, nothing allocates, nothing waits. An exception here would leave valves where they
are, so the board calls `tick()`, which turns one into a fault.
"""

from pressloop_fw import schema
from pressloop_fw.interlocks import Interlocks
from pressloop_fw.pid import Pid
from pressloop_fw.plan import TICK_MS
from pressloop_fw.sampler import Sampler
from pressloop_fw.sequencer import (
    ACT_APPROACH,
    ACT_DUMP,
    ACT_REGULATE,
    ACT_SAFE,
    ACT_SHUT,
    Sequencer,
)
from pressloop_fw.split_range import SplitRange
from pressloop_fw.stiffness import Softness


class Controller:
    """Owns everything that the control tick touches."""

    def __init__(self, board, plan, ring):
        self.board = board
        self.plan = plan
        self.ring = ring
        self.sampler = Sampler()
        self.interlocks = Interlocks()
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
        self._gauged = bool(board.capabilities & schema.CAP_DISPLACEMENT)
        self._scaling = None
        self._profile = None
        self._record_wait = 0
        self._was_active = False
        self._over_kpa = 0
        self._press_over_kpa = 0
        self._gain_window_ticks = 0

    @property
    def state(self):
        """What the press is doing, schema.STATE_*."""
        return self.sequencer.state

    def configure(self, profile, scaling):
        """Take over a profile and a die. Only at rest."""
        self.sampler.configure(profile, scaling)
        self.valves.configure(profile, scaling)
        self.sequencer.setpoint.configure(profile.valve_lag_ms // TICK_MS)
        self.pid.set_gains(profile.kp, profile.ki, profile.kd)
        self.sequencer.landing_ticks = 2 * profile.valve_lag_ms // TICK_MS
        self._gain_window_ticks = profile.no_gain_window_ms // TICK_MS
        self._press_over_kpa = scaling.pellet_limit_kpa + scaling.resolution_kpa
        self._over_kpa = self._press_over_kpa
        self._profile = profile
        self._scaling = scaling

    def limit_to(self, ceiling_kpa):
        """Trip above this reading in a run: its ceiling and what the sensor may be wrong by."""
        self._over_kpa = ceiling_kpa + self._scaling.resolution_kpa

    def tick(self):
        """One beat of the control loop."""
        try:
            self._tick()
        except Exception as failure:
            self.board.safe()
            self.failure = failure
            self.interlocks.latch(schema.FAULT_INTERNAL)
            self.sequencer.trip()
            self.tick_count += 1

    def _tick(self):
        board = self.board
        missed = board.take_missed_ticks()
        if missed:
            self.missed_ticks += missed
            self.tick_count += missed
        sampler = self.sampler
        inputs = board.read_inputs()
        self.inputs = inputs
        sampler.step(board.read_raw())
        if self._gauged:
            self.displacement_um = board.read_displacement()
        pressure = sampler.pressure_kpa
        sequencer = self.sequencer
        interlocks = self.interlocks

        interlocks.check_always(sampler, inputs)
        if sequencer.active():
            interlocks.check_beat(missed)
            # The reading before the filter, which can be seconds late.
            interlocks.check_pressure(sampler.newest_kpa, self._over_kpa)
        elif self._scaling is not None:
            # A plan's ceiling binds its run: at rest a low one would latch again and again.
            interlocks.check_pressure(sampler.newest_kpa, self._press_over_kpa)
        if sequencer.moving():
            interlocks.check_guard(inputs)
        if sequencer.approach_expired():
            interlocks.latch(schema.FAULT_NO_CONTACT)
        if interlocks.fault != schema.FAULT_NONE:
            sequencer.trip()

        starting = sequencer.want_start
        sequencer.step(self.tick_count, pressure)
        if starting:
            self.run_first = self.ring.next
            self._record_wait = 0
            # What the sensor can tell within a second.
            self.softness.restart(pressure, 2 * self._scaling.resolution_kpa)
        self._act(pressure)
        # At rest nothing is recorded unless somebody watches: the ring keeps the last run until a
        # host that was lost comes back for it. The tick that ends a run, by a fault too, belongs
        # to it.
        was_active = self._was_active
        self._was_active = sequencer.active()
        if starting or was_active or self._was_active or (self.watched and not sequencer.host_lost):
            self._record(inputs)
        self.tick_count += 1

    def _act(self, pressure):
        sequencer = self.sequencer
        valves = self.valves
        action = sequencer.action
        if action == ACT_SAFE:
            valves.dump()
            self.board.safe()
            return
        if action == ACT_REGULATE:
            self._regulate(pressure)
        elif action == ACT_APPROACH:
            valves.pump_at(self._profile.approach_opening)
        elif action == ACT_SHUT:
            valves.shut()
        elif action == ACT_DUMP:
            valves.dump()
        dither = valves.dither()
        self.board.set_pump(_dithered(valves.pump, dither))
        self.board.set_release(_dithered(valves.release, dither))
        self.softness.step(valves.pumping(), valves.curve_gain, pressure)

    def _regulate(self, pressure):
        sequencer = self.sequencer
        valves = self.valves
        pid = self.pid
        setpoint = sequencer.setpoint
        value = setpoint.value_kpa
        valves.schedule(pressure, self.softness.value)
        if sequencer.take_over:
            pid.restart(pressure)
        locked = sequencer.pump_locked
        high = valves.rise_kpa_s
        descending = locked or setpoint.descending
        pid.act_through(descending)
        if sequencer.new_step:
            # After the valve is chosen: its integral is the one that takes up the difference.
            plan = self.plan
            index = sequencer.step_index
            pid.set_gains(plan.kp[index], plan.ki[index], plan.kd[index])
        wanted = pid.step(value, pressure, setpoint.lead_kpa_s, -valves.fall_kpa_s, high)
        valves.drive(wanted, pressure, locked, descending)
        self.interlocks.check_gain(
            valves.pumping(),
            pressure,
            value - pressure,
            self._scaling.resolution_kpa,
            self._gain_window_ticks,
        )

    def _record(self, inputs):
        sequencer = self.sequencer
        if self._record_wait > 0 and sequencer.active():
            self._record_wait -= 1
            return
        self._record_wait = self.plan.record_every - 1
        flags = 0
        if sequencer.in_band:
            flags |= schema.FLAG_IN_BAND
        if sequencer.dwelling:
            flags |= schema.FLAG_DWELLING
        if sequencer.approaching:
            flags |= schema.FLAG_APPROACHING
        if sequencer.action == ACT_REGULATE and self.pid.saturated:
            flags |= schema.FLAG_SATURATED
        if sequencer.sealed:
            flags |= schema.FLAG_SEALED
        if sequencer.host_lost:
            flags |= schema.FLAG_HOST_LOST
        if sequencer.topping_up:
            flags |= schema.FLAG_TOPPING_UP
        if self._gauged:
            self.ring.gauge(self.displacement_um)
        sampler = self.sampler
        self.ring.record(
            self.tick_count,
            sampler.pressure_kpa,
            sequencer.setpoint.value_kpa,
            self.valves.output(),
            sampler.raw,
            sequencer.step_index,
            sequencer.state,
            flags,
            inputs,
        )


def _dithered(opening, dither):
    if opening == 0 or opening == schema.OUTPUT_FULL:
        return opening
    opening += dither
    if opening < 0:
        return 0
    return opening if opening < schema.OUTPUT_FULL else schema.OUTPUT_FULL
