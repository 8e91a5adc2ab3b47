"""Results about the powder from a record, and records that allow none."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pressloop.errors import BadInputError
from pressloop.evaluation import RunSummary, finalise
from pressloop.evaluation.pellet_density import stages_of_single_pellet
from pressloop.record import RunRecorder
from pressloop.sample import Sample, keep_sample, load_sample, read_sample
from pressloop.wire.schema import OUTPUT_FULL, RECORD_FORMAT, State

from tests.unit import synthetic_run
from tests.unit.synthetic_run import Shape, SyntheticRun

RUN = synthetic_run.run(Shape(hold_s=4.0))


def closing(run: SyntheticRun, um_per_mpa: float = 0.04) -> SyntheticRun:
    """The same run with a displacement: 5 mm, and the pellet's compression beyond."""
    records = []
    for packed in run.records:
        values = list(struct.unpack(RECORD_FORMAT, packed))
        values[-1] = round(5000 + um_per_mpa * values[1] / 1000)
        records.append(struct.pack(RECORD_FORMAT, *values))
    return replace(run, records=records)


def venting_through(run: SyntheticRun, opening_percent: float) -> SyntheticRun:
    """The same run with that opening of the release valve in the vent."""
    records = []
    for packed in run.records:
        values = list(struct.unpack(RECORD_FORMAT, packed))
        if values[6] == State.VENTING:
            values[3] = round(opening_percent / 100 * OUTPUT_FULL)
        records.append(struct.pack(RECORD_FORMAT, *values))
    return replace(run, records=records)


def finalised(
    folder: Path,
    run: SyntheticRun,
    sample: Sample | None = None,
    pieces: tuple[tuple[int, int], ...] = ((0, 1 << 20),),
) -> RunSummary:
    with RunRecorder.create(folder, run.header) as recorder:
        recorder.started(run.run_first, run.start_tick)
        for start, stop in pieces:
            recorder.telemetry(*run.batch(start, stop))
        recorder.close(run.end())
    keep_sample(folder, sample)
    return finalise(folder)


def test_only_a_stage_that_was_released_has_sprung_back(tmp_path: Path) -> None:
    # 250, 500, 74 MPa with prompts between: only the vent behind the last leads to contact.
    summary = finalised(tmp_path, closing(RUN))
    assert [stage.springback is None for stage in summary.stages] == [True, True, False]
    springback = summary.stages[2].springback
    assert springback is not None and springback.source == "displacement"
    assert springback.gained_mm == pytest.approx(0.04e-3 * 71, abs=1.5e-3)
    assert springback.punches_included and springback.gained_percent is None


def test_without_a_sensor_the_oil_does_not_resolve_springback(tmp_path: Path) -> None:
    stage = finalised(tmp_path, venting_through(RUN, -22)).stages[2]
    assert stage.springback is not None and not stage.springback.resolved
    assert stage.springback.source == "oil volume"
    assert stage.relaxation is not None and not stage.relaxation.fitted
    assert "displacement sensor" in stage.relaxation.reason


def test_a_gap_in_the_release_leaves_the_springback_unknown(tmp_path: Path) -> None:
    run = closing(RUN)
    vent = len(run.records) - 30
    summary = finalised(tmp_path, run, None, ((0, vent), (vent + 5, 1 << 20)))
    assert summary.stages[2].springback is None


def test_a_record_without_a_die_has_no_springback_and_density(tmp_path: Path) -> None:
    old = replace(closing(RUN), header=RUN.header.model_copy(update={"die_mm": None}))
    summary = finalised(tmp_path, old)
    assert all(stage.springback is None and stage.density is None for stage in summary.stages)


def test_which_stages_press_the_pellet_alone() -> None:
    header = RUN.header
    assert [s.index for s in stages_of_single_pellet(header, Sample())] == [0]
    assert [
        s.index for s in stages_of_single_pellet(header, Sample(until_stage="Bond cathode"))
    ] == [0, 2]
    assert [
        s.index for s in stages_of_single_pellet(header, Sample(until_stage="Stack pressure"))
    ] == [0, 2, 4]


@pytest.mark.parametrize(
    ("anchor", "kind", "released_mm"),
    [
        # The closing at contact is 5.000 mm.
        ({"thickness_mm": 0.9}, "measured thickness", 0.9),
        ({"empty_die_mm": 6.1}, "empty die", 1.1),
    ],
)
def test_thickness_from_either_anchor(
    tmp_path: Path, anchor: dict[str, Any], kind: str, released_mm: float
) -> None:
    sample = Sample(
        until_stage="Stack pressure", punches_um_mpa=0, mass_mg=100, true_density_g_cm3=2, **anchor
    )
    summary = finalised(tmp_path, closing(RUN), sample)
    assert summary.sample == sample
    density = summary.stages[2].density
    assert density is not None and density.anchor == kind
    assert density.pressed is not None and density.released is not None
    assert density.released.thickness_mm == pytest.approx(released_mm, abs=1e-3)
    assert density.pressed.thickness_mm == pytest.approx(released_mm - 0.04e-3 * 71, abs=1.5e-3)
    assert density.pressed.relative_density is not None
    assert density.released.relative_density is not None
    assert density.pressed.relative_density > density.released.relative_density
    springback = summary.stages[2].springback
    assert springback is not None and springback.gained_percent is not None
    # A stage behind the named one, or a prompt, presses more than this pellet.
    only_first = finalised(
        tmp_path / "b", closing(RUN), sample.model_copy(update={"until_stage": None})
    )
    assert only_first.stages[2].density is None


def test_a_thickness_by_hand_needs_no_sensor(tmp_path: Path) -> None:
    sample = Sample(
        until_stage="Stack pressure", thickness_mm=0.9, mass_mg=100, true_density_g_cm3=2
    )
    density = finalised(tmp_path, RUN, sample).stages[2].density
    assert density is not None and density.pressed is None and density.released is not None
    assert density.released.relative_density == pytest.approx(50 / (78.54 * 0.9), rel=1e-3)


def test_a_sample_is_kept_and_replaced(tmp_path: Path) -> None:
    assert read_sample(tmp_path) is None
    keep_sample(tmp_path, Sample(thickness_mm=1))
    assert read_sample(tmp_path) == Sample(thickness_mm=1)
    keep_sample(tmp_path, None)
    assert read_sample(tmp_path) is None
    (tmp_path / "sample.json").write_text('{"mas_mg": 3}')
    with pytest.raises(BadInputError, match="mas_mg"):
        read_sample(tmp_path)


def test_a_sample_in_yaml_and_its_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "sample.yaml"
    path.write_text("material: Na3PS4\nmass_mg: 140.2\ntrue_density_g_cm3: 2.2\n")
    assert load_sample(path).solid_volume_mm3 == pytest.approx(63.73, abs=0.01)
    path.write_text("mass_mg: 140.2 mg\nthicknes_mm: 1\n")
    with pytest.raises(BadInputError) as mistake:
        load_sample(path)
    assert [(f.path, getattr(f, "line", None)) for f in mistake.value.findings] == [
        ("mass_mg", 1),
        ("thicknes_mm", 2),
    ]
    path.write_text("mass_mg: 140\n")
    with pytest.raises(BadInputError) as alone_:
        load_sample(path)
    assert "needs both" in alone_.value.findings[0].message
