"""PID in pressure rate: kPa of error in, wanted kPa/s out.

Because the output is a rate, the gains mean the same on every press (kp in 1/s, ki in 1/s2, kd a
number), and the setpoint's own rate is the feed-forward as it stands.

Integers throughout; every product stays below 2**30.
"""

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.plain import const

from pressloop_fw.schema import TICK_HZ

_GAIN_BITS = const(8)
_INTEGRAL_BITS = const(16)
_ERROR_LIMIT = const(131071)
_INTEGRAL_ERROR_LIMIT = const(65535)
_SLOPE_LIMIT = const(2047)


class Pid:
    """Proportional, integral with clamping, derivative on the measurement.

    The integral stands still while the output is at a limit and the error would drive it further.
    There is one for each valve, as what it makes up for is that valve's own dead band and leak:
    what was learned while releasing is no use to the pump.
    """

    def __init__(self):
        self.kp = 0
        self.ki = 0
        self.kd = 0
        self.saturated = False
        self._integral = 0
        self._remainder = 0
        self._releasing = False
        self._other_integral = 0
        self._error = 0
        self._last_kpa = 0
        self._slope = 0

    def set_gains(self, kp, ki, kd):
        """Change gains without a jump of the output: the integral takes up the difference."""
        self._integral += (self._error * self.kp >> _GAIN_BITS) - (self._error * kp >> _GAIN_BITS)
        self.kp = kp
        self.ki = ki
        self.kd = kd

    def restart(self, pressure_kpa):
        """Take over from valves that were driven otherwise: no memory of the error before."""
        self._error = 0
        self._integral = 0
        self._other_integral = 0
        self._remainder = 0
        self._last_kpa = pressure_kpa
        self._slope = 0

    def act_through(self, releasing):
        """Say which valve is to do the work from now on."""
        if releasing != self._releasing:
            self._releasing = releasing
            self._integral, self._other_integral = self._other_integral, self._integral

    def step(self, setpoint_kpa, pressure_kpa, rate_kpa_s, low_kpa_s, high_kpa_s):
        """Return the wanted pressure rate, kPa/s, within low..high."""
        error = self._clamped(setpoint_kpa - pressure_kpa)
        self._error = error
        slope = pressure_kpa - self._last_kpa
        self._last_kpa = pressure_kpa
        if slope > _SLOPE_LIMIT:
            slope = _SLOPE_LIMIT
        elif slope < -_SLOPE_LIMIT:
            slope = -_SLOPE_LIMIT
        self._slope += (slope - self._slope) >> 1
        damping = self._slope * TICK_HZ * self.kd >> _GAIN_BITS
        fixed = rate_kpa_s + (error * self.kp >> _GAIN_BITS) - damping
        output = fixed + self._integral
        driving_up = error > 0
        if (output < high_kpa_s or not driving_up) and (output > low_kpa_s or driving_up):
            if error > _INTEGRAL_ERROR_LIMIT:
                error = _INTEGRAL_ERROR_LIMIT
            elif error < -_INTEGRAL_ERROR_LIMIT:
                error = -_INTEGRAL_ERROR_LIMIT
            grown = error * self.ki + self._remainder
            self._integral += grown >> _INTEGRAL_BITS
            self._remainder = grown & 0xFFFF
            if self._integral > high_kpa_s:
                self._integral = high_kpa_s
            elif self._integral < low_kpa_s:
                self._integral = low_kpa_s
            output = fixed + self._integral
        self.saturated = True
        if output > high_kpa_s:
            output = high_kpa_s
        elif output < low_kpa_s:
            output = low_kpa_s
        else:
            self.saturated = False
        return output

    def _clamped(self, error):
        if error > _ERROR_LIMIT:
            return _ERROR_LIMIT
        if error < -_ERROR_LIMIT:
            return -_ERROR_LIMIT
        return error
