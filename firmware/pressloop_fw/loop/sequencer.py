"""The state machine of a run: which step is active, what it does with the valves, when it ends.

The tick calls `step()`. The foreground only posts requests (`pending_commands.py`), so that no
command meets a half-changed state. The parts of a step have their own modules: the approach, the
hold, the setpoint, the results; `host_loss.py` says what a run does without its host.
"""

from pressloop_fw.loop.approach import CLOSING, LANDED, Approach, close_press
from pressloop_fw.loop.flags import RunFlags
from pressloop_fw.loop.hold import ENDED, LEAKING, SHUT, TIMED_OUT, Hold, dwell_tick
from pressloop_fw.loop.host_loss import respond_to_host_loss
from pressloop_fw.loop.host_watchdog import HostWatchdog, check_host
from pressloop_fw.loop.pending_commands import PendingCommands
from pressloop_fw.loop.plan import NO_STEP
from pressloop_fw.loop.registers import block_address
from pressloop_fw.loop.setpoint import ARRIVED, RISE, SetpointGenerator, advance_setpoint
from pressloop_fw.loop.step_results import StepResults, count_tick
from pressloop_fw.loop.unloaded import UnloadedDetector
from pressloop_fw.wire import schema

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# generated: numbers of other modules; edit the lists and run `make generate`.
# wire.schema: STATE_IDLE STATE_RUNNING STATE_PAUSED STATE_PROMPTING STATE_VENTING STATE_FAULT
# wire.schema: STEP_HOLD STEP_REST FLAG_DWELLING
# loop.flags: FLAGS
_STATE_IDLE = const(0)
_STATE_RUNNING = const(1)
_STATE_PAUSED = const(2)
_STATE_PROMPTING = const(3)
_STATE_VENTING = const(4)
_STATE_FAULT = const(5)
_STEP_HOLD = const(2)
_STEP_REST = const(5)
_FLAG_DWELLING = const(2)
_FLAGS = const(1)
# end of generated

# A hold begins at most this fraction of a second before the ramp would be over at its rate.
_EARLIEST_PER_S = const(4)
# A slow ramp is in band for longer than that. Behind it a hold may begin a tenth of its dwell
# earlier, up to 10 s, but no further from the target than a 256th of it, as a wide tolerance is no
# reason to count what is not pressed as asked. Half of the transducer's error stays between the
# reading and the edge of the band.
_EARLY_SHARE = const(10)
_MAX_EARLY_TICKS = const(1000)
_EARLY_SHIFT = const(8)

# What the sequencer wants of the valves in a tick.
ACT_SAFE = const(0)  # outputs de-energised
ACT_SHUT = const(1)  # both valves closed: the oil is locked in
ACT_REGULATE = const(2)  # closed loop on the setpoint
ACT_APPROACH = const(3)  # pump at the approach opening
ACT_DUMP = const(4)  # release fully open


class Sequencer:
    """Walks through the steps of a committed plan."""

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
        self._kind = plan.kind
        self._flag_registers = run_flags.registers

        self.state = schema.STATE_IDLE
        self.step_index = NO_STEP
        # Rate of the last ramp or release: a sealed hold goes back to its target with it.
        self.rate_kpa_s = 0
        self.action = ACT_SAFE
        self.pump_locked = False
        self.end_reason = schema.END_NONE
        self.approaching = False
        # Set in the tick that takes up a start request, until the loop has seen it.
        self.starting = False
        # Set when the loop must take over from manual valve positions, until it has.
        self.bumpless_transfer_due = False
        # Set when a step begins, until the loop has its gains.
        self.step_changed = False
        # Set with each of these two and with each change of `pump_locked`: the loop looks at the
        # three only then.
        self.loop_update_due = False
        # Set by a sealed hold that leaks, until the tick has seen it.
        self.leaking = False
        # Whether a vent is to open the release fully at once.
        self.dumping = False
        # Set with a vent until its first tick: the tick before may have been the last of a hold.
        self.vent_begins = False

        # Ticks in a prompt.
        self.wait_ticks = 0
        self._pending_end = schema.END_NONE
        # One tick: `step(tick, pressure_kpa)` returns what the valves are to do, ACT_*.
        self.step = self._make_step()

    # --- asked by the tick and the foreground

    def active(self):
        """Whether a run is in progress."""
        state = self.state
        return state != _STATE_IDLE and state != _STATE_FAULT

    def moving(self):
        """Whether the press can move or is under pressure, or is about to be."""
        if self.pending.start or self.pending.confirm != NO_STEP:
            return True
        if self.state == schema.STATE_PROMPTING:
            return self.action != ACT_SAFE
        return self.active()

    def resting(self):
        """Whether a rest is in progress, paused or not."""
        index = self.step_index
        return index != NO_STEP and self._kind[index] == _STEP_REST

    def peak_kpa(self):
        """Return the highest pressure of the step in progress, 0 without one."""
        index = self.step_index
        return 0 if index == NO_STEP else self.results.peak[index]

    # --- the tick

    def _make_step(self):
        """Return the step as a function that gets all it works on as defaults of its arguments.

        `Controller._make_tick` says why.
        """

        def step(
            tick,
            pressure_kpa,
            self=self,
            pending=self.pending,
            kind=self.plan.kind,
            flags=self.run_flags.registers,
            # The register blocks, for machine code.
            flags_at=block_address(self.run_flags.registers),
            counts=block_address(self.results.registers),
            setpoint=block_address(self.setpoint.registers),
            hold=block_address(self.hold.registers),
            host=block_address(self.host.registers),
            approach=block_address(self.approach.registers),
            rise=block_address(RISE),
            # The steps of the parts.
            check_host=check_host,
            dwell_tick=dwell_tick,
            count_tick=count_tick,
            close_press=close_press,
            advance_setpoint=advance_setpoint,
        ):
            """Advance by one tick; return what the valves are to do, ACT_*."""
            if pending.any:
                pending.serve(self, tick, pressure_kpa)
            if check_host(host):
                respond_to_host_loss(self, pressure_kpa)
            state = self.state
            if state == _STATE_IDLE:
                return ACT_SAFE
            index = self.step_index
            if state == _STATE_RUNNING:
                if kind[index] == _STEP_HOLD:
                    # Nearly all ticks of a hold are steady ones, which cost one function.
                    if dwell_tick(hold, counts, index, pressure_kpa, setpoint):
                        action = self.action
                        if action == ACT_SHUT:
                            self.hold.watch(pressure_kpa)
                        return action
                    count_tick(counts, index, pressure_kpa, flags_at)
                    self._hold_step(tick, pressure_kpa)
                    return self.action
                count_tick(counts, index, pressure_kpa, flags_at)
                if self.approaching:
                    action = self.action
                    if action == ACT_APPROACH and close_press(approach, pressure_kpa):
                        return action
                    self._approach_step(pressure_kpa)
                    return self.action
                progress = advance_setpoint(setpoint, rise)
                if progress:
                    self._arrive(tick, pressure_kpa, progress)
                    return self.action
                action = self.action
                if action == ACT_REGULATE:
                    return action
                self._regulate()
            elif state == _STATE_VENTING:
                if self.vent_begins:
                    self.vent_begins = False
                    flags[_FLAGS] &= ~_FLAG_DWELLING
                progress = advance_setpoint(setpoint, rise)
                if progress == ARRIVED or self.dumping:
                    self._dump_step(pressure_kpa)
                    return self.action
                action = self.action
                if action == ACT_REGULATE:
                    return action
                self._regulate()
            else:
                # The tick before may have been the last one of a hold.
                flags[_FLAGS] &= ~_FLAG_DWELLING
                if state == _STATE_PROMPTING:
                    count_tick(counts, index, pressure_kpa, flags_at)
                    self.wait_ticks += 1
                    if self.wait_ticks >= self.plan.timeout_ticks[index]:
                        self.vent(schema.END_PROMPT_TIMEOUT, pressure_kpa)
                elif state == _STATE_PAUSED:
                    self.results.note_pressure(index, pressure_kpa)
                else:
                    self.action = ACT_SAFE
            return self.action

        return step

    # --- changes of the state

    def begin_run(self, tick, pressure_kpa):
        """Start the committed plan, if the press is idle."""
        self.starting = True
        if self.state != schema.STATE_IDLE or not self.plan.committed:
            return
        self._pending_end = schema.END_NONE
        self.host.restart()
        self.setpoint.jump(0)
        self.rate_kpa_s = self.plan.vent_rate_kpa_s
        self.approach.forget_sample()
        self.state = schema.STATE_RUNNING
        self._enter(0, tick, pressure_kpa)

    def pause(self, pressure_kpa):
        """Stop the run where it is: setpoint and dwell clock stand still."""
        self.state = schema.STATE_PAUSED
        self.setpoint.halt()
        if self.resting():
            # The release stays open: locked-in oil could only come under pressure.
            return
        if self.approaching or self.action == ACT_DUMP:
            # Nothing to regulate: stop where the ram is.
            self.action = ACT_SHUT
        elif self.hold.interrupt():
            # A pause has no top-ups: the loop keeps the pressure as it is.
            self.return_to_target(pressure_kpa)
            self.setpoint.halt()
            self._regulate()

    def vent(self, reason, pressure_kpa):
        """End the run for a reason, END_*: release at the plan's vent rate until unloaded."""
        if self.step_index != NO_STEP:
            self._leave_step(schema.OUTCOME_CUT)
        if self.action == ACT_SAFE:
            # The press waits unloaded, perhaps with the guard open: there is nothing to release.
            self.end_reason = reason
            self._stop(schema.STATE_IDLE)
            return
        self.state = schema.STATE_VENTING
        self.vent_begins = True
        self._pending_end = reason
        self.dumping = False
        self.unloaded.restart()
        self.pump_locked = True
        self.loop_update_due = True
        self._set_approaching(False)
        self.hold.leave()
        self._jump_to_reading(pressure_kpa)
        self.setpoint.ramp(0, self.plan.vent_rate_kpa_s)
        self._regulate()

    def trip(self):
        """Stop everything because a fault has latched."""
        self.starting = False
        if self.active() or self.pending.start:
            # A run that was accepted but has not begun yet ends as well.
            self._leave_step(schema.OUTCOME_CUT)
            self.end_reason = schema.END_FAULT
        elif self.state == schema.STATE_FAULT:
            return
        self._stop(schema.STATE_FAULT)

    def clear(self):
        """Go back to idle after a fault. Called by the foreground."""
        if self.state != schema.STATE_FAULT:
            self._stop(schema.STATE_IDLE)
            return
        # The tick that tripped has stopped everything, and only the tick may write the run flags.
        self.pending.clear()
        self.state = schema.STATE_IDLE

    def prepare_start(self):
        """Forget the run before; takes longer than a tick. Called by the foreground."""
        self.end_reason = schema.END_NONE
        self.results.reset()
        self.pending.clear()

    def request_start(self):
        """Request a new run, which is prepared. Called by the foreground."""
        self.pending.request_start()

    # --- the order of the steps

    def finish_step(self, tick, pressure_kpa, outcome):
        """Leave the step with an outcome and enter the next one; vent after the last."""
        following = self.step_index + 1
        self._leave_step(outcome)
        if following < self.plan.count:
            self._enter(following, tick, pressure_kpa)
        else:
            self.vent(schema.END_COMPLETED, pressure_kpa)

    def _enter(self, index, tick, pressure_kpa):
        plan = self.plan
        self.step_index = index
        self.step_changed = True
        self.loop_update_due = True
        self.results.begin(index, tick, pressure_kpa)
        self.hold.restart()
        kind = plan.kind[index]
        if kind != _STEP_REST or self.action != ACT_DUMP:
            # A rest goes on with the readings that have ended the release before it.
            self.unloaded.restart()
        self.wait_ticks = 0
        self.dumping = False
        self._set_approaching(False)
        target = plan.target_kpa[index]
        sealed = self.action == ACT_SHUT
        if sealed:
            # Go on from the pressure that the sealed hold has come to.
            self._jump_to_reading(pressure_kpa)
        # With a target of 0, a sensor that reads a little below zero would start the pump.
        self.pump_locked = kind == schema.STEP_RELEASE or target == 0
        if kind == schema.STEP_PROMPT:
            self.state = schema.STATE_PROMPTING
            self.approach.forget_sample()
            # The ramp before may have arrived in this very tick: its rate ends here.
            self.setpoint.halt()
            if self.setpoint.value_kpa == 0:
                self.action = ACT_SAFE
            else:
                self._regulate()
            return
        self.state = schema.STATE_RUNNING
        if kind == _STEP_REST:
            self.setpoint.halt()
            self.action = ACT_DUMP
            return
        if kind == schema.STEP_HOLD:
            if sealed:
                self.setpoint.ramp(target, self.rate_kpa_s)
            elif self.setpoint.target_kpa != target or self.setpoint.near_kpa == 0:
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
            self._set_approaching(True)
            self.approach.restart(target)
            self.setpoint.target_kpa = target
            self.action = ACT_APPROACH
            return
        self._start_ramp(index)

    def _leave_step(self, outcome):
        index = self.step_index
        if index == NO_STEP:
            return
        self.results.outcome[index] = outcome
        if outcome == schema.OUTCOME_CUT and self._kind[index] in (_STEP_HOLD, _STEP_REST):
            self.results.dwell_end[index] = schema.DWELL_RUN
        self.step_index = NO_STEP
        # A step can end in the tick that entered it.
        self.step_changed = False

    # --- one tick of each kind of step

    def _approach_step(self, pressure_kpa):
        progress = self.approach.step(pressure_kpa)
        if progress != LANDED:
            self.action = ACT_APPROACH if progress == CLOSING else ACT_SHUT
            return
        index = self.step_index
        self._set_approaching(False)
        self.setpoint.jump(min(pressure_kpa, self.plan.target_kpa[index]))
        self._start_ramp(index)

    def _arrive(self, tick, pressure_kpa, progress=ARRIVED):
        """End a ramp or release whose setpoint has reached the target; go on with a rest at zero.

        One that is near ends when the pressure is in the band of the hold that follows: the dwell
        begins with it, and not only when the last of the setpoint's fading is over.
        """
        setpoint = self.setpoint
        if progress != ARRIVED:
            if abs(setpoint.target_kpa - pressure_kpa) > setpoint.near_kpa:
                return
        elif setpoint.target_kpa == 0:
            # Do not regulate the last remainder: open fully until the press is unloaded. At a
            # prompt that follows the guard may be opened.
            self.action = ACT_DUMP
            if not self.unloaded.step(self.plan.scaling, pressure_kpa):
                return
            if self._kind[self.step_index] == _STEP_REST and not self._rest_ends():
                return
        self.finish_step(tick, pressure_kpa, schema.OUTCOME_DONE)

    def _rest_ends(self):
        """Count a tick without pressure of a rest; return whether it was the last one."""
        index = self.step_index
        results = self.results
        self._flag_registers[_FLAGS] |= _FLAG_DWELLING
        counted = results.dwell[index] + 1
        results.dwell[index] = counted
        if counted < self.plan.duration_ticks[index]:
            return False
        results.dwell_end[index] = schema.DWELL_DURATION
        return True

    def _hold_step(self, tick, pressure_kpa):
        setpoint = self.setpoint
        # One tick after it has arrived the setpoint stands.
        at_setpoint = setpoint.arrived()
        setpoint.step()
        wanted = self.hold.step(self.step_index, pressure_kpa, at_setpoint)
        if wanted == SHUT:
            self.action = ACT_SHUT
        elif wanted == ENDED:
            self.finish_step(tick, pressure_kpa, schema.OUTCOME_DONE)
        elif wanted == TIMED_OUT:
            self.vent(schema.END_HOLD_TIMEOUT, pressure_kpa)
        else:
            if wanted == LEAKING:
                # The tick latches it: a fault is none of the sequencer's.
                self.leaking = True
            if self.action == ACT_SHUT:
                self.return_to_target(pressure_kpa)
            self._regulate()

    def _dump_step(self, pressure_kpa):
        """Open the release fully, until a vent has unloaded the press."""
        self.action = ACT_DUMP
        if self.unloaded.step(self.plan.scaling, pressure_kpa):
            self.end_reason = self._pending_end
            self._stop(schema.STATE_IDLE)

    # --- setpoint and valves

    def _start_ramp(self, index):
        """Start towards the target of a step, at its rate, from the present setpoint."""
        plan = self.plan
        rate = self.rate_kpa_s = plan.rate_kpa_s[index]
        target = plan.target_kpa[index]
        near = 0
        following = index + 1
        if (
            following < plan.count
            and plan.kind[following] == schema.STEP_HOLD
            and plan.target_kpa[following] == target
        ):
            # With a wide band the hold would begin long before the ramp is over. At the very edge
            # of a narrow one the pressure itself may be a few ticks behind its reading.
            tolerance = plan.tolerance_kpa[following]
            near = max(rate // _EARLIEST_PER_S, self._slow_near_kpa(following, rate))
            near = min(tolerance - (tolerance >> 2), near)
        self.setpoint.ramp(target, rate, near)
        self._regulate()

    def _slow_near_kpa(self, index, rate):
        """Return how near to its target a hold may begin behind a slow ramp, kPa; 0: as any."""
        plan = self.plan
        if plan.mode[index] != schema.HOLD_REGULATED:
            return 0
        early = min(_MAX_EARLY_TICKS, plan.duration_ticks[index] // _EARLY_SHARE)
        return min(
            plan.target_kpa[index] >> _EARLY_SHIFT,
            rate * early // schema.TICK_HZ,
            plan.tolerance_kpa[index] - (plan.scaling.resolution_kpa >> 1),
        )

    def return_to_target(self, pressure_kpa):
        """Go back to the target of a hold whose valves were shut, at the rate of the ramp before.

        A setpoint that jumped to the target would open the pump fully: 6 MPa too much at 250.
        """
        self._jump_to_reading(pressure_kpa)
        self.setpoint.ramp(self.plan.target_kpa[self.step_index], self.rate_kpa_s)
        self.hold.leave_steady()

    def _jump_to_reading(self, pressure_kpa):
        """Put the setpoint on the reading, so that the loop starts without an error."""
        self.setpoint.jump(max(0, min(pressure_kpa, self.plan.ceiling_kpa)))

    def _set_approaching(self, approaching):
        """Note whether the ram approaches the sample, here and in the run flags."""
        self.approaching = approaching
        self.run_flags.write(schema.FLAG_APPROACHING, approaching)

    def _regulate(self):
        """Let the pressure controller drive the valves."""
        if self.action != ACT_REGULATE:
            self.action = ACT_REGULATE
            self.bumpless_transfer_due = True
            self.loop_update_due = True

    def _stop(self, state):
        """Go to idle or fault with safe outputs."""
        self.state = state
        self.step_index = NO_STEP
        self.action = ACT_SAFE
        self.pump_locked = False
        self.loop_update_due = True
        self._set_approaching(False)
        self.hold.leave()
        self.setpoint.jump(0)
        self.pending.clear()
