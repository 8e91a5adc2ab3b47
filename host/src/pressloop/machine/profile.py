"""Define the machine profile: the data of a press that its controller needs.

Values are in the units of data sheets. The limits that follow from a profile and a die are computed
with the firmware's own integer formulas, so that host and board agree on what a press can do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator
from typing_extensions import Self

from pressloop.arguments import out_of_range, real_number, shown_value, whole_number
from pressloop.errors import BadInputError
from pressloop.machine.contradictions import find_contradiction
from pressloop.machine.die_limits import DieLimits, die_limits
from pressloop.machine.part_codes import (
    AuxiliaryName,
    CellConverterName,
    PressureConverterName,
    PumpDriveName,
    ReleaseDriveName,
    SignalName,
)
from pressloop.machine.profile_wire import profile_fields, wire_fields
from pressloop.machine.storable_text import iso_day, name_fits, reference_fits
from pressloop.number_types import plain
from pressloop.wire import schema
from pressloop.wire.message import Message
from pressloop.yaml.form_error import form_error
from pressloop.yaml.user_model import UserModel

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Counts = Annotated[int, Field(ge=0, le=65535)]
LoadCellCounts = Annotated[int, Field(ge=-16_000_000, le=16_000_000)]
Gain = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def lever(ram_area_mm2: float, die_mm: float) -> float:
    """Return the ratio of pellet pressure to oil pressure, which is ram area over die area.

    Args:
        ram_area_mm2: Effective area of the ram, mm2.
        die_mm: Diameter of the die, mm.
    """
    return ram_area_mm2 / (math.pi / 4 * die_mm**2)


def curve_knots(highest: float, knots: int) -> tuple[float, ...]:
    """Return the pressures of the knots of a compliance curve, in the unit of `highest`.

    Each knot is at twice the pressure of the one before, as oil is softest at low pressure.

    Args:
        highest: Pressure of the last knot.
        knots: Number of knots.
    """
    return tuple(highest / 2**below for below in range(knots - 1, -1, -1))


def _wire_max(name: str) -> int:
    return schema.Profile.range_of(name)[1]


class MachineProfile(UserModel):
    """Data of a press, its transducer and its valves."""

    name: Annotated[str, Field(min_length=1, max_length=40), AfterValidator(name_fits)]
    ram_area_cm2: Annotated[Positive, Field(ge=0.5, le=1000)]
    """Effective area of the ram, cm2."""
    full_scale_bar: Annotated[Positive, Field(ge=10, le=6000)]
    """Full scale of the oil-pressure transducer, bar."""
    raw_zero: Counts
    """Reading at zero pressure, counts."""
    raw_full: Counts
    """Reading at full scale, counts."""
    raw_fault_low: Counts
    """A reading below it means a broken wire, counts."""
    raw_fault_high: Counts
    """A reading above it means a short circuit, counts."""
    accuracy_percent: Annotated[Positive, Field(ge=0.0001, le=2)]
    """Accuracy of the transducer, all errors together, in percent of its full scale. A reading may
    exceed a ceiling by this much before the board trips."""
    max_oil_bar: Annotated[Positive, Field(ge=1, le=6000)]
    """Highest oil pressure that press and hoses may have, bar."""
    dies_mm: Annotated[
        tuple[Annotated[float, Field(ge=1, le=100)], ...], Field(min_length=1, max_length=16)
    ]
    """Diameters of the dies that may be used, mm."""
    pump_dead_band_percent: Annotated[float, Field(ge=0, le=50)]
    """Dead band of the pump valve, in percent of its stroke."""
    release_dead_band_percent: Annotated[float, Field(ge=0, le=50)]
    """Dead band of the release valve, in percent of its stroke."""
    pump_flow_ml_s: Annotated[Positive, Field(ge=0.001, le=1000)]
    """Flow with the pump valve fully open, mL/s."""
    release_flow_ml_s: Annotated[Positive, Field(ge=0.001, le=10_000)]
    """Flow with the release valve fully open at an oil pressure of 10 MPa, mL/s."""
    compliance_ul_mpa: Annotated[Positive, Field(ge=0.001, le=10_000)]
    """Oil volume that raises the oil pressure of the closed press by 1 MPa, uL."""
    approach_opening_percent: Annotated[float, Field(ge=0, le=100)] = 60
    """Opening of the pump valve while the ram moves without load."""
    contact_bar: Annotated[Positive, Field(ge=0.01, le=200)] = 2
    """Oil pressure above which the ram is in contact, bar."""
    approach_timeout_s: Annotated[Positive, Field(ge=0.1, le=600)] = 60
    """Longest time until contact, s."""
    approach_mm: Annotated[float, Field(ge=0.1, le=500)] | None = None
    """Travel of the ram from its seat to the sample, mm; measured by tuning. The approach is fast
    for most of it, and ends without contact at about twice of it, with one pressure channel much
    earlier. None: unknown; the approach is slow, and only approach_timeout_s ends it."""
    stroke_mm: Annotated[float, Field(ge=2, le=1000)] | None = None
    """Travel of the ram from its seat to the end of its stroke, mm. The board keeps 1 mm away from
    it, by what was pumped in the approach and by the displacement sensor, if there is one. None:
    unknown, not watched."""
    no_gain_window_s: Annotated[Positive, Field(ge=0.1, le=60)] = 5
    """Time within which platens that close must raise the pressure, s."""
    kp_per_s: Annotated[Gain, Field(ge=1 / 256, le=_wire_max("kp") / 256)] = 12
    """Proportional gain: wanted pressure rate per pressure error, 1/s."""
    ki_per_s2: Annotated[Gain, Field(le=_wire_max("ki") * schema.TICK_HZ / 65536)] = 8
    """Integral gain, 1/s2."""
    kd: Annotated[Gain, Field(le=_wire_max("kd") / 256)] = 0
    """Derivative gain on the reading."""
    filter_shift: Annotated[int, Field(ge=0, le=8)] = 1
    """Filter of the reading: its time constant is 2^n ticks."""
    compliance_curve_ul_mpa: (
        Annotated[
            tuple[Annotated[Positive, Field(ge=0.001, le=10_000)], ...],
            Field(min_length=8, max_length=8),
        ]
        | None
    ) = None
    """Like compliance_ul_mpa, at 1/128, 1/64, ... 1/1 of max_oil_bar; measured by tuning."""
    valve_dither_percent: Annotated[float, Field(ge=0, le=9.99)] = 1.5
    """Dither in percent of stroke: half the valves' hysteresis and a margin. Too little does more
    harm than too much."""
    valve_lag_ms: Annotated[int, Field(ge=0, le=200)] = 40
    """Time from a command to the flow, ms; delay and lag together."""
    leak_ul_min: Annotated[float, Field(ge=0, le=100_000)] | None = None
    """Oil that the sealed press loses at an oil pressure of 10 MPa, uL/min; proportional to the
    pressure elsewhere. Measured by tuning, together with the compliance. None: unknown."""
    leak_uncertainty_ul_min: Annotated[float, Field(ge=0, le=100_000)] | None = None
    """Expanded uncertainty of leak_ul_min, k = 2. A leak of 0 is one too small to measure."""
    raw_zero_fraction: Annotated[float, Field(ge=0, le=255 / 256)] | None = None
    """Share of a count by which zero pressure is above raw_zero; measured by tuning, to 1/256."""
    ram_area_uncertainty_percent: Annotated[float, Field(ge=0, le=10)] | None = None
    """Limits (+-) of the ram's effective area. None: assumed."""
    die_uncertainty_um: Annotated[int, Field(ge=0, le=10_000)] | None = None
    """Limits (+-) of the dies' diameters, wear included, um. None: assumed."""
    repeatability_percent: Annotated[float, Field(ge=0, le=10)] | None = None
    """Limits (+-) within which readings of the same pressure agree, in percent of the
    transducer's full scale. None: assumed."""
    return_bar: Annotated[float, Field(ge=0, le=200)] | None = None
    """Oil pressure that carries ram and return spring. The zero is that of the moving ram, so with
    the ram at its seat the reading is as far below zero. None: unknown, assumed three times
    contact_bar."""
    friction_percent: Annotated[float, Field(ge=0, le=50)] | None = None
    """Largest friction of the ram's seals, in percent of the oil's force. None: assumed."""
    friction_n: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """Largest friction of the ram's seals without pressure, N. None: assumed."""
    friction_uncertainty_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    """Limits (+-) of friction_percent and friction_n as they were learned against a load cell or a
    gauge, in percent of the friction. The board then compensates for it, upwards and downwards.
    None: they are bounds, and not compensated for."""
    load_cell_capacity_kn: Annotated[Positive, Field(ge=0.001, le=10_000)] | None = None
    """Capacity of the load cell under the die, kN. None: there is none."""
    load_cell_error_percent: Annotated[Positive, Field(ge=0.0001, le=10)] | None = None
    """Limits (+-) of its error, in percent of its capacity."""
    load_cell_zero: LoadCellCounts | None = None
    """Reading without load, counts."""
    load_cell_full: LoadCellCounts | None = None
    """Reading at its capacity, counts; above load_cell_zero."""
    load_cell_lag_ms: Annotated[int, Field(ge=0, le=300)] | None = None
    """Time from a force to its reading, ms: cell, filter and half of a conversion. None: 0."""
    zero_drift_percent: Annotated[float, Field(ge=0, le=10)] | None = None
    """Limits (+-) of the drift of the transducer's zero with temperature, in percent of its full
    scale. None: assumed."""
    tuning_residual_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    """Share of the pumped volume that tuning did not explain: its quality. None: not tuned."""
    second_full_scale_bar: Annotated[Positive, Field(ge=10, le=6000)] | None = None
    """Full scale of a second transducer on the same oil, bar; with it belong the next five. None:
    the press has one pressure channel."""
    second_raw_zero: Counts | None = None
    """Reading of the second channel at zero pressure, counts."""
    second_raw_full: Counts | None = None
    """Reading of the second channel at its full scale, counts."""
    second_raw_fault_low: Counts | None = None
    """A reading of the second channel below it means a broken wire, counts."""
    second_raw_fault_high: Counts | None = None
    """A reading of the second channel above it means a short circuit, counts."""
    second_accuracy_percent: Annotated[Positive, Field(ge=0.0001, le=5)] | None = None
    """Stated error of the second channel, all errors together, in percent of its full scale."""
    channel_lag_ms: Annotated[int, Field(ge=0, le=100)] | None = None
    """By how much the lags of the two channels may differ, ms. None: 30."""
    channel_friction_percent: Annotated[float, Field(ge=0, le=10)] | None = None
    """Friction between the places where the channels measure, in percent of the reading. None: 0,
    as with two transducers on the same oil. The ram's friction is friction_percent."""
    channel_noise_percent: Annotated[float, Field(ge=0, le=1)] | None = None
    """Standard deviation of a reading of either channel, in percent of full scale. None: 0.1."""
    single_channel_bar: Annotated[Positive, Field(ge=2, le=6000)] | None = None
    """Highest oil pressure as long as there is one pressure channel, bar. None: max_oil_bar."""
    die_loads_kn: (
        Annotated[
            tuple[Annotated[float, Field(ge=0, le=10_000)], ...], Field(min_length=1, max_length=16)
        ]
        | None
    ) = None
    """Greatest load of each die of dies_mm, kN, in their order; 0 where it is not known."""
    transducer_signal: SignalName | None = None
    """How the first transducer signals. None: not stated, 4-20 mA is assumed."""
    transducer_converter: PressureConverterName | None = None
    """Converter that the first transducer is wired to. None: whichever the board finds."""
    second_signal: SignalName | None = None
    """How the second transducer signals. None: not stated, 4-20 mA is assumed."""
    second_converter: PressureConverterName | None = None
    """Converter that the second transducer is wired to. None: whichever the board finds."""
    load_cell_converter: CellConverterName | None = None
    """Converter of the load cell. None: an NAU7802 if the board finds one."""
    pump_drive: PumpDriveName | None = None
    """How the flow of the pump is set. None: not stated, a valve with its coil on PWM."""
    release_drive: ReleaseDriveName | None = None
    """How oil is let out. None: not stated, one proportional valve."""
    auxiliary_sensor: AuxiliaryName | None = None
    """What the board's third analogue input reads, from its next start on. None: nothing."""
    calibration_result: Literal["passed", "failed"] | None = None
    """How the last calibration ended; with it belong the next seven. None: never calibrated."""
    calibration_date: Annotated[str, AfterValidator(iso_day)] | None = None
    """Day of the calibration, such as 2026-11-28."""
    calibration_due: Annotated[str, AfterValidator(iso_day)] | None = None
    """Day from which on the calibration is overdue."""
    calibration_error_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    """Largest error that the calibration left, in percent of the reading."""
    calibration_uncertainty_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    """Expanded uncertainty (k = 2) of a force after the calibration, in percent of it."""
    calibration_uncertainty_n: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    """The same without load, N. Both add as squares."""
    calibration_reference: (
        Annotated[str, Field(min_length=1, max_length=23), AfterValidator(reference_fits)] | None
    ) = None
    """Certificate of the reference, in 23 letters at most."""
    calibration_up_to_kn: Annotated[Positive, Field(ge=0.001, le=100_000)] | None = None
    """Largest force of the calibration, kN."""
    commissioned_day: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Day on which `pressloop commission` proved the wiring of this board, from 1970-01-01. None:
    never. It belongs to the board and is in no press file."""
    hold_to_run: bool | None = None
    """Whether the ram approaches the sample only while a person holds the controller's button.
    None: if one pressure channel alone watches it, except on a simulated press."""
    lid_switch: bool | None = None
    """On an isostatic vessel: whether a switch or low-range sensor tells 0.1 MPa under its lid from
    none. The vessel has no ram: ram_area_cm2 and the only one of dies_mm are its bore, and the
    pressure of the line is that of the sample. None: it is a press with a ram."""
    converter: Literal["ads1115", "adc"] | None = None
    """Converter of the transducer's signal. The board reports it; the profile does not store it."""
    channels: Literal[1, 2] | None = None
    """Pressure channels that the board compares. The board reports it; the profile does not store
    it. None: as many as the profile describes."""
    reads_load_cell: bool | None = None
    """Whether the board reads a load cell. The board reports it; the profile does not store it.
    None: unknown."""

    @model_validator(mode="after")
    def _no_contradiction(self) -> Self:
        """Refuse what the board refuses as `profile-invalid`."""
        dies = dict(zip(self.dies_um, self.dies_mm, strict=True))
        found = find_contradiction(self.to_wire(), dict(self), dies)
        if found is not None:
            raise form_error("contradiction", found.message, found.hint, (found.field,))
        return self

    def lever(self, die_mm: float) -> float:
        """Return the ratio of pellet pressure to oil pressure with a die of this diameter."""
        number = real_number(die_mm, "die_mm", above=0)
        least, most = schema.PlanBeginRequest.range_of("die_um")
        if not least <= 1000 * number <= most:
            raise out_of_range("die_mm", die_mm, f"{least / 1000:g} to {most / 1000:g}")
        if self.is_vessel:
            return 1.0
        return lever(self.ram_area_cm2 * 100, number)

    def limits(self, die_um: int) -> DieLimits:
        """Return the limits of the press with a die, as the board computes them.

        Raises:
            BadInputError: No die has this diameter.
        """
        least, most = schema.PlanBeginRequest.range_of("die_um")
        number = whole_number(die_um, "die_um", low=least)
        if number > most:
            raise out_of_range("die_um", die_um, f"{least} to {most}")
        return die_limits(self.to_wire(), number, single_channel=self.single_channel)

    @property
    def is_vessel(self) -> bool:
        """Whether it is an isostatic vessel, which has no ram."""
        return self.lid_switch is not None

    @property
    def single_channel(self) -> bool:
        """Whether one pressure channel alone watches the press."""
        return self.channels == 1 or self.second_full_scale_bar is None

    def die_load_n(self, die_um: int) -> int | None:
        """Return the greatest load of a die, N; None if the profile does not state it."""
        loads = dict(zip(self.dies_um, self.to_wire().die_loads_n or (), strict=False))
        return loads.get(die_um) or None

    @property
    def dies_um(self) -> tuple[int, ...]:
        """Diameters of the dies that may be used, um."""
        return tuple(round(die * 1000) for die in self.dies_mm)

    def to_wire(self) -> schema.Profile:
        """Return the profile as the message that the board stores."""
        return schema.Profile(**wire_fields(dict(self)))

    @classmethod
    def from_wire(cls, wire: schema.Profile) -> MachineProfile:
        """Return the profile that a board reported; a missing dither or valve lag becomes 0.

        Raises:
            BadInputError: It is no profile of a board, or contradicts itself.
        """
        if not isinstance(wire, Message):
            raise BadInputError(
                f"wire: {shown_value(wire)} is not a profile of a board",
                hint="pass what the board sent, or use MachineProfile(...)",
                code="wrong-type",
            )
        fields = profile_fields(wire)
        for name in ("valve_dither_percent", "valve_lag_ms"):
            fields[name] = fields[name] or 0
        return cls(**fields)

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> MachineProfile:
        """Return the profile from the field names and integers of the wire.

        Raises:
            BadInputError: A field is missing, unknown or out of range.
        """
        try:
            return cls.from_wire(schema.Profile(**plain(fields)))
        except TypeError as error:
            raise BadInputError(
                f"these are not the fields of a profile: {error}",
                hint="docs/wire-reference.md lists the fields of `profile`",
            ) from error
