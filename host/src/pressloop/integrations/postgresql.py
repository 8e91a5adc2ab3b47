"""Stores finished runs in a PostgreSQL database, each exactly once (extra `postgresql`).

The folder of a run stays the record; the database is a copy to search and to compare in. One run is
one transaction: it is there whole or not at all, however often and however many at once it is
brought in.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from pressloop.errors import PressloopError, RecordError
from pressloop.evaluation import RunRecord
from pressloop.evaluation.manifest import compare_files, read_manifest
from pressloop.extras import needs_extra
from pressloop.integrations.postgresql_schema import (
    EVENT_COLUMNS,
    INTERVAL_COLUMNS,
    RUN_COLUMNS,
    SCHEMA,
    STAGE_COLUMNS,
    TELEMETRY_COLUMNS,
    VERSION,
    update_schema,
)
from pressloop.record.columns import SUMMARY_NAME

with needs_extra("postgresql"):
    import psycopg
    from psycopg import sql
    from psycopg.types.json import Jsonb

Outcome = Literal["stored", "already stored", "replaced"]


@dataclass(frozen=True)
class Ingested:
    """What became of one run."""

    folder: Path
    run_id: str
    outcome: Outcome


class RunDatabase:
    """A database with runs; makes and updates its tables at the first use."""

    def __init__(self, dsn: str) -> None:
        """Connect.

        Args:
            dsn: Connection string of PostgreSQL, such as `postgresql://user@host/lab`.

        Raises:
            PressloopError: `database`: there is no connection. `database-newer`: a newer version
                has changed the tables in a way that this one does not know.
        """
        with _database_errors():
            self._connection = psycopg.connect(dsn, autocommit=True)
            # Each statement sees what others have committed, whatever the server's default is.
            self._connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        try:
            with _database_errors(), self._connection.transaction():
                update_schema(self._connection)
        except BaseException:
            self._connection.close()
            raise

    def ingest(self, folder: Path, *, replace: bool = False) -> Ingested:
        """Store one finished run, unless it is there already.

        Args:
            folder: Of the run.
            replace: Store it anew if the database has another evaluation of the same run, or if an
                earlier version stored it, whose tables had less of it.

        Raises:
            RecordError: `not-finished`: the run goes on or was never finalised. `record-damaged`:
                its files do not have the checksums of its manifest.
            PressloopError: `stored-otherwise`: the database has another evaluation of this run.
                `database`: it refused.
        """
        checksum = _checked(folder)
        record = RunRecord.open(folder)
        run_id = record.summary.run_id
        with _database_errors(), self._connection.transaction():
            # Waits for another program that stores the same run at this moment.
            if self._insert_run(record, checksum):
                self._insert_rest(record)
                return Ingested(folder, run_id, "stored")
            found, version = self._stored(run_id)
            if found == checksum and (version == VERSION or not replace):
                return Ingested(folder, run_id, "already stored")
            if not replace:
                raise PressloopError(
                    f"the database has another evaluation of run {run_id} than {folder}",
                    code="stored-otherwise",
                    hint="pass --replace to store this one instead",
                )
            self._connection.execute(_sql("DELETE FROM {}.run WHERE run_id = %s"), (run_id,))
            if not self._insert_run(record, checksum):
                raise PressloopError(
                    f"run {run_id} was stored by another program at the same moment",
                    code="stored-otherwise",
                    hint="try again",
                )
            self._insert_rest(record)
            return Ingested(folder, run_id, "replaced")

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()

    def __enter__(self) -> RunDatabase:
        """Use in a `with` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect."""
        self.close()

    def _insert_run(self, record: RunRecord, checksum: str) -> bool:
        """Insert the row of a run; return whether it was not there yet."""
        summary, header = record.summary, record.header
        document = json.loads((record.directory / SUMMARY_NAME).read_text("utf-8"))
        values = {
            "run_id": summary.run_id,
            "checksum": checksum,
            "tables_version": VERSION,
            "protocol_name": summary.protocol_name,
            "protocol_text": header.protocol_text,
            "protocol_sha256": summary.hashes.protocol_sha256,
            "simulated": summary.simulated,
            "end_reason": summary.end_reason,
            "fault": summary.fault,
            "complete": summary.complete,
            "started_unix_time_second": summary.started_unix_time_second,
            "duration_s": summary.duration_s,
            "die_mm": header.die_mm,
            "board_id": header.board.unique_id,
            "firmware_build": summary.hashes.firmware_build,
            "profile_hash": summary.hashes.profile,
            "wire_schema": summary.hashes.wire_schema,
            "folder": str(record.directory.absolute()),
            "summary": Jsonb(document),
        }
        found = self._connection.execute(
            _insert("run", RUN_COLUMNS, " ON CONFLICT (run_id) DO NOTHING RETURNING run_id"),
            [values[name] for name in RUN_COLUMNS],
        )
        return found.fetchone() is not None

    def _stored(self, run_id: str) -> tuple[str | None, int]:
        """Return the checksum of a stored run, and the version of the tables that it came with."""
        query = _sql("SELECT checksum, tables_version FROM {}.run WHERE run_id = %s")
        row = self._connection.execute(query, (run_id,)).fetchone()
        return (None, VERSION) if row is None else (str(row[0]), int(row[1]))

    def _insert_rest(self, record: RunRecord) -> None:
        summary, run_id = record.summary, record.summary.run_id
        with self._connection.cursor() as cursor:
            for source, stages in (("reading", summary.stages), ("truth", summary.truth or ())):
                for stage in stages:
                    fields = stage.model_dump(mode="json")
                    row = {"run_id": run_id, "source": source, **fields, "details": Jsonb(fields)}
                    cursor.execute(
                        _insert("stage", STAGE_COLUMNS), [row[name] for name in STAGE_COLUMNS]
                    )
            for number, event in enumerate(record.events):
                row = {"run_id": run_id, "number": number, **event.model_dump(mode="json")}
                row["data"] = Jsonb(row["data"])
                cursor.execute(
                    _insert("event", EVENT_COLUMNS), [row[name] for name in EVENT_COLUMNS]
                )
            self._copy_tables(cursor, record)

    def _copy_tables(self, cursor: Any, record: RunRecord) -> None:
        """Copy the telemetry, and the intervals that sum up its quiet stretches, if any."""
        run_id = record.summary.run_id
        _copy(cursor, "telemetry", run_id, record.table(TELEMETRY_COLUMNS[1:]))
        intervals = record.intervals()
        if intervals is not None:
            known = [name for name in intervals.column_names if name in INTERVAL_COLUMNS]
            _copy(cursor, "telemetry_interval", run_id, intervals.select(known))


def _copy(cursor: Any, name: str, run_id: str, table: Any) -> None:
    """Copy the rows of a run into a table as CSV, which Arrow writes and PostgreSQL reads in bulk.

    Args:
        cursor: In the transaction of the run.
        name: The table in the database.
        run_id: The run, first column of every row.
        table: The rows, a `pyarrow.Table` whose columns have the names of those in the database.
    """
    import pyarrow as pa
    from pyarrow import csv

    names = table.column_names
    columns = [
        column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    run = pa.array([run_id] * table.num_rows, pa.string())
    text = pa.table([run, *columns], names=["run_id", *names])
    command = sql.SQL("COPY {}.{} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(SCHEMA),
        sql.Identifier(name),
        sql.SQL(", ").join(map(sql.Identifier, ["run_id", *names])),
    )
    with cursor.copy(command) as copy:
        for batch in text.to_batches(max_chunksize=50_000):
            sink = io.BytesIO()
            csv.write_csv(batch, sink, csv.WriteOptions(include_header=False))
            copy.write(sink.getvalue())


def _checked(folder: Path) -> str:
    """Return the checksum of a finished record after comparing its files with it.

    Raises:
        RecordError: `not-finished` or `record-damaged`.
    """
    try:
        manifest = read_manifest(folder)
    except ValueError as error:
        raise _damaged(folder, str(error)) from error
    if manifest is None:
        RunRecord.open(folder)  # raises what is wrong if this is no record
        raise RecordError(
            f"{folder} holds no finished run",
            code="not-finished",
            hint="wait for its end; if its program was killed, pressloop attach or verify --repair",
        )
    changed = [name for name, state in compare_files(folder, manifest).items() if state != "ok"]
    if changed:
        raise _damaged(folder, f"{', '.join(changed)} differ from the checksums")
    return manifest.self_sha256


def _damaged(folder: Path, what: str) -> RecordError:
    return RecordError(
        f"{folder}: {what}",
        code="record-damaged",
        hint="look at it with pressloop verify, then try again",
    )


def _sql(text: str) -> Any:
    return sql.SQL(text).format(sql.Identifier(SCHEMA))


def _insert(table: str, columns: Sequence[str], more: str = "") -> Any:
    return sql.SQL("INSERT INTO {}.{} ({}) VALUES ({})" + more).format(
        sql.Identifier(SCHEMA),
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
    )


@contextmanager
def _database_errors() -> Iterator[None]:
    """Turn an error of the database into a PressloopError `database`."""
    try:
        yield
    except psycopg.Error as error:
        said = " ".join(str(error).split())
        raise PressloopError(
            f"the database says: {said}",
            code="database",
            hint="check the connection string, and that its user may create and change tables",
        ) from error
