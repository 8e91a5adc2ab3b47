"""The description of a press to emulate: a YAML file, checked, and what is derived from it.

A description holds the data sheet of a press (what a technician knows), the powder in its die, and
`individual`: how this very specimen differs from its data sheet. `plant_config` mixes all three
into the flat numbers that the plant runs on; `nominal_profile` is the machine profile the
technician would have entered, which knows nothing of the individual.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from pressloop.errors import BadInputError
from pressloop.findings import Finding
from pressloop.yaml_source import SourceMap, read_yaml

from . import presets
from . import transducer as adc

_FULL_OPENING = 32767
# MicroPython reads this many digits to the same double as CPython does.
_DIGITS = 12
# What nothing reaches.
_NEVER_MPA = 1e9

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

Never = Literal["never"]


def _known_preset(known: Mapping[str, presets.Numbers]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in known:
            text = presets.unknown(name, known)
            raise PydanticCustomError("unknown_preset", "{text}", {"text": text})
        return name

    return AfterValidator(check)


PressPreset = Annotated[str, _known_preset(presets.PRESSES)]
PowderPreset = Annotated[str, _known_preset(presets.POWDERS)]
ErrorPercent = Annotated[float, Field(ge=-50, le=50, allow_inf_nan=False)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Ram(_Section):
    """The cylinder."""

    area_cm2: Positive = Field(
        default=14.5, le=1000, description="Effective area. Source: Enerpac RC-106 data sheet."
    )
    approach_gap_mm: NonNegative = Field(
        default=4.0,
        le=500,
        description="Travel of the retracted ram to the loose powder. Assumption.",
    )
    return_force_n: Positive = Field(
        default=150.0,
        le=20000,
        description="Return spring and weight of ram and punch, taken as constant. Assumption.",
    )


class OilSection(_Section):
    """The oil between valves and ram."""

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


class Frame(_Section):
    """Columns, plates and punches."""

    stiffness_kn_mm: Positive = Field(
        default=100.0, le=10000, description="All in series. Assumption."
    )


class Valves(_Section):
    """What pump valve and release valve have in common: proportional valves with dither."""

    lag_ms: Positive = Field(
        default=30.0, ge=1, le=1000, description="First-order lag. Assumption: 20-50 ms is usual."
    )
    delay_ms: NonNegative = Field(
        default=10.0, le=200, description="Transport delay, rounded to 5 ms. Assumption."
    )
    hysteresis_percent: NonNegative = Field(
        default=2.0, le=20, description="Of stroke, with dither. Source: valve data sheets, 2-5 %."
    )


class Pump(_Section):
    """Pump and pump valve."""

    flow_ml_s: Positive = Field(default=1.0, le=1000, description="Valve fully open. Assumption.")
    dead_band_percent: NonNegative = Field(
        default=20.0,
        le=45,
        description="Of stroke. Source: reducing valve, 0.15 A threshold of 0.7 A.",
    )
    ripple_percent: NonNegative = Field(
        default=2.0, le=50, description="Amplitude of the pistons' ripple, of the flow. Assumption."
    )
    ripple_hz: NonNegative = Field(default=23.0, le=90, description="Its frequency. Assumption.")


class Release(_Section):
    """Release valve; open without power."""

    flow_ml_s_at_10_mpa: Positive = Field(
        default=10.0, le=10000, description="Valve fully open, 10 MPa of oil. Assumption."
    )
    dead_band_percent: NonNegative = Field(
        default=20.0, le=45, description="Of stroke. As for the pump."
    )


class Leak(_Section):
    """Seats and seals."""

    ul_min_at_10_mpa: NonNegative = Field(
        default=10.0,
        le=1e6,
        description="Laminar: proportional to pressure. Assumption: a sixth of a drop a minute.",
    )


class TransducerSection(_Section):
    """Oil-pressure transducer, 4-20 mA over 150 ohm into an ADS1115."""

    full_scale_bar: Positive = Field(
        default=400.0, ge=10, le=2000, description="Range. Reference wiring."
    )
    accuracy_percent: Positive = Field(
        default=0.1,
        ge=0.01,
        le=5,
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


class DisplacementSection(_Section):
    """Displacement sensor between the platens. The reference press has none."""

    resolution_um: NonNegative = Field(
        default=0.0, le=1000, description="Smallest step of its reading; 0: there is no sensor."
    )
    noise_um: NonNegative = Field(
        default=0.5, le=1000, description="One sigma. Assumption: a potentiometric or LVDT gauge."
    )


class PowderSection(_Section):
    """What is pressed.

    `preset` fills in the other fields; those that are given as well win. For drawing at random,
    the descriptions give the range that an assumption may have.
    """

    preset: PowderPreset | None = Field(
        default=None,
        description="A powder by name: Na3PS4, Li3PS4, sulfide or steel; what is written beside it "
        "wins.",
    )
    material: str = Field(default="Na3PS4", min_length=1, description="A name, for people.")
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
    poisson_ratio: NonNegative = Field(
        default=0.3,
        le=0.45,
        description="Confined by the die; 0 for a body that may bulge. Assumption.",
    )
    relaxation_percent: NonNegative = Field(
        default=30.0,
        le=95,
        description="Of the pressure, lost in the end if the height is held: Peleg's 1/k2; 0: "
        "elastic. Assumption: 10-45.",
    )
    relaxation_half_s: Positive = Field(
        default=15.0,
        ge=0.5,
        le=1e6,
        description="Time in which half of that is lost: Peleg's k1/k2. Assumption: 4-60.",
    )
    crack_mpa: Positive | Never = Field(
        default=690.0,
        description="Pressure that cracks the pellet, or never. Source: Li6PS5Cl is sound "
        "at 625 MPa and fractures at 750 MPa (Yan et al., J. Colloid Interface Sci. 2026); "
        "assumption for other powders: 600-800.",
    )
    crack_release_mpa_s: Positive | Never = Field(
        default=200.0,
        description="Release rate that cracks the pellet, or never. Assumption: 100-1000.",
    )
    crack_loss_percent: Positive = Field(
        default=3.0,
        le=50,
        description="Of the pellet's height, lost in a crack. Assumption: 1-10.",
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


class Limits(_Section):
    """What the press and its hoses may see."""

    max_oil_bar: Positive = Field(default=350.0, le=2000, description="Set by the technician.")


class Controller(_Section):
    """What the technician set on the controller."""

    approach_opening_percent: Positive = Field(
        default=60.0, le=100, description="Pump valve while the ram travels."
    )
    contact_bar: Positive = Field(default=2.0, le=200, description="Reading that means contact.")
    approach_timeout_s: Positive = Field(default=60.0, ge=0.1, le=600, description="To contact.")
    no_gain_window_s: Positive = Field(
        default=5.0, ge=0.1, le=60, description="Pumping this long must raise the pressure."
    )
    kp_per_s: Positive = Field(default=12.0, le=31.99, description="Pressure rate per error.")
    ki_per_s2: NonNegative = Field(default=8.0, le=24, description="Integral gain.")
    kd: NonNegative = Field(default=0.0, le=15.99, description="Derivative gain, on the reading.")
    filter_shift: int = Field(default=1, ge=0, le=8, description="Smoothing over 2^n ticks.")


class Individual(_Section):
    """How this specimen differs from its data sheet: unknown to its controller."""

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


class PressDescription(_Section):
    """A press, its die and its powder. The defaults are the reference press."""

    preset: PressPreset | None = Field(
        default=None,
        description="A press by name: reference, jack-10t, jack-15t or jack-25t; what is written "
        "beside it wins.",
    )
    name: str = Field(
        default="reference press",
        min_length=1,
        max_length=40,
        description="Name in the machine profile.",
    )
    die_mm: Positive = Field(
        default=10.0,
        ge=1,
        le=100,
        description="Diameter of the die that is in the press until a protocol names another.",
    )
    dies_mm: tuple[Annotated[float, Field(ge=1, le=100)], ...] = Field(
        default=(10.0, 12.0, 13.0),
        min_length=1,
        max_length=16,
        description="Diameters the press may be used with.",
    )
    ram: Ram = Ram()
    oil: OilSection = OilSection()
    frame: Frame = Frame()
    valves: Valves = Valves()
    pump: Pump = Pump()
    release: Release = Release()
    leak: Leak = Leak()
    transducer: TransducerSection = TransducerSection()
    displacement: DisplacementSection = DisplacementSection()
    powder: PowderSection = PowderSection()
    limits: Limits = Limits()
    controller: Controller = Controller()
    individual: Individual = Individual()

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, data: Any) -> Any:
        name = data.get("preset") if isinstance(data, dict) else None
        if not isinstance(name, str) or name not in presets.PRESSES:
            return data
        merged = presets.press(name)
        for key, value in data.items():
            base: Any = merged.get(key)
            both = isinstance(base, dict) and isinstance(value, dict)
            merged[key] = {**base, **value} if both else value
        return merged

    @model_validator(mode="after")
    def _consistent(self) -> PressDescription:
        if self.limits.max_oil_bar > self.transducer.full_scale_bar:
            raise ValueError(
                f"limits.max_oil_bar ({self.limits.max_oil_bar:g}) is above "
                f"transducer.full_scale_bar ({self.transducer.full_scale_bar:g}): "
                "the controller could not see the limit"
            )
        return self

    def plant_config(self) -> dict[str, float]:
        """Return the flat numbers of the true press, for `Plant` and `Transducer`.

        Millimetres, newtons, MPa and seconds throughout; percentages have become fractions.
        """
        individual = self.individual
        die_area_mm2 = math.pi / 4 * self.die_mm**2
        full_scale_mpa = self.transducer.full_scale_bar / 10
        nu = self.powder.poisson_ratio
        confined = (1 - nu) / ((1 + nu) * (1 - 2 * nu))
        pump_dead = self.pump.dead_band_percent + individual.pump_dead_band_error_percent
        release_dead = self.release.dead_band_percent + individual.release_dead_band_error_percent
        values = {
            "ram_area_mm2": self.ram.area_cm2 * 100,
            "die_area_mm2": die_area_mm2,
            "approach_gap_mm": self.ram.approach_gap_mm,
            "return_force_n": self.ram.return_force_n,
            "oil_volume_mm3": self.oil.volume_ml
            * 1000
            * _with(individual.oil_volume_error_percent),
            "oil_bulk_modulus_mpa": self.oil.bulk_modulus_gpa * 1000,
            "oil_air_fraction": self.oil.air_percent / 100,
            "frame_stiffness_n_mm": self.frame.stiffness_kn_mm
            * 1000
            * _with(individual.frame_stiffness_error_percent),
            "valve_lag_s": self.valves.lag_ms / 1000,
            "valve_delay_s": self.valves.delay_ms / 1000,
            "valve_hysteresis": self.valves.hysteresis_percent / 100,
            "pump_dead_band": max(0.0, pump_dead) / 100,
            "pump_flow_mm3_s": self.pump.flow_ml_s
            * 1000
            * _with(individual.pump_flow_error_percent),
            "pump_ripple": self.pump.ripple_percent / 100,
            "pump_ripple_hz": self.pump.ripple_hz,
            "release_dead_band": max(0.0, release_dead) / 100,
            "release_flow_10mpa_mm3_s": self.release.flow_ml_s_at_10_mpa
            * 1000
            * _with(individual.release_flow_error_percent),
            "leak_mm3_s_mpa": self.leak.ul_min_at_10_mpa / 60 / 10,
            "powder_solid_height_mm": self.powder.mass_mg
            / self.powder.true_density_g_cm3
            / die_area_mm2,
            "powder_initial_density": self.powder.initial_density,
            "powder_panelli_a": self.powder.panelli_a,
            "powder_modulus_mpa": self.powder.youngs_modulus_gpa * 1000 * confined,
            "powder_heckel_k": self.powder.heckel_k,
            "powder_relaxation_share": self.powder.relaxation_percent / 100,
            "powder_relaxation_half_s": self.powder.relaxation_half_s,
            "powder_crack_mpa": _limit(self.powder.crack_mpa),
            "powder_crack_release_mpa_s": _limit(self.powder.crack_release_mpa_s),
            "powder_crack_loss": self.powder.crack_loss_percent / 100,
            "sensor_full_scale_mpa": full_scale_mpa,
            "sensor_offset_mpa": individual.sensor_offset_percent / 100 * full_scale_mpa,
            "sensor_span_factor": _with(individual.sensor_span_error_percent),
            "sensor_noise_mpa": self.transducer.noise_percent / 100 * full_scale_mpa,
            "sensor_lag_s": self.transducer.lag_ms / 1000,
            "displacement_resolution_um": self.displacement.resolution_um,
            "displacement_noise_um": self.displacement.noise_um,
        }
        return {key: float(f"{value:.{_DIGITS}g}") for key, value in values.items()}

    def nominal_profile(self) -> dict[str, Any]:
        """Return the machine profile that a technician would have entered for this press.

        Keys are the field names of `profile` in the wire schema. The transducer's zero is taken
        with the ram travelling freely, as its reading then is the return force and not load.
        """
        travel_mpa = self.ram.return_force_n / (self.ram.area_cm2 * 100)
        full_scale_mpa = self.transducer.full_scale_bar / 10
        tare = round(travel_mpa / full_scale_mpa * (adc.RAW_FULL - adc.RAW_ZERO))
        area_mm2 = self.ram.area_cm2 * 100
        # mm3 of oil for 1 MPa of oil pressure.
        compliance = self.oil.volume_ml * 1000 / (
            self.oil.bulk_modulus_gpa * 1000
        ) + area_mm2**2 / (self.frame.stiffness_kn_mm * 1000)
        return {
            "name": self.name,
            "ram_area_mm2": round(area_mm2),
            "full_scale_oil_kpa": round(full_scale_mpa * 1000),
            "raw_zero": adc.RAW_ZERO + tare,
            "raw_full": adc.RAW_FULL + tare,
            "raw_fault_low": adc.RAW_FAULT_LOW,
            "raw_fault_high": adc.RAW_FAULT_HIGH,
            "accuracy_ppm": round(self.transducer.accuracy_percent * 10_000),
            "max_oil_kpa": round(self.limits.max_oil_bar * 100),
            "dies_um": [round(die * 1000) for die in self.dies_mm],
            "pump_dead_band": _opening(self.pump.dead_band_percent),
            "release_dead_band": _opening(self.release.dead_band_percent),
            "pump_flow_ul_s": round(self.pump.flow_ml_s * 1000),
            "release_flow_ul_s": round(self.release.flow_ml_s_at_10_mpa * 1000),
            "compliance_nl_mpa": round(compliance * 1000),
            "approach_opening": _opening(self.controller.approach_opening_percent),
            "contact_oil_kpa": round(self.controller.contact_bar * 100),
            "approach_timeout_ms": round(self.controller.approach_timeout_s * 1000),
            "no_gain_window_ms": round(self.controller.no_gain_window_s * 1000),
            "kp": round(self.controller.kp_per_s * 256),
            # The wire's unit is 1/s per tick of 10 ms.
            "ki": round(self.controller.ki_per_s2 * 65536 / 100),
            "kd": round(self.controller.kd * 256),
            "filter_shift": self.controller.filter_shift,
            # Half the hysteresis and a margin: too much dither harms less than too little.
            "valve_dither": _opening(0.75 * self.valves.hysteresis_percent),
            "valve_lag_ms": round(self.valves.lag_ms + self.valves.delay_ms),
        }


def _with(error_percent: float) -> float:
    return 1 + error_percent / 100


def _limit(value: float | Never) -> float:
    return _NEVER_MPA if value == "never" else value


def _opening(percent: float) -> int:
    return round(percent / 100 * _FULL_OPENING)


def load(path: Path | str) -> PressDescription:
    """Read a press description, or take a preset by its name if there is no file of that name.

    Raises:
        BadInputError: The file cannot be read, is not YAML, or has mistakes; `findings` lists
            each with its path and line.
    """
    file = Path(path)
    if str(path) in presets.PRESSES and not file.exists():
        return PressDescription.model_validate({"preset": str(path)})
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            f"cannot read the press description {file}: {error}",
            hint="give a YAML file; examples/presses/reference.yaml is one to start from. Or the "
            f"name of a press that is built in: {', '.join(presets.PRESSES)}",
        ) from error
    return loads(text, source=str(file))


def loads(text: str, *, source: str = "press description") -> PressDescription:
    """Read a press description from YAML text; `source` names it in errors.

    Raises:
        BadInputError: As for `load`.
    """
    yaml = read_yaml(text)
    findings = [finding for finding in yaml.findings if finding.severity == "error"]
    if not findings:
        try:
            return PressDescription.model_validate(yaml.data)
        except ValidationError as error:
            findings = [_finding(yaml.marks, item) for item in error.errors()]
    raise BadInputError(
        f"{source}: {len(findings)} mistake{'s' if len(findings) > 1 else ''}",
        hint="look the section or field up in docs/emulated-press.md",
        findings=findings,
    )


def _finding(marks: SourceMap, error: ErrorDetails) -> Finding:
    """Turn one pydantic error into a finding with the line it came from."""
    location = error["loc"]
    if error["type"] == "extra_forbidden":
        known = _fields(location[:-1])
        near = difflib.get_close_matches(str(location[-1]), known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        return marks.finding("error", "unknown-key", location, "no such key", hint, at_key=True)
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "unknown_preset":
        return marks.finding(
            "error", "unknown-preset", location, message, "use a name of the list, or leave it out"
        )
    if error["type"] == "value_error":
        return marks.finding("error", "contradiction", location, message, "change one of the two")
    return marks.finding(
        "error",
        "bad-value",
        location,
        message,
        "write text"
        if error["type"].startswith("string")
        else "write a plain number; its unit is the end of the key's name",
    )


def _fields(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the section at `location`."""
    model: type[BaseModel] = PressDescription
    for part in location:
        annotation = model.model_fields[str(part)].annotation
        assert isinstance(annotation, type) and issubclass(annotation, BaseModel)
        model = annotation
    return list(model.model_fields)
