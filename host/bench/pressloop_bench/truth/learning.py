"""Learns the friction of a ram from one run up and down, against a reference on the pellet.

In each hold the reading differs from the reference by d = +-(n + s P) + e: friction upwards after a
ramp up and downwards after a ramp down, and what is wrong with the reading. Least squares over the
holds give s, n and e.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pressloop_bench.control.press_run import Trace, firmware

UNCERTAINTY_PPM: Final = 200_000
"""Half width of what is learned, of the friction: runs differ by up to a fifth."""


def learn_friction(trace: Trace, steps: list[dict[str, Any]], die_mm2: float) -> dict[str, int]:
    """Return the learned fields of the profile, by the names of the wire.

    Args:
        trace: A run without compensation; its true pressure is the reference.
        steps: Of that run.
        die_mm2: Area of the die.
    """
    hold = firmware("wire.schema").STEP_HOLD
    rows, differences = [], []
    before = 0
    for index, step in enumerate(steps):
        target = step["target_kpa"]
        if step["kind"] == hold:
            inside = (trace.step == index) & trace.dwelling
            if inside.any():
                true = trace.true_mpa[inside]
                side = 1.0 if target > before else -1.0
                rows.append((side * float(true.mean()), side, 1.0))
                differences.append(float(np.mean(trace.reading_mpa[inside] - true)))
            before = target
        elif target == 0:
            before = 0
    share, level_mpa, _ = np.linalg.lstsq(np.array(rows), np.array(differences), rcond=None)[0]
    return {
        "friction_ppm": round(1e6 * max(0.0, share)),
        "friction_n": round(max(0.0, level_mpa) * die_mm2),
        "friction_uncertainty_ppm": UNCERTAINTY_PPM,
    }
