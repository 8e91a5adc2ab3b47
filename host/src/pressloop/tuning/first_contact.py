"""First contact with a sample: how it is met and how soft it is at first, at a low pressure.

The blank tells what valves, oil and frame do; a sample adds what no blank can show: whether the
approach lands gently on it, and by how much loose powder is softer than the press. One gentle run
after tuning tells both. Nothing of it is stored: the controller finds the softness anew in every
rise, as the next portion of powder is another one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from pressloop.errors import BadInputError
from pressloop.machine.profile import lever
from pressloop.tuning import tune
from pressloop.wire import schema

_FULL: Final = schema.OUTPUT_FULL
_TICK_S: Final = 1 / schema.TICK_HZ
_RISE_S: Final = 10.0
_HOLD_S: Final = 3
_MAX_CONTACTS: Final = 20
"""The run goes no higher than this many times the pressure that counts as contact."""
_MIN_CONTACTS: Final = 3
_MIN_TICKS: Final = 50


@dataclass(frozen=True)
class Contact:
    """What a first contact showed. Pressures are MPa on the sample."""

    approach_s: float
    """From the start to contact."""
    landed_mpa: float
    """Where the ramp began: what the approach pressed before the pump had stopped."""
    softness: float
    """Oil that the closed press took, of what it takes on steel."""
    fastest_mpa_s: float
    """What the fully open pump can do on this sample at this pressure."""


def plan(profile: schema.Profile, die_um: int, limit_kpa: int) -> list[schema.PlanStepRequest]:
    """Return the steps: meet the sample, rise gently to `limit_kpa`, wait, release to nothing.

    Raises:
        BadInputError: The limit is no gentle pressure, or too low to see anything.
    """
    contact_kpa = round(profile.contact_oil_kpa * lever(profile.ram_area_mm2, die_um / 1000))
    low, high = _MIN_CONTACTS * contact_kpa, _MAX_CONTACTS * contact_kpa
    if not low <= limit_kpa <= high:
        raise BadInputError(
            f"{limit_kpa / 1000:g} MPa is no pressure for a first contact: this press sees contact "
            f"at {contact_kpa / 1000:.3g} MPa on this die",
            hint=f"give {math.ceil(low / 1000)} to {high // 1000} MPa",
            code="contact-pressure",
        )
    rate = max(1, round(limit_kpa / _RISE_S))
    ramp = schema.PlanStepRequest(
        index=0, kind=schema.StepKind.RAMP, stage=0, target_kpa=limit_kpa, rate_kpa_s=rate
    )
    hold = schema.PlanStepRequest(
        index=1,
        kind=schema.StepKind.HOLD,
        stage=0,
        target_kpa=limit_kpa,
        tolerance_kpa=limit_kpa,
        duration_ms=_HOLD_S * 1000,
        timeout_ms=30_000,
        mode=schema.HoldMode.REGULATED,
    )
    release = schema.PlanStepRequest(
        index=2, kind=schema.StepKind.RELEASE, stage=0, target_kpa=0, rate_kpa_s=rate
    )
    return [ramp, hold, release]


def learn(records: tune.Records, profile: schema.Profile, die_um: int) -> Contact:
    """Return what a run of `plan` shows; without a tuned curve, against the data sheet's.

    Raises:
        BadInputError: The sample was never pressed.
    """
    oil_mpa = tune.oil_mpa_of(records, tune.zero_of(profile), profile)
    rising = np.flatnonzero((records.step == 0) & ~records.approaching)
    if len(rising) < _MIN_TICKS:
        raise BadInputError(
            "the run never pressed the sample: it was at its pressure as soon as it was met",
            hint="give a higher pressure, or a slower approach_opening in the profile",
            code="contact-pressure",
        )
    lag_ticks = max(1.0, (profile.valve_lag_ms or 40) / 10 - 1)
    place = tune.spool(np.maximum(records.output, 0) / _FULL, 0.0, lag_ticks)
    passed = tune.passed(place, profile.pump_dead_band / _FULL)
    pumped_ul = float(np.sum(passed[rising])) * profile.pump_flow_ul_s * _TICK_S
    knots = tune.knots_mpa(profile)
    flat = (profile.compliance_nl_mpa,) * tune.KNOTS
    curve = np.array(profile.compliance_curve or flat) / 1000
    # A few readings together: single ones carry the noise.
    first, last = (float(np.mean(oil_mpa[part])) for part in (rising[:5], rising[-5:]))
    levels = np.linspace(first, last, 200)
    elastic_ul = float(np.mean(np.interp(levels, knots, curve))) * (last - first)
    softness = pumped_ul / elastic_ul if elastic_ul > 0 else math.inf
    ratio = lever(profile.ram_area_mm2, die_um / 1000)
    return Contact(
        approach_s=float(np.count_nonzero(records.approaching)) * _TICK_S,
        landed_mpa=first * ratio,
        softness=softness,
        fastest_mpa_s=ratio
        * profile.pump_flow_ul_s
        / (float(np.interp(last, knots, curve)) * max(1.0, softness)),
    )
