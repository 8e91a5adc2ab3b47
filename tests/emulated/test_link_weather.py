"""A link that flips, loses, doubles, reorders, splits, delays and cuts: the record is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from pressloop import MachineProfile, Press, PressDescription, RunRecord, load_protocol, verify
from pressloop.emulator.process import EmulatedBoard

from tests.emulated.weather import Weather, WeatherProxy

PROTOCOL: Final = """
pressloop: 1
name: short
die: 10 mm
ceiling: 200 MPa
vent_rate: 50 MPa/s
stages:
  - name: first
    ramp: {target: 100 MPa, rate: 20 MPa/s}
    hold: {duration: 20 s, tolerance: 2 %}
    release: {target: 0 MPa, rate: 50 MPa/s}
"""
MEASURED: Final = ["pressure_mpa", "setpoint_mpa", "output_percent", "raw_counts", "state", "seq"]


def run_through(folder: Path, weather: Weather) -> tuple[RunRecord, WeatherProxy]:
    """Run the protocol on a fresh board behind a proxy."""
    protocol = folder / "short.yaml"
    protocol.write_text(PROTOCOL, "utf-8")
    with EmulatedBoard(seed=7) as board:
        with Press.open(board.url) as press:
            press.write_profile(MachineProfile.from_fields(PressDescription().nominal_profile()))
        port = int(board.url.rpartition(":")[2])
        with WeatherProxy(port, weather) as proxy:
            with Press.open(proxy.url) as press:
                press.run(load_protocol(protocol), out=folder / "run")
            return RunRecord.open(folder / "run"), proxy


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    record, proxy = run_through(tmp_path_factory.mktemp("calm"), Weather())
    assert proxy.damaged == {} and record.summary.complete
    return record


@pytest.mark.parametrize(
    "weather",
    [
        Weather(flip=0.03),
        Weather(drop=0.03),
        Weather(duplicate=0.1),
        Weather(reorder=0.03),
        Weather(split=0.5),
        Weather(delay=0.05),
        Weather(cut=0.01, stale=True),
        Weather(0.01, 0.01, 0.02, 0.01, 0.1, 0.01, 0.003, stale=True),
    ],
    ids=["flip", "drop", "duplicate", "reorder", "split", "delay", "cut", "all"],
)
def test_the_record_is_the_one_of_a_calm_link(
    calm: RunRecord, tmp_path: Path, weather: Weather
) -> None:
    record, proxy = run_through(tmp_path, weather)
    assert sum(proxy.damaged.values()) >= 3, proxy.damaged
    assert record.summary.end_reason == "completed"
    assert record.summary.gaps == () and verify(record.directory).sound
    assert record.frame()[MEASURED].equals(calm.frame()[MEASURED])
    assert record.summary.stages[0].mean_mpa == calm.summary.stages[0].mean_mpa
