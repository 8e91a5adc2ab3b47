"""The approach: the pump closes the press at a fixed opening until the ram meets the sample.

Before contact there is no pressure to control. The pump stops late, so it gets time to stop; the
ramp then starts from the pressure that there is.
"""

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

CLOSING = const(0)  # the pump runs
LANDING = const(1)  # contact: the pump stops
LANDED = const(2)  # the loop can take over

# Readings in a row that count as contact.
_MIN_CONTACT_READINGS = const(3)
_TICK_MS = const(10)


class Approach:
    """Counts the ticks and the contact readings of one approach."""

    def __init__(self):
        # How many ticks the pump needs to stop after contact.
        self.landing_ticks = 0
        self._ticks = 0
        self._contact_count = 0

    def restart(self):
        """Begin a new approach."""
        self._ticks = 0
        self._contact_count = 0

    def step(self, contact):
        """Process a tick; `contact` says whether its reading shows contact.

        Return CLOSING, LANDING or LANDED.
        """
        self._ticks += 1
        if not contact:
            self._contact_count = 0
            return CLOSING
        self._contact_count += 1
        if self._contact_count < _MIN_CONTACT_READINGS:
            return CLOSING
        if self._contact_count < _MIN_CONTACT_READINGS + self.landing_ticks:
            return LANDING
        return LANDED

    def expired(self, timeout_ms):
        """Whether the approach has lasted for the timeout."""
        return self._ticks * _TICK_MS >= timeout_ms
