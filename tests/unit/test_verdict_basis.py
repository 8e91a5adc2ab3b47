"""What a verdict is about is said in words: the reading, and what friction may keep from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pressloop.emulator.description import PressDescription
from pressloop.evaluation import RunSummary, finalise
from pressloop.evaluation.verdict_basis import basis_sentence, friction_mpa
from pressloop.machine.profile import MachineProfile
from pressloop.machine.uncertainty import (
    LOAD_CELL,
    READING,
    WITH_COMPENSATION,
    Instrument,
    Quantity,
)

from tests.unit import synthetic_run
from tests.unit.golden_records import RUN, write


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> RunSummary:
    folder: Path = tmp_path_factory.mktemp("run")
    write(folder, RUN, synthetic_run.run().end())
    return finalise(folder)


def _with_profile(summary: RunSummary, **known: float) -> RunSummary:
    profile = MachineProfile.from_fields(PressDescription().nominal_profile())
    instrument = Instrument.of(profile.model_copy(update=known), 10)
    stages = tuple(
        stage.model_copy(update={"mean_uncertainty": instrument.budget(stage.mean_mpa or 0.0)})
        for stage in summary.stages
    )
    return summary.model_copy(update={"stages": stages})


def test_the_verdict_says_that_it_is_about_the_reading(summary: RunSummary) -> None:
    text = basis_sentence(summary)
    assert text.startswith("The verdict is about the reading, which is the oil's pressure")
    # 5 % and 100 N at 74 MPa on 10 mm, the stage in which it is the most.
    assert text.endswith("may carry up to 6.7 % of it (by assumption).")


def test_friction_in_the_profile_is_named_as_such(summary: RunSummary) -> None:
    text = basis_sentence(_with_profile(summary, friction_percent=3, friction_n=0))
    assert text.endswith("may carry up to 3 % of it (by the profile).")


def test_a_ram_without_friction_needs_no_such_sentence(summary: RunSummary) -> None:
    assert basis_sentence(_with_profile(summary, friction_percent=0, friction_n=0)) == ""


def test_without_a_profile_the_share_is_not_known(summary: RunSummary) -> None:
    stages = tuple(s.model_copy(update={"mean_uncertainty": None}) for s in summary.stages)
    text = basis_sentence(summary.model_copy(update={"stages": stages}))
    assert text.endswith("got, which is less at the end of the ram's stroke.")
    assert basis_sentence(summary.model_copy(update={"stages": ()})) == ""


def test_the_friction_of_a_budget_is_that_of_the_ram_without_the_spread() -> None:
    profile = MachineProfile.from_fields(PressDescription().nominal_profile())
    assert friction_mpa(Instrument.of(profile, 10).budget(100)) == pytest.approx(
        5 + 1.273, abs=0.01
    )


def _judged(summary: RunSummary, *quantities: Quantity) -> RunSummary:
    pairs = zip(summary.stages, quantities, strict=True)
    stages = tuple(stage.model_copy(update={"judged_by": how}) for stage, how in pairs)
    return summary.model_copy(update={"stages": stages})


def test_with_a_load_cell_the_verdict_is_about_the_pellet(summary: RunSummary) -> None:
    text = basis_sentence(_judged(summary, LOAD_CELL, LOAD_CELL, LOAD_CELL))
    assert text == "The verdict is about the pellet, by the load cell."


def test_stages_after_a_failure_of_the_cell_are_named(summary: RunSummary) -> None:
    names = [stage.label for stage in summary.stages]
    text = basis_sentence(_judged(summary, LOAD_CELL, WITH_COMPENSATION, READING))
    assert f"{names[0]}: The verdict is about the pellet" in text
    assert f"{names[1]}: The verdict is about the reading with friction compensation" in text
    assert f"{names[2]}: The verdict is about the reading, which is the oil's" in text


def _instrument() -> Instrument:
    press = PressDescription.model_validate(
        {
            "load_cell": {"capacity_kn": 50},
            "ram": {"friction_percent": 3, "friction_n": 40, "friction_uncertainty_percent": 20},
        }
    )
    return Instrument.of(MachineProfile.from_fields(press.nominal_profile()), 10)


def test_a_pressure_by_the_cell_has_the_error_of_the_cell_alone() -> None:
    budget = _instrument().budget(250, scatter_mpa=0.02, quantity=LOAD_CELL)
    assert [c.name for c in budget.components] == ["load cell", "die area", "noise of the reading"]
    # 0.05 % of 50 kN on 78.54 mm2, and 2 x 10 um of 10 mm.
    halves = [c.half_width_mpa for c in budget.components]
    assert halves[:2] == [pytest.approx(0.3183, abs=1e-4), pytest.approx(0.5)]
    assert budget.expanded_mpa == budget.reading_mpa == pytest.approx(0.685, abs=0.01)


def test_of_learned_friction_what_may_differ_remains() -> None:
    instrument = _instrument()
    budget = instrument.budget(250, quantity=WITH_COMPENSATION)
    names = {c.name: c.half_width_mpa for c in budget.components}
    friction_mpa = 0.03 * 250 + 40 / 78.54
    assert names["friction as learned"] == pytest.approx(0.2 * friction_mpa)
    assert "friction of the ram" not in names
    assert budget.expanded_mpa < 0.3 * instrument.budget(250).expanded_mpa
