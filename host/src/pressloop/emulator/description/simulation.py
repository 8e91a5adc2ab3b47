"""The section `simulation` of a press description: what only an emulated press can know.

None of it is in the machine profile: the controller of a real press does not know these numbers
either. All of it is off unless a description asks for it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pressloop.emulator.description.sections import NonNegative, Positive, Section

Percent = Annotated[float, Field(ge=0, le=50, allow_inf_nan=False)]


class FrictionSection(Section):
    """Friction of the ram's seals: the oil presses harder than the punch, or less hard."""

    coulomb_n: NonNegative = Field(
        default=0.0, le=2000, description="Without pressure. Assumption: 20-100; 0: none."
    )
    percent: Percent = Field(
        default=0.0, description="Of the oil's force, added to it. Assumption: 2-5; 0: none."
    )
    stribeck_percent: Percent = Field(
        default=0.0,
        description="Of the oil's force, added at rest and less with speed. Assumption: 0.5-2.",
    )
    stribeck_mm_s: Positive = Field(
        default=0.05, le=100, description="Speed at which half of that is left. Assumption."
    )
    presliding_um: Positive = Field(
        default=20.0,
        ge=1,
        le=1000,
        description="Travel over which friction builds up (Dahl's law). Assumption: 10-50.",
    )
    spread_percent: Percent = Field(
        default=20.0, description="Largest difference of a run from the rest. Assumption."
    )

    def plant_config(self) -> dict[str, float]:
        """Return the numbers for `pressloop_sim.plant.friction`."""
        return {
            "friction_coulomb_n": self.coulomb_n,
            "friction_share": self.percent / 100,
            "friction_stribeck_share": self.stribeck_percent / 100,
            "friction_stribeck_mm_s": self.stribeck_mm_s,
            "friction_presliding_mm": self.presliding_um / 1000,
            "friction_spread": self.spread_percent / 100,
        }


class SimulationSection(Section):
    """What only an emulated press can know; everything in it is off by default."""

    friction: FrictionSection = FrictionSection()

    def plant_config(self) -> dict[str, float]:
        """Return the numbers for the simulated plant."""
        return self.friction.plant_config()
