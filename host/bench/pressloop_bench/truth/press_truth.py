"""Tunes one press of the wide family, presses the protocol, and judges the truth of each stage."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from pressloop.errors import BadInputError
from pressloop.machine.profile import MachineProfile
from pressloop.machine.uncertainty import WITH_COMPENSATION

from pressloop_bench.control.press_family import Case
from pressloop_bench.control.press_run import PressRunError, Trace, firmware
from pressloop_bench.control.run_case import (
    CEILING,
    OURS,
    RELEASE_FACTOR,
    fast_press,
    tuned_profile,
)
from pressloop_bench.truth.learning import learned_fields
from pressloop_bench.truth.pressed_by import Means
from pressloop_bench.truth.stage_truth import StageTruth, judge_stage
from pressloop_bench.truth.wide_family import WideCase

HOLD_S: Final = 20.0


@dataclass(frozen=True)
class PressTruth:
    """The stages of one press, or why there are none.

    Attributes:
        stages: Judged by the pressure on the pellet.
        oil_stages: The same, judged by the pressure of the oil, without errors of the sensor.
        refused: Reason of a tuning that found no usable profile.
        ended: Reason of a run that did not complete; the stages before it are judged.
    """

    case: WideCase
    stages: tuple[StageTruth, ...]
    oil_stages: tuple[StageTruth, ...] = ()
    refused: str = ""
    ended: str = ""


def protocol(case: WideCase) -> list[dict[str, Any]]:
    """Return the steps: the lowest stage and three others from zero, then one from above."""
    schema = firmware("wire.schema")
    first, second, third, low = (round(target * 1000) for target in case.targets_mpa)
    rates = [max(1, round(rate * 1000)) for rate in case.rates_mpa_s]
    full_scale_mpa = case.press.transducer.full_scale_bar / 10
    config = case.press.plant_config()
    finest = 0.0005 * 1000 * full_scale_mpa * config["ram_area_mm2"] / config["die_area_mm2"]
    down = round(rates[0] * RELEASE_FACTOR)

    def stage(target: int, rate: int) -> list[dict[str, Any]]:
        return [
            {"kind": schema.STEP_RAMP, "target_kpa": target, "rate_kpa_s": rate},
            {
                "kind": schema.STEP_HOLD,
                "target_kpa": target,
                "tolerance_kpa": round(max(target / 200, finest, 1)),
                "timeout_ms": 60_000,
                "mode": schema.HOLD_REGULATED,
                "duration_ms": round(HOLD_S * 1000),
            },
        ]

    release = {"kind": schema.STEP_RELEASE, "target_kpa": 0, "rate_kpa_s": down}
    steps: list[dict[str, Any]] = []
    for target, rate in zip((low, first, second, third), (rates[3], *rates[:3]), strict=True):
        steps += [*stage(target, rate), release]
    return [*steps[:-1], release, *stage(first, rates[0]), *stage(third, rates[1])]


def learning_protocol(case: WideCase) -> list[dict[str, Any]]:
    """Return the steps that show friction: three levels up, and the same without the highest down.

    They are holds of 5 s from the protocol's own pressures, in one contact.
    """
    schema = firmware("wire.schema")
    first, second, third = (round(target * 1000) for target in case.targets_mpa[:3])
    rate = max(1, round(case.rates_mpa_s[0] * 1000))
    steps: list[dict[str, Any]] = []
    for target in (third, first, second, first, third):
        steps.append({"kind": schema.STEP_RAMP, "target_kpa": target, "rate_kpa_s": rate})
        steps.append(
            {
                "kind": schema.STEP_HOLD,
                "target_kpa": target,
                # Wide: what counts is what the reference shows meanwhile.
                "tolerance_kpa": max(1, target // 20),
                "timeout_ms": 60_000,
                "mode": schema.HOLD_REGULATED,
                "duration_ms": 5000,
            }
        )
    return steps


def measure(means: Means) -> PressTruth:
    """Tune a press on a steel blank, run the protocol on powder, and judge it."""
    return measure_laws((means, (OURS,)))[OURS]


def measure_laws(job: tuple[Means, tuple[str, ...]]) -> dict[str, PressTruth]:
    """Do the same under each law, with one tuning: ours, and peers with the same load cell."""
    means, laws = job
    case = means.case
    alike = Case(case.name, case.press, case.targets_mpa[:3], case.rates_mpa_s[:3], case.seed)
    try:
        fields = tuned_profile(alike) | means.fields
    except (PressRunError, BadInputError) as error:
        refused = PressTruth(case, (), refused=str(error).splitlines()[0])
        return dict.fromkeys(laws, refused)
    return {law: _measure(means, fields, law) for law in laws}


def _measure(means: Means, fields: dict[str, Any], law: str) -> PressTruth:
    case = means.case
    steps = protocol(case)
    ended = ""
    try:
        # Other noise and, from run to run, other friction than in the tuning.
        fields = dict(fields)
        if means.quantity == WITH_COMPENSATION:
            up_and_down = learning_protocol(case)
            learning = _press(case, fields, up_and_down, case.seed + 2, OURS)
            die_mm2 = case.press.plant_config()["die_area_mm2"]
            fields |= learned_fields(learning, up_and_down, die_mm2)
        trace = _press(case, fields, steps, case.seed + 1, law)
    except BadInputError as error:
        # Friction was not learned.
        return PressTruth(case, (), refused=str(error).splitlines()[0])
    except PressRunError as error:
        if error.trace is None:
            return PressTruth(case, (), ended=str(error))
        trace, ended = error.trace, str(error)
    profile = MachineProfile.from_fields(fields)
    hold = firmware("wire.schema").STEP_HOLD
    low = steps[0]["target_kpa"]
    # A run that ended early did not end its last step.
    begun = [int(step) for step in np.unique(trace.step) if step < len(steps)]
    ended_steps = begun[:-1] if ended else begun
    both = [
        tuple(
            judge_stage(
                trace,
                steps[index - 1],
                (index - 1, index),
                HOLD_S,
                profile,
                case.press.die_mm,
                low=step["target_kpa"] == low,
                oil=oil,
                quantity=means.quantity,
                allowed_mpa=math.inf
                if oil
                else means.allowed_mpa(profile, case.press.die_mm, step["target_kpa"] / 1000),
                read_mpa=means.read_mpa,
            )
            for index, step in enumerate(steps)
            if step["kind"] == hold and index in ended_steps
        )
        for oil in (False, True)
    ]
    valves = case.press.valves
    lag_s = (valves.delay_ms + valves.coil_lag_ms + valves.lag_ms) / 1000
    noise = case.press.transducer.noise_percent
    pellet, oil_derived = (
        tuple(replace(stage, lag_s=lag_s, noise_percent=noise) for stage in stages)
        for stages in both
    )
    return PressTruth(case, pellet, oil_derived, ended=ended)


def _press(
    case: WideCase, fields: dict[str, Any], steps: list[dict[str, Any]], seed: int, law: str
) -> Trace:
    return fast_press(case.press, fields, seed, law).run(
        steps,
        die_um=round(case.press.die_mm * 1000),
        ceiling_kpa=round(CEILING * case.targets_mpa[1] * 1000),
        vent_kpa_s=round(RELEASE_FACTOR * case.rates_mpa_s[0] * 1000),
    )
