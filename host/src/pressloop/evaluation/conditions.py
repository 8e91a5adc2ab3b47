"""Says under which conditions a run was pressed, by its sample and its protocol."""

from __future__ import annotations

from pressloop.evaluation.summary import RunSummary
from pressloop.protocol import Conditions


def conditions_of(summary: RunSummary) -> Conditions:
    """Return the conditions of a run; what nothing in the record gives is None."""
    sample = summary.sample or Conditions()
    return sample.over(summary.header.conditions)
