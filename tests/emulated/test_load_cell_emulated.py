"""Runs on seals with friction, pressed by the load cell and by learned friction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pressloop import RunRecord, RunResult
from pressloop.emulator import description
from pressloop.evaluation.verdict_basis import basis_sentence

from tests.emulated.up_and_down import press_up_and_down

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "presses"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return press_up_and_down(
        description.load(FOLDER / "load-cell.yaml"), tmp_path_factory.mktemp("cell")
    )


def test_the_pellet_gets_what_was_asked_for(result: RunResult) -> None:
    summary = result.summary
    assert summary.truth is not None
    for stage, truth in zip(summary.stages, summary.truth, strict=True):
        assert (stage.verdict, truth.verdict) == ("pass", "pass")
        assert stage.judged_by == "pellet by load cell" and truth.judged_by is None
        # The cell's error is 0.32 MPa.
        assert truth.mean_mpa == pytest.approx(stage.target_mpa, abs=0.32 + 0.002 * 250)
        assert stage.mean_mpa is not None and stage.mean_mpa_uncertainty is not None
        assert abs(stage.mean_mpa - (truth.mean_mpa or 0)) < stage.mean_mpa_uncertainty < 1
    assert basis_sentence(summary) == "The verdict is about the pellet, by the load cell."


def test_the_record_has_the_oil_beside_the_pellet(result: RunResult) -> None:
    table = RunRecord.open(result.directory).table()
    recorded, oil, true_oil, true = (
        table[name].to_numpy()
        for name in (
            "pressure_mpa",
            "oil_derived_mpa",
            "true_oil_derived_mpa",
            "true_pressure_mpa",
        )
    )
    pressed = true > 50
    assert np.median(np.abs(recorded - true)[pressed]) < 0.5
    assert np.median(np.abs(oil - true_oil)[pressed]) < 1
    assert np.median(np.abs(oil - recorded)[pressed]) > 1.5
    # Below the zero counts do not wrap.
    assert np.abs(oil).max() < 400


def test_learned_friction_is_named_and_helps(tmp_path: Path) -> None:
    press = description.load(FOLDER / "seal-friction.yaml")
    ram = press.ram.model_copy(
        update={"friction_percent": 3, "friction_n": 40, "friction_uncertainty_percent": 20}
    )
    summary = press_up_and_down(press.model_copy(update={"ram": ram}), tmp_path).summary
    assert summary.truth is not None
    for stage, truth in zip(summary.stages, summary.truth, strict=True):
        assert stage.judged_by == "reading with friction compensation"
        assert stage.mean_mpa is not None and stage.mean_mpa_uncertainty is not None
        off = abs(stage.mean_mpa - (truth.mean_mpa or 0))
        assert off < stage.mean_mpa_uncertainty
        assert off < 0.74 + (0.002 + 0.03 / 4) * stage.target_mpa
    assert "friction compensation" in basis_sentence(summary)
