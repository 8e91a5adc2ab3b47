"""Put stand-ins for what is wrong, so that the rest of a protocol can be checked too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pressloop.findings import KeyPath, path_text
from pressloop.protocol import Protocol
from pressloop.protocol.loading.draft import Draft
from pressloop.protocol.loading.known_keys import FORCE_KEYS, closest_key
from pressloop.protocol.loading.schema_findings import finding_of, path_of
from pressloop.protocol.model.forces import is_force

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
    "operator": "?",
    "at_most": "1 h",
    "kp": "6 /s",
    "ki": "3 /s2",
    "prompt": "?",
    "repeat": 1,
}
"""Stand-ins for required keys; optional keys are removed instead."""

_MENDED_BY_REMOVAL: Final = ("extra_forbidden", "target-twice", "end-twice", "rest-above-zero")
"""Errors that are corrected by removing the place."""

_MAX_ROUNDS: Final = 12
"""Correcting one level can reveal errors one level deeper; no protocol has more levels."""


def fill_empty_values(value: object, path: KeyPath) -> Iterator[KeyPath]:
    """Put stand-ins for keys without a value, which are reported already, and yield their paths."""
    if isinstance(value, dict):
        for key in list(value):
            if value[key] is None:
                _put_stand_in(value, (key,), remove=False)
                yield (*path, key)
            else:
                yield from fill_empty_values(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if item is None:
                yield (*path, index)
            else:
                yield from fill_empty_values(item, (*path, index))


def validate_with_stand_ins(data: dict[str, Any], draft: Draft) -> Protocol | None:
    """Return the protocol of `data` with stand-ins for what is wrong; None if that fails.

    Findings and unreliable places are added to the draft.
    """
    for _ in range(_MAX_ROUNDS):
        if draft.is_unreliable(("die",)):
            _set_forces_aside(data, draft)
        try:
            return Protocol.model_validate(data)
        except ValidationError as invalid:
            errors = invalid.errors(include_url=False)
        except RecursionError:
            return None
        intended = _intended_paths(errors, data)
        reported = {f.path for f in draft.findings if f.severity == "error"}
        for error in errors:
            path = path_of(error)
            follows = error["type"] == "missing" and path in intended
            if not (follows or draft.is_unreliable(path) or path_text(path) in reported):
                draft.findings.append(finding_of(error, path, data, draft.marks))
            draft.unreliable.add(path)
            _put_stand_in(data, path, remove=error["type"] in _MENDED_BY_REMOVAL)
        # A misspelt key has an unknown value at the place that was intended.
        draft.unreliable |= intended
    return None


def _set_forces_aside(data: dict[str, Any], draft: Draft) -> None:
    """Put stand-ins for forces while the die is unknown; one finding says why they mean nothing."""
    places = list(_forces(data, ()))
    for path, _ in places:
        draft.unreliable.add(path)
        _put_stand_in(data, path, remove=False)
    if places and not any(f.code == "force-without-die" for f in draft.findings):
        path, text = places[0]
        count = len(places) - 1
        others = f", as {'are' if count > 1 else 'is'} {count} more" if count else ""
        draft.findings.append(
            draft.marks.finding(
                "error",
                "force-without-die",
                path,
                f"'{text}' is a force{others}: without the die, a force is no pressure",
                "write 'die' with the diameter of the die in the press, in mm",
            )
        )


def _forces(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Yield the places that have a force, and the force."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in FORCE_KEYS and isinstance(inner, str) and is_force(inner):
                yield (*path, key), inner
            else:
                yield from _forces(inner, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _forces(item, (*path, index))


def _put_stand_in(data: Any, path: KeyPath, *, remove: bool) -> None:
    """Put a stand-in at a place, or remove the place if its key is optional."""
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


def _intended_paths(errors: list[ErrorDetails], data: Any) -> set[KeyPath]:
    """Return the paths of the keys that unknown keys were probably meant to be."""
    paths = (path_of(m) for m in errors if m["type"] == "extra_forbidden")
    meant = ((path, closest_key(path, data)) for path in paths)
    return {(*path[:-1], key) for path, key in meant if key is not None}
