"""Names the values of `run.json` that have a column of their own in the run database.

A place is the path of a value from the top of its document, such as `calibration.due`. The database
itself takes these columns out of the stored document, so that a column cannot say something else
than the document, and a run that was stored before gets the column too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Document = Literal["summary", "details"]
"""Column with the document: `summary` of the table `run`, `details` of the table `stage`."""

COLUMN_NAMES: Final = {
    "hashes.protocol_sha256": "protocol_sha256",
    "hashes.firmware_build": "firmware_build",
    "hashes.profile": "profile_hash",
    "hashes.wire_schema": "wire_schema",
    "header.board.unique_id": "board_id",
    "header.board.board": "board",
}
"""Columns that are not named after their place."""


def column_name(place: str) -> str:
    """Return the column of a place: `sample.lot` is in `sample_lot`, `header.port` in `port`."""
    return COLUMN_NAMES.get(place, place.removeprefix("header.").replace(".", "_"))


def add_columns(document: Document, places: Mapping[str, str]) -> str:
    """Return the statement that adds the columns of places to the table of a document.

    Args:
        document: Where the values are.
        places: The SQL type of each place.
    """
    table = "run" if document == "summary" else "stage"
    added = [
        f"ADD COLUMN {column_name(place)} {sql_type} "
        f"GENERATED ALWAYS AS ({_value(document, place, sql_type)}) STORED"
        for place, sql_type in places.items()
    ]
    return f"ALTER TABLE pressloop.{table} " + ", ".join(added)


def _value(document: Document, place: str, sql_type: str) -> str:
    path = "'{" + place.replace(".", ",") + "}'"
    if sql_type == "jsonb":
        return f"NULLIF({document} #> {path}, 'null')"
    return f"({document} #>> {path})::{sql_type}"


RUN_PLACES_2: Final = {
    "schema_name": "text",
    "records": "bigint",
    "thinned.rows": "bigint",
    "thinned.intervals": "bigint",
    "thinned.seconds": "double precision",
    "warnings": "jsonb",
    "sample.die_material": "text",
    "sample.plunger_material": "text",
    "sample.plunger_diameter_mm": "double precision",
    "sample.temperature_c": "double precision",
    "sample.atmosphere": "text",
    "sample.layers": "jsonb",
    "sample.name": "text",
    "sample.lot": "text",
    "sample.operator": "text",
    "sample.material": "text",
    "sample.mass_mg": "double precision",
    "sample.mass_uncertainty_mg": "double precision",
    "sample.true_density_g_cm3": "double precision",
    "sample.true_density_uncertainty_percent": "double precision",
    "sample.thickness_mm": "double precision",
    "sample.thickness_uncertainty_mm": "double precision",
    "sample.empty_die_mm": "double precision",
    "sample.empty_die_uncertainty_mm": "double precision",
    "sample.punches_um_mpa": "double precision",
    "sample.until_stage": "text",
    "channels.count": "bigint",
    "channels.allowed_mpa": "double precision",
    "channels.largest_difference_mpa": "double precision",
    "release_dead_band.tuned_percent": "double precision",
    "release_dead_band.found_percent": "double precision",
    "pump_dead_band.tuned_percent": "double precision",
    "pump_dead_band.found_percent": "double precision",
    "zero_correction_mpa": "double precision",
    "commissioned": "text",
    "calibration.state": "text",
    "calibration.text": "text",
    "calibration.date": "text",
    "calibration.due": "text",
    "calibration.reference": "text",
    "calibration.error_percent": "double precision",
    "calibration.uncertainty_percent": "double precision",
    "calibration.uncertainty_n": "bigint",
    "calibration.up_to_kn": "double precision",
    "note": "text",
    "header.created_unix_time_second": "double precision",
    "header.board.board": "text",
    "header.board.firmware": "text",
    "header.board.build": "text",
    "header.board.boot_id": "bigint",
    "header.board.protocol_version": "text",
    "header.board.schema_hash": "text",
    "header.board.python": "text",
    "header.port": "text",
    "header.tick_hz": "bigint",
    "header.record_every": "bigint",
    "header.die_confirmed": "boolean",
    "header.channels": "bigint",
    "header.emulated_press.seed": "numeric",
    "header.thinning.after_change_s": "double precision",
    "header.thinning.after_event_s": "double precision",
    "header.thinning.before_s": "double precision",
    "header.thinning.event_store_s": "double precision",
    "header.thinning.event_share": "double precision",
    "header.ceiling_mpa": "double precision",
    "header.host_loss.action": "text",
    "header.host_loss.limit_s": "double precision",
    "header.host_loss.timeout_s": "double precision",
    "header.host_loss.vent_rate_mpa_s": "double precision",
    "header.continues.run_id": "text",
    "header.continues.end_reason": "text",
    "header.continues.from_stage": "text",
    "header.continues.protocol_sha256": "text",
    "header.conditions.die_material": "text",
    "header.conditions.plunger_material": "text",
    "header.conditions.plunger_diameter_mm": "double precision",
    "header.conditions.temperature_c": "double precision",
    "header.conditions.atmosphere": "text",
    "header.conditions.layers": "jsonb",
    "header.schema_version": "bigint",
}
"""Places that the table `run` has columns for since version 2 of the tables."""

STAGE_PLACES_2: Final = {
    "path": "text",
    "direction": "text",
    "tolerance_mpa": "double precision",
    "ramp_rate_mpa_s": "double precision",
    "planned_dwell_s": "double precision",
    "dwell_end": "text",
    "duration_s": "double precision",
    "missing_s": "double precision",
    "lowest_mpa": "double precision",
    "overshoot_percent": "double precision",
    "ramp_error_percent": "double precision",
    "full_flow_s": "double precision",
    "hold_within_half_percent": "double precision",
    "top_up_count": "bigint",
    "noise_mpa": "double precision",
    "mean_mpa_reading_uncertainty": "double precision",
    "mean_mpa_repeatability": "double precision",
    "peak_mpa_uncertainty": "double precision",
    "mean_uncertainty.pressure_mpa": "double precision",
    "mean_uncertainty.expanded_mpa": "double precision",
    "mean_uncertainty.reading_mpa": "double precision",
    "mean_uncertainty.systematic_mpa": "double precision",
    "mean_uncertainty.repeatability_mpa": "double precision",
    "mean_uncertainty.coverage_factor": "bigint",
    "relaxation.quantity": "text",
    "relaxation.unit": "text",
    "relaxation.start_s": "double precision",
    "relaxation.duration_s": "double precision",
    "relaxation.change": "double precision",
    "relaxation.fitted": "boolean",
    "relaxation.reason": "text",
    "relaxation.initial": "double precision",
    "relaxation.k1": "double precision",
    "relaxation.k1_standard_error": "double precision",
    "relaxation.k2": "double precision",
    "relaxation.k2_standard_error": "double precision",
    "relaxation.half_time_s": "double precision",
    "relaxation.change_final": "double precision",
    "relaxation.change_final_standard_error": "double precision",
    "relaxation.change_rate_per_min": "double precision",
    "relaxation.r_squared": "double precision",
    "relaxation.residual": "double precision",
    "relaxation.leak_change": "double precision",
    "relaxation.leak_change_uncertainty": "double precision",
    "relaxation.powder_change": "double precision",
    "relaxation.powder_change_uncertainty": "double precision",
    "springback.source": "text",
    "springback.from_mpa": "double precision",
    "springback.to_mpa": "double precision",
    "springback.resolved": "boolean",
    "springback.reason": "text",
    "springback.gained_mm": "double precision",
    "springback.gained_mm_uncertainty": "double precision",
    "springback.gained_percent": "double precision",
    "springback.punches_included": "boolean",
    "density.anchor": "text",
    "density.pressed.thickness_mm": "double precision",
    "density.pressed.thickness_mm_uncertainty": "double precision",
    "density.pressed.relative_density": "double precision",
    "density.pressed.relative_density_uncertainty": "double precision",
    "density.released.thickness_mm": "double precision",
    "density.released.thickness_mm_uncertainty": "double precision",
    "density.released.relative_density": "double precision",
    "density.released.relative_density_uncertainty": "double precision",
    "damage": "text",
    "target_force_kn": "double precision",
    "judged_by": "text",
    "reasons": "jsonb",
}
"""Places that the table `stage` has columns for since version 2 of the tables."""

STAGE_PLACES_4: Final = {
    "planned_rest_s": "double precision",
    "rest_s": "double precision",
    "rest_unloaded_s": "double precision",
}
"""Places that the table `stage` has columns for since version 4 of the tables."""
