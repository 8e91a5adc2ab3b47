"""Defines the tables of the run database, and brings a database up to this version of them.

Changes are only ever appended to `MIGRATIONS`: a database in a lab has the older ones already.
"""

from __future__ import annotations

from typing import Any, Final

from pressloop.errors import PressloopError
from pressloop.integrations.postgresql_places import (
    RUN_PLACES_2,
    STAGE_PLACES_2,
    STAGE_PLACES_4,
    add_columns,
)

SCHEMA: Final = "pressloop"
"""Name of the schema that has all tables."""

_LOCK: Final = 0x70726573
"""Advisory lock under which the tables are changed; any number that other programs do not use."""

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE pressloop.run (
             run_id text PRIMARY KEY,
             checksum text NOT NULL,
             ingested_at timestamptz NOT NULL DEFAULT now(),
             protocol_name text NOT NULL,
             protocol_text text NOT NULL,
             protocol_sha256 text NOT NULL,
             simulated boolean NOT NULL,
             end_reason text NOT NULL,
             fault text,
             complete boolean NOT NULL,
             started_unix_time_second double precision NOT NULL,
             started_at timestamptz GENERATED ALWAYS AS
               (to_timestamp(started_unix_time_second)) STORED,
             duration_s double precision NOT NULL,
             die_mm double precision,
             board_id text NOT NULL,
             firmware_build text NOT NULL,
             profile_hash text NOT NULL,
             wire_schema text NOT NULL,
             folder text NOT NULL,
             summary jsonb NOT NULL)""",
        "CREATE INDEX run_started ON pressloop.run (started_at)",
        "CREATE INDEX run_protocol ON pressloop.run (protocol_sha256)",
        """CREATE TABLE pressloop.stage (
             run_id text NOT NULL REFERENCES pressloop.run ON DELETE CASCADE,
             source text NOT NULL CHECK (source IN ('reading', 'truth')),
             index integer NOT NULL,
             name text NOT NULL,
             iteration integer NOT NULL,
             outcome text NOT NULL,
             verdict text,
             target_mpa double precision NOT NULL,
             mean_mpa double precision,
             mean_mpa_uncertainty double precision,
             peak_mpa double precision,
             overshoot_mpa double precision,
             in_band_fraction double precision,
             dwell_s double precision,
             rms_error_mpa double precision,
             settle_s double precision,
             force_kn double precision,
             details jsonb NOT NULL,
             PRIMARY KEY (run_id, source, index))""",
        """CREATE TABLE pressloop.event (
             run_id text NOT NULL REFERENCES pressloop.run ON DELETE CASCADE,
             number integer NOT NULL,
             unix_time_second double precision NOT NULL,
             kind text NOT NULL,
             tick bigint,
             data jsonb NOT NULL,
             PRIMARY KEY (run_id, number))""",
        """CREATE TABLE pressloop.telemetry (
             run_id text NOT NULL REFERENCES pressloop.run ON DELETE CASCADE,
             seq bigint NOT NULL,
             tick bigint NOT NULL,
             time_s double precision NOT NULL,
             pressure_mpa double precision NOT NULL,
             setpoint_mpa double precision NOT NULL,
             displacement_mm double precision,
             output_percent double precision NOT NULL,
             raw_counts integer NOT NULL,
             step_id integer,
             stage_id integer,
             state text NOT NULL,
             in_band boolean NOT NULL,
             dwelling boolean NOT NULL,
             thinned boolean NOT NULL,
             emergency_stop boolean NOT NULL,
             guard_open boolean NOT NULL,
             oil_derived_mpa double precision,
             true_pressure_mpa double precision,
             PRIMARY KEY (run_id, seq))""",
    ),
    (
        add_columns("summary", RUN_PLACES_2),
        add_columns("details", STAGE_PLACES_2),
        # The tables of version 1 did not say which version had stored a run.
        "ALTER TABLE pressloop.run ADD COLUMN tables_version integer NOT NULL DEFAULT 1",
        """ALTER TABLE pressloop.telemetry
             ADD COLUMN unix_time_second double precision,
             ADD COLUMN approaching boolean,
             ADD COLUMN saturated boolean,
             ADD COLUMN sealed boolean,
             ADD COLUMN host_lost boolean,
             ADD COLUMN topping_up boolean,
             ADD COLUMN load_cell boolean,
             ADD COLUMN button boolean,
             ADD COLUMN vessel_pressure boolean,
             ADD COLUMN true_oil_mpa double precision,
             ADD COLUMN true_oil_derived_mpa double precision,
             ADD COLUMN relative_density double precision""",
    ),
    (
        """CREATE TABLE pressloop.telemetry_interval (
             run_id text NOT NULL REFERENCES pressloop.run ON DELETE CASCADE,
             first_seq bigint NOT NULL,
             records bigint NOT NULL,
             time_s double precision NOT NULL,
             duration_s double precision NOT NULL,
             step_id integer,
             mean_mpa double precision NOT NULL,
             rms_error_mpa double precision,
             in_band_fraction double precision,
             mean_output_percent double precision NOT NULL,
             true_mean_mpa double precision,
             PRIMARY KEY (run_id, first_seq))""",
    ),
    (add_columns("details", STAGE_PLACES_4),),
)
"""The statements of each version, from the first one on.

A value that the record has gained gets a column in a new version: add its place to a new table of
`postgresql_places`. A test names what is missing.
"""

VERSION: Final = len(MIGRATIONS)

RUN_COLUMNS: Final = (
    "run_id",
    "checksum",
    "tables_version",
    "protocol_name",
    "protocol_text",
    "protocol_sha256",
    "simulated",
    "end_reason",
    "fault",
    "complete",
    "started_unix_time_second",
    "duration_s",
    "die_mm",
    "board_id",
    "firmware_build",
    "profile_hash",
    "wire_schema",
    "folder",
    "summary",
)
"""Columns that are written; the database takes the others out of `summary`."""

STAGE_COLUMNS: Final = (
    "run_id",
    "source",
    "index",
    "name",
    "iteration",
    "outcome",
    "verdict",
    "target_mpa",
    "mean_mpa",
    "mean_mpa_uncertainty",
    "peak_mpa",
    "overshoot_mpa",
    "in_band_fraction",
    "dwell_s",
    "rms_error_mpa",
    "settle_s",
    "force_kn",
    "details",
)
"""Columns that are written; the database takes the others out of `details`."""

EVENT_COLUMNS: Final = ("run_id", "number", "unix_time_second", "kind", "tick", "data")

TELEMETRY_COLUMNS: Final = (
    "run_id",
    "seq",
    "tick",
    "time_s",
    "pressure_mpa",
    "setpoint_mpa",
    "displacement_mm",
    "output_percent",
    "raw_counts",
    "step_id",
    "stage_id",
    "state",
    "in_band",
    "dwelling",
    "thinned",
    "emergency_stop",
    "guard_open",
    "oil_derived_mpa",
    "true_pressure_mpa",
    "unix_time_second",
    "approaching",
    "saturated",
    "sealed",
    "host_lost",
    "topping_up",
    "load_cell",
    "button",
    "vessel_pressure",
    "true_oil_mpa",
    "true_oil_derived_mpa",
    "relative_density",
)

INTERVAL_COLUMNS: Final = (
    "run_id",
    "first_seq",
    "records",
    "time_s",
    "duration_s",
    "step_id",
    "mean_mpa",
    "rms_error_mpa",
    "in_band_fraction",
    "mean_output_percent",
    "true_mean_mpa",
)


def update_schema(connection: Any) -> None:
    """Make the tables, or change older ones to this version; call it in a transaction.

    Args:
        connection: An open connection of psycopg.

    Raises:
        PressloopError: `database-newer`.
    """
    # Two programs may begin with an empty database at the same moment.
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    connection.execute("CREATE SCHEMA IF NOT EXISTS pressloop")
    connection.execute(
        """CREATE TABLE IF NOT EXISTS pressloop.schema_version (
             version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"""
    )
    row = connection.execute(
        "SELECT coalesce(max(version), 0) FROM pressloop.schema_version"
    ).fetchone()
    found = int(row[0])
    if found > VERSION:
        raise PressloopError(
            f"the tables of the database have version {found}, this Pressloop knows {VERSION}",
            code="database-newer",
            hint="pip install --upgrade pressloop",
        )
    for version in range(found, VERSION):
        for statement in MIGRATIONS[version]:
            connection.execute(statement)
        connection.execute(
            "INSERT INTO pressloop.schema_version (version) VALUES (%s)", (version + 1,)
        )
