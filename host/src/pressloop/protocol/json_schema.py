"""Generate the JSON Schema of a protocol file, with which editors check and complete it."""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from pressloop.protocol.model.protocol import Protocol

SCHEMA_ID: Final = "urn:pressloop:protocol:1"
"""Identifier of the schema; there is nothing to download at it."""


class _SchemaGenerator(GenerateJsonSchema):
    """Generates a schema without null: a key has a value or is left out."""

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
        # A script may leave the version out; a file may outlive the release that wrote it.
        document["required"] = ["pressloop", *document["required"]]
        return {"$schema": self.schema_dialect, "$id": SCHEMA_ID} | document


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a protocol file."""
    return Protocol.model_json_schema(schema_generator=_SchemaGenerator)


def json_schema_text() -> str:
    """Return the text of `protocol/protocol.schema.json`."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
