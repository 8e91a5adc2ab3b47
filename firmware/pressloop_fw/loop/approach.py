"""The approach: the ram closes at a fixed opening until readings say that it meets the sample.

There is no pressure to control before contact. The pump, which stops late, gets time to do so; the
ramp then starts from the pressure that is there.
"""

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

CLOSING = const(0)  # the pump runs
LANDING = const(1)  # contact: the pump stops
LANDED = const(2)  # the loop can take over

# Readings in a row that count as contact.
_CONTACT_READINGS = const(3)


class Approach:
    """Counts the readings of one approach."""

    def __init__(self):
        # How long the pump needs to stop after contact.
        self.landing_ticks = 0
        self._ticks = 0
        self._contact_count = 0

    def restart(self):
        """Begin a new approach."""
        self._ticks = 0
        self._contact_count = 0

    def step(self, touches):
        """Take in whether this reading is one of contact; return CLOSING, LANDING or LANDED."""
        self._ticks += 1
        if not touches:
            self._contact_count = 0
            return CLOSING
        self._contact_count += 1
        if self._contact_count < _CONTACT_READINGS:
            return CLOSING
        if self._contact_count < _CONTACT_READINGS + self.landing_ticks:
            return LANDING
        return LANDED

    def expired(self, timeout_ms):
        """Whether the ram should have met the sample long ago."""
        return self._ticks * 10 >= timeout_ms
