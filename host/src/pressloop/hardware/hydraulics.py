"""Declares the hydraulic circuit: its components, their settings, and what each is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class HydraulicPart:
    """One component of the hydraulic circuit.

    Attributes:
        key: Mark in the schematic (ISO 1219-2 style), such as V2.
        title: What it is.
        item: Key in the bill of materials; empty for what the press has already.
        setting: What is set or checked on it.
        why: What it is for, and where it must be.
    """

    key: str
    title: str
    item: str
    setting: str
    why: str


COMPONENTS: Final = (
    HydraulicPart(
        "T", "Tank with filter and breather", "pump", "oil ISO VG 32, clean", "Supply of oil."
    ),
    HydraulicPart(
        "P1",
        "Pump with motor M1",
        "pump",
        "0.5 to 1.5 mL/s",
        "Makes the flow. Its motor is behind the contactor.",
    ),
    HydraulicPart(
        "V7",
        "Relief valve of the pump",
        "pump",
        "a tenth above V5",
        "Only with V2: while V2 is shut the pump delivers against it, and V5 is behind V2.",
    ),
    HydraulicPart(
        "Z1",
        "Filter",
        "manifold",
        "25 um, 350 bar",
        "A grain holds a proportional valve open or shut.",
    ),
    HydraulicPart(
        "V1",
        "Check valve",
        "manifold",
        "none",
        "Holds the pressure when the pump stands.",
    ),
    HydraulicPart(
        "V2",
        "Pump valve, normally closed",
        "pump_valve",
        "dead band found by tuning",
        "Sets the flow. Without it the speed of M1 does, and this place is a pipe.",
    ),
    HydraulicPart(
        "V3",
        "Release valve, normally open, proportional",
        "release",
        "dead band found by tuning",
        "Lets oil back to the tank. Without current it is open.",
    ),
    HydraulicPart(
        "V4",
        "Release valve, normally open, on/off",
        "on_off_release",
        "none",
        "Only beside a small V3: empties the press at rest.",
    ),
    HydraulicPart(
        "V5",
        "Relief valve",
        "relief",
        "the lower of what press, hose, cylinder and smallest die stand; sealed",
        "Bounds the pressure without software. No shut-off valve may be between it and the "
        "cylinder.",
    ),
    HydraulicPart(
        "V6",
        "Manual release",
        "manifold",
        "shut in use",
        "A person opens it without power, from outside of the guard.",
    ),
    HydraulicPart(
        "G1",
        "Gauge",
        "gauge",
        "none",
        "Shows pressure without power, visible from the panel.",
    ),
    HydraulicPart(
        "B1",
        "Pressure transducer, first channel",
        "transducer",
        "zero with the ram travelling freely",
        "On the cylinder's port, so that no throttle is in between.",
    ),
    HydraulicPart(
        "B2",
        "Pressure transducer, second channel",
        "second_transducer",
        "as B1",
        "On a port of its own: what blocks one must not block the other.",
    ),
    HydraulicPart(
        "C1",
        "Ram with return spring",
        "",
        "area from its data sheet",
        "The press's own cylinder; the hand pump is removed or shut off.",
    ),
)
"""Every component, in the order of the table."""
