"""Defines names and numbers of a record: its files, and what its telemetry columns hold."""

from __future__ import annotations

from typing import Final

from pressloop.wire.names import wire_name
from pressloop.wire.schema import FlagBits, InputBits, State

SUMMARY_NAME: Final = "run.json"
TELEMETRY_NAME: Final = "telemetry.parquet"
INTERVALS_NAME: Final = "intervals.parquet"
MANIFEST_NAME: Final = "manifest.json"
SIGNATURE_NAME: Final = "manifest.json.sig"
"""Files that evaluation derives from the journal, beside it; the last has the checksums of all."""

DERIVED_NAMES: Final = (SUMMARY_NAME, TELEMETRY_NAME, INTERVALS_NAME, MANIFEST_NAME)
"""All that can be made again from the journal."""

TRUTH_NAME: Final = "run.truth"
"""The true state of an emulated press, beside the journal."""

NO_STEP: Final = 255
"""Step index of a record that belongs to no step of the plan."""

TICK_SPAN: Final = 1 << 32
"""Ticks after which the device clock, 32 bits wide, begins again."""

STATES: Final = {int(state): wire_name(state) for state in State}
FLAGS: Final = {str(flag.name).lower(): int(flag) for flag in FlagBits}
INPUTS: Final = {str(line.name).lower(): int(line) for line in InputBits}
