"""A run on a press whose seals carry a share: the reading is in band, and the pellet is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pressloop import RunRecord, RunResult
from pressloop.emulator import description
from pressloop.evaluation.verdict_basis import basis_sentence

from tests.emulated.up_and_down import press_up_and_down

PRESS = Path(__file__).resolve().parents[2] / "examples" / "presses" / "seal-friction.yaml"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return press_up_and_down(description.load(PRESS), tmp_path_factory.mktemp("friction"))


def test_the_pellet_gets_less_on_the_way_up_and_more_on_the_way_down(result: RunResult) -> None:
    summary = result.summary
    assert [stage.verdict for stage in summary.stages] == ["pass", "pass"]
    assert summary.truth is not None
    assert [stage.verdict for stage in summary.truth] == ["fail", "fail"]
    up, down = summary.truth
    # 3 % and 40 N, a fifth more or less, and the Stribeck peak of 0.5 %.
    assert 0.022 < 1 - (up.mean_mpa or 0) / 250 < 0.046
    assert 0.022 < (down.mean_mpa or 0) / 74 - 1 < 0.060


def test_the_stated_uncertainty_covers_the_pellet_and_the_verdict_names_the_reading(
    result: RunResult,
) -> None:
    summary = result.summary
    assert summary.truth is not None
    for stage, truth in zip(summary.stages, summary.truth, strict=True):
        assert stage.mean_mpa is not None and truth.mean_mpa is not None
        off = abs(stage.mean_mpa - truth.mean_mpa)
        assert stage.mean_mpa_reading_uncertainty is not None
        assert stage.mean_mpa_uncertainty is not None
        assert stage.mean_mpa_reading_uncertainty < off < stage.mean_mpa_uncertainty
    assert "about the reading" in basis_sentence(summary)


def test_the_record_has_both_pressures(result: RunResult) -> None:
    table = RunRecord.open(result.directory).table()
    pellet, derived, reading = (
        table[name].to_numpy()
        for name in ("true_pressure_mpa", "true_oil_derived_mpa", "pressure_mpa")
    )
    pressed = reading > 50
    # The reading is that of the oil, within the errors of the transducer.
    assert np.median(np.abs(derived - reading)[pressed]) < 1
    assert np.median(np.abs(pellet - reading)[pressed]) > 2
