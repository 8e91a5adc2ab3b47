"""A protocol file to a `Protocol`: every mistake of form becomes a finding, not only the first.

Where something is wrong, a harmless stand-in takes its place, so that the rest of the protocol can
be checked too; the places are remembered as doubtful and nothing is concluded from them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pressloop.document import (
    Hold,
    HostLoss,
    Pid,
    Prompt,
    Protocol,
    Ramp,
    Release,
    Repeat,
    Stage,
    Until,
)
from pressloop.document.stage import MAX_REPEAT, kind_of
from pressloop.errors import BadInputError
from pressloop.findings import Finding, Path, path_text
from pressloop.yaml_source import MAX_BYTES, SourceMap, read_yaml

_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "ramp": Ramp,
    "hold": Hold,
    "release": Release,
    "until": Until,
    "pid": Pid,
    "on_host_loss": HostLoss,
}
_ITEMS: Final[Mapping[str, type[BaseModel]]] = {
    "stage": Stage,
    "prompt": Prompt,
    "repeat": Repeat,
}

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

_STAND_IN_STAGE: Final = {"name": "?", "ramp": {"target": "1 MPa", "rate": "1 MPa/s"}}
_STAND_INS: Final[Mapping[str, object]] = {
    "pressloop": 1,
    "name": "?",
    "die": "10 mm",
    "ceiling": "1 GPa",
    "stages": [_STAND_IN_STAGE],
    "ramp": {"target": "1 MPa", "rate": "1 MPa/s"},
    "hold": {"duration": "1 min", "tolerance": "50 %"},
    "release": {"target": "0 MPa", "rate": "1 MPa/s"},
    "target": "1 MPa",
    "rate": "1 MPa/s",
    "duration": "1 min",
    "tolerance": "50 %",
    "relaxation": "1 GPa/min",
    "at_most": "1 h",
    "kp": "6 /s",
    "ki": "3 /s2",
    "prompt": "?",
    "repeat": 1,
}
"""For required keys; optional ones are left out instead."""

_SURPLUS: Final = ("extra_forbidden", "target-twice", "end-twice")
"""Mistakes that are put right by taking the place out."""

_ROUNDS: Final = 12
"""Repairing a level can bring up mistakes one level further in; no protocol is deeper."""


@dataclass
class Draft:
    """What a text says, as far as it can be understood."""

    marks: SourceMap
    findings: list[Finding]
    protocol: Protocol | None = None
    """With stand-ins at the doubtful places; None when nothing can be made of the text."""
    doubtful: set[Path] = field(default_factory=set)

    def is_doubtful(self, path: Path) -> bool:
        """Whether a place, or something around it, is a stand-in."""
        return any(path[:length] in self.doubtful for length in range(len(path) + 1))


def load_protocol(source: FilePath | str) -> Protocol:
    """Read a protocol from a file, or from YAML text if it has more than one line.

    Checks the form alone; whether a press can do it is the question of `validation`.

    Raises:
        BadInputError: with one finding per mistake.
    """
    if isinstance(source, str) and "\n" in source:
        name, draft = "the text", read_draft(source)
    else:
        name, draft = str(source), draft_of_bytes(read_bytes(source))
    errors = [f for f in draft.findings if f.severity == "error"]
    if errors or draft.protocol is None:
        raise BadInputError(
            f"{name} is not a protocol that can be run",
            hint="correct what is listed; docs/protocol-file.md explains every key",
            findings=errors,
        )
    return draft.protocol


def read_bytes(path: FilePath | str) -> bytes:
    """Read a protocol file, at most a little more than the largest that is accepted.

    Raises:
        BadInputError: the file cannot be read.
    """
    try:
        with FilePath(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise BadInputError(
            f"cannot read {path}: {reason}",
            hint="give the path of a protocol file, like examples/sodium_three_step.yaml",
        ) from error


def draft_of_bytes(data: bytes) -> Draft:
    """Understand the bytes of a file as far as possible; never raises."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _not_utf8(1, 1, "the file is UTF-16")
    try:
        return read_draft(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        # A file may be cut where reading stopped, amid a character.
        if len(data) > MAX_BYTES and error.start > MAX_BYTES - 4:
            return read_draft(data.decode("utf-8-sig", errors="replace"))
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before) - before.rfind(b"\n")
        return _not_utf8(line, column, f"the byte 0x{data[error.start]:02x} is not UTF-8")


def _not_utf8(line: int, column: int, message: str) -> Draft:
    hint = "save the file as UTF-8; in Windows editors choose it in the save dialog"
    return Draft(SourceMap(), [Finding("error", "not-utf8", ".", message, hint, line, column)])


def read_draft(text: str) -> Draft:
    """Understand a text as far as possible; never raises."""
    source = read_yaml(text)
    draft = Draft(source.marks, source.findings)
    data = source.data
    if not isinstance(data, dict):
        if data is not None:
            draft.findings.append(
                draft.marks.finding(
                    "error",
                    "not-a-mapping",
                    (),
                    "the document is not a list of 'key: value' lines",
                    "begin with 'pressloop: 1' and 'name: ...', as the examples do",
                )
            )
        return draft
    for path in list(_fill_empty(data, ())):
        draft.doubtful.add(path)
    if "pressloop" not in data:
        if ("pressloop",) not in draft.doubtful:
            draft.findings.append(_missing(draft, ("pressloop",)))
        data["pressloop"] = 1
    draft.protocol = _repaired(data, draft)
    wrong = {f.path for f in draft.findings if f.severity == "error"}
    draft.findings = [f for f in draft.findings if f.severity == "error" or f.path not in wrong]
    return draft


def _fill_empty(value: object, path: Path) -> Iterator[Path]:
    """Fill in for keys without a value, which the reader has reported; yield their paths."""
    if isinstance(value, dict):
        for key in list(value):
            if value[key] is None:
                _repair(value, (key,), remove=False)
                yield (*path, key)
            else:
                yield from _fill_empty(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if item is None:
                yield (*path, index)
            else:
                yield from _fill_empty(item, (*path, index))


def _repaired(data: dict[str, Any], draft: Draft) -> Protocol | None:
    for _ in range(_ROUNDS):
        try:
            return Protocol.model_validate(data)
        except ValidationError as error:
            mistakes = error.errors(include_url=False)
        except RecursionError:
            return None
        misspelt = _misspelt(mistakes, data)
        reported = {f.path for f in draft.findings if f.severity == "error"}
        for mistake in mistakes:
            path = _path(mistake)
            follows = mistake["type"] == "missing" and path in misspelt
            if not (follows or draft.is_doubtful(path) or path_text(path) in reported):
                draft.findings.append(_finding(mistake, path, data, draft))
            draft.doubtful.add(path)
            _repair(data, path, remove=mistake["type"] in _SURPLUS)
        # What a misspelt key would have said is unknown.
        draft.doubtful |= misspelt
    return None


def _path(mistake: ErrorDetails) -> Path:
    """Return the path in the document: pydantic puts the kind of item behind each index."""
    loc = mistake["loc"]
    path = tuple(part for i, part in enumerate(loc) if i == 0 or not isinstance(loc[i - 1], int))
    return path + tuple(mistake.get("ctx", {}).get("at", ()))


def _repair(data: Any, path: Path, *, remove: bool) -> None:
    """Put a stand-in at a place, or take the place out where nothing is needed."""
    if not path:
        return
    around = data
    for part in path[:-1]:
        around = around[part]
    last = path[-1]
    if isinstance(last, int):
        around[last] = _copy(_STAND_IN_STAGE)
    elif last in _STAND_INS and not remove:
        around[last] = _copy(_STAND_INS[last])
    else:
        around.pop(last, None)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _model_at(path: Path, data: Any) -> tuple[type[BaseModel], ...]:
    """Return the model of the mapping at a path; for an item the likeliest kind first."""
    if not path:
        return (Protocol,)
    if isinstance(path[-1], int):
        item = data
        for part in path:
            item = item[part]
        kind = kind_of(item)
        return (_ITEMS[kind], *(model for tag, model in _ITEMS.items() if tag != kind))
    return (_MODELS[path[-1]],)


def _suggestion(path: Path, data: Any) -> str | None:
    """Return the key that a misspelt one was probably meant to be."""
    key = str(path[-1])
    for model in _model_at(path[:-1], data):
        names = list(model.model_fields)
        folded = key.strip().lower().replace("-", "_").replace(" ", "_")
        close = difflib.get_close_matches(folded, names, n=1)
        if close:
            return close[0]
    return None


def _misspelt(mistakes: list[ErrorDetails], data: Any) -> set[Path]:
    """Return where the keys would stand that unknown keys were meant to be."""
    paths = (_path(m) for m in mistakes if m["type"] == "extra_forbidden")
    meant = ((path, _suggestion(path, data)) for path in paths)
    return {(*path[:-1], key) for path, key in meant if key is not None}


def _finding(mistake: ErrorDetails, path: Path, data: Any, draft: Draft) -> Finding:
    kind, ctx = mistake["type"], mistake.get("ctx", {})
    if kind == "missing":
        return _missing(draft, path)
    if kind == "extra_forbidden":
        return _unknown(draft, path, data)
    if "hint" in ctx:
        code, message, hint = kind, str(ctx["message"]), str(ctx["hint"])
    else:
        code, message, hint = _plain(mistake, path)
    return draft.marks.finding("error", code, path, message, hint)


def _missing(draft: Draft, path: Path) -> Finding:
    key = str(path[-1])
    if path[-1] == "at_most":
        return draft.marks.finding(
            "error",
            "no-end",
            path,
            "the hold has no longest time: 'at_most' is missing",
            "add 'at_most: 30 min': a powder that never comes to rest must not be pressed for ever",
        )
    return draft.marks.finding(
        "error",
        "missing-key",
        path,
        f"'{key}' is missing",
        f"add '{key}: {_EXAMPLES[key]}'" if key in _EXAMPLES else f"add '{key}'",
    )


def _unknown(draft: Draft, path: Path, data: Any) -> Finding:
    key = str(path[-1])
    models = _model_at(path[:-1], data)
    names = ", ".join(models[0].model_fields)
    homes = [home for home, model in _MODELS.items() if key in model.model_fields]
    suggestion = _suggestion(path, data)
    others = [
        tag for tag, model in _ITEMS.items() if model in models[1:] and key in model.model_fields
    ]
    if len(models) > 1 and others:
        hint = f"it belongs to a {others[0]}: make that an item of its own, with its own dash"
    elif suggestion is not None:
        hint = f"did you mean '{suggestion}'? Keys here: {names}"
    elif homes:
        hint = f"it belongs inside '{homes[0]}'; keys here: {names}"
    else:
        hint = f"remove it; keys here: {names}"
    return draft.marks.finding(
        "error", "unknown-key", path, f"'{key}' is not a key here", hint, at_key=True
    )


def _plain(mistake: ErrorDetails, path: Path) -> tuple[str, str, str]:
    """Return code, message and hint for the checks that pydantic makes itself."""
    kind, ctx, value = mistake["type"], mistake.get("ctx", {}), mistake["input"]
    key = str(path[-1]) if path else "document"
    example = f"write it like '{key}: {_EXAMPLES[key]}'" if key in _EXAMPLES else ""
    if path == ("pressloop",):
        return (
            "unsupported-version",
            f"this is version {_shown(value)} of the format; this software reads version 1",
            "write 'pressloop: 1', or update the software",
        )
    if kind == "literal_error":
        choices = str(ctx["expected"])
        close = difflib.get_close_matches(str(value), re.findall(r"'(\w+)'", choices), n=1)
        meant = f"did you mean '{close[0]}'? " if close else ""
        return "bad-choice", f"{_shown(value)} is not a choice here", f"{meant}choices: {choices}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        what = "a stage" if isinstance(path[-1], int) else f"'{key}'"
        return (
            "wrong-type",
            f"{what} needs keys and values, not {_shown(value)}",
            example or f"write it like '- name: densify' and 'ramp: {_EXAMPLES['ramp']}'",
        )
    if kind in ("list_type", "sequence_str", "is_instance_of", "tuple_type"):
        return "wrong-type", f"'{key}' needs a list", "begin each stage with a dash: '- name: ...'"
    if kind == "too_short":
        return "no-stages", "the list of stages is empty", f"add one: {_EXAMPLES['stages']}"
    if kind == "too_long":
        return "too-many-steps", "the list of stages is too long", "use repeat blocks"
    if kind in ("int_type", "int_from_float"):
        return "wrong-type", f"{_shown(value)} is not a whole number", example
    if kind == "bool_type":
        return "wrong-type", f"{_shown(value)} is not true or false", "write true or false"
    if kind == "float_type":
        return "wrong-type", f"{_shown(value)} is not a number", example
    if kind == "string_too_long":
        return "bad-text", f"the text is longer than {ctx['max_length']} letters", "shorten it"
    if kind in ("greater_than_equal", "less_than_equal"):
        limits = f"1 to {MAX_REPEAT}" if key == "repeat" else "0 to 15"
        return "out-of-range", f"{_shown(value)} is out of range", f"the range is {limits}"
    return "wrong-type", str(mistake["msg"]), example or "see docs/protocol-file.md"


def _shown(value: object) -> str:
    """Return a value for a message, cut to a readable length."""
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return "a list"
    text = f"'{value}'"
    return text if len(text) <= 60 else text[:57] + "...'"
