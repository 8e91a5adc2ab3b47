"""What a bench has to tell the suite: edit this one file for yours.

The wiring is that of the product: transducer, emergency stop, guard switch and both valves on
their own terminals of the controller, and a die with a steel blank or a spent pellet in the press.
Nothing else is connected. Everything below is pressure on that pellet.
"""

from __future__ import annotations

from typing import Final

from pressloop.emulator.description import PressDescription

DIE_MM: Final = 10.0
"""Die in the press; it must be on the list of the machine profile."""

CEILING_MPA: Final = 520
"""No case presses harder. A reading above is a fault."""

THREE_STEPS_MPA: Final = (250, 500, 74)
"""Targets of the three-step run."""

FAST_RATE_MPA_S: Final = 60
"""Up and down in the three-step run. Well below what pump and release valve can do."""

WORK_MPA: Final = 60
"""Target of every other case: enough to be above the transducer's error, little for the press."""

REST_STOP_MPA: Final = 20
"""Where the short runs stand between two ramps; above the pressure that means contact."""

WORK_RATE_MPA_S: Final = 40
"""Up and down in every other case."""

TOLERANCE_PERCENT: Final = 4
"""Half width of the band of their holds."""

IN_BAND_SHARE: Final = 0.95
"""Least share of each dwell of the three-step run in its band. This suite asks whether the press
works at all; how well it presses is measured elsewhere."""

KEPT_WITHIN_MPA: Final = 4
"""How far the pressure may stray while the press keeps it on its own, after a ramp or a release
that was frozen on its way."""

AT_REST_MPA: Final = 2.5
"""A reading below means that nothing presses: three times the transducer's error on this die."""

SENSOR_FAULT_LIMIT_S: Final = 0.06
"""From the first bad reading to safe outputs."""

HOST_TIMEOUT_S: Final = 0.5
"""Silence after which the board gives its host up: the least that a plan may ask for."""

EMULATED_PRESS: Final = PressDescription.model_validate(
    {"ram": {"approach_gap_mm": 0.3}, "release": {"flow_ml_s_at_10_mpa": 2.0}}
)
"""The press behind an emulated board: the reference press with the ram close to the sample, so
that a case does not wait for the approach, and a release valve whose limit a plan can pass."""
