"""Which kind a file is of is told by its keys, which are those of the models."""

from __future__ import annotations

import pytest
from pressloop.emulator.description import PressDescription
from pressloop.protocol import Protocol
from pressloop.sample import Sample
from pressloop.yaml import file_kind
from pydantic import BaseModel


@pytest.mark.parametrize(
    ("kind", "model"), [("protocol", Protocol), ("press", PressDescription), ("sample", Sample)]
)
def test_the_keys_of_a_kind_are_those_of_its_model(
    kind: file_kind.FileKind, model: type[BaseModel]
) -> None:
    assert file_kind._TOP_LEVEL_KEYS[kind] == set(model.model_fields)
