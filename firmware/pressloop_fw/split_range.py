"""A wanted pressure rate becomes an opening of the pump valve or of the release valve.

The two valves are one actuator: positive opens the pump, negative the release, and never both.
The rate is turned into an opening by the press's stiffness at this pressure and lifted over the
valve's dead band; release flow goes with the square root of the pressure, which is divided out.

Between the two lies a gap in which neither passes oil, so that noise does not make them work
against each other. In the gap the pump waits just below its dead band: coming back from there takes
a few ticks less than from its seat.
"""

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.plain import const

from pressloop_fw.schema import OUTPUT_FULL
from pressloop_fw.stiffness import GAIN_BITS, SOFTNESS_ONE, Stiffness

# The release starts to act below -1/_GAP of the pump's full rate, and never for a rate that the
# sensor cannot tell within half a second; it stops above half of that.
_GAP = const(1000)
_MOST_GAP = const(1 << 18)
# A waiting valve stands at most this far below its dead band: a fiftieth of the stroke.
_WAITING = const(655)
_WAITING_SHARE = const(50)
# On the way down the release shuts over the width of the gap by this much beyond its dead band, 6 %
# of the stroke: twice what a data sheet may be wrong.
_SHUTTING = const(1966)
# At very low pressure the square-root correction stops at 8 times the opening.
_MOST_RATIO_Q8 = const(64 << 8)
_MOST_GAIN = const(131071)
_RATIO_BITS = const(12)
_MOST_PRODUCT = const(1 << 29)


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
    """Openings for pump and release, 0..32767, from a wanted rate in kPa/s.

    `rise_kpa_s` and `fall_kpa_s` are what the fully open valves do at the pressure last given to
    `schedule`.
    """

    def __init__(self):
        self.pump = 0
        self.release = 0
        self.rise_kpa_s = 1
        self.fall_kpa_s = 1
        self.stiffness = Stiffness()
        # Gain of the curve alone at the present pressure; the softness finds its factor to it.
        self.curve_gain = 1
        self._pump_gain = 1
        self._release_gain = 1
        self._release_per_pump = 1
        self._pump_dead_band = 0
        self._release_dead_band = 0
        self._reference_kpa = 1
        self._releasing = False
        self._least_gap = 1
        self._dither = 0
        self._dither_up = False

    def configure(self, profile, scaling):
        """Take over flows, compliance, dead bands and hysteresis."""
        self.stiffness.configure(profile, scaling)
        # A release that passes less than the pump is driven as if it passed as much.
        self._release_per_pump = min(
            1 << _RATIO_BITS, (profile.pump_flow_ul_s << _RATIO_BITS) // profile.release_flow_ul_s
        )
        self._pump_dead_band = profile.pump_dead_band
        self._release_dead_band = profile.release_dead_band
        self._reference_kpa = scaling.release_reference_kpa
        self._least_gap = max(1, min(_MOST_GAP, 2 * scaling.resolution_kpa))
        self._dither = profile.valve_dither
        self.schedule(0, SOFTNESS_ONE)
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

    def schedule(self, pressure_kpa, softness):
        """Find the gains at a pressure, with a sample that is softer by `softness` / 256."""
        curve = self.stiffness.gain(pressure_kpa)
        self.curve_gain = curve
        gain = curve * softness >> 8
        if gain > _MOST_GAIN:
            gain = _MOST_GAIN
        elif gain < 1:
            gain = 1
        self._pump_gain = gain
        self.rise_kpa_s = _MOST_PRODUCT // gain
        # A release is elastic: the powder does not take part.
        gain = curve * self._release_per_pump >> _RATIO_BITS
        if gain < 1:
            gain = 1
        self._release_gain = gain
        self.fall_kpa_s = _MOST_PRODUCT // gain

    def drive(self, rate_kpa_s, pressure_kpa, pump_locked, descending=False):
        """Realise a pressure rate at the pressure last scheduled.

        On the way down there is no gap: the release is to follow from the first tick on, and shuts
        beyond its dead band, so that a dead band taken too high does not let the press run down.
        """
        if rate_kpa_s > self.rise_kpa_s:
            rate_kpa_s = self.rise_kpa_s
        elif rate_kpa_s < -self.fall_kpa_s:
            rate_kpa_s = -self.fall_kpa_s
        gap = max(self._least_gap, self.rise_kpa_s // _GAP)
        if descending or pump_locked:
            if rate_kpa_s <= gap or pump_locked:
                self._releasing = True
                self.pump = 0
                if rate_kpa_s <= 0:
                    self.release = self._release_opening(-rate_kpa_s, pressure_kpa)
                else:
                    shut = _SHUTTING * min(rate_kpa_s, gap) // gap
                    self.release = max(0, self._release_dead_band - shut)
                return
            # The press loses more by itself than it is to lose.
            rate_kpa_s -= gap
        else:
            if self._releasing:
                gap >>= 1
            if rate_kpa_s < -gap:
                self._releasing = True
                self.pump = 0
                self.release = self._release_opening(-rate_kpa_s, pressure_kpa)
                return
        self._releasing = False
        self.release = 0
        opening = -_WAITING
        if rate_kpa_s > -self.rise_kpa_s // _WAITING_SHARE:
            opening = rate_kpa_s * self._pump_gain >> GAIN_BITS
        self.pump = _over(opening, self._pump_dead_band)

    def pumping(self):
        """Opening of the pump above its dead band, 0..32767."""
        above = self.pump - self._pump_dead_band
        if above <= 0:
            return 0
        return (above << 15) // (OUTPUT_FULL + 1 - self._pump_dead_band)

    def output(self):
        """Signed split-range output as commanded to the valves, without dither."""
        return -self.release if self.release else self.pump

    def dither(self):
        """Return what to add to an opening in this tick: alternates, and rubs out hysteresis.

        A valve with play follows the middle of an alternating command as soon as its amplitude is
        half the play.
        """
        self._dither_up = not self._dither_up
        return self._dither if self._dither_up else -self._dither

    def _release_opening(self, wanted, pressure_kpa):
        opening = wanted * self._release_gain >> GAIN_BITS
        ratio = (self._reference_kpa << 8) // (pressure_kpa if pressure_kpa > 0 else 1)
        if ratio > _MOST_RATIO_Q8:
            ratio = _MOST_RATIO_Q8
        opening = opening * isqrt(ratio << 8) >> 8
        if opening > OUTPUT_FULL:
            opening = OUTPUT_FULL
        return _over(opening, self._release_dead_band)


def _over(opening, dead_band):
    lifted = dead_band + (opening * (OUTPUT_FULL - dead_band) >> 15)
    return lifted if lifted > 0 else 0
