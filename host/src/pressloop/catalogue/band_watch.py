"""Compares a run with a reference band while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from pressloop.catalogue.band import ReferenceBand, StepBand
from pressloop.catalogue.features import pumped_oil_ml
from pressloop.session.telemetry import TelemetryRecord
from pressloop.wire.schema import OUTPUT_FULL, TICK_HZ, FlagBits, State

_OUTSIDE_IN_A_ROW: Final = 2
"""Windows outside the band that make a departure: one alone can be a disturbance."""


@dataclass(frozen=True)
class Departure:
    """A run has left its reference band.

    Attributes:
        step: Index in the plan.
        stage: Name of its stage.
        time_s: Time since the step began, s.
        quantity: What left the band.
        value: What it is; `low` and `high` are the band.
    """

    step: int
    stage: str
    kind: str
    time_s: float
    quantity: Literal["pressure", "oil pumped"]
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        unit = "MPa" if self.quantity == "pressure" else "mL"
        return (
            f"{self.stage}, {self.time_s:.1f} s into the {self.kind}: {self.quantity} "
            f"{self.value:.4g} {unit}, the reference runs had {self.low:.4g} to {self.high:.4g}"
        )


@dataclass
class _Window:
    """The window that is being filled, and what came of the ones before."""

    band: StepBand
    pressures: list[float] = field(default_factory=list)
    oil_ml: float = 0.0
    number: int = 0
    outside: dict[str, int] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)


class BandWatch:
    """Compares telemetry with a band as it arrives; tells each departure of a step once."""

    def __init__(self, band: ReferenceBand, profile: Mapping[str, object]) -> None:
        """Watch a run whose plan is that of the band.

        Args:
            band: Of the plan that the run has; `ReferenceBand.require_plan` makes sure.
            profile: Machine profile of the run, as in its header.
        """
        self._bands = {step.step: step for step in band.steps}
        self._interval_s = band.record_every / TICK_HZ
        openings = 100 * np.arange(OUTPUT_FULL + 1) / OUTPUT_FULL
        self._oil_of_output = pumped_oil_ml(openings, self._interval_s, profile)
        self._window: _Window | None = None
        self._next_tick: int | None = None

    def feed(self, records: Iterable[TelemetryRecord]) -> Iterator[Departure]:
        """Take the next records, and yield each departure from the band.

        After missing records the step in progress is not watched any further.
        """
        for record in records:
            gap = self._next_tick is not None and record.tick > self._next_tick
            self._next_tick = record.tick + round(self._interval_s * TICK_HZ)
            if self._window is None or self._window.band.step != record.step:
                band = self._bands.get(record.step)
                self._window = None if band is None else _Window(band)
            elif gap:
                self._window.number = len(self._window.band.pressure_low_mpa)
            loaded = not record.flag_bits & FlagBits.APPROACHING
            if self._window is not None and record.state_code == State.RUNNING and loaded:
                yield from self._take(self._window, record)

    def _take(self, window: _Window, record: TelemetryRecord) -> Iterator[Departure]:
        window.oil_ml += float(self._oil_of_output[max(0, record.output)])
        window.pressures.append(record.pressure_mpa)
        if len(window.pressures) < window.band.window_records:
            return
        mean = sum(window.pressures) / len(window.pressures)
        window.pressures.clear()
        at, band = window.number, window.band
        window.number += 1
        if at >= len(band.pressure_low_mpa):
            return
        yield from self._judge(
            window, "pressure", mean, band.pressure_low_mpa[at], band.pressure_high_mpa[at]
        )
        # Less oil than usual in a hold is no fault: nothing leaks and nothing creeps.
        low = float("-inf") if band.kind == "hold" else band.oil_low_ml[at]
        yield from self._judge(window, "oil pumped", window.oil_ml, low, band.oil_high_ml[at])

    def _judge(
        self,
        window: _Window,
        quantity: Literal["pressure", "oil pumped"],
        value: float,
        low: float,
        high: float,
    ) -> Iterator[Departure]:
        inside = low <= value <= high
        window.outside[quantity] = 0 if inside else window.outside.get(quantity, 0) + 1
        if window.outside[quantity] < _OUTSIDE_IN_A_ROW or quantity in window.told:
            return
        window.told.add(quantity)
        band = window.band
        yield Departure(
            step=band.step,
            stage=band.stage,
            kind=band.kind,
            time_s=window.number * band.window_records * self._interval_s,
            quantity=quantity,
            value=value,
            low=band.oil_low_ml[window.number - 1] if low == float("-inf") else low,
            high=high,
        )
