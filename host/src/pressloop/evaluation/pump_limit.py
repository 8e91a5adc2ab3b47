"""Says of a stage that its pump could not follow the ramp: a limit of the press, not the loop's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pressloop.evaluation.summary import StageResult

_LEAST_S: Final = 0.25
"""A pump that is fully open for less corrects an error, as at the start of a ramp."""


def pump_limit_text(stage: StageResult) -> str:
    """Return a text like `the pump could not follow: 3.2 s at full flow`; empty if it could."""
    seconds = stage.full_flow_s or 0.0
    if seconds < _LEAST_S:
        return ""
    return f"the pump could not follow: {seconds:.3g} s at full flow"


def pump_limit_warnings(stages: Iterable[StageResult]) -> tuple[str, ...]:
    """Return a sentence for each stage whose pump reached its limit, with what helps."""
    return tuple(
        f"stage {stage.label!r}: {text}, with the pressure behind its setpoint; ask for a slower "
        "ramp, or press in two stages"
        for stage in stages
        if (text := pump_limit_text(stage))
    )
