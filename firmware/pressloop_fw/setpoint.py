"""The setpoint generator: moves the setpoint to its target at the rate, exactly.

The rate itself comes in over a quarter of a second and fades out before the target, because a
corner in the setpoint becomes an overshoot in the press.
"""

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.plain import const

from pressloop_fw.schema import TICK_HZ

# The rate grows from nothing to full over this many ticks ...
_RISE_TICKS = const(25)
# ... and is at most the remaining distance times this per second, so it fades like an exponential,
_FADE_PER_S = const(5)
# but never below this fraction of the rate, so that the ramp ends.
_FADE_FLOOR = const(20)


class SetpointGenerator:
    """Setpoint in kPa that moves in steps of whole kPa and loses no fraction of the rate."""

    def __init__(self):
        self.value_kpa = 0
        self.target_kpa = 0
        # Signed rate of this tick, kPa/s: the feed-forward of the controller.
        self.rate_kpa_s = 0
        # The same, as it will be when a command given now reaches the press.
        self.lead_kpa_s = 0
        # How long that takes.
        self.lead_ticks = 0
        self._full_rate = 0
        self._speed = 0
        self._remainder = 0

    def jump(self, value_kpa):
        """Put the setpoint somewhere and let it rest there."""
        self.value_kpa = value_kpa
        self.target_kpa = value_kpa
        self.rate_kpa_s = 0
        self.lead_kpa_s = 0
        self._speed = 0
        self._remainder = 0

    def ramp(self, target_kpa, rate_kpa_s):
        """Start towards a target from the present value, from standstill."""
        self.target_kpa = target_kpa
        self._full_rate = rate_kpa_s
        self._speed = 0
        self._remainder = 0

    def rest(self):
        """Stop moving without giving up the target: the next step starts from standstill."""
        self.rate_kpa_s = 0
        self.lead_kpa_s = 0
        self._speed = 0
        self._remainder = 0

    def arrived(self):
        """Whether the setpoint stands on its target."""
        return self.value_kpa == self.target_kpa

    def step(self):
        """Move by one tick."""
        distance = self.target_kpa - self.value_kpa
        before = self.rate_kpa_s
        if distance == 0:
            self.rate_kpa_s = 0
            self.lead_kpa_s = 0
            return
        remaining = distance if distance > 0 else -distance
        full = self._full_rate
        speed = self._speed + full // _RISE_TICKS + 1
        fade = remaining * _FADE_PER_S
        floor = full // _FADE_FLOOR + 1
        if fade < floor:
            fade = floor
        if speed > fade:
            speed = fade
        if speed > full:
            speed = full
        self._speed = speed
        travel = self._remainder + speed
        kpa = travel // TICK_HZ
        self._remainder = travel % TICK_HZ
        if kpa >= remaining:
            kpa = remaining
            self._speed = 0
            self._remainder = 0
        if distance > 0:
            self.value_kpa += kpa
            self.rate_kpa_s = speed
        else:
            self.value_kpa -= kpa
            self.rate_kpa_s = -speed
        self.lead_kpa_s = self.rate_kpa_s + (self.rate_kpa_s - before) * self.lead_ticks
