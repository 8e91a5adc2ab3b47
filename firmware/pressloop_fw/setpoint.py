"""The setpoint generator: moves the setpoint to its target at the rate, exactly.

The rate itself comes in over a quarter of a second and fades out before the target, because a
corner in the setpoint becomes an overshoot in the press.

A command reaches the press late, by the valve's lag. So the generator runs ahead of the setpoint by
that much: the rate that it hands to the controller meets the setpoint at the press. A release that
stands on its seat takes longer still, as it has to cross its dead band first, and the setpoint
waits for it.
"""

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.plain import const

from pressloop_fw.schema import TICK_HZ

# The rate grows from nothing to full over this many ticks, without a corner at either end:
# 256 (3 x^2 - 2 x^3).
_RISE = bytes(256 * (3 * 26 - 2 * n) * n * n // 26**3 for n in range(1, 26))
_RISE_TICKS = const(25)
# It is at most the remaining distance times this per second, so it fades like an exponential,
_FADE_PER_S = const(5)
# but never below this fraction of the rate, so that the ramp ends.
_FADE_FLOOR = const(20)
# The furthest that the generator runs ahead.
_MOST_LEAD_TICKS = const(15)
# Within three lags a spool has done 95 % of its way from the seat to the dead band.
_TRAVEL_LAGS = const(3)


class SetpointGenerator:
    """Setpoint in kPa that moves in steps of whole kPa and loses no fraction of the rate."""

    def __init__(self):
        self.value_kpa = 0
        self.target_kpa = 0
        # Signed rate that a command given now will meet at the press, kPa/s: the feed-forward.
        self.lead_kpa_s = 0
        # Whether it is on its way down, or about to go: work for the release.
        self.descending = False
        self._lead_ticks = 0
        self._travel_ticks = 0
        self._wait = 0
        self._ahead_kpa = 0
        self._full_rate = 0
        self._risen = 0
        self._remainder = 0
        # Steps that have been worked out and are still to be taken, in a ring.
        self._steps = [0] * _MOST_LEAD_TICKS
        self._at = 0

    def configure(self, lag_ticks):
        """Say how long a command takes to reach the press."""
        self._lead_ticks = min(_MOST_LEAD_TICKS, lag_ticks)
        self._travel_ticks = _TRAVEL_LAGS * self._lead_ticks
        self._at = 0
        self._halt()

    def jump(self, value_kpa):
        """Put the setpoint somewhere and let it rest there."""
        self.value_kpa = value_kpa
        self.target_kpa = value_kpa
        self._halt()

    def ramp(self, target_kpa, rate_kpa_s):
        """Start towards a target from the present value, from standstill."""
        self.target_kpa = target_kpa
        self._full_rate = rate_kpa_s
        self._halt()

    def rest(self):
        """Stop moving without giving up the target: the next step starts from standstill."""
        self._halt()

    def arrived(self):
        """Whether the setpoint stands on its target."""
        return self.value_kpa == self.target_kpa

    def step(self):
        """Move by one tick."""
        self.descending = self.target_kpa < self.value_kpa
        if self._wait:
            self._wait -= 1
            return
        kpa = self._work_out()
        if self._lead_ticks:
            at = self._at
            kpa, self._steps[at] = self._steps[at], kpa
            at += 1
            self._at = at if at < self._lead_ticks else 0
        self.value_kpa += kpa

    def _work_out(self):
        """Return by how much the setpoint is to move, `lead_ticks` from now."""
        distance = self.target_kpa - self._ahead_kpa
        if distance == 0:
            self.lead_kpa_s = 0
            return 0
        remaining = distance if distance > 0 else -distance
        full = self._full_rate
        speed = full
        risen = self._risen
        if risen < _RISE_TICKS:
            speed = (full * _RISE[risen] >> 8) + 1
            self._risen = risen + 1
        floor = full // _FADE_FLOOR + 1
        fade = remaining * _FADE_PER_S
        if fade < floor:
            fade = floor
        if speed > fade:
            speed = fade
        travel = self._remainder + speed
        kpa = travel // TICK_HZ
        self._remainder = travel % TICK_HZ
        if kpa >= remaining:
            kpa = remaining
            self._remainder = 0
        if distance < 0:
            kpa = -kpa
            speed = -speed
        self._ahead_kpa += kpa
        self.lead_kpa_s = speed
        return kpa

    def _halt(self):
        self.lead_kpa_s = 0
        self.descending = False
        self._wait = self._travel_ticks if self.target_kpa < self.value_kpa else 0
        self._ahead_kpa = self.value_kpa
        self._risen = 0
        self._remainder = 0
        for at in range(len(self._steps)):
            self._steps[at] = 0
