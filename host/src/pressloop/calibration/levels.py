"""Chooses the levels of a calibration and writes the protocols that press them.

Each series is an ordinary protocol of ramps and holds, so every guard of the board is armed, and a
series that was interrupted is pressed again as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pressloop.errors import BadInputError
from pressloop.machine.profile import MachineProfile
from pressloop.machine.resolution import Resolution
from pressloop.protocol import Hold, Protocol, Ramp, Release, Stage
from pressloop.protocol.model.hold import Until
from pressloop.protocol.model.protocol import NO_DIE
from pressloop.units import pressure_text

MIN_LEVELS: Final = 5
LOWEST_SHARE: Final = 0.2
"""The lowest level, of the highest."""
RISING_SERIES: Final = 3
PRELOADS: Final = 3
"""Loads to the highest level before the first series, without a reading."""
CEILING_MARGIN: Final = 1.03
"""The ceiling of the runs, of the highest level."""

HELD_S: Final = 6.0
"""Dwell of a level whose reference needs no person."""
MAX_WAIT_MIN: Final = 30
"""Longest time that a level waits for its reference."""

_RAMP_S: Final = 25.0
_TOLERANCE: Final = 0.02
_MAX_LEVELS: Final = 20


@dataclass(frozen=True)
class Levels:
    """The levels of a calibration; pressures are on the pellet.

    Attributes:
        die_um: Diameter that the pressures are on, um: of the die, or of a vessel's bore.
        levels_kpa: The levels, the lowest first.
        falling: Number of series that are also read on the way down, the last ones.
        rate_kpa_s: Rate of the ramps to the levels.
        tolerances_kpa: Half width of the band of each level.
        ceiling_kpa: Ceiling of the runs.
        isostatic: Whether it is a vessel, which has no die.
    """

    die_um: int
    levels_kpa: tuple[int, ...]
    falling: int
    rate_kpa_s: int
    tolerances_kpa: tuple[int, ...]
    ceiling_kpa: int
    isostatic: bool = False

    @property
    def quick_rate_kpa_s(self) -> int:
        """Rate where nothing is read, as in the preload: two thirds of the fastest at most."""
        return 2 * self.rate_kpa_s

    def falls(self, series: int) -> bool:
        """Return whether a series, counted from 1, is also read on the way down."""
        return series > RISING_SERIES - self.falling


def choose_levels(
    profile: MachineProfile,
    die_um: int,
    *,
    up_to_kpa: int | None = None,
    count: int = MIN_LEVELS,
    falling: int = 1,
) -> Levels:
    """Return equally spaced levels from 20 to 100 % of the range.

    Args:
        profile: Profile of the press.
        die_um: Diameter of the die in the press.
        up_to_kpa: Highest level; None: the press's limit with this die, less 3 % for the ceiling.
        count: Number of levels.
        falling: Number of series that are also read on the way down.

    Raises:
        BadInputError: `over-limit`, or `calibration-levels`.
    """
    if not MIN_LEVELS <= count <= _MAX_LEVELS:
        raise BadInputError(
            f"{count} levels: a calibration has {MIN_LEVELS} to {_MAX_LEVELS}",
            hint=f"{MIN_LEVELS} are enough for a press that is straight",
            code="calibration-levels",
        )
    if not 1 <= falling <= RISING_SERIES:
        raise BadInputError(
            f"{falling} falling series: there are 1 to {RISING_SERIES}, one in each rising series",
            hint="more falling series make the friction more certain",
            code="calibration-levels",
        )
    limits = profile.limits(die_um)
    top_kpa = up_to_kpa or int(limits.pellet_limit_kpa / CEILING_MARGIN)
    ceiling_kpa = round(CEILING_MARGIN * top_kpa)
    if ceiling_kpa > limits.pellet_limit_kpa:
        raise BadInputError(
            f"a highest level of {pressure_text(top_kpa, die_um)} needs a ceiling 3 % higher, and "
            f"this press may reach {pressure_text(limits.pellet_limit_kpa, die_um)}",
            hint="lower the highest level",
            code="over-limit",
        )
    step = (1 - LOWEST_SHARE) / (count - 1)
    levels = tuple(round(top_kpa * (LOWEST_SHARE + step * number)) for number in range(count))
    contact_kpa = round(100 * profile.contact_bar * limits.ratio_q10 / 1024)
    if levels[0] < 1.5 * contact_kpa:
        raise BadInputError(
            f"the lowest level, {pressure_text(levels[0], die_um)}, is too near to contact, which "
            f"this press tells at {pressure_text(contact_kpa, die_um)}",
            hint="raise the highest level; the lowest is a fifth of it",
            code="calibration-levels",
        )
    finest_kpa = 2 * Resolution(profile, die_um).finest_kpa
    fastest = min(limits.fastest_rise_kpa_s, limits.fastest_fall_kpa_s)
    return Levels(
        die_um=die_um,
        levels_kpa=levels,
        falling=falling,
        rate_kpa_s=max(1, min(fastest // 3, round(top_kpa / _RAMP_S))),
        tolerances_kpa=tuple(max(finest_kpa, round(_TOLERANCE * level)) for level in levels),
        ceiling_kpa=ceiling_kpa,
        isostatic=profile.is_vessel,
    )


def preload_protocol(levels: Levels) -> Protocol:
    """Return the protocol that loads press and reference three times before the first reading."""
    top = len(levels.levels_kpa) - 1
    stages = []
    for number in range(1, PRELOADS + 1):
        hold = Hold(duration="2 s", tolerance=f"{levels.tolerances_kpa[top]} kPa")
        stages.append(
            Stage(
                name=f"preload {number}",
                ramp=_ramp(levels, top, levels.quick_rate_kpa_s),
                hold=hold,
                release=Release(target="0 kPa", rate=f"{levels.quick_rate_kpa_s} kPa/s"),
            )
        )
    return _protocol("calibration, preload", levels, stages)


def series_protocol(levels: Levels, series: int, *, waits: bool) -> Protocol:
    """Return the protocol of one series, counted from 1: up, and down where it is read there.

    Args:
        levels: The levels.
        series: Number of the series.
        waits: Whether each level is held until its reference was read; otherwise for `HELD_S`.
    """
    stages = []
    for rising, level in order_of(levels, series):
        way = "rising" if rising else "falling"
        name = f"{way}, level {level + 1}"
        tolerance = f"{levels.tolerances_kpa[level]} kPa"
        if waits:
            until = Until(operator=f"reference at {name}", at_most=f"{MAX_WAIT_MIN} min")
            hold = Hold(until=until, tolerance=tolerance)
        else:
            hold = Hold(duration=f"{HELD_S:g} s", tolerance=tolerance)
        stages.append(Stage(name=name, ramp=_ramp(levels, level, levels.rate_kpa_s), hold=hold))
    # Nothing is read on this way.
    release = Release(target="0 kPa", rate=f"{levels.quick_rate_kpa_s} kPa/s")
    stages.append(Stage(name="release", release=release))
    return _protocol(f"calibration, series {series}", levels, stages)


def order_of(levels: Levels, series: int) -> list[tuple[bool, int]]:
    """Return direction (rising or not) and index of each level of a series, in its order."""
    count = len(levels.levels_kpa)
    order = [(True, level) for level in range(count)]
    if levels.falls(series):
        # At the highest level there is no way down to it.
        order += [(False, level) for level in reversed(range(count - 1))]
    return order


def hold_steps(levels: Levels, series: int) -> list[int]:
    """Return the index of the plan step of each hold: a ramp is before each."""
    return [2 * number + 1 for number in range(len(order_of(levels, series)))]


def _ramp(levels: Levels, level: int, rate_kpa_s: int) -> Ramp:
    return Ramp(target=f"{levels.levels_kpa[level]} kPa", rate=f"{rate_kpa_s} kPa/s")


def _protocol(name: str, levels: Levels, stages: list[Stage]) -> Protocol:
    return Protocol(
        name=name,
        die=NO_DIE if levels.isostatic else f"{levels.die_um} um",
        ceiling=f"{levels.ceiling_kpa} kPa",
        vent_rate=f"{max(1, min(levels.rate_kpa_s, 20_000))} kPa/s",
        accept_unresolved_tolerance=True,
        crack_threshold="off",
        stages=stages,
    )
