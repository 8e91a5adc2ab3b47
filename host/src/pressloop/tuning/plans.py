"""The steps of the tuning runs: ramps, holds and releases below the limit that the user gives.

A tuning run is an ordinary plan, so the board needs no code for it, every interlock is armed, and
the valves are measured while they move as they do in use.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pressloop.machine.profile import MachineProfile
from pressloop.wire import schema

COARSE_GAINS: Final = {"kp": 3 * 256, "ki": round(2 * 655.36)}
"""Calm, as dead bands may still be wrong by several per cent of stroke."""
FINE_KP: Final = 8.0
FINE_KI: Final = 4.0
"""Calmer than in use: a run that hunts between the valves shows little of either."""
MAX_GAIN_TIMES_LAG: Final = 0.5
"""With a lag T of the valves an integrating press under proportional control has no overshoot up to
a gain of about 1/(2 T)."""
HYSTERESIS_GAINS: Final = {"kp": round(1.5 * 256), "ki": round(0.5 * 655.36)}
"""Calmer still: where hunting opens the release, the run shows little of the pump."""

SEALED_STEP: Final = 1
"""Index of the step of `two_rate_plan` in which both valves are shut."""
# The shut press loses a few kPa/s. Half a minute shows that to one or two per cent; 6 s leave it
# uncertain by a quarter, which is enough for the balance of volumes of the coarse run.
SEALED_S: Final = 30.0
COARSE_SEALED_S: Final = 6.0

_SLOW_S: Final = 30.0
_FAST_S: Final = 7.0


def two_rate_plan(
    profile: schema.Profile,
    die_um: int,
    limit_kpa: int,
    *,
    sealed_s: float = SEALED_S,
    **gains: int,
) -> list[schema.PlanStepRequest]:
    """Return the steps of a run below `limit_kpa` on the pellet: two rates up, two rates down.

    In between the press is shut for `sealed_s`, which shows its leak.
    """
    plan = _PlanBuilder(profile, die_um, limit_kpa, **gains)
    plan.ramp(1, _SLOW_S)
    plan.hold(1, sealed_s, schema.HoldMode.SEALED)
    plan.release(0.1, _SLOW_S)
    plan.ramp(1, _FAST_S)
    plan.hold(1, 1, schema.HoldMode.REGULATED)
    plan.release(0.1, _FAST_S)
    plan.ramp(0.8, _SLOW_S / 2)
    plan.release(0, _SLOW_S / 2)
    return plan.steps


def hysteresis_plan(
    profile: schema.Profile, die_um: int, limit_kpa: int
) -> list[schema.PlanStepRequest]:
    """Return the steps of a run without dither: hysteresis makes the loop hunt, which shows it."""
    plan = _PlanBuilder(profile, die_um, limit_kpa, **HYSTERESIS_GAINS)
    plan.ramp(0.2, _SLOW_S / 2)
    plan.ramp(0.4, _FAST_S)
    plan.ramp(0.6, _SLOW_S / 2)
    plan.ramp(0.8, _FAST_S)
    plan.release(0, _SLOW_S / 2)
    return plan.steps


def fine_gains(valve_lag_ms: int | None) -> dict[str, int]:
    """Return the gains of the fine run for a lag of the valves."""
    kp = min(FINE_KP, 1000 * MAX_GAIN_TIMES_LAG / max(10, valve_lag_ms or 0))
    return {"kp": round(256 * kp), "ki": round(655.36 * FINE_KI * (kp / FINE_KP) ** 2)}


class _PlanBuilder:
    """Collects steps; targets are shares of the limit, rates the time from zero to the limit."""

    def __init__(self, profile: schema.Profile, die_um: int, limit_kpa: int, **gains: int) -> None:
        self.steps: list[schema.PlanStepRequest] = []
        limits = MachineProfile.from_wire(profile).limits(die_um)
        self._limit_kpa = limit_kpa
        self._max_rate_kpa_s = min(limits.fastest_rise_kpa_s, limits.fastest_fall_kpa_s) // 3
        self._gains = gains

    def ramp(self, share: float, limit_s: float) -> None:
        self._move(schema.StepKind.RAMP, share, limit_s)

    def release(self, share: float, limit_s: float) -> None:
        self._move(schema.StepKind.RELEASE, share, limit_s)

    def hold(self, share: float, seconds: float, mode: schema.HoldMode) -> None:
        # The band is as wide as it may be, so that it does not cut short what is to be measured.
        self._add(
            schema.StepKind.HOLD,
            target_kpa=round(share * self._limit_kpa),
            tolerance_kpa=self._limit_kpa // (4 if mode == schema.HoldMode.SEALED else 1),
            duration_ms=round(seconds * 1000),
            timeout_ms=30_000,
            mode=mode,
        )

    def _move(self, kind: schema.StepKind, share: float, limit_s: float) -> None:
        rate = min(self._max_rate_kpa_s, max(1, round(self._limit_kpa / limit_s)))
        self._add(kind, target_kpa=round(share * self._limit_kpa), rate_kpa_s=rate)

    def _add(self, kind: schema.StepKind, **values: int) -> None:
        step = schema.PlanStepRequest(index=len(self.steps), kind=kind, stage=0)
        self.steps.append(replace(step, **values, **self._gains))  # type: ignore[arg-type]
