"""A YAML document becomes a model, or every mistake becomes a finding with our codes and words."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pressloop.errors import BadInputError
from pressloop.yaml import read_yaml
from pressloop.yaml.file_kind import FileKind
from pressloop.yaml.model_file import read_model
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import Self

OUR_CODES = {"unknown-key", "missing-key", "bad-value", "contradiction", "of-two-kinds"}


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    mass_mg: Annotated[float, Field(gt=0, le=500)] = 1
    count: Annotated[int, Field(ge=0, lt=9)] = 1
    crack_mpa: Annotated[float, Field(gt=0)] | Literal["never"] = "never"
    mode: Literal["slow", "fast"] = "slow"
    on: bool = True


class Second(BaseModel):
    fitted: bool = True


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    part: Part = Part()
    second: Second = Second()
    dies_mm: Annotated[tuple[float, ...], Field(min_length=1, max_length=2)] = (10,)

    @model_validator(mode="after")
    def _refuse_some_names(self) -> Self:
        if self.name == "both":
            raise ValueError("name and part exclude each other")
        if self.name == "two":
            raise PydanticCustomError("of_two_kinds", "two", {"hint": "take one"})
        return self


def read(text: str, kind: FileKind = "press") -> Whole:
    return read_model(read_yaml(text), Whole, kind, name="it", hint="look it up")


def mistakes(text: str) -> list[tuple[str, str, int | None, str, str]]:
    with pytest.raises(BadInputError) as error:
        read(text)
    found = error.value.findings
    assert "pydantic" not in str(error.value) and "Input should" not in str(error.value)
    return [(f.path, f.code, getattr(f, "line", None), f.message, f.hint) for f in found]


def test_a_document_without_mistakes_is_the_model() -> None:
    assert read("name: a\npart: {count: 3}\ndies_mm: [10, 12]\n") == Whole(
        name="a", part=Part(count=3), dies_mm=(10, 12)
    )


@pytest.mark.parametrize(
    ("line", "path", "code", "message", "hint"),
    [
        ("part: {mass_mg: x}", "part.mass_mg", "bad-value", "'x' is not a number", "plain number"),
        ("part: {mass_mg: 0}", "part.mass_mg", "bad-value", "must be above 0", "in this range"),
        (
            "part: {mass_mg: 501}",
            "part.mass_mg",
            "bad-value",
            "must be at most 500",
            "in this range",
        ),
        ("part: {count: 1.5}", "part.count", "bad-value", "'1.5' is not a whole number", "whole"),
        ("part: {count: -1}", "part.count", "bad-value", "must be at least 0", "in this range"),
        ("part: {count: 9}", "part.count", "bad-value", "must be below 9", "in this range"),
        ("part: {crack_mpa: x}", "part.crack_mpa", "bad-value", "not a number", "write 'never'"),
        ("part: {crack_mpa: -1}", "part.crack_mpa", "bad-value", "out of range", "write 'never'"),
        ("part: {mode: slw}", "part.mode", "bad-value", "'slw' is not a choice", "'slow' or"),
        ("part: {on: 7}", "part.on", "bad-value", "'7' is not true or false", "true or false"),
        ("part: {cuont: 3}", "part.cuont", "unknown-key", "'cuont'", "did you mean count?"),
        ("part: {zz: 3}", "part.zz", "unknown-key", "'zz' is not a key here", "keys here: mass_mg"),
        ("part: 5", "part", "bad-value", "stands where keys are needed", "indented"),
        ("part: 5", "part", "bad-value", "stands where keys are needed", "keys here: mass_mg, c"),
        ("second: none", "second", "bad-value", "stands where keys", "none: {fitted: false}"),
        ("second: 5", "second", "bad-value", "stands where keys", "deeper; keys here: fitted"),
        ("dies_mm: 5", "dies_mm", "bad-value", "'5' is not a list", "square brackets"),
        ("dies_mm: [1, x]", "dies_mm[1]", "bad-value", "'x' is not a number", "plain number"),
        ("dies_mm: []", "dies_mm", "bad-value", "too few", "add"),
        ("dies_mm: [1, 2, 3]", "dies_mm", "bad-value", "too many", "shorten"),
    ],
)
def test_a_mistake_is_one_finding_with_place_message_and_next_step(
    line: str, path: str, code: str, message: str, hint: str
) -> None:
    ((at, found, number, text, next_step),) = mistakes(f"name: a\n{line}\n")
    assert (at, found, number) == (path, code, 2)
    assert message in text and hint in next_step


def test_mistakes_of_the_whole_document() -> None:
    assert mistakes("name: both\n")[0][1:4] == (
        "contradiction",
        1,
        "name and part exclude each other",
    )
    assert mistakes("name: two\n")[0][1:] == ("of-two-kinds", 1, "two", "take one")
    assert mistakes("part: {}\n")[0][:2] == ("name", "missing-key")
    assert mistakes("name: [a]\n")[0][3] == "a list is not text"


def test_all_mistakes_are_found_at_once_and_only_our_codes_appear() -> None:
    found = mistakes("nme: a\npart: {mass_mg: x, count: x, mode: x, on: x}\ndies_mm: x\n")
    assert len(found) == 7
    assert {code for _, code, *_ in found} <= OUR_CODES


def test_text_that_is_not_yaml_is_reported_before_the_model_is_tried() -> None:
    ((_, code, line, *_),) = mistakes("name: [1\n")
    assert code == "malformed-yaml" and line is not None


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("die: 10 mm\nstages: []\n", "press", "this is a press protocol"),
        ("mass_mg: 3\nmaterial: a\n", "press", "this is a sample"),
        ("ram: {}\npump: {}\n", "sample", "this is the description of a press"),
        ("- a\n", "sample", "not a list of 'key: value' lines"),
    ],
)
def test_a_file_of_another_kind_is_named(text: str, kind: FileKind, message: str) -> None:
    with pytest.raises(BadInputError, match="it: ") as error:
        read(text, kind)
    assert message in error.value.message and error.value.hint
    assert error.value.findings == ()
