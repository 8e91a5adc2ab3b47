"""Checks what must never happen. The first fault latches; until it is cleared outputs are safe."""

from pressloop_fw.loop.plan import TICK_MS
from pressloop_fw.loop.registers import register_block
from pressloop_fw.wire import schema

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.registers: SIGN_SHIFT
# loop.setpoint: VALUE_KPA
# loop.split_range: PUMPING
_SIGN_SHIFT = const(0)
_VALUE_KPA = const(1)
_PUMPING = const(6)
# end of generated

# One bad reading can be noise on the wire; this many in a row (50 ms) mean a broken sensor.
_BAD_READINGS_TO_TRIP = const(5)
# A pressure above the limit trips after this many readings in a row (30 ms).
_OVER_READINGS_TO_TRIP = const(3)
# More ticks missed at once than this (0.1 s) mean that the press was out of control.
_MAX_MISSED_TICKS = const(10)
# No powder under pressure closes by more than this within one observation, um.
_MAX_CLOSING_UM = const(500)
# A pump that is open by more than this above its dead band, 5 % of the stroke, must raise the
# pressure.
_MIN_PUMPING = const(1638)

_GAIN_TICKS = const(1)
_GAIN_FROM_KPA = const(2)
_RESOLUTION_KPA = const(3)
_REGISTERS = const(4)


@micropython.viper
def count_pump_without_gain(
    registers: ptr32, valves: ptr32, setpoint: ptr32, pressure_kpa: int
) -> int:
    """Count the ticks in which the pump works without a gain of pressure; return how many.

    `valves` and `setpoint` are the blocks of the split range and of the setpoint. The count begins
    anew while the pump is nearly shut, as in a hold, and while the pressure is less than twice the
    sensor's error below the setpoint.
    """
    sign_shift = registers[_SIGN_SHIFT]
    resolution_kpa = registers[_RESOLUTION_KPA]
    short_kpa = (setpoint[_VALUE_KPA] << sign_shift >> sign_shift) - pressure_kpa
    gained = pressure_kpa - (registers[_GAIN_FROM_KPA] << sign_shift >> sign_shift)
    if (
        valves[_PUMPING] < _MIN_PUMPING
        or short_kpa <= 2 * resolution_kpa
        or gained > resolution_kpa
    ):
        registers[_GAIN_TICKS] = 0
        registers[_GAIN_FROM_KPA] = pressure_kpa
        return 0
    registers[_GAIN_TICKS] += 1
    return registers[_GAIN_TICKS]


class Interlocks:
    """Checks for faults; `fault` is the one that has latched, FAULT_NONE without one."""

    def __init__(self):
        self.fault = schema.FAULT_NONE
        self.registers = register_block(_REGISTERS)
        self._over_kpa = 0
        self._press_over_kpa = 0
        self._window_ticks = 0
        self._over_count = 0
        self._gain_from_um = schema.NO_DISPLACEMENT
        self._run_ticks = 0
        self._run_from_kpa = 0
        self._run_from_um = schema.NO_DISPLACEMENT

    def configure(self, profile, scaling):
        """Take over a press and a die."""
        self.registers[_RESOLUTION_KPA] = scaling.resolution_kpa
        self._press_over_kpa = scaling.pellet_limit_kpa + scaling.resolution_kpa
        self._window_ticks = profile.no_gain_window_ms // TICK_MS

    def limit_to(self, over_kpa):
        """Set the highest reading that a run may have."""
        self._over_kpa = over_kpa

    def latch(self, fault):
        """Latch a fault, unless another one has latched before."""
        if self.fault == schema.FAULT_NONE:
            self.fault = fault

    def clear(self):
        """Clear the latched fault. If its cause persists, it latches again in the next tick."""
        self.fault = schema.FAULT_NONE
        self._over_count = 0
        self.restart_gain(0)

    def restart_gain(self, pressure_kpa):
        """Begin a new observation of the gain of pressure."""
        self.registers[_GAIN_TICKS] = 0
        self.registers[_GAIN_FROM_KPA] = pressure_kpa

    def restart_closing(self, closing_um, pressure_kpa):
        """Begin a new observation of the platens."""
        self._run_ticks = 0
        self._run_from_um = closing_um
        self._run_from_kpa = pressure_kpa

    def check(self, sampler, inputs, missed, active, moving):
        """Check everything but the gain of pressure: readings, inputs, missed ticks.

        `active` says whether a run is in progress, `moving` whether the press can move.
        """
        if inputs & schema.INPUT_EMERGENCY_STOP:
            self.latch(schema.FAULT_EMERGENCY_STOP)
        if sampler.low_count >= _BAD_READINGS_TO_TRIP:
            self.latch(schema.FAULT_SENSOR_LOW)
        if sampler.high_count >= _BAD_READINGS_TO_TRIP:
            self.latch(schema.FAULT_SENSOR_HIGH)
        # Between runs a missed tick does no harm, and writing to the flash is slow.
        if active and missed > _MAX_MISSED_TICKS:
            self.latch(schema.FAULT_TICK_OVERRUN)
        # The ceiling of a plan applies only to its run; between runs a low one would latch over and
        # over. The unfiltered reading counts, because the filter can be seconds late.
        self._check_pressure(sampler.newest_kpa, self._over_kpa if active else self._press_over_kpa)
        if moving and inputs & schema.INPUT_GUARD_OPEN:
            self.latch(schema.FAULT_GUARD_OPEN)

    def check_gain(self, pump_without_gain_ticks):
        """Trip when the pump has worked for the profile's window without a gain of pressure."""
        if pump_without_gain_ticks and pump_without_gain_ticks >= self._window_ticks:
            self.latch(schema.FAULT_NO_PRESSURE_GAIN)

    def check_platens(self, closing_um, pressure_kpa, pump_without_gain_ticks, descending):
        """Trip when the platens close without a gain of pressure: the die yields."""
        if pump_without_gain_ticks <= 1:
            self._gain_from_um = closing_um
        elif pump_without_gain_ticks >= self._window_ticks and _closes_too_far(
            self._gain_from_um, closing_um
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
        resolution_kpa = self.registers[_RESOLUTION_KPA]
        if self._run_ticks < self._window_ticks and gained <= resolution_kpa:
            return
        if gained <= resolution_kpa and _closes_too_far(self._run_from_um, closing_um):
            self.latch(schema.FAULT_DIE_FAILURE)
        self.restart_closing(closing_um, pressure_kpa)

    def _check_pressure(self, pressure_kpa, limit_kpa):
        if pressure_kpa <= limit_kpa:
            self._over_count = 0
            return
        self._over_count += 1
        if self._over_count >= _OVER_READINGS_TO_TRIP:
            self.latch(schema.FAULT_OVER_PRESSURE)


def _closes_too_far(from_um, to_um):
    known = from_um != schema.NO_DISPLACEMENT and to_um != schema.NO_DISPLACEMENT
    return known and to_um - from_um > _MAX_CLOSING_UM
