"""Learns the friction of a ram from one run up and down, against a reference on the pellet."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from pressloop.analysis.friction import learn_friction

from pressloop_bench.control.press_run import Trace, firmware

PLATEAU_TICKS: Final = 300
"""Of a hold, the first ones that count: later friction has fallen."""


def learned_fields(trace: Trace, steps: list[dict[str, Any]], die_mm2: float) -> dict[str, int]:
    """Return the learned fields of the profile, by the names of the wire.

    Args:
        trace: A run without compensation; its true pressure is the reference.
        steps: Of that run.
        die_mm2: Area of the die.

    Raises:
        BadInputError: `friction-not-learned`.
    """
    hold = firmware("wire.schema").STEP_HOLD
    oil_mpa, reference_mpa, rising = [], [], []
    before = 0
    for index, step in enumerate(steps):
        target = step["target_kpa"]
        if step["kind"] == hold:
            inside = np.flatnonzero((trace.step == index) & trace.dwelling)[:PLATEAU_TICKS]
            if inside.size:
                oil_mpa.append(float(trace.reading_mpa[inside].mean()))
                reference_mpa.append(float(trace.true_mpa[inside].mean()))
                rising.append(target > before)
            before = target
        elif target == 0:
            before = 0
    model = learn_friction(
        np.array(oil_mpa) * die_mm2, np.array(reference_mpa) * die_mm2, np.array(rising)
    )
    return {
        "friction_ppm": round(10_000 * model.percent),
        "friction_n": round(model.newtons),
        "friction_uncertainty_ppm": round(10_000 * model.uncertainty_percent),
    }
