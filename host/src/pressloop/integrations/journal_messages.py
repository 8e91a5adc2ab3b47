"""Turns the entries of a journal into JSON documents, with units in the names."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

from pressloop.record.columns import FLAGS, INPUTS, NO_STEP, STATES
from pressloop.record.entry_form import EntryKind
from pressloop.record.journal_tail import TailEntry
from pressloop.wire.schema import NO_DISPLACEMENT, OUTPUT_FULL, RECORD_FIELDS, RECORD_FORMAT

MESSAGE_SCHEMA: Final = "pressloop.journal/1"

_RECORD: Final = struct.Struct(RECORD_FORMAT)


def message_of(entry: TailEntry, run_id: str) -> dict[str, Any]:
    """Return an entry as a JSON document.

    `run_id` and `offset` together name the entry, so a reader can drop what comes twice. Entries
    with telemetry have their records as columns, as `columns_of` returns them.
    """
    content = dict(entry.content)
    if content.get("kind") in (EntryKind.TELEMETRY, EntryKind.INTERVAL):
        content["records"] = columns_of(content["records"])
    return {
        "schema_name": MESSAGE_SCHEMA,
        "run_id": run_id,
        "offset": entry.offset,
        **{name: _plain(value) for name, value in content.items()},
    }


def columns_of(records: bytes) -> dict[str, list[Any]]:
    """Return packed telemetry records by column, named as in telemetry.parquet.

    `step_id` and `displacement_mm` are None without one. `flags` and `inputs` have the names of
    those that are set, in each record.
    """
    rows = list(_RECORD.iter_unpack(records))
    raw = {name: [row[at] for row in rows] for at, name in enumerate(RECORD_FIELDS)}
    return {
        "tick": raw["tick"],
        "pressure_mpa": [kpa / 1000 for kpa in raw["pressure_kpa"]],
        "setpoint_mpa": [kpa / 1000 for kpa in raw["setpoint_kpa"]],
        "displacement_mm": [
            None if um == NO_DISPLACEMENT else um / 1000 for um in raw["displacement_um"]
        ],
        "output_percent": [100 * output / OUTPUT_FULL for output in raw["output"]],
        "raw_counts": raw["raw"],
        "step_id": [None if step == NO_STEP else step for step in raw["step"]],
        "state": [STATES.get(state, str(state)) for state in raw["state"]],
        "flags": [_names(FLAGS, bits) for bits in raw["flags"]],
        "inputs": [_names(INPUTS, bits) for bits in raw["inputs"]],
    }


def _names(bits: Mapping[str, int], value: int) -> list[str]:
    return [name for name, bit in bits.items() if value & bit]


def _plain(value: Any) -> Any:
    """Return a value of CBOR as one of JSON: byte strings as hexadecimal text."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
