"""Declares the kinds of parts that a controller can serve, with the numbers that follow from each.

Voltages are those at the converter's input, behind shunt or divider. Every converter of a pressure
is scaled to counts of 125 uV, the step of an ADS1115 at +-4.096 V.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pressloop.machine.part_codes import PumpDriveName, ReleaseDriveName, SignalName

COUNTS_PER_V: Final = 8000
"""Counts of every pressure converter for a volt at its input."""


@dataclass(frozen=True)
class SignalKind:
    """How a pressure transducer signals, and the network between its cable and the converter.

    Attributes:
        key: Name in a press file.
        title: Name on pages.
        network: What is soldered between terminal and converter.
        zero_v: At the converter at zero pressure.
        full_v: At the converter at full scale.
        low_v: Below it the wire is broken; 0 if a broken wire reads like no pressure.
        high_v: Above it there is a short circuit, or a broken wire with a pull-up.
        broken_v: With a broken wire.
        short_v: With a short circuit: of the current loop to its supply, else of the signal.
        wires: Wires of the cable.
        needs_supply_reading: Whether the supply has to be measured beside the signal.
        caution: What a person who chooses it must know; empty: nothing.
    """

    key: SignalName
    title: str
    network: str
    zero_v: float
    full_v: float
    low_v: float
    high_v: float
    broken_v: float
    short_v: float
    wires: int
    needs_supply_reading: bool = False
    caution: str = ""

    @property
    def raw_zero(self) -> int:
        """Counts at zero pressure."""
        return round(self.zero_v * COUNTS_PER_V)

    @property
    def raw_full(self) -> int:
        """Counts at full scale."""
        return round(self.full_v * COUNTS_PER_V)

    @property
    def raw_fault_low(self) -> int:
        """Counts below which the wire is broken."""
        return round(self.low_v * COUNTS_PER_V)

    @property
    def raw_fault_high(self) -> int:
        """Counts above which there is a short circuit."""
        return round(self.high_v * COUNTS_PER_V)

    @property
    def raw_broken(self) -> int:
        """Counts with a broken wire."""
        return round(self.broken_v * COUNTS_PER_V)

    @property
    def raw_short(self) -> int:
        """Counts with a short circuit."""
        return round(self.short_v * COUNTS_PER_V)

    @property
    def has_live_zero(self) -> bool:
        """Whether a broken or shorted wire never reads as a pressure without load."""
        return self.low_v > 0


SIGNAL_KINDS: Final[Mapping[str, SignalKind]] = {
    kind.key: kind
    for kind in (
        SignalKind(
            "4-20mA",
            "4-20 mA, two wires",
            "150 Ohm shunt, 0.1 %, 25 ppm/K, on the carrier board; 1 kOhm, 100 nF and a clamp to "
            "3.3 V to the converter",
            zero_v=0.6,
            full_v=3.0,
            low_v=0.54,
            high_v=3.15,
            broken_v=0.0,
            short_v=3.75,
            wires=2,
        ),
        SignalKind(
            "0-10V",
            "0-10 V, three wires",
            "divider 200 kOhm over 50 kOhm, 0.1 %, with 100 nF and a clamp to 3.3 V; 150 kOhm from "
            "the terminal to +24 V",
            zero_v=0.0,
            full_v=2.0,
            low_v=0.0,
            high_v=2.1,
            broken_v=3.0,
            short_v=0.0,
            wires=3,
            caution="It has no live zero: a signal wire that is shorted to ground reads as no "
            "pressure. The pull-up shows an open wire. It needs a second channel.",
        ),
        SignalKind(
            "ratiometric",
            "0.5-4.5 V of a 5 V supply, three wires",
            "two equal dividers 10 kOhm over 10 kOhm, 0.1 %: signal to AIN0, supply to AIN1 of "
            "the same ADS1115",
            zero_v=0.25,
            full_v=2.25,
            low_v=0.125,
            high_v=2.375,
            broken_v=0.0,
            short_v=2.5,
            wires=3,
            needs_supply_reading=True,
            caution="The signal follows the supply, which the board therefore measures with the "
            "same converter; it needs an ADS1115.",
        ),
    )
}
"""Transducers by the name of their signal in a press file."""

SUPPLY_V: Final = 2.5
"""A supply of 5 V behind its divider."""

SUPPLY_COUNTS: Final = round(SUPPLY_V * COUNTS_PER_V)
"""Counts of a supply of 5 V."""


@dataclass(frozen=True)
class ConverterKind:
    """A converter: what it is, how fast, and what it is good for.

    Attributes:
        key: Name in a press file, and in the list of what a board has found.
        title: Name on pages.
        readings_s: New readings a second.
        bits: Of a reading.
        detected: How the board finds out that it is there.
        reads: What it converts: "pressure" or "force".
    """

    key: str
    title: str
    readings_s: int
    bits: int
    detected: str
    reads: Literal["pressure", "force"]


CONVERTERS: Final[Mapping[str, ConverterKind]] = {
    kind.key: kind
    for kind in (
        ConverterKind("ads1115", "ADS1115", 860, 16, "answers on the sensor bus", "pressure"),
        ConverterKind(
            "adc",
            "converter of the chip",
            500_000,
            12,
            "always there: part of the chip",
            "pressure",
        ),
        ConverterKind("nau7802", "NAU7802", 320, 24, "answers on the load cell bus", "force"),
        ConverterKind(
            "hx711", "HX711", 80, 24, "its data line falls within half a second", "force"
        ),
    )
}
"""Converters by their name in a press file."""


@dataclass(frozen=True)
class PumpKind:
    """How the controller sets the flow of the pump."""

    key: PumpDriveName
    title: str
    circuit: str
    filter_lag_ms: int
    """Lag of the circuit between the pin and the valve's driver, ms."""
    caution: str = ""


PUMP_KINDS: Final[Mapping[str, PumpKind]] = {
    kind.key: kind
    for kind in (
        PumpKind(
            "pwm",
            "proportional valve, coil on PWM",
            "logic-level MOSFET with a freewheeling diode; 1 kHz",
            0,
        ),
        PumpKind(
            "0-10V",
            "proportional valve with a 0-10 V amplifier",
            "PWM through two RC stages (10 kOhm, 470 nF) and an operational amplifier of gain 3; "
            "ripple below 0.2 %",
            10,
        ),
        PumpKind(
            "4-20mA",
            "proportional valve with a 4-20 mA amplifier",
            "PWM through the same two RC stages and a voltage-to-current converter such as XTR111",
            10,
        ),
        PumpKind(
            "motor-speed",
            "speed of the pump motor",
            "PWM through the same filter to the 0-10 V input of the motor's inverter",
            10,
            "A motor follows in tenths of a second: state its lag in valves.lag_ms.",
        ),
    )
}
"""Ways to drive the pump by their name in a press file."""


@dataclass(frozen=True)
class ReleaseKind:
    """How the controller lets oil out; every kind opens without power."""

    key: ReleaseDriveName
    title: str
    circuit: str


RELEASE_KINDS: Final[Mapping[str, ReleaseKind]] = {
    kind.key: kind
    for kind in (
        ReleaseKind(
            "proportional",
            "one proportional valve, normally open",
            "logic-level MOSFET with a freewheeling diode; 1 kHz",
        ),
        ReleaseKind(
            "on-off+proportional",
            "an on/off valve, normally open, beside a small proportional one",
            "two MOSFETs; the on/off valve is shut while the controller controls and never "
            "pulsed: 20 ms of it are worth several MPa",
        ),
    )
}
"""Ways to release by their name in a press file."""
