"""The description of a whole press, and the numbers that are derived from it.

`plant_config` describes the true press, `nominal_profile` what a technician knows of it.
"""

from __future__ import annotations

import math
from operator import attrgetter
from typing import Annotated, Any, Final

from pressloop_sim.plant.water import MODULUS_MPA as WATER_MODULUS_MPA
from pydantic import AfterValidator, Field, ValidationError, model_validator

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
from pressloop.emulator.description.individual import IndividualSection, error_factor
from pressloop.emulator.description.measured import MeasuredSection
from pressloop.emulator.description.places import DATA_SHEET
from pressloop.emulator.description.powder import PowderSection
from pressloop.emulator.description.section import Positive, Section, known_preset
from pressloop.emulator.description.sensors import (
    DisplacementSection,
    LoadCellSection,
    SecondTransducerSection,
    TransducerSection,
)
from pressloop.emulator.description.simulation import SimulationSection
from pressloop.hardware.fitting import Fitted
from pressloop.hardware.kinds import SignalKind
from pressloop.machine.profile import MachineProfile
from pressloop.machine.profile_wire import wire_fields
from pressloop.machine.storable_text import name_fits
from pressloop.yaml.form_error import form_error

# Up to this many digits MicroPython and CPython parse a number to the same double.
_MAX_DIGITS = 12

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
    def max_travel_share(self) -> float:
        """Share of the transducer's range above which the travelling ram leaves no room for it."""
        kind = self.transducer.kind
        return (kind.raw_fault_high - kind.raw_full) / (kind.raw_full - kind.raw_zero)

    @property
    def fitted(self) -> Fitted:
        """The kinds of the parts of this press."""
        has_second = self.second_transducer.fitted
        return Fitted(
            transducer=self.transducer.kind.key,
            converter=self.transducer.converter,
            second_transducer=self.second_transducer.kind.key if has_second else None,
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
                raise form_error(
                    "contradiction",
                    f"an isostatic vessel has no '{key}'",
                    f"remove '{key}', or the section 'vessel'",
                    (key,),
                )
        return {**data, "dies_mm": [bore], "die_mm": bore}

    @classmethod
    def _is_of_vessel(cls, key: str, value: Any, bore: float) -> bool:
        """Return whether a value says no more than that it is a vessel with this bore."""
        if key in ("dies_mm", "die_mm"):
            return (list(value) if key == "dies_mm" else [value]) == [bore]
        usual = cls.model_fields[key].default
        if isinstance(usual, Section) and isinstance(value, dict):
            try:
                return type(usual).model_validate(value) == usual
            except ValidationError:
                return False  # no vessel has the section, whatever is wrong in it
        return bool(value == usual)

    @property
    def is_vessel(self) -> bool:
        """Whether it is an isostatic vessel, which has no ram."""
        return self.vessel.bore_mm > 0

    @property
    def travel_share(self) -> float:
        """Reading of the freely travelling ram, as a share of the transducer's range."""
        return self._travel_mpa / (self.transducer.full_scale_bar / 10)

    @property
    def _travel_mpa(self) -> float:
        """Oil pressure that carries the freely travelling ram, MPa; 0 in a vessel."""
        if self.is_vessel:
            return 0.0
        return self.ram.return_force_n / (self.ram.area_cm2 * 100)

    @model_validator(mode="after")
    def _consistent(self) -> PressDescription:
        friction = self.simulation.friction
        most_n = friction.coulomb_n * error_factor(friction.spread_percent)
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
        values = {
            "die_area_mm2": die_area_mm2,
            **self.ram.plant_config(),
            **self.oil.plant_config(individual),
            **self.frame.plant_config(individual),
            **self.valves.plant_config(),
            **self.pump.plant_config(individual),
            **self.release.plant_config(individual),
            **self.leak.plant_config(),
            **self.powder.plant_config(die_area_mm2),
            **self.transducer.plant_config(individual),
            **self.second_transducer.plant_config(individual, self.second_full_scale_bar),
            **self.load_cell.plant_config(individual),
            **self.displacement.plant_config(),
            **self.simulation.plant_config(self.transducer.full_scale_bar / 10),
        }
        if self.is_vessel:
            # The pressure of the line is that of the sample: the bore is ram and die in one.
            values |= {**self.vessel.plant_config(individual), "ram_area_mm2": die_area_mm2}
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
        kind = self.transducer.kind
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
                + self.pump.filter_lag_ms
            ),
            **self._second_channel(),
            **self._load_cell(),
            **self._vessel(),
        }

    def _second_channel(self) -> dict[str, Any]:
        """Return what the data sheet says of the second channel; None for each without one."""
        if not self.second_full_scale_bar:
            return dict.fromkeys(("second_full_scale_bar", "second_accuracy_percent"))
        kind = self.second_transducer.kind
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
        return round(self._travel_mpa / full_scale_mpa * (kind.raw_full - kind.raw_zero))
