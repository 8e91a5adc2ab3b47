"""Declares the signals between a controller board and a press, independent of pins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Direction = Literal["in", "out", "bus", "none"]


@dataclass(frozen=True)
class Signal:
    """One signal of the controller.

    Attributes:
        key: Name in code, as `emergency_stop`.
        title: Name on pages and labels.
        direction: Seen from the board; "none" for a pin that nothing may be connected to.
        electrical: What is on the wire.
        safe: State without power, in reset, or with a cut wire.
        see: What a person sees when it works, for commissioning.
        why: What the firmware does with it; it becomes the comment in the firmware's pin list.
    """

    key: str
    title: str
    direction: Direction
    electrical: str
    safe: str
    see: str
    why: str


SIGNALS: Final[dict[str, Signal]] = {
    signal.key: signal
    for signal in (
        Signal(
            "sensor_bus",
            "Sensor bus",
            "bus",
            "I2C, 3.3 V, 400 kHz, pull-ups of 4.7 kOhm",
            "a transducer whose converter does not answer reads as a broken wire",
            "`pressloop info` names the converters that were found at power-on",
            "Bus of the pressure converters: ADS1115 of the first transducer, and of the "
            "second one if it has one.",
        ),
        Signal(
            "pressure",
            "Pressure, first transducer",
            "in",
            "0 to 3.3 V from the shunt or the divider",
            "0 V: reads as a broken wire",
            "the reading is that of the gauge within the stated error of both, at rest and "
            "under pressure",
            "First transducer on the chip's own converter, used when no ADS1115 answers at "
            "power-on. By its pull-down an unconnected pin reads as a broken transducer.",
        ),
        Signal(
            "second_pressure",
            "Pressure, second transducer",
            "in",
            "0 to 3.3 V from a shunt or divider of its own",
            "0 V: reads as a broken wire",
            "`pressloop watch` shows both channels; they agree within the printed figure",
            "Second pressure transducer on the chip's own converter, a path without the "
            "sensor bus; -1 where there is no place for one. It takes part as soon as the "
            "machine profile describes it. By its pull-down an unconnected pin reads as a "
            "broken one.",
        ),
        Signal(
            "load_cell_bus",
            "Load cell bus",
            "bus",
            "I2C, 3.3 V, 400 kHz, pull-ups of 4.7 kOhm",
            "without an answer at power-on there is no load cell",
            "a known weight on the cell changes the reading by that weight",
            "Bus of the load cell's converter, an NAU7802. It is no other converter's, so "
            "that its readings never wait for each other.",
        ),
        Signal(
            "load_cell_clock",
            "Load cell clock (HX711)",
            "out",
            "3.3 V logic",
            "low: the converter converts",
            "a known weight on the cell changes the reading by that weight",
            "Clock of an HX711, the other converter for a load cell.",
        ),
        Signal(
            "load_cell_data",
            "Load cell data (HX711)",
            "in",
            "3.3 V logic, pull-up in the chip",
            "high: no new reading",
            "a known weight on the cell changes the reading by that weight",
            "Data of the HX711: low when there is a new reading.",
        ),
        Signal(
            "pump",
            "Pump valve",
            "out",
            "3.3 V PWM of 1 kHz, to the coil's driver or through a filter to an amplifier",
            "low: no flow",
            "`pressloop commission` opens it for a moment with the ram free: the ram moves",
            "Pump valve, driven high: it opens with the duty. On one PWM slice with the "
            "release valve, the pump on its even pin, so that one write sets both.",
        ),
        Signal(
            "release",
            "Release valve, proportional",
            "out",
            "3.3 V PWM of 1 kHz to the coil's driver",
            "low: the valve is open and the pressure gone",
            "without power the gauge falls to zero; with the valve shut it stands",
            "Release valve, driven high. It is normally open and shuts with the duty, so that "
            "a board without power or in reset releases the pressure.",
        ),
        Signal(
            "dump",
            "Release valve, on/off",
            "out",
            "3.3 V logic to the coil's driver",
            "low: the valve is open and the pressure gone",
            "it clicks shut when a run starts, and opens at its end",
            "On/off release valve, normally open, where the proportional one is too small to "
            "empty the press: shut while the controller controls, open at rest and after a "
            "fault. Without such a valve nothing is connected.",
        ),
        Signal(
            "contactor",
            "Contactor of the pump motor",
            "out",
            "3.3 V logic to a relay in series with the safety relay",
            "low: the motor is without power",
            "the motor starts when a run starts and stops at its end, and with the emergency stop",
            "Contactor of the pump motor: on while the controller controls, off at rest and "
            "after a fault, so that a pump valve that is stuck open ends with the motor.",
        ),
        Signal(
            "deadman",
            "Deadman",
            "out",
            "3.3 V edges, 100 a second in a run",
            "no edge for 50 ms: both coils are without supply",
            "with the board's USB plug pulled in a run the release valve opens at once",
            "Edges for the deadman circuit, 100 a second in a run. Without an edge for 50 ms "
            "it cuts the supply of both coils: the pump valve shuts, the release valve opens. "
            "It must react to edges, not to the level, because a chip that hangs can hold "
            "either: a retriggerable monostable such as a 74HC123, whose output drives the "
            "coils' relay. Without such a circuit nothing is connected.",
        ),
        Signal(
            "emergency_stop",
            "Emergency stop",
            "in",
            "contact to ground, normally closed; pull-up in the chip",
            "open contact or cut wire: pressed",
            "pressed: the input `emergency-stop` appears, the lamp of the safety relay goes out",
            "Contact to ground with the chip's pull-up, normally closed: a cut wire reads as "
            "pressed.",
        ),
        Signal(
            "guard",
            "Guard switch",
            "in",
            "contact to ground, closed while the guard is shut; pull-up in the chip",
            "open contact or cut wire: guard open",
            "guard open: the input `guard-open` appears, and no run starts",
            "Contact to ground with the chip's pull-up, closed while the guard is shut: a cut "
            "wire reads as open.",
        ),
        Signal(
            "button",
            "Button",
            "in",
            "contact to ground, normally open; pull-up in the chip",
            "open: not pressed",
            "pressed: the input `button` appears; in a run it ends the run with a release",
            "Contact to ground with the chip's pull-up, normally open. It ends a run, and "
            "allows a change of the limits.",
        ),
        Signal(
            "vessel_pressure",
            "Pressure under the lid of a vessel",
            "in",
            "contact to ground, opens above 0.1 MPa; pull-up in the chip",
            "open contact or cut wire: there is pressure under the lid",
            "plug of the switch pulled: the input `vessel-pressure` appears",
            "On an isostatic vessel: contact to ground with the chip's pull-up, of a pressure "
            "switch that opens above 0.1 MPa, which no transducer for 200 MPa tells from zero. A "
            "cut wire reads as pressure. Counts where the machine profile has the switch; "
            "elsewhere nothing is connected.",
        ),
        Signal(
            "lamp",
            "Lamp",
            "out",
            "3.3 V logic to a transistor",
            "dark",
            "lit while there is pressure and while the press may move, dark at rest",
            "Lamp, lit while the press is under pressure and while a coil has current: it may "
            "move.",
        ),
        Signal(
            "buzzer",
            "Buzzer",
            "out",
            "3.3 V logic to a transistor; a buzzer with its own oscillator",
            "silent",
            "it sounds for a moment every four seconds while the operator is asked",
            "Buzzer: on and off in turn while a fault is latched and there is pressure, for "
            "a moment every four seconds while the operator is asked.",
        ),
        Signal(
            "auxiliary",
            "Displacement or oil temperature",
            "in",
            "0 to 3.3 V of a displacement sensor, or a thermistor of 10 kOhm",
            "0 V: no reading",
            "the platens' position or the oil's temperature is that of a ruler or a thermometer",
            "Displacement sensor between the platens, or a thermistor in the oil, on the "
            "chip's own converter: which of both, the machine profile says. Without either "
            "nothing is read.",
        ),
        Signal(
            "tick",
            "Tick",
            "none",
            "nothing may be connected",
            "",
            "",
            "Makes the 100 Hz tick where MicroPython has no hard timer. Nothing may be "
            "connected to it.",
        ),
        Signal(
            "simulated",
            "Simulated strap",
            "in",
            "open; to ground only on a simulator",
            "open: a real press",
            "`pressloop info` says that it is not simulated",
            "Connected to ground where a simulator replaces the press: the controller then "
            "reports itself as simulated, so that no run on it can pass for a real one. On a "
            "press nothing is connected.",
        ),
    )
}
"""Every signal by its key."""
