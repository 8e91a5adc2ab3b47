"""The sections of a press description: each number with its range, default and source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from pressloop.emulator.description import presets
from pressloop.machine.part_codes import (
    AuxiliaryName,
    CellConverterName,
    PressureConverterName,
    PumpDriveName,
    ReleaseDriveName,
    SignalName,
)
from pressloop.yaml.user_model import UserModel

Positive = Annotated[float, Field(ge=1e-6, allow_inf_nan=False)]
"""A number above zero in its field's unit; what is smaller than this is no press and overflows."""
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

Never = Literal["never"]


def known_preset(known: Mapping[str, presets.Numbers]) -> AfterValidator:
    """Return a validator that accepts only the names in `known`."""

    def check(name: str) -> str:
        if name not in known:
            text = presets.unknown(name, known)
            raise PydanticCustomError("unknown_preset", "{text}", {"text": text})
        return name

    return AfterValidator(check)


PowderPreset = Annotated[str, known_preset(presets.POWDERS)]
ErrorPercent = Annotated[float, Field(ge=-50, le=50, allow_inf_nan=False)]


class Section(UserModel):
    """Base of all sections."""


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


MIN_BORE_MM, MAX_BORE_MM = 8, 100
"""Bores of a vessel that a board takes."""


def bore_fits(bore_mm: float) -> float:
    """Return the bore of a vessel unchanged if a board takes it; 0 is none.

    Raises:
        PydanticCustomError: `bad-value`.
    """
    if bore_mm and not MIN_BORE_MM <= bore_mm <= MAX_BORE_MM:
        raise PydanticCustomError(
            "bad-value",
            "{message}; {hint}",
            {
                "message": f"a bore of {bore_mm:g} mm is not possible",
                "hint": f"bores from {MIN_BORE_MM} to {MAX_BORE_MM} mm are",
            },
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


class FrameSection(Section):
    """Stiffness of columns, plates and punches."""

    stiffness_kn_mm: Positive = Field(
        default=100.0, le=10000, description="All in series. Assumption."
    )


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


class LeakSection(Section):
    """Leak of valve seats and seals."""

    ul_min_at_10_mpa: NonNegative = Field(
        default=10.0,
        le=1e6,
        description="Laminar: proportional to pressure. Assumption: a sixth of a drop a minute.",
    )


class TransducerSection(Section):
    """Oil-pressure transducer: 4-20 mA over 150 ohm into an ADS1115."""

    signal: SignalName | None = Field(
        default=None,
        description="4-20mA, 0-10V or ratiometric (0.5-4.5 V of a supply of 5 V); None: not "
        "stated, as 4-20mA.",
    )
    full_scale_bar: Positive = Field(
        default=400.0, ge=10, le=6000, description="Range. Reference wiring."
    )
    accuracy_percent: Positive = Field(
        default=0.1,
        ge=0.0001,
        le=2,
        description="Data-sheet accuracy, of full scale. Reference wiring.",
    )
    noise_percent: NonNegative = Field(
        default=0.006,
        le=5,
        description="One sigma, of full scale. Source: ADS1115 data sheet, about 1 LSB at 860/s "
        "and 4.096 V.",
    )
    lag_ms: NonNegative = Field(
        default=2.0, le=1000, description="First-order lag. Source: data sheets."
    )
    repeatability_percent: NonNegative | None = Field(
        default=None,
        le=10,
        description="Limits (+-) within which readings of one pressure agree, of full scale; None: "
        "a fifth of the accuracy is assumed.",
    )
    zero_drift_percent: NonNegative | None = Field(
        default=None,
        le=10,
        description="Limits (+-) of the zero's drift with temperature, of full scale; None: 0.2 % "
        "is assumed.",
    )
    converter: PressureConverterName | None = Field(
        default=None,
        description="Converter of the signal: ads1115, or adc for the chip's own; None: whichever "
        "the board finds. No run starts on a board that finds another one.",
    )


class SecondTransducerSection(Section):
    """Second oil-pressure transducer, on the chip's own converter: the second channel."""

    fitted: bool = Field(
        default=True, description="Whether the press has one; false: a single-channel press."
    )
    signal: SignalName | None = Field(
        default=None, description="4-20mA or 0-10V; None: not stated, as 4-20mA."
    )
    converter: PressureConverterName | None = Field(
        default=None,
        description="Converter of its signal: adc for the chip's own, or a second ads1115; None: "
        "whichever the board finds.",
    )
    full_scale_bar: Positive | None = Field(
        default=None, ge=10, le=6000, description="Range; None: that of the first transducer."
    )
    accuracy_percent: Positive = Field(
        default=1.0,
        ge=0.0001,
        le=5,
        description="Stated error with the converter's, of full scale. Assumption: a transducer "
        "of 0.5 % and the 8.7 effective bits of the RP2040's converter.",
    )
    noise_percent: NonNegative = Field(
        default=0.05, le=5, description="One sigma, of full scale. Assumption."
    )
    lag_ms: NonNegative = Field(
        default=5.0, le=1000, description="First-order lag. Source: data sheets."
    )
    channel_lag_ms: Annotated[int, Field(ge=0, le=100)] | None = Field(
        default=None,
        description="By how much the lags of both channels may differ; None: the board's 30 ms.",
    )
    channel_friction_percent: NonNegative | None = Field(
        default=None,
        le=10,
        description="Friction between the places where they measure, of the reading; None: none.",
    )
    channel_noise_percent: NonNegative | None = Field(
        default=None,
        le=1,
        description="One sigma of a reading of either, of full scale; None: the board's 0.1 %.",
    )


class DisplacementSection(Section):
    """Displacement sensor between the platens. The reference press has none."""

    resolution_um: NonNegative = Field(
        default=0.0, le=1000, description="Smallest step of its reading; 0: there is no sensor."
    )
    noise_um: NonNegative = Field(
        default=0.5, le=1000, description="One sigma. Assumption: a potentiometric or LVDT sensor."
    )


class LoadCellSection(Section):
    """Load cell under the die. The reference press has none."""

    converter: CellConverterName | None = Field(
        default=None,
        description="nau7802 or hx711; None: an NAU7802 if the board finds one.",
    )
    capacity_kn: NonNegative = Field(
        default=0.0, le=10_000, description="Largest force; 0: there is no load cell."
    )
    rate_hz: Positive = Field(
        default=80.0,
        ge=1,
        le=1000,
        description="Readings a second: HX711 10 or 80, NAU7802 10-320.",
    )
    lag_ms: NonNegative = Field(
        default=5.0, le=1000, description="First-order lag of cell and filter. Assumption."
    )
    accuracy_percent: Positive = Field(
        default=0.05,
        ge=0.0001,
        le=10,
        description="Data-sheet accuracy, of the capacity. Assumption.",
    )
    noise_percent: NonNegative = Field(
        default=0.005, le=5, description="One sigma, of the capacity. Assumption."
    )


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


class LimitsSection(Section):
    """Limits of the press and its hoses."""

    max_oil_bar: Positive = Field(default=350.0, le=6000, description="Set by the technician.")
    single_channel_bar: Positive | None = Field(
        default=None,
        ge=2,
        le=6000,
        description="Limit as long as there is one pressure channel; None: max_oil_bar.",
    )


class ControllerSection(Section):
    """Settings of the controller, entered by the technician."""

    board: Literal["pico", "pico2", "pico-w"] | None = Field(
        default=None,
        description="Controller board, whose pins must serve the kinds of parts above; None: any.",
    )
    auxiliary: AuxiliaryName | None = Field(
        default=None,
        description="What the board's third analogue input reads from its next start on: "
        "displacement, or oil-temperature; None: nothing.",
    )
    approach_opening_percent: Positive = Field(
        default=60.0, le=100, description="Pump valve while the ram travels."
    )
    contact_bar: Positive = Field(
        default=2.0, le=200, description="Reading that counts as contact."
    )
    approach_timeout_s: Positive = Field(
        default=60.0, ge=0.1, le=600, description="Longest time to contact."
    )
    hold_to_run: bool | None = Field(
        default=None,
        description="Whether the ram approaches the sample only while a person holds the button; "
        "None: if one pressure channel alone watches it and the press is real.",
    )
    no_gain_window_s: Positive = Field(
        default=5.0,
        ge=0.1,
        le=60,
        description="Platens that close this long must raise the pressure.",
    )
    kp_per_s: Positive = Field(
        default=12.0, ge=1 / 256, le=8191 / 256, description="Pressure rate per error."
    )
    ki_per_s2: NonNegative = Field(
        default=8.0, le=16383 * 100 / 65536, description="Integral gain."
    )
    kd: NonNegative = Field(
        default=0.0, le=4095 / 256, description="Derivative gain, on the reading."
    )
    filter_shift: int = Field(default=1, ge=0, le=8, description="Smoothing over 2^n ticks.")


class IndividualSection(Section):
    """Errors of this specimen against its data sheet; the controller does not know them."""

    pump_dead_band_error_percent: ErrorPercent = Field(default=1.5, description="Of stroke.")
    release_dead_band_error_percent: ErrorPercent = Field(default=-1.5, description="Of stroke.")
    pump_flow_error_percent: ErrorPercent = Field(
        default=4.0, description="Of the data-sheet flow."
    )
    release_flow_error_percent: ErrorPercent = Field(
        default=-5.0, description="Of the data-sheet flow."
    )
    oil_volume_error_percent: ErrorPercent = Field(
        default=5.0, description="Of the nominal volume."
    )
    frame_stiffness_error_percent: ErrorPercent = Field(
        default=-4.0, description="Of the nominal value."
    )
    sensor_offset_percent: ErrorPercent = Field(default=0.02, description="Of full scale.")
    sensor_span_error_percent: ErrorPercent = Field(default=-0.03, description="Of the reading.")
    second_offset_percent: ErrorPercent = Field(default=-0.2, description="Of full scale.")
    second_span_error_percent: ErrorPercent = Field(default=0.3, description="Of the reading.")
    load_cell_zero_percent: ErrorPercent = Field(default=0.01, description="Of the capacity.")
    load_cell_gain_error_percent: ErrorPercent = Field(
        default=0.02, description="Of the reading of the load cell."
    )
