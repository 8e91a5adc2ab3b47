"""First contact with a sample: how the approach meets it and how soft it is at a low pressure.

The blank shows what valves, oil and frame do. Only a sample shows whether the approach lands gently
on it, and how much softer than the press loose powder is. One gentle run after tuning shows both.
Nothing of it is stored: the controller measures the compliance of the sample anew in every rise, as
the next portion of powder is another one.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from pressloop.errors import BadInputError
from pressloop.machine.profile import lever
from pressloop.tuning.records import TuningRecords, oil_mpa_of, zero_of
from pressloop.tuning.result import FirstContact
from pressloop.tuning.spool import flow_share, spool_position
from pressloop.tuning.windows import KNOTS, TICK_S, knots_mpa
from pressloop.wire import schema

_FULL: Final = schema.OUTPUT_FULL
_RISE_S: Final = 10.0
_HOLD_S: Final = 3
_MAX_CONTACTS: Final = 20
"""The run goes no higher than this many times the pressure that counts as contact."""
_MIN_CONTACTS: Final = 3
_MIN_TICKS: Final = 50


def first_contact_plan(
    profile: schema.Profile, die_um: int, limit_kpa: int
) -> list[schema.PlanStepRequest]:
    """Return the steps: approach, a gentle rise to `limit_kpa`, a short hold, release to zero.

    Raises:
        BadInputError: `contact-pressure`: the limit is not gentle, or too low to show anything.
    """
    contact_kpa = round(profile.contact_oil_kpa * lever(profile.ram_area_mm2, die_um / 1000))
    low, high = _MIN_CONTACTS * contact_kpa, _MAX_CONTACTS * contact_kpa
    if not low <= limit_kpa <= high:
        raise BadInputError(
            f"{limit_kpa / 1000:g} MPa is not suited for a first contact: this press detects "
            f"contact at {contact_kpa / 1000:.3g} MPa on this die, and {math.ceil(low / 1000)} to "
            f"{high // 1000} MPa show it",
            hint="give a limit in this range",
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


def measure_first_contact(
    records: TuningRecords, profile: schema.Profile, die_um: int
) -> FirstContact:
    """Return what a run of `first_contact_plan` shows.

    The compliance of the sample is compared with the profile's curve; on a press that was not
    tuned, with the constant of its data sheet.

    Raises:
        BadInputError: `contact-pressure`: the ramp was too short to measure.
    """
    oil_mpa = oil_mpa_of(records, zero_of(profile), profile)
    rising = np.flatnonzero((records.step == 0) & ~records.approaching)
    if len(rising) < _MIN_TICKS:
        raise BadInputError(
            "the ramp was too short to measure: the approach alone reached this pressure",
            hint="give a higher pressure, or a slower approach_opening in the profile",
            code="contact-pressure",
        )
    lag_ticks = max(1.0, (profile.valve_lag_ms or 40) / 10 - 1)
    position = spool_position(np.maximum(records.output, 0) / _FULL, 0.0, lag_ticks)
    passed = flow_share(position, profile.pump_dead_band / _FULL)
    pumped_ul = float(np.sum(passed[rising])) * profile.pump_flow_ul_s * TICK_S
    knots = knots_mpa(profile)
    flat = (profile.compliance_nl_mpa,) * KNOTS
    curve_ul_mpa = np.array(profile.compliance_curve or flat) / 1000
    # Means of five readings, as a single one carries the noise.
    first, last = (float(np.mean(oil_mpa[part])) for part in (rising[:5], rising[-5:]))
    levels = np.linspace(first, last, 200)
    elastic_ul = float(np.mean(np.interp(levels, knots, curve_ul_mpa))) * (last - first)
    sample_compliance_ratio = pumped_ul / elastic_ul if elastic_ul > 0 else math.inf
    ratio = lever(profile.ram_area_mm2, die_um / 1000)
    return FirstContact(
        approach_s=float(np.count_nonzero(records.approaching)) * TICK_S,
        landed_mpa=first * ratio,
        sample_compliance_ratio=sample_compliance_ratio,
        max_rate_mpa_s=ratio
        * profile.pump_flow_ul_s
        / (float(np.interp(last, knots, curve_ul_mpa)) * max(1.0, sample_compliance_ratio)),
    )
