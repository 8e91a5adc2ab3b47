"""Learns from the readings what is wrong with a press.

With O the oil's force by the profile, R the reference and s = +1 rising, -1 falling:

    O - R = s f (n + c O) + z + g O - e (rising alone)

Friction n and c come from all series (`analysis.friction`). Then zero z, gain g and the factor f by
which the friction of each run differs are fitted together, so that a run with more friction does
not pass for a gain. A falling level near the top is left out where the ram has not gone back far
enough for friction to act the other way.

While the ram travels without load, O is z + n: the zero that tuning takes, and the one of the
corrected profile. On a stiff stack friction lags behind the rising pressure, by about the same
force e at all levels: seals give way elastically before they slide. Powder moves the ram by much
more, and e vanishes. So e is part of the uncertainty, and not corrected.

Where the controller read a load cell, zero and gain of the cell are learned as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from pressloop.analysis.friction import FrictionModel, learn_friction
from pressloop.calibration.readings import LevelReading
from pressloop.calibration.straight_line import Floats, StraightLine, fit_line
from pressloop.errors import BadInputError, required

MAX_GAIN: Final = 0.03
"""Largest error in proportion to the reading that is corrected; more is another ram or range."""
MAX_ZERO: Final = 0.02
"""Largest error of the zero that is corrected, of the largest force."""
MIN_KNOWN: Final = 3
"""Least number of levels with a reference."""
NOT_REVERSED: Final = 0.1
"""Share of the friction that may be missing on the way down before a level is left out."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Correction:
    """What was learned of a press.

    Attributes:
        oil: Zero and gain of the oil's force. With friction the zero is that of the rising ram.
        cell: Zero and gain of the controller's load cell; None where it read none.
        friction: Friction of the ram; None where it was not learned.
        elastic_n: By how much friction is less than that on the way up on this stack, N.
        unreversed: Levels at which friction had not yet turned round on the way down.
        without_friction: Why friction was not learned; empty where it was, or does not matter.
    """

    oil: StraightLine
    cell: StraightLine | None = None
    friction: FrictionModel | None = None
    elastic_n: float = 0.0
    unreversed: frozenset[int] = frozenset()
    without_friction: str = ""

    @property
    def line(self) -> StraightLine:
        """Zero and gain of what the controller goes by."""
        return self.oil if self.cell is None else self.cell

    @property
    def zero_uncertainty_n(self) -> float:
        """Expanded uncertainty without load, N, what a stiff stack changes included."""
        elastic_n = 0.0 if self.cell is not None else self.elastic_n
        return math.hypot(self.line.zero_uncertainty_n, elastic_n)

    def left_n(self, reading: LevelReading) -> float | None:
        """Return what the controller would have shown with this correction, N, apart from e.

        None at a level where friction had not yet turned round.
        """
        if self.cell is not None:
            return self.cell.corrected(1000 * reading.indicated_kn)
        oil_n = 1000 * reading.oil_kn
        shown_n = self.oil.corrected(oil_n)
        if self.friction is None:
            return shown_n
        share_n = self.friction.percent / 100 * oil_n
        if reading.rising:
            return shown_n - share_n + self.elastic_n
        if reading.level in self.unreversed:
            return None
        return shown_n + 2 * self.friction.newtons + share_n


def learn_correction(
    readings: Iterable[LevelReading],
    *,
    reference_error: float,
    zeros_kn: Mapping[int, float] | None = None,
    has_ram: bool = True,
) -> Correction:
    """Return zero, gain and friction that readings with a reference show.

    Args:
        readings: All levels of all series.
        reference_error: Expanded uncertainty (k = 2) of the reference, of its reading.
        zeros_kn: What the controller read in each series while the ram travelled, kN.
        has_ram: Whether there is a ram whose seals have friction; a vessel has none.

    Raises:
        BadInputError: `calibration-nonsense`: the press is off by more than is corrected.
            `calibration-incomplete`: too few levels have a reference.
    """
    known = [reading for reading in readings if reading.reference_kn is not None]
    if len({reading.level for reading in known}) < MIN_KNOWN:
        raise BadInputError(
            "too few levels have a reference",
            hint="give a reference for every level",
            code="calibration-incomplete",
        )
    cell = None
    if all(reading.by_cell for reading in known):
        shown = _values(known, lambda r: r.indicated_kn)
        cell = fit_line(shown, shown - _values(known, _reference_kn), {})
    correction = Correction(fit_line(*_oil(known), {}), cell)
    if has_ram:
        try:
            correction = replace(_with_friction(known, zeros_kn or {}, reference_error), cell=cell)
        except BadInputError as error:
            if error.code != "friction-not-learned":
                raise
            correction = replace(correction, without_friction=error.message)
    _require_plausible(correction.line, 1000 * max(reading.target_kn for reading in known))
    return correction


def _with_friction(
    known: list[LevelReading], zeros_kn: Mapping[int, float], reference_error: float
) -> Correction:
    """Return the correction of a press with a ram.

    Raises:
        BadInputError: `friction-not-learned`.
    """
    friction, kept = _learned(known, reference_error)
    oil_n, off_n = _oil(known)
    side = np.array([1.0 if reading.rising else -1.0 for reading in known])
    series = np.array([reading.series for reading in known])
    model = side * (friction.newtons + friction.percent / 100 * oil_n)
    columns = {
        int(run): np.where(series == run, model, 0.0)[kept] for run in np.unique(series[kept])
    }
    line = fit_line(oil_n[kept], off_n[kept], columns)
    mean = float(np.mean(line.factors))
    friction = replace(friction, percent=mean * friction.percent, newtons=mean * friction.newtons)
    elastic_n = 0.0
    rising_zero_n = line.zero_n + friction.newtons
    if zeros_kn:
        travel_n = 1000 * float(np.mean(list(zeros_kn.values())))
        elastic_n = max(0.0, travel_n - rising_zero_n)
        # What is read on the way down fixes z - n.
        newtons = max(0.0, (travel_n - (line.zero_n - friction.newtons)) / 2)
        friction = replace(friction, newtons=newtons)
        rising_zero_n = travel_n
    falling = {reading.level for reading in known if not reading.rising}
    shown = {r.level for r, mine in zip(known, kept, strict=True) if mine and not r.rising}
    return Correction(
        oil=replace(line, zero_n=rising_zero_n),
        friction=friction,
        elastic_n=elastic_n,
        unreversed=frozenset(falling - shown),
    )


def _learned(known: list[LevelReading], reference_error: float) -> tuple[FrictionModel, Bools]:
    """Return the friction, and which readings show it in full.

    Raises:
        BadInputError: `friction-not-learned`.
    """
    oil_n, off_n = _oil(known)
    rising = np.array([reading.rising for reading in known])
    series = np.array([reading.series for reading in known])
    level = np.array([reading.level for reading in known])

    def learn(kept: Bools) -> FrictionModel:
        return learn_friction(
            oil_n[kept],
            (oil_n - off_n)[kept],
            rising[kept],
            run=series[kept],
            # What is the same in both directions cancels; a tenth of the error may not be.
            reference_error_n=0.1 * reference_error * float(oil_n.max()),
        )

    falling = sorted({int(number) for number in level[~rising]})
    kept = rising | (level <= (falling[1] if len(falling) > 1 else 0))
    friction = learn(kept)
    for number in falling[2:]:
        mine = ~rising & (level == number)
        friction_n = friction.newtons + friction.percent / 100 * oil_n[mine]
        expected = friction.zero_n + (friction.gain or 0.0) * oil_n[mine] - friction_n
        short = float(np.mean(off_n[mine] - expected))
        if short > NOT_REVERSED * float(np.mean(friction_n)):
            break
        kept = kept | mine
        friction = learn(kept)
    return friction, kept


def _values(known: list[LevelReading], kilonewtons: Callable[[LevelReading], float]) -> Floats:
    return np.array([1000 * kilonewtons(reading) for reading in known])


def _oil(known: list[LevelReading]) -> tuple[Floats, Floats]:
    """Return the oil's force and by how much it is above the reference, N."""
    oil_n = _values(known, lambda reading: reading.oil_kn)
    return oil_n, oil_n - _values(known, _reference_kn)


def _require_plausible(line: StraightLine, top_n: float) -> None:
    if abs(line.gain) > MAX_GAIN:
        raise BadInputError(
            f"the reading is {100 * line.gain:+.3g} % off the reference in proportion; at most "
            f"{100 * MAX_GAIN:g} % are corrected",
            hint="check the ram's area, the transducer's range and the unit of the reference: a "
            "wrong one looks like this",
            code="calibration-nonsense",
        )
    if abs(line.zero_n) > MAX_ZERO * top_n:
        raise BadInputError(
            f"without load the reading is {line.zero_n / 1000:+.3g} kN off the reference; at most "
            f"{100 * MAX_ZERO:g} % of {top_n / 1000:.3g} kN are corrected",
            hint="check that the reference reads zero without load, and tune the press",
            code="calibration-nonsense",
        )


def _reference_kn(reading: LevelReading) -> float:
    return required(reading.reference_kn, f"the reference of {reading.name}")
