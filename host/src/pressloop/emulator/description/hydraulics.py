"""The hydraulic sections of a press description: from the pump to the ram, or to the vessel.

Each number has its range, its default and the source of the default.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from pressloop.emulator.description.individual import IndividualSection, error_factor
from pressloop.emulator.description.section import NonNegative, Positive, Section
from pressloop.hardware.kinds import PUMP_KINDS
from pressloop.machine.part_codes import PumpDriveName, ReleaseDriveName
from pressloop.yaml.form_error import form_error


class RamSection(Section):
    """Cylinder, return spring and travel of the ram."""

    area_cm2: Positive = Field(
        default=14.5, le=1000, description="Effective area. Source: Enerpac RC-106 data sheet."
    )
    approach_gap_mm: NonNegative = Field(
        default=4.0,
        le=500,
        description="Travel of the retracted ram to the loose powder. Assumption.",
    )
    stroke_mm: Annotated[float, Field(ge=2, le=1000)] | None = Field(
        default=None,
        description="Travel from the seat to the end of the stroke, from which the board keeps "
        "away; None: unknown. The emulated ram itself has no end.",
    )
    return_force_n: Positive = Field(
        default=150.0,
        le=20000,
        description="Return spring and weight of ram and punch, taken as constant. Assumption.",
    )
    friction_percent: NonNegative | None = Field(
        default=None,
        le=50,
        description="Largest friction of the seals, of the oil's force, as far as the technician "
        "knows it: part of the uncertainty; None: 5 % is assumed.",
    )
    friction_n: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        default=None,
        description="The same without pressure, in N; None: 100 N is assumed.",
    )
    friction_uncertainty_percent: NonNegative | None = Field(
        default=None,
        le=100,
        description="Limits of both if they were learned against a load cell or a gauge, of the "
        "friction: the controller then compensates for it; None: they are bounds.",
    )
    area_uncertainty_percent: NonNegative | None = Field(
        default=None, le=10, description="Limits (+-) of the area; None: 0.2 % is assumed."
    )

    def plant_config(self) -> dict[str, float]:
        """Return the numbers for `pressloop_sim.plant.plant`."""
        return {
            "ram_area_mm2": self.area_cm2 * 100,
            "approach_gap_mm": self.approach_gap_mm,
            "return_force_n": self.return_force_n,
        }


MIN_BORE_MM, MAX_BORE_MM = 8, 100
"""Bores of a vessel that a board takes."""


def bore_fits(bore_mm: float) -> float:
    """Return the bore of a vessel unchanged if a board takes it; 0 is none.

    Raises:
        PydanticCustomError: `bad-value`.
    """
    if bore_mm and not MIN_BORE_MM <= bore_mm <= MAX_BORE_MM:
        raise form_error(
            "bad-value",
            f"a bore of {bore_mm:g} mm is not possible",
            f"bores from {MIN_BORE_MM} to {MAX_BORE_MM} mm are",
        )
    return bore_mm


class VesselSection(Section):
    """An isostatic vessel full of water, in place of ram, frame and die."""

    bore_mm: Annotated[NonNegative, AfterValidator(bore_fits)] = Field(
        default=0.0,
        le=100,
        description="Diameter of its bore; 0: it is a press with a ram and dies. With a bore, the "
        "file has no ram and no dies: the pressure of the line is that of the sample.",
    )
    volume_ml: Positive = Field(
        default=1000.0, le=10_000, description="Water in vessel and line. Assumption."
    )
    lid_switch: bool = Field(
        default=False,
        description="Whether a switch or low-range sensor on the input vessel-pressure tells 0.1 "
        "MPa under the lid from none.",
    )

    def plant_config(self, individual: IndividualSection) -> dict[str, float]:
        """Return the numbers for `pressloop_sim.plant.vessel`."""
        error = error_factor(individual.oil_volume_error_percent)
        return {
            "vessel_volume_mm3": self.volume_ml * 1000 * error,
            "vessel_lid_switch": float(self.lid_switch),
        }


class OilSection(Section):
    """Oil between valves and ram."""

    volume_ml: Positive = Field(
        default=50.0, le=10000, description="Trapped volume at contact, hoses included. Assumption."
    )
    bulk_modulus_gpa: Positive = Field(
        default=1.38,
        le=3,
        description="Without air. Source: mineral hydraulic oil, common handbook value.",
    )
    air_percent: NonNegative = Field(
        default=0.5,
        le=10,
        description="Air entrained at atmospheric pressure, of the volume. Source: 0.5-5 % is "
        "reported for low-pressure bulk modulus (Actuators 14(8):366).",
    )

    def plant_config(self, individual: IndividualSection) -> dict[str, float]:
        """Return the numbers for `pressloop_sim.plant.oil`."""
        error = error_factor(individual.oil_volume_error_percent)
        return {
            "oil_volume_mm3": self.volume_ml * 1000 * error,
            "oil_bulk_modulus_mpa": self.bulk_modulus_gpa * 1000,
            "oil_air_fraction": self.air_percent / 100,
        }


class FrameSection(Section):
    """Stiffness of columns, plates and punches."""

    stiffness_kn_mm: Positive = Field(
        default=100.0, le=10000, description="All in series. Assumption."
    )

    def plant_config(self, individual: IndividualSection) -> dict[str, float]:
        """Return the numbers for `pressloop_sim.plant.plant`."""
        error = error_factor(individual.frame_stiffness_error_percent)
        return {"frame_stiffness_n_mm": self.stiffness_kn_mm * 1000 * error}


class ValvesSection(Section):
    """Dynamics of pump valve and release valve, both proportional valves with dither."""

    lag_ms: Positive = Field(
        default=30.0, ge=1, le=1000, description="First-order lag. Assumption: 20-50 ms is usual."
    )
    coil_lag_ms: NonNegative = Field(
        default=0.0,
        le=200,
        description="Lag of the coil's current, ahead of the hysteresis; 0: none. "
        "Assumption: 5-15.",
    )
    delay_ms: NonNegative = Field(
        default=10.0, le=200, description="Transport delay, rounded to 5 ms. Assumption."
    )
    hysteresis_percent: NonNegative = Field(
        default=2.0, le=20, description="Of stroke, with dither. Source: valve data sheets, 2-5 %."
    )

    def plant_config(self) -> dict[str, float]:
        """Return the numbers for `pressloop_sim.plant.valves` that both valves share."""
        return {
            "valve_lag_s": self.lag_ms / 1000,
            "valve_coil_lag_s": self.coil_lag_ms / 1000,
            "valve_delay_s": self.delay_ms / 1000,
            "valve_hysteresis": self.hysteresis_percent / 100,
        }


class PumpSection(Section):
    """Flow of the pump, and dead band of its valve."""

    drive: PumpDriveName | None = Field(
        default=None,
        description="How its flow is set: pwm (coil on PWM), 0-10V, 4-20mA (amplifier behind a "
        "filtered PWM) or motor-speed; None: not stated, as pwm.",
    )
    flow_ml_s: Positive = Field(default=1.0, le=1000, description="Valve fully open. Assumption.")
    dead_band_percent: NonNegative = Field(
        default=20.0,
        le=50,
        description="Of stroke. Source: reducing valve, 0.15 A threshold of 0.7 A.",
    )
    ripple_percent: NonNegative = Field(
        default=2.0, le=50, description="Amplitude of the pistons' ripple, of the flow. Assumption."
    )
    ripple_hz: NonNegative = Field(default=23.0, le=90, description="Its frequency. Assumption.")

    @property
    def filter_lag_ms(self) -> float:
        """Lag of the filter between the board's output and the drive, ms."""
        return PUMP_KINDS[self.drive or "pwm"].filter_lag_ms

    def plant_config(self, individual: IndividualSection) -> dict[str, float]:
        """Return the numbers for `pressloop_sim.plant.valves`."""
        dead_band_percent = self.dead_band_percent + individual.pump_dead_band_error_percent
        error = error_factor(individual.pump_flow_error_percent)
        return {
            "pump_dead_band": max(0.0, dead_band_percent) / 100,
            "pump_flow_mm3_s": self.flow_ml_s * 1000 * error,
            "pump_ripple": self.ripple_percent / 100,
            "pump_ripple_hz": self.ripple_hz,
            "pump_filter_lag_s": self.filter_lag_ms / 1000,
        }


class ReleaseSection(Section):
    """Flow and dead band of the release valve, which is open without power."""

    drive: ReleaseDriveName | None = Field(
        default=None,
        description="proportional, or on-off+proportional: a normally open on/off valve beside a "
        "small proportional one, whose numbers these are; None: not stated, as proportional.",
    )
    on_off_flow_ml_s_at_10_mpa: Positive = Field(
        default=50.0,
        le=10000,
        description="Of the on/off valve, where there is one; only the emulated press needs it. "
        "Assumption.",
    )
    flow_ml_s_at_10_mpa: Positive = Field(
        default=10.0, le=10000, description="Valve fully open, 10 MPa of oil. Assumption."
    )
    dead_band_percent: NonNegative = Field(
        default=20.0, le=50, description="Of stroke. As for the pump."
    )

    def plant_config(self, individual: IndividualSection) -> dict[str, float]:
        """Return the numbers for `pressloop_sim.plant.valves`."""
        dead_band_percent = self.dead_band_percent + individual.release_dead_band_error_percent
        error = error_factor(individual.release_flow_error_percent)
        has_on_off = self.drive == "on-off+proportional"
        return {
            "release_dead_band": max(0.0, dead_band_percent) / 100,
            "release_flow_10mpa_mm3_s": self.flow_ml_s_at_10_mpa * 1000 * error,
            "on_off_release_flow_10mpa_mm3_s": self.on_off_flow_ml_s_at_10_mpa * 1000
            if has_on_off
            else 0.0,
        }


class LeakSection(Section):
    """Leak of valve seats and seals."""

    ul_min_at_10_mpa: NonNegative = Field(
        default=10.0,
        le=1e6,
        description="Laminar: proportional to pressure. Assumption: a sixth of a drop a minute.",
    )

    def plant_config(self) -> dict[str, float]:
        """Return the number for `pressloop_sim.plant.plant`."""
        return {"leak_mm3_s_mpa": self.ul_min_at_10_mpa / 60 / 10}
