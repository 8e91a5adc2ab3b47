"""The description of a whole press, and the numbers that are derived from it.

`plant_config` describes the true press, `nominal_profile` what a technician knows of it.
"""

from __future__ import annotations

import math
from operator import attrgetter
from typing import Annotated, Any, Final

from pressloop_sim.plant.water import MODULUS_MPA as WATER_MODULUS_MPA
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from pressloop.emulator.description import presets
from pressloop.emulator.description.controller import ControllerSection, LimitsSection
from pressloop.emulator.description.hydraulics import (
    MAX_BORE_MM,
    MIN_BORE_MM,
    FrameSection,
    LeakSection,
    OilSection,
    PumpSection,
    RamSection,
    ReleaseSection,
    ValvesSection,
    VesselSection,
)
from pressloop.emulator.description.individual import IndividualSection
from pressloop.emulator.description.measured import MeasuredSection
from pressloop.emulator.description.places import DATA_SHEET
from pressloop.emulator.description.powder import Never, PowderSection
from pressloop.emulator.description.section import Positive, Section, known_preset
from pressloop.emulator.description.sensors import (
    DisplacementSection,
    LoadCellSection,
    SecondTransducerSection,
    TransducerSection,
)
from pressloop.emulator.description.simulation import SimulationSection
from pressloop.hardware.fitting import Fitted
from pressloop.hardware.kinds import PUMP_KINDS, SIGNAL_KINDS, SignalKind
from pressloop.machine.profile import MachineProfile, name_fits
from pressloop.machine.profile_wire import wire_fields

# Up to this many digits MicroPython and CPython parse a number to the same double.
_MAX_DIGITS = 12
# A limit that no pressure and no rate reaches.
_NEVER_MPA = 1e9

_USUAL_SIGNAL: Final = "4-20mA"

DITHER_OF_HYSTERESIS: Final = 0.75

PressPreset = Annotated[str, known_preset(presets.PRESSES)]


class PressDescription(Section):
    """Describes a press, its die and its powder. The defaults are the reference press."""

    preset: PressPreset | None = Field(
        default=None,
        description="A press by name: reference, jack-10t, jack-15t or jack-25t; fields that are "
        "given as well override it.",
    )
    name: Annotated[str, AfterValidator(name_fits)] = Field(
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
    die_uncertainty_um: Annotated[int, Field(ge=0, le=10_000)] | None = Field(
        default=None,
        description="Limits (+-) of the diameters, wear included; None: 10 um are assumed.",
    )
    die_loads_kn: (
        Annotated[
            tuple[Annotated[float, Field(ge=0, le=10_000)], ...], Field(min_length=1, max_length=16)
        ]
        | None
    ) = Field(
        default=None,
        description="Greatest load of each die of dies_mm, kN; 0 where it is not known.",
    )
    vessel: VesselSection = VesselSection()
    ram: RamSection = RamSection()
    oil: OilSection = OilSection()
    frame: FrameSection = FrameSection()
    valves: ValvesSection = ValvesSection()
    pump: PumpSection = PumpSection()
    release: ReleaseSection = ReleaseSection()
    leak: LeakSection = LeakSection()
    transducer: TransducerSection = TransducerSection()
    second_transducer: SecondTransducerSection = SecondTransducerSection()
    displacement: DisplacementSection = DisplacementSection()
    load_cell: LoadCellSection = LoadCellSection()
    powder: PowderSection = PowderSection()
    limits: LimitsSection = LimitsSection()
    controller: ControllerSection = ControllerSection()
    measured: MeasuredSection = MeasuredSection()
    individual: IndividualSection = IndividualSection()
    simulation: SimulationSection = SimulationSection()

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

    @property
    def signal(self) -> SignalKind:
        """How the first transducer signals, with its counts."""
        return SIGNAL_KINDS[self.transducer.signal or _USUAL_SIGNAL]

    @property
    def second_signal(self) -> SignalKind:
        """How the second transducer signals."""
        return SIGNAL_KINDS[self.second_transducer.signal or _USUAL_SIGNAL]

    @property
    def max_travel_share(self) -> float:
        """Share of the transducer's range above which the travelling ram leaves no room for it."""
        kind = self.signal
        return (kind.raw_fault_high - kind.raw_full) / (kind.raw_full - kind.raw_zero)

    @property
    def fitted(self) -> Fitted:
        """The kinds of the parts of this press."""
        has_second = self.second_transducer.fitted
        return Fitted(
            transducer=self.signal.key,
            converter=self.transducer.converter,
            second_transducer=self.second_signal.key if has_second else None,
            second_converter=self.second_transducer.converter if has_second else None,
            cell_converter=self.load_cell.converter,
            has_load_cell=self.load_cell.capacity_kn > 0,
            auxiliary=self.controller.auxiliary,
            pump=self.pump.drive or "pwm",
            release=self.release.drive or "proportional",
        )

    @model_validator(mode="before")
    @classmethod
    def _vessel_has_no_die(cls, data: Any) -> Any:
        """Fill in the bore of a vessel as its die; refuse a file that has both."""
        vessel = data.get("vessel") if isinstance(data, dict) else None
        bore = vessel.get("bore_mm") if isinstance(vessel, dict) else None
        if not isinstance(bore, int | float) or isinstance(bore, bool):
            return data
        if not MIN_BORE_MM <= bore <= MAX_BORE_MM:
            return data
        for key in ("ram", "frame", "dies_mm", "die_mm", "die_loads_kn", "load_cell"):
            if key in data and not cls._is_of_vessel(key, data[key], bore):
                raise PydanticCustomError(
                    "contradiction",
                    "{message}; {hint}",
                    {
                        "message": f"an isostatic vessel has no '{key}'",
                        "hint": f"remove '{key}', or the section 'vessel'",
                        "at": (key,),
                    },
                )
        return {**data, "dies_mm": [bore], "die_mm": bore}

    @classmethod
    def _is_of_vessel(cls, key: str, value: Any, bore: float) -> bool:
        """Return whether a value says no more than that it is a vessel with this bore."""
        if key in ("dies_mm", "die_mm"):
            return (list(value) if key == "dies_mm" else [value]) == [bore]
        usual = cls.model_fields[key].default
        if isinstance(usual, Section) and isinstance(value, dict):
            return type(usual).model_validate(value) == usual
        return bool(value == usual)

    @property
    def is_vessel(self) -> bool:
        """Whether it is an isostatic vessel, which has no ram."""
        return self.vessel.bore_mm > 0

    @property
    def travel_share(self) -> float:
        """Reading of the freely travelling ram, as a share of the transducer's range."""
        if self.is_vessel:
            return 0.0
        travel_mpa = self.ram.return_force_n / (self.ram.area_cm2 * 100)
        return travel_mpa / (self.transducer.full_scale_bar / 10)

    @model_validator(mode="after")
    def _consistent(self) -> PressDescription:
        friction = self.simulation.friction
        most_n = friction.coulomb_n * _with(friction.spread_percent)
        if most_n >= self.ram.return_force_n:
            raise ValueError(
                f"simulation.friction.coulomb_n reaches {most_n:g} N and ram.return_force_n is "
                f"{self.ram.return_force_n:g} N: the ram would not come back"
            )
        return self

    @property
    def second_full_scale_bar(self) -> float:
        """Range of the second transducer, bar; 0 on a single-channel press."""
        if not self.second_transducer.fitted:
            return 0.0
        return self.second_transducer.full_scale_bar or self.transducer.full_scale_bar

    def plant_config(self) -> dict[str, float]:
        """Return the numbers of the true press as a flat dict, for `Plant` and `Transducer`.

        Units are mm, N, MPa and s throughout; percentages are converted to fractions.
        """
        individual = self.individual
        die_area_mm2 = math.pi / 4 * self.die_mm**2
        full_scale_mpa = self.transducer.full_scale_bar / 10
        second = self.second_transducer
        second_mpa = self.second_full_scale_bar / 10
        capacity_n = self.load_cell.capacity_kn * 1000
        nu = self.powder.poisson_ratio
        first_kind, second_kind = self.signal, self.second_signal
        on_off_ml_s = self.release.on_off_flow_ml_s_at_10_mpa
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
            "valve_coil_lag_s": self.valves.coil_lag_ms / 1000,
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
            "on_off_release_flow_10mpa_mm3_s": on_off_ml_s * 1000
            if self.release.drive == "on-off+proportional"
            else 0.0,
            "pump_filter_lag_s": PUMP_KINDS[self.pump.drive or "pwm"].filter_lag_ms / 1000,
            "leak_mm3_s_mpa": self.leak.ul_min_at_10_mpa / 60 / 10,
            "powder_solid_height_mm": self.powder.mass_mg
            / self.powder.true_density_g_cm3
            / die_area_mm2,
            "powder_initial_density": self.powder.initial_density,
            "powder_panelli_a": self.powder.panelli_a,
            "powder_modulus_mpa": self.powder.youngs_modulus_gpa * 1000 * confined,
            "powder_modulus_exponent": self.powder.modulus_exponent,
            "powder_wall_friction_loose": self.powder.wall_friction_loose,
            "powder_wall_friction_dense": self.powder.wall_friction_dense,
            "powder_wall_ratio": self.powder.wall_ratio,
            "powder_grain_um": self.powder.grain_um,
            "powder_heckel_k": self.powder.heckel_k,
            "powder_relaxation_share": self.powder.relaxation_percent / 100,
            "powder_relaxation_half_s": self.powder.relaxation_half_s,
            "powder_crack_mpa": _limit(self.powder.crack_mpa),
            "powder_crack_release_mpa_s": _limit(self.powder.crack_release_mpa_s),
            "powder_crack_loss": self.powder.crack_loss_percent / 100,
            "sensor_full_scale_mpa": full_scale_mpa,
            **_raw("sensor_", first_kind),
            "sensor_offset_mpa": individual.sensor_offset_percent / 100 * full_scale_mpa,
            "sensor_span_factor": _with(individual.sensor_span_error_percent),
            "sensor_noise_mpa": self.transducer.noise_percent / 100 * full_scale_mpa,
            "sensor_lag_s": self.transducer.lag_ms / 1000,
            "second_sensor_full_scale_mpa": second_mpa,
            **_raw("second_sensor_", second_kind),
            "second_sensor_bits": 16 if second.converter == "ads1115" else 12,
            "second_sensor_offset_mpa": individual.second_offset_percent / 100 * second_mpa,
            "second_sensor_span_factor": _with(individual.second_span_error_percent),
            "second_sensor_noise_mpa": second.noise_percent / 100 * second_mpa,
            "second_sensor_lag_s": second.lag_ms / 1000,
            "load_cell_capacity_n": capacity_n,
            "load_cell_rate_hz": self.load_cell.rate_hz,
            "load_cell_lag_s": self.load_cell.lag_ms / 1000,
            "load_cell_noise_n": self.load_cell.noise_percent / 100 * capacity_n,
            "load_cell_zero_n": individual.load_cell_zero_percent / 100 * capacity_n,
            "load_cell_gain": _with(individual.load_cell_gain_error_percent),
            "displacement_resolution_um": self.displacement.resolution_um,
            "displacement_noise_um": self.displacement.noise_um,
            **self.simulation.plant_config(full_scale_mpa),
        }
        if self.is_vessel:
            values |= {
                "vessel_volume_mm3": self.vessel.volume_ml
                * 1000
                * _with(individual.oil_volume_error_percent),
                "vessel_lid_switch": float(self.vessel.lid_switch),
                "ram_area_mm2": die_area_mm2,
            }
        return {key: float(f"{value:.{_MAX_DIGITS}g}") for key, value in values.items()}

    def nominal_profile(self) -> dict[str, Any]:
        """Return the machine profile of this press as the board gets it.

        Keys are the field names of `profile` in the wire schema. Values that were not measured
        are those of the data sheet. The transducer's zero is taken with the ram travelling freely,
        because its reading is then the return force and no load.
        """
        fields = wire_fields(self.measured.replacing(self.data_sheet()))
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in fields.items()
            if value is not None
        }

    def machine_profile(self) -> MachineProfile:
        """Return the machine profile of this press.

        Raises:
            BadInputError: It contradicts itself: the board would refuse it.
        """
        profile = MachineProfile.from_fields(self.nominal_profile())
        converter = self.transducer.converter
        return profile.model_copy(update={"converter": converter}) if converter else profile

    def data_sheet(self) -> dict[str, Any]:
        """Return what the data sheet says, by the names and in the units of `MachineProfile`."""
        kind = self.signal
        tare = self._tare(self.transducer.full_scale_bar / 10, kind)
        area_mm2 = self.ram.area_cm2 * 100
        # Oil volume per oil pressure, uL/MPa.
        compliance = self.oil.volume_ml / self.oil.bulk_modulus_gpa + area_mm2**2 / (
            self.frame.stiffness_kn_mm * 1000
        )
        values = {
            name: value
            for name, path in DATA_SHEET.items()
            for value in (attrgetter(".".join(path))(self),)
        }
        return {
            **dict.fromkeys(MeasuredSection.model_fields),
            # A file is no statement about the wires of a board.
            "commissioned_day": None,
            **values,
            "raw_zero": kind.raw_zero + tare,
            "raw_full": kind.raw_full + tare,
            "raw_fault_low": kind.raw_fault_low,
            "raw_fault_high": kind.raw_fault_high,
            "compliance_ul_mpa": compliance,
            # A shorter way than the board takes is no travel.
            "approach_mm": self.ram.approach_gap_mm if self.ram.approach_gap_mm >= 0.1 else None,
            "return_bar": self.travel_share * self.transducer.full_scale_bar,
            # Half the hysteresis plus a margin: too much dither does less harm than too little.
            "valve_dither_percent": DITHER_OF_HYSTERESIS * self.valves.hysteresis_percent,
            "valve_lag_ms": round(
                self.valves.lag_ms
                + self.valves.coil_lag_ms
                + self.valves.delay_ms
                + PUMP_KINDS[self.pump.drive or "pwm"].filter_lag_ms
            ),
            **self._second_channel(),
            **self._load_cell(),
            **self._vessel(),
        }

    def _second_channel(self) -> dict[str, Any]:
        """Return what the data sheet says of the second channel; None for each without one."""
        if not self.second_full_scale_bar:
            return dict.fromkeys(("second_full_scale_bar", "second_accuracy_percent"))
        kind = self.second_signal
        tare = self._tare(self.second_full_scale_bar / 10, kind)
        return {
            "second_full_scale_bar": self.second_full_scale_bar,
            "second_raw_zero": kind.raw_zero + tare,
            "second_raw_full": kind.raw_full + tare,
            "second_raw_fault_low": kind.raw_fault_low,
            "second_raw_fault_high": kind.raw_fault_high,
            "second_accuracy_percent": self.second_transducer.accuracy_percent,
        }

    def _vessel(self) -> dict[str, Any]:
        """Return what is different in an isostatic vessel."""
        if not self.is_vessel:
            return {"lid_switch": None}
        return {
            "lid_switch": self.vessel.lid_switch,
            # Of the bore as the board stores it, in whole um.
            "ram_area_cm2": math.pi / 400 * round(self.vessel.bore_mm, 3) ** 2,
            "compliance_ul_mpa": self.vessel.volume_ml / (WATER_MODULUS_MPA / 1000),
        }

    def _load_cell(self) -> dict[str, Any]:
        """Return the values of the load cell; the emulated one counts in tenths of a newton."""
        cell = self.load_cell
        if not cell.capacity_kn:
            return dict.fromkeys(("load_cell_capacity_kn", "load_cell_error_percent"))
        return {
            "load_cell_capacity_kn": cell.capacity_kn,
            "load_cell_error_percent": cell.accuracy_percent,
            "load_cell_zero": 0,
            "load_cell_full": round(10_000 * cell.capacity_kn),
            "load_cell_lag_ms": round(min(cell.lag_ms, 300)),
        }

    def _tare(self, full_scale_mpa: float, kind: SignalKind) -> int:
        """Return the counts of the return force on a transducer of that range and kind."""
        if self.is_vessel:
            return 0
        travel_mpa = self.ram.return_force_n / (self.ram.area_cm2 * 100)
        return round(travel_mpa / full_scale_mpa * (kind.raw_full - kind.raw_zero))


def _raw(which: str, kind: SignalKind) -> dict[str, float]:
    """Return the counts of the emulated transducer whose keys begin with `which`."""
    return {
        f"{which}raw_zero": kind.raw_zero,
        f"{which}raw_full": kind.raw_full,
        f"{which}raw_broken": kind.raw_broken,
        f"{which}raw_short": kind.raw_short,
    }


def _with(error_percent: float) -> float:
    """Return the factor that applies an individual error."""
    return 1 + error_percent / 100


def _limit(value: float | Never) -> float:
    return _NEVER_MPA if value == "never" else value
