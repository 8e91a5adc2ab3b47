"""Faults of an isostatic vessel: air that was left in it."""

from pressloop_sim.plant.fault_schedule import FaultTarget
from pressloop_sim.plant.plant import Plant
from pressloop_sim.plant.vessel import VesselPlant


class VesselFaults(FaultTarget):
    """Fills a vessel badly; a press with a ram has none."""

    def __init__(self, plant: Plant) -> None:
        """Act on `plant`."""
        self._plant = plant

    def check(self, kind: str) -> None:
        """Raise a ValueError if this press has a ram."""
        if not isinstance(self._plant, VesselPlant):
            raise ValueError("this press has a ram: " + kind + " cannot be injected")

    def inject(self, kind: str, value: float) -> None:
        """Leave `value` mL of air in the vessel."""
        if kind == "vessel-air" and isinstance(self._plant, VesselPlant):
            # 1 mL is 1000 mm3.
            self._plant.leave_air(value * 1000.0)
