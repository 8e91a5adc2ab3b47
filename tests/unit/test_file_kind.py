"""The kind of a file is recognised by its top-level keys, which are those of its model."""

from __future__ import annotations

import pytest
from pressloop.emulator.description import PressDescription
from pressloop.protocol import Protocol
from pressloop.sample import Sample
from pressloop.yaml.file_kind import FILE_KINDS, FileKind
from pydantic import BaseModel


@pytest.mark.parametrize(
    ("kind", "model"), [("protocol", Protocol), ("press", PressDescription), ("sample", Sample)]
)
def test_the_keys_of_a_kind_are_those_of_its_model(kind: FileKind, model: type[BaseModel]) -> None:
    assert FILE_KINDS[kind].keys == set(model.model_fields)
