"""On which pressure a stage was judged follows from the flags of its dwell and from the profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pressloop.evaluation import RunSummary, finalise
from pressloop.machine.uncertainty import LOAD_CELL, READING, WITH_COMPENSATION
from pressloop.wire.schema import FlagBits

from tests.unit import synthetic_run
from tests.unit.golden_records import RUN, changed, write


def _summary(folder: Path, first_without: int, **profile: Any) -> RunSummary:
    """Evaluate a run whose records have the flag of the load cell, from one of them on not."""

    def flag(index: int, fields: dict[str, int]) -> None:
        if index < first_without:
            fields["flags"] |= FlagBits.LOAD_CELL

    header = RUN.header.model_copy(update={"profile": RUN.header.profile | profile})
    write(folder, changed(RUN, flag, header=header), synthetic_run.run().end())
    return finalise(folder)


@pytest.mark.parametrize(
    ("first_without", "profile", "expected"),
    [
        (0, {}, READING),
        (0, {"friction_percent": 3, "friction_n": 40}, READING),
        (
            0,
            {"friction_percent": 3, "friction_n": 40, "friction_uncertainty_percent": 20},
            WITH_COMPENSATION,
        ),
        (1 << 20, {}, LOAD_CELL),
    ],
)
def test_flags_and_profile_decide(
    tmp_path: Path, first_without: int, profile: dict[str, Any], expected: str
) -> None:
    summary = _summary(tmp_path, first_without, **profile)
    assert [stage.judged_by for stage in summary.stages] == [expected] * len(summary.stages)
    assert summary.truth is None or {stage.judged_by for stage in summary.truth} == {None}


def test_a_cell_that_fails_in_a_dwell_does_not_count_for_it(tmp_path: Path) -> None:
    summary = _summary(tmp_path, len(RUN.records) // 2)
    quantities = [stage.judged_by for stage in summary.stages]
    assert quantities[0] == LOAD_CELL and quantities[-1] == READING


def test_a_cell_that_did_not_serve_a_stage_is_a_warning(tmp_path: Path) -> None:
    cell = {
        "load_cell_capacity_kn": 50,
        "load_cell_error_percent": 0.05,
        "load_cell_zero": 0,
        "load_cell_full": 500_000,
    }
    summary = _summary(tmp_path, len(RUN.records) // 2, **cell)
    said = [text for text in summary.warnings if "load cell" in text]
    assert len(said) == sum(stage.judged_by == READING for stage in summary.stages) > 0
    assert said[-1] == (
        f"the load cell gave no usable reading all through stage {summary.stages[-1].name!r}, "
        "which is judged by the reading"
    )
