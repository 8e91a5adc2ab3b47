"""The curve of a run is kept in bounded memory, with every peak."""

from __future__ import annotations

from pressloop.session.telemetry import TelemetryRecord
from pressloop.web.live_curve import MAX_STRETCHES, LiveCurve, Stretches
from pressloop.wire.schema import TICK_HZ


def record(tick: int, mpa: float) -> TelemetryRecord:
    return TelemetryRecord(tick, round(mpa * 1000), 74_000, 0, 0, 0, 1, 0, 0, 0)


def test_a_week_fits_and_keeps_a_peak_of_one_record() -> None:
    stretches = Stretches()
    week = 7 * 24 * 3600 * TICK_HZ
    peak = week // 3 + 7
    for tick in [*range(0, week, 1009), peak]:
        stretches.add(tick, 74.0, 74.0)
    ordered = Stretches()
    for tick in sorted([*range(0, week, 1009), peak]):
        ordered.add(tick, 99.0 if tick == peak else 74.0, 74.0)
    rows = ordered.rows()
    assert len(rows) <= MAX_STRETCHES
    assert max(high for _, _, high, _ in rows) == 99.0
    assert min(low for _, low, _, _ in rows) == 74.0
    at = next(tick for tick, _, high, _ in rows if high == 99.0)
    assert at <= peak < at + ordered.ticks
    assert len(stretches.rows()) <= MAX_STRETCHES


def test_records_that_come_twice_or_late_are_ignored() -> None:
    curve = LiveCurve()
    assert [tick for tick, _, _ in curve.add([record(5, 1), record(6, 2)])] == [5, 6]
    assert [tick for tick, _, _ in curve.add([record(4, 9), record(6, 9), record(7, 3)])] == [7]


def test_a_page_that_reloads_gets_the_run_from_its_start() -> None:
    curve = LiveCurve()
    curve.add([record(tick, 0) for tick in range(100)])
    before = curve.epoch
    curve.begin_run(50)
    curve.add([record(tick, tick / 10) for tick in range(100, 30_000)])
    shown = curve.snapshot()
    assert shown["epoch"] != before
    assert shown["start_s"] == 0.5
    assert 0.5 - shown["stretch_s"] < shown["run"]["t"][0] <= 0.5
    assert shown["run"]["hi"][-1] == 2999.9
    assert len(shown["recent"]["t"]) < 20 * TICK_HZ + 100 * 10 + 3
    assert shown["recent"]["t"][0] < 300 - 119
    assert shown["recent"]["hi"][-1] == 2999.9
    curve.end_run(30_000)
    curve.add([record(30_001, 0)])
    assert curve.snapshot()["run"]["hi"][-1] == 2999.9


def test_a_curve_is_filled_again_from_a_record() -> None:
    curve = LiveCurve()
    curve.add([record(900, 9.0)])
    curve.refill(100, [(tick, 5.0, 6.0) for tick in range(100, 900)])
    shown = curve.snapshot()
    assert shown["start_s"] == 1.0
    assert shown["run"]["t"][0] == 1.0
    assert shown["run"]["hi"][-1] == 9.0


def test_another_board_begins_a_new_curve() -> None:
    curve = LiveCurve()
    curve.add([record(900, 9.0)])
    curve.restart()
    assert curve.snapshot()["recent"]["t"] == []
    assert [tick for tick, _, _ in curve.add([record(1, 0)])] == [1]
