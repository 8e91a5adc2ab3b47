"""Checks what must never happen. The first fault latches; until it is cleared outputs are safe."""

from pressloop_fw.loop.plan import TICK_MS
from pressloop_fw.loop.sampler import BAD_LEVEL
from pressloop_fw.loop.volume_watch import ANSWERED, UNANSWERED
from pressloop_fw.wire import schema

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# A pressure above the limit trips after this many readings in a row (30 ms).
_OVER_READINGS_TO_TRIP = const(3)
# More ticks missed at once than this (0.1 s) mean that the press was out of control. A deadman
# circuit cuts the coils 50 ms after its last edge: then the release has emptied the press, and a
# loop that went on would pump it up again as fast as it can.
_MAX_MISSED_TICKS = const(10)
_MAX_MISSED_WITH_DEADMAN = const(4)
# So were more lost ticks than this in all, where four ticks make good for one that was missed.
_MAX_LOST_TICKS = const(20)
_TICKS_PER_LOST_TICK = const(4)
# No powder under pressure closes by more than this within one observation, um.
_MAX_CLOSING_UM = const(500)
# A die or a punch that breaks lets the platens close by more than this at once, a sample that
# cracks by more than the second, um. When oil is lost, they open by at least the third.
_BREAKING_UM = const(20)
_CRACKING_UM = const(3)
_OPENING_UM = const(2)
# What the oil that did not answer as pressure closes the platens by, if the die yields, um. A leak
# and a frozen reading close them by less.
_UNANSWERED_CLOSING_UM = const(50)


class Interlocks:
    """Checks for faults; `fault` is the one that has latched, FAULT_NONE without one.

    `further_fault` is what the pressure has shown since then, FAULT_NONE while it behaves.
    """

    def __init__(self, has_deadman):
        self._most_missed = _MAX_MISSED_WITH_DEADMAN if has_deadman else _MAX_MISSED_TICKS
        self.fault = schema.FAULT_NONE
        self.further_fault = schema.FAULT_NONE
        self._resolution_kpa = 0
        self._over_kpa = 0
        self._press_over_kpa = 0
        self._window_ticks = 0
        self._over_count = 0
        self._lost_ticks = 0
        self._missed_at = 0
        self._gain_from_um = schema.NO_DISPLACEMENT
        self._run_ticks = 0
        self._run_from_kpa = 0
        self._run_from_um = schema.NO_DISPLACEMENT

    def configure(self, profile, scaling):
        """Take over a press and a die."""
        self._resolution_kpa = scaling.resolution_kpa
        self._press_over_kpa = scaling.pellet_limit_kpa + scaling.resolution_kpa
        self._window_ticks = profile.no_gain_window_ms // TICK_MS

    def limit_to(self, over_kpa):
        """Set the highest reading that a run may have."""
        self._over_kpa = over_kpa

    def latch(self, fault):
        """Latch a fault, unless another one has latched before."""
        if self.fault == schema.FAULT_NONE:
            self.fault = fault

    def latch_loss(self, fault, closing_um, still_um):
        """Latch a sudden loss of force by the name that the evidence allows.

        `fault` is SAMPLE_CRACKED for a loss that a crack explains, SUDDEN_LOSS for a larger one.
        `closing_um` and `still_um` are the closing of the platens now and just before the loss.
        What breaks between the platens lets them close; when oil is lost, they open. If they stand,
        or if nothing shows them, it is a sudden loss: a transducer whose reading jumps looks the
        same, and so does a relief valve.
        """
        named = schema.FAULT_SUDDEN_LOSS
        if closing_um != schema.NO_DISPLACEMENT and still_um != schema.NO_DISPLACEMENT:
            closes_um = closing_um - still_um
            if fault == schema.FAULT_SUDDEN_LOSS:
                if closes_um > _BREAKING_UM:
                    named = schema.FAULT_DIE_FAILURE
                elif closes_um <= 0 - _OPENING_UM:
                    named = schema.FAULT_BURST
            elif closes_um > _CRACKING_UM:
                named = fault
        self.latch(named)

    def latch_standing(self, fault):
        """Latch a pressure that stays or rises, also when another fault has latched before."""
        if self.fault == schema.FAULT_NONE:
            self.fault = fault
        elif self.fault != fault:
            self.further_fault = fault

    def clear(self):
        """Clear the latched fault. If its cause persists, it latches again in the next tick."""
        self.fault = schema.FAULT_NONE
        self.further_fault = schema.FAULT_NONE
        self._over_count = 0
        self._lost_ticks = 0

    def restart_closing(self, closing_um, pressure_kpa):
        """Begin a new observation of the platens."""
        self._run_ticks = 0
        self._run_from_um = closing_um
        self._run_from_kpa = pressure_kpa

    def check(self, sampler, pellet_kpa, inputs, missed, tick, active, moving):
        """Check everything but what the pump achieves: readings, inputs, missed ticks.

        `pellet_kpa` is the highest pressure that may be on the pellet; it is the newest reading
        where oil and pellet are one. `missed` is how many ticks were missed before `tick`. `active`
        says whether a run is in progress, `moving` whether the press can move.
        """
        if inputs & schema.INPUT_EMERGENCY_STOP:
            self.latch(schema.FAULT_EMERGENCY_STOP)
        if sampler.low_level >= BAD_LEVEL:
            self.latch(schema.FAULT_SENSOR_LOW)
        if sampler.high_level >= BAD_LEVEL:
            self.latch(schema.FAULT_SENSOR_HIGH)
        if missed:
            self._check_missed(missed, tick, active)
        # The ceiling of a plan applies only to its run; between runs a low one would latch over and
        # over. The unfiltered reading counts, because the filter can be seconds late.
        # What press and die bear is a limit of the oil, too.
        limit_kpa = self._over_kpa if active else self._press_over_kpa
        self._check_pressure(pellet_kpa > limit_kpa or sampler.newest_kpa > self._press_over_kpa)
        if moving and inputs & schema.INPUT_GUARD_OPEN:
            self.latch(schema.FAULT_GUARD_OPEN)

    def check_volume(self, answer):
        """Trip when too much of what was pumped does not show as pressure."""
        if answer == UNANSWERED:
            self.latch(schema.FAULT_NO_PRESSURE_GAIN)

    def check_platens(self, closing_um, pressure_kpa, answer, descending, rising):
        """Trip when the platens close without a gain of pressure: the die yields.

        `answer` is what `watch_volume` has returned. In a rising ramp powder closes by itself.
        """
        if answer == ANSWERED:
            self._gain_from_um = closing_um
        elif answer == UNANSWERED and _closes_by(
            self._gain_from_um, closing_um, _MAX_CLOSING_UM if rising else _UNANSWERED_CLOSING_UM
        ):
            self.latch(schema.FAULT_DIE_FAILURE)
        if descending:
            self.restart_closing(closing_um, pressure_kpa)
        else:
            self._check_closing(closing_um, pressure_kpa)

    def _check_closing(self, closing_um, pressure_kpa):
        """Do the same when little is pumped, over windows of the same length."""
        self._run_ticks += 1
        gained = pressure_kpa - self._run_from_kpa
        resolution_kpa = self._resolution_kpa
        if self._run_ticks < self._window_ticks and gained <= resolution_kpa:
            return
        if gained <= resolution_kpa and _closes_by(self._run_from_um, closing_um, _MAX_CLOSING_UM):
            self.latch(schema.FAULT_DIE_FAILURE)
        self.restart_closing(closing_um, pressure_kpa)

    def _check_missed(self, missed, tick, active):
        """Trip when many ticks were missed at once, or many in all."""
        if not active:
            # Between runs a missed tick does no harm, and writing to the flash is slow.
            self._lost_ticks = 0
            return
        passed = tick - self._missed_at
        self._missed_at = tick
        self._lost_ticks = max(0, self._lost_ticks - passed // _TICKS_PER_LOST_TICK) + missed
        if missed > self._most_missed or self._lost_ticks > _MAX_LOST_TICKS:
            self.latch(schema.FAULT_TICK_OVERRUN)

    def _check_pressure(self, over):
        if not over:
            self._over_count = 0
            return
        self._over_count += 1
        if self._over_count >= _OVER_READINGS_TO_TRIP:
            self.latch(schema.FAULT_OVER_PRESSURE)


def _closes_by(from_um, to_um, limit_um):
    known = from_um != schema.NO_DISPLACEMENT and to_um != schema.NO_DISPLACEMENT
    return known and to_um - from_um > limit_um
