"""How far a run has come, as the foreground tells it.

The tick may end a step between any two looks: each function looks at the step once.
"""

from pressloop_fw.loop.plan import NO_STEP
from pressloop_fw.wire import schema


def target_kpa(sequencer):
    """Return the target of the step in progress, 0 without."""
    return sequencer.setpoint.target_kpa if sequencer.step_index != NO_STEP else 0


def stage(sequencer):
    """Return the stage of the step in progress, NO_STEP without."""
    index = sequencer.step_index
    return sequencer.plan.stage[index] if index != NO_STEP else NO_STEP


def dwell_ticks(sequencer):
    """Return the in-band ticks of the hold in progress."""
    index = sequencer.step_index
    return sequencer.results.dwell[index] if index != NO_STEP else 0


def remaining_ticks(sequencer):
    """Return the least number of ticks to the end of the step; 0 when open or unknown."""
    index = sequencer.step_index
    if index == NO_STEP:
        return 0
    plan = sequencer.plan
    kind = plan.kind[index]
    if kind == schema.STEP_HOLD:
        left = plan.duration_ticks[index] - sequencer.results.dwell[index]
    elif kind == schema.STEP_PROMPT:
        left = plan.timeout_ticks[index] - sequencer.wait_ticks
    else:
        distance = abs(sequencer.setpoint.target_kpa - sequencer.setpoint.value_kpa)
        left = distance * schema.TICK_HZ // plan.rate_kpa_s[index]
    return max(0, left)
