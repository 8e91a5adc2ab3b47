"""From the tuning run to the record: a press that leaks judges the powder without its leak."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pressloop import Press, RunResult
from pressloop.evaluation.notes import stage_notes
from pressloop.machine.profile import MachineProfile
from pressloop.tuning.identify import Identification
from pressloop_bench.control.press_family import Case, reference

PROTOCOL = """
pressloop: 1
name: until the powder rests
die: 10 mm
ceiling: 300 MPa
stages:
  - name: rest
    ramp: {target: 250 MPa, rate: 40 MPa/s}
    hold: {until: {relaxation: 1.5 MPa/min, at_most: 1 min}, tolerance: 4 %, mode: sealed}
"""


@pytest.fixture(scope="module")
def tuned(tune_once: Callable[[Case], Identification]) -> MachineProfile:
    """What a tuning run finds on the reference press, which leaks 10 uL/min at 10 MPa."""
    profile = MachineProfile.from_wire(tune_once(reference()).profile)
    assert profile.leak_ul_min == pytest.approx(10, rel=0.08)
    return profile


def pressed(profile: MachineProfile, folder: Path) -> RunResult:
    with Press.open("emulated", press=reference().press) as press:
        press.write_profile(profile)
        return press.run(PROTOCOL, out=folder)


def test_a_tuned_press_ends_the_dwell_when_the_powder_rests(
    tuned: MachineProfile, tmp_path: Path
) -> None:
    result = pressed(tuned, tmp_path / "tuned")
    assert result.completed
    (stage,) = result.summary.stages
    assert stage.dwell_end == "relaxation"
    assert stage.dwell_s is not None and stage.dwell_s < 50
    hold = result.summary.steps[1]
    assert hold.loss_kpa_min is not None and hold.leak_kpa_min is not None
    assert hold.leak_kpa_min == pytest.approx(4300, rel=0.08)
    assert hold.loss_kpa_min - hold.leak_kpa_min < 1500 < hold.loss_kpa_min
    relaxation = stage.relaxation
    assert relaxation is not None and relaxation.leak_change is not None
    # The leak of the press that was built: 10 uL/min of 57.3 uL/MPa.
    frame = result.frame()
    sealed = frame[frame.sealed]
    stretch_s = sealed.time_s.iloc[-1] - sealed.time_s.iloc[0]
    assert relaxation.leak_change == pytest.approx(stretch_s / 60 * 4.35, rel=0.08)
    said = next(line for line in stage_notes(stage) if line.startswith("relaxation"))
    assert " ± " in said.partition(" MPa in ")[0] and "of leak" in said


def test_a_press_that_was_not_tuned_holds_to_the_longest(
    tuned: MachineProfile, tmp_path: Path
) -> None:
    unknown = {"leak_ul_min": None, "leak_uncertainty_ul_min": None}
    result = pressed(tuned.model_copy(update=unknown), tmp_path / "unknown")
    (stage,) = result.summary.stages
    assert stage.dwell_end == "longest" and stage.dwell_s == pytest.approx(60, abs=0.02)
    assert stage.relaxation is not None and stage.relaxation.leak_change is None
