"""Runs the bench's protocol on one press under one law, and judges it.

The protocol has the three steps of the sodium-ion protocol, then a descent from the first to the
third pressure.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from pressloop.emulator.description import PressDescription
from pressloop.errors import BadInputError

from pressloop_bench.control import peer_laws
from pressloop_bench.control.peer_laws import Gains
from pressloop_bench.control.press_family import Case
from pressloop_bench.control.press_run import FastPress, PressRunError, Trace, firmware
from pressloop_bench.control.quality import JudgedStage, Quality, judge
from pressloop_bench.control.tuned_press import fields, tune_case

OURS: Final = "Pressloop"
LAWS: Final = (OURS, *peer_laws.LAWS)

HOLD_S: Final = 20.0
CEILING: Final = 1.04
RELEASE_FACTOR: Final = 2.0
"""Releases go at this many times the rate of the first ramp."""


def protocol(case: Case) -> list[dict[str, Any]]:
    """Return the plan steps: three stages from zero, then up to the first and down to the third."""
    schema = firmware("wire.schema")
    first, second, third = (round(target * 1000) for target in case.targets_mpa)
    rates = [round(rate * 1000) for rate in case.rates_mpa_s]
    down = round(rates[0] * RELEASE_FACTOR)

    def ramp(target: int, rate: int) -> dict[str, Any]:
        return {"kind": schema.STEP_RAMP, "target_kpa": target, "rate_kpa_s": rate}

    def release(target: int, rate: int) -> dict[str, Any]:
        return {"kind": schema.STEP_RELEASE, "target_kpa": target, "rate_kpa_s": rate}

    def hold(target: int) -> dict[str, Any]:
        return {
            "kind": schema.STEP_HOLD,
            "target_kpa": target,
            "tolerance_kpa": target // 200,
            "timeout_ms": 60_000,
            "mode": schema.HOLD_REGULATED,
            "duration_ms": round(HOLD_S * 1000),
        }

    steps: list[dict[str, Any]] = []
    for target, rate in zip((first, second, third), rates, strict=True):
        steps += [ramp(target, rate), hold(target), release(0, down)]
    return [*steps[:-1], ramp(first, rates[0]), hold(first), ramp(third, rates[1]), hold(third)]


def stages_of(trace: Trace, steps: list[dict[str, Any]]) -> list[JudgedStage]:
    """Return the stages of a trace: each a move with the hold behind it."""
    schema = firmware("wire.schema")
    stages: list[JudgedStage] = []
    level = 0
    nothing = trace.true_mpa[:0]
    # In the last tick of a hold the sequencer is already at the next step.
    counted_for = np.concatenate((trace.step[:1], trace.step[:-1]))
    for index, step in enumerate(steps):
        mine = trace.step == index
        moving = mine & ~trace.approaching & ~trace.dumping
        target = int(step["target_kpa"])
        if step["kind"] == schema.STEP_HOLD:
            before = stages.pop()
            stages.append(
                JudgedStage(
                    target / 1000,
                    before.rising,
                    before.level_mpa,
                    before.ramp_true,
                    before.ramp_set,
                    trace.true_mpa[mine],
                    trace.true_mpa[trace.dwelling & (counted_for == index)],
                    round(step["duration_ms"] / 10),
                )
            )
            continue
        stages.append(
            JudgedStage(
                target / 1000,
                target > level,
                (target if step["kind"] == schema.STEP_RAMP else level) / 1000,
                trace.true_mpa[moving],
                trace.setpoint_mpa[moving],
                nothing,
                nothing,
                0,
            )
        )
        level = target
    return stages


def tuned_profile(case: Case) -> dict[str, Any]:
    """Return the profile that tuning the press finds, by field names.

    Raises:
        PressRunError: A run ended early.
        BadInputError: The tuning found nonsense.
    """
    return fields(tune_case(case)[-1].profile)


def press(case: Case, profile: dict[str, Any], law: str, gains: Gains | None = None) -> Trace:
    """Run the protocol on a case with the firmware, under our law or a peer's.

    Raises:
        PressRunError: The run ended by a fault or a time-out.
    """
    return fast_press(case.press, profile, case.seed, law, gains).run(
        protocol(case),
        die_um=round(case.press.die_mm * 1000),
        ceiling_kpa=round(CEILING * case.targets_mpa[1] * 1000),
        vent_kpa_s=round(RELEASE_FACTOR * case.rates_mpa_s[0] * 1000),
    )


def fast_press(
    description: PressDescription,
    profile: dict[str, Any],
    seed: int,
    law: str,
    gains: Gains | None = None,
) -> FastPress:
    """Return a press with the firmware under our law or a peer's.

    Tuning lowers our gains where valves are slow and readings noisy; a peer's that were not given
    are lowered in the same proportion.
    """
    config = description.plant_config()
    if law == OURS:
        if gains is not None:
            profile = dict(profile, **_wire_gains(gains))
        return FastPress(config, profile, seed)
    fast = FastPress(config, peer_laws.flat(profile), seed)
    lever = profile["ram_area_mm2"] / config["die_area_mm2"]
    full_mpa_s = profile["pump_flow_ul_s"] / profile["compliance_nl_mpa"] * 1000 * lever
    if gains is None:
        share = profile["kp"] / description.nominal_profile()["kp"]
        found = peer_laws.GAINS[law]
        gains = Gains(found.kp * share, found.ki * share**2, found.kd)
    lag_ticks = profile.get("valve_lag_ms", 40) / 10
    peer_laws.install_law(fast.controller, law, gains, full_mpa_s, lag_ticks)
    return fast


def _wire_gains(gains: Gains) -> dict[str, int]:
    return {
        "kp": round(gains.kp * 256),
        "ki": round(gains.ki * 655.36),
        "kd": round(gains.kd * 256),
    }


def limit_mpa(case: Case) -> float:
    """Return the ceiling plus the accuracy of the transducer, MPa on the pellet."""
    press = case.press
    config = press.plant_config()
    lever = config["ram_area_mm2"] / config["die_area_mm2"]
    accuracy = press.transducer.accuracy_percent / 100 * press.transducer.full_scale_bar / 10
    return CEILING * case.targets_mpa[1] + lever * accuracy


def judged(
    case: Case, profile: dict[str, Any], law: str, gains: Gains | None = None
) -> Quality | str:
    """Run the protocol and return the measures; for a run that did not complete, the reason."""
    try:
        trace = press(case, profile, law, gains)
    except PressRunError as error:
        return str(error)
    return judge(stages_of(trace, protocol(case)), limit_mpa(case))


Results = dict[str, Quality | str]
"""By law: the measures, or the reason why the run did not complete."""


def measure(job: tuple[Case, tuple[str, ...]]) -> tuple[Case, Results]:
    """Tune one press, run the protocol under each law, and judge."""
    case, laws = job
    try:
        profile = tuned_profile(case)
    except (PressRunError, BadInputError) as error:
        return case, dict.fromkeys(laws, f"tuning: {error}")
    return case, {law: judged(case, profile, law) for law in laws}
