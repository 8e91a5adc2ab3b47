"""The tables of the run database have a column for each single value of the record's models."""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from pressloop.evaluation import RunRecord, finalise
from pressloop.evaluation.summary import RunSummary, StageResult
from pressloop.integrations.postgresql_places import column_name
from pressloop.integrations.postgresql_schema import (
    EVENT_COLUMNS,
    INTERVAL_COLUMNS,
    MIGRATIONS,
    TELEMETRY_COLUMNS,
)
from pressloop.record import RunRecorder
from pressloop.record.model import RunEvent
from pydantic import BaseModel

from tests.unit import synthetic_run
from tests.unit.synthetic_run import Shape
from tests.unit.thinned_record import thinned_record

COLUMN = re.compile(
    r"^\s*(?:ADD COLUMN )?(\w+) (text|boolean|jsonb|integer|bigint|numeric|double precision)\b"
)
TYPES = {
    bool: "boolean",
    int: "bigint",
    float: "double precision",
    str: "text",
}
UNUSUAL = {"header.emulated_press.seed": "numeric"}
"""A seed may be larger than 64 bits."""

REPEATED = {
    # The header has these too. The summary says the same, and theirs is the column.
    "header.run_id": "run_id",
    "header.protocol_name": "protocol_name",
    "header.simulated": "simulated",
    "header.protocol_sha256": "hashes.protocol_sha256",
    "header.channels_allowed_mpa": "channels.allowed_mpa",
    "header.profile_hash": "hashes.profile",
}


def places(model: type, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield place and SQL type of each single value and of each list of texts of a model."""
    for name, hint in get_type_hints(model, include_extras=False).items():
        if not is_field(model, name):
            continue
        place, kind = f"{at}{name}", bare(hint)
        if isinstance(kind, type) and (
            issubclass(kind, BaseModel) or dataclasses.is_dataclass(kind)
        ):
            yield from places(kind, f"{place}.")
        elif kind in TYPES:
            yield place, UNUSUAL.get(place, TYPES[kind])
        elif get_origin(kind) is Literal:
            yield place, "text"
        elif get_origin(kind) is tuple and bare(get_args(kind)[0]) is str:
            yield place, "jsonb"
        else:
            # Other lists and tables with keys of their own are in `summary` and `details`.
            assert get_origin(kind) in (tuple, dict), (place, kind)


def is_field(model: type, name: str) -> bool:
    if issubclass(model, BaseModel):
        return name in model.model_fields
    return name in getattr(model, "__dataclass_fields__", {})


def bare(hint: Any) -> Any:
    """Return a type without `Annotated` and `| None`."""
    if get_origin(hint) is Annotated:
        return bare(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        kinds = {bare(one) for one in get_args(hint) if one is not type(None)}
        assert len(kinds) == 1, hint
        return kinds.pop()
    return hint


def sql_columns(table: str) -> dict[str, str]:
    """Return column and type of a table, by the statements that make and change it."""
    found = {}
    for statement in (one for version in MIGRATIONS for one in version):
        if re.match(rf"(CREATE|ALTER) TABLE pressloop\.{table}\b", statement):
            body = re.sub(rf"^(CREATE|ALTER) TABLE pressloop\.{table} *\(?", "", statement)
            for part in re.split(r",\s", body):
                if column := COLUMN.match(part):
                    found[column[1]] = column[2]
    return found


@pytest.mark.parametrize(
    ("model", "table", "document"),
    [(RunSummary, "run", "summary"), (StageResult, "stage", "details")],
)
def test_each_value_of_a_model_has_a_column(
    model: type[BaseModel], table: str, document: str
) -> None:
    stored = sql_columns(table)
    missing = {
        place: kind
        for place, kind in places(model)
        if place not in REPEATED
        and {stored.get(column_name(place)), kind} not in ({kind}, {"integer", "bigint"})
    }
    assert not missing, (
        f"append a version to MIGRATIONS with add_columns({document!r}, ...) of these: {missing}"
    )
    assert document in stored


def test_no_two_places_share_a_column() -> None:
    for model in (RunSummary, StageResult):
        names = [column_name(place) for place, _ in places(model) if place not in REPEATED]
        assert len(names) == len(set(names))


def test_each_field_of_an_event_has_a_column() -> None:
    assert set(RunEvent.model_fields) | {"run_id", "number"} == set(EVENT_COLUMNS)
    assert set(EVENT_COLUMNS) == set(sql_columns("event"))


def test_each_column_of_the_telemetry_has_a_column(tmp_path: Path) -> None:
    run = synthetic_run.run(Shape(targets_mpa=(8.0,), hold_s=0.1))
    with RunRecorder.create(tmp_path / "run", run.header) as recorder:
        recorder.started(run.run_first, run.start_tick)
        recorder.telemetry(*run.batch(0, len(run.records)))
        recorder.close(run.end())
    (tmp_path / "run" / "run.truth").write_bytes(run.truth)
    finalise(tmp_path / "run")
    names = RunRecord.open(tmp_path / "run").table().column_names
    assert set(names) <= set(TELEMETRY_COLUMNS) == set(sql_columns("telemetry"))


def test_each_column_of_the_intervals_has_a_column_of_its_type(tmp_path: Path) -> None:
    table = RunRecord.open(thinned_record(tmp_path / "run")).intervals()
    assert table is not None
    stored = sql_columns("telemetry_interval")
    assert {"run_id", *table.column_names} == set(INTERVAL_COLUMNS) == set(stored)
    kinds = {"uint32": "bigint", "uint8": "integer", "double": "double precision"}
    assert {name: stored[name] for name in table.column_names} == {
        field.name: kinds[str(field.type)] for field in table.schema
    }
