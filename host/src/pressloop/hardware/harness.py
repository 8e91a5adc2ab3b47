"""Declares the terminals of the carrier board and the cables to the press."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pressloop.hardware.boards import BoardDeclaration


@dataclass(frozen=True)
class Terminal:
    """One screw terminal of a connector.

    Attributes:
        label: Text on the carrier board.
        colour: Wire colour (IEC 60757), as the drawing shows it.
        signal: Key of the signal that it belongs to; empty for a supply, a return or a shield.
        far: Name of the other end of the wire.
    """

    label: str
    colour: str
    signal: str
    far: str


@dataclass(frozen=True)
class Connector:
    """One connector of the carrier board with its cable.

    Attributes:
        key: Name on the carrier board, such as X2.
        title: What it leads to.
        device: The part at the other end.
        cable: What cable, with its cross-section.
        shielded: Whether the shield is on the connector's last terminal.
        length_m: Longest cable, m.
        terminals: From terminal 1 on.
        note: What a person who wires it must know.
    """

    key: str
    title: str
    device: str
    cable: str
    shielded: bool
    length_m: float
    terminals: tuple[Terminal, ...]
    note: str = ""


CONNECTORS: Final = (
    Connector(
        "X1",
        "Supply of the board",
        "Power supplies",
        "3 x 0.75 mm2",
        False,
        2,
        (
            Terminal("+24 V", "RD", "", "+24 V of the coils, fuse F2"),
            Terminal("+5 V", "OG", "", "+5 V of the board, fuse F3"),
            Terminal("0 V", "BK", "", "0 V of both"),
        ),
        "+5 V goes to VSYS through a Schottky diode, so that the USB cable and the supply may "
        "both be "
        "connected.",
    ),
    Connector(
        "X2",
        "First transducer",
        "Pressure transducer 1",
        "2 x 0.34 mm2, shielded",
        True,
        3,
        (
            Terminal("+24 V", "BN", "", "+"),
            Terminal("SIG", "BU", "pressure", "-"),
            Terminal("PE", "GNYE", "", "shield: not connected there"),
        ),
        "4-20 mA: SIG to the shunt. A transducer with three wires has its ground on X1.3. A "
        "ratiometric "
        "one has its supply from X1.2 (+5 V), and X2.1 stays open: 24 V destroy it.",
    ),
    Connector(
        "X3",
        "Second transducer",
        "Pressure transducer 2",
        "2 x 0.34 mm2, shielded",
        True,
        3,
        (
            Terminal("+24 V", "BN", "", "+"),
            Terminal("SIG", "BU", "second_pressure", "-"),
            Terminal("PE", "GNYE", "", "shield: not connected there"),
        ),
        "A cable of its own: what cuts one must not cut the other.",
    ),
    Connector(
        "X4",
        "Pump",
        "Pump valve or motor driver",
        "2 x 0.75 mm2",
        False,
        3,
        (
            Terminal("COIL +", "RD", "", "coil + (supply through K1 and K3)"),
            Terminal("PUMP", "BU", "pump", "coil -, or the driver's input"),
        ),
        "An amplifier or a motor driver has its input on X4.2 and its ground on X1.3; X4.1 stays "
        "open, and its own supply comes from behind F2 and K3 or, for the motor, F4 and K2.",
    ),
    Connector(
        "X5",
        "Release valve",
        "Release valve, normally open",
        "2 x 0.75 mm2",
        False,
        3,
        (
            Terminal("COIL +", "RD", "", "coil + (supply through K1 and K3)"),
            Terminal("RELEASE", "BU", "release", "coil -"),
        ),
    ),
    Connector(
        "X6",
        "On/off release valve",
        "On/off release valve, normally open",
        "2 x 0.75 mm2",
        False,
        3,
        (
            Terminal("COIL +", "RD", "", "coil + (supply through K1 and K3)"),
            Terminal("DUMP", "BU", "dump", "coil -"),
        ),
        "Only with such a valve.",
    ),
    Connector(
        "X7",
        "Emergency stop and guard",
        "Third contacts of both",
        "4 x 0.34 mm2",
        False,
        3,
        (
            Terminal("STOP", "WH", "emergency_stop", "emergency stop 31"),
            Terminal("0 V", "BN", "", "emergency stop 32"),
            Terminal("GUARD", "GN", "guard", "guard switch 31"),
            Terminal("0 V", "YE", "", "guard switch 32"),
        ),
        "These contacts inform the controller. What stops the press is the safety relay.",
    ),
    Connector(
        "X8",
        "Button, lamp and buzzer",
        "Panel",
        "5 x 0.34 mm2",
        False,
        2,
        (
            Terminal("BUTTON", "WH", "button", "button 13"),
            Terminal("0 V", "BN", "", "button 14"),
            Terminal("+24 V", "GN", "", "lamp X1, buzzer +"),
            Terminal("LAMP", "YE", "lamp", "lamp X2"),
            Terminal("BUZZER", "GY", "buzzer", "buzzer -"),
        ),
    ),
    Connector(
        "X9",
        "Contactor and deadman",
        "Safety cabinet",
        "4 x 0.5 mm2",
        False,
        2,
        (
            Terminal("+24 V", "RD", "", "relay K4, coil A1"),
            Terminal("MOTOR", "BU", "contactor", "relay K4, coil A2"),
            Terminal("ALIVE", "GY", "deadman", "deadman circuit, input B"),
            Terminal("0 V", "BK", "", "deadman circuit, ground"),
        ),
        "K4 is in series with the safety contact in front of the contactor's coil.",
    ),
    Connector(
        "X10",
        "Load cell",
        "Load cell",
        "4 x 0.14 mm2, shielded, as the cell has it",
        True,
        3,
        (
            Terminal("E+", "RD", "", "excitation +"),
            Terminal("E-", "BK", "", "excitation -"),
            Terminal("S+", "GN", "", "signal +"),
            Terminal("S-", "WH", "", "signal -"),
            Terminal("PE", "GNYE", "", "shield: not connected there"),
        ),
        "To the converter's own terminals; the converter sits on the carrier board. Swap S+ and "
        "S- if "
        "the reading falls under load.",
    ),
    Connector(
        "X11",
        "Displacement or oil temperature",
        "Displacement sensor or thermistor",
        "3 x 0.25 mm2, shielded",
        True,
        3,
        (
            Terminal("+3.3 V", "BN", "", "supply of the sensor"),
            Terminal("AUX", "WH", "auxiliary", "signal, or thermistor"),
            Terminal("0 V", "BU", "", "ground of the sensor, or thermistor"),
            Terminal("PE", "GNYE", "", "shield: not connected there"),
        ),
        "A thermistor has 10 kOhm from AUX to +3.3 V on the carrier board; a displacement sensor "
        "has 1 kOhm in series.",
    ),
    Connector(
        "X12",
        "Pressure under the lid",
        "Pressure switch on the vessel, normally closed",
        "2 x 0.34 mm2",
        False,
        3,
        (
            Terminal("LID", "WH", "vessel_pressure", "pressure switch, contact that opens"),
            Terminal("0 V", "BN", "", "pressure switch, common"),
        ),
        "Only on an isostatic vessel. The switch opens above 0.1 MPa and stands the pressure of "
        "the vessel.",
    ),
)
"""Every connector, in the order of the drawing."""


def terminal_of(signal: str) -> tuple[Connector, int] | None:
    """Return connector and terminal number (from 1) of a signal; None if it has no terminal."""
    for connector in CONNECTORS:
        for number, terminal in enumerate(connector.terminals, 1):
            if terminal.signal == signal:
                return connector, number
    return None


def place_of(board: BoardDeclaration, signal: str) -> str:
    """Return where a signal is, for a person: `GP18, X7.1 (STOP)`; "" if the board has no pin."""
    pin = board.pin(signal)
    parts = []
    if pin is not None:
        parts.append(f"GP{pin.gpio}")
    for bus in board.buses:
        if bus.signal.key == signal:
            parts.append(f"GP{bus.sda} and GP{bus.scl}")
    found = terminal_of(signal)
    if found is not None:
        connector, number = found
        parts.append(f"{connector.key}.{number} ({connector.terminals[number - 1].label})")
    return ", ".join(parts)
