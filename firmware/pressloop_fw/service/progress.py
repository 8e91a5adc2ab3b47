"""Computes for the status how far a run has come.

The tick may end a step at any moment: each function reads the step's index only once.
"""

from pressloop_fw.loop.plan import NO_STEP
from pressloop_fw.wire import schema

# Kinds of steps that a clock ends, which counts only while the pressure is as asked.
TIMED_KINDS = (schema.STEP_HOLD, schema.STEP_REST)


def target_kpa(sequencer):
    """Return the target of the step in progress, kPa on the pellet; 0 without a step."""
    return sequencer.setpoint.target_kpa if sequencer.step_index != NO_STEP else 0


def stage(sequencer):
    """Return the stage of the step in progress, NO_STEP without a step."""
    index = sequencer.step_index
    return sequencer.plan.stage[index] if index != NO_STEP else NO_STEP


def dwell_ticks(sequencer):
    """Return the ticks that the clock of the hold or rest in progress has counted; else 0."""
    index = sequencer.step_index
    return sequencer.results.dwell[index] if index != NO_STEP else 0


def remaining_ticks(sequencer):
    """Return the smallest number of ticks to the end of the step; 0 when open or unknown."""
    index = sequencer.step_index
    if index == NO_STEP:
        return 0
    plan = sequencer.plan
    kind = plan.kind[index]
    if kind in TIMED_KINDS:
        left = plan.duration_ticks[index] - sequencer.results.dwell[index]
    elif kind == schema.STEP_PROMPT:
        left = plan.timeout_ticks[index] - sequencer.wait_ticks
    else:
        distance = abs(sequencer.setpoint.target_kpa - sequencer.setpoint.value_kpa)
        left = distance * schema.TICK_HZ // plan.rate_kpa_s[index]
    return max(0, left)
