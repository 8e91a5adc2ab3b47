"""Which step is active, what it wants of the valves, and when it ends.

The tick calls `step()`. The foreground only leaves wishes, so no command ever meets a half-changed
state. What a step is made of has modules of its own: the approach, the hold, the wishes, the watch
on the host, the results.
"""

from pressloop_fw.loop import host_watchdog
from pressloop_fw.loop.approach import CLOSING, LANDED, Approach
from pressloop_fw.loop.flags import RunFlags
from pressloop_fw.loop.hold import ENDED, SHUT, TIMED_OUT, Hold, dwell_tick
from pressloop_fw.loop.host_watchdog import HostWatchdog, check_host
from pressloop_fw.loop.pending_commands import PendingCommands
from pressloop_fw.loop.plan import NO_STEP
from pressloop_fw.loop.setpoint import RISE, SetpointGenerator, advance_setpoint
from pressloop_fw.loop.step_results import StepResults, count_tick
from pressloop_fw.loop.unloaded import UnloadedDetector
from pressloop_fw.wire import schema
from pressloop_fw.wire.schema import STATE_PAUSED, STATE_PROMPTING

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# generated: numbers of other modules; edit the lists and run `make generate`.
# wire.schema: STATE_IDLE STATE_RUNNING STEP_HOLD FLAG_DWELLING
# loop.flags: FLAGS
_STATE_IDLE = const(0)
_STATE_RUNNING = const(1)
_STEP_HOLD = const(2)
_FLAG_DWELLING = const(2)
_FLAGS = const(1)
# end of generated


# What the sequencer wants of the valves in this tick.
ACT_SAFE = const(0)  # outputs de-energised
ACT_SHUT = const(1)  # both valves closed: the oil is locked in
ACT_REGULATE = const(2)  # closed loop on the setpoint
ACT_APPROACH = const(3)  # pump at the approach opening
ACT_DUMP = const(4)  # release fully open


class Sequencer:
    """Walks through a committed plan."""

    def __init__(self, plan):
        self.plan = plan
        self.pending = PendingCommands()
        run_flags = self.run_flags = RunFlags()
        self.host = HostWatchdog(run_flags)
        self.setpoint = SetpointGenerator()
        self.approach = Approach()
        self.unloaded = UnloadedDetector()
        results = self.results = StepResults()
        self.hold = Hold(plan, results, run_flags)
        # What every tick of a step looks at, without the way to it.
        self._kind = plan.kind
        self._counts = results.registers
        self._flags = run_flags.registers
        self._moving = self.setpoint.registers
        self._hold = self.hold.registers
        self._heard = self.host.registers

        self.state = schema.STATE_IDLE
        self.step_index = NO_STEP
        # Of the ramp before: what a sealed hold goes back to its target with.
        self._rate_kpa_s = 0
        self.action = ACT_SAFE
        self.pump_locked = False
        self.end_reason = schema.END_NONE
        self.approaching = False
        # Raised in the tick that takes up the wish to start, until the loop has seen it.
        self.starting = False
        # Raised when the loop must take over from manual valve positions, until it has.
        self.bumpless_transfer_due = False
        # Raised when a step begins, until the loop has its gains.
        self.step_changed = False
        # Raised with either, and when the pump is locked or free again: the loop looks only then.
        self.loop_update_due = False

        # Ticks in a prompt.
        self.wait_ticks = 0
        self._dumping = False
        self._pending_end = schema.END_NONE

    # --- asked by everybody

    def active(self):
        """Whether a run is in progress."""
        return self.state != schema.STATE_IDLE and self.state != schema.STATE_FAULT

    def moving(self):
        """Whether the press can move or is under pressure, or is about to be."""
        if self.pending.start or self.pending.confirm != NO_STEP:
            return True
        if self.state == schema.STATE_PROMPTING:
            return self.action != ACT_SAFE
        return self.active()

    # --- the tick

    def step(
        self,
        tick,
        pressure_kpa,
        check_host=check_host,
        dwell_tick=dwell_tick,
        count_tick=count_tick,
        advance_setpoint=advance_setpoint,
        rise=RISE,
    ):
        """Advance by one tick; return what is wanted of the valves, ACT_*.

        The arguments after the pressure are what every tick would look up.
        """
        if self.pending.any:
            self._serve_wishes(tick, pressure_kpa)
        if check_host(self._heard):
            self._watch_host(pressure_kpa)
        state = self.state
        if state == _STATE_IDLE:
            return ACT_SAFE
        index = self.step_index
        counts = self._counts
        if state == _STATE_RUNNING and self._kind[index] == _STEP_HOLD:
            # Nearly all ticks of a hold go the short way.
            if dwell_tick(self._hold, counts, index, pressure_kpa):
                action = self.action
                if action == ACT_SHUT:
                    self.hold.watch(pressure_kpa)
                return action
            self._flags[_FLAGS] &= ~_FLAG_DWELLING
            count_tick(counts, index, pressure_kpa)
            self._hold_step(tick, pressure_kpa)
            return self.action
        flags = self._flags
        if flags[_FLAGS] & _FLAG_DWELLING:
            # The tick before was the last one of a hold.
            flags[_FLAGS] &= ~_FLAG_DWELLING
        if state == _STATE_RUNNING:
            count_tick(counts, index, pressure_kpa)
            if self.approaching:
                self._approach_step(pressure_kpa)
            elif advance_setpoint(self._moving, rise):
                self._arrive(tick, pressure_kpa)
            elif self.action != ACT_REGULATE:
                self._regulate()
        elif state == STATE_PROMPTING:
            count_tick(counts, index, pressure_kpa)
            self.wait_ticks += 1
            if self.wait_ticks >= self.plan.timeout_ticks[index]:
                self.vent(schema.END_PROMPT_TIMEOUT, pressure_kpa)
        elif state == STATE_PAUSED:
            self.results.note_pressure(index, pressure_kpa)
        elif state == schema.STATE_VENTING:
            self._vent_step(pressure_kpa)
        else:
            self.action = ACT_SAFE
        return self.action

    def trip(self):
        """Stop everything because a fault has latched."""
        self.starting = False
        if self.active() or self.pending.start:
            # A run that was promised but never began has ended, too.
            self._leave_step(schema.OUTCOME_CUT)
            self.end_reason = schema.END_FAULT
        elif self.state == schema.STATE_FAULT:
            return
        self._stop(schema.STATE_FAULT)

    def clear(self):
        """Back to idle after a fault, from the foreground."""
        if self.state != schema.STATE_FAULT:
            self._stop(schema.STATE_IDLE)
            return
        # The tick that tripped has stopped everything; the status word is the tick's to change.
        self.pending.clear()
        self.state = schema.STATE_IDLE

    def vent(self, reason, pressure_kpa):
        """End the run for a reason: come down at the vent rate, then rest."""
        if self.step_index != NO_STEP:
            self._leave_step(schema.OUTCOME_CUT)
        if self.action == ACT_SAFE:
            # Waiting at rest, the guard perhaps open: there is nothing to release.
            self.end_reason = reason
            self._stop(schema.STATE_IDLE)
            return
        self.state = schema.STATE_VENTING
        self._pending_end = reason
        self._dumping = False
        self.unloaded.restart()
        self.pump_locked = True
        self.loop_update_due = True
        self._close_in(False)
        self.hold.leave()
        self._stand_on(pressure_kpa)
        self.setpoint.ramp(0, self.plan.vent_rate_kpa_s)
        self._regulate()

    # --- wishes

    def request_start(self):
        """Wish for a new run, from the foreground."""
        self.end_reason = schema.END_NONE
        self.results.reset()
        self.pending.request_start()

    def _serve_wishes(self, tick, pressure_kpa):
        pending = self.pending
        pending.any = False
        if pending.start:
            pending.start = False
            self.starting = True
            if self.state == schema.STATE_IDLE and self.plan.committed:
                self._pending_end = schema.END_NONE
                self.host.restart()
                self.setpoint.jump(0)
                self._rate_kpa_s = self.plan.vent_rate_kpa_s
                self.state = schema.STATE_RUNNING
                self._enter(0, tick, pressure_kpa)
        if pending.end:
            reason = pending.end
            pending.end = schema.END_NONE
            # The run may have begun to vent by itself since the wish: that is no second abort.
            if self.active() and self.state != schema.STATE_VENTING:
                self.vent(reason, pressure_kpa)
        if pending.dump:
            pending.dump = False
            if self.state == schema.STATE_VENTING:
                self._dumping = True
        if pending.pause:
            pending.pause = False
            if self.state == schema.STATE_RUNNING:
                self._pause(pressure_kpa)
        if pending.resume:
            pending.resume = False
            if self.state == schema.STATE_PAUSED:
                self.state = schema.STATE_RUNNING
        if pending.confirm != NO_STEP:
            step = pending.confirm
            pending.confirm = NO_STEP
            if self.state == schema.STATE_PROMPTING and step == self.step_index:
                self._next(tick, pressure_kpa, schema.OUTCOME_DONE)
        if pending.advance != NO_STEP:
            step = pending.advance
            pending.advance = NO_STEP
            if self.state == schema.STATE_RUNNING and step == self.step_index:
                opened = self.plan.open[step]
                outcome = schema.OUTCOME_DONE if opened else schema.OUTCOME_ADVANCED
                self.results.dwell_end[step] = schema.DWELL_OPERATOR
                self._next(tick, pressure_kpa, outcome)

    def _pause(self, pressure_kpa):
        self.state = schema.STATE_PAUSED
        self.setpoint.halt()
        if self.approaching or self.action == ACT_DUMP:
            # Nothing to regulate: stop where the ram is.
            self.action = ACT_SHUT
        elif self.hold.interrupt():
            # Nobody tops up in a pause: keep the pressure with the loop, as it is.
            self._return(pressure_kpa)
            self.setpoint.halt()
            self._regulate()

    # --- host loss

    def _watch_host(self, pressure_kpa):
        running = self.active() and self.state != schema.STATE_VENTING
        verdict = self.host.judge(running)
        if verdict == host_watchdog.NOTHING:
            return
        action = self.plan.host_loss
        if verdict == host_watchdog.LOST_TOO_LONG or action == schema.HOST_LOSS_VENT:
            self.vent(schema.END_HOST_LOST, pressure_kpa)
        elif action == schema.HOST_LOSS_HOLD and self.state == schema.STATE_RUNNING:
            self._pause(pressure_kpa)

    # --- steps

    def _enter(self, index, tick, pressure_kpa):
        plan = self.plan
        self.step_index = index
        self.step_changed = True
        self.loop_update_due = True
        self.results.begin(index, tick, pressure_kpa)
        self.hold.restart()
        self.unloaded.restart()
        self.wait_ticks = 0
        self._dumping = False
        self._close_in(False)
        kind = plan.kind[index]
        target = plan.target_kpa[index]
        sealed = self.action == ACT_SHUT
        if sealed:
            # Go on from where the pressure has come to in a sealed hold.
            self._stand_on(pressure_kpa)
        # With nothing to reach, a sensor that reads a little less than zero would start the pump.
        self.pump_locked = kind == schema.STEP_RELEASE or target == 0
        if kind == schema.STEP_PROMPT:
            self.state = schema.STATE_PROMPTING
            # The ramp before may have arrived in this very tick: its rate ends here.
            self.setpoint.halt()
            if self.setpoint.value_kpa == 0:
                self.action = ACT_SAFE
            else:
                self._regulate()
            return
        self.state = schema.STATE_RUNNING
        if kind == schema.STEP_HOLD:
            if sealed:
                self.setpoint.ramp(target, self._rate_kpa_s)
            else:
                self.setpoint.jump(target)
            self._regulate()
            return
        contact = plan.scaling.contact_kpa
        if (
            kind == schema.STEP_RAMP
            and target > contact
            and pressure_kpa < contact
            and self.setpoint.value_kpa < contact
        ):
            self._close_in(True)
            self.approach.restart()
            self.setpoint.target_kpa = target
            self.action = ACT_APPROACH
            return
        self._ramp(index)

    def _approach_step(self, pressure_kpa):
        progress = self.approach.step(pressure_kpa >= self.plan.scaling.contact_kpa)
        if progress != LANDED:
            self.action = ACT_APPROACH if progress == CLOSING else ACT_SHUT
            return
        index = self.step_index
        self._close_in(False)
        self.setpoint.jump(min(pressure_kpa, self.plan.target_kpa[index]))
        self._ramp(index)

    def _ramp(self, index):
        """Set out for a step's target at its rate, from where the setpoint is."""
        self._rate_kpa_s = self.plan.rate_kpa_s[index]
        self.setpoint.ramp(self.plan.target_kpa[index], self._rate_kpa_s)
        self._regulate()

    def _close_in(self, approaching):
        """Begin an approach, or be done with it."""
        self.approaching = approaching
        self.run_flags.write(schema.FLAG_APPROACHING, approaching)

    def approach_expired(self):
        """Whether the ram should have met the sample long ago."""
        return self.approaching and self.approach.expired(self.plan.profile.approach_timeout_ms)

    def _arrive(self, tick, pressure_kpa):
        """The setpoint of a ramp stands on its target."""
        if self.setpoint.target_kpa == 0:
            # The last bit is not worth a loop: open fully until the gauge shows nothing. A prompt
            # may follow at which the guard is free.
            self.action = ACT_DUMP
            if not self.unloaded.step(self.plan.scaling, pressure_kpa):
                return
        self._next(tick, pressure_kpa, schema.OUTCOME_DONE)

    def _hold_step(self, tick, pressure_kpa):
        at_setpoint = self.setpoint.arrived() or advance_setpoint(self.setpoint.registers, RISE)
        wanted = self.hold.step(self.step_index, pressure_kpa, at_setpoint)
        if wanted == SHUT:
            self.action = ACT_SHUT
        elif wanted == ENDED:
            self._next(tick, pressure_kpa, schema.OUTCOME_DONE)
        elif wanted == TIMED_OUT:
            self.vent(schema.END_HOLD_TIMEOUT, pressure_kpa)
        else:
            if self.action == ACT_SHUT:
                self._return(pressure_kpa)
            self._regulate()

    def _return(self, pressure_kpa):
        """Go back to the target of a sealed hold at the rate of the ramp before.

        To ask for the target at once would open the pump fully: 6 MPa too much at 250.
        """
        self._stand_on(pressure_kpa)
        self.setpoint.ramp(self.plan.target_kpa[self.step_index], self._rate_kpa_s)

    def _stand_on(self, pressure_kpa):
        """Put the setpoint on the reading: the loop then has nothing to make up at once."""
        self.setpoint.jump(max(0, min(pressure_kpa, self.plan.ceiling_kpa)))

    def _next(self, tick, pressure_kpa, outcome):
        following = self.step_index + 1
        self._leave_step(outcome)
        if following < self.plan.count:
            self._enter(following, tick, pressure_kpa)
        else:
            self.vent(schema.END_COMPLETED, pressure_kpa)

    def _leave_step(self, outcome):
        if self.step_index != NO_STEP:
            self.results.outcome[self.step_index] = outcome
            if (
                outcome == schema.OUTCOME_CUT
                and self.plan.kind[self.step_index] == schema.STEP_HOLD
            ):
                self.results.dwell_end[self.step_index] = schema.DWELL_RUN
            self.step_index = NO_STEP
            # A step can be over in the tick that entered it.
            self.step_changed = False

    # --- venting and rest

    def _vent_step(self, pressure_kpa):
        arrived = advance_setpoint(self.setpoint.registers, RISE)
        if arrived or self._dumping:
            self.action = ACT_DUMP
            if self.unloaded.step(self.plan.scaling, pressure_kpa):
                self.end_reason = self._pending_end
                self._stop(schema.STATE_IDLE)
            return
        self._regulate()

    def _regulate(self):
        if self.action != ACT_REGULATE:
            self.action = ACT_REGULATE
            self.bumpless_transfer_due = True
            self.loop_update_due = True

    def _stop(self, state):
        self.state = state
        self.step_index = NO_STEP
        self.action = ACT_SAFE
        self.pump_locked = False
        self.loop_update_due = True
        self._close_in(False)
        self.hold.leave()
        self.setpoint.jump(0)
        self.pending.clear()
