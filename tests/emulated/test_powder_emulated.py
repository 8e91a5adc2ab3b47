"""A run on an emulated press with a displacement sensor, against the press's own truth."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from pressloop import Press, RunRecord, RunResult, Sample
from pressloop.analysis.relaxation import Relaxation
from pressloop.emulator.description import (
    DisplacementSection,
    LeakSection,
    PowderSection,
    PressDescription,
)
from pressloop.evaluation.notes import stage_notes
from pressloop.plotting.figure import figure_of

# A tall pellet on a press without leaks: what relaxes is the powder.
PRESS = PressDescription(
    powder=PowderSection(mass_mg=1400.0, relaxation_percent=30.0, relaxation_half_s=8.0),
    leak=LeakSection(ul_min_at_10_mpa=0.0),
    displacement=DisplacementSection(resolution_um=1.0),
)
PROTOCOL = """
pressloop: 1
name: sealed and regulated
die: 10 mm
ceiling: 450 MPa
stages:
  - name: sealed
    ramp: {target: 300 MPa, rate: 40 MPa/s}
    hold: {duration: 60 s, tolerance: 20 %, mode: sealed}
    release: {target: 0 MPa, rate: 40 MPa/s}
  - name: regulated
    ramp: {target: 400 MPa, rate: 40 MPa/s}
    hold: {duration: 40 s, tolerance: 1 %}
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    powder = PRESS.powder
    loose_mm = powder.mass_mg / powder.true_density_g_cm3 / 78.5398 / powder.initial_density
    sample = Sample(
        mass_mg=powder.mass_mg,
        true_density_g_cm3=powder.true_density_g_cm3,
        # The punch meets the loose powder behind the approach; without powder, that much later.
        empty_die_mm=PRESS.ram.approach_gap_mm + loose_mm,
        punches_um_mpa=0,
        until_stage="regulated",
    )
    with Press.open("emulated", press=PRESS, seed=4) as press:
        return press.run(PROTOCOL, out=tmp_path_factory.mktemp("powder") / "run", sample=sample)


def test_the_sealed_dwell_relaxes_by_peleg(result: RunResult) -> None:
    relaxation = result.summary.stages[0].relaxation
    assert relaxation is not None and relaxation.fitted, relaxation
    assert relaxation.quantity == "pressure"
    assert relaxation.r_squared is not None and relaxation.r_squared > 0.999
    frame = result.frame()
    truth = frame.true_pressure_mpa[frame.sealed]
    assert relaxation.change is not None
    assert relaxation.change == pytest.approx(truth.max() - truth.iloc[-1], abs=0.5)
    # The press follows the pellet, so less is lost than at constant height.
    assert relaxation.change_final is not None and relaxation.initial is not None
    assert relaxation.change < relaxation.change_final < 0.3 * relaxation.initial


def test_the_regulated_dwell_creeps(result: RunResult) -> None:
    creep = result.summary.stages[1].relaxation
    assert creep is not None and creep.fitted, creep
    assert creep.quantity == "displacement"
    assert creep.change is not None and 0.002 < creep.change < 0.1


def test_density_and_springback_are_the_presss_own(result: RunResult) -> None:
    frame = result.frame()
    for stage, hold in zip(result.summary.stages, (1, 4), strict=True):
        held = frame.relative_density[frame.step_id == hold].iloc[-1]
        assert stage.density is not None and stage.density.pressed is not None
        assert stage.density.pressed.relative_density == pytest.approx(held, abs=5e-4)
        assert stage.density.released is not None
        springback = stage.springback
        assert springback is not None and springback.resolved
        assert springback.gained_mm is not None
        after = frame[frame.index > frame.index[frame.step_id == hold][-1]]
        loose = after.relative_density[after.pressure_mpa <= springback.to_mpa + 0.5].iloc[0]
        solid_mm = 1400 / 2.2 / 78.5398
        grown = solid_mm / loose - solid_mm / held
        assert springback.gained_mm == pytest.approx(
            grown, abs=2 * springback.gained_mm_uncertainty
        )
        assert springback.gained_percent == pytest.approx(100 * grown / (solid_mm / held), rel=0.05)


def test_the_plot_shows_the_curves(result: RunResult) -> None:
    figure = figure_of(RunRecord.open(result.directory))
    panels = {axes.get_title(loc="left"): axes for axes in figure.axes[-4:]}
    assert [title.partition(":")[0] for title in panels] == ["sealed"] * 2 + ["regulated"] * 2
    for title, axes in panels.items():
        if "springback" in title:
            assert "density" in title
            continue
        assert "Peleg k1" in title
        data, curve = (np.asarray(line.get_ydata(), float) for line in axes.lines)
        assert data.min() - 0.5 < curve.min() < curve.max() < data.max() + 0.5


def test_the_plot_shows_the_release(result: RunResult) -> None:
    """From the dwell, where nothing has opened yet, to the springback at contact."""
    figure = figure_of(RunRecord.open(result.directory))
    panels = [axes for axes in figure.axes[-4:] if "springback" in axes.get_title(loc="left")]
    for axes, stage in zip(panels, result.summary.stages, strict=True):
        springback = stage.springback
        assert springback is not None and springback.gained_mm is not None
        opened = axes.lines[0]
        pressure, um = (np.asarray(data, float) for data in opened.get_data())
        assert pressure[0] == pytest.approx(springback.from_mpa, abs=0.5)
        assert pressure[-1] == pytest.approx(springback.to_mpa)
        assert um[0] == pytest.approx(0, abs=3)
        assert um[-1] == pytest.approx(1000 * springback.gained_mm, abs=10)


def test_the_notes(result: RunResult) -> None:
    (limit, *sealed), regulated = (stage_notes(stage) for stage in result.summary.stages)
    # Loose powder takes more oil at 40 MPa/s than the pump gives.
    assert re.match(r"the pump could not follow: \d\.\d+ s at full flow$", limit)
    for said, name in ((sealed, "relaxation"), (regulated, "creep")):
        assert [line.split()[0] for line in said] == ["mean", name, "springback", "relative", "far"]
    assert re.match(r"relaxation 1\d\.\d MPa in \d\d s; Peleg k1 .* in the end$", sealed[1])
    assert re.match(r"springback 1\d\d ± \d+ um on release from 27\d MPa", sealed[2])
    # What no sensor measured has no note.
    stage = result.summary.stages[0].model_copy(
        update={"full_flow_s": None, "relaxation": None, "springback": None, "density": None}
    )
    assert len(stage_notes(stage)) == 1


def dwell(folder: Path, ul_min: float, *, known: bool = True) -> Relaxation:
    """What is reported of a low pellet in a sealed dwell on a press that leaks."""
    powder = PRESS.powder.model_copy(update={"mass_mg": 150.0, "relaxation_percent": 60.0})
    leak = LeakSection(ul_min_at_10_mpa=ul_min)
    description = PRESS.model_copy(update={"powder": powder, "leak": leak})
    with Press.open("emulated", press=description) as press:
        if known:
            values = {"leak_ul_min": ul_min, "leak_uncertainty_ul_min": 0.1 * ul_min}
            press.write_profile(press.profile().model_copy(update=values))
        result = press.run(PROTOCOL.partition("  - name: regulated")[0], out=folder)
    relaxation = result.summary.stages[0].relaxation
    assert relaxation is not None
    return relaxation


def test_leak_and_powder_are_separated(tmp_path: Path) -> None:
    """The same pellet on a tight press, and on one that loses as much again."""
    alone = dwell(tmp_path / "tight", 0.0)
    assert alone.fitted and alone.leak_change == 0
    assert alone.powder_change == pytest.approx(alone.change)
    leaking = dwell(tmp_path / "leaking", 10.0)
    assert leaking.leak_change == pytest.approx(300 * 0.0174, rel=0.05)
    assert leaking.leak_change is not None and alone.change is not None
    assert leaking.leak_change > 0.5 * alone.change
    assert leaking.powder_change == pytest.approx(
        alone.powder_change, abs=leaking.powder_change_uncertainty
    )
    assert leaking.powder_change_uncertainty is not None
    assert leaking.powder_change_uncertainty < 1
    unknown = dwell(tmp_path / "unknown", 10.0, known=False)
    assert unknown.leak_change is None and unknown.powder_change is None
    assert unknown.change == pytest.approx(leaking.change, rel=0.1)
