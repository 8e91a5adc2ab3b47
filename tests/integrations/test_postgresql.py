"""Finished runs in a real PostgreSQL: each exactly once, whole or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("psycopg", reason="needs pressloop[postgresql]")

import psycopg
import psycopg.rows
from pressloop.cli.app import app
from pressloop.errors import PressloopError, RecordError
from pressloop.evaluation import RunRecord, finalise
from pressloop.evaluation.summary import RunSummary, StageResult
from pressloop.integrations import postgresql, postgresql_schema
from pressloop.integrations.postgresql import RunDatabase
from pressloop.integrations.postgresql_places import column_name
from pressloop.record import RunRecorder
from pressloop.record.model import RunEnd
from pressloop.sample import Sample
from pydantic import BaseModel
from typer.testing import CliRunner

from tests.integrations.postgresql_server import running_server
from tests.unit import synthetic_run
from tests.unit.synthetic_run import Shape
from tests.unit.test_database_columns import places
from tests.unit.thinned_record import thinned_record

RUN = synthetic_run.run(
    Shape(targets_mpa=(20.0, 8.0), hold_s=0.3, prompt_s=0.05, bump_mpa=0.01, noise_mpa=0.0)
)


DRIFTED = RUN.end().model_copy(
    update={"zero_correction_mpa": 0.25, "release_dead_band_percent": 21.5}
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_server() as dsn:
        yield dsn


@pytest.fixture
def database(server: str) -> str:
    """An empty database."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS pressloop CASCADE")
    return server


def recorded(
    folder: Path, number: int = 0, *, ended: bool = True, end: RunEnd | None = None
) -> Path:
    """Record the synthetic run under a number of its own."""
    header = RUN.header.model_copy(update={"run_id": f"{number:016x}"})
    with RunRecorder.create(folder, header) as recorder:
        recorder.started(RUN.run_first, RUN.start_tick)
        recorder.telemetry(*RUN.batch(0, len(RUN.records)))
        recorder.event("note", text='it\'s a "note", with commas')
        if ended:
            recorder.close(end or RUN.end())
    if ended:
        (folder / "run.truth").write_bytes(RUN.truth)
        finalise(folder)
    return folder


def as_first_version(patch: pytest.MonkeyPatch) -> None:
    """Store as the first version of the tables did."""
    patch.setattr(postgresql_schema, "MIGRATIONS", postgresql_schema.MIGRATIONS[:1])
    patch.setattr(postgresql_schema, "VERSION", 1)
    patch.setattr(
        postgresql,
        "RUN_COLUMNS",
        [name for name in postgresql_schema.RUN_COLUMNS if name != "tables_version"],
    )
    later = postgresql_schema.TELEMETRY_COLUMNS.index("unix_time_second")
    patch.setattr(postgresql, "TELEMETRY_COLUMNS", postgresql_schema.TELEMETRY_COLUMNS[:later])


def as_second_version(patch: pytest.MonkeyPatch) -> None:
    """Store as the second version of the tables did, which knew no intervals."""
    patch.setattr(postgresql_schema, "MIGRATIONS", postgresql_schema.MIGRATIONS[:2])
    patch.setattr(postgresql_schema, "VERSION", 2)
    patch.setattr(postgresql, "VERSION", 2)
    patch.setattr(RunRecord, "intervals", lambda record: None)


def stored_intervals(dsn: str) -> list[dict[str, Any]]:
    query = "SELECT * FROM pressloop.telemetry_interval ORDER BY first_seq"
    with psycopg.connect(dsn, row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute(query).fetchall()


def wanted_intervals(folder: Path) -> list[dict[str, Any]]:
    record = RunRecord.open(folder)
    table = record.intervals()
    assert table is not None and table.num_rows > 1
    return [{"run_id": record.summary.run_id, **row} for row in table.to_pylist()]


def wanted(model: type[BaseModel], document: dict[str, Any]) -> dict[str, Any]:
    """Return what the columns have to hold, by the document of a run or stage."""
    found = {}
    for place, _ in places(model):
        value: Any = document
        for key in place.split("."):
            value = None if value is None else value[key]
        found[column_name(place)] = value
    return found


def columns_of(dsn: str, table: str, where: str = "") -> dict[str, Any]:
    """Return the columns of the one row that are values of the record."""
    with psycopg.connect(dsn, row_factory=psycopg.rows.dict_row) as connection:
        (row,) = connection.execute(f"SELECT * FROM pressloop.{table} {where}").fetchall()
    model = RunSummary if table == "run" else StageResult
    return {column_name(place): row[column_name(place)] for place, _ in places(model)}


def rows(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchall()


def counts(dsn: str) -> dict[str, int]:
    return {
        table: rows(dsn, f"SELECT count(*) FROM pressloop.{table}")[0][0]
        for table in ("run", "stage", "event", "telemetry", "telemetry_interval")
    }


def test_a_run_is_stored_as_its_record_says(database: str, tmp_path: Path) -> None:
    folder = recorded(tmp_path / "run")
    with RunDatabase(database) as db:
        assert db.ingest(folder).outcome == "stored"
    record = RunRecord.open(folder)
    ((name, reason, at, document),) = rows(
        database,
        "SELECT protocol_name, end_reason, extract(epoch FROM started_at), summary "
        "FROM pressloop.run",
    )
    assert (name, reason) == (record.summary.protocol_name, "completed")
    assert float(at) == pytest.approx(record.summary.started_unix_time_second, abs=1e-3)
    assert document == json.loads((folder / "run.json").read_text("utf-8"))
    stages = rows(
        database,
        "SELECT name, verdict, mean_mpa FROM pressloop.stage WHERE source = 'reading' "
        "ORDER BY index",
    )
    assert stages == [(one.name, one.verdict, one.mean_mpa) for one in record.summary.stages]
    assert rows(database, "SELECT count(*) FROM pressloop.stage WHERE source = 'truth'")[0][0] == 2
    frame = record.frame()
    stored = rows(
        database,
        "SELECT seq, pressure_mpa, state, in_band, step_id FROM pressloop.telemetry ORDER BY seq",
    )
    assert len(stored) == len(frame)
    assert [row[0] for row in stored] == list(frame["seq"])
    assert [row[1] for row in stored] == list(frame["pressure_mpa"])
    assert [row[2] for row in stored] == list(frame["state"])
    assert [row[3] for row in stored] == list(frame["in_band"])
    assert [row[4] for row in stored].count(None) == int(frame["step_id"].isna().sum())
    assert rows(database, "SELECT version FROM pressloop.schema_version") == [
        (1,),
        (2,),
        (3,),
        (4,),
    ]


def test_repeats_and_many_at_once_store_a_run_once(database: str, tmp_path: Path) -> None:
    folders = [recorded(tmp_path / str(number), number) for number in range(3)]
    start = threading.Barrier(4)

    def bring_in(order: int) -> list[str]:
        start.wait()
        with RunDatabase(database) as db:  # the tables, too, are made at once by all
            return [db.ingest(folders[(at + order) % 3]).outcome for at in range(3)]

    with ThreadPoolExecutor(4) as pool:
        said = [word for words in pool.map(bring_in, range(4)) for word in words]
    assert sorted(said) == ["already stored"] * 9 + ["stored"] * 3
    once = counts(database)
    assert once["run"] == 3
    assert once["telemetry"] == 3 * len(RUN.records)
    with RunDatabase(database) as db:
        assert db.ingest(folders[0]).outcome == "already stored"
    assert counts(database) == once


def test_a_run_that_fails_in_the_middle_is_not_there_at_all(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = recorded(tmp_path / "run")
    with RunDatabase(database) as db:
        with monkeypatch.context() as patch:
            patch.setattr(
                RunDatabase, "_copy_tables", lambda *_: (_ for _ in ()).throw(KeyError("cut"))
            )
            with pytest.raises(KeyError):
                db.ingest(folder)
        assert set(counts(database).values()) == {0}
        assert db.ingest(folder).outcome == "stored"


def test_another_evaluation_of_a_run_is_stored_only_on_request(
    database: str, tmp_path: Path
) -> None:
    folder = recorded(tmp_path / "run")
    with RunDatabase(database) as db:
        db.ingest(folder)
        before = counts(database)
        (folder / "sample.json").write_text(Sample(material="Na3PS4").model_dump_json())
        finalise(folder)
        with pytest.raises(PressloopError) as refused:
            db.ingest(folder)
        assert refused.value.code == "stored-otherwise"
        assert db.ingest(folder, replace=True).outcome == "replaced"
        assert db.ingest(folder, replace=True).outcome == "already stored"
    assert counts(database) == before
    ((sample,),) = rows(database, "SELECT summary->'sample'->>'material' FROM pressloop.run")
    assert sample == "Na3PS4"


def test_a_record_that_is_no_finished_sound_run_is_refused(database: str, tmp_path: Path) -> None:
    unfinished = recorded(tmp_path / "unfinished", ended=False)
    damaged = recorded(tmp_path / "damaged")
    text = (damaged / "run.json").read_text("utf-8")
    (damaged / "run.json").write_text(text.replace("completed", "completes", 1), "utf-8")
    with RunDatabase(database) as db:
        for folder, code in (
            (unfinished, "not-finished"),
            (damaged, "record-damaged"),
            (tmp_path, "no-record"),
        ):
            with pytest.raises(RecordError) as refused:
                db.ingest(folder)
            assert refused.value.code == code
    assert counts(database)["run"] == 0


def test_tables_of_a_newer_version_are_left_alone(database: str, tmp_path: Path) -> None:
    RunDatabase(database).close()
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO pressloop.schema_version (version) VALUES (99)")
    with pytest.raises(PressloopError) as refused:
        RunDatabase(database)
    assert refused.value.code == "database-newer"


def test_each_value_of_the_record_is_in_its_column(database: str, tmp_path: Path) -> None:
    folder = recorded(tmp_path / "run", end=DRIFTED)
    with RunDatabase(database) as db:
        db.ingest(folder)
    document = json.loads((folder / "run.json").read_text("utf-8"))
    assert document["zero_correction_mpa"] == 0.25
    assert document["release_dead_band"]["found_percent"] == 21.5
    assert columns_of(database, "run") == wanted(RunSummary, document)
    documents = [("reading", one) for one in document["stages"]]
    documents += [("truth", one) for one in document["truth"]]
    stages = [
        columns_of(database, "stage", f"WHERE source = '{source}' AND index = {one['index']}")
        for source, one in documents
    ]
    assert stages == [wanted(StageResult, one) for _, one in documents]
    assert {one["full_flow_s"] for one in stages} != {None}


def test_older_tables_are_brought_up_to_date(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = recorded(tmp_path / "run", end=DRIFTED)
    with monkeypatch.context() as patch:
        as_first_version(patch)
        with RunDatabase(database) as db:
            db.ingest(folder)
    with RunDatabase(database) as db:
        document = json.loads((folder / "run.json").read_text("utf-8"))
        assert columns_of(database, "run") == wanted(RunSummary, document)
        stored = "SELECT count(unix_time_second), count(*) FROM pressloop.telemetry"
        assert rows(database, stored) == [(0, len(RUN.records))]
        # The telemetry of a run that an older version has stored is completed on request.
        assert db.ingest(folder).outcome == "already stored"
        assert db.ingest(folder, replace=True).outcome == "replaced"
        assert rows(database, stored) == [(len(RUN.records), len(RUN.records))]
        assert db.ingest(folder, replace=True).outcome == "already stored"
    assert rows(database, "SELECT version FROM pressloop.schema_version ORDER BY version") == [
        (1,),
        (2,),
        (3,),
        (4,),
    ]


def test_the_intervals_of_a_thinned_run_are_stored_once(database: str, tmp_path: Path) -> None:
    folder = thinned_record(tmp_path / "thinned")
    wanted = wanted_intervals(folder)
    assert "true_mean_mpa" in wanted[0]
    with RunDatabase(database) as db:
        assert db.ingest(folder).outcome == "stored"
        assert stored_intervals(database) == wanted
        assert db.ingest(folder).outcome == "already stored"
        assert stored_intervals(database) == wanted
        (folder / "sample.json").write_text(Sample(material="Na3PS4").model_dump_json())
        finalise(folder)
        assert db.ingest(folder, replace=True).outcome == "replaced"
    assert stored_intervals(database) == wanted


def test_a_thinned_run_of_older_tables_gets_its_intervals_on_request(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = thinned_record(tmp_path / "thinned")
    with monkeypatch.context() as patch:
        as_second_version(patch)
        with RunDatabase(database) as db:
            db.ingest(folder)
    with RunDatabase(database) as db:
        assert db.ingest(folder).outcome == "already stored"
        assert stored_intervals(database) == []
        assert db.ingest(folder, replace=True).outcome == "replaced"
        assert stored_intervals(database) == wanted_intervals(folder)
        assert db.ingest(folder, replace=True).outcome == "already stored"


def test_the_command_stores_what_it_can_and_names_the_rest(database: str, tmp_path: Path) -> None:
    good, bad = recorded(tmp_path / "good"), recorded(tmp_path / "bad", ended=False)
    result = CliRunner().invoke(app, ["ingest", database, str(bad), str(good), "--json"])
    assert result.exit_code == 1
    assert "not-finished" in result.stderr
    assert [one["outcome"] for one in json.loads(result.stdout)] == ["stored"]
    again = CliRunner().invoke(app, ["ingest", database, str(good)])
    assert again.exit_code == 0
    assert "already stored" in again.output


def test_a_database_that_is_not_there_is_named(tmp_path: Path) -> None:
    dsn = f"postgresql://lab@/postgres?host={tmp_path}"
    result = CliRunner().invoke(app, ["ingest", dsn, str(tmp_path)])
    assert result.exit_code == 1
    assert "(database)" in result.output


def test_without_the_extra_the_pip_command_is_named() -> None:
    hidden = "import sys; sys.modules['psycopg'] = None\nimport pressloop.integrations.postgresql"
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True)
    assert "pip install 'pressloop[postgresql]'" in done.stderr
