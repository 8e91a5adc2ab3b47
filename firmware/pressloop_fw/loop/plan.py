"""The plan: the steps to press, checked one by one as they arrive.

The host has checked all of this before. The board checks again, because the host that sends the
plan may be old, buggy or somebody's own script.
"""

import binascii
from array import array

from pressloop_fw.loop import leak
from pressloop_fw.loop.relaxation import window_s
from pressloop_fw.wire import schema
from pressloop_fw.wire.errors import CommandError

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const


# In the place of a step's index: no step.
NO_STEP = const(255)

_NO_GAIN = const(-1)
TICK_MS = 1000 // schema.TICK_HZ
# Of the device clock, kept for the end of a run: an hour to come to rest in, a day for the pauses
# and the lag of the loop that no plan tells.
_TO_REST_TICKS = 3600 * schema.TICK_HZ
_UNPLANNED_TICKS = 24 * _TO_REST_TICKS


class PlanError(CommandError):
    """A refusal of a plan or one of its steps."""


def _ticks(ms):
    """Duration in ticks, rounded up: never shorter than asked for."""
    return (ms + TICK_MS - 1) // TICK_MS


# Keys that each kind of step needs besides index, kind and stage, and those it may have.
_GAINS = (
    schema.PLAN_STEP_REQUEST_KP,
    schema.PLAN_STEP_REQUEST_KI,
    schema.PLAN_STEP_REQUEST_KD,
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
}
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
}
_ALWAYS = (
    schema.PLAN_STEP_REQUEST_INDEX,
    schema.PLAN_STEP_REQUEST_KIND,
    schema.PLAN_STEP_REQUEST_STAGE,
)


class Plan:
    """Steps in columns of integers, so that the tick reads them without allocating."""

    def __init__(self):
        size = schema.MAX_STEPS
        self.kind = bytearray(size)
        self.stage = bytearray(size)
        self.mode = bytearray(size)
        self.open = bytearray(size)
        self.target_kpa = array("i", [0] * size)
        self.rate_kpa_s = array("i", [0] * size)
        self.tolerance_kpa = array("i", [0] * size)
        self.duration_ticks = array("i", [0] * size)
        self.timeout_ticks = array("i", [0] * size)
        # Holds that end on relaxation: the loss, 0 without, and over how long it is told.
        self.relaxation_kpa_min = array("i", [0] * size)
        self.window_s = bytearray(size)
        # Share of the pressure that the press's own leak takes per minute there, times 2**15.
        self.leak_share = array("h", [0] * size)
        self.least_ticks = array("i", [0] * size)
        self.kp = array("h", [_NO_GAIN] * size)
        self.ki = array("h", [_NO_GAIN] * size)
        self.kd = array("h", [_NO_GAIN] * size)
        self.text = {}
        self.profile = None
        self.scaling = None
        self.ceiling_kpa = 0
        self.host_loss = schema.HOST_LOSS_VENT
        self.host_loss_limit_ticks = 0
        self.host_timeout_ticks = 0
        self.vent_rate_kpa_s = 1
        self.record_every = 1
        self.committed = False
        self.announced = 0
        self.count = 0
        self._digest = 0
        self._accept_unresolved = False
        self._level_kpa = 0
        # How long the steps can take, open holds and excursions from the band left out.
        self._planned_ticks = 0

    def adopt(self, profile, scaling):
        """Forget the plan before: it was made for another profile or die."""
        self.committed = False
        self.announced = 0
        self.count = 0
        self.text = {}
        self.profile = profile
        self.scaling = scaling

    def begin(self, values, payload, profile, scaling):
        """Forget the plan before and take the header of a new one."""
        self.adopt(profile, scaling)
        ceiling = values[schema.PLAN_BEGIN_REQUEST_CEILING_KPA]
        if ceiling > scaling.pellet_limit_kpa:
            raise PlanError(
                schema.ERR_OVER_LIMIT,
                schema.PLAN_BEGIN_REQUEST_CEILING_KPA,
                scaling.pellet_limit_kpa,
            )
        self.ceiling_kpa = ceiling
        self.host_loss = values[schema.PLAN_BEGIN_REQUEST_HOST_LOSS]
        self.host_loss_limit_ticks = _ticks(values[schema.PLAN_BEGIN_REQUEST_HOST_LOSS_LIMIT_MS])
        self.host_timeout_ticks = _ticks(values[schema.PLAN_BEGIN_REQUEST_HOST_TIMEOUT_MS])
        self.vent_rate_kpa_s = values[schema.PLAN_BEGIN_REQUEST_VENT_RATE_KPA_S]
        self.record_every = values[schema.PLAN_BEGIN_REQUEST_RECORD_EVERY]
        self._accept_unresolved = values[schema.PLAN_BEGIN_REQUEST_ACCEPT_UNRESOLVED]
        if self.vent_rate_kpa_s > scaling.fastest_fall_kpa_s:
            raise PlanError(
                schema.ERR_RATE_IMPOSSIBLE,
                schema.PLAN_BEGIN_REQUEST_VENT_RATE_KPA_S,
                scaling.fastest_fall_kpa_s,
            )
        self._level_kpa = 0
        self._planned_ticks = 0
        self._digest = binascii.crc32(payload)
        self.announced = values[schema.PLAN_BEGIN_REQUEST_STEPS]

    def add(self, values, payload):
        """Check and append the next step."""
        index = values[schema.PLAN_STEP_REQUEST_INDEX]
        if self.committed or index != self.count or index >= self.announced:
            raise PlanError(schema.ERR_PLAN_ORDER, schema.PLAN_STEP_REQUEST_INDEX, self.count)
        try:
            self._check(values)
        except PlanError as refusal:
            refusal.step = index
            raise
        kind = values[schema.PLAN_STEP_REQUEST_KIND]
        self.kind[index] = kind
        self.stage[index] = values[schema.PLAN_STEP_REQUEST_STAGE]
        self.mode[index] = values.get(schema.PLAN_STEP_REQUEST_MODE, schema.HOLD_REGULATED)
        self.open[index] = 1 if values.get(schema.PLAN_STEP_REQUEST_OPEN) else 0
        self.target_kpa[index] = values.get(schema.PLAN_STEP_REQUEST_TARGET_KPA, self._level_kpa)
        self.rate_kpa_s[index] = values.get(schema.PLAN_STEP_REQUEST_RATE_KPA_S, 0)
        self.tolerance_kpa[index] = values.get(schema.PLAN_STEP_REQUEST_TOLERANCE_KPA, 0)
        self.duration_ticks[index] = _ticks(values.get(schema.PLAN_STEP_REQUEST_DURATION_MS, 0))
        self.timeout_ticks[index] = _ticks(values.get(schema.PLAN_STEP_REQUEST_TIMEOUT_MS, 0))
        rate = values.get(schema.PLAN_STEP_REQUEST_RELAXATION_KPA_MIN, 0)
        self.relaxation_kpa_min[index] = rate
        self.window_s[index] = window_s(rate, self.scaling.loss_unit_kpa) if rate else 0
        self.leak_share[index] = (
            leak.share_q15(self.profile, self.scaling, self.target_kpa[index]) if rate else 0
        )
        self.least_ticks[index] = _ticks(values.get(schema.PLAN_STEP_REQUEST_LEAST_MS, 0))
        profile = self.profile
        self.kp[index] = values.get(schema.PLAN_STEP_REQUEST_KP, profile.kp)
        self.ki[index] = values.get(schema.PLAN_STEP_REQUEST_KI, profile.ki)
        self.kd[index] = values.get(schema.PLAN_STEP_REQUEST_KD, profile.kd)
        if kind == schema.STEP_PROMPT:
            self.text[index] = values[schema.PLAN_STEP_REQUEST_TEXT]
        self._planned_ticks += self.duration_ticks[index] + self.timeout_ticks[index]
        if self.rate_kpa_s[index]:
            distance = abs(self.target_kpa[index] - self._level_kpa)
            self._planned_ticks += distance * schema.TICK_HZ // self.rate_kpa_s[index]
            self._planned_ticks += _ticks(profile.approach_timeout_ms)
        self._level_kpa = self.target_kpa[index]
        self._digest = binascii.crc32(payload, self._digest)
        self.count = index + 1

    def commit(self, digest):
        """Accept the plan if all of it has arrived as it was sent."""
        if self.announced == 0 or self.count != self.announced:
            raise PlanError(schema.ERR_PLAN_ORDER, 0, self.count)
        if digest != self._digest:
            raise PlanError(schema.ERR_PLAN_DIGEST, schema.PLAN_COMMIT_REQUEST_DIGEST)
        self.committed = True

    def vent_by_tick(self):
        """Tick at which a run must begin to vent, so that it is at rest when the clock ends."""
        vent_ticks = self.ceiling_kpa * schema.TICK_HZ // self.vent_rate_kpa_s
        return schema.CLOCK_END - _TO_REST_TICKS - vent_ticks

    def start_by_tick(self):
        """Last tick at which the plan may start and come to its end before it must vent.

        What no plan tells, an open hold or a long pause, may still be cut short by the vent.
        """
        return self.vent_by_tick() - _UNPLANNED_TICKS - self._planned_ticks

    def _check(self, values):
        kind = values[schema.PLAN_STEP_REQUEST_KIND]
        for key in _NEEDED[kind]:
            if key not in values:
                raise PlanError(schema.ERR_MISSING_FIELD, key)
        for key in values:
            if key not in _ALWAYS and key not in _NEEDED[kind] and key not in _ALLOWED[kind]:
                raise PlanError(schema.ERR_UNKNOWN_FIELD, key)
        if kind == schema.STEP_PROMPT:
            return
        target = values[schema.PLAN_STEP_REQUEST_TARGET_KPA]
        if target > self.ceiling_kpa:
            raise PlanError(
                schema.ERR_OVER_CEILING, schema.PLAN_STEP_REQUEST_TARGET_KPA, self.ceiling_kpa
            )
        if kind == schema.STEP_HOLD:
            if target == 0:
                # A loop that regulates to zero pumps whenever the sensor reads a little less.
                raise PlanError(schema.ERR_OUT_OF_RANGE, schema.PLAN_STEP_REQUEST_TARGET_KPA)
            if target != self._level_kpa:
                raise PlanError(
                    schema.ERR_HOLD_ELSEWHERE,
                    schema.PLAN_STEP_REQUEST_TARGET_KPA,
                    self._level_kpa,
                )
            self._check_hold(values)
            return
        if kind == schema.STEP_RELEASE and target > self._level_kpa:
            raise PlanError(
                schema.ERR_WRONG_DIRECTION, schema.PLAN_STEP_REQUEST_TARGET_KPA, self._level_kpa
            )
        scaling = self.scaling
        rising = target > self._level_kpa
        fastest = scaling.fastest_rise_kpa_s if rising else scaling.fastest_fall_kpa_s
        if values[schema.PLAN_STEP_REQUEST_RATE_KPA_S] > fastest:
            raise PlanError(
                schema.ERR_RATE_IMPOSSIBLE, schema.PLAN_STEP_REQUEST_RATE_KPA_S, fastest
            )

    def _check_hold(self, values):
        resolution = self.scaling.resolution_kpa
        tolerance = values[schema.PLAN_STEP_REQUEST_TOLERANCE_KPA]
        if tolerance < resolution and not self._accept_unresolved:
            raise PlanError(
                schema.ERR_TOLERANCE_UNRESOLVED,
                schema.PLAN_STEP_REQUEST_TOLERANCE_KPA,
                resolution,
            )
        longest_ms = values.get(schema.PLAN_STEP_REQUEST_DURATION_MS, 0)
        rate = values.get(schema.PLAN_STEP_REQUEST_RELAXATION_KPA_MIN, 0)
        opened = values.get(schema.PLAN_STEP_REQUEST_OPEN, False)
        if not longest_ms and (rate or not opened):
            raise PlanError(schema.ERR_NO_END, schema.PLAN_STEP_REQUEST_DURATION_MS)
        if not rate:
            if schema.PLAN_STEP_REQUEST_LEAST_MS in values:
                raise PlanError(schema.ERR_UNKNOWN_FIELD, schema.PLAN_STEP_REQUEST_LEAST_MS)
            return
        self._check_relaxation(values, rate, longest_ms)

    def _check_relaxation(self, values, rate, longest_ms):
        if values[schema.PLAN_STEP_REQUEST_MODE] != schema.HOLD_SEALED:
            # A closed loop pumps back what relaxes.
            raise PlanError(schema.ERR_NOT_SEALED, schema.PLAN_STEP_REQUEST_MODE)
        # Neither finer than the transducer tells, nor than the leak is known.
        finest = max(
            self.scaling.finest_loss_kpa_min,
            leak.uncertainty_kpa_min(
                self.profile, self.scaling, values[schema.PLAN_STEP_REQUEST_TARGET_KPA]
            ),
        )
        if rate < finest:
            raise PlanError(
                schema.ERR_RELAXATION_UNRESOLVED,
                schema.PLAN_STEP_REQUEST_RELAXATION_KPA_MIN,
                finest,
            )
        if values.get(schema.PLAN_STEP_REQUEST_LEAST_MS, 0) > longest_ms:
            raise PlanError(schema.ERR_OUT_OF_RANGE, schema.PLAN_STEP_REQUEST_LEAST_MS, longest_ms)
