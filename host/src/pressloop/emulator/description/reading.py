"""A press description from YAML, every mistake with its line."""

from __future__ import annotations

import difflib
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pressloop.emulator.description import presets
from pressloop.emulator.description.press import PressDescription
from pressloop.errors import BadInputError
from pressloop.findings import Finding
from pressloop.yaml import SourceMap, YamlSource, read_yaml, read_yaml_file
from pressloop.yaml.file_kind import wrong_kind


def load(path: Path | str) -> PressDescription:
    """Read a press description, or take a preset by its name if there is no file of that name.

    Raises:
        BadInputError: The file cannot be read, is not YAML, or has mistakes; `findings` lists
            each with its path and line.
    """
    file = Path(path)
    if str(path) in presets.PRESSES and not file.exists():
        return PressDescription.model_validate({"preset": str(path)})
    hint = (
        "give a YAML file; examples/presses/reference.yaml is one to start from. Or the name of a "
        f"press that is built in: {', '.join(presets.PRESSES)}"
    )
    return _checked(read_yaml_file(file, hint=hint), str(file))


def loads(text: str, *, source: str = "press description") -> PressDescription:
    """Read a press description from YAML text; `source` names it in errors.

    Raises:
        BadInputError: As for `load`.
    """
    return _checked(read_yaml(text), source)


def _checked(yaml: YamlSource, source: str) -> PressDescription:
    findings = [finding for finding in yaml.findings if finding.severity == "error"]
    other = wrong_kind(yaml.data, "press")
    if other is not None:
        raise BadInputError(f"{source}: {other[0]}", hint=other[1])
    if not findings:
        try:
            return PressDescription.model_validate(yaml.data)
        except ValidationError as error:
            findings = [_finding(yaml.marks, item) for item in error.errors()]
    raise BadInputError(
        f"{source}: {len(findings)} mistake{'s' if len(findings) > 1 else ''}",
        hint="look the section or field up in docs/emulated-press.md",
        findings=findings,
    )


def _finding(marks: SourceMap, error: ErrorDetails) -> Finding:
    """Turn one pydantic error into a finding with the line it came from."""
    location = error["loc"]
    if error["type"] == "extra_forbidden":
        known = _fields(location[:-1])
        near = difflib.get_close_matches(str(location[-1]), known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        return marks.finding("error", "unknown-key", location, "no such key", hint, at_key=True)
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "unknown_preset":
        return marks.finding(
            "error", "unknown-preset", location, message, "use a name of the list, or leave it out"
        )
    if error["type"] == "value_error":
        return marks.finding("error", "contradiction", location, message, "change one of the two")
    return marks.finding(
        "error",
        "bad-value",
        location,
        message,
        "write text"
        if error["type"].startswith("string")
        else "write a plain number; its unit is the end of the key's name",
    )


def _fields(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the section at `location`."""
    model: type[BaseModel] = PressDescription
    for part in location:
        annotation = model.model_fields[str(part)].annotation
        assert isinstance(annotation, type) and issubclass(annotation, BaseModel)
        model = annotation
    return list(model.model_fields)
