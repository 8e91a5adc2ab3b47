"""A hold: the band around its pressure, and what ends it."""

from __future__ import annotations

import math
from typing import Final, Literal

from pydantic import ConfigDict, model_validator
from typing_extensions import Self

from pressloop.protocol.model.fields import (
    Duration,
    Dwell,
    LossRate,
    Pressure,
    PromptText,
    ProtocolModel,
    Tolerance,
    exact,
    form_error,
    kpa_of,
    ms_of,
)
from pressloop.units import PERCENT, PRESSURE, PRESSURE_RATE, parse

DEFAULT_HOLD_TIMEOUT: Final = "60 s"
"""Long enough to settle after a ramp and to ride out the powder's relaxation, short enough that a
press that lost its pump is noticed within a coffee break."""


class Until(ProtocolModel):
    """What ends a hold besides time: the powder's relaxation, or the operator."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [k]} for k in ("relaxation", "operator")]}
    )

    relaxation: LossRate | None = None
    """The hold ends when it loses less pressure than this; it must be sealed."""
    operator: PromptText | None = None
    """What the operator waits for, who then ends the hold."""
    at_least: Duration | None = None
    """Time in band before which relaxation does not end the hold."""
    at_most: Duration
    """Time in band that ends the hold in any case."""

    @model_validator(mode="after")
    def _names_one_end(self) -> Self:
        if self.relaxation is None and self.operator is None:
            raise form_error(
                "no-end",
                "'until' names neither relaxation nor operator",
                "write it like 'until: {relaxation: 0.5 MPa/min, at_most: 30 min}'",
                at=("relaxation",),
            )
        if self.relaxation is not None and self.operator is not None:
            raise form_error(
                "end-twice",
                "'until' names both relaxation and operator",
                "keep one of them; the operator can end any hold early",
                at=("operator",),
            )
        if self.relaxation_kpa_min == 0:
            raise form_error(
                "out-of-range",
                f"'{self.relaxation}' is too small",
                "the least is '0.001 MPa/min', and most transducers tell less",
                at=("relaxation",),
            )
        if self.relaxation is None and self.at_least is not None:
            raise form_error(
                "end-twice",
                "a hold that the operator ends has no least time",
                "remove it, or say it to the operator in words",
                at=("at_least",),
            )
        return self

    @property
    def relaxation_kpa_min(self) -> int | None:
        """Loss that ends the hold, kPa/min, never more than written; None without."""
        if self.relaxation is None:
            return None
        return math.floor(60 * exact(self.relaxation, PRESSURE_RATE))

    @property
    def at_least_ms(self) -> int | None:
        """Time in band before which relaxation does not end the hold, ms; None without."""
        return None if self.at_least is None else ms_of(self.at_least)

    @property
    def at_most_ms(self) -> int:
        """Time in band that ends the hold in any case, ms."""
        return ms_of(self.at_most)


class Hold(ProtocolModel):
    """Keep the pressure. Only time within the tolerance counts as dwell."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [k]} for k in ("duration", "until")]}
    )

    duration: Dwell | None = None
    """Time in band that ends the hold; `open`: the operator ends it."""
    until: Until | None = None
    """In place of a duration: ends on the powder's relaxation, or by the operator."""
    tolerance: Tolerance
    """Half width of the band, in percent of the target or as a pressure."""
    timeout: Duration = DEFAULT_HOLD_TIMEOUT
    """Longest time out of band in one piece; then the run ends and the press vents."""
    mode: Literal["regulated", "sealed"] = "regulated"
    """`regulated`: the loop stays closed. `sealed`: both valves shut, topped up when it leaves
    the band."""
    target: Pressure | None = None
    """Pressure to keep; only for a stage without a ramp."""

    @model_validator(mode="after")
    def _has_one_end(self) -> Self:
        if self.duration is None and self.until is None:
            raise form_error(
                "no-end",
                "the hold has no end: 'duration' is missing",
                "add 'duration: 3 min', 'duration: open' to let the operator end it, or 'until'",
                at=("duration",),
            )
        if self.duration is not None and self.until is not None:
            raise form_error(
                "end-twice",
                "the hold has both a duration and 'until'",
                "remove one of them; the longest time of 'until' is its 'at_most'",
                at=("until",),
            )
        return self

    @property
    def is_open(self) -> bool:
        """Whether the operator ends the hold."""
        return self.duration == "open" or (
            self.until is not None and self.until.operator is not None
        )

    @property
    def duration_ms(self) -> int | None:
        """Time in band that ends the hold at the latest, ms, never less than written, or None."""
        if self.until is not None:
            return self.until.at_most_ms
        if self.duration is None or self.duration == "open":
            return None
        return ms_of(self.duration)

    @property
    def timeout_ms(self) -> int:
        """Longest time out of band, ms."""
        return ms_of(self.timeout)

    @property
    def target_kpa(self) -> int | None:
        """Own target, to the nearest kPa; None when it is that of the ramp."""
        return None if self.target is None else kpa_of(self.target)

    def tolerance_kpa(self, target_kpa: int) -> int:
        """Half width of the band at a target, kPa, at least one and never less than written."""
        tolerance = parse(self.tolerance, PERCENT, PRESSURE)
        half_width = tolerance.value
        if tolerance.dimension is PERCENT:
            half_width = half_width * target_kpa / 100
        return max(1, math.ceil(half_width))
