"""A wanted pressure rate becomes an opening of the pump valve or of the release valve.

The two valves are one actuator: positive opens the pump, negative the release, and never both.
The rate is divided by what the fully open valve would do to the closed press (flow over
compliance), then lifted over the valve's dead band. Release flow goes with the square root of the
pressure, which is divided out. Between the two lies a gap in which both stay shut, so that noise
does not make them work against each other.
"""

try:
    from micropython import const
except ImportError:  # CPython

    def const(value):
        return value


from pressloop_fw.schema import OUTPUT_FULL

_SHIFT = const(14)
# The release starts to act below -1/_GAP of the pump's full rate and stops above half of that.
_GAP = const(200)
# At very low pressure the square-root correction stops at 8 times the opening.
_MOST_RATIO_Q8 = const(64 << 8)


def isqrt(n):
    """Integer square root of 0 <= n < 2**30, without allocation."""
    root = 0
    bit = 1 << 28
    while bit > n:
        bit >>= 2
    while bit:
        if n >= root + bit:
            n -= root + bit
            root = (root >> 1) + bit
        else:
            root >>= 1
        bit >>= 2
    return root


class SplitRange:
    """Openings for pump and release, 0..32767, from a wanted rate in kPa/s."""

    def __init__(self):
        self.pump = 0
        self.release = 0
        self.rise_kpa_s = 1
        self.fall_kpa_s = 1
        self._pump_gain = 0
        self._release_gain = 0
        self._pump_dead_band = 0
        self._release_dead_band = 0
        self._reference_kpa = 1
        self._gap_kpa_s = 0
        self._releasing = False

    def configure(self, profile, scaling):
        """Take over flows, compliance and dead bands."""
        self.rise_kpa_s = scaling.fastest_rise_kpa_s
        self.fall_kpa_s = scaling.fastest_fall_kpa_s
        self._pump_gain = (OUTPUT_FULL << _SHIFT) // self.rise_kpa_s
        self._release_gain = (OUTPUT_FULL << _SHIFT) // self.fall_kpa_s
        self._pump_dead_band = profile.pump_dead_band
        self._release_dead_band = profile.release_dead_band
        self._reference_kpa = scaling.release_reference_kpa
        self._gap_kpa_s = self.rise_kpa_s // _GAP
        self.shut()

    def shut(self):
        """Both valves closed."""
        self.pump = 0
        self.release = 0
        self._releasing = False

    def dump(self):
        """Release fully open."""
        self.pump = 0
        self.release = OUTPUT_FULL
        self._releasing = True

    def pump_at(self, opening):
        """Pump at a fixed opening, dead band included."""
        self.pump = opening
        self.release = 0
        self._releasing = False

    def drive(self, rate_kpa_s, pressure_kpa, pump_locked):
        """Realise a pressure rate at the present pressure."""
        if rate_kpa_s > 0:
            self.release = 0
            self._releasing = False
            if pump_locked:
                self.pump = 0
                return
            if rate_kpa_s > self.rise_kpa_s:
                rate_kpa_s = self.rise_kpa_s
            opening = rate_kpa_s * self._pump_gain >> _SHIFT
            self.pump = self._over(opening, self._pump_dead_band)
            return
        self.pump = 0
        wanted = -rate_kpa_s
        gap = self._gap_kpa_s
        if self._releasing:
            gap >>= 1
        if wanted <= gap:
            self.release = 0
            self._releasing = False
            return
        self._releasing = True
        if wanted > self.fall_kpa_s:
            wanted = self.fall_kpa_s
        opening = wanted * self._release_gain >> _SHIFT
        ratio = (self._reference_kpa << 8) // (pressure_kpa if pressure_kpa > 0 else 1)
        if ratio > _MOST_RATIO_Q8:
            ratio = _MOST_RATIO_Q8
        opening = opening * isqrt(ratio << 8) >> 8
        if opening > OUTPUT_FULL:
            opening = OUTPUT_FULL
        self.release = self._over(opening, self._release_dead_band)

    def output(self):
        """Signed split-range output as commanded to the valves."""
        return self.pump if self.pump else -self.release

    def _over(self, opening, dead_band):
        if opening == 0:
            return 0
        return dead_band + (opening * (OUTPUT_FULL - dead_band) >> 15)
