"""The scale from the transducer's counts to the pellet pressure, with integers only.

The pellet pressure is the oil pressure times ram area over die area. All that depends on this ratio
is computed once per plan, in the foreground, where big integers are allowed. The tick then needs
two multiplications whose products stay below 2**30.
"""

from pressloop_fw.loop.relaxation import MAX_WINDOW_S

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const


FRACTION_BITS = const(12)
# Readings are kept in 1/16 kPa so that the filter can smooth below 1 kPa.
SUB_BITS = const(4)
# As far above zero as a press counts as unloaded.
_ZERO_BAND_RESOLUTIONS = const(3)


def ratio_q10(ram_area_mm2, die_um):
    """Return ram area over die area, times 1024."""
    return ram_area_mm2 * 1000000 * 1024 // die_area_um2(die_um)


def die_area_um2(die_um):
    """Return the area of a die; 355/452 stands for pi/4."""
    return die_um * die_um * 355 // 452


class Scaling:
    """The scale of one press with one die. It never changes: a new plan makes a new one."""

    def __init__(self, profile, die_um):
        # In a vessel the pressure of the line is that of the sample.
        ratio = 1024 if profile.is_vessel else ratio_q10(profile.ram_area_mm2, die_um)
        # Returns whether a switch shows pressure under the lid of a vessel; None without one.
        self.lid_pressure = None
        self.die_um = die_um
        self.pellet_limit_kpa = profile.limit_oil_kpa * ratio // 1024
        load_n = profile.load_n(die_um)
        if load_n:
            # The greatest load of the die over its area.
            load_kpa = load_n * 1000000000 // die_area_um2(die_um)
            self.pellet_limit_kpa = min(self.pellet_limit_kpa, load_kpa)
        self.resolution_kpa = max(
            1, profile.full_scale_oil_kpa * ratio * profile.accuracy_ppm // (1024 * 1000000)
        )
        # How far below zero a sound transducer may read at rest. Zero is that of the moving ram.
        self.zero_band_kpa = (
            profile.return_oil_kpa * ratio // 1024 + _ZERO_BAND_RESOLUTIONS * self.resolution_kpa
        )
        self.contact_kpa = profile.contact_oil_kpa * ratio // 1024
        # Pellet pressure at 10 MPa of oil, where the release flow is specified.
        self.release_reference_kpa = 10000 * ratio // 1024
        self._pump_flow_ul_s = profile.pump_flow_ul_s
        self._ratio = ratio
        self.fastest_rise_kpa_s = self.rise_kpa_s(profile.compliance_nl_mpa)
        fall = profile.release_flow_ul_s * 1000 * 1000 // profile.compliance_nl_mpa
        self.fastest_fall_kpa_s = fall * ratio // 1024

        # c counts above `zero` are c * per_count + (c * fraction >> 12) - zero_rest in 1/16 kPa of
        # pellet pressure; the sampler computes it.
        self.zero = profile.raw_zero
        span = profile.raw_full - profile.raw_zero
        numerator = profile.full_scale_oil_kpa * ratio << SUB_BITS
        denominator = 1024 * span
        # The smallest loss that is significant: two counts, or an eighth of the accuracy. The rest
        # of the accuracy (offset, span) is the same before and after.
        two_counts = -(-2 * numerator // (denominator << SUB_BITS))
        self.loss_unit_kpa = max(two_counts, self.resolution_kpa // 8)
        # The slowest loss that the longest window, a minute, can tell from none.
        self.finest_loss_kpa_min = self.loss_unit_kpa * 60 // MAX_WINDOW_S
        self.per_count, self.fraction = self.per_count_of(profile.full_scale_oil_kpa, span)
        self.zero_rest = numerator * profile.raw_zero_fraction // (256 * denominator)

    def oil_kpa(self, pressure_kpa):
        """Return the oil pressure of a pellet pressure."""
        return pressure_kpa * 1024 // self._ratio

    def pellet_kpa(self, oil_kpa):
        """Return the pellet pressure of an oil pressure."""
        return oil_kpa * self._ratio // 1024

    def per_count_of(self, full_scale_oil_kpa, span):
        """Return pellet pressure per count, 1/16 kPa: whole part, and the rest in 1/4096."""
        numerator = full_scale_oil_kpa * self._ratio << SUB_BITS
        denominator = 1024 * span
        return numerator // denominator, (numerator % denominator << FRACTION_BITS) // denominator

    def rise_kpa_s(self, compliance_nl_mpa):
        """Return the pressure rate of the fully open pump on a closed press of that compliance."""
        return self._pump_flow_ul_s * 1000 * 1000 // compliance_nl_mpa * self._ratio // 1024

    def fits(self):
        """Whether every product in the tick stays a small integer for this press and die."""
        return (
            self.per_count < 1 << 13
            and 0 < self.pellet_limit_kpa <= 2000000
            and 0 < self.fastest_rise_kpa_s <= 8000000
            and 0 < self.fastest_fall_kpa_s <= 80000000
            and self.release_reference_kpa < 1 << 21
        )
