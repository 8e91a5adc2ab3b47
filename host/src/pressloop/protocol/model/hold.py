"""Define a hold: its pressure, the band around it, and what ends it."""

from __future__ import annotations

import math
from typing import Final, Literal

from pydantic import ConfigDict, model_validator
from typing_extensions import Self

from pressloop.arguments import whole_number
from pressloop.protocol.model.fields import (
    Duration,
    Dwell,
    LossRate,
    Pressure,
    PromptText,
    ProtocolModel,
    Tolerance,
    kpa_of,
    ms_of,
)
from pressloop.units import PERCENT, parse_pressure, parse_pressure_rate
from pressloop.yaml.form_error import form_error

DEFAULT_HOLD_TIMEOUT: Final = "60 s"
"""Long enough to settle after a ramp and for the powder's first relaxation; short enough that a
failed pump is noticed within a minute."""


class Until(ProtocolModel):
    """Ends a hold by the powder's relaxation or by the operator, at the latest after a time."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [k]} for k in ("relaxation", "operator")]}
    )

    relaxation: LossRate | None = None
    """The hold ends when its pressure loss, less the press's own leak, falls below this rate. The
    hold must be sealed."""
    operator: PromptText | None = None
    """What the operator waits for; the operator then ends the hold."""
    at_least: Duration | None = None
    """Time in band before which relaxation does not end the hold."""
    at_most: Duration
    """Time in band that ends the hold in any case."""

    @model_validator(mode="after")
    def _names_one_end(self) -> Self:
        if self.relaxation is None and self.operator is None:
            raise form_error(
                "no-end",
                "'until' has neither 'relaxation' nor 'operator'",
                "add one of them: a pressure rate, or what the operator waits for",
                at=("relaxation",),
            )
        if self.relaxation is not None and self.operator is not None:
            raise form_error(
                "end-twice",
                "'until' has both 'relaxation' and 'operator'",
                "remove one of them; the operator can end any hold early",
                at=("operator",),
            )
        if self.relaxation is None and self.at_least is not None:
            raise form_error(
                "end-twice",
                "'at_least' has no meaning in a hold that the operator ends",
                "remove it, or write it into the text for the operator",
                at=("at_least",),
            )
        return self

    def relaxation_kpa_min(self, die_um: int | None = None) -> int | None:
        """Return the loss that ends the hold, kPa/min, rounded down; None if the operator does."""
        if self.relaxation is None:
            return None
        return math.floor(60 * parse_pressure_rate(self.relaxation, die_um).value)

    @property
    def at_least_ms(self) -> int | None:
        """Time in band before which relaxation does not end the hold, ms; None if not given."""
        return None if self.at_least is None else ms_of(self.at_least)

    @property
    def at_most_ms(self) -> int:
        """Time in band that ends the hold in any case, ms."""
        return ms_of(self.at_most)


class Hold(ProtocolModel):
    """Keeps the pressure. Only time within the tolerance counts as dwell."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [k]} for k in ("duration", "until")]}
    )

    duration: Dwell | None = None
    """Time in band that ends the hold. `open`: the operator ends it."""
    until: Until | None = None
    """In place of a duration: the powder's relaxation or the operator ends the hold."""
    tolerance: Tolerance
    """Half width of the band around the target, in percent of the target or as a pressure."""
    timeout: Duration = DEFAULT_HOLD_TIMEOUT
    """Longest continuous time out of band; then the run ends and the press vents."""
    mode: Literal["regulated", "sealed"] = "regulated"
    """`regulated`: the control loop stays closed. `sealed`: both valves are shut, and the pressure
    is topped up when it leaves the band."""
    target: Pressure | None = None
    """Pressure on the pellet to keep; only in a stage without a ramp."""

    @model_validator(mode="after")
    def _has_one_end(self) -> Self:
        if self.duration is None and self.until is None:
            raise form_error(
                "no-end",
                "the hold has no end: 'duration' is missing",
                "add 'duration' with a time in s, min or h, or 'duration: open' if the operator "
                "ends the hold",
                at=("duration",),
            )
        if self.duration is not None and self.until is not None:
            raise form_error(
                "end-twice",
                "the hold has both a duration and 'until'",
                "remove one of them; 'at_most' is the longest time of 'until'",
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
        """Time in band that ends the hold at the latest, ms, rounded up; None if there is none."""
        if self.until is not None:
            return self.until.at_most_ms
        if self.duration is None or self.duration == "open":
            return None
        return ms_of(self.duration)

    @property
    def timeout_ms(self) -> int:
        """Longest continuous time out of band, ms."""
        return ms_of(self.timeout)

    def target_kpa(self, die_um: int | None = None) -> int | None:
        """Return the target of the hold itself, kPa; None if it keeps the target of its ramp."""
        return None if self.target is None else kpa_of(self.target, die_um)

    def tolerance_kpa(self, target_kpa: int, die_um: int | None = None) -> int:
        """Return the half width of the band at a target, kPa, rounded up and at least 1."""
        target_kpa = whole_number(target_kpa, "target_kpa", low=0)
        tolerance = parse_pressure(self.tolerance, die_um, PERCENT)
        half_width = tolerance.value
        if tolerance.dimension is PERCENT:
            half_width = half_width * target_kpa / 100
        return max(1, math.ceil(half_width))
