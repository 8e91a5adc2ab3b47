"""The section `simulation` of a press description: what only an emulated press can know.

None of it is in the machine profile: the controller of a real press does not know these numbers
either. All of it is off unless a description asks for it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pressloop.emulator.description.section import NonNegative, Positive, Section

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


class OilHeatSection(Section):
    """Heat of compression in the trapped oil."""

    kelvin_per_mpa: NonNegative = Field(
        default=0.0,
        le=1,
        description="Rise of the oil for each MPa of quick compression; 0: none. "
        "Mineral oil: 0.13.",
    )
    time_constant_s: Positive = Field(
        default=60.0, le=1e5, description="Of its cooling. Assumption: 30-120."
    )

    def plant_config(self) -> dict[str, float]:
        """Return the numbers for `pressloop_sim.plant.oil_heat`."""
        return {"oil_heat_k_mpa": self.kelvin_per_mpa, "oil_heat_tau_s": self.time_constant_s}


class WarmingSection(Section):
    """Warming of coils and transducer from the start of each run, and what drifts with it."""

    rise_k: NonNegative = Field(
        default=0.0, le=100, description="Final rise of temperature in a long run; 0: none."
    )
    time_constant_s: Positive = Field(default=600.0, le=1e6, description="Assumption.")
    dead_band_percent_per_k: float = Field(
        default=0.075,
        ge=-1,
        le=1,
        description="Of stroke. Source: copper, 0.39 %/K; a coil on a voltage: 3 % for 40 K.",
    )
    flow_percent_per_k: float = Field(
        default=0.0, ge=-1, le=1, description="Of the flow at full opening. Assumption."
    )
    zero_percent_per_k: float = Field(
        default=0.015,
        ge=-1,
        le=1,
        description="Zero of the transducer, of full scale. Source: data sheets, 0.01-0.02.",
    )

    def plant_config(self, full_scale_mpa: float) -> dict[str, float]:
        """Return the numbers for `pressloop_sim.plant.warming`."""
        return {
            "warming_rise_k": self.rise_k,
            "warming_tau_s": self.time_constant_s,
            "warming_dead_band_k": self.dead_band_percent_per_k / 100,
            "warming_flow_k": self.flow_percent_per_k / 100,
            "warming_zero_mpa_k": self.zero_percent_per_k / 100 * full_scale_mpa,
        }


class SimulationSection(Section):
    """What only an emulated press can know; everything in it is off by default."""

    friction: FrictionSection = FrictionSection()
    oil_heat: OilHeatSection = OilHeatSection()
    warming: WarmingSection = WarmingSection()

    def plant_config(self, full_scale_mpa: float) -> dict[str, float]:
        """Return the numbers for the simulated plant; the full scale is that of the transducer."""
        return {
            **self.friction.plant_config(),
            **self.oil_heat.plant_config(),
            **self.warming.plant_config(full_scale_mpa),
        }
