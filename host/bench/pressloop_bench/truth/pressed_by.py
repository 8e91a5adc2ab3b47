"""By what a press is pressed: its reading, learned friction, or a load cell; and what must hold.

- `load-cell`: a cell under the die of 1.25 times the largest force, of 0.05 %, with 10 to 320
  readings a second. Its zero is off by up to 0.02 % of its capacity and its scale by up to 0.03 %,
  both ways. The pellet must be right to the cell's error and 0.2 %.
- `learned-friction`: friction is in the profile as one run before has shown it (`learning`); each
  run differs by up to a fifth. The pellet must be right to the transducer's stated error, 0.2 % and
  a quarter of the friction.
- `reading`: as built; the friction band is in the uncertainty.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pressloop.emulator.description import PressDescription
from pressloop.emulator.description.sensors import LoadCellSection
from pressloop.machine.profile import MachineProfile
from pressloop.machine.uncertainty import LOAD_CELL, READING, WITH_COMPENSATION, Quantity

from pressloop_bench.truth.wide_family import WideCase

QUANTITIES: Final[Mapping[str, Quantity]] = {
    "reading": READING,
    "learned-friction": WITH_COMPENSATION,
    "load-cell": LOAD_CELL,
}
SHARE: Final = 0.002
_FRICTION_SHARE: Final = 0.25
_RATES_HZ: Final = (10, 20, 40, 80, 160, 320)
_OVER_LARGEST: Final = 1.25
_ZERO_PERCENT: Final = 0.02
_GAIN_PERCENT: Final = 0.03


@dataclass(frozen=True)
class Means:
    """What a press of the family is pressed by; see the module.

    Attributes:
        case: The press, with a load cell if that is it.
        fields: What the profile has beside what tuning found, by the names of the wire.
        quantity: Which pressure the controller knows.
    """

    case: WideCase
    fields: dict[str, Any]
    quantity: Quantity

    def allowed_mpa(self, profile: MachineProfile, die_mm: float, target_mpa: float) -> float:
        """Return by how much the true mean may be off; infinite where no target is set."""
        if self.quantity == READING:
            return float("inf")
        force_mpa = 1000 / (self.case.press.plant_config()["die_area_mm2"])
        if self.quantity == LOAD_CELL:
            capacity_kn = profile.load_cell_capacity_kn or 0.0
            error_mpa = capacity_kn * (profile.load_cell_error_percent or 0.0) / 100 * force_mpa
            return error_mpa + SHARE * target_mpa
        friction_mpa = (profile.friction_percent or 0.0) / 100 * target_mpa
        friction_mpa += (profile.friction_n or 0) / 1000 * force_mpa
        full_scale_mpa = profile.lever(die_mm) * profile.full_scale_bar / 10
        error_mpa = full_scale_mpa * profile.accuracy_percent / 100
        return error_mpa + SHARE * target_mpa + _FRICTION_SHARE * friction_mpa

    def read_mpa(self, pellet_mpa: float) -> float:
        """Return what a load cell reads at a pressure on the pellet; NaN without one."""
        if self.quantity != LOAD_CELL:
            return math.nan
        config = self.case.press.plant_config()
        zero_mpa = config["load_cell_zero_n"] / config["die_area_mm2"]
        return pellet_mpa * config["load_cell_gain"] + zero_mpa


def pressed_by(case: WideCase, means: str) -> Means:
    """Return a press of the family with what it is pressed by, a key of `QUANTITIES`."""
    fields: dict[str, Any] = {}
    press = case.press
    if means == "load-cell":
        press = _with_cell(case)
        nominal = press.nominal_profile()
        fields = {name: value for name, value in nominal.items() if name.startswith("load_cell")}
    return Means(replace(case, press=press), fields, QUANTITIES[means])


def _with_cell(case: WideCase) -> PressDescription:
    largest_kn = max(case.targets_mpa) * case.press.plant_config()["die_area_mm2"] / 1000
    drawn = random.Random(case.seed)
    cell = LoadCellSection(
        capacity_kn=round(_OVER_LARGEST * largest_kn, 3), rate_hz=drawn.choice(_RATES_HZ)
    )
    errors = {
        "load_cell_zero_percent": drawn.uniform(-_ZERO_PERCENT, _ZERO_PERCENT),
        "load_cell_gain_error_percent": drawn.uniform(-_GAIN_PERCENT, _GAIN_PERCENT),
    }
    individual = case.press.individual.model_copy(update=errors)
    return case.press.model_copy(update={"load_cell": cell, "individual": individual})
