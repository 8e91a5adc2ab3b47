"""The bench of the calibration: a press of the wide family, judged by its true pressure."""

from __future__ import annotations

import pytest
from pressloop_bench.calibration.__main__ import report
from pressloop_bench.calibration.calibrated_press import measure
from pressloop_bench.truth.wide_family import wide_family


@pytest.mark.slow
def test_the_truth_of_a_calibrated_press_is_within_what_is_stated() -> None:
    case = wide_family(3, 99)[2]
    result = measure(case)
    assert (result.refused, result.ended) == ("", "")
    assert result.figures is not None
    assert result.figures.passed
    # The span error of its transducer is 0.04 % at most.
    assert result.figures.uncertainty_percent < 0.5
    assert len(result.stages) == 6
    assert all(stage.covered for stage in result.stages)
    lines = report([result])
    assert lines[-1] == "| stages covered, of 6 | 6 | 100.0 % |"
    assert "| presses calibrated, of 1 | 1 | |" in lines
    assert "| calibrations passed, of 1 | 1 | |" in lines
