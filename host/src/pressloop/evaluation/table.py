"""Builds the tables of `telemetry.parquet` and `intervals.parquet` and writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pressloop.evaluation.run_data import RunData
from pressloop.evaluation.summary import RunSummary
from pressloop.record.columns import FLAGS, INPUTS, NO_STEP, STATES
from pressloop.wire.schema import NO_DISPLACEMENT, OUTPUT_FULL

METADATA_KEY: Final = b"pressloop"


def telemetry_table(data: RunData, summary: RunSummary) -> Any:
    """Build a `pyarrow.Table` with one row per telemetry record.

    Columns are as in docs/run-record.md.
    """
    header, series, records, truth = data.header, data.series, data.series.records, data.truth
    no_step = records["step"] == NO_STEP
    stage_of_step = np.full(NO_STEP + 1, NO_STEP, np.uint8)
    for stage in header.stages:
        stage_of_step[list(stage.steps)] = stage.index
    stage = stage_of_step[records["step"]]
    columns: dict[str, Any] = {
        "seq": pa.array(series.seq.astype(np.uint32)),
        "tick": pa.array(records["tick"]),
        "time_s": pa.array(data.time_s),
        "unix_time_second": pa.array(data.time_s + summary.started_unix_time_second),
        "pressure_mpa": pa.array(data.pressure_mpa),
        "setpoint_mpa": pa.array(data.setpoint_mpa),
        "displacement_mm": pa.array(
            records["displacement_um"] / 1000, mask=records["displacement_um"] == NO_DISPLACEMENT
        ),
        "output_percent": pa.array(data.output_percent),
        "raw_counts": pa.array(records["raw"]),
        "step_id": pa.array(records["step"], mask=no_step),
        "stage_id": pa.array(stage, mask=stage == NO_STEP),
        "state": _states(records["state"]),
    }
    for name, bit in FLAGS.items():
        columns[name] = pa.array(records["flags"] & bit != 0)
    for name, bit in INPUTS.items():
        columns[name] = pa.array(records["inputs"] & bit != 0)
    columns["thinned"] = pa.array(series.thinned)
    if data.oil_derived_mpa is not None:
        columns["oil_derived_mpa"] = pa.array(data.oil_derived_mpa)
    if truth is not None:
        for name, values in (
            ("true_pressure_mpa", truth.pressure_mpa),
            ("true_oil_mpa", truth.oil_mpa),
            ("true_oil_derived_mpa", truth.oil_derived_mpa),
            ("relative_density", truth.relative_density),
        ):
            columns[name] = pa.array(values, mask=np.isnan(values))
    return pa.table(columns).replace_schema_metadata({METADATA_KEY: _metadata(summary)})


def interval_table(data: RunData, summary: RunSummary) -> Any | None:
    """Build a `pyarrow.Table` with one row per thinned interval; None when nothing was thinned.

    Columns are as in docs/run-record.md.
    """
    series = data.series
    if not series.intervals:
        return None
    first = np.array([one.first for one in series.intervals], np.int64)
    count = np.array([one.count for one in series.intervals], np.int64)
    start_s = data.time_s[np.searchsorted(series.seq, first)]
    names = ("target_kpa", "error_kpa", "square_kpa2", "in_band", "output")
    target, error, square, in_band, output = (
        np.array([getattr(one.sums, name) for one in series.intervals], np.float64)
        for name in names
    )
    columns: dict[str, Any] = {
        "first_seq": pa.array(first.astype(np.uint32)),
        "records": pa.array(count.astype(np.uint32)),
        "time_s": pa.array(start_s),
        "duration_s": pa.array(count * data.header.record_interval_s),
        "step_id": pa.array(
            np.array([one.sums.step for one in series.intervals], np.uint8),
            mask=np.array([one.sums.step == NO_STEP for one in series.intervals]),
        ),
        "mean_mpa": pa.array((target + error / count) / 1000),
        "rms_error_mpa": pa.array(np.sqrt(square / count) / 1000, mask=target == 0),
        "in_band_fraction": pa.array(in_band / count, mask=target == 0),
        "mean_output_percent": pa.array(100 * (output / count / OUTPUT_FULL)),
    }
    if any(one.truth is not None and one.truth.count for one in series.intervals):
        columns["true_mean_mpa"] = pa.array(
            [
                one.sums.target_kpa / 1000 + one.truth.error_mpa / one.truth.count
                if one.truth is not None and one.truth.count
                else None
                for one in series.intervals
            ],
            pa.float64(),
        )
    return pa.table(columns).replace_schema_metadata({METADATA_KEY: _metadata(summary)})


def write_parquet(table: Any, path: Path) -> None:
    """Write the table; half as large as with default encodings: measurements rarely repeat."""
    encoding = {
        field.name: "BYTE_STREAM_SPLIT" for field in table.schema if field.type == pa.float64()
    }
    encoding |= {
        name: "DELTA_BINARY_PACKED"
        for name in ("seq", "tick", "first_seq")
        if name in table.column_names
    }
    states = [name for name in ("state",) if name in table.column_names]
    pq.write_table(
        table,
        path,
        compression="zstd",
        use_dictionary=states,
        column_encoding=encoding,
        write_page_checksum=True,
    )


def _states(codes: np.ndarray[Any, Any]) -> Any:
    present, indices = np.unique(codes, return_inverse=True)
    # A newer firmware may have a state that this host has no name for: its number is shown.
    names = [STATES.get(int(code), f"state {code}") for code in present]
    return pa.DictionaryArray.from_arrays(
        pa.array(indices.astype(np.int8)), pa.array(names, pa.string())
    )


def _metadata(summary: RunSummary) -> bytes:
    return json.dumps(
        {
            "run_id": summary.run_id,
            "simulated": summary.simulated,
            "end_reason": summary.end_reason,
            **summary.hashes.model_dump(),
        }
    ).encode()
