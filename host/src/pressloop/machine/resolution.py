"""Compute the finest tolerance that a press can resolve, and what would make it finer.

The reading decides whether a hold is in band, so the error of a reading is what counts: the
transducer's accuracy and half a step of the board's converter. Errors of the areas do not count:
they make every band narrower or wider by the same share, and are part of the result's uncertainty.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pressloop.machine.profile import MachineProfile
from pressloop.machine.uncertainty import converter_half_width
from pressloop.units import LENGTH, PRESSURE, format_quantity

RANGES_BAR: Final = (60, 100, 160, 250, 400, 600, 1000)
"""Full scales in which pressure transducers are sold, bar."""

ACCURACIES_PERCENT: Final = (0.5, 0.25, 0.1, 0.05, 0.025)
"""Accuracy classes in which they are sold, percent of full scale."""


@dataclass(frozen=True)
class _Alternative:
    """Another transducer or die, with its finest tolerance and its highest pressure."""

    name: str
    finest_kpa: int
    reach_kpa: float


@dataclass(frozen=True)
class Resolution:
    """The resolution of a press with one die; pressures are on the pellet."""

    profile: MachineProfile
    die_um: int

    @property
    def finest_kpa(self) -> int:
        """Finest tolerance, kPa: the board's own limit and half a step of its converter."""
        return self._finest(self.profile, self.die_um)

    @property
    def reason(self) -> str:
        """How the finest tolerance comes about, for a message."""
        profile = self.profile
        where = f"on a {format_quantity(self.die_um, LENGTH)} die"
        if profile.is_vessel:
            where = "in the vessel"
        error = f"{profile.accuracy_percent:g} % of {profile.full_scale_bar:g} bar"
        if profile.converter == "adc":
            error += " and half a step of the chip's own converter (12 bit, 8.7 of them good)"
        return f"{error} is +-{_mpa(self.finest_kpa)} {where}"

    def improvements(self, tolerance_kpa: int, ceiling_kpa: int) -> str:
        """Return which changes of the press would resolve a tolerance, with numbers.

        Args:
            tolerance_kpa: Half width of the band that is wanted.
            ceiling_kpa: Highest pressure that the press must still reach and measure.
        """
        profile = self.profile
        ways = []
        if profile.converter == "adc":
            external = profile.model_copy(update={"converter": "ads1115"})
            kpa = self._finest(external, self.die_um)
            alone = "" if kpa <= tolerance_kpa else ", not enough alone"
            ways.append(f"an ADS1115 as converter (+-{_mpa(kpa)}{alone})")
        for accuracy in ACCURACIES_PERCENT:
            better = profile.model_copy(update={"accuracy_percent": accuracy})
            kpa = self._finest(better, self.die_um)
            if accuracy < profile.accuracy_percent and kpa <= tolerance_kpa:
                ways.append(f"a transducer of {accuracy:g} % accuracy (+-{_mpa(kpa)})")
                break
        ways += self._least_change("a smaller range", self._ranges(), tolerance_kpa, ceiling_kpa)
        ways += self._least_change("a larger die", self._dies(), tolerance_kpa, ceiling_kpa)
        return "; ".join(ways)

    def _ranges(self) -> Iterator[_Alternative]:
        for range_bar in RANGES_BAR:
            if range_bar < self.profile.full_scale_bar:
                oil_bar = min(range_bar, self.profile.max_oil_bar)
                smaller = self.profile.model_copy(
                    update={
                        "full_scale_bar": range_bar,
                        "max_oil_bar": oil_bar,
                        "contact_bar": min(self.profile.contact_bar, oil_bar / 4),
                    }
                )
                reach_kpa = 100 * oil_bar * smaller.limits(self.die_um).ratio_q10 / 1024
                yield _Alternative(
                    f"{range_bar} bar", self._finest(smaller, self.die_um), reach_kpa
                )

    def _dies(self) -> Iterator[_Alternative]:
        for die_um in self.profile.dies_um:
            if die_um > self.die_um:
                reach_kpa = self.profile.limits(die_um).pellet_limit_kpa
                name = format_quantity(die_um, LENGTH)
                yield _Alternative(name, self._finest(self.profile, die_um), reach_kpa)

    @staticmethod
    def _least_change(
        what: str, alternatives: Iterable[_Alternative], tolerance_kpa: int, ceiling_kpa: int
    ) -> Iterator[str]:
        """Yield the smallest change that is enough, or say that none reaches the ceiling."""
        enough = [other for other in alternatives if other.finest_kpa <= tolerance_kpa]
        reaching = [other for other in enough if other.reach_kpa >= ceiling_kpa]
        if reaching:
            least = max(reaching, key=lambda other: other.finest_kpa)
            yield f"{what}: {least.name} (+-{_mpa(least.finest_kpa)})"
        elif enough:
            yield f"{what} that is fine enough does not reach {_mpa(ceiling_kpa)}"

    @staticmethod
    def _finest(profile: MachineProfile, die_um: int) -> int:
        limits = profile.limits(die_um)
        if profile.converter != "adc":
            return limits.resolution_kpa
        full_scale_kpa = profile.full_scale_bar * 100 * limits.ratio_q10 / 1024
        step = math.ceil(full_scale_kpa * converter_half_width(profile))
        return limits.resolution_kpa + step


def _mpa(kpa: int) -> str:
    return format_quantity(kpa, PRESSURE)
