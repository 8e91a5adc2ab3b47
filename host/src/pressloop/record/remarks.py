"""What a stage's result says beyond its measures, in one sentence each."""

from __future__ import annotations

from collections.abc import Iterator

from pressloop.record.summary import StageResult
from pressloop.units import with_uncertainty


def remarks(stage: StageResult) -> tuple[str, ...]:
    """The sentences, in the order of the stage; empty for a stage that measured nothing."""
    return tuple(_remarks(stage))


def _remarks(stage: StageResult) -> Iterator[str]:
    if stage.mean_mpa is not None and stage.mean_mpa_uncertainty is not None:
        yield mean_text(stage.mean_mpa, stage.mean_mpa_uncertainty, stage.mean_mpa_repeatability)


def mean_text(mean_mpa: float, uncertainty: float, repeatability: float | None) -> str:
    """As `mean 74.0 ± 0.9 MPa (k=2), ± 0.2 from run to run`."""
    text = f"mean {with_uncertainty(mean_mpa, uncertainty)} MPa (k=2)"
    if repeatability:
        text += f", ± {with_uncertainty(0.0, repeatability).split(' ± ')[1]} from run to run"
    return text
