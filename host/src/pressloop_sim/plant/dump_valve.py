"""Release by two valves: a small proportional one and an on/off one beside it, both normally open.

The on/off valve empties the press at rest and after a fault; the small one controls. Flows add.
"""

from pressloop_sim.plant import micropython_compat as micropython
from pressloop_sim.plant.valves import ReleaseValve, Valve

# Time constant of the on/off valve's spool and its delay, s. Assumption: 20-50 ms in data sheets.
_LAG_S = 0.015
_DELAY_S = 0.02


class ReleasePair(ReleaseValve):
    """Two release valves as one; `command` and flow are those of the small one."""

    def __init__(
        self,
        substep_s: float,
        dead_band: float,
        lag_s: float,
        delay_s: float,
        hysteresis: float,
        flow_at_10_mpa: float,
        on_off_flow_at_10_mpa: float,
        coil_lag_s: float = 0.0,
    ) -> None:
        """Take the flows fully open at 10 MPa, mm3/s."""
        ReleaseValve.__init__(
            self, substep_s, dead_band, lag_s, delay_s, hysteresis, flow_at_10_mpa, coil_lag_s
        )
        self._on_off = Valve(substep_s, 0.0, _LAG_S, _DELAY_S, 0.0, 1.0)
        self._ratio = on_off_flow_at_10_mpa / flow_at_10_mpa

    def open_on_off(self, opening: float) -> None:
        """Open the on/off valve with 1, shut it with 0."""
        self._on_off.command = opening

    @micropython.native
    def advance(self) -> float:
        """Let a substep pass; return the opening of both, in openings of the small one."""
        return Valve.advance(self) + self._ratio * self._on_off.advance()


def release_of(config: dict[str, float], substep_s: float, coil_lag_s: float) -> ReleaseValve:
    """Return the release of a press, by the keys `release_*` of a plant config."""
    numbers = (
        substep_s,
        config["release_dead_band"],
        config["valve_lag_s"],
        config["valve_delay_s"],
        config["valve_hysteresis"],
        config["release_flow_10mpa_mm3_s"],
    )
    on_off_flow = config.get("on_off_release_flow_10mpa_mm3_s", 0.0)
    if on_off_flow > 0.0:
        return ReleasePair(*numbers, on_off_flow, coil_lag_s)
    return ReleaseValve(*numbers, coil_lag_s)
