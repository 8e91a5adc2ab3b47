"""The powder in the die of a described press: densification, relaxation, cracks, wall friction."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from pressloop.emulator.description import presets
from pressloop.emulator.description.section import NonNegative, Positive, Section, known_preset

Never = Literal["never"]

_UNREACHED: Final = 1e9
"""A limit that no pressure (MPa) and no rate (MPa/s) reaches."""
PowderPreset = Annotated[str, known_preset(presets.POWDERS)]


class PowderSection(Section):
    """The powder in the die, and the properties of its pellet.

    `preset` fills in the other fields; fields that are given as well override it. The ranges in
    the descriptions say how far an assumption may vary when presses are drawn at random.
    """

    preset: PowderPreset | None = Field(
        default=None,
        description="A powder by name: Na3PS4, Li3PS4, sulfide or steel; fields that are given as "
        "well override it.",
    )
    material: str = Field(
        default="Na3PS4", min_length=1, description="Name of the material, for records and plots."
    )
    mass_mg: Positive = Field(
        default=140.0, le=1e6, description="Filled into the die: a 1 mm pellet."
    )
    true_density_g_cm3: Positive = Field(
        default=2.2, le=25, description="Without pores. Source: Na3PS4 crystal density."
    )
    initial_density: Positive = Field(
        default=0.45,
        le=1,
        description="Relative density of the loose powder. Assumption: 0.40-0.50.",
    )
    panelli_a: NonNegative = Field(
        default=0.0471,
        le=1,
        description="Panelli-Ambrozio A, MPa^-1/2. Source: fitted to 81 % at 510 MPa (Na3PS4).",
    )
    heckel_k: NonNegative = Field(
        default=0.0,
        le=0.1,
        description="Heckel K, 1/MPa: densify by Heckel's law instead of Panelli's; 0: by "
        "Panelli's. Fitted values: 0.0021 (Na3PS4), 0.0033 (Li3PS4).",
    )
    youngs_modulus_gpa: Positive = Field(
        default=17.5, le=1000, description="Source: 15-20 GPa for sulfide electrolytes."
    )
    modulus_exponent: NonNegative = Field(
        default=0.0,
        le=10,
        description="n in E = E1 D^n, D the relative density and E1 `youngs_modulus_gpa`; 0: E "
        "does not depend on density. Fitted value: 4.4 (microcrystalline cellulose).",
    )
    poisson_ratio: NonNegative = Field(
        default=0.3,
        le=0.45,
        description="Confined by the die; 0 for a body that may bulge. Assumption.",
    )
    relaxation_percent: NonNegative = Field(
        default=30.0,
        le=95,
        description="Share of the pressure that is finally lost if the height is held: Peleg's "
        "1/k2; 0: elastic. Assumption: 10-45.",
    )
    relaxation_half_s: Positive = Field(
        default=15.0,
        ge=0.5,
        le=1e6,
        description="Time after which half of that is lost: Peleg's k1/k2. Assumption: 4-60.",
    )
    crack_mpa: Annotated[Positive, Field(le=1e6)] | Never = Field(
        default=690.0,
        description="Pressure that cracks the pellet, or never. Source: Li6PS5Cl is sound "
        "at 625 MPa and fractures at 750 MPa (Yan et al., J. Colloid Interface Sci. 2026); "
        "assumption for other powders: 600-800.",
    )
    crack_release_mpa_s: Annotated[Positive, Field(le=1e6)] | Never = Field(
        default=200.0,
        description="Release rate that cracks the pellet, or never. Assumption: 100-1000.",
    )
    crack_loss_percent: Positive = Field(
        default=3.0,
        le=50,
        description="Share of the pellet's height that a crack takes. Assumption: 1-10.",
    )

    wall_friction_loose: NonNegative = Field(
        default=0.2,
        le=1,
        description="Coefficient of friction on the die's wall when loose. Source: lubricated "
        "powder, 0.20.",
    )
    wall_friction_dense: NonNegative = Field(
        default=0.11, le=1, description="The same when dense. Source: lubricated powder, 0.11."
    )
    wall_ratio: NonNegative = Field(
        default=0.5, le=1, description="Radial pressure over axial pressure. Assumption."
    )
    grain_um: Positive = Field(
        default=1.0, le=1000, description="Size of the grains, for the escape of air. Assumption."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, data: Any) -> Any:
        name = data.get("preset") if isinstance(data, dict) else None
        return (
            {**presets.powder(name), **data}
            if isinstance(name, str) and name in presets.POWDERS
            else data
        )

    def plant_config(self, die_area_mm2: float) -> dict[str, float]:
        """Return the numbers for `pressloop_sim.plant.powder` in a die."""
        nu = self.poisson_ratio
        confined = (1 - nu) / ((1 + nu) * (1 - 2 * nu))
        return {
            "powder_solid_height_mm": self.mass_mg / self.true_density_g_cm3 / die_area_mm2,
            "powder_initial_density": self.initial_density,
            "powder_panelli_a": self.panelli_a,
            "powder_modulus_mpa": self.youngs_modulus_gpa * 1000 * confined,
            "powder_modulus_exponent": self.modulus_exponent,
            "powder_wall_friction_loose": self.wall_friction_loose,
            "powder_wall_friction_dense": self.wall_friction_dense,
            "powder_wall_ratio": self.wall_ratio,
            "powder_grain_um": self.grain_um,
            "powder_heckel_k": self.heckel_k,
            "powder_relaxation_share": self.relaxation_percent / 100,
            "powder_relaxation_half_s": self.relaxation_half_s,
            "powder_crack_mpa": _limit(self.crack_mpa),
            "powder_crack_release_mpa_s": _limit(self.crack_release_mpa_s),
            "powder_crack_loss": self.crack_loss_percent / 100,
        }


def _limit(value: float | Never) -> float:
    return _UNREACHED if value == "never" else value
