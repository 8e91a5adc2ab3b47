"""A dwell ends on relaxation or by the operator, and the board reports why it ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from pressloop.hil import wiring
from pressloop.hil.watching import watching
from pressloop.press import Press
from pressloop.wire.schema import FlagBits

from hil_tests.protocols import HOLD, one_hold, one_hold_until

pytestmark = pytest.mark.needs("pressing")


def test_a_sealed_dwell_ends_on_relaxation(press: Press, tmp_path: Path) -> None:
    """The rate is so high that any powder or steel blank is below it at the first measurement."""
    protocol = one_hold_until("relaxation: 1 MPa/s, at_most: 1 min", "sealed")
    result = press.run(protocol, out=tmp_path / "run")

    assert result.completed
    (stage,) = result.summary.stages
    assert (stage.outcome, stage.dwell_end) == ("done", "relaxation")
    assert stage.planned_dwell_s is None
    step = result.summary.steps[HOLD]
    assert step.dwell_end == "relaxation"
    assert step.loss_kpa_min is not None and step.leak_kpa_min is not None
    assert step.loss_kpa_min - step.leak_kpa_min < 60_000
    # The first second of the seal does not count; then a whole window has to pass.
    assert stage.dwell_s is not None and 6 <= stage.dwell_s < 20


def test_a_dwell_that_never_relaxes_enough_ends_at_its_longest(
    press: Press, tmp_path: Path
) -> None:
    protocol = one_hold_until("relaxation: 1 MPa/s, at_most: 3 s", "sealed")
    result = press.run(protocol, out=tmp_path / "run")
    (stage,) = result.summary.stages
    assert (stage.outcome, stage.dwell_end) == ("done", "longest")
    assert stage.dwell_s == pytest.approx(3, abs=0.02)


def test_the_operator_ends_a_dwell(press: Press, tmp_path: Path) -> None:
    protocol = one_hold_until("operator: Look at the cell, at_most: 1 min", "regulated")
    run = press.start(protocol, out=tmp_path / "run")
    with watching(run) as watch:
        first = watch.until(lambda now: FlagBits.DWELLING in now.flags, "the dwell")
        watch.until(lambda now: now.tick >= first.tick + 100, "a second of it")
        run.advance()
    result = run.result(60)
    (stage,) = result.summary.stages
    assert (stage.outcome, stage.dwell_end) == ("done", "operator")
    assert result.summary.header.steps[HOLD].text == "Look at the cell"


def test_other_dwells_say_why_they_ended_too(press: Press, tmp_path: Path) -> None:
    result = press.run(one_hold("1 s"), out=tmp_path / "run")
    assert [stage.dwell_end for stage in result.summary.stages] == ["duration"]
    ends = [step.dwell_end for step in result.summary.steps]
    assert ends == ["none", "duration", "none"]
    assert result.summary.stages[0].target_mpa == wiring.WORK_MPA
