"""How well a tuning run finds a press: `python -m pressloop_bench.control.identification`.

Tunes presses of the control bench's family on a steel blank and compares the profile with the press
that was built, by the laws of the emulated press. The table of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from typing import Final

import numpy as np
from pressloop.errors import required
from pressloop.tuning.windows import knots_mpa
from pressloop.wire import schema

from pressloop_bench.control.press_family import Case, family
from pressloop_bench.control.tuned_press import steel, tune_case

FIRST_KNOT: Final = 3
"""Of the compliance curve, the first that is compared: below, contact and seats count as much as
oil."""

_ROWS: Final = (
    ("pump dead band", "% of stroke"),
    ("release dead band", "% of stroke"),
    ("hysteresis", "% of stroke"),
    ("delay and lag", "ms"),
    ("stiffness", "%"),
    ("leak", "%"),
    ("leak, of its stored uncertainty", ""),
)


def flow_scale(case: Case, profile: schema.Profile) -> float:
    """Return the data sheet's pump flow over the true one.

    Only the ratio of flow to compliance can be measured, so this factor scales every volume.
    """
    return float(profile.pump_flow_ul_s / case.press.plant_config()["pump_flow_mm3_s"])


def compliance_ul_mpa(case: Case, oil_mpa: float) -> float:
    """Return the true compliance of the press on the steel blank at an oil pressure."""
    true = steel(case).press.plant_config()
    volume, area = true["oil_volume_mm3"], true["ram_area_mm2"]
    oil = volume / true["oil_bulk_modulus_mpa"]
    # The profile's zero is taken while the ram travels; the oil is then already under the return
    # force.
    whole_mpa = oil_mpa + true["return_force_n"] / area
    air = volume * true["oil_air_fraction"] * 0.1 / (0.1 + whole_mpa) ** 2
    blank = area**2 / true["die_area_mm2"] * true["powder_solid_height_mm"]
    frame = area**2 / true["frame_stiffness_n_mm"]
    return float(oil + air + frame + blank / true["powder_modulus_mpa"])


def errors(case: Case) -> tuple[float, ...]:
    """Return the errors of the profile that tuning finds, in the order and units of the table.

    The error of the stiffness is the largest of the curve's points from `FIRST_KNOT` on.
    """
    found = tune_case(case)[-1]
    profile, valve = found.profile, found.pump_fit.valve
    true = case.press.plant_config()
    scale = flow_scale(case, profile)
    curve = required(profile.compliance_curve, "the compliance curve")
    stiffness = [
        at_knot / 1000 / (scale * compliance_ul_mpa(case, oil_mpa)) - 1
        for oil_mpa, at_knot in zip(knots_mpa(profile), curve, strict=True)
    ][FIRST_KNOT:]
    # A command takes half a tick longer until its mean shows.
    late_ms = 1000 * (true["valve_delay_s"] + true["valve_coil_lag_s"] + true["valve_lag_s"]) + 5
    leak_nl_min = 1000 * scale * case.press.leak.ul_min_at_10_mpa
    leak_off = required(profile.leak_nl_min, "the leak") - leak_nl_min
    return (
        100 * abs(profile.pump_dead_band / schema.OUTPUT_FULL - true["pump_dead_band"]),
        100 * abs(profile.release_dead_band / schema.OUTPUT_FULL - true["release_dead_band"]),
        100 * abs(valve.hystereses[-1].value - true["valve_hysteresis"]),
        abs(10 * valve.late_ticks.value - late_ms),
        100 * max(abs(off) for off in stiffness),
        100 * abs(leak_off / leak_nl_min),
        abs(leak_off) / (profile.leak_uncertainty_nl_min or 1),
    )


def main() -> None:
    """Tune the presses and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presses", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    found = []
    with multiprocessing.Pool(arguments.jobs) as pool:
        for off in pool.imap(errors, family(arguments.presses, arguments.seed)):
            found.append(off)
            print(f"\r{len(found)} of {arguments.presses}", end="", file=sys.stderr)
    print(file=sys.stderr)
    print("| off by | | median | 99th percentile | worst |\n|---|---|---|---|---|")
    for (name, unit), column in zip(_ROWS, np.array(found).T, strict=True):
        numbers = (np.median(column), np.quantile(column, 0.99), column.max())
        print(f"| {name} | {unit} | " + " | ".join(f"{number:.2g}" for number in numbers) + " |")


if __name__ == "__main__":
    main()
