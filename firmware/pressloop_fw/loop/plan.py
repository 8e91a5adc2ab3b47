"""The plan: the steps to press, stored one by one as they arrive."""

import binascii
from array import array

from pressloop_fw.loop import leak
from pressloop_fw.loop.plan_checks import PlanError, check_ceiling, check_step, check_vent_rate
from pressloop_fw.loop.relaxation import window_s
from pressloop_fw.wire import schema

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const


# Stands for "no step" in the place of a step's index.
NO_STEP = const(255)

_NO_GAIN = const(-1)
TICK_MS = 1000 // schema.TICK_HZ
# Time that the end of a run keeps free on the device clock: an hour until the press is unloaded,
# and a day for pauses and for the lag of the loop, of which the plan says nothing.
_UNLOAD_TICKS = 3600 * schema.TICK_HZ
_UNPLANNED_TICKS = 24 * _UNLOAD_TICKS


def _ticks(ms):
    """Return a duration in ticks, rounded up so that it is never shorter than asked for."""
    return (ms + TICK_MS - 1) // TICK_MS


class Plan:
    """Steps in columns of integers, so that the tick reads them without allocating.

    `level_kpa` is the target of the last step so far, where the next one begins.
    """

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
        # Holds that end on relaxation: the rate of loss, 0 for others, and over which window it is
        # measured.
        self.relaxation_kpa_min = array("i", [0] * size)
        self.window_s = bytearray(size)
        # Share of the pressure there that the press's own leak takes per minute, times 2**15.
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
        self.accept_unresolved = False
        self.committed = False
        self.announced = 0
        self.count = 0
        self.level_kpa = 0
        self._digest = 0
        # How long the steps can take, without open holds and times out of the band.
        self._planned_ticks = 0

    def adopt(self, profile, scaling):
        """Drop the plan: it was made for another profile or die."""
        self.committed = False
        self.announced = 0
        self.count = 0
        self.text = {}
        self.profile = profile
        self.scaling = scaling

    def begin(self, values, payload, profile, scaling):
        """Drop the plan and take the header of a new one; PlanError if it is refused."""
        self.adopt(profile, scaling)
        ceiling = values[schema.PLAN_BEGIN_REQUEST_CEILING_KPA]
        check_ceiling(ceiling, scaling)
        self.ceiling_kpa = ceiling
        self.host_loss = values[schema.PLAN_BEGIN_REQUEST_HOST_LOSS]
        self.host_loss_limit_ticks = _ticks(values[schema.PLAN_BEGIN_REQUEST_HOST_LOSS_LIMIT_MS])
        self.host_timeout_ticks = _ticks(values[schema.PLAN_BEGIN_REQUEST_HOST_TIMEOUT_MS])
        self.vent_rate_kpa_s = values[schema.PLAN_BEGIN_REQUEST_VENT_RATE_KPA_S]
        self.record_every = values[schema.PLAN_BEGIN_REQUEST_RECORD_EVERY]
        self.accept_unresolved = values[schema.PLAN_BEGIN_REQUEST_ACCEPT_UNRESOLVED]
        check_vent_rate(self.vent_rate_kpa_s, scaling)
        self.level_kpa = 0
        self._planned_ticks = 0
        self._digest = binascii.crc32(payload)
        self.announced = values[schema.PLAN_BEGIN_REQUEST_STEPS]

    def add(self, values, payload):
        """Append the next step; PlanError if it is refused."""
        index = values[schema.PLAN_STEP_REQUEST_INDEX]
        if self.committed or index != self.count or index >= self.announced:
            raise PlanError(schema.ERR_PLAN_ORDER, schema.PLAN_STEP_REQUEST_INDEX, self.count)
        try:
            check_step(self, values)
        except PlanError as refusal:
            refusal.step = index
            raise
        kind = values[schema.PLAN_STEP_REQUEST_KIND]
        self.kind[index] = kind
        self.stage[index] = values[schema.PLAN_STEP_REQUEST_STAGE]
        self.mode[index] = values.get(schema.PLAN_STEP_REQUEST_MODE, schema.HOLD_REGULATED)
        self.open[index] = 1 if values.get(schema.PLAN_STEP_REQUEST_OPEN) else 0
        self.target_kpa[index] = values.get(schema.PLAN_STEP_REQUEST_TARGET_KPA, self.level_kpa)
        self.rate_kpa_s[index] = values.get(schema.PLAN_STEP_REQUEST_RATE_KPA_S, 0)
        self.tolerance_kpa[index] = values.get(schema.PLAN_STEP_REQUEST_TOLERANCE_KPA, 0)
        self.duration_ticks[index] = _ticks(values.get(schema.PLAN_STEP_REQUEST_DURATION_MS, 0))
        self.timeout_ticks[index] = _ticks(values.get(schema.PLAN_STEP_REQUEST_TIMEOUT_MS, 0))
        rate = values.get(schema.PLAN_STEP_REQUEST_RELAXATION_KPA_MIN, 0)
        self.relaxation_kpa_min[index] = rate
        self.window_s[index] = window_s(rate, self.scaling.loss_unit_kpa) if rate else 0
        self.leak_share[index] = (
            leak.share_q15(self.profile, self.scaling, self.target_kpa[index])
            if kind == schema.STEP_HOLD
            else 0
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
            distance = abs(self.target_kpa[index] - self.level_kpa)
            self._planned_ticks += distance * schema.TICK_HZ // self.rate_kpa_s[index]
            self._planned_ticks += _ticks(profile.approach_timeout_ms)
        self.level_kpa = self.target_kpa[index]
        self._digest = binascii.crc32(payload, self._digest)
        self.count = index + 1

    def commit(self, digest):
        """Accept the plan; PlanError unless all of it has arrived as it was sent."""
        if self.announced == 0 or self.count != self.announced:
            raise PlanError(schema.ERR_PLAN_ORDER, 0, self.count)
        if digest != self._digest:
            raise PlanError(schema.ERR_PLAN_DIGEST, schema.PLAN_COMMIT_REQUEST_DIGEST)
        self.committed = True

    def vent_by_tick(self):
        """Return the tick at which a run must vent, to be unloaded before the clock ends."""
        vent_ticks = self.ceiling_kpa * schema.TICK_HZ // self.vent_rate_kpa_s
        return schema.CLOCK_END - _UNLOAD_TICKS - vent_ticks

    def start_by_tick(self):
        """Return the last tick at which the plan may start and end before it must vent.

        An open hold or a long pause has no planned length: `vent_by_tick` may still cut it short.
        """
        return self.vent_by_tick() - _UNPLANNED_TICKS - self._planned_ticks
