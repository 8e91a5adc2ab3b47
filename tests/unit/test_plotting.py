"""The plot shows what a reader must not miss, and loses no extreme."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text
from pressloop.errors import PressloopError
from pressloop.evaluation import RunRecord
from pressloop.extras import needs_extra
from pressloop.plotting import plot_run
from pressloop.plotting.figure import _rows, figure_of
from pressloop.plotting.lines import min_max
from pressloop.record import RunEnd, RunRecorder

from tests.unit import synthetic_run
from tests.unit.synthetic_run import Shape, SyntheticRun

SHORT = Shape(targets_mpa=(20.0, 8.0), hold_s=0.3, prompt_s=0.05, bump_mpa=0.01, noise_mpa=0.0)


def recorded(
    folder: Path,
    run: SyntheticRun,
    end: RunEnd | None,
    pieces: tuple[tuple[int, int], ...] = ((0, 1 << 20),),
) -> RunRecord:
    with RunRecorder.create(folder, run.header) as recorder:
        recorder.started(run.run_first, run.start_tick)
        for start, stop in pieces:
            recorder.telemetry(*run.batch(start, stop))
        recorder.close(end)
    (folder / "run.truth").write_bytes(run.truth)
    return RunRecord.open(folder)


def texts(record: RunRecord) -> str:
    figure = figure_of(record)
    found = [item.get_text() for item in figure.findobj(Text) if isinstance(item, Text)]
    return "\n".join(found)


@pytest.mark.parametrize(
    ("suffix", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")]
)
def test_formats(tmp_path: Path, suffix: str, magic: bytes) -> None:
    run = synthetic_run.run(SHORT)
    path = plot_run(recorded(tmp_path / "run", run, run.end()), tmp_path / f"plot.{suffix}")
    assert path.read_bytes().startswith(magic)


def test_another_format_is_refused_by_name(tmp_path: Path) -> None:
    run = synthetic_run.run(SHORT)
    with pytest.raises(PressloopError, match=r"plot\.bmp") as refusal:
        plot_run(recorded(tmp_path, run, run.end()), tmp_path / "plot.bmp")
    assert refusal.value.code == "plot-format"


def test_a_good_run_names_stages_prompts_and_verdicts(tmp_path: Path) -> None:
    run = synthetic_run.run()
    shown = texts(recorded(tmp_path, run, run.end()))
    assert "Sodium-ion three-step" in shown
    assert "Bond cathode\n500 MPa ✓" in shown
    assert "insert part 2" in shown
    assert "true pressure" in shown
    assert "NOT COMPLETED" not in shown
    assert "✗" not in shown


def test_a_simulated_run_is_marked_twice_and_a_real_one_never(tmp_path: Path) -> None:
    run = synthetic_run.run(SHORT)
    assert texts(recorded(tmp_path / "a", run, run.end())).count("SIMULATED") == 2
    real = SyntheticRun(
        synthetic_run.header(SHORT, simulated=False), run.run_first, run.start_tick, run.records
    )
    with RunRecorder.create(tmp_path / "b", real.header) as recorder:
        recorder.telemetry(*real.batch(0, 100))
    assert "SIMULATED" not in texts(RunRecord.open(tmp_path / "b"))


def test_a_long_name_leaves_room_for_the_badge(tmp_path: Path) -> None:
    run = synthetic_run.run(SHORT)
    run.header = synthetic_run.header(SHORT, protocol_name="W" * 40 + " " + "M" * 39)
    figure = figure_of(recorded(tmp_path, run, run.end()))
    title = figure.get_suptitle()
    assert max(map(len, title.splitlines())) <= 80
    figure.draw_without_rendering()
    badge = next(t for t in figure.texts if t.get_text() == "SIMULATED").get_window_extent()
    heading = next(t for t in figure.texts if t.get_text() == title).get_window_extent()
    assert heading.x1 < badge.x0


def test_the_arrival_panels_say_the_mean_with_its_uncertainty(tmp_path: Path) -> None:
    run = synthetic_run.run()
    mean = "mean 74.0 ± 1.9 MPa by the oil,\n± 8 on the pellet (k=2)"
    assert mean in texts(recorded(tmp_path, run, run.end()))


def test_what_went_wrong_is_in_the_title(tmp_path: Path) -> None:
    run = synthetic_run.run(Shape(bump_mpa=9, stop_after_step=4))
    end = run.end(end_reason="fault", fault="no-pressure-gain")
    shown = texts(recorded(tmp_path, run, end, ((0, 500), (620, 1 << 20))))
    assert "NOT COMPLETED: fault (no pressure gain)" in shown
    assert "1.2 s of telemetry missing (hatched)" in shown
    assert "not reached: Stack pressure" in shown
    assert "Densify electrolyte\n250 MPa ✗" in shown


def test_a_run_that_is_being_recorded_is_in_progress(tmp_path: Path) -> None:
    run = synthetic_run.run()
    with RunRecorder.create(tmp_path, run.header) as recorder:
        recorder.started(run.run_first, run.start_tick)
        recorder.telemetry(*run.batch(0, 800))
        record = RunRecord.open(tmp_path)
        assert record.in_progress
        shown = texts(record)
        assert "in progress" in shown
        assert "Bond cathode\n500 MPa …" in shown
        assert "✗" not in shown and "NOT COMPLETED" not in shown and "not reached" not in shown
        recorder.close(None)
    assert not RunRecord.open(tmp_path).in_progress
    assert "NOT COMPLETED: interrupted" in texts(RunRecord.open(tmp_path))


def test_the_force_stands_beside_the_pressure(tmp_path: Path) -> None:
    run = synthetic_run.run(SHORT)
    figure = figure_of(recorded(tmp_path, run, run.end()))
    (scale,) = figure.axes[0].child_axes
    assert scale.get_ylabel() == "force on the pellet, kN"
    figure.draw_without_rendering()
    # 78.54 mm2 of a die of 10 mm.
    low, high = figure.axes[0].get_ylim()
    assert scale.get_ylim() == pytest.approx((0.0785398 * low, 0.0785398 * high))


def test_the_legend_lies_over_no_curve(tmp_path: Path) -> None:
    run = synthetic_run.run()
    figure = figure_of(recorded(tmp_path, run, run.end(), ((0, 500), (620, 1 << 20))))
    figure.draw_without_rendering()
    panel, valves = (axes.get_window_extent() for axes in figure.axes[:2])
    legend = figure.axes[0].get_legend()
    assert legend is not None
    named = [text.get_text() for text in legend.get_texts()]
    assert {"band of hold", "operator prompt", "not recorded"} < set(named)
    assert len(named) == len(set(named))
    place = legend.get_window_extent()
    assert valves.y1 < place.y0 and place.y1 < panel.y0
    assert panel.x0 < place.x0 and place.x1 < panel.x1


def test_a_line_breaks_at_a_gap(tmp_path: Path) -> None:
    run = synthetic_run.run(SHORT)
    record = recorded(tmp_path, run, run.end(), ((0, 20), (40, 60), (60, 1 << 20)))
    axes = figure_of(record).axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    drawn = np.asarray(lines["pressure (reading)"].get_xdata(), float)
    assert np.flatnonzero(np.isnan(drawn)).tolist() == [20]


def test_a_run_without_telemetry_can_be_drawn(tmp_path: Path) -> None:
    run = synthetic_run.run(SHORT)
    assert "no telemetry" in texts(recorded(tmp_path, run, None, ()))


def test_panels_share_the_rows_evenly() -> None:
    assert [list(map(len, _rows([0] * count))) for count in range(7)] == [
        [],
        [1],
        [2],
        [3],
        [2, 2],
        [3, 2],
        [3, 3],
    ]


def test_many_stages_show_the_worst_arrivals(tmp_path: Path) -> None:
    targets = (10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 22.0, 24.0)
    run = synthetic_run.run(Shape(targets_mpa=targets, hold_s=0.1, prompt_s=0.02))
    record = recorded(tmp_path, run, run.end())
    axes = figure_of(record).axes
    assert len(axes) == 2 + 6
    # The same overshoot in MPa is the larger in percent, the lower the target.
    assert "10 MPa" in axes[2].get_title(loc="left")
    assert "20 MPa" in axes[-1].get_title(loc="left")


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400),
    st.integers(2, 60),
)
def test_thinning_keeps_order_ends_and_extremes(values: list[float], points: int) -> None:
    time = np.arange(len(values), dtype=np.float64)
    kept_time, kept = min_max(time, np.array(values), points)
    assert kept.size <= max(points + 2, 4)
    assert (np.diff(kept_time) > 0).all()
    assert (kept_time[0], kept_time[-1]) == (time[0], time[-1])
    assert (kept.min(), kept.max()) == (min(values), max(values))
    assert kept.tolist() == [values[int(index)] for index in kept_time]


def test_a_missing_extra_names_the_pip_command() -> None:
    with (
        pytest.raises(PressloopError, match=r"pip install 'pressloop\[plot\]'"),
        needs_extra("plot"),
    ):
        import no_such_package_of_the_plot_extra  # type: ignore[import-not-found]  # noqa: F401


def test_a_broken_pressloop_is_not_blamed_on_an_extra() -> None:
    with pytest.raises(ModuleNotFoundError), needs_extra("plot"):
        import pressloop.no_such_module  # type: ignore[import-not-found]  # noqa: F401
