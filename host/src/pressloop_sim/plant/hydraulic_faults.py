"""Faults between pump and pellet: leak, burst hose, end of stroke, wrong die, relief valve."""

from pressloop_sim.plant.fault_schedule import FaultTarget
from pressloop_sim.plant.plant import Plant
from pressloop_sim.plant.valve_faults import faulty_release


class HydraulicFaults(FaultTarget):
    """Breaks the hydraulics of a press."""

    def __init__(self, plant: Plant) -> None:
        """Act on `plant`."""
        self._plant = plant

    def inject(self, kind: str, value: float) -> None:
        """Break a part."""
        plant = self._plant
        if kind == "leak":
            # 1 uL is 1 mm3.
            plant.add_leak(value)
        elif kind == "burst":
            faulty_release(plant).burst = True
        elif kind == "stroke-end":
            plant.stop_ram()
        elif kind == "wrong-die":
            plant.fit_wrong_die(int(value * 1000 + 0.5))
        elif kind == "relief":
            # 10 bar are 1 MPa.
            faulty_release(plant).relief_mpa = value / 10.0
