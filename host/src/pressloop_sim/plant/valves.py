"""Pump valve and release valve: from a commanded opening to a flow.

A proportional valve follows its command after a transport delay (driver), with the lag of the
coil's current, with hysteresis from friction (as far as dither leaves any), with the lag of the
spool, and passes nothing until the spool has left its overlap, the dead band: command -> delay ->
coil lag -> hysteresis -> spool lag -> dead band. Coil lags are 5-15 ms: they smooth the dither
before the hysteresis, which then takes more of the movement. Without a coil lag the current follows
at once.
Manufacturers state lags of 20-50 ms, dead bands of about 20 % and hysteresis of a few per cent with
dither. Openings are fractions of full stroke, pressures MPa, flows mm3/s.
"""

import math

from pressloop_sim.plant import micropython_compat as micropython

# Orifices are laminar at small pressure drops: the flow is proportional to pressure below this.
_LAMINAR_MPA = 0.05
# Share of the stroke; a spool this close to its target has arrived.
_SETTLED = 1e-12


class Valve:
    """Moves the spool: from a command to an effective opening, in substeps of fixed length."""

    def __init__(
        self,
        substep_s: float,
        dead_band: float,
        lag_s: float,
        delay_s: float,
        hysteresis: float,
        unpowered: float,
        coil_lag_s: float = 0.0,
    ) -> None:
        """`unpowered` is the opening without power. `delay_s` is rounded to whole substeps."""
        self.command = unpowered
        self._nominal_dead_band = dead_band
        self._dead_band = dead_band
        self._coil_gain = 1.0 - math.exp(-substep_s / coil_lag_s) if coil_lag_s > 0.0 else 1.0
        self._current = unpowered
        self._gain = 1.0 / (1.0 - dead_band)
        self._half_hysteresis = hysteresis / 2
        self._lag_gain_half = 1.0 - math.exp(-0.5 * substep_s / lag_s)
        self._lag_gain_full = 1.0 - math.exp(-substep_s / lag_s)
        self._queue = [unpowered] * int(delay_s / substep_s + 0.5)
        self._at = 0
        self._pulled = unpowered  # the command after delay and hysteresis
        self._spool = unpowered
        # A spool that has arrived is not computed again until its target changes.
        self._target = unpowered
        self._settled = False
        self._opening = 0.0

    def drift(self, dead_band: float, flow_factor: float) -> None:
        """Set by how much the dead band is wider than new, and by what the full flow changes."""
        self._dead_band = max(0.0, self._nominal_dead_band + dead_band)
        self._gain = flow_factor / (1.0 - self._dead_band)
        self._settled = False

    @micropython.native
    def advance(self) -> float:
        """Advance by one substep; return the effective opening in its middle."""
        target = self.command
        queue = self._queue
        if queue:
            at = self._at
            target, queue[at] = queue[at], target
            at += 1
            self._at = at if at < len(queue) else 0
        if target == self._target and self._settled:
            return self._opening
        self._target = target
        current = target
        if self._coil_gain < 1.0:
            current = self._current + (target - self._current) * self._coil_gain
            self._current = current
        pulled = self._pulled
        if current > pulled + self._half_hysteresis:
            pulled = current - self._half_hysteresis
        elif current < pulled - self._half_hysteresis:
            pulled = current + self._half_hysteresis
        self._pulled = pulled
        spool = self._spool
        gap = pulled - spool
        self._settled = -_SETTLED < gap < _SETTLED and -_SETTLED < target - current < _SETTLED
        self._spool = spool + gap * self._lag_gain_full
        opening = spool + gap * self._lag_gain_half - self._dead_band
        opening = opening * self._gain if opening > 0.0 else 0.0
        self._opening = opening
        return opening


class PumpValve(Valve):
    """Feeds oil from a pump of constant flow, with the ripple of its pistons."""

    def __init__(
        self,
        substep_s: float,
        dead_band: float,
        lag_s: float,
        delay_s: float,
        hysteresis: float,
        full_flow: float,
        ripple: float,
        ripple_hz: float,
        coil_lag_s: float = 0.0,
    ) -> None:
        """`full_flow` in mm3/s; `ripple` is the amplitude of a triangle wave, a fraction of it."""
        Valve.__init__(self, substep_s, dead_band, lag_s, delay_s, hysteresis, 0.0, coil_lag_s)
        self._full_flow = full_flow
        self._ripple = 4 * ripple
        self._turn = ripple_hz * substep_s
        self.phase = 0.0

    @micropython.native
    def flow(self, opening: float) -> float:
        """Return the flow into the press, mm3/s. Call it once per substep."""
        phase = self.phase + self._turn
        if phase >= 1.0:
            phase -= 1.0
        self.phase = phase
        if opening == 0.0:
            return 0.0
        wave = (phase if phase < 0.5 else 1.0 - phase) - 0.25
        return self._full_flow * opening * (1.0 + self._ripple * wave)


class ReleaseValve(Valve):
    """Returns oil to the tank; open without power.

    Turbulent orifice flow, Q = K x sqrt(P), which turns laminar below `_LAMINAR_MPA`.
    """

    def __init__(
        self,
        substep_s: float,
        dead_band: float,
        lag_s: float,
        delay_s: float,
        hysteresis: float,
        flow_at_10_mpa: float,
        coil_lag_s: float = 0.0,
    ) -> None:
        """`flow_at_10_mpa` in mm3/s, fully open."""
        Valve.__init__(self, substep_s, dead_band, lag_s, delay_s, hysteresis, 1.0, coil_lag_s)
        self._k = flow_at_10_mpa / math.sqrt(10.0)

    def open_on_off(self, opening: float) -> None:
        """Open or shut the on/off valve beside it, where there is one (`dump_valve`)."""

    @micropython.native
    def flow(self, opening: float, pressure: float) -> float:
        """Return the flow out of the press, mm3/s."""
        return self._k * opening * pressure / math.sqrt(pressure + _LAMINAR_MPA)
