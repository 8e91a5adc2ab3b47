"""Checks of a plan's header and steps, each step as it arrives.

The host has checked all of this before. The board checks again, because the host that sends the
plan may be old, buggy or a script of the user's own.
"""

from pressloop_fw.loop import leak
from pressloop_fw.wire import schema
from pressloop_fw.wire.errors import CommandError

# Keys of a step: those of every kind, and for each kind those that it needs and those that it may
# have.
_COMMON = (
    schema.PLAN_STEP_REQUEST_INDEX,
    schema.PLAN_STEP_REQUEST_KIND,
    schema.PLAN_STEP_REQUEST_STAGE,
)
_NEEDED = {
    schema.STEP_RAMP: (schema.PLAN_STEP_REQUEST_TARGET_KPA, schema.PLAN_STEP_REQUEST_RATE_KPA_S),
    schema.STEP_RELEASE: (schema.PLAN_STEP_REQUEST_TARGET_KPA, schema.PLAN_STEP_REQUEST_RATE_KPA_S),
    schema.STEP_HOLD: (
        schema.PLAN_STEP_REQUEST_TARGET_KPA,
        schema.PLAN_STEP_REQUEST_TOLERANCE_KPA,
        schema.PLAN_STEP_REQUEST_TIMEOUT_MS,
        schema.PLAN_STEP_REQUEST_MODE,
    ),
    schema.STEP_PROMPT: (schema.PLAN_STEP_REQUEST_TEXT, schema.PLAN_STEP_REQUEST_TIMEOUT_MS),
    schema.STEP_REST: (schema.PLAN_STEP_REQUEST_DURATION_MS,),
}
_GAINS = (
    schema.PLAN_STEP_REQUEST_KP,
    schema.PLAN_STEP_REQUEST_KI,
    schema.PLAN_STEP_REQUEST_KD,
)
_ALLOWED = {
    schema.STEP_RAMP: _GAINS,
    schema.STEP_RELEASE: _GAINS,
    schema.STEP_HOLD: _GAINS
    + (
        schema.PLAN_STEP_REQUEST_DURATION_MS,
        schema.PLAN_STEP_REQUEST_OPEN,
        schema.PLAN_STEP_REQUEST_TEXT,
        schema.PLAN_STEP_REQUEST_RELAXATION_KPA_MIN,
        schema.PLAN_STEP_REQUEST_LEAST_MS,
    ),
    schema.STEP_PROMPT: (),
    schema.STEP_REST: (),
}


class PlanError(CommandError):
    """A refusal of a plan or one of its steps."""


def check_ceiling(ceiling_kpa, scaling):
    """Refuse a ceiling above the limit of the press with this die."""
    if ceiling_kpa > scaling.pellet_limit_kpa:
        raise PlanError(
            schema.ERR_OVER_LIMIT,
            schema.PLAN_BEGIN_REQUEST_CEILING_KPA,
            scaling.pellet_limit_kpa,
        )


def check_vent_rate(rate_kpa_s, scaling):
    """Refuse a vent rate that the release valve cannot reach."""
    if rate_kpa_s > scaling.fastest_fall_kpa_s:
        raise PlanError(
            schema.ERR_RATE_IMPOSSIBLE,
            schema.PLAN_BEGIN_REQUEST_VENT_RATE_KPA_S,
            scaling.fastest_fall_kpa_s,
        )


def check_step(plan, values):
    """Refuse a step that may not follow the steps of `plan`, with the reason."""
    kind = values[schema.PLAN_STEP_REQUEST_KIND]
    _check_keys(kind, values)
    if kind == schema.STEP_PROMPT:
        return
    if kind == schema.STEP_REST:
        if plan.level_kpa:
            raise PlanError(
                schema.ERR_REST_ABOVE_ZERO, schema.PLAN_STEP_REQUEST_KIND, plan.level_kpa
            )
        return
    target = values[schema.PLAN_STEP_REQUEST_TARGET_KPA]
    if target > plan.ceiling_kpa:
        raise PlanError(
            schema.ERR_OVER_CEILING, schema.PLAN_STEP_REQUEST_TARGET_KPA, plan.ceiling_kpa
        )
    if kind == schema.STEP_HOLD:
        _check_hold(plan, values, target)
    else:
        _check_ramp(plan, values, kind, target)


def _check_keys(kind, values):
    for key in _NEEDED[kind]:
        if key not in values:
            raise PlanError(schema.ERR_MISSING_FIELD, key)
    for key in values:
        if key not in _COMMON and key not in _NEEDED[kind] and key not in _ALLOWED[kind]:
            raise PlanError(schema.ERR_UNKNOWN_FIELD, key)


def _check_ramp(plan, values, kind, target):
    level = plan.level_kpa
    if kind == schema.STEP_RELEASE and target > level:
        raise PlanError(schema.ERR_WRONG_DIRECTION, schema.PLAN_STEP_REQUEST_TARGET_KPA, level)
    scaling = plan.scaling
    fastest = scaling.fastest_rise_kpa_s if target > level else scaling.fastest_fall_kpa_s
    if values[schema.PLAN_STEP_REQUEST_RATE_KPA_S] > fastest:
        raise PlanError(schema.ERR_RATE_IMPOSSIBLE, schema.PLAN_STEP_REQUEST_RATE_KPA_S, fastest)


def _check_hold(plan, values, target):
    if target == 0:
        # A loop that regulates to zero pumps whenever the sensor reads a little below it.
        raise PlanError(schema.ERR_OUT_OF_RANGE, schema.PLAN_STEP_REQUEST_TARGET_KPA)
    if target != plan.level_kpa:
        raise PlanError(
            schema.ERR_HOLD_ELSEWHERE, schema.PLAN_STEP_REQUEST_TARGET_KPA, plan.level_kpa
        )
    resolution = plan.scaling.resolution_kpa
    tolerance = values[schema.PLAN_STEP_REQUEST_TOLERANCE_KPA]
    if tolerance < resolution and not plan.accept_unresolved:
        raise PlanError(
            schema.ERR_TOLERANCE_UNRESOLVED, schema.PLAN_STEP_REQUEST_TOLERANCE_KPA, resolution
        )
    max_ms = values.get(schema.PLAN_STEP_REQUEST_DURATION_MS, 0)
    rate = values.get(schema.PLAN_STEP_REQUEST_RELAXATION_KPA_MIN, 0)
    opened = values.get(schema.PLAN_STEP_REQUEST_OPEN, False)
    if not max_ms and (rate or not opened):
        raise PlanError(schema.ERR_NO_END, schema.PLAN_STEP_REQUEST_DURATION_MS)
    if rate:
        _check_relaxation(plan, values, rate, max_ms)
    elif schema.PLAN_STEP_REQUEST_LEAST_MS in values:
        raise PlanError(schema.ERR_UNKNOWN_FIELD, schema.PLAN_STEP_REQUEST_LEAST_MS)


def _check_relaxation(plan, values, rate, max_ms):
    if values[schema.PLAN_STEP_REQUEST_MODE] != schema.HOLD_SEALED:
        # A closed loop pumps back what relaxes.
        raise PlanError(schema.ERR_NOT_SEALED, schema.PLAN_STEP_REQUEST_MODE)
    # No finer than the transducer resolves, and no finer than the leak is known.
    finest = max(
        plan.scaling.finest_loss_kpa_min,
        leak.uncertainty_kpa_min(
            plan.profile, plan.scaling, values[schema.PLAN_STEP_REQUEST_TARGET_KPA]
        ),
    )
    if rate < finest:
        raise PlanError(
            schema.ERR_RELAXATION_UNRESOLVED, schema.PLAN_STEP_REQUEST_RELAXATION_KPA_MIN, finest
        )
    if values.get(schema.PLAN_STEP_REQUEST_LEAST_MS, 0) > max_ms:
        raise PlanError(schema.ERR_OUT_OF_RANGE, schema.PLAN_STEP_REQUEST_LEAST_MS, max_ms)
