"""Says on which pressure each stage was judged: that of the pellet, or that of the oil."""

from __future__ import annotations

import numpy as np

from pressloop.evaluation.run_data import RunData
from pressloop.machine.uncertainty import LOAD_CELL, READING, WITH_COMPENSATION, Quantity
from pressloop.record.columns import FLAGS
from pressloop.record.model import PlannedStage, judged_steps


def judged_quantity(data: RunData, stage: PlannedStage) -> Quantity:
    """Return which pressure the board controlled and recorded in the dwell of a stage.

    A load cell that failed during the dwell does not count: what remains is learned friction, or
    the reading.
    """
    holds, ramps = judged_steps(stage, data.header)
    flags = data.series.records["flags"]
    held = data.of_steps(holds or ramps)
    dwelt = held & (flags & FLAGS["dwelling"] != 0)
    judged = dwelt if dwelt.any() else held
    if judged.any() and bool(np.all(flags[judged] & FLAGS["load_cell"] != 0)):
        return LOAD_CELL
    press = data.press
    if press is not None and press.profile.friction_uncertainty_percent is not None:
        return WITH_COMPENSATION
    return READING


def load_cell_warnings(data: RunData) -> tuple[str, ...]:
    """Return a sentence for each stage that the press's load cell did not serve all through."""
    press = data.press
    if press is None or press.profile.load_cell_capacity_kn is None:
        return ()
    warnings = []
    for stage in data.target_stages:
        if not data.of_stage(stage).any():
            continue
        quantity = judged_quantity(data, stage)
        if quantity != LOAD_CELL:
            warnings.append(
                f"the load cell gave no usable reading all through stage {stage.name!r}, which is "
                f"judged by the {quantity}"
            )
    return tuple(warnings)
