"""The description of a press to emulate: a YAML file, checked, and what is derived from it.

A description holds the data sheet of a press (what a technician knows), the powder in its die, and
`individual`: how this very specimen differs from its data sheet. `plant_config` mixes all three
into the flat numbers that the plant runs on; `nominal_profile` is the machine profile the
technician would have entered, which knows nothing of the individual.
"""

from __future__ import annotations

from pressloop.emulator.description.press import PressDescription
from pressloop.emulator.description.reading import load, loads
from pressloop.emulator.description.sections import (
    Controller,
    DisplacementSection,
    Frame,
    Individual,
    Leak,
    Limits,
    OilSection,
    PowderSection,
    Pump,
    Ram,
    Release,
    TransducerSection,
    Valves,
)

__all__ = [
    "Controller",
    "DisplacementSection",
    "Frame",
    "Individual",
    "Leak",
    "Limits",
    "OilSection",
    "PowderSection",
    "PressDescription",
    "Pump",
    "Ram",
    "Release",
    "TransducerSection",
    "Valves",
    "load",
    "loads",
]
