"""Keeps a list of the runs below a folder in SQLite, made from the record of each run.

The database only saves reading every record again. Each use compares it with the folders, and
reads again what has changed. A database that is damaged, or of another version, is made anew; where
none can be written, it is made in memory.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from pressloop.arguments import path_argument
from pressloop.catalogue.entry import CatalogueEntry, CatalogueStage, read_entry
from pressloop.catalogue.search import RunSearch
from pressloop.errors import BadInputError
from pressloop.record.columns import MANIFEST_NAME, SUMMARY_NAME
from pressloop.record.journal import JOURNAL_NAME
from pressloop.sample import SAMPLE_NAME

DATABASE_NAME: Final = "catalogue.sqlite"

_VERSION: Final = 1
"""Raise it with every change of the tables: older databases are then made anew."""

_WAIT_S: Final = 5.0
"""Time to wait for another program that is writing the same database."""

_RUN_COLUMNS: Final = tuple(f.name for f in fields(CatalogueEntry) if f.name != "stages")
_STAGE_COLUMNS: Final = tuple(f.name for f in fields(CatalogueStage))
_WATCHED: Final = (SUMMARY_NAME, MANIFEST_NAME, SAMPLE_NAME)


class Catalogue:
    """The runs below a folder. Use it in a `with` block, or call `close`."""

    def __init__(self, root: Path, database: sqlite3.Connection) -> None:
        """Use `open`."""
        self.root = root
        self._database = database

    @classmethod
    def open(
        cls, root: str | Path = "runs", *, database: str | Path | None = None, rebuild: bool = False
    ) -> Catalogue:
        """Open the catalogue of a folder, and bring it up to date.

        Args:
            root: Folder below which the records are, at any depth.
            database: File of the catalogue. None: `catalogue.sqlite` in the folder.
            rebuild: Read every record again, whether it has changed or not.

        Raises:
            BadInputError: `no-folder`, if there is no such folder.
        """
        folder = path_argument(root, "root")
        if not folder.is_dir():
            raise BadInputError(
                f"{folder} is no folder",
                hint="give the folder that holds the records of your runs",
                code="no-folder",
            )
        path = folder / DATABASE_NAME if database is None else path_argument(database, "database")
        catalogue = cls(folder, _connect(path))
        catalogue.refresh(rebuild=rebuild)
        return catalogue

    def refresh(self, *, rebuild: bool = False) -> int:
        """Compare with the folders; return how many records were read again.

        Args:
            rebuild: Read every record again.
        """
        try:
            return self._refresh(rebuild)
        except sqlite3.Error:
            # Locked for too long, damaged, or the disk is full: the records are what counts.
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = _in_memory()
            return self._refresh(rebuild)

    def _refresh(self, rebuild: bool) -> int:
        found = {folder.relative_to(self.root).as_posix(): folder for folder in _records(self.root)}
        with self._database as database:
            known = {} if rebuild else dict(database.execute("SELECT folder, stamp FROM runs"))
            if rebuild:
                database.execute("DELETE FROM runs")
                database.execute("DELETE FROM stages")
            for place in known.keys() - found.keys():
                self._forget(place)
            read = 0
            for place, folder in found.items():
                stamp = _stamp(folder)
                if stamp and known.get(place) == stamp:
                    continue
                self._forget(place)
                self._keep(read_entry(self.root, folder), stamp)
                read += 1
        return read

    def search(self, wanted: RunSearch | None = None) -> list[CatalogueEntry]:
        """Return the runs that are wanted, the newest first; None: all.

        Raises:
            BadInputError: `bad-date` or `bad-choice`.
        """
        condition, values = (wanted or RunSearch()).condition()
        runs = self._database.execute(
            f"SELECT {', '.join(_RUN_COLUMNS)} FROM runs WHERE {condition} "
            "ORDER BY started_unix_time_second DESC, folder DESC",
            values,
        ).fetchall()
        return [self._entry(row) for row in runs]

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def __enter__(self) -> Catalogue:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _entry(self, row: tuple[Any, ...]) -> CatalogueEntry:
        values = dict(zip(_RUN_COLUMNS, row, strict=True))
        if values["simulated"] is not None:
            values["simulated"] = bool(values["simulated"])
        stages = self._database.execute(
            f"SELECT {', '.join(_STAGE_COLUMNS)} FROM stages WHERE folder = ? ORDER BY position",
            (values["folder"],),
        )
        return CatalogueEntry(**values, stages=tuple(CatalogueStage(*stage) for stage in stages))

    def _forget(self, place: str) -> None:
        for table in ("runs", "stages"):
            self._database.execute(f"DELETE FROM {table} WHERE folder = ?", (place,))

    def _keep(self, entry: CatalogueEntry, stamp: str) -> None:
        values = [getattr(entry, name) for name in _RUN_COLUMNS]
        _insert(self._database, "runs", [*values, stamp])
        for stage in entry.stages:
            _insert(self._database, "stages", [*astuple(stage), entry.folder])


def _records(root: Path) -> Iterator[Path]:
    """Yield the folders that hold a record; there is none inside another."""
    for place, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if SUMMARY_NAME in files or JOURNAL_NAME in files:
            folders.clear()
            yield Path(place)


def _stamp(folder: Path) -> str:
    """Return what changes when a record changes; empty while it has no result yet."""
    if not (folder / SUMMARY_NAME).exists():
        return ""
    parts = []
    for name in _WATCHED:
        with suppress(FileNotFoundError):
            state = (folder / name).stat()
            parts.append(f"{name}:{state.st_mtime_ns}:{state.st_size}")
    return " ".join(parts)


def _connect(path: Path) -> sqlite3.Connection:
    """Open the database, make its tables anew if they are of another version or damaged."""
    for again in (True, False):
        try:
            database = sqlite3.connect(path, timeout=_WAIT_S, isolation_level="IMMEDIATE")
            try:
                _prepare(database)
            except sqlite3.Error:
                database.close()
                raise
            return database
        except sqlite3.OperationalError:
            break  # cannot be written, or is locked
        except sqlite3.DatabaseError:
            if not again or not _is_ours(path):
                break
            with suppress(OSError):
                path.unlink()
    return _in_memory()


def _is_ours(path: Path) -> bool:
    """Return whether a file that is no database may be replaced: only the one we name."""
    return path.name == DATABASE_NAME


def _in_memory() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    _prepare(database)
    return database


def _prepare(database: sqlite3.Connection) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == _VERSION:
        return
    with database:
        for table, columns in (
            ("runs", (*_RUN_COLUMNS, "stamp")),
            ("stages", (*_STAGE_COLUMNS, "folder")),
        ):
            database.execute(f"DROP TABLE IF EXISTS {table}")
            database.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
            database.execute(f"CREATE INDEX {table}_by_folder ON {table} (folder)")
        database.execute(f"PRAGMA user_version = {_VERSION}")


def _insert(database: sqlite3.Connection, table: str, values: list[object]) -> None:
    marks = ", ".join("?" * len(values))
    database.execute(f"INSERT INTO {table} VALUES ({marks})", values)
