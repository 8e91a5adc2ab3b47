"""Decides when a press is unloaded: nothing presses on the sample, and a hand may go near it."""

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# Readings in a row that make a press unloaded, 0.2 s.
_MIN_READINGS = const(20)


def is_unloaded(scaling, pressure_kpa):
    """Whether a reading says that nothing presses on the sample.

    It then is zero within the sensor's error, or the pressure that moves the ram back. A vessel
    whose lid is watched is unloaded only when the switch says so, too: 0.1 MPa lifts a lid, and its
    transducer cannot tell that from zero.
    """
    if scaling.lid_pressure is not None and scaling.lid_pressure():
        return False
    return pressure_kpa <= unloaded_kpa(scaling)


def unloaded_kpa(scaling):
    """Return the highest reading of a press on whose sample nothing presses."""
    return max(3 * scaling.resolution_kpa, scaling.contact_kpa * 3 // 4)


class UnloadedDetector:
    """Counts the unloaded readings in a row after a release."""

    def __init__(self):
        self._count = 0

    def restart(self):
        """Count anew."""
        self._count = 0

    def step(self, scaling, pressure_kpa):
        """Process a reading; return whether the press is unloaded."""
        if not is_unloaded(scaling, pressure_kpa):
            self._count = 0
            return False
        self._count += 1
        return self._count >= _MIN_READINGS
