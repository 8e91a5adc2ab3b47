"""Read a YAML document into a pydantic model; every mistake becomes a finding with its line.

Press descriptions and samples are read here. A protocol has a reader of its own, which goes on
after a mistake with stand-ins; it shares only `document_problem`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from pressloop.errors import BadInputError
from pressloop.findings import Finding, KeyPath
from pressloop.number_types import written
from pressloop.number_types.forms import foreign_letter, number_hint
from pressloop.yaml.close_names import closest_name, in_other_unit
from pressloop.yaml.file_kind import FILE_KINDS, FileKind, wrong_kind
from pressloop.yaml.values import YamlSource

ModelT = TypeVar("ModelT", bound=BaseModel)

_PYDANTIC_CODES: Final = frozenset(get_args(ErrorType))

_LIMITS: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}
"""Pydantic's code of a range check to the name of the limit in its context, and our words."""

_SECTION_ERRORS: Final = ("model_type", "model_attributes_type", "dict_type")
"""What pydantic calls a value in place of a section."""

_NO_PART: Final = ("none", "no", "false", "null", "0")
"""What people write for a part that is not there, in small letters."""

_MAX_SHOWN: Final = 60
"""Characters of a wrong value that a message repeats."""


def document_problem(yaml: YamlSource, kind: FileKind) -> Finding | None:
    """Return why a document as a whole cannot be of this kind, or None.

    Codes: `not-a-mapping`, or `not-a-protocol`, `not-a-press`, `not-a-sample` when the file is
    clearly of another kind.
    """
    if yaml.data is None:
        return None
    if not isinstance(yaml.data, dict):
        message = "the document is not a list of 'key: value' lines"
        hint = FILE_KINDS[kind].beginning
        return yaml.marks.finding("error", "not-a-mapping", (), message, hint)
    other = wrong_kind(yaml.data, kind)
    if other is None:
        return None
    message, hint = other
    return yaml.marks.finding("error", f"not-a-{kind}", (), message, hint)


def read_model(
    yaml: YamlSource, model: type[ModelT], kind: FileKind, *, name: str, hint: str
) -> ModelT:
    """Return the model of a document.

    Args:
        yaml: The document, with what was found while reading it.
        model: Class of the result.
        kind: The kind of file that is wanted.
        name: What errors call the document, such as its path.
        hint: Where the user can look its keys up.

    Raises:
        BadInputError: The file is of another kind, or has mistakes; `findings` lists each mistake
            with its path and line.
    """
    problem = document_problem(yaml, kind)
    if problem is not None:
        raise BadInputError(f"{name}: {problem.message}", hint=problem.hint)
    findings = [finding for finding in yaml.findings if finding.severity == "error"]
    if not findings:
        try:
            return model.model_validate(yaml.data)
        except ValidationError as invalid:
            findings = model_findings(invalid, yaml, model)
    raise BadInputError(
        f"{name}: {len(findings)} mistake{'s' if len(findings) > 1 else ''}",
        hint=hint,
        findings=findings,
    )


def model_findings(
    invalid: ValidationError, yaml: YamlSource, model: type[BaseModel]
) -> list[Finding]:
    """Return one finding for each place that pydantic refused.

    Codes: `unknown-key`, `missing-key`, `bad-value`, `contradiction`; a validator of the model that
    raises `PydanticCustomError` names its own.
    """
    by_path: dict[KeyPath, list[ErrorDetails]] = {}
    for error in invalid.errors(include_url=False):
        by_path.setdefault(_document_path(error, yaml.data), []).append(error)
    for path in list(by_path):
        # A value that was refused is missing in its list; only the value is a mistake.
        inner = any(other != path and other[: len(path)] == path for other in by_path)
        if inner and by_path[path][0]["type"] == "too_short":
            del by_path[path]
    return [_finding(path, errors, yaml, model) for path, errors in by_path.items()]


def _document_path(error: ErrorDetails, data: Any) -> KeyPath:
    """Return the path in the document; pydantic adds names of its own for members of a union."""
    path: list[str | int] = []
    *_, last = (None, *error["loc"])
    for part in error["loc"]:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            if error["type"] == "missing" and part == last:
                path.append(part)
            continue
        path.append(part)
    return (*path, *error.get("ctx", {}).get("at", ()))


def _finding(
    path: KeyPath, errors: list[ErrorDetails], yaml: YamlSource, model: type[BaseModel]
) -> Finding:
    error = errors[0]
    if error["type"] == "extra_forbidden":
        message, hint = (
            f"'{path[-1]}' is not a key here{foreign_letter(str(path[-1]))}",
            _unknown_key_hint(path, model),
        )
        return yaml.marks.finding("error", "unknown-key", path, message, hint, at_key=True)
    code, message, hint = _explain(error, path)
    if error["type"] in _SECTION_ERRORS:
        hint += _section_hint(error["input"], _keys_at(path, model))
    # Where a word may stand in place of a number, pydantic refuses the value once as each.
    words = [str(other["ctx"]["expected"]) for other in errors[1:] if _is_choice(other)]
    return yaml.marks.finding("error", code, path, message, "; or write ".join([hint, *words]))


def _is_choice(error: ErrorDetails) -> bool:
    return error["type"] == "literal_error"


def _explain(error: ErrorDetails, path: KeyPath) -> tuple[str, str, str]:
    """Return code, message and hint in our words."""
    kind, context, value = error["type"], error.get("ctx", {}), _shown(error["input"])
    if kind not in _PYDANTIC_CODES:
        hint = str(context.get("hint", "correct the value, or leave the key out"))
        return kind.replace("_", "-"), str(context.get("message", error["msg"])), hint
    if kind == "value_error":
        message = error["msg"].removeprefix("Value error, ")
        return "contradiction", message, "change or add one of the keys that the message names"
    if kind == "missing":
        return "missing-key", f"'{path[-1]}' is missing", f"add '{path[-1]}'"
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        message = f"{value} is out of range: it must be {words} {context[key]:g}"
        return "bad-value", message, "write a number in this range"
    if _is_choice(error):
        return "bad-value", f"{value} is not a choice here", f"choices: {context['expected']}"
    return "bad-value", *_wrong_form(kind, error["input"], error["msg"])


def _wrong_form(kind: str, value: object, fallback: str) -> tuple[str, str]:
    """Return message and hint for a value of another form than the model has there."""
    shown = _shown(value)
    if kind.startswith(("float", "int_", "finite_number")):
        number = "whole number" if kind.startswith("int_") else "number"
        return f"{shown} is not a {number}", number_hint(value, number)
    if kind == "string_type":
        return f"{shown} is not text", "write text; put a number in quotes"
    if kind in ("list_type", "tuple_type"):
        return f"{shown} is not a list", "put the values between square brackets, with commas"
    if kind in _SECTION_ERRORS:
        return f"{shown} stands where keys are needed", "write the keys below, indented deeper"
    if kind == "too_short":
        return "the list has too few values", "add what is missing"
    if kind == "too_long":
        return "the list has too many values", "shorten it"
    if kind.startswith("bool"):
        return f"{shown} is not true or false", "write true or false"
    # A check that none of our models had when this was written.
    return fallback, "correct the value, or leave the key out"


def _unknown_key_hint(path: KeyPath, model: type[BaseModel]) -> str:
    known = _keys_at(path[:-1], model)
    if not known:
        return "remove it"
    unit = in_other_unit(str(path[-1]), known)
    if unit is not None:
        return f"{unit} takes the value in its own unit: convert it"
    near = closest_name(str(path[-1]), known)
    return f"did you mean {near}?" if near else f"keys here: {', '.join(known)}"


def _section_hint(value: object, keys: Sequence[str]) -> str:
    """Return which keys there are, and what to write where there is no such part."""
    if not keys:
        return ""
    # An integer may have more digits than Python prints.
    is_absent = value.lower() in _NO_PART if isinstance(value, str) else not value
    if "fitted" in keys and is_absent:
        return f"; where there is none: {{fitted: false}}; keys here: {', '.join(keys)}"
    return f"; keys here: {', '.join(keys)}"


def _keys_at(path: KeyPath, model: type[BaseModel]) -> Sequence[str]:
    """Return the keys of the section at a path; empty if it lies in a list of sections."""
    for part in path:
        field = model.model_fields.get(str(part))
        annotation = None if field is None else field.annotation
        sections = [
            member
            for member in (annotation, *get_args(annotation))
            if isinstance(member, type) and issubclass(member, BaseModel)
        ]
        if not sections:
            return []
        model = sections[0]
    return list(model.model_fields)


def _shown(value: object) -> str:
    """Return a value for a message, cut to a readable length."""
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "a group of keys"
    text = f"'{written(value)}'"
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 4] + "...'"
