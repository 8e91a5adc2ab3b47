"""`make bench-control`: how well presses that the controller has never seen are pressed.

Presses the three steps of the sodium-ion protocol, and a descent from the second to the third
pressure, on the reference press and on a seeded family, judges the true pressure, and prints the
table of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from pressloop.errors import BadInputError

from . import peers
from .family import Case, family, reference
from .peers import Gains
from .press import Bench, PressRunError, Trace, firmware
from .quality import NAMES, Quality, Stage, judge
from .tuned import fields, tune

OURS: Final = "pressloop"
LAWS: Final = (OURS, *peers.LAWS)
TARGETS: Final = {
    "overshoot": 0.5,
    "ramp": 2.0,
    "settle_s": 0.5,
    "in_band": 0.1,
    "rms": 0.1,
    "dwell_ticks": 1.0,
}
"""What is asked of every press; `in_band` as the share that may be out of band."""

HOLD_S: Final = 20.0
BATCH: Final = 30
TRAINING: Final = 3
TRAINING_SEED: Final = 99
"""The presses, beside the reference, on which the peers' gains are found; never judged."""
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


def press(case: Case, profile: dict[str, Any], law: str, gains: Gains | None = None) -> Trace:
    """Press a case with the firmware, under our law or a peer's."""
    if law == OURS:
        if gains is not None:
            profile = dict(profile, **_wire_gains(gains))
        bench = Bench(case.press.plant_config(), profile, case.seed)
    else:
        bench = Bench(case.press.plant_config(), peers.flat(profile), case.seed)
        die_mm2 = case.press.plant_config()["die_area_mm2"]
        lever = profile["ram_area_mm2"] / die_mm2
        full_mpa_s = profile["pump_flow_ul_s"] / profile["compliance_nl_mpa"] * 1000 * lever
        peers.give_to(bench.controller, law, gains or peers.GAINS[law], full_mpa_s)
    return bench.run(
        protocol(case),
        die_um=round(case.press.die_mm * 1000),
        ceiling_kpa=round(CEILING * case.targets_mpa[1] * 1000),
        vent_kpa_s=round(RELEASE_FACTOR * case.rates_mpa_s[0] * 1000),
    )


def _wire_gains(gains: Gains) -> dict[str, int]:
    return {
        "kp": round(gains.kp * 256),
        "ki": min(8191, round(gains.ki * 655.36)),
        "kd": round(gains.kd * 256),
    }


def limit_mpa(case: Case) -> float:
    """Return the ceiling and what the transducer may be wrong by."""
    press = case.press
    config = press.plant_config()
    lever = config["ram_area_mm2"] / config["die_area_mm2"]
    accuracy = press.transducer.accuracy_percent / 100 * press.transducer.full_scale_bar / 10
    return CEILING * case.targets_mpa[1] + lever * accuracy


Results = dict[str, Quality | str]
"""By law; a run that did not complete has its reason."""


def measure(job: tuple[Case, tuple[str, ...]]) -> Results:
    """Tune one press, press it under each law, and judge."""
    case, laws = job
    try:
        profile = fields(tune(case)[-1].profile)
    except (PressRunError, BadInputError) as error:
        return dict.fromkeys(laws, f"tuning: {error}")
    return {law: _judged(case, profile, law) for law in laws}


def _judged(
    case: Case, profile: dict[str, Any], law: str, gains: Gains | None = None
) -> Quality | str:
    try:
        trace = press(case, profile, law, gains)
    except PressRunError as error:
        return str(error)
    return judge(stages_of(trace, protocol(case)), limit_mpa(case))


def cost(quality: Quality | str) -> float:
    """Return how far a run is from the targets: 1 for each just met, at most 20 for each."""
    if isinstance(quality, str):
        return 1000.0
    return sum(min(20.0, missed(quality, name) / target) for name, target in TARGETS.items())


def missed(quality: Quality, name: str) -> float:
    """Return a measure so that smaller is better."""
    value = float(getattr(quality, name))
    return 100 - value if name == "in_band" else value


def search_gains(jobs: int) -> None:
    """Print the best gains of every peer on the reference press and a few that are not judged."""
    tasks = [(law, start) for law in peers.LAWS for start in peers.STARTS]
    with multiprocessing.Pool(jobs) as pool:
        found = pool.map(_search, tasks, chunksize=1)
    for law in peers.LAWS:
        best, least = min(
            (result for task, result in zip(tasks, found, strict=True) if task[0] == law),
            key=lambda result: result[1],
        )
        print(f"{law:<16} {best} cost {least:.2f}")


def _search(task: tuple[str, Gains]) -> tuple[Gains, float]:
    law, start = task
    cases = [reference(), *family(TRAINING, TRAINING_SEED)]
    profiles = [fields(tune(case)[-1].profile) for case in cases]

    def mean_cost(gains: Gains) -> float:
        runs = zip(cases, profiles, strict=True)
        return sum(cost(_judged(case, profile, law, gains)) for case, profile in runs) / len(cases)

    return peers.search(mean_cost, start)


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


def batch(runs: int) -> str:
    """Press the reference press again and again with other noise and other powder; say the spread.

    Density as filled +-2 %, mass +-5 %, plasticity +-5 % (one standard deviation each).
    """
    case = reference()
    profile = fields(tune(case)[-1].profile)
    rng = random.Random(1)
    peaks: list[list[float]] = []
    means: list[list[float]] = []
    dwells: list[list[int]] = []
    for run in range(runs):
        powder = case.press.powder
        other = powder.model_copy(
            update={
                "initial_density": powder.initial_density * rng.gauss(1, 0.02),
                "mass_mg": powder.mass_mg * rng.gauss(1, 0.05),
                "panelli_a": powder.panelli_a * rng.gauss(1, 0.05),
            }
        )
        again = replace(
            case, press=case.press.model_copy(update={"powder": other}), seed=1000 + run
        )
        holds = [
            stage
            for stage in stages_of(press(again, profile, OURS), protocol(again))
            if stage.asked_ticks
        ]
        peaks.append([float(stage.hold_true.max()) for stage in holds])
        means.append([float(stage.dwell_true.mean()) for stage in holds])
        dwells.append([len(stage.dwell_true) for stage in holds])
    targets = np.array([stage.target_mpa for stage in holds])
    peak, mean = (100 * np.std(np.array(rows), axis=0, ddof=1) / targets for rows in (peaks, means))
    dwell = np.ptp(np.array(dwells), axis=0)
    lines = [f"{runs} runs on the reference press, one standard deviation in % of the target"]
    lines += [
        f"{target:7.0f} MPa  peak {p:.4f}  dwell mean {m:.4f}  dwell ticks {d} apart"
        for target, p, m, d in zip(targets, peak, mean, dwell, strict=True)
    ]
    return "\n".join(lines)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presses", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--laws", nargs="*", default=list(LAWS), choices=LAWS)
    parser.add_argument("--search", action="store_true", help="look for each law's gains anew")
    parser.add_argument("--json", type=Path, help="write all measures here")
    arguments = parser.parse_args()
    if arguments.search:
        search_gains(arguments.jobs)
        return
    cases = [reference(), *family(arguments.presses, arguments.seed)]
    laws = tuple(arguments.laws)
    with multiprocessing.Pool(arguments.jobs) as pool:
        results = pool.map(measure, [(case, laws) for case in cases], chunksize=2)
    for law in laws:
        print(f"\n{law}: reference press\n" + table([(cases[0].name, results[0][law])]))
        named = [(case.name, result[law]) for case, result in zip(cases, results, strict=True)]
        print(f"\n{law}: family\n" + table(named[1:]))
    if OURS in laws:
        print("\n" + batch(BATCH))
    if arguments.json:
        rows = {
            case.name: {law: q if isinstance(q, str) else vars(q) for law, q in result.items()}
            for case, result in zip(cases, results, strict=True)
        }
        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
