"""When a press is at rest: nothing presses on the sample, and a hand may go near it."""

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# Readings in a row that count as rest.
_READINGS = const(20)


def is_unloaded(scaling, pressure_kpa):
    """Whether nothing presses on the sample.

    The reading then is zero within the sensor's error, or what it takes to move the ram back.
    """
    return pressure_kpa <= max(3 * scaling.resolution_kpa, scaling.contact_kpa * 3 // 4)


class UnloadedDetector:
    """Counts the readings at rest behind a release."""

    def __init__(self):
        self._count = 0

    def restart(self):
        """Begin to count anew."""
        self._count = 0

    def step(self, scaling, pressure_kpa):
        """Take in a reading; return whether the press has come to rest."""
        if not is_unloaded(scaling, pressure_kpa):
            self._count = 0
            return False
        self._count += 1
        return self._count >= _READINGS
