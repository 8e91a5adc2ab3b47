"""Define the machine profile: the data of a press that its controller needs.

Values are in the units of data sheets. The limits that follow from a profile and a die are computed
with the firmware's own integer formulas, so that host and board agree on what a press can do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from pressloop.errors import BadInputError
from pressloop.machine.profile_wire import profile_fields, wire_fields
from pressloop.number_types import plain
from pressloop.wire import schema
from pressloop.yaml.user_model import UserModel

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Counts = Annotated[int, Field(ge=0, le=65535)]
Gain = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class DieLimits:
    """Limits of a press with one die; pressures are on the pellet."""

    die_um: int
    ratio_q10: int
    """Ram area over die area, times 1024."""
    pellet_limit_kpa: int
    """Highest pressure that the press may apply, kPa."""
    finest_loss_kpa_min: int
    """Slowest loss in a sealed dwell that the transducer can resolve, kPa/min."""
    resolution_kpa: int
    """The transducer's accuracy as a pressure on the pellet, kPa; no tolerance can be finer."""
    fastest_rise_kpa_s: int
    """Rate with the pump valve fully open and the press closed, kPa/s."""
    fastest_fall_kpa_s: int
    """Rate with the release valve fully open at an oil pressure of 10 MPa, kPa/s."""


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


_SECOND_COUNTS: Final = (
    "second_raw_fault_low",
    "second_raw_zero",
    "second_raw_full",
    "second_raw_fault_high",
)
_SECOND_CHANNEL: Final = ("second_full_scale_bar", *_SECOND_COUNTS, "second_accuracy_percent")


def _die_area_um2(die_um: int) -> int:
    """Return the area of a die as the board computes it: 355/452 is pi/4 to eight digits."""
    return die_um * die_um * 355 // 452


def load_n_of(pressure_kpa: int, die_um: int) -> float:
    """Return the load of a die at a pressure on the pellet, N."""
    return pressure_kpa * _die_area_um2(die_um) / 1e9


def _wire_max(name: str) -> int:
    return schema.Profile.range_of(name)[1]


class MachineProfile(UserModel):
    """Data of a press, its transducer and its valves."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    ram_area_cm2: Annotated[Positive, Field(ge=0.5, le=1000)]
    """Effective area of the ram, cm2."""
    full_scale_bar: Annotated[Positive, Field(ge=10, le=2000)]
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
    max_oil_bar: Annotated[Positive, Field(ge=1, le=2000)]
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
    no_gain_window_s: Annotated[Positive, Field(ge=0.1, le=60)] = 5
    """Time within which pumping must raise the pressure, s."""
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
    """Limits (+-) of the ram's effective area; seal friction belongs here. None: assumed."""
    die_uncertainty_um: Annotated[int, Field(ge=0, le=10_000)] | None = None
    """Limits (+-) of the dies' diameters, wear included, um. None: assumed."""
    repeatability_percent: Annotated[float, Field(ge=0, le=10)] | None = None
    """Limits (+-) within which readings of the same pressure agree, in percent of the
    transducer's full scale. None: assumed."""
    tuning_residual_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    """Share of the pumped volume that tuning did not explain: its quality. None: not tuned."""
    second_full_scale_bar: Annotated[Positive, Field(ge=10, le=2000)] | None = None
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
    """Friction between the places where the channels measure, in percent of the reading."""
    channel_noise_percent: Annotated[float, Field(ge=0, le=1)] | None = None
    """Standard deviation of a reading of either channel, in percent of full scale. None: 0.1."""
    single_channel_bar: Annotated[Positive, Field(ge=1, le=2000)] | None = None
    """Highest oil pressure as long as there is one pressure channel, bar. None: max_oil_bar."""
    die_loads_kn: (
        Annotated[
            tuple[Annotated[float, Field(ge=0, le=10_000)], ...], Field(min_length=1, max_length=16)
        ]
        | None
    ) = None
    """Greatest load of each die of dies_mm, kN, in their order; 0 where it is not known."""
    converter: Literal["ads1115", "adc"] | None = None
    """Converter of the transducer's signal. The board reports it; the profile does not store it."""
    channels: Literal[1, 2] | None = None
    """Pressure channels that the board compares. The board reports it; the profile does not store
    it. None: as many as the profile describes."""

    @model_validator(mode="after")
    def _no_contradiction(self) -> Self:
        """Refuse what the board refuses as `profile-invalid`."""
        if not self.raw_fault_low < self.raw_zero < self.raw_full < self.raw_fault_high:
            raise ValueError(
                "raw_fault_low, raw_zero, raw_full and raw_fault_high must rise in this order"
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
                "leak_ul_min and leak_uncertainty_ul_min belong together: give both, or none"
            )
        self._check_second_channel()
        if self.die_loads_kn is not None and len(self.die_loads_kn) != len(self.dies_mm):
            raise ValueError(
                f"die_loads_kn has {len(self.die_loads_kn)} loads for {len(self.dies_mm)} dies: "
                "give one for each, 0 where it is not known"
            )
        for die_mm, die_um in zip(self.dies_mm, self.dies_um, strict=True):
            if not self._fits(die_um):
                raise ValueError(
                    f"dies_mm contradicts the rest: with a {die_mm:g} mm die, ram_area_cm2 "
                    f"({self.ram_area_cm2:g}), the transducer and max_oil_bar "
                    f"({self.max_oil_bar:g}) give pressures or rates that the board cannot compute"
                )
        return self

    def _check_second_channel(self) -> None:
        """Refuse half a second channel, and one that contradicts itself."""
        second = {name: getattr(self, name) for name in _SECOND_CHANNEL}
        missing = [name for name, value in second.items() if value is None]
        if len(missing) == len(second):
            return
        if missing:
            raise ValueError(
                f"{missing[0]} is missing: a second pressure channel needs all of "
                f"{', '.join(second)}"
            )
        if second["second_full_scale_bar"] < self.max_oil_bar:
            raise ValueError(
                f"second_full_scale_bar ({second['second_full_scale_bar']:g}) is below "
                f"max_oil_bar ({self.max_oil_bar:g}): the second channel could not see the limit"
            )
        counts = [second[name] for name in _SECOND_COUNTS]
        if sorted(set(counts)) != counts:
            raise ValueError(f"{', '.join(_SECOND_COUNTS)} must rise in this order")

    def _fits(self, die_um: int) -> bool:
        """Return whether the board can compute with a die in small integers (`Scaling.fits`)."""
        wire, limits = self.to_wire(), self.limits(die_um)
        ranges = [(wire.full_scale_oil_kpa, wire.raw_full - wire.raw_zero)]
        if wire.second_full_scale_oil_kpa is not None:
            span = (wire.second_raw_full or 0) - (wire.second_raw_zero or 0)
            ranges.append((wire.second_full_scale_oil_kpa, span))
        return (
            all(full * limits.ratio_q10 * 16 // (1024 * span) < 1 << 13 for full, span in ranges)
            and 0 < limits.pellet_limit_kpa <= 2_000_000
            and 0 < limits.fastest_rise_kpa_s <= 8_000_000
            and 0 < limits.fastest_fall_kpa_s <= 80_000_000
            and 10_000 * limits.ratio_q10 // 1024 < 1 << 21
        )

    def lever(self, die_mm: float) -> float:
        """Return the ratio of pellet pressure to oil pressure with a die of this diameter."""
        return lever(self.ram_area_cm2 * 100, die_mm)

    def limits(self, die_um: int) -> DieLimits:
        """Return the limits of the press with a die, as the board computes them.

        Every division rounds down, as on the board.
        """
        wire = self.to_wire()
        ratio_q10 = wire.ram_area_mm2 * 1_000_000 * 1024 // _die_area_um2(die_um)
        rise_oil_kpa_s = wire.pump_flow_ul_s * 1_000_000 // wire.compliance_nl_mpa
        fall_oil_kpa_s = wire.release_flow_ul_s * 1_000_000 // wire.compliance_nl_mpa
        resolution = wire.full_scale_oil_kpa * ratio_q10 * wire.accuracy_ppm // (1024 * 1_000_000)
        span = wire.raw_full - wire.raw_zero
        two_counts = -(-2 * wire.full_scale_oil_kpa * ratio_q10 // (1024 * span))
        return DieLimits(
            die_um=die_um,
            ratio_q10=ratio_q10,
            pellet_limit_kpa=self._pellet_limit_kpa(wire, die_um, ratio_q10),
            # The board's longest window is a minute.
            finest_loss_kpa_min=max(two_counts, max(1, resolution) // 8),
            resolution_kpa=max(1, resolution),
            fastest_rise_kpa_s=rise_oil_kpa_s * ratio_q10 // 1024,
            fastest_fall_kpa_s=fall_oil_kpa_s * ratio_q10 // 1024,
        )

    def _pellet_limit_kpa(self, wire: schema.Profile, die_um: int, ratio_q10: int) -> int:
        """Return the highest pressure that press, hoses and die may have, kPa on the pellet."""
        oil_kpa = wire.max_oil_kpa
        if self.single_channel and wire.single_channel_oil_kpa is not None:
            oil_kpa = min(oil_kpa, wire.single_channel_oil_kpa)
        limit_kpa = oil_kpa * ratio_q10 // 1024
        load_n = self.die_load_n(die_um)
        if load_n is None:
            return limit_kpa
        return min(limit_kpa, load_n * 1_000_000_000 // _die_area_um2(die_um))

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
        """Return the profile that a board reported; a missing dither or valve lag becomes 0."""
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


def channels_of(capabilities: schema.CapabilityBits, wire: schema.Profile) -> Literal[1, 2]:
    """Return how many pressure channels a board compares with a profile."""
    fitted = bool(capabilities & schema.CapabilityBits.SECOND_CHANNEL)
    return 2 if fitted and wire.second_full_scale_oil_kpa is not None else 1


def converter_of(python: str) -> Literal["ads1115", "adc"] | None:
    """Return the converter that a board names in `HelloReply.python`; None if it names none."""
    words = python.split()
    return "ads1115" if "ads1115" in words else "adc" if "adc" in words else None
