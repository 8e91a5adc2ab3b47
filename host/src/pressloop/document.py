"""The protocol that a user writes, as immutable models: the same for YAML, Python and editors.

Quantities stay the text that was written ("250 MPa"), so that a saved protocol reads like the
original; properties with the unit in their name give the integers that go to the board. Rounding
never works against the user: a tolerance and a dwell are never rounded down, a ceiling never up.
What depends on the press is checked in `validation`, not here.

`python -m pressloop.document --schema` prints the JSON Schema.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import io
import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    model_validator,
)
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString
from typing_extensions import Self

from pressloop.units import (
    DURATION,
    LENGTH,
    PER_SECOND,
    PER_SECOND_SQUARED,
    PERCENT,
    PRESSURE,
    PRESSURE_RATE,
    Dimension,
    Quantity,
    UnitError,
    format_quantity,
    missing_unit,
    parse,
    pattern,
)

TICK_MS: Final = 10
"""The board's beat; telemetry can be recorded in multiples of it."""

DEFAULT_HOLD_TIMEOUT: Final = "60 s"
"""Long enough to settle after a ramp and to ride out the powder's relaxation, short enough that a
press that lost its pump is noticed within a coffee break."""

DEFAULT_PROMPT_TIMEOUT: Final = "30 min"

PROMPT_BYTES: Final = 120
"""UTF-8 bytes of prompt text that fit the board's status reply."""

MAX_REPEAT: Final = 200
"""As many as the plan may have steps."""

SCHEMA_ID: Final = "urn:pressloop:protocol:1"
"""A name, not an address to fetch."""


def mistake(code: str, message: str, hint: str, at: tuple[str, ...] = ()) -> PydanticCustomError:
    """Return an error that pydantic carries and `loading` turns into a finding.

    Args:
        code: Code of the finding.
        message: What is wrong.
        hint: What to write instead.
        at: Where, relative to the model that raises.
    """
    return PydanticCustomError(
        code,
        "{message}; {hint}",
        {"message": message, "hint": hint, "at": at},
    )


@dataclass(frozen=True)
class _QuantityText:
    """Annotation of a string field that holds a quantity of one of the dimensions."""

    dimensions: tuple[Dimension, ...]
    low: int = 0
    """Least value in base units."""
    high: int | None = None
    """Largest value in base units, where no later check gives a better reason."""
    word: str | None = None
    """A word that may stand in the place of a quantity."""

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        quantity = {
            "type": "string",
            "pattern": pattern(*self.dimensions),
            "examples": [d.example for d in self.dimensions],
        }
        return {"anyOf": [{"const": self.word}, quantity]} if self.word else quantity

    def _check(self, value: object) -> str:
        """Check a field and return it with one space between number and unit."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            error = missing_unit(value, *self.dimensions)
            raise mistake(error.code, error.message, error.hint)
        example = self.dimensions[0].example
        wanted = " or ".join(d.name for d in self.dimensions)
        if not isinstance(value, str):
            raise mistake("wrong-type", f"{wanted} is needed here", f"write it like '{example}'")
        if value.strip() == self.word:
            return self.word
        try:
            quantity = parse(value, *self.dimensions)
        except UnitError as error:
            word = f", or '{self.word}'" if self.word else ""
            raise mistake(error.code, error.message, error.hint + word) from error
        self._check_range(quantity)
        return quantity.text

    def _check_range(self, quantity: Quantity) -> None:
        if quantity.value < 0:
            raise mistake(
                "negative",
                f"'{quantity.text}' is negative",
                f"write a value without the minus, like '{quantity.dimension.example}'",
            )
        if quantity.value < self.low:
            least = format_quantity(self.low, quantity.dimension)
            raise mistake(
                "out-of-range", f"'{quantity.text}' is too small", f"the least is '{least}'"
            )
        # A tolerance of zero is no band at all, in either of its units.
        if quantity.value == 0 and PERCENT in self.dimensions:
            raise mistake(
                "out-of-range", "a tolerance of zero cannot be kept", "write it like '0.5 %'"
            )
        high = 100 if quantity.dimension is PERCENT else self.high
        if high is not None and quantity.value > high:
            most = format_quantity(high, quantity.dimension)
            raise mistake(
                "out-of-range", f"'{quantity.text}' is too large", f"the most is '{most}'"
            )


_LONGEST_MS: Final = 1_000_000_000
# Texts that mean the same with and without quotes inside braces; numbers with units are such.
_BARE_IN_FLOW: Final = re.compile(r"[\w.][\w.%/+-]*( [\w.%/+-]+)*")

Pressure = Annotated[str, _QuantityText((PRESSURE,))]
PressureRate = Annotated[str, _QuantityText((PRESSURE_RATE,), low=1)]
LossRate = Annotated[str, _QuantityText((PRESSURE_RATE,), high=16_666)]
Tolerance = Annotated[str, _QuantityText((PERCENT, PRESSURE), high=1_000_000)]
Duration = Annotated[str, _QuantityText((DURATION,), low=TICK_MS, high=_LONGEST_MS)]
Dwell = Annotated[str, _QuantityText((DURATION,), low=TICK_MS, high=_LONGEST_MS, word="open")]


def _base(text: str, *dimensions: Dimension) -> Fraction:
    """Return the exact value of a field that has been checked, in base units."""
    return parse(text, *dimensions).value


def _plain_text(value: object) -> object:
    if not isinstance(value, str):
        raise mistake("wrong-type", "text is needed here", 'write words; quote a number: "12"')
    if not value.strip():
        raise mistake("bad-text", "the text is empty", "write at least one word")
    if not value.isprintable():
        raise mistake(
            "bad-text", "the text has control characters or line breaks", "write it on one line"
        )
    return value.strip()


def _fits_prompt(value: str) -> str:
    size = len(value.encode())
    if size > PROMPT_BYTES:
        raise mistake(
            "bad-text",
            f"the prompt is {size} bytes long, {PROMPT_BYTES} fit the board",
            "shorten it; letters outside ASCII take two bytes or more",
        )
    return value


def _whole_ticks(value: str) -> str:
    if _base(value, DURATION) % TICK_MS:
        raise mistake(
            "out-of-range",
            f"'{value}' is not a multiple of {TICK_MS} ms",
            f"the board records every {TICK_MS} ms or a multiple of it",
        )
    return value


Name = Annotated[
    str,
    BeforeValidator(_plain_text),
    Field(min_length=1, max_length=80),
]
PromptText = Annotated[Name, Field(max_length=PROMPT_BYTES), AfterValidator(_fits_prompt)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Ramp(_Model):
    """Move the pressure to the target at a constant rate, up or down, in closed loop."""

    target: Pressure
    """Pressure on the pellet at the end of the ramp."""
    rate: PressureRate
    """How fast the setpoint moves."""

    @property
    def target_kpa(self) -> int:
        """Target, kPa on the pellet, to the nearest kPa."""
        return round(_base(self.target, PRESSURE))

    @property
    def rate_kpa_s(self) -> int:
        """Rate, to the nearest kPa/s."""
        return round(_base(self.rate, PRESSURE_RATE))


class Release(Ramp):
    """Let the pressure down to the target at a constant rate, with the pump locked."""

    target: Pressure
    """Pressure on the pellet at the end of the release."""


class Until(_Model):
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
            raise mistake(
                "no-end",
                "'until' names neither relaxation nor operator",
                "write it like 'until: {relaxation: 0.5 MPa/min, at_most: 30 min}'",
                at=("relaxation",),
            )
        if self.relaxation is not None and self.operator is not None:
            raise mistake(
                "end-twice",
                "'until' names both relaxation and operator",
                "keep one of them; the operator can end any hold early",
                at=("operator",),
            )
        if self.relaxation_kpa_min == 0:
            raise mistake(
                "out-of-range",
                f"'{self.relaxation}' is too small",
                "the least is '0.001 MPa/min', and most transducers tell less",
                at=("relaxation",),
            )
        if self.relaxation is None and self.at_least is not None:
            raise mistake(
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
        return math.floor(60 * _base(self.relaxation, PRESSURE_RATE))

    @property
    def at_least_ms(self) -> int | None:
        """Time in band before which relaxation does not end the hold, ms; None without."""
        return None if self.at_least is None else math.ceil(_base(self.at_least, DURATION))

    @property
    def at_most_ms(self) -> int:
        """Time in band that ends the hold in any case, ms."""
        return math.ceil(_base(self.at_most, DURATION))


class Hold(_Model):
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
            raise mistake(
                "no-end",
                "the hold has no end: 'duration' is missing",
                "add 'duration: 3 min', 'duration: open' to let the operator end it, or 'until'",
                at=("duration",),
            )
        if self.duration is not None and self.until is not None:
            raise mistake(
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
        return math.ceil(_base(self.duration, DURATION))

    @property
    def timeout_ms(self) -> int:
        """Longest time out of band, ms."""
        return math.ceil(_base(self.timeout, DURATION))

    @property
    def target_kpa(self) -> int | None:
        """Own target, to the nearest kPa; None when it is that of the ramp."""
        return None if self.target is None else round(_base(self.target, PRESSURE))

    def tolerance_kpa(self, target_kpa: int) -> int:
        """Half width of the band at a target, kPa, at least one and never less than written."""
        tolerance = parse(self.tolerance, PERCENT, PRESSURE)
        exact = tolerance.value
        if tolerance.dimension is PERCENT:
            exact = exact * target_kpa / 100
        return max(1, math.ceil(exact))


class Pid(_Model):
    """Gains of the loop, from pressure error to wanted rate of pressure.

    Flow and stiffness of the press are in its profile, so gains carry over from press to press.
    """

    kp: Annotated[str, _QuantityText((PER_SECOND,), high=31)]
    """Proportional gain, 1/s: wanted rate per pressure error."""
    ki: Annotated[str, _QuantityText((PER_SECOND_SQUARED,), high=24)]
    """Integral gain, 1/s2."""
    kd: Annotated[float, Field(ge=0, le=15, allow_inf_nan=False, strict=True)] = 0
    """Derivative gain on the measurement, a number without unit."""

    @property
    def kp_q8(self) -> int:
        """Proportional gain in the wire's 1/256 per second."""
        return round(_base(self.kp, PER_SECOND) * 256)

    @property
    def ki_tick_q16(self) -> int:
        """Integral gain in the wire's 1/65536 per second and tick."""
        return round(_base(self.ki, PER_SECOND_SQUARED) * TICK_MS / 1000 * 65536)

    @property
    def kd_q8(self) -> int:
        """Derivative gain in the wire's 1/256."""
        return round(self.kd * 256)


class Stage(_Model):
    """Ramp, hold and release, in this order; at least one of them."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [k]} for k in ("ramp", "hold", "release")]}
    )

    name: Name
    """How reports call the stage."""
    ramp: Ramp | None = None
    hold: Hold | None = None
    release: Release | None = None
    pid: Pid | None = None
    """Gains for this stage instead of the press's own."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.ramp is None and self.hold is None and self.release is None:
            raise mistake(
                "empty-stage",
                "the stage has neither ramp, hold nor release",
                "add at least one of them",
            )
        if self.hold is not None:
            if self.ramp is not None and self.hold.target is not None:
                raise mistake(
                    "target-twice",
                    "the hold has a target of its own beside that of the ramp",
                    "remove it: a hold keeps the target of its ramp",
                    at=("hold", "target"),
                )
            if self.ramp is None and self.hold.target is None:
                raise mistake(
                    "missing-key",
                    "the hold has no target, and the stage has no ramp to take it from",
                    "add 'target' to the hold, or a ramp to the stage",
                    at=("hold", "target"),
                )
        return self


class Prompt(_Model):
    """Wait for the operator."""

    prompt: PromptText
    """What the operator is asked to do."""
    timeout: Duration = DEFAULT_PROMPT_TIMEOUT
    """Longest wait; then the run ends and the press vents."""

    @property
    def timeout_ms(self) -> int:
        """Longest wait, ms."""
        return math.ceil(_base(self.timeout, DURATION))


class Repeat(_Model):
    """Run a list of stages several times: progressive pressing."""

    repeat: Annotated[int, Field(ge=1, le=MAX_REPEAT, strict=True)]
    """Number of passes."""
    step: Pressure | None = None
    """Added to every ramp and hold target inside, once more with each pass. Releases go where
    they say."""
    stages: Stages

    @property
    def step_kpa(self) -> int:
        """What each pass adds to the one before, to the nearest kPa."""
        return 0 if self.step is None else round(_base(self.step, PRESSURE))


def kind_of(item: object) -> str:
    """Return what an item of a list of stages is meant to be: its model's tag."""
    if isinstance(item, _Model):
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
"""What a list of stages is made of."""

Stages = Annotated[Sequence[Item], Field(min_length=1, max_length=200), AfterValidator(tuple)]


class HostLoss(_Model):
    """What the board does on its own when it no longer hears the computer."""

    action: Literal["hold", "finish", "vent"] = "hold"
    """`hold`: pause and keep the pressure; `finish`: go on with the protocol; `vent`: release."""
    limit: Duration = "10 min"
    """How long hold or finish may last; then the press vents."""

    @property
    def limit_ms(self) -> int:
        """How long hold or finish may last, ms."""
        return math.ceil(_base(self.limit, DURATION))


class Protocol(_Model):
    """A press protocol: what happens to the powder, and what must never happen."""

    pressloop: Literal[1] = 1
    """Version of this format."""
    name: Name
    """Goes into the run record."""
    die: Annotated[str, _QuantityText((LENGTH,), low=1000, high=100_000)]
    """Diameter of the die; with the ram it turns oil pressure into pressure on the pellet."""
    ceiling: Annotated[str, _QuantityText((PRESSURE,), low=1)]
    """No target above; a reading above is a fault that vents the press."""
    on_host_loss: HostLoss = HostLoss()
    """What the board does on its own when it no longer hears the computer."""
    host_timeout: Annotated[str, _QuantityText((DURATION,), low=500, high=60_000)] = "2 s"
    """Silence after which the computer counts as lost."""
    vent_rate: PressureRate | None = None
    """Rate of the release that ends every run; 20 MPa/s unless the press is slower."""
    record_every: Annotated[
        str,
        _QuantityText((DURATION,), low=TICK_MS, high=1000 * TICK_MS),
        AfterValidator(_whole_ticks),
    ] = "10 ms"
    """Time from one telemetry record to the next, a multiple of 10 ms."""
    accept_unresolved_tolerance: Annotated[bool, Field(strict=True)] = False
    """Press on, with a warning, where a tolerance is finer than the transducer can tell."""
    crack_threshold: Annotated[str, _QuantityText((PRESSURE,), low=1, word="off")] | None = None
    """Sudden loss of pressure that is taken for a crack; `off`: none is."""
    stages: Stages
    """Stages, prompts and repeat blocks, in order."""

    @property
    def crack_kpa(self) -> int | None:
        """Sudden loss that is a crack, kPa, 0 for never; None: as the board sees fit."""
        if self.crack_threshold is None:
            return None
        if self.crack_threshold == "off":
            return 0
        return max(1, round(_base(self.crack_threshold, PRESSURE)))

    @property
    def die_um(self) -> int:
        """Die diameter, um."""
        return round(_base(self.die, LENGTH))

    @property
    def ceiling_kpa(self) -> int:
        """Ceiling, kPa on the pellet, never above what is written."""
        return math.floor(_base(self.ceiling, PRESSURE))

    @property
    def host_timeout_ms(self) -> int:
        """Silence after which the computer counts as lost, ms."""
        return math.ceil(_base(self.host_timeout, DURATION))

    @property
    def vent_rate_kpa_s(self) -> int | None:
        """Rate of the last release, to the nearest kPa/s; None: the default."""
        return None if self.vent_rate is None else round(_base(self.vent_rate, PRESSURE_RATE))

    @property
    def record_every_ticks(self) -> int:
        """Ticks from one telemetry record to the next."""
        return int(_base(self.record_every, DURATION)) // TICK_MS

    @property
    def sha256(self) -> str:
        """Hash of the content, as hex: layout, comments and key order do not change it."""
        content = self.model_dump(mode="json")
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def to_yaml(self) -> str:
        """Return the protocol as YAML; what is at its default is left out."""
        document = {"pressloop": self.pressloop} | self.model_dump(
            mode="json", exclude_defaults=True
        )
        yaml = YAML()
        yaml.width = 10_000
        yaml.indent(mapping=2, sequence=4, offset=2)
        out = io.StringIO()
        yaml.dump(_laid_out(document), out)
        return out.getvalue()


def _laid_out(value: Any) -> Any:
    """Put the innermost mappings on one line each, as people write them."""
    if isinstance(value, list):
        return [_laid_out(item) for item in value]
    if not isinstance(value, dict):
        return value
    laid_out = CommentedMap()
    for key, item in value.items():
        laid_out[key] = _laid_out(item)
        if isinstance(item, dict):
            _put_on_one_line(laid_out[key])
    return laid_out


def _put_on_one_line(mapping: CommentedMap) -> None:
    """Write a mapping in flow style. The writer leaves texts bare there that do not parse: ":0"."""
    mapping.fa.set_flow_style()
    for key, item in mapping.items():
        if isinstance(item, str) and not _BARE_IN_FLOW.fullmatch(item):
            mapping[key] = DoubleQuotedScalarString(item)


class _SchemaGenerator(GenerateJsonSchema):
    """Says what a file may hold: a key is given a value or left out, it is never null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        document = super().generate(schema, mode)
        # A script may leave the version out; a file lives longer than the release that wrote it.
        document["required"] = ["pressloop", *document["required"]]
        return {"$schema": self.schema_dialect, "$id": SCHEMA_ID} | document


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a protocol file."""
    return Protocol.model_json_schema(schema_generator=_SchemaGenerator)


def json_schema_text() -> str:
    """Return the text of `protocol/protocol.schema.json`."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the JSON Schema."""
    parser = argparse.ArgumentParser(prog="python -m pressloop.document")
    parser.add_argument("--schema", action="store_true", required=True, help="print JSON Schema")
    parser.parse_args(argv)
    sys.stdout.write(json_schema_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
