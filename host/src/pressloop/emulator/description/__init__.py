"""The description of a press to emulate: read from YAML, checked, and converted.

A description holds the data sheet of a press (what a technician knows), the powder in its die, and
`individual`: how this specimen differs from its data sheet. `plant_config` combines all three into
the flat numbers of the simulated plant. `nominal_profile` is the machine profile that a technician
would enter from the data sheet, without the individual errors.
"""

from __future__ import annotations

from pressloop.emulator.description.controller import ControllerSection, LimitsSection
from pressloop.emulator.description.hydraulics import (
    FrameSection,
    LeakSection,
    OilSection,
    PumpSection,
    RamSection,
    ReleaseSection,
    ValvesSection,
    VesselSection,
)
from pressloop.emulator.description.individual import IndividualSection
from pressloop.emulator.description.measured import MeasuredSection
from pressloop.emulator.description.powder import PowderSection
from pressloop.emulator.description.press import PressDescription
from pressloop.emulator.description.reading import load, loads, refuse_misfit
from pressloop.emulator.description.sensors import (
    DisplacementSection,
    LoadCellSection,
    SecondTransducerSection,
    TransducerSection,
)
from pressloop.emulator.description.simulation import (
    FrictionSection,
    OilHeatSection,
    SimulationSection,
    WarmingSection,
)

__all__ = [
    "ControllerSection",
    "DisplacementSection",
    "FrameSection",
    "FrictionSection",
    "IndividualSection",
    "LeakSection",
    "LimitsSection",
    "LoadCellSection",
    "MeasuredSection",
    "OilHeatSection",
    "OilSection",
    "PowderSection",
    "PressDescription",
    "PumpSection",
    "RamSection",
    "ReleaseSection",
    "SecondTransducerSection",
    "SimulationSection",
    "TransducerSection",
    "ValvesSection",
    "VesselSection",
    "WarmingSection",
    "load",
    "loads",
    "refuse_misfit",
]
