"""The machine profile: what a controller must know of its press, in the units of data sheets.

The limits that follow from a profile and a die are computed with the firmware's own integer
formulas, so that host and board never disagree about what a press can do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from typing_extensions import Self

from pressloop.machine.profile_wire import profile_fields, wire_fields
from pressloop.wire import schema

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Counts = Annotated[int, Field(ge=0, le=65535)]
Gain = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class DieLimits:
    """What a press can do with one die; pressures are on the pellet."""

    die_um: int
    ratio_q10: int
    """Ram area over die area, times 1024."""
    pellet_limit_kpa: int
    """The most that the press may put on the pellet."""
    finest_loss_kpa_min: int
    """The slowest loss of a sealed dwell that the transducer can tell from none, per minute."""
    resolution_kpa: int
    """What the transducer's accuracy is worth: no tolerance can be finer."""
    fastest_rise_kpa_s: int
    """Pump fully open into the closed press."""
    fastest_fall_kpa_s: int
    """Release valve fully open at 10 MPa of oil."""


def lever(ram_area_mm2: float, die_mm: float) -> float:
    """Return the pressure on the pellet per pressure of oil: area of the ram over that of the die.

    Args:
        ram_area_mm2: Effective area of the ram, mm2.
        die_mm: Diameter of the die, mm.
    """
    return ram_area_mm2 / (math.pi / 4 * die_mm**2)


def curve_knots(highest: float, knots: int) -> tuple[float, ...]:
    """Return where the knots of a compliance curve lie, up to `highest` and in its unit.

    Each at twice the pressure of the one before: the oil is soft at the low end.
    """
    return tuple(highest / 2**below for below in range(knots - 1, -1, -1))


def _wire_max(name: str) -> int:
    return schema.Profile.range_of(name)[1]


class MachineProfile(BaseModel):
    """A press, its transducer and its valves."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: Annotated[str, Field(min_length=1, max_length=40)]
    ram_area_cm2: Annotated[Positive, Field(ge=0.5, le=1000)]
    """Effective area of the ram."""
    full_scale_bar: Annotated[Positive, Field(ge=10, le=2000)]
    """Range of the oil-pressure transducer."""
    raw_zero: Counts
    """Reading at zero pressure, whole counts."""
    raw_full: Counts
    """Reading at full scale."""
    raw_fault_low: Counts
    """Readings below mean a broken wire."""
    raw_fault_high: Counts
    """Readings above mean a short circuit."""
    accuracy_percent: Annotated[Positive, Field(ge=0.0001, le=10)]
    """Of the transducer's full scale, all errors together."""
    max_oil_bar: Annotated[Positive, Field(ge=1, le=2000)]
    """What press and hoses may see."""
    dies_mm: Annotated[
        tuple[Annotated[float, Field(ge=1, le=100)], ...], Field(min_length=1, max_length=16)
    ]
    """Diameters that may be used."""
    pump_dead_band_percent: Annotated[float, Field(ge=0, le=50)]
    """Of the pump valve's stroke."""
    release_dead_band_percent: Annotated[float, Field(ge=0, le=50)]
    """Of the release valve's stroke."""
    pump_flow_ml_s: Annotated[Positive, Field(ge=0.001, le=1000)]
    """Pump valve fully open."""
    release_flow_ml_s: Annotated[Positive, Field(ge=0.001, le=10_000)]
    """Release valve fully open at 10 MPa of oil."""
    compliance_ul_mpa: Annotated[Positive, Field(ge=0.001, le=10_000)]
    """Oil that raises the closed press by 1 MPa of oil."""
    approach_opening_percent: Annotated[float, Field(ge=0, le=100)] = 60
    """Pump valve while the ram moves without load."""
    contact_bar: Annotated[Positive, Field(ge=0.01, le=200)] = 2
    """Oil pressure that means contact."""
    approach_timeout_s: Annotated[Positive, Field(ge=0.1, le=600)] = 60
    """Longest way to contact."""
    no_gain_window_s: Annotated[Positive, Field(ge=0.1, le=60)] = 5
    """Pumping this long must raise the pressure."""
    kp_per_s: Annotated[Gain, Field(ge=1 / 256, le=_wire_max("kp") / 256)] = 12
    """Wanted rate per pressure error."""
    ki_per_s2: Annotated[Gain, Field(le=_wire_max("ki") * schema.TICK_HZ / 65536)] = 8
    """Integral gain."""
    kd: Annotated[Gain, Field(le=_wire_max("kd") / 256)] = 0
    """Derivative gain on the reading."""
    filter_shift: Annotated[int, Field(ge=0, le=8)] = 1
    """Smoothing of the reading: time constant of 2^n ticks."""
    compliance_curve_ul_mpa: (
        Annotated[
            tuple[Annotated[Positive, Field(ge=0.001, le=10_000)], ...],
            Field(min_length=8, max_length=8),
        ]
        | None
    ) = None
    """As compliance_ul_mpa, at 1/128, 1/64, ... 1/1 of max_oil_bar; found by tuning."""
    valve_dither_percent: Annotated[float, Field(ge=0, le=9.99)] = 1.5
    """Of stroke: half the valves' hysteresis and a margin. Too little costs more than too much."""
    valve_lag_ms: Annotated[int, Field(ge=0, le=200)] = 40
    """From a command to the flow, delay and lag together."""
    leak_ul_min: Annotated[float, Field(ge=0, le=100_000)] | None = None
    """Oil that the shut press loses at 10 MPa of oil, and in proportion elsewhere. None: unknown;
    found by tuning, as what goes with its compliance."""
    leak_uncertainty_ul_min: Annotated[float, Field(ge=0, le=100_000)] | None = None
    """leak_ul_min is within +- this (k = 2). A leak of 0 could not be told from none."""
    raw_zero_fraction: Annotated[float, Field(ge=0, le=255 / 256)] | None = None
    """Zero pressure lies this share of a count above raw_zero; found by tuning, kept to 1/256."""
    ram_area_uncertainty_percent: Annotated[float, Field(ge=0, le=10)] | None = None
    """The ram's effective area is within +- this; seal friction belongs here. None: assumed."""
    die_uncertainty_um: Annotated[int, Field(ge=0, le=10_000)] | None = None
    """The dies' diameters are within +- this, wear included. None: assumed."""
    repeatability_percent: Annotated[float, Field(ge=0, le=10)] | None = None
    """Of the transducer's full scale: the same pressure reads the same within +- this. None:
    assumed."""
    tuning_residual_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    """Of the volume pumped, what the tuning could not explain: its quality. None: never tuned."""
    converter: Literal["ads1115", "adc"] | None = None
    """What digitises the transducer, as the board says; it is not stored with the profile."""

    @model_validator(mode="after")
    def _no_contradiction(self) -> Self:
        """Refuse what the board would refuse as `profile-invalid`."""
        if not self.raw_fault_low < self.raw_zero < self.raw_full < self.raw_fault_high:
            raise ValueError(
                "the readings must rise from raw_fault_low over raw_zero and raw_full to "
                "raw_fault_high"
            )
        if self.max_oil_bar > self.full_scale_bar:
            raise ValueError(
                f"max_oil_bar ({self.max_oil_bar:g}) is above full_scale_bar "
                f"({self.full_scale_bar:g}): the controller could not see the limit"
            )
        if self.contact_bar * 4 > self.max_oil_bar:
            raise ValueError("contact_bar must be at most a quarter of max_oil_bar")
        if self.approach_opening_percent <= self.pump_dead_band_percent:
            raise ValueError(
                "approach_opening_percent must be above pump_dead_band_percent, or the ram "
                "would never move"
            )
        if (self.leak_ul_min is None) != (self.leak_uncertainty_ul_min is None):
            raise ValueError(
                "leak_ul_min and leak_uncertainty_ul_min belong together: how well a leak is known "
                "decides what it may be subtracted from"
            )
        return self

    def lever(self, die_mm: float) -> float:
        """Return the pressure on the pellet per pressure of oil, with a die of this diameter."""
        return lever(self.ram_area_cm2 * 100, die_mm)

    def limits(self, die_um: int) -> DieLimits:
        """Return what the press can do with a die, as the board computes it.

        355/452 is pi/4 to eight digits; every division rounds down, as on the board.
        """
        wire = self.to_wire()
        die_area_um2 = die_um * die_um * 355 // 452
        ratio_q10 = wire.ram_area_mm2 * 1_000_000 * 1024 // die_area_um2
        rise_oil_kpa_s = wire.pump_flow_ul_s * 1_000_000 // wire.compliance_nl_mpa
        fall_oil_kpa_s = wire.release_flow_ul_s * 1_000_000 // wire.compliance_nl_mpa
        resolution = wire.full_scale_oil_kpa * ratio_q10 * wire.accuracy_ppm // (1024 * 1_000_000)
        span = wire.raw_full - wire.raw_zero
        two_counts = -(-2 * wire.full_scale_oil_kpa * ratio_q10 // (1024 * span))
        return DieLimits(
            die_um=die_um,
            ratio_q10=ratio_q10,
            pellet_limit_kpa=wire.max_oil_kpa * ratio_q10 // 1024,
            # Over the board's longest window, a minute.
            finest_loss_kpa_min=max(two_counts, max(1, resolution) // 8),
            resolution_kpa=max(1, resolution),
            fastest_rise_kpa_s=rise_oil_kpa_s * ratio_q10 // 1024,
            fastest_fall_kpa_s=fall_oil_kpa_s * ratio_q10 // 1024,
        )

    @property
    def dies_um(self) -> tuple[int, ...]:
        """Diameters that may be used, um."""
        return tuple(round(die * 1000) for die in self.dies_mm)

    def to_wire(self) -> schema.Profile:
        """Return the profile as the board stores it."""
        return schema.Profile(**wire_fields(dict(self)))

    @classmethod
    def from_wire(cls, wire: schema.Profile) -> MachineProfile:
        """Return the profile that a board reported; a board of wire 1.0 says less of its valves."""
        fields = profile_fields(wire)
        for name in ("valve_dither_percent", "valve_lag_ms"):
            fields[name] = fields[name] or 0
        return cls(**fields)

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> MachineProfile:
        """Return the profile given by the field names and integers of the wire."""
        return cls.from_wire(schema.Profile(**fields))


def converter_of(python: str) -> Literal["ads1115", "adc"] | None:
    """Return the converter that a board names in its hello, `HelloReply.python`."""
    words = python.split()
    return "ads1115" if "ads1115" in words else "adc" if "adc" in words else None
