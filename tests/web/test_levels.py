"""A window of a long run is shown in few points, and no peak is lost at any zoom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pressloop.web import levels as module
from pressloop.web.levels import CurveLevels

ROWS = 200_000
PEAK_ROW = 123_457
POINTS = 1000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Telemetry of 200,000 records, 10 s apart, with one peak of one record."""
    pressure = np.full(ROWS, 74.0)
    pressure[PEAK_ROW] = 99.0
    pressure[PEAK_ROW + 10] = 50.0
    table = pa.table(
        {
            "time_s": np.arange(ROWS) * 10.0,
            "pressure_mpa": pressure,
            "setpoint_mpa": np.full(ROWS, 74.0),
        }
    )
    path = tmp_path / "telemetry.parquet"
    pq.write_table(table, path, row_group_size=30_000)
    return path


def test_the_whole_is_shown_with_its_peak_and_its_dip(file: Path) -> None:
    curve = CurveLevels.of_file(file).curve(0, ROWS * 10, POINTS)
    assert len(curve["t"]) <= POINTS
    assert curve["level"] == 4
    assert max(curve["hi"]) == 99.0
    assert min(curve["lo"]) == 50.0


@pytest.mark.parametrize("most", [1_000_000, 10_000])
def test_every_record_is_shown_when_the_window_is_small(
    file: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Also of a record that is too long for memory: its finest rows are read from the file."""
    monkeypatch.setattr(module, "MAX_HELD_ROWS", most)
    levels = CurveLevels.of_file(file)
    start_s = (PEAK_ROW - 100) * 10.0
    curve = levels.curve(start_s, start_s + 2000, POINTS)
    assert curve["level"] == 0
    inside = [t for t in curve["t"] if start_s <= t <= start_s + 2000]
    assert len(inside) == 201
    assert curve["t"][0] < start_s and curve["t"][-1] > start_s + 2000  # lines go on outside
    assert curve["hi"][curve["t"].index(PEAK_ROW * 10.0)] == 99.0


def test_a_window_beside_the_record_is_empty_or_its_edge(file: Path) -> None:
    levels = CurveLevels.of_file(file)
    assert len(levels.curve(-100, -50, POINTS)["t"]) <= 1
    assert len(levels.curve(1e9, 2e9, POINTS)["t"]) <= 2
    assert levels.end_s == (ROWS - 1) * 10.0


def test_an_empty_file_has_no_points(tmp_path: Path) -> None:
    nothing = np.zeros(0)
    path = tmp_path / "telemetry.parquet"
    pq.write_table(
        pa.table({"time_s": nothing, "pressure_mpa": nothing, "setpoint_mpa": nothing}), path
    )
    levels = CurveLevels.of_file(path)
    assert levels.curve(0, 10, POINTS)["t"] == []
    assert levels.end_s == 0.0
