"""Defines the bands around a target that records are counted in, while recording and afterwards."""

from __future__ import annotations

from typing import Final

FIXED_BAND: Final = 0.005
"""Half width, relative to the target, of the band that is the same for every protocol."""

BAND_SLACK_MPA: Final = 1e-6
"""A reading is a whole number of kPa; this keeps float rounding from moving it over a band edge."""
