"""The exported JSON Schema is up to date, valid, and agrees with the models."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pressloop.protocol.json_schema import json_schema, json_schema_text
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
VALIDATOR = Draft202012Validator(json_schema())
# Files whose mistakes a schema can find: others need numbers, the press, or the YAML text.
FORM = [
    "bad_choice",
    "decimal_comma",
    "empty_stage",
    "misplaced_key",
    "missing_key",
    "missing_unit",
    "no_end",
    "unknown_key",
    "unsupported_version",
    "wrong_type",
    "wrong_unit",
]


def load(path: Path) -> object:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def test_exported_schema_is_up_to_date() -> None:
    exported = (ROOT / "protocol" / "protocol.schema.json").read_text(encoding="utf-8")
    assert exported == json_schema_text(), (
        "run: python -m pressloop.protocol --schema > protocol/protocol.schema.json"
    )


def test_schema_is_printed_by_the_module() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pressloop.protocol", "--schema"],
        capture_output=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "host" / "src"), "PYTHONIOENCODING": "utf-8"},
    )
    assert json.loads(run.stdout) == json_schema()


def test_exported_schema_is_a_valid_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda p: p.stem)
def test_schema_accepts_the_examples(path: Path) -> None:
    assert list(VALIDATOR.iter_errors(load(path))) == []


@pytest.mark.parametrize("name", FORM)
def test_schema_refuses_mistakes_of_form(name: str) -> None:
    assert not VALIDATOR.is_valid(load(ROOT / "tests" / "data" / "bad" / f"{name}.yaml"))


def test_docs_explain_every_key() -> None:
    schema = json_schema()
    page = (ROOT / "docs" / "protocol-file.md").read_text(encoding="utf-8")
    for model in (schema, *schema["$defs"].values()):
        assert model["description"]
        for key in model["properties"]:
            assert f"`{key}`" in page, f"docs/protocol-file.md does not explain `{key}`"
