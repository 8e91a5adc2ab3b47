"""A press description from YAML, every mistake with its line."""

from __future__ import annotations

from pathlib import Path

from pressloop.emulator.description import presets
from pressloop.emulator.description.press import PressDescription
from pressloop.yaml import YamlSource, read_yaml, read_yaml_file
from pressloop.yaml.model_file import read_model


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
    hint = "look the section or field up in docs/emulated-press.md"
    return read_model(yaml, PressDescription, "press", name=source, hint=hint)
