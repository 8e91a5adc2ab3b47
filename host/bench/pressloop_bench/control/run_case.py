"""What the control bench asks of each press, and how a press is pressed under one law.

The three steps of the sodium-ion protocol, and a descent from the second to the third pressure.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from pressloop.errors import BadInputError

from pressloop_bench.control import peer_laws
from pressloop_bench.control.peer_laws import Gains
from pressloop_bench.control.press_family import Case
from pressloop_bench.control.press_run import FastPress, PressRunError, Trace, firmware
from pressloop_bench.control.quality import Quality, Stage, judge
from pressloop_bench.control.tuned_press import fields, tune_case

OURS: Final = "Pressloop"
LAWS: Final = (OURS, *peer_laws.LAWS)

HOLD_S: Final = 20.0
CEILING: Final = 1.04
RELEASE_FACTOR: Final = 2.0
"""Releases go at this many times the rate of the first ramp."""


def protocol(case: Case) -> list[dict[str, Any]]:
    """Return the plan steps: three stages from nothing, then up again and down to the third."""
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


def stages_of(trace: Trace, steps: list[dict[str, Any]]) -> list[Stage]:
    """Cut a trace into stages."""
    schema = firmware("wire.schema")
    stages: list[Stage] = []
    level = 0
    nothing = trace.true_mpa[:0]
    # In the tick that ends a hold the next step is there already.
    counted_for = np.concatenate((trace.step[:1], trace.step[:-1]))
    for index, step in enumerate(steps):
        mine = trace.step == index
        moving = mine & ~trace.approaching & ~trace.dumping
        target = int(step["target_kpa"])
        if step["kind"] == schema.STEP_HOLD:
            before = stages.pop()
            stages.append(
                Stage(
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
            Stage(
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
    """Return the profile that the press's own tuning run finds.

    Raises:
        PressRunError: A run ended early.
        BadInputError: The tuning found nonsense.
    """
    return fields(tune_case(case)[-1].profile)


def press(case: Case, profile: dict[str, Any], law: str, gains: Gains | None = None) -> Trace:
    """Press a case with the firmware, under our law or a peer's.

    Raises:
        PressRunError: The run ended by a fault or a time-out.
    """
    if law == OURS:
        if gains is not None:
            profile = dict(profile, **_wire_gains(gains))
        fast = FastPress(case.press.plant_config(), profile, case.seed)
    else:
        fast = FastPress(case.press.plant_config(), peer_laws.flat(profile), case.seed)
        die_mm2 = case.press.plant_config()["die_area_mm2"]
        lever = profile["ram_area_mm2"] / die_mm2
        full_mpa_s = profile["pump_flow_ul_s"] / profile["compliance_nl_mpa"] * 1000 * lever
        peer_laws.install_law(fast.controller, law, gains or peer_laws.GAINS[law], full_mpa_s)
    return fast.run(
        protocol(case),
        die_um=round(case.press.die_mm * 1000),
        ceiling_kpa=round(CEILING * case.targets_mpa[1] * 1000),
        vent_kpa_s=round(RELEASE_FACTOR * case.rates_mpa_s[0] * 1000),
    )


def _wire_gains(gains: Gains) -> dict[str, int]:
    return {
        "kp": round(gains.kp * 256),
        "ki": round(gains.ki * 655.36),
        "kd": round(gains.kd * 256),
    }


def limit_mpa(case: Case) -> float:
    """Return the ceiling and what the transducer may be wrong by."""
    press = case.press
    config = press.plant_config()
    lever = config["ram_area_mm2"] / config["die_area_mm2"]
    accuracy = press.transducer.accuracy_percent / 100 * press.transducer.full_scale_bar / 10
    return CEILING * case.targets_mpa[1] + lever * accuracy


def judged(
    case: Case, profile: dict[str, Any], law: str, gains: Gains | None = None
) -> Quality | str:
    """Press and judge; a run that did not complete returns its reason."""
    try:
        trace = press(case, profile, law, gains)
    except PressRunError as error:
        return str(error)
    return judge(stages_of(trace, protocol(case)), limit_mpa(case))


Results = dict[str, Quality | str]
"""By law; a run that did not complete has its reason."""


def measure(job: tuple[Case, tuple[str, ...]]) -> tuple[Case, Results]:
    """Tune one press, press it under each law, and judge."""
    case, laws = job
    try:
        profile = tuned_profile(case)
    except (PressRunError, BadInputError) as error:
        return case, dict.fromkeys(laws, f"tuning: {error}")
    return case, {law: judged(case, profile, law) for law in laws}
