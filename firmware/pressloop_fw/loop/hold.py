"""A hold: its dwell clock, the end of its dwell, and the sealing of the oil.

The dwell clock counts only ticks with the pressure in band. A clock that started before the
pressure is reached, or went on out of band, would make cells that are not reproducible.

A dwell begins with the third reading in a row that is in band: the reading may be a tick or two
ahead of the pellet. From then on the mean of the readings over some 16 ticks decides: the noise of
a single one would stop the clock while the pellet is in band. A reading counts as at most twice the
tolerance beside the target, so that the mean leaves the band as late as it comes back.
"""

from pressloop_fw.loop.leak import loss_kpa_min
from pressloop_fw.loop.registers import register_block
from pressloop_fw.loop.relaxation import Relaxation
from pressloop_fw.wire import schema

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.registers: SIGN_SHIFT
# loop.flags: FLAGS
# loop.setpoint: PREPARED_TO_FALL
# loop.step_results: ROW TICKS DWELL PEAK LOWEST
# wire.schema: FLAG_IN_BAND FLAG_DWELLING FLAG_SEALED FLAG_TOPPING_UP
_SIGN_SHIFT = const(0)
_FLAGS = const(1)
_PREPARED_TO_FALL = const(33)
_ROW = const(4)
_TICKS = const(0)
_DWELL = const(1)
_PEAK = const(2)
_LOWEST = const(3)
_FLAG_IN_BAND = const(1)
_FLAG_DWELLING = const(2)
_FLAG_SEALED = const(16)
_FLAG_TOPPING_UP = const(64)
# end of generated

# What a hold asks of the sequencer in a tick.
REGULATE = const(0)  # closed loop on the setpoint
SHUT = const(1)  # both valves closed: the oil is locked in
ENDED = const(2)  # the step has ended
TIMED_OUT = const(3)  # out of band for longer than the timeout: end the run
LEAKING = const(4)  # topped up by more than leak and relaxation explain

# The oil is sealed when the pressure is within a quarter of the tolerance.
_SEAL_DIVISOR = const(4)
# Top-ups: what the powder relaxes by at most, what is allowed per second, and after how many ticks
# without one all is explained.
_RELAXED_SHIFT = const(2)
_ALLOWANCE_SHIFT = const(9)
_MAX_TOP_UP_TICKS = const(20000)
# More ticks than any hold lasts.
_UNLIMITED_TICKS = const(1 << 29)

# A hold stands above its target when its mean is by this share of the tolerance.
_ABOVE_SHIFT = const(2)

_MIN_READINGS = const(3)
_MEAN_SHIFT = const(4)

_STEADY = const(1)
_TARGET_KPA = const(2)
_TOLERANCE_KPA = const(3)
_MAX_DWELL_TICKS = const(4)
_OUT_TICKS = const(5)
# From this many ticks of dwell on the release valve prepares for the release that follows.
_PREPARE_TICKS = const(6)
# Readings in band in a row, which begin a dwell, and the mean distance from the target, 1/16 kPa.
_READINGS = const(7)
_MEAN = const(8)
_REGISTERS = const(9)


@micropython.viper
def dwell_tick(hold: ptr32, counts: ptr32, index: int, pressure_kpa: int, setpoint: ptr32) -> int:
    """Do a tick of a hold if it is a steady one: in band like the one before, and not the last.

    `counts` is the block of the step results, `setpoint` that of the setpoint. Return 1, or 0 if
    the tick is not steady; then nothing has been counted.
    """
    sign_shift = hold[_SIGN_SHIFT]
    if hold[_STEADY] == 0:
        return 0
    # The same as `_follow`.
    tolerance = hold[_TOLERANCE_KPA]
    off = pressure_kpa - (hold[_TARGET_KPA] << sign_shift >> sign_shift)
    if off > tolerance << 1:
        off = tolerance << 1
    elif off < 0 - (tolerance << 1):
        off = 0 - (tolerance << 1)
    mean = hold[_MEAN] << sign_shift >> sign_shift
    mean += off - (mean >> _MEAN_SHIFT)
    tolerance <<= _MEAN_SHIFT
    if mean > tolerance or mean < 0 - tolerance:
        return 0
    row = (index + 1) * _ROW
    dwelt = counts[row + _DWELL] + 1
    if dwelt >= hold[_MAX_DWELL_TICKS]:
        return 0
    hold[_MEAN] = mean
    counts[row + _DWELL] = dwelt
    if dwelt >= hold[_PREPARE_TICKS]:
        setpoint[_PREPARED_TO_FALL] = 1
    # The same as step_results.count_tick, whose call would cost as much as all of this.
    counts[row + _TICKS] += 1
    if pressure_kpa > counts[row + _PEAK] << sign_shift >> sign_shift:
        counts[row + _PEAK] = pressure_kpa
    elif pressure_kpa < counts[row + _LOWEST] << sign_shift >> sign_shift:
        counts[row + _LOWEST] = pressure_kpa
    return 1


# The release valve prepares for a release so many lags before the end of a hold.
PREPARE_LAGS = const(3)


class Hold:
    """Runs the hold in progress: `dwell_tick` does its steady ticks, `step` all others."""

    def __init__(self, plan, results, run_flags):
        self.registers = register_block(_REGISTERS)
        self.relaxation = Relaxation()
        # What top-ups have pumped beyond what leak and relaxation explain, and the last one's tick.
        self._unexplained_kpa = 0
        self._topped_up_at = 0
        # Whether this is a sealed hold that may end on its relaxation.
        self._ends_on_relaxation = False
        # How long before its end the release valve prepares for what follows.
        self.prepare_ticks = 0
        self._plan = plan
        self._results = results
        self._run_flags = run_flags
        self._flag_registers = run_flags.registers

    @property
    def in_band(self):
        """Whether the pressure was within the tolerance in the last tick."""
        return self._run_flags.is_set(_FLAG_IN_BAND)

    @property
    def dwelling(self):
        """Whether the dwell clock counted in the last tick."""
        return self._run_flags.is_set(_FLAG_DWELLING)

    @property
    def sealed(self):
        """Whether the oil is locked in."""
        return self._run_flags.is_set(_FLAG_SEALED)

    def restart(self):
        """Prepare for a new step of any kind."""
        block = self.registers
        block[_STEADY] = 0
        block[_OUT_TICKS] = 0
        self._unexplained_kpa = 0
        self._topped_up_at = 0
        self.leave()

    def leave(self):
        """Forget that the hold was in band: the run has left it."""
        self.registers[_READINGS] = 0
        self._flag_registers[_FLAGS] &= ~(_FLAG_IN_BAND | _FLAG_SEALED | _FLAG_TOPPING_UP)
        self.relaxation.known = False

    def interrupt(self):
        """Pause the hold; return whether the oil was locked in."""
        # After the pause the dwell clock goes on with a tick that `step` has checked.
        self.registers[_STEADY] = 0
        self.registers[_READINGS] = 0
        sealed = self.sealed
        self._unseal()
        return sealed

    def leave_steady(self):
        """Let `step` do the ticks from now on, in which the setpoint moves again."""
        self.registers[_STEADY] = 0

    def _unseal(self):
        """Give the valves back to the loop."""
        self._flag_registers[_FLAGS] &= ~(_FLAG_SEALED | _FLAG_TOPPING_UP)
        self.relaxation.known = False

    def step(self, index, pressure_kpa, at_setpoint):
        """Process a reading; return what the hold asks for, one of REGULATE to LEAKING.

        `at_setpoint` says whether the setpoint has reached the target.
        """
        plan = self._plan
        results = self._results
        block = self.registers
        error = plan.target_kpa[index] - pressure_kpa
        tolerance = block[_TOLERANCE_KPA] = plan.tolerance_kpa[index]
        in_band = self._follow(0 - error, tolerance)
        flags = self._flag_registers
        if in_band:
            flags[_FLAGS] |= _FLAG_IN_BAND | _FLAG_DWELLING
            block[_OUT_TICKS] = 0
            dwell = results.dwell[index] + 1
            results.dwell[index] = dwell
            ends = self._dwell_end(index, dwell)
            if ends != schema.DWELL_NONE:
                results.dwell_end[index] = ends
                return ENDED
        else:
            flags[_FLAGS] &= ~_FLAG_IN_BAND
            block[_OUT_TICKS] += 1
            if block[_OUT_TICKS] >= plan.timeout_ticks[index]:
                return TIMED_OUT
        if plan.mode[index] == schema.HOLD_SEALED:
            wanted = self._seal_step(index, error, tolerance, in_band, at_setpoint)
            # Sealed with the first reading near the target; the dwell begins with the third.
            block[_STEADY] = in_band and wanted == SHUT
            rate = plan.relaxation_kpa_min[index]
            self._ends_on_relaxation = rate != 0
            if rate and wanted == SHUT:
                self.watch(pressure_kpa)
                if self.relaxation.slower_than(rate):
                    # Only the minimum dwell is missing, which `step` checks.
                    block[_STEADY] = 0
        else:
            wanted = REGULATE
            # A setpoint that still moves needs more than a steady tick.
            block[_STEADY] = in_band and at_setpoint
        if block[_STEADY]:
            self._prepare_steady_ticks(index)
        return wanted

    def _follow(self, off_kpa, tolerance_kpa):
        """Process a reading, by its distance from the target; return whether the hold is in band.

        The dwell begins with some readings in band; then the mean decides.
        """
        block = self.registers
        if block[_READINGS] < _MIN_READINGS:
            if off_kpa < -tolerance_kpa or off_kpa > tolerance_kpa:
                block[_READINGS] = 0
                return False
            block[_READINGS] += 1
            block[_MEAN] = off_kpa << _MEAN_SHIFT
            return block[_READINGS] == _MIN_READINGS
        most = tolerance_kpa << 1
        off_kpa = max(0 - most, min(most, off_kpa))
        mean = block[_MEAN]
        mean += off_kpa - (mean >> _MEAN_SHIFT)
        block[_MEAN] = mean
        most = tolerance_kpa << _MEAN_SHIFT
        return 0 - most <= mean <= most

    def stands_above(self):
        """Whether the pressure was in band, and is above by a quarter of the tolerance on average.

        False outside of a hold.
        """
        block = self.registers
        if block[_READINGS] < _MIN_READINGS:
            return False
        return block[_MEAN] >> _MEAN_SHIFT > block[_TOLERANCE_KPA] >> _ABOVE_SHIFT

    def watch(self, pressure_kpa):
        """Process a reading of a sealed tick; a new rate of loss needs a tick of `step`."""
        if self._ends_on_relaxation and self.relaxation.step(pressure_kpa):
            self.registers[_STEADY] = 0

    def _leaks(self, index, tolerance):
        """Note a top-up; return whether top-ups pump more than leak and relaxation explain.

        Each makes good for a loss of the tolerance. Explained are twice the profile's leak, a 512th
        of the pressure per second, and once a quarter of the pressure, which no powder relaxes by.
        """
        plan = self._plan
        target = plan.target_kpa[index]
        now = self._results.ticks[index]
        ticks = min(_MAX_TOP_UP_TICKS, now - self._topped_up_at)
        self._topped_up_at = now
        per_s = (target >> _ALLOWANCE_SHIFT) + loss_kpa_min(plan.leak_share[index], target) // 30
        lost = self._unexplained_kpa - per_s * ticks // schema.TICK_HZ
        self._unexplained_kpa = max(0, lost) + tolerance
        return self._unexplained_kpa > (target >> _RELAXED_SHIFT) + tolerance

    def _prepare_steady_ticks(self, index):
        """Set the band and the end of the dwell for the steady ticks that follow."""
        plan = self._plan
        block = self.registers
        target = plan.target_kpa[index]
        block[_TARGET_KPA] = target
        block[_MAX_DWELL_TICKS] = plan.duration_ticks[index] or _UNLIMITED_TICKS
        block[_PREPARE_TICKS] = _UNLIMITED_TICKS
        following = index + 1
        if (
            plan.mode[index] == schema.HOLD_REGULATED
            and plan.duration_ticks[index]
            and following < plan.count
            and plan.target_kpa[following] < target
            # A tuple of the two would be memory that the tick must not take.
            and (
                plan.kind[following] == schema.STEP_RAMP
                or plan.kind[following] == schema.STEP_RELEASE
            )
        ):
            block[_PREPARE_TICKS] = max(1, plan.duration_ticks[index] - self.prepare_ticks)

    def _dwell_end(self, index, dwell):
        """Return why the dwell ends in this tick, DWELL_*; DWELL_NONE if it goes on."""
        plan = self._plan
        duration = plan.duration_ticks[index]
        rate = plan.relaxation_kpa_min[index]
        relaxation = self.relaxation
        if rate and relaxation.known:
            self._results.loss_kpa_min[index] = relaxation.loss_kpa_min
            self._results.leak_kpa_min[index] = relaxation.leak_kpa_min
            if relaxation.slower_than(rate) and dwell >= plan.least_ticks[index]:
                return schema.DWELL_RELAXATION
        if not duration or dwell < duration:
            return schema.DWELL_NONE
        return schema.DWELL_LONGEST if rate or plan.open[index] else schema.DWELL_DURATION

    def _seal_step(self, index, error, tolerance, in_band, at_setpoint):
        """Lock the oil in near the target; give it back to the loop when out of band."""
        flags = self._flag_registers
        if flags[_FLAGS] & _FLAG_SEALED:
            if in_band:
                return SHUT
            self._unseal()
            if error > 0:
                flags[_FLAGS] |= _FLAG_TOPPING_UP
                self._results.top_ups[index] += 1
                return LEAKING if self._leaks(index, tolerance) else REGULATE
            return REGULATE
        if at_setpoint and -tolerance < error * _SEAL_DIVISOR < tolerance:
            flags[_FLAGS] = flags[_FLAGS] & ~_FLAG_TOPPING_UP | _FLAG_SEALED
            self.relaxation.restart(self._plan.window_s[index], self._plan.leak_share[index])
            return SHUT
        return REGULATE
