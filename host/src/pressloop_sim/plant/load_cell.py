"""Load cell under the die: the force of the punch, with a rate, a lag and errors of its own.

The die stands on it, so wall friction does not matter: what the wall takes off the powder reaches
the cell through the die. Its converter gives a new reading 10-320 times a second (HX711 10 or 80,
NAU7802 10-320) and repeats the last one in between, so a reading is up to one period old.

The true force goes through a first-order lag (cell and the filter of the converter), then gain and
zero errors and noise. Forces in N, readings in tenths of a newton.
"""

import math

from pressloop_sim.plant import micropython_compat as micropython
from pressloop_sim.plant.noise import Rng

NO_READING = 0x7FFFFFFF
OK = "ok"
BROKEN = "broken"
STUCK = "stuck"
FAULTS = (OK, BROKEN, STUCK)

_PER_N = 10.0
# Separates its noise from the other generators that start from the same seed.
_STREAM = 104729
# A conversion that is due except for a rounding error counts as due.
_ROUNDING = 1e-6


class LoadCell:
    """Converts the force of the punch to readings in tenths of a newton."""

    def __init__(self, config: dict[str, float], seed: int) -> None:
        """Take the keys `load_cell_*` of a plant config; a capacity of 0 means there is no cell."""
        self.capacity_n = config.get("load_cell_capacity_n", 0.0)
        self._period_s = 1.0 / config.get("load_cell_rate_hz", 80.0)
        self._lag_s = config.get("load_cell_lag_s", 0.0)
        self._gain = config.get("load_cell_gain", 1.0)
        self._zero_n = config.get("load_cell_zero_n", 0.0)
        self._noise_n = config.get("load_cell_noise_n", 0.0)
        self._rng = Rng(seed + _STREAM)
        self._lagged_n = 0.0
        self._due_s = 0.0
        self._lag_gain = 1.0
        self._lag_gain_of_s = 0.0
        self.fault = OK
        # Conversions so far: a host or a board sees by it that a reading is new.
        self.conversions = 0
        self.reading = NO_READING

    @property
    def present(self) -> bool:
        """Whether the press has a load cell."""
        return self.capacity_n > 0.0

    @property
    def answers(self) -> bool:
        """Whether there is a reading: a broken cell gives none, nor does one before its first."""
        return self.reading != NO_READING

    @property
    def phase(self) -> tuple[int, float]:
        """What decides when the next readings come, and their noise."""
        return self._rng.state, self._due_s

    @phase.setter
    def phase(self, phase: tuple[int, float]) -> None:
        self._rng.state, self._due_s = phase

    @micropython.native
    def step(self, force_n: float, dt_s: float) -> int:
        """Let `dt_s` pass under a force and return the newest reading; `NO_READING` before one."""
        if dt_s != self._lag_gain_of_s:
            self._lag_gain_of_s = dt_s
            lag_s = self._lag_s
            self._lag_gain = 1.0 - math.exp(-dt_s / lag_s) if lag_s > 0.0 else 1.0
        self._lagged_n += (force_n - self._lagged_n) * self._lag_gain
        due = self._due_s + dt_s
        if due < self._period_s * (1.0 - _ROUNDING):
            self._due_s = due
            return self.reading
        # A rate above that of the calls gives one new reading in each.
        self._due_s = due - int(due / self._period_s + _ROUNDING) * self._period_s
        noise_n = self._noise_n * self._rng.gauss()
        self.conversions += 1
        if self.fault == STUCK:
            return self.reading
        if self.fault == BROKEN:
            self.reading = NO_READING
            return NO_READING
        newtons = self._lagged_n * self._gain + self._zero_n + noise_n
        limit = 1.2 * self.capacity_n
        newtons = min(max(newtons, -limit), limit)
        self.reading = int(newtons * _PER_N + (0.5 if newtons >= 0.0 else -0.5))
        return self.reading
