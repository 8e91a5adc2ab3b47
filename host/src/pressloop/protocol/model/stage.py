"""Define the items of a list of stages: stages, prompts and repeat blocks."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, model_validator
from typing_extensions import Self

from pressloop.protocol.model.fields import (
    TICK_MS,
    Duration,
    Name,
    Pressure,
    PressureRate,
    PromptText,
    ProtocolModel,
    QuantityText,
    RestTime,
    exact,
    kpa_of,
    kpa_s_of,
    ms_of,
)
from pressloop.protocol.model.hold import Hold
from pressloop.units import PER_SECOND, PER_SECOND_SQUARED
from pressloop.wire.schema import MAX_STEPS, TICK_HZ, PlanStepRequest
from pressloop.yaml.form_error import form_error

DEFAULT_PROMPT_TIMEOUT: Final = "30 min"

MAX_REPEAT: Final = MAX_STEPS
"""Most passes of a repeat block: as many as a plan may have steps."""

_MAX_KP: Final = PlanStepRequest.range_of("kp")[1] // 256
_MAX_KI: Final = PlanStepRequest.range_of("ki")[1] * TICK_HZ // 65536
MAX_KD: Final = PlanStepRequest.range_of("kd")[1] // 256


class Ramp(ProtocolModel):
    """Moves the pressure to a target at a constant rate, up or down, in closed loop."""

    target: Pressure
    """Pressure on the pellet at the end of the ramp."""
    rate: PressureRate
    """Rate of the setpoint."""

    def target_kpa(self, die_um: int | None = None) -> int:
        """Return the target on the pellet, kPa; a force is converted with the die."""
        return kpa_of(self.target, die_um)

    def rate_kpa_s(self, die_um: int | None = None) -> int:
        """Return the rate of the setpoint, kPa/s; a force rate is converted with the die."""
        return kpa_s_of(self.rate, die_um)


class Release(Ramp):
    """Lowers the pressure to a target at a constant rate, with the pump locked."""

    target: Pressure
    """Pressure on the pellet at the end of the release."""


class Pid(ProtocolModel):
    """Gains of the control loop, from the pressure error to the wanted pressure rate.

    Flow and stiffness of the press are in its profile, so the same gains suit every press.
    """

    kp: Annotated[str, QuantityText((PER_SECOND,), high=_MAX_KP)]
    """Proportional gain, 1/s: wanted pressure rate per pressure error."""
    ki: Annotated[str, QuantityText((PER_SECOND_SQUARED,), high=_MAX_KI)]
    """Integral gain, 1/s2."""
    kd: Annotated[float, Field(ge=0, le=MAX_KD, allow_inf_nan=False, strict=True)] = 0
    """Derivative gain on the reading, a number without a unit."""

    @property
    def kp_q8(self) -> int:
        """Proportional gain in the wire's unit, 1/256 per second."""
        return round(exact(self.kp, PER_SECOND) * 256)

    @property
    def ki_tick_q16(self) -> int:
        """Integral gain in the wire's unit, 1/65536 per second and tick."""
        return round(exact(self.ki, PER_SECOND_SQUARED) * TICK_MS / 1000 * 65536)

    @property
    def kd_q8(self) -> int:
        """Derivative gain in the wire's unit, 1/256."""
        return round(self.kd * 256)


class Stage(ProtocolModel):
    """A ramp, a hold and a release, in this order, at least one of them; then perhaps a rest."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": [k]} for k in ("ramp", "hold", "release")],
            "dependentRequired": {"rest": ["release"]},
        }
    )

    name: Name
    """Name of the stage in reports."""
    ramp: Ramp | None = None
    hold: Hold | None = None
    release: Release | None = None
    rest: RestTime | None = None
    """Time without pressure after a release to zero, in which air leaves the powder."""
    pid: Pid | None = None
    """Gains for this stage instead of those in the press's profile."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.ramp is None and self.hold is None and self.release is None:
            raise form_error(
                "empty-stage",
                "the stage has neither ramp, hold nor release",
                "add at least one of them",
            )
        if self.hold is not None:
            if self.ramp is not None and self.hold.target is not None:
                raise form_error(
                    "target-twice",
                    "the hold has a target of its own, and the ramp has one too",
                    "remove the hold's target: a hold keeps the target of its ramp",
                    at=("hold", "target"),
                )
            if self.ramp is None and self.hold.target is None:
                raise form_error(
                    "missing-key",
                    "the hold has no target, and the stage has no ramp that gives one",
                    "add 'target' to the hold, or a ramp to the stage",
                    at=("hold", "target"),
                )
        if self.rest is not None and self.release is None:
            raise form_error(
                "rest-above-zero",
                "a rest begins without pressure, and the stage has no release",
                "add a release to zero pressure to the stage, or remove the rest",
                at=("rest",),
            )
        return self

    @property
    def rest_ms(self) -> int | None:
        """Time without pressure after the release, ms, rounded up; None without a rest."""
        return None if self.rest is None else ms_of(self.rest)


class Prompt(ProtocolModel):
    """Waits until the operator confirms."""

    prompt: PromptText
    """What the operator is asked to do."""
    timeout: Duration = DEFAULT_PROMPT_TIMEOUT
    """Longest wait; then the run ends and the press vents."""

    @property
    def timeout_ms(self) -> int:
        """Longest wait, ms."""
        return ms_of(self.timeout)


class Repeat(ProtocolModel):
    """Repeats a list of stages, for progressive pressing."""

    repeat: Annotated[int, Field(ge=1, le=MAX_REPEAT, strict=True)]
    """Number of passes."""
    step: Pressure | None = None
    """Added to every ramp and hold target inside, once more with each pass. Targets of releases
    stay as written."""
    stages: Stages

    def step_kpa(self, die_um: int | None = None) -> int:
        """Return what each pass adds to the targets of the one before, kPa."""
        return 0 if self.step is None else kpa_of(self.step, die_um)


def kind_of(item: object) -> str:
    """Return the tag of the model that an item of a list of stages is meant to be."""
    if isinstance(item, ProtocolModel):
        return type(item).__name__.lower()
    if isinstance(item, Mapping):
        keys = [key for key in item if isinstance(key, str)]
        for tag in ("prompt", "repeat"):
            if tag in keys:
                return tag
        for key in keys:
            close = difflib.get_close_matches(key, ("prompt", "repeat"), n=1, cutoff=0.8)
            if close:
                return close[0]
    return "stage"


Item = Annotated[
    Annotated[Stage, Tag("stage")]
    | Annotated[Prompt, Tag("prompt")]
    | Annotated[Repeat, Tag("repeat")],
    Discriminator(kind_of),
]
"""One item of a list of stages."""

Stages = Annotated[Sequence[Item], Field(min_length=1, max_length=MAX_STEPS), AfterValidator(tuple)]

# `Repeat` refers to `Stages`, which refers to `Repeat` and is defined after it.
Repeat.model_rebuild()
