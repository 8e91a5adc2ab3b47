"""What pydantic found wrong, as findings: in words of the protocol, with what to write instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import ErrorDetails

from pressloop.findings import Finding, KeyPath
from pressloop.protocol.loading.known_keys import (
    ITEM_MODELS,
    SECTION_MODELS,
    closest_key,
    models_at,
)
from pressloop.protocol.model.stage import MAX_KD, MAX_REPEAT
from pressloop.yaml import SourceMap

_EXAMPLES: Final[Mapping[str, str]] = {
    "pressloop": "1",
    "name": "densify",
    "die": "10 mm",
    "ceiling": "520 MPa",
    "crack_threshold": "3 MPa",
    "stages": "[{name: densify, ramp: {target: 250 MPa, rate: 10 MPa/s}}]",
    "on_host_loss": "{action: hold, limit: 10 min}",
    "action": "hold",
    "ramp": "{target: 250 MPa, rate: 10 MPa/s}",
    "hold": "{duration: 3 min, tolerance: 0.5 %}",
    "release": "{target: 0 MPa, rate: 20 MPa/s}",
    "pid": "{kp: 8 /s, ki: 4 /s2}",
    "target": "250 MPa",
    "rate": "10 MPa/s",
    "duration": "3 min",
    "tolerance": "0.5 %",
    "until": "{relaxation: 0.5 MPa/min, at_most: 30 min}",
    "relaxation": "0.5 MPa/min",
    "operator": "Wait until the cell voltage stands still",
    "at_least": "1 min",
    "at_most": "30 min",
    "kp": "6 /s",
    "ki": "3 /s2",
    "kd": "0",
    "prompt": "Insert the cathode and close the guard",
    "repeat": "5",
}


def path_of(error: ErrorDetails) -> KeyPath:
    """Return the path in the document: pydantic puts the kind of item behind each index."""
    loc = error["loc"]
    path = tuple(part for i, part in enumerate(loc) if i == 0 or not isinstance(loc[i - 1], int))
    return path + tuple(error.get("ctx", {}).get("at", ()))


def finding_of(error: ErrorDetails, path: KeyPath, data: Any, marks: SourceMap) -> Finding:
    """Return the finding for one of pydantic's errors at a path of the document."""
    kind, ctx = error["type"], error.get("ctx", {})
    if kind == "missing":
        return missing_key(marks, path)
    if kind == "extra_forbidden":
        return _unknown_key(marks, path, data)
    if "hint" in ctx:
        code, message, hint = kind, str(ctx["message"]), str(ctx["hint"])
    else:
        code, message, hint = _builtin_error(error, path)
    return marks.finding("error", code, path, message, hint)


def missing_key(marks: SourceMap, path: KeyPath) -> Finding:
    """Return the finding for a key that is not there."""
    key = str(path[-1])
    if path[-1] == "at_most":
        return marks.finding(
            "error",
            "no-end",
            path,
            "the hold has no longest time: 'at_most' is missing",
            "add 'at_most: 30 min': a powder that never comes to rest must not be pressed for ever",
        )
    return marks.finding(
        "error",
        "missing-key",
        path,
        f"'{key}' is missing",
        f"add '{key}: {_EXAMPLES[key]}'" if key in _EXAMPLES else f"add '{key}'",
    )


def _unknown_key(marks: SourceMap, path: KeyPath, data: Any) -> Finding:
    key = str(path[-1])
    models = models_at(path[:-1], data)
    names = ", ".join(models[0].model_fields)
    homes = [home for home, model in SECTION_MODELS.items() if key in model.model_fields]
    meant = closest_key(path, data)
    others = [
        tag
        for tag, model in ITEM_MODELS.items()
        if model in models[1:] and key in model.model_fields
    ]
    if len(models) > 1 and others:
        hint = f"it belongs to a {others[0]}: make that an item of its own, with its own dash"
    elif meant is not None:
        hint = f"did you mean '{meant}'? Keys here: {names}"
    elif homes:
        hint = f"it belongs inside '{homes[0]}'; keys here: {names}"
    else:
        hint = f"remove it; keys here: {names}"
    return marks.finding(
        "error", "unknown-key", path, f"'{key}' is not a key here", hint, at_key=True
    )


def _builtin_error(error: ErrorDetails, path: KeyPath) -> tuple[str, str, str]:
    """Return code, message and hint for the checks that pydantic makes itself."""
    kind, ctx, value = error["type"], error.get("ctx", {}), error["input"]
    key = str(path[-1]) if path else "document"
    example = f"write it like '{key}: {_EXAMPLES[key]}'" if key in _EXAMPLES else ""
    if path == ("pressloop",):
        return (
            "unsupported-version",
            f"this is version {_quoted(value)} of the format; this software reads version 1",
            "write 'pressloop: 1', or update the software",
        )
    if kind == "literal_error":
        choices = str(ctx["expected"])
        close = difflib.get_close_matches(str(value), re.findall(r"'(\w+)'", choices), n=1)
        meant = f"did you mean '{close[0]}'? " if close else ""
        return "bad-choice", f"{_quoted(value)} is not a choice here", f"{meant}choices: {choices}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        what = "a stage" if isinstance(path[-1], int) else f"'{key}'"
        return (
            "wrong-type",
            f"{what} needs keys and values, not {_quoted(value)}",
            example or f"write it like '- name: densify' and 'ramp: {_EXAMPLES['ramp']}'",
        )
    if kind in ("list_type", "sequence_str", "is_instance_of", "tuple_type"):
        return "wrong-type", f"'{key}' needs a list", "begin each stage with a dash: '- name: ...'"
    if kind == "too_short":
        return "no-stages", "the list of stages is empty", f"add one: {_EXAMPLES['stages']}"
    if kind == "too_long":
        return "too-many-steps", "the list of stages is too long", "use repeat blocks"
    if kind in ("int_type", "int_from_float"):
        return "wrong-type", f"{_quoted(value)} is not a whole number", example
    if kind == "bool_type":
        return "wrong-type", f"{_quoted(value)} is not true or false", "write true or false"
    if kind == "float_type":
        return "wrong-type", f"{_quoted(value)} is not a number", example
    if kind == "string_too_long":
        return "bad-text", f"the text is longer than {ctx['max_length']} letters", "shorten it"
    if kind in ("greater_than_equal", "less_than_equal"):
        limits = f"1 to {MAX_REPEAT}" if key == "repeat" else f"0 to {MAX_KD}"
        return "out-of-range", f"{_quoted(value)} is out of range", f"the range is {limits}"
    return "wrong-type", str(error["msg"]), example or "see docs/protocol-file.md"


def _quoted(value: object) -> str:
    """Return a value for a message, cut to a readable length."""
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return "a list"
    text = f"'{value}'"
    return text if len(text) <= 60 else text[:57] + "...'"
