"""Which step is active, what it wants of the valves, and when it ends.

The tick calls `step()`; the foreground only sets wishes (`want_*`), which the next tick carries
out if they still fit. So no command ever meets a half-changed state.

The dwell clock counts ticks in band and nothing else: a dwell that starts before the pressure is
there, or goes on while it is not, makes cells that do not repeat.
"""

from array import array

from pressloop_fw import schema
from pressloop_fw.relaxation import Relaxation
from pressloop_fw.schema import STATE_PAUSED, STATE_PROMPTING
from pressloop_fw.setpoint import RISE, SetpointGenerator, move
from pressloop_fw.words import WIDER, words

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import plain as micropython
    from pressloop_fw.plain import const, ptr32


NO_STEP = const(255)
# schema's, which the tick would look up each time.
_STATE_IDLE = const(0)
_STATE_RUNNING = const(1)
_STEP_HOLD = const(2)

# What the sequencer wants of the valves in this tick.
ACT_SAFE = const(0)  # outputs de-energised
ACT_SHUT = const(1)  # both valves closed: the oil is locked in
ACT_REGULATE = const(2)  # closed loop on the setpoint
ACT_APPROACH = const(3)  # pump at the approach opening
ACT_DUMP = const(4)  # release fully open

# Readings in a row that count as contact, and as rest.
_CONTACT_READINGS = const(3)
_REST_READINGS = const(20)
# A sealed hold is topped up to within this share of its tolerance.
_TOP_UP_SHARE = const(4)


# What the dull tick of a regulated hold looks at.
_UP = const(0)
_DULL = const(1)
_LOWEST_IN_BAND = const(2)
_HIGHEST_IN_BAND = const(3)
_LONGEST = const(4)
_WORDS = const(5)
# More ticks than anybody holds.
_FOR_EVER = const(1 << 29)


@micropython.viper
def dwell_on(
    hold: ptr32,
    ticks: ptr32,
    dwell: ptr32,
    peak: ptr32,
    lowest: ptr32,
    index: int,
    pressure_kpa: int,
) -> int:
    """Take a tick of a hold if it is dull: in band, as the one before, and not the last one.

    Return whether it was, 1 or 0; if not, nothing was counted.
    """
    up = hold[_UP]
    if hold[_DULL] == 0:
        return 0
    if pressure_kpa < hold[_LOWEST_IN_BAND] << up >> up:
        return 0
    if pressure_kpa > hold[_HIGHEST_IN_BAND] << up >> up:
        return 0
    dwelt = dwell[index] + 1
    if dwelt >= hold[_LONGEST]:
        return 0
    dwell[index] = dwelt
    ticks[index] += 1
    if pressure_kpa > peak[index] << up >> up:
        peak[index] = pressure_kpa
    elif pressure_kpa < lowest[index] << up >> up:
        lowest[index] = pressure_kpa
    return 1


@micropython.viper
def tally(ticks: ptr32, peak: ptr32, lowest: ptr32, index: int, pressure_kpa: int, up: int):
    """Count a tick of a step and note its highest and lowest pressure.

    `up` is words.WIDER: these are columns, not blocks of words.
    """
    ticks[index] += 1
    if pressure_kpa > peak[index] << up >> up:
        peak[index] = pressure_kpa
    elif pressure_kpa < lowest[index] << up >> up:
        lowest[index] = pressure_kpa


class StepResults:
    """What the board itself measured in each step; survives lost telemetry."""

    def __init__(self):
        size = schema.MAX_STEPS
        self.outcome = bytearray(size)
        self.ticks = array("i", [0] * size)
        self.dwell = array("i", [0] * size)
        self.peak = array("i", [0] * size)
        self.lowest = array("i", [0] * size)
        self.top_ups = array("i", [0] * size)
        self.start_tick = array("i", [0] * size)
        self.dwell_end = bytearray(size)
        self.loss_kpa_min = array("i", [0] * size)

    def reset(self):
        """Forget the run before."""
        for index in range(schema.MAX_STEPS):
            self.outcome[index] = schema.OUTCOME_PENDING
            self.ticks[index] = 0
            self.dwell[index] = 0
            self.peak[index] = 0
            self.lowest[index] = 0
            self.top_ups[index] = 0
            self.start_tick[index] = 0
            self.dwell_end[index] = schema.DWELL_NONE
            self.loss_kpa_min[index] = 0


class Sequencer:
    """Walks through a committed plan."""

    def __init__(self, plan):
        self.plan = plan
        self.setpoint = SetpointGenerator()
        self.relaxation = Relaxation()
        results = self.results = StepResults()
        # What every tick of a step looks at, without the way to it.
        self._kind = plan.kind
        self._ticks = results.ticks
        self._peak = results.peak
        self._lowest = results.lowest
        self._dwell = results.dwell
        self._moving = self.setpoint.words
        self._hold = words(_WORDS)

        self.state = schema.STATE_IDLE
        self.step_index = NO_STEP
        self.action = ACT_SAFE
        self.pump_locked = False
        self.end_reason = schema.END_NONE
        self.host_lost = False
        self.in_band = False
        self.dwelling = False
        self.approaching = False
        self.sealed = False
        self.topping_up = False
        # How long the pump needs to stop after contact.
        self.landing_ticks = 0
        # Raised when the loop must take over from manual valve positions, until it has.
        self.take_over = False
        # Raised when a step begins, until the loop has its gains.
        self.new_step = False

        self._forget_wishes()
        # Raised behind a wish: the tick looks for wishes only then.
        self.wished = False

        # Set by the foreground whenever a frame of the session arrives.
        self.host_heard = True
        self._host_silent_ticks = 0
        self._host_lost_ticks = 0

        self._contact_count = 0
        self._approach_ticks = 0
        self._rest_count = 0
        self._out_ticks = 0
        self._wait_ticks = 0
        self._dumping = False
        self._pending_end = schema.END_NONE

    # --- read by the foreground

    def target_kpa(self):
        """Target of the step in progress, 0 without."""
        return self.setpoint.target_kpa if self.step_index != NO_STEP else 0

    def stage(self):
        """Stage of the step in progress, NO_STEP without."""
        index = self.step_index  # once: the tick may end the step between two looks
        return self.plan.stage[index] if index != NO_STEP else NO_STEP

    def dwell_ticks(self):
        """In-band ticks of the hold in progress."""
        index = self.step_index
        return self.results.dwell[index] if index != NO_STEP else 0

    def remaining_ticks(self):
        """Least number of ticks to the end of the step; 0 when open or unknown."""
        index = self.step_index
        if index == NO_STEP:
            return 0
        plan = self.plan
        kind = plan.kind[index]
        if kind == schema.STEP_HOLD:
            left = plan.duration_ticks[index] - self.results.dwell[index]
        elif kind == schema.STEP_PROMPT:
            left = plan.timeout_ticks[index] - self._wait_ticks
        else:
            distance = abs(self.setpoint.target_kpa - self.setpoint.value_kpa)
            left = distance * schema.TICK_HZ // plan.rate_kpa_s[index]
        return max(0, left)

    def at_rest(self, pressure_kpa):
        """Whether nothing presses on the sample.

        The reading then is zero within the sensor's error, or what it takes to move the ram back.
        """
        scaling = self.plan.scaling
        return pressure_kpa <= max(3 * scaling.resolution_kpa, scaling.contact_kpa * 3 // 4)

    def active(self):
        """Whether a run is in progress."""
        return self.state != schema.STATE_IDLE and self.state != schema.STATE_FAULT

    def moving(self):
        """Whether the press can move or is under pressure, or is about to be."""
        if self.want_start or self.want_confirm != NO_STEP:
            return True
        if self.state == schema.STATE_PROMPTING:
            return self.action != ACT_SAFE
        return self.active()

    # --- the tick

    def step(
        self, tick, pressure_kpa, dwell_on=dwell_on, tally=tally, move=move, rise=RISE, up=WIDER
    ):
        """Advance by one tick; return what is wanted of the valves, ACT_*.

        The arguments after the pressure are what every tick would look up.
        """
        if self.wished:
            self.wished = False
            self._serve_wishes(tick, pressure_kpa)
        if self.host_heard and not self.host_lost:
            self.host_heard = False
            self._host_silent_ticks = 0
        else:
            silent_ticks = self._host_silent_ticks + 1
            if self.host_heard or silent_ticks >= self.plan.host_timeout_ticks:
                self._watch_host(pressure_kpa)
            else:
                self._host_silent_ticks = silent_ticks
        state = self.state
        if self.dwelling:
            # In band until now. Nearly all ticks of a hold go the short way.
            if state == _STATE_RUNNING and dwell_on(
                self._hold,
                self._ticks,
                self._dwell,
                self._peak,
                self._lowest,
                self.step_index,
                pressure_kpa,
            ):
                return ACT_REGULATE
            self.dwelling = False
        if state == _STATE_IDLE:
            self.action = ACT_SAFE
        elif state == _STATE_RUNNING:
            index = self.step_index
            tally(self._ticks, self._peak, self._lowest, index, pressure_kpa, up)
            if self._kind[index] == _STEP_HOLD:
                self._hold_step(tick, pressure_kpa)
            elif self.approaching:
                self._approach_step(pressure_kpa)
            elif move(self._moving, rise):
                self._arrive(tick, pressure_kpa)
            elif self.action != ACT_REGULATE:
                self._regulate()
        elif state == STATE_PROMPTING:
            self._count(pressure_kpa)
            self._wait_ticks += 1
            if self._wait_ticks >= self.plan.timeout_ticks[self.step_index]:
                self.vent(schema.END_PROMPT_TIMEOUT, pressure_kpa)
        elif state == STATE_PAUSED:
            self._track(pressure_kpa)
        elif state == schema.STATE_VENTING:
            self._vent_step(pressure_kpa)
        else:
            self.action = ACT_SAFE
        return self.action

    def trip(self):
        """Stop everything because a fault has latched."""
        if self.active() or self.want_start:
            # A run that was promised but never began has ended, too.
            self._leave_step(schema.OUTCOME_CUT)
            self.end_reason = schema.END_FAULT
        elif self.state == schema.STATE_FAULT:
            return
        self._stop(schema.STATE_FAULT)

    def clear(self):
        """Back to idle after a fault."""
        self._stop(schema.STATE_IDLE)

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
        self._rest_count = 0
        self.pump_locked = True
        self.in_band = False
        self.approaching = False
        self._unseal()
        self.setpoint.jump(max(0, min(pressure_kpa, self.plan.ceiling_kpa)))
        self.setpoint.ramp(0, self.plan.vent_rate_kpa_s)
        self._regulate()

    # --- wishes

    def request_start(self):
        """Wish for a new run, from the foreground; what was wished of the last one is void."""
        self._forget_wishes()
        self.end_reason = schema.END_NONE
        self.results.reset()
        self.want_start = True
        self.wished = True

    def _forget_wishes(self):
        self.want_start = False
        self.want_pause = False
        self.want_resume = False
        # The reason to end the run for, END_NONE without.
        self.want_end = schema.END_NONE
        self.want_dump = False
        self.want_confirm = NO_STEP
        self.want_advance = NO_STEP

    def _serve_wishes(self, tick, pressure_kpa):
        if self.want_start:
            self.want_start = False
            if self.state == schema.STATE_IDLE and self.plan.committed:
                self._pending_end = schema.END_NONE
                self.host_lost = False
                self._host_silent_ticks = 0
                self.setpoint.jump(0)
                self.state = schema.STATE_RUNNING
                self._enter(0, tick, pressure_kpa)
        if self.want_end:
            reason = self.want_end
            self.want_end = schema.END_NONE
            # The run may have begun to vent by itself since the wish: that is no second abort.
            if self.active() and self.state != schema.STATE_VENTING:
                self.vent(reason, pressure_kpa)
        if self.want_dump:
            self.want_dump = False
            if self.state == schema.STATE_VENTING:
                self._dumping = True
        if self.want_pause:
            self.want_pause = False
            if self.state == schema.STATE_RUNNING:
                self._pause(pressure_kpa)
        if self.want_resume:
            self.want_resume = False
            if self.state == schema.STATE_PAUSED:
                self.state = schema.STATE_RUNNING
        if self.want_confirm != NO_STEP:
            step = self.want_confirm
            self.want_confirm = NO_STEP
            if self.state == schema.STATE_PROMPTING and step == self.step_index:
                self._next(tick, pressure_kpa, schema.OUTCOME_DONE)
        if self.want_advance != NO_STEP:
            step = self.want_advance
            self.want_advance = NO_STEP
            if self.state == schema.STATE_RUNNING and step == self.step_index:
                opened = self.plan.open[step]
                outcome = schema.OUTCOME_DONE if opened else schema.OUTCOME_ADVANCED
                self.results.dwell_end[step] = schema.DWELL_OPERATOR
                self._next(tick, pressure_kpa, outcome)

    def _pause(self, pressure_kpa):
        self.state = schema.STATE_PAUSED
        self.setpoint.rest()
        if self.approaching or self.action == ACT_DUMP:
            # Nothing to regulate: stop where the ram is.
            self.action = ACT_SHUT
        elif self.sealed:
            # Nobody tops up in a pause: keep the pressure with the loop.
            self._unseal()
            self._regulate()

    # --- host loss

    def _watch_host(self, pressure_kpa):
        plan = self.plan
        if self.host_heard:
            self.host_heard = False
            self._host_silent_ticks = 0
            self._host_lost_ticks = 0
            self.host_lost = False
            return
        self._host_silent_ticks += 1
        if self._host_silent_ticks < plan.host_timeout_ticks:
            return
        if self.state == schema.STATE_VENTING or not self.active():
            self.host_lost = True
            return
        if not self.host_lost:
            self.host_lost = True
            self._host_lost_ticks = 0
            if plan.host_loss == schema.HOST_LOSS_VENT:
                self.vent(schema.END_HOST_LOST, pressure_kpa)
            elif plan.host_loss == schema.HOST_LOSS_HOLD and self.state == schema.STATE_RUNNING:
                self._pause(pressure_kpa)
            return
        self._host_lost_ticks += 1
        if self._host_lost_ticks >= plan.host_loss_limit_ticks:
            self.vent(schema.END_HOST_LOST, pressure_kpa)

    # --- steps

    def _enter(self, index, tick, pressure_kpa):
        plan = self.plan
        results = self.results
        self.step_index = index
        self.new_step = True
        self._hold[_DULL] = 0
        results.outcome[index] = schema.OUTCOME_ACTIVE
        results.start_tick[index] = tick
        results.peak[index] = pressure_kpa
        results.lowest[index] = pressure_kpa
        self.in_band = False
        self._out_ticks = 0
        self._wait_ticks = 0
        self._rest_count = 0
        self._dumping = False
        self._unseal()
        self.approaching = False
        kind = plan.kind[index]
        target = plan.target_kpa[index]
        # With nothing to reach, a sensor that reads a little less than zero would start the pump.
        self.pump_locked = kind == schema.STEP_RELEASE or target == 0
        if kind == schema.STEP_PROMPT:
            self.state = schema.STATE_PROMPTING
            # The ramp before may have arrived in this very tick: its rate ends here.
            self.setpoint.rest()
            if self.setpoint.value_kpa == 0:
                self.action = ACT_SAFE
            else:
                self._regulate()
            return
        self.state = schema.STATE_RUNNING
        if kind == schema.STEP_HOLD:
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
            self.approaching = True
            self._contact_count = 0
            self._approach_ticks = 0
            self.setpoint.target_kpa = target
            self.action = ACT_APPROACH
            return
        self.setpoint.ramp(target, plan.rate_kpa_s[index])
        self._regulate()

    def _approach_step(self, pressure_kpa):
        self.action = ACT_APPROACH
        self._approach_ticks += 1
        if pressure_kpa < self.plan.scaling.contact_kpa:
            self._contact_count = 0
            return
        self._contact_count += 1
        if self._contact_count < _CONTACT_READINGS:
            return
        # Contact: the pump stops, and the ramp starts from the pressure that is there then.
        if self._contact_count < _CONTACT_READINGS + self.landing_ticks:
            self.action = ACT_SHUT
            return
        index = self.step_index
        target = self.plan.target_kpa[index]
        self.approaching = False
        self.setpoint.jump(min(pressure_kpa, target))
        self.setpoint.ramp(target, self.plan.rate_kpa_s[index])
        self._regulate()

    def approach_expired(self):
        """Whether the ram should have met the sample long ago."""
        return (
            self.approaching and self._approach_ticks * 10 >= self.plan.profile.approach_timeout_ms
        )

    def _arrive(self, tick, pressure_kpa):
        """The setpoint of a ramp stands on its target."""
        if self.setpoint.target_kpa == 0:
            # The last bit is not worth a loop: open fully until the gauge shows nothing. A prompt
            # may follow at which the guard is free.
            self.action = ACT_DUMP
            if not self._rested(pressure_kpa):
                return
        self._next(tick, pressure_kpa, schema.OUTCOME_DONE)

    def _hold_step(self, tick, pressure_kpa):
        index = self.step_index
        plan = self.plan
        error = plan.target_kpa[index] - pressure_kpa
        tolerance = plan.tolerance_kpa[index]
        self.in_band = -tolerance <= error <= tolerance
        if self.in_band:
            self.dwelling = True
            self._out_ticks = 0
            dwell = self.results.dwell[index] + 1
            self.results.dwell[index] = dwell
            ends = self._dwell_end(index, dwell)
            if ends != schema.DWELL_NONE:
                self.results.dwell_end[index] = ends
                self._next(tick, pressure_kpa, schema.OUTCOME_DONE)
                return
        else:
            self._out_ticks += 1
            if self._out_ticks >= plan.timeout_ticks[index]:
                self.vent(schema.END_HOLD_TIMEOUT, pressure_kpa)
                return
        if plan.mode[index] == schema.HOLD_SEALED:
            self._seal_step(error, tolerance)
            if self.sealed and plan.window_s[index]:
                self.relaxation.step(pressure_kpa)
        else:
            self._regulate()
            self._hold[_DULL] = 0
            if self.in_band and not plan.relaxation_kpa_min[index]:
                self._expect_dull(index)

    def _expect_dull(self, index):
        """Nothing happens in this hold while the pressure stays in band."""
        plan = self.plan
        hold = self._hold
        target = plan.target_kpa[index]
        tolerance = plan.tolerance_kpa[index]
        hold[_LOWEST_IN_BAND] = target - tolerance
        hold[_HIGHEST_IN_BAND] = target + tolerance
        hold[_LONGEST] = plan.duration_ticks[index] or _FOR_EVER
        hold[_DULL] = 1

    def _dwell_end(self, index, dwell):
        """Return why the dwell ends in this tick, DWELL_NONE when it goes on."""
        plan = self.plan
        longest = plan.duration_ticks[index]
        rate = plan.relaxation_kpa_min[index]
        if rate and self.relaxation.known:
            loss = self.relaxation.loss_kpa_min
            self.results.loss_kpa_min[index] = loss
            if loss < rate and dwell >= plan.least_ticks[index]:
                return schema.DWELL_RELAXATION
        if not longest or dwell < longest:
            return schema.DWELL_NONE
        return schema.DWELL_LONGEST if rate or plan.open[index] else schema.DWELL_DURATION

    def _seal_step(self, error, tolerance):
        near = -tolerance < error * _TOP_UP_SHARE < tolerance
        if self.sealed:
            if not self.in_band:
                self._unseal()
                self.topping_up = error > 0
                if self.topping_up:
                    self.results.top_ups[self.step_index] += 1
                self._regulate()
            return
        if near:
            self.sealed = True
            self.relaxation.restart(self.plan.window_s[self.step_index])
            self.topping_up = False
            self.action = ACT_SHUT
            return
        self._regulate()

    def _unseal(self):
        self.sealed = False
        self.topping_up = False
        self.relaxation.known = False

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
            self.new_step = False

    def _count(self, pressure_kpa):
        results = self.results
        index = self.step_index
        tally(results.ticks, results.peak, results.lowest, index, pressure_kpa, WIDER)

    def _track(self, pressure_kpa):
        index = self.step_index
        results = self.results
        if pressure_kpa > results.peak[index]:
            results.peak[index] = pressure_kpa
        elif pressure_kpa < results.lowest[index]:
            results.lowest[index] = pressure_kpa

    # --- venting and rest

    def _vent_step(self, pressure_kpa):
        arrived = move(self.setpoint.words, RISE)
        if arrived or self._dumping:
            self.action = ACT_DUMP
            if self._rested(pressure_kpa):
                self.end_reason = self._pending_end
                self._stop(schema.STATE_IDLE)
            return
        self._regulate()

    def _rested(self, pressure_kpa):
        if not self.at_rest(pressure_kpa):
            self._rest_count = 0
            return False
        self._rest_count += 1
        return self._rest_count >= _REST_READINGS

    def _regulate(self):
        if self.action != ACT_REGULATE:
            self.action = ACT_REGULATE
            self.take_over = True

    def _stop(self, state):
        self.state = state
        self.step_index = NO_STEP
        self.action = ACT_SAFE
        self.pump_locked = False
        self.in_band = False
        self.approaching = False
        self._unseal()
        self.setpoint.jump(0)
        self._forget_wishes()
