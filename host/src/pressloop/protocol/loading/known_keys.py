"""Look up which keys a protocol has at a place, and the closest one to a misspelt key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from pressloop.findings import KeyPath
from pressloop.protocol import (
    Conditions,
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
from pressloop.protocol.model.forces import force_fields
from pressloop.protocol.model.stage import kind_of
from pressloop.yaml.close_names import closest_name

SECTION_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "ramp": Ramp,
    "hold": Hold,
    "release": Release,
    "until": Until,
    "pid": Pid,
    "on_host_loss": HostLoss,
    "conditions": Conditions,
}
ITEM_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "stage": Stage,
    "prompt": Prompt,
    "repeat": Repeat,
}

FORCE_KEYS: Final = frozenset(
    name
    for model in (Protocol, *SECTION_MODELS.values(), *ITEM_MODELS.values())
    for name in force_fields(model)
)
"""Keys whose value may be a force."""


def models_at(path: KeyPath, data: Any) -> tuple[type[BaseModel], ...]:
    """Return the models that fit the mapping at a path; for an item the likeliest first."""
    if not path:
        return (Protocol,)
    if isinstance(path[-1], int):
        item = data
        for part in path:
            item = item[part]
        kind = kind_of(item)
        return (ITEM_MODELS[kind], *(model for tag, model in ITEM_MODELS.items() if tag != kind))
    return (SECTION_MODELS[path[-1]],)


def closest_key(path: KeyPath, data: Any) -> str | None:
    """Return the key at this place that is closest to an unknown one, or None if none is close."""
    return closest_name(str(path[-1]), models_at(path[:-1], data)[0].model_fields)
