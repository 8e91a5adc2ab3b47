"""Names what can be wrong when a commissioning is rehearsed: `wiring-KIND[=VALUE]`, and air."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pressloop.errors import BadInputError

_PICO: Final = "emulated:pico"


@dataclass(frozen=True)
class WiringFault:
    """A wrong wire, or a vessel that was not filled.

    Attributes:
        name: How it is written.
        what: What is wrong, as a sentence without its full stop.
        command: What is sent to the control port as `wiring`; empty: the text itself, as `fault`.
        value: Key of `command` that takes the value; empty for a kind without one.
        unit: Name of the value.
        needs_pico: Whether only the emulated Pico has that part.
    """

    name: str
    what: str
    command: dict[str, Any]
    value: str = ""
    unit: str = "FACTOR"
    needs_pico: bool = False

    @property
    def form(self) -> str:
        """How the kind is written, such as `wiring-shunt=FACTOR`."""
        return f"{self.name}={self.unit}" if self.value else self.name


WIRING_FAULTS: Final = (
    WiringFault(
        "wiring-valves-swapped",
        "Pump valve and release valve are exchanged",
        {"swap": ["pump", "release"]},
    ),
    WiringFault(
        "wiring-release-inverted",
        "The release valve is one that is shut without current",
        {"release_needs_current": True},
    ),
    WiringFault(
        "wiring-input-floats", "The transducer's signal wire is off its terminal", {"floats": True}
    ),
    WiringFault(
        "wiring-shunt", "The shunt is this share of the right one", {"shunt": 0.5}, value="shunt"
    ),
    WiringFault(
        "wiring-converter-missing",
        "The external converter does not answer on its bus",
        {"converter": False},
        needs_pico=True,
    ),
    WiringFault(
        "wiring-guard-inverted", "The guard switch is of the other kind", {"invert": "guard"}
    ),
    WiringFault(
        "wiring-stop-bridged",
        "A jumper stands in for the emergency stop",
        {"bridge": "emergency_stop"},
    ),
    WiringFault(
        "wiring-stop-cut", "The emergency stop is not connected", {"cut": "emergency_stop"}
    ),
    WiringFault(
        "wiring-inputs-swapped",
        "Emergency stop and guard switch are exchanged",
        {"swap": ["emergency_stop", "guard"]},
    ),
    WiringFault("wiring-button-stuck", "The button's wire touches ground", {"bridge": "button"}),
    WiringFault(
        "wiring-lid-cut",
        "The switch at a vessel's lid is not connected",
        {"cut": "vessel_pressure"},
    ),
    WiringFault(
        "wiring-lid-bridged",
        "A jumper stands in for the switch at a vessel's lid",
        {"bridge": "vessel_pressure"},
    ),
    WiringFault("wiring-lamp-cut", "The lamp is not connected", {"cut": "lamp"}),
    WiringFault("wiring-deadman-cut", "The deadman circuit gets no edges", {"cut": "deadman"}),
    WiringFault(
        "wiring-contactor-cut",
        "The contactor of the pump motor is not connected",
        {"cut": "contactor"},
    ),
    WiringFault(
        "wiring-on-off-release-cut",
        "The on/off release valve of a press that has one is not connected",
        {"cut": "dump"},
    ),
    WiringFault("wiring-buzzer-cut", "The buzzer is not connected", {"cut": "buzzer"}),
    WiringFault(
        "wiring-auxiliary-cut",
        "The thermistor or displacement sensor of a press that has one is not connected",
        {"cut": "auxiliary"},
    ),
    WiringFault(
        "wiring-load-cell-reversed",
        "The two signal wires of the load cell of a press that has one are exchanged",
        {"invert": "load_cell"},
    ),
    WiringFault("vessel-air", "This much air is left in an isostatic vessel", {}, "air", "ML"),
)
"""Every kind by its name."""

_BY_NAME: Final = {fault.name: fault for fault in WIRING_FAULTS}


def read_wiring_faults(faults: Sequence[str], port: str) -> list[dict[str, Any]]:
    """Return the commands for the control port of an emulated board, one for each fault.

    Raises:
        BadInputError: `unknown-fault`, `bad-fault`, or `fault-not-here`.
    """
    return [_read(text, port) for text in faults]


def _read(text: str, port: str) -> dict[str, Any]:
    kinds = f"kinds: {', '.join(fault.form for fault in WIRING_FAULTS)}"
    name, equals, value = text.strip().partition("=")
    fault = _BY_NAME.get(name)
    if fault is None:
        near = difflib.get_close_matches(name, _BY_NAME, 1)
        raise BadInputError(
            f"there is no fault {name!r} to rehearse here",
            hint=f"did you mean {near[0]}? {kinds}" if near else kinds,
            code="unknown-fault",
        )
    if fault.needs_pico and port != _PICO:
        raise BadInputError(
            f"{name} cannot be rehearsed on {port}",
            hint=f"use the port {_PICO}",
            code="fault-not-here",
        )
    if bool(equals) != bool(fault.value):
        raise BadInputError(f"{text}: write {fault.form}", hint=kinds, code="bad-fault")
    if not fault.value:
        return {"wiring": fault.command}
    try:
        factor = float(value)
    except ValueError:
        factor = -1.0
    if not 0 <= factor <= 100:
        raise BadInputError(
            f"{text}: {value!r} is no number from 0 to 100", hint=kinds, code="bad-fault"
        )
    return {"wiring": {fault.value: factor}} if fault.command else {"fault": text.strip()}


def wiring_table() -> str:
    """Return the table of all wiring faults in docs/commissioning.md."""
    lines = ["| fault | what is wrong | not on |", "|---|---|---|"]
    for fault in WIRING_FAULTS:
        missing = "emulated" if fault.needs_pico else ""
        lines.append(f"| `{fault.form}` | {fault.what} | {missing} |")
    return "\n".join(lines) + "\n"
