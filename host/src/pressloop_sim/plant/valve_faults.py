"""Faults of pump and release valve: objects in their place that let pass what the fault says."""

from pressloop_sim.plant.fault_schedule import FaultTarget
from pressloop_sim.plant.plant import Plant
from pressloop_sim.plant.valves import PumpValve, ReleaseValve

# Hose burst: its orifice, as a multiple of the open release valve.
BURST_OPENING = 5.0
# Flow of an open relief valve above its set pressure, mm3/s per MPa: a pump of 4 mL/s raises the
# pressure by 1 MPa.
_RELIEF_MM3_S_MPA = 4000.0
# An opening that lets no oil pass and makes the press ask for the flow nevertheless.
_NEARLY_SHUT = 1e-12


class StuckPump(PumpValve):
    """A pump valve that stays at one opening; the spool inside goes on following its command."""

    def __init__(self, inner: PumpValve, opening: float) -> None:
        """`opening` is the share of the full flow."""
        self._inner = inner
        self._opening = opening
        self.command = inner.command
        self.phase = inner.phase

    def advance(self) -> float:
        """Advance by one substep; return the opening at which the valve is stuck."""
        self._inner.command = self.command
        self._inner.advance()
        return self._opening

    def flow(self, opening: float) -> float:
        """Return the flow into the press, mm3/s."""
        self._inner.phase = self.phase
        flow = self._inner.flow(opening)
        self.phase = self._inner.phase
        return flow


class FaultyRelease(ReleaseValve):
    """A release valve that may be stuck, with other ways out of the press in parallel.

    Attributes:
        stuck: Opening at which it is stuck, None while it follows its command.
        burst: Whether a hose has burst.
        relief_mpa: Oil pressure at which a relief valve opens; None without one.
    """

    def __init__(self, inner: ReleaseValve) -> None:
        """Start without a fault."""
        self._inner = inner
        self.command = inner.command
        self.stuck: float | None = None
        self.burst = False
        self.relief_mpa: float | None = None

    def advance(self) -> float:
        """Advance by one substep; return the opening of the valve and of all that is parallel."""
        self._inner.command = self.command
        opening = self._inner.advance()
        if self.stuck is not None:
            opening = self.stuck
        if self.burst:
            opening += BURST_OPENING
        return opening + _NEARLY_SHUT if self.relief_mpa is not None else opening

    def open_on_off(self, opening: float) -> None:
        """Open or shut the on/off valve beside it."""
        self._inner.open_on_off(opening)

    def flow(self, opening: float, pressure: float) -> float:
        """Return the flow out of the press, mm3/s."""
        flow = self._inner.flow(opening, pressure)
        if self.relief_mpa is not None and pressure > self.relief_mpa:
            flow += (pressure - self.relief_mpa) * _RELIEF_MM3_S_MPA
        return flow


def faulty_release(plant: Plant) -> FaultyRelease:
    """Return the release valve of a press as one that can be broken."""
    release = plant.release
    if not isinstance(release, FaultyRelease):
        release = plant.release = FaultyRelease(release)
    return release


class ValveFaults(FaultTarget):
    """Breaks the valves of a press."""

    def __init__(self, plant: Plant) -> None:
        """Act on the valves of `plant`."""
        self._plant = plant

    def inject(self, kind: str, value: float) -> None:
        """Break a valve."""
        plant = self._plant
        if kind == "pump-dead":
            plant.pump = StuckPump(plant.pump, 0.0)
        elif kind == "pump-stuck-open":
            plant.pump = StuckPump(plant.pump, value / 100.0)
        elif kind == "release-stuck-shut":
            faulty_release(plant).stuck = 0.0
        elif kind == "release-stuck-open":
            faulty_release(plant).stuck = 1.0
