"""Lists what to buy for the retrofit of a manual press: exact specifications, prices assumed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

PRICED: Final = "2026-11, single pieces, without shipping"
"""When and how the prices were assumed."""

CORE_GROUPS: Final = ("Controller", "Measurement", "Hydraulics", "Safety and supply")
"""Groups that every press needs."""


@dataclass(frozen=True)
class Item:
    """One line of the bill of materials.

    Attributes:
        key: Name in code and drawings.
        group: Heading that it stands under; those of `CORE_GROUPS` are needed.
        title: What it is.
        specification: What it must meet; buy any part that does.
        example: A part that does, or where to find one; empty if the specification says it all.
        quantity: How many.
        low_eur: Lower end of the assumed price of all of them, EUR.
        high_eur: Upper end.
        why: Why it must be so.
    """

    key: str
    group: str
    title: str
    specification: str
    example: str
    quantity: int
    low_eur: float
    high_eur: float
    why: str


BILL: Final = (
    Item(
        "board",
        "Controller",
        "Controller board",
        "Raspberry Pi Pico, Pico 2 or Pico W, with headers",
        "SC0915, SC1631 or SC0918",
        1,
        4,
        8,
        "Runs the control loop 100 times a second.",
    ),
    Item(
        "ads1115",
        "Controller",
        "Converter of the first transducer",
        "ADS1115 on a breakout, ADDR to ground (0x48), supplied with 3.3 V",
        "Adafruit 1085, or any with this chip",
        1,
        3,
        15,
        "16 bits: the chip's own converter has 8.7 good ones.",
    ),
    Item(
        "carrier",
        "Controller",
        "Carrier board",
        "Perforated board 100 x 80 mm with screw terminals of 5 mm, in a closed case; shunts 150 "
        "Ohm "
        "0.1 % 25 ppm/K, resistors, 100 nF capacitors, clamps BAV199, resettable fuses of 50 mA "
        "for the "
        "transducers, Schottky diode of 1 A at VSYS",
        "",
        1,
        10,
        25,
        "Shunts stay on it: an input without its cable then reads as a broken wire.",
    ),
    Item(
        "drivers",
        "Controller",
        "Drivers: pump, release, on/off release, motor, lamp, buzzer, deadman",
        "7 logic-level MOSFETs (55 V or more, 2 A at 2.5 V on the gate) with 10 kOhm to ground "
        "at each "
        "gate, a freewheeling diode at each coil, and a Zener diode of 24 V in series with it "
        "at the "
        "valves",
        "AO3422, 1N5819 and BZX85C24",
        1,
        6,
        16,
        "The resistor keeps each coil off while the chip is in reset. 24 V and the Zener "
        "diode's 24 V "
        "are too much for a MOSFET of 30 V.",
    ),
    Item(
        "deadman",
        "Controller",
        "Deadman",
        "74HCT123 at 5 V, 110 kOhm 1 %, 1 uF film 5 %: 0.45 R C = 50 ms; relay K3 of 24 V "
        "whose contact bears the current of all coils",
        "",
        1,
        4,
        9,
        "Cuts the coils within 60 ms after the last healthy tick.",
    ),
    Item(
        "transducer",
        "Measurement",
        "Pressure transducer, first channel",
        "0-400 bar, 4-20 mA on two wires, at most 0.5 % of full scale with all errors, zero drift "
        "at "
        "most 0.02 %/K, response at most 5 ms, G1/4 with a bonded seal",
        "WIKA A-10; for 0.1 %: Keller 33X",
        1,
        35,
        90,
        "Its error is the press's error: 0.1 % of 400 bar is 0.74 MPa on a 10 mm die.",
    ),
    Item(
        "second_transducer",
        "Measurement",
        "Pressure transducer, second channel",
        "0-400 bar, 4-20 mA, 1 % of full scale, of another make than the first",
        "",
        1,
        18,
        40,
        "Bounds the error of the first one; another make has another weakness.",
    ),
    Item(
        "gauge",
        "Measurement",
        "Gauge",
        "Glycerine-filled, 0-400 bar, class 1.6, 63 mm, outside of the guard",
        "WIKA 213.53",
        1,
        12,
        30,
        "Shows pressure without power.",
    ),
    Item(
        "pump",
        "Hydraulics",
        "Pump with motor",
        "Power pack, 24 V DC, at least 350 bar, 0.5 to 1.5 mL/s, tank of 0.5 L or more, suction "
        "filter, relief valve of its own",
        "Power pack of a crimping tool or a micro pump with a geared motor",
        1,
        75,
        190,
        "Faster is not better: 1 mL/s is 17 MPa/s of oil on the reference press.",
    ),
    Item(
        "pump_drive",
        "Hydraulics",
        "Drive of the pump",
        "DC motor driver with a 0-10 V or a PWM input (1 kHz), current of the motor and a half "
        "more",
        "",
        1,
        15,
        35,
        "Sets the flow: kind motor-speed. A proportional pump valve instead: see below.",
    ),
    Item(
        "release",
        "Hydraulics",
        "Release valve",
        "2/2 proportional poppet cartridge, normally open, at least 350 bar, 24 V, at most 1 A, 1 "
        "to "
        "10 mL/s at 10 MPa, leak at most 0.2 mL/min shut",
        "",
        1,
        50,
        140,
        "Normally open: without power the pressure is released.",
    ),
    Item(
        "relief",
        "Hydraulics",
        "Relief valve",
        "Direct-acting cartridge, lockable setting, range 100-400 bar, flow of the pump and more",
        "",
        1,
        22,
        55,
        "Bounds the pressure without any software.",
    ),
    Item(
        "manifold",
        "Hydraulics",
        "Manifold, hose and fittings",
        'Steel block with cavities for both valves, hose of 400 bar working pressure (1/4", 2SN), '
        "check valve and filter of 25 um for 350 bar behind the pump, G1/4 fittings, ball valve "
        "as manual "
        "release",
        "",
        1,
        65,
        135,
        "The manual release works without power and is outside of the guard.",
    ),
    Item(
        "safety_relay",
        "Safety and supply",
        "Safety relay (K1)",
        "Two channels, monitored manual reset, two safety contacts of 6 A, 24 V DC",
        "PNOZ s3, PSR-MC38 or the like, new or used",
        1,
        30,
        110,
        "Cuts motor and coils; one welded contact is noticed at the next reset.",
    ),
    Item(
        "contactor",
        "Safety and supply",
        "Contactor of the pump motor (K2)",
        "Coil 24 V DC, contact for the motor's DC current, mirror contact (normally closed)",
        "",
        1,
        12,
        30,
        "In series with the safety relay; its mirror contact is in the reset loop.",
    ),
    Item(
        "motor_relay",
        "Safety and supply",
        "Relay of the controller for the motor (K4)",
        "Coil 24 V DC with a freewheeling diode, one contact that closes, 2 A at 24 V DC",
        "",
        1,
        2,
        6,
        "Lets the controller switch the contactor off at rest and after a fault.",
    ),
    Item(
        "emergency_stop",
        "Safety and supply",
        "Emergency stop (S1)",
        "Latching mushroom, three contacts that open",
        "",
        1,
        8,
        22,
        "Two contacts for the safety relay, one for the controller.",
    ),
    Item(
        "guard",
        "Safety and supply",
        "Guard with its switch (S2)",
        "Polycarbonate of 8 mm around die and hoses; interlock switch with positively opened "
        "contacts, "
        "two for the safety relay and one for the controller",
        "",
        1,
        20,
        70,
        "A die that bursts throws splinters.",
    ),
    Item(
        "supply",
        "Safety and supply",
        "Supply",
        "24 V DC for the motor, 24 V 4 A for coils and transducers, 5 V 1 A for the board; "
        "fuses, slow: F1 "
        "1 A, F2 4 A, F3 1 A, F4 as the motor's plate says",
        "",
        1,
        30,
        75,
        "A shorted coil must not be a dead controller.",
    ),
    Item(
        "panel",
        "Safety and supply",
        "Button, lamp, reset and cables",
        "Button with a contact that closes, lamp 24 V, reset button (S3), shielded cable for the "
        "transducers, ferrules",
        "",
        1,
        12,
        28,
        "The button ends a run and allows a change of limits.",
    ),
    Item(
        "nau7802",
        "Load cell",
        "Converter of a load cell",
        "NAU7802 breakout, 3.3 V",
        "Adafruit 4538, SparkFun SEN-15242",
        1,
        6,
        18,
        "320 readings a second. An HX711 (2 to 5 EUR) gives 80.",
    ),
    Item(
        "load_cell",
        "Load cell",
        "Load cell",
        "Compression, the press's force and a fifth more, 2 mV/V, 0.05 %, flat plates on both "
        "sides",
        "",
        1,
        90,
        260,
        "Measures the force on the die: friction of the ram no longer counts.",
    ),
    Item(
        "pump_valve",
        "Instead of a motor drive",
        "Proportional pump valve",
        "2/2 proportional cartridge, normally closed, at least 350 bar, 24 V, at most 1 A",
        "",
        1,
        80,
        180,
        "Faster than a motor: 30 ms instead of tenths of a second.",
    ),
    Item(
        "amplifier",
        "Instead of a PWM drive",
        "Amplifier of the 0-10 V output",
        "Operational amplifier for a single supply of 24 V, input and output down to 0 V; 10 kOhm "
        "(3), 20 kOhm, 470 nF (2)",
        "LM358",
        1,
        1,
        3,
        "Makes 0-10 V of the PWM, for a motor driver or a valve amplifier that takes it.",
    ),
    Item(
        "on_off_release",
        "Instead of one release valve",
        "On/off release valve",
        "2/2 poppet, normally open, at least 350 bar, 24 V, 20 mL/s or more, leak-free shut",
        "",
        1,
        35,
        80,
        "Empties the press where the proportional valve is small.",
    ),
    Item(
        "buzzer",
        "Extras",
        "Buzzer",
        "24 V DC with an oscillator of its own, 80 dB",
        "",
        1,
        2,
        6,
        "Calls the operator, and while a fault leaves pressure.",
    ),
    Item(
        "thermistor",
        "Extras",
        "Oil thermistor",
        "NTC 10 kOhm at 25 C, B 3950 K, in a screwed probe of the tank",
        "",
        1,
        2,
        8,
        "The oil's viscosity and the transducer's zero follow the temperature.",
    ),
    Item(
        "second_ads1115",
        "Instead of the chip's own converter",
        "Second ADS1115",
        "ADDR to VDD (0x49)",
        "",
        1,
        3,
        15,
        "16 bits for the second channel, on the same bus.",
    ),
    Item(
        "blank",
        "Tuning and calibration",
        "Steel blank",
        "Disc of hardened steel for the die in use, 5 mm high, 0.1 mm less in diameter, faces "
        "parallel to 0.02 mm",
        "",
        1,
        5,
        30,
        "Tuning learns the press on it: steel gives way as it comes back, and does not crack.",
    ),
    Item(
        "force_reference",
        "Tuning and calibration",
        "Reference for force",
        "Load cell with its display, in the place of the die, range of the highest level, 0.5 % or "
        "better with a certificate; to borrow once a year",
        "",
        1,
        150,
        600,
        "Calibration compares the press with it. Without it the record says: not calibrated.",
    ),
    Item(
        "lid_switch",
        "Isostatic vessel",
        "Pressure switch at the lid",
        "Opens above 0.1 MPa, stands the pressure of the vessel, contact of 24 V",
        "",
        1,
        60,
        180,
        "0.1 MPa throws off a lid, and no transducer for 200 MPa tells it from zero.",
    ),
)


def groups() -> list[str]:
    """Return the headings in the order of the list."""
    return list(dict.fromkeys(item.group for item in BILL))


def cost(items: Iterable[Item]) -> tuple[float, float]:
    """Return both ends of the assumed price of items, EUR."""
    chosen = list(items)
    return sum(item.low_eur for item in chosen), sum(item.high_eur for item in chosen)


def core() -> list[Item]:
    """Return the items that every press needs."""
    return [item for item in BILL if item.group in CORE_GROUPS]
