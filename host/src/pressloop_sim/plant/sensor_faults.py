"""Faults of a pressure transducer: a wrapper that acts on any object with `sample(pressure)`.

The transducer inside goes on working, so that its noise is the same with and without a fault.
Values in MPa are on the pellet, and are converted to oil by the die in the press at that time.
"""

import math

from pressloop_sim.plant.fault_schedule import FaultTarget
from pressloop_sim.plant.noise import Rng
from pressloop_sim.plant.plant import Plant
from pressloop_sim.plant.transducer import BROKEN, SHORT, Transducer

_NEVER_SAMPLED = -1


class FaultyTransducer:
    """Converts a pressure to counts by the transducer inside it, with faults on both sides."""

    def __init__(self, inner: "Transducer", sample_s: float, seed: int) -> None:
        """Start without a fault; `sample_s` is the time between calls of `sample`."""
        self.inner = inner
        self._sample_s = sample_s
        self._rng = Rng(seed)
        self._counts = _NEVER_SAMPLED
        self._seen_mpa = 0.0
        self._lagged_mpa = 0.0
        self._elapsed_s = 0.0
        self.frozen = False
        self.blocked = False
        self.zero = False
        self.offset_mpa = 0.0
        self.drift_mpa_s = 0.0
        self.gain = 1.0
        self.lag_gain = 1.0
        self.noise_mpa = 0.0
        self.dropout = 0.0

    @property
    def fault(self) -> str:
        """Fault of the current loop, as `Transducer.fault`."""
        return self.inner.fault

    @fault.setter
    def fault(self, fault: str) -> None:
        self.inner.fault = fault

    def sample(self, pressure: float) -> int:
        """Return the counts for a true oil `pressure`."""
        if self._counts == _NEVER_SAMPLED:
            self._seen_mpa = self._lagged_mpa = pressure
        if not self.blocked:
            self._seen_mpa = pressure
        seen = 0.0 if self.zero else self._seen_mpa
        self._elapsed_s += self._sample_s
        self._lagged_mpa += (seen - self._lagged_mpa) * self.lag_gain
        wrong = self._lagged_mpa * self.gain + self.offset_mpa + self.drift_mpa_s * self._elapsed_s
        if self.noise_mpa:
            wrong += self.noise_mpa * self._rng.gauss()
        counts = self.inner.sample(wrong)
        if self.frozen and self._counts != _NEVER_SAMPLED:
            counts = self._counts
        self._counts = counts
        if self.dropout and self._rng.bits() < self.dropout * 4294967296.0:
            return 0
        return counts

    def start_drift(self, mpa_s: float) -> None:
        """Let the error grow from now on, in MPa of oil per second."""
        self.offset_mpa += self.drift_mpa_s * self._elapsed_s
        self._elapsed_s = 0.0
        self.drift_mpa_s = mpa_s


class SensorFaults(FaultTarget):
    """Breaks the transducer that an object holds in one of its attributes, or in one of these."""

    def __init__(
        self,
        holder: object,
        path: str,
        plant: Plant,
        press: "dict[str, float]",
        sample_s: float,
    ) -> None:
        """`path` names the attributes, such as `second_transducer.transducer`.

        `press` is the `PressDescription.plant_config` of `plant`.
        """
        self._holder = holder
        self._path = path
        self._plant = plant
        self._ram_mm2 = press["ram_area_mm2"]
        self._sample_s = sample_s

    def check(self, kind: str) -> None:
        """Raise a ValueError if there is no such transducer."""
        self._find()

    def inject(self, kind: str, value: float) -> None:
        """Break the transducer."""
        holder, name = self._find()
        sensor = getattr(holder, name)
        if not isinstance(sensor, FaultyTransducer):
            sensor = FaultyTransducer(sensor, self._sample_s, len(self._path))
            setattr(holder, name, sensor)
        fault = kind.partition("-")[2]
        lever = self._ram_mm2 / (math.pi / 4 * (self._plant.die_um / 1000) ** 2)
        if fault == "frozen":
            sensor.frozen = True
        elif fault == "blocked":
            sensor.blocked = True
        elif fault == "zero":
            sensor.zero = True
        elif fault == "open":
            sensor.fault = BROKEN
        elif fault == "short":
            sensor.fault = SHORT
        elif fault == "offset":
            sensor.offset_mpa += value / lever
        elif fault == "drift":
            sensor.start_drift(value / lever)
        elif fault == "gain":
            sensor.gain = value
        elif fault == "slow":
            sensor.lag_gain = 1.0 - math.exp(-self._sample_s / value)
        elif fault == "noise":
            sensor.noise_mpa = value / 100.0 * sensor.inner.full_scale_mpa
        elif fault == "dropout":
            sensor.dropout = value

    def _find(self) -> "tuple[object, str]":
        """Return the object that holds the transducer, and the name of the attribute."""
        holder = self._holder
        names = self._path.split(".")
        for name in names[:-1]:
            holder = getattr(holder, name, None)
        if getattr(holder, names[-1], None) is None:
            raise ValueError("this press has one transducer: second-... cannot be injected")
        return holder, names[-1]
