"""`make bench-control`: how well presses that the controller has never seen are pressed.

Presses the three steps of the sodium-ion protocol, and a descent from the second to the third
pressure, on the reference press and on a seeded family, judges the true pressure, and prints the
table of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from pathlib import Path
from typing import Any, Final

import numpy as np

from pressloop.errors import BadInputError

from .family import Case, family, reference
from .press import Bench, PressRunError, Trace, firmware
from .quality import NAMES, Quality, Stage, judge
from .tuned import fields, tune

HOLD_S: Final = 20.0
CEILING: Final = 1.04
RELEASE_FACTOR: Final = 2.0
"""Releases go at this many times the rate of the first ramp."""


def protocol(case: Case) -> list[dict[str, Any]]:
    """Return the plan steps: three stages from nothing, then up again and down to the third."""
    schema = firmware("schema")
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
    schema = firmware("schema")
    stages: list[Stage] = []
    level = 0
    nothing = trace.true_mpa[:0]
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
                    trace.true_mpa[mine & trace.dwelling],
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


def press_ours(case: Case, profile: dict[str, Any]) -> Trace:
    """Press a case with the firmware."""
    bench = Bench(case.press.plant_config(), profile, case.seed)
    return bench.run(
        protocol(case),
        die_um=round(case.press.die_mm * 1000),
        ceiling_kpa=round(CEILING * case.targets_mpa[1] * 1000),
        vent_kpa_s=round(RELEASE_FACTOR * case.rates_mpa_s[0] * 1000),
    )


def limit_mpa(case: Case) -> float:
    """Return the ceiling and what the transducer may be wrong by."""
    press = case.press
    config = press.plant_config()
    lever = config["ram_area_mm2"] / config["die_area_mm2"]
    accuracy = press.transducer.accuracy_percent / 100 * press.transducer.full_scale_bar / 10
    return CEILING * case.targets_mpa[1] + lever * accuracy


def measure(case: Case) -> tuple[str, Quality | str]:
    """Press one case and judge it; a run that did not complete gives its reason."""
    try:
        trace = press_ours(case, fields(tune(case)[-1].profile))
    except (PressRunError, BadInputError) as error:
        return case.name, str(error)
    return case.name, judge(stages_of(trace, protocol(case)), limit_mpa(case))


def table(results: list[tuple[str, Quality | str]]) -> str:
    """Return median, 99th percentile and worst of every measure."""
    good = [quality for _, quality in results if isinstance(quality, Quality)]
    failed = [(name, why) for name, why in results if isinstance(why, str)]
    lines = [f"{len(good)} presses, {len(failed)} runs not completed"]
    lines += [f"  {name}: {why}" for name, why in failed]
    lines.append(f"{'measure':<20}{'median':>10}{'p99':>10}{'worst':>10}  worst press")
    for name in NAMES:
        values = np.array([getattr(quality, name) for quality in good])
        sign = -1 if name == "in_band" else 1
        order = np.sort(sign * values)
        worst = int(np.argmax(sign * values))
        p99 = sign * float(np.quantile(order, 0.99))
        named = [n for n, quality in results if isinstance(quality, Quality)][worst]
        median = float(np.median(values))
        lines.append(f"{name:<20}{median:>10.3f}{p99:>10.3f}{values[worst]:>10.3f}  {named}")
    return "\n".join(lines)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presses", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write all measures here")
    arguments = parser.parse_args()
    cases = family(arguments.presses, arguments.seed)
    print("reference press\n" + table([measure(reference())]))
    with multiprocessing.Pool(arguments.jobs) as pool:
        results = pool.map(measure, cases, chunksize=4)
    print("\nfamily\n" + table(results))
    if arguments.json:
        rows = {n: vars(q) if isinstance(q, Quality) else q for n, q in results}
        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
