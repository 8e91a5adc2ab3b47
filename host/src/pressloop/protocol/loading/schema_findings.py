"""Turn pydantic's errors into findings that use the words of the protocol."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import ErrorDetails

from pressloop.findings import Finding, KeyPath
from pressloop.number_types import written
from pressloop.number_types.forms import foreign_letter
from pressloop.protocol.loading.known_keys import (
    ITEM_MODELS,
    SECTION_MODELS,
    closest_key,
    models_at,
)
from pressloop.protocol.model.stage import MAX_KD, MAX_REPEAT
from pressloop.wire.schema import MAX_STEPS
from pressloop.yaml import SourceMap
from pressloop.yaml.close_names import closest_name

_HOW_TO_WRITE: Final[Mapping[str, str]] = {
    "pressloop": "'pressloop: 1', the version of the format",
    "name": "'name' with a text, for reports",
    "die": "'die' with the diameter of the die in the press, in mm",
    "ceiling": "'ceiling' with the highest pressure that die and sample stand, in MPa",
    "crack_threshold": "'crack_threshold' with a pressure, or with 'off'",
    "stages": "'stages' with a list; each stage begins with '- name: ...'",
    "on_host_loss": "it like 'on_host_loss: {action: ..., limit: ...}'",
    "action": "'action' with 'hold', 'finish' or 'vent'",
    "conditions": "it like 'conditions: {die_material: ..., atmosphere: ...}'",
    "ramp": "it like 'ramp: {target: ..., rate: ...}'",
    "hold": "it like 'hold: {duration: ..., tolerance: ...}'",
    "release": "it like 'release: {target: ..., rate: ...}'",
    "rest": "'rest' with a time in s, min or h",
    "pid": "it like 'pid: {kp: ..., ki: ...}'",
    "target": "'target' with a pressure on the pellet, in MPa",
    "rate": "'rate' with a pressure rate, in MPa/s or MPa/min",
    "duration": "'duration' with a time in s, min or h, or with 'open'",
    "tolerance": "'tolerance' with half the width of the band, in % of the target or in MPa",
    "until": "it like 'until: {relaxation: ..., at_most: ...}'",
    "relaxation": "'relaxation' with a pressure rate, in MPa/min",
    "operator": "'operator' with a text that says what to wait for",
    "at_least": "'at_least' with a time in s, min or h",
    "kp": "'kp' with a proportional gain, in /s",
    "ki": "'ki' with an integral gain, in /s2",
    "kd": "'kd' with a number without a unit",
    "prompt": "'prompt' with a text that says what to do",
    "repeat": "'repeat' with the number of passes",
}
"""What follows "add" or "write" in the hint for a key. It proposes no pressure and no die: a
value that is copied from a hint may break a die or a cell."""


def path_of(error: ErrorDetails) -> KeyPath:
    """Return the path of an error in the document.

    Pydantic's own path has the tag of the item after each list index.
    """
    loc = error["loc"]
    path = tuple(part for i, part in enumerate(loc) if i == 0 or not isinstance(loc[i - 1], int))
    return path + tuple(error.get("ctx", {}).get("at", ()))


def finding_of(error: ErrorDetails, path: KeyPath, data: Any, marks: SourceMap) -> Finding:
    """Return the finding for one of pydantic's errors.

    Args:
        error: From `ValidationError.errors`.
        path: Place in the document, from `path_of`.
        data: The whole document.
        marks: Positions of its keys and values.
    """
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
    """Return the finding for a required key that is missing."""
    key = str(path[-1])
    if path[-1] == "at_most":
        return marks.finding(
            "error",
            "no-end",
            path,
            "the hold has no longest time: 'at_most' is missing",
            "add 'at_most' with a time in s, min or h: without it, a hold might never end",
        )
    return marks.finding(
        "error",
        "missing-key",
        path,
        f"'{key}' is missing",
        f"add {_HOW_TO_WRITE[key]}" if key in _HOW_TO_WRITE else f"add '{key}'",
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
        hint = f"it belongs to a {others[0]}: begin that as a new item, with a dash of its own"
    elif meant is not None:
        hint = f"did you mean '{meant}'? Keys here: {names}"
    elif homes:
        places = " or ".join(f"'{home}'" for home in homes)
        hint = f"it belongs inside {places}; keys here: {names}"
    else:
        hint = f"remove it; keys here: {names}"
    return marks.finding(
        "error",
        "unknown-key",
        path,
        f"'{key}' is not a key here{foreign_letter(key)}",
        hint,
        at_key=True,
    )


def _builtin_error(error: ErrorDetails, path: KeyPath) -> tuple[str, str, str]:
    """Return code, message and hint for an error of pydantic's own checks."""
    kind, ctx, value = error["type"], error.get("ctx", {}), error["input"]
    key = str(path[-1]) if path else "document"
    how = f"write {_HOW_TO_WRITE[key]}" if key in _HOW_TO_WRITE else ""
    if path == ("pressloop",):
        return (
            "unsupported-version",
            f"this is version {_quoted(value)} of the format; this software reads version 1",
            "update the software, or write 'pressloop: 1' if the file is of version 1",
        )
    if kind == "literal_error":
        choices = str(ctx["expected"])
        close = closest_name(str(value), re.findall(r"'(\w+)'", choices))
        meant = f"did you mean '{close}'? " if close else ""
        return "bad-choice", f"{_quoted(value)} is not a choice here", f"{meant}choices: {choices}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        what = "an item of the stages" if isinstance(path[-1], int) else f"'{key}'"
        return (
            "wrong-type",
            f"{what} consists of keys and values, but is {_quoted(value)}",
            how or "begin it with a dash and a key, such as '- name: densify'",
        )
    if kind in ("list_type", "sequence_str", "is_instance_of", "tuple_type"):
        return "wrong-type", f"'{key}' is not a list", "begin each stage with a dash: '- name: ...'"
    if kind == "too_short":
        return (
            "no-stages",
            "the list of stages is empty",
            "add a stage: it begins with '- name: ...'",
        )
    if kind == "too_long":
        return (
            "too-many-steps",
            f"the list of stages has more than {MAX_STEPS} items",
            "use repeat blocks",
        )
    if kind in ("int_type", "int_from_float"):
        return "wrong-type", f"{_quoted(value)} is not a whole number", how
    if kind == "bool_type":
        return "wrong-type", f"{_quoted(value)} is not true or false", "write true or false"
    if kind == "float_type":
        return "wrong-type", f"{_quoted(value)} is not a number", how
    if kind == "string_too_long":
        return "bad-text", f"the text has more than {ctx['max_length']} characters", "shorten it"
    if kind in ("greater_than_equal", "less_than_equal"):
        limits = f"1 to {MAX_REPEAT}" if key == "repeat" else f"0 to {MAX_KD}"
        message = f"{_quoted(value)} is out of range, which is {limits}"
        return "out-of-range", message, "write a number in this range"
    # A check that the models did not have when this was written.
    return "wrong-type", str(error["msg"]), how or "docs/protocol-file.md explains every key"


def _quoted(value: object) -> str:
    """Return a value for a message, cut to a readable length."""
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return "a list"
    text = f"'{written(value)}'"
    return text if len(text) <= 60 else text[:57] + "...'"
