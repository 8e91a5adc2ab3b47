"""Writes a run as an MCAP file, for viewers of recorded channels such as Foxglove and PlotJuggler.

Channels have JSON messages with a JSON Schema that names each unit: `telemetry`, a message per
record; `events`; `stages`, a message per stage at the end of the run. `run.json` and the protocol
are attached.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pressloop._version import __version__
from pressloop.arguments import path_argument
from pressloop.evaluation import RunRecord
from pressloop.extras import needs_extra
from pressloop.reports.run_values import Scalar
from pressloop.units.keys import name_and_unit

_NANOSECONDS: Final = 1_000_000_000
_ROWS_AT_ONCE: Final = 65_536


def export_mcap(record: RunRecord, path: str | Path) -> Path:
    """Write a run as an MCAP file.

    The time of a message is that of the host's clock at the start of the run plus the device clock.

    Args:
        record: Of the run.
        path: Of the file.

    Returns:
        The path.

    Raises:
        PressloopError: `missing-extra`.
    """
    with needs_extra("reports"):
        from mcap.writer import Writer

    summary, target = record.summary, path_argument(path, "path")
    writer: Any
    table = record.table()
    start_ns = round(summary.started_unix_time_second * _NANOSECONDS)
    with target.open("wb") as file:
        writer = Writer(file)
        writer.start(profile="", library=f"pressloop {__version__}")
        writer.add_metadata(
            "pressloop",
            {
                "run_id": summary.run_id,
                "protocol": summary.protocol_name,
                "simulated": "true" if summary.simulated else "false",
                "end_reason": summary.end_reason,
                **summary.hashes.model_dump(),
            },
        )
        text = summary.model_dump_json(indent=2).encode()
        writer.add_attachment(start_ns, start_ns, "run.json", "application/json", text)
        protocol = summary.header.protocol_text.encode()
        writer.add_attachment(start_ns, start_ns, "protocol.yaml", "application/yaml", protocol)
        last_ns = start_ns
        channel = _channel(writer, "telemetry", _telemetry_schema(table))
        for sequence, (time_s, message) in enumerate(_telemetry(record, table)):
            last_ns = start_ns + round(time_s * _NANOSECONDS)
            _add(writer, channel, last_ns, message, sequence)
        channel = _channel(writer, "events", _schema("Event", {"kind": "text", "data": {}}))
        for sequence, event in enumerate(summary.events):
            moment = round(event.unix_time_second * _NANOSECONDS)
            _add(writer, channel, moment, event.model_dump(mode="json"), sequence)
        stages = [stage.model_dump(mode="json") for stage in summary.stages]
        if stages:
            channel = _channel(writer, "stages", _schema("Stage", stages[0]))
            for sequence, stage in enumerate(stages):
                _add(writer, channel, last_ns, stage, sequence)
        writer.finish()
    return target


def _channel(writer: Any, topic: str, schema: dict[str, Any]) -> int:
    identifier = writer.register_schema(
        name=f"pressloop.{schema['title']}",
        encoding="jsonschema",
        data=json.dumps(schema).encode(),
    )
    channel: int = writer.register_channel(
        topic=topic, message_encoding="json", schema_id=identifier
    )
    return channel


def _add(
    writer: Any, channel: int, time_ns: int, message: Mapping[str, object], sequence: int
) -> None:
    """Write a message; what is null is left out."""
    known = {key: value for key, value in message.items() if value is not None}
    data = json.dumps(known, allow_nan=False, separators=(",", ":")).encode()
    writer.add_message(channel, time_ns, data, time_ns, sequence)


def _telemetry(record: RunRecord, table: Any) -> Iterator[tuple[float, dict[str, Scalar]]]:
    """Yield time and message of each record."""
    simulated = record.summary.simulated
    names = table.column_names
    for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
        columns = [column.to_pylist() for column in batch.columns]
        for row in zip(*columns, strict=True):
            message = dict(zip(names, row, strict=True))
            message["simulated"] = simulated
            yield message["time_s"], message


def _telemetry_schema(table: Any) -> dict[str, Any]:
    import pyarrow as pa

    kinds: dict[str, object] = {}
    for field in table.schema:
        if pa.types.is_boolean(field.type):
            kinds[field.name] = False
        elif pa.types.is_integer(field.type):
            kinds[field.name] = 0
        else:
            kinds[field.name] = 0.0 if pa.types.is_floating(field.type) else "text"
    return _schema("Telemetry", kinds | {"simulated": False})


def _schema(title: str, example: Mapping[str, object]) -> dict[str, Any]:
    """Return the JSON Schema of messages like an example; descriptions name the units."""
    properties: dict[str, Any] = {}
    for key, value in example.items():
        name, unit = name_and_unit(key)
        kind = _json_type(value)
        properties[key] = {
            **({} if kind is None else {"type": kind}),
            "description": f"{name}, {unit}" if unit else name,
        }
    return {"title": title, "type": "object", "properties": properties}


def _json_type(value: object) -> str | None:
    """Return the type of a value in JSON Schema; None where it may be several."""
    for python, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string")):
        if isinstance(value, python):
            return name
    return "object" if isinstance(value, dict) else None
