"""Declares the pins of each controller board; the firmware and the pages take them from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pressloop.errors import BadInputError
from pressloop.hardware.signals import SIGNALS, Signal


@dataclass(frozen=True)
class Pin:
    """One signal on one pin.

    Attributes:
        signal: The signal.
        gpio: Number of the chip's pin.
        constant: Name of the pin number in the firmware.
    """

    signal: Signal
    gpio: int
    constant: str


@dataclass(frozen=True)
class Device:
    """A converter on a bus: its part, I2C address and the firmware's name of the address."""

    part: str
    address: int
    constant: str
    purpose: str


@dataclass(frozen=True)
class Bus:
    """An I2C bus: its two pins, its numbers, and the converters that may be on it."""

    signal: Signal
    number: int
    sda: int
    scl: int
    prefix: str
    hz: int
    timeout_us: int
    devices: tuple[Device, ...]

    def device(self, part: str) -> Device | None:
        """Return the first place for a converter of a kind; None if there is none."""
        return next((device for device in self.devices if device.part == part), None)


@dataclass(frozen=True)
class Setting:
    """A number of the wiring that is no pin: its name in the firmware and why it is so."""

    constant: str
    value: int
    why: str


@dataclass(frozen=True)
class BoardDeclaration:
    """A controller board: what it is, which signal is on which pin, and what is special about it.

    Attributes:
        key: Name in a press file, as `pico2`.
        title: Name of the product.
        reports: What the board calls itself in hello; a Pico W runs the Pico's image.
        image: Flash image for it.
        pins: Signals on single pins.
        buses: I2C buses.
        reserved: GPIO that must stay free, and why.
        notes: What a person who wires it must know.
    """

    key: str
    title: str
    reports: str
    image: str
    pins: tuple[Pin, ...]
    buses: tuple[Bus, ...]
    reserved: Mapping[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def pin(self, signal: str) -> Pin | None:
        """Return the pin of a signal by its key; None if the board has none."""
        return next((pin for pin in self.pins if pin.signal.key == signal), None)

    def bus_of(self, part: str) -> Bus | None:
        """Return the bus that has a place for a converter; None if there is none."""
        return next((bus for bus in self.buses if bus.device(part)), None)

    def at(self, gpio: int) -> str:
        """Return what is on a GPIO, for a table; "free" if nothing is."""
        for pin in self.pins:
            if pin.gpio == gpio:
                return pin.signal.title
        for bus in self.buses:
            if gpio == bus.sda:
                return f"{bus.signal.title}, SDA"
            if gpio == bus.scl:
                return f"{bus.signal.title}, SCL"
        return f"reserved: {self.reserved[gpio]}" if gpio in self.reserved else "free"


_GPIO_BY_HEADER_PIN: Final = (
    *(0, 1, None, 2, 3, 4, 5, None, 6, 7, 8, 9, None, 10, 11, 12, 13, None, 14, 15),
    *(16, 17, None, 18, 19, 20, 21, None, 22, None, 26, 27, None, 28, *(None,) * 6),
)

HEADER_PIN: Final[Mapping[int, int]] = {
    gpio: number for number, gpio in enumerate(_GPIO_BY_HEADER_PIN, 1) if gpio is not None
}
"""Number of the pin on the 40-pin header by GPIO; all boards of the family agree."""

POWER_PINS: Final[Mapping[int, str]] = dict.fromkeys((3, 8, 13, 18, 23, 28, 38), "GND") | {
    30: "RUN",
    33: "AGND",
    35: "ADC_VREF",
    36: "3V3(OUT)",
    37: "3V3_EN",
    39: "VSYS",
    40: "VBUS",
}
"""What is on the other pins of the header."""

_PINS: Final = (
    Pin(SIGNALS["pressure"], 26, "ADC_PIN"),
    Pin(SIGNALS["second_pressure"], 28, "SECOND_ADC_PIN"),
    Pin(SIGNALS["load_cell_clock"], 6, "HX711_CLOCK_PIN"),
    Pin(SIGNALS["load_cell_data"], 7, "HX711_DATA_PIN"),
    Pin(SIGNALS["pump"], 16, "PUMP_PIN"),
    Pin(SIGNALS["release"], 17, "RELEASE_PIN"),
    Pin(SIGNALS["dump"], 12, "DUMP_PIN"),
    Pin(SIGNALS["contactor"], 11, "CONTACTOR_PIN"),
    Pin(SIGNALS["emergency_stop"], 18, "EMERGENCY_STOP_PIN"),
    Pin(SIGNALS["guard"], 19, "GUARD_PIN"),
    Pin(SIGNALS["button"], 20, "BUTTON_PIN"),
    Pin(SIGNALS["vessel_pressure"], 13, "VESSEL_PRESSURE_PIN"),
    Pin(SIGNALS["auxiliary"], 27, "AUXILIARY_PIN"),
    Pin(SIGNALS["deadman"], 14, "DEADMAN_PIN"),
    Pin(SIGNALS["lamp"], 21, "LAMP_PIN"),
    Pin(SIGNALS["buzzer"], 10, "BUZZER_PIN"),
    Pin(SIGNALS["tick"], 22, "TICK_PIN"),
    Pin(SIGNALS["simulated"], 15, "SIMULATED_PIN"),
)

_BUSES: Final = (
    Bus(
        SIGNALS["sensor_bus"],
        0,
        4,
        5,
        "I2C",
        400_000,
        1000,
        (
            Device("ads1115", 0x48, "ADS1115_ADDRESS", "first transducer; ADDR to ground"),
            Device("ads1115", 0x49, "SECOND_ADS1115_ADDRESS", "second transducer; ADDR to VDD"),
        ),
    ),
    Bus(
        SIGNALS["load_cell_bus"],
        1,
        2,
        3,
        "CELL_I2C",
        400_000,
        1000,
        (Device("nau7802", 0x2A, "NAU7802_ADDRESS", "load cell"),),
    ),
)

SETTINGS: Final = (
    Setting("VALVE_HZ", 1000, "Frequency of both valves' PWM."),
    Setting(
        "DISPLACEMENT_LOW",
        40,
        "A value of the displacement sensor below this, of the converter's 4095 counts, is no "
        "reading; by the pull-down that is also what a cut wire gives.",
    ),
    Setting("DISPLACEMENT_ZERO_UM", 0, "Displacement at 0 V, um."),
    Setting(
        "DISPLACEMENT_SPAN_UM",
        25000,
        "Displacement over the whole range of 3.3 V, um. With the zero below 65535.",
    ),
)

BOARDS: Final[Mapping[str, BoardDeclaration]] = {
    board.key: board
    for board in (
        BoardDeclaration(
            key="pico",
            title="Raspberry Pi Pico",
            reports="pico",
            image="pressloop-pico.uf2",
            pins=_PINS,
            buses=_BUSES,
            notes=("RP2040. Solder it, or use screw terminals: no breadboard on a press.",),
        ),
        BoardDeclaration(
            key="pico2",
            title="Raspberry Pi Pico 2",
            reports="pico2",
            image="pressloop-pico2.uf2",
            pins=_PINS,
            buses=_BUSES,
            notes=(
                "RP2350. Its first steppings (erratum E9) hold an input that floats near 2 V in "
                "spite of the pull-down: the shunt or divider must stay on the carrier board, so "
                "that no analogue input ever floats.",
            ),
        ),
        BoardDeclaration(
            key="pico-w",
            title="Raspberry Pi Pico W",
            reports="pico",
            image="pressloop-pico.uf2",
            pins=_PINS,
            buses=_BUSES,
            reserved={
                23: "radio, power",
                24: "radio, data",
                25: "radio, chip select",
                29: "radio, clock",
            },
            notes=(
                "Runs the image of the Pico; the radio stays off. A press is controlled over the "
                "USB cable only.",
            ),
        ),
    )
}
"""Every board by its key."""


def board(key: str) -> BoardDeclaration:
    """Return a board by its key in a press file, or by the name that it reports in hello.

    Raises:
        BadInputError: There is no such board.
    """
    found = BOARDS.get(key) or next((each for each in BOARDS.values() if each.reports == key), None)
    if found is None:
        raise BadInputError(
            f"there is no board {key!r}",
            hint=f"choose one of {', '.join(BOARDS)}",
            code="unknown-board",
        )
    return found
