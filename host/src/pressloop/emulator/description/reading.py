"""A press description from YAML, every mistake with its line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pressloop.arguments import path_argument
from pressloop.emulator.description import presets
from pressloop.emulator.description.places import place_of
from pressloop.emulator.description.press import PressDescription
from pressloop.errors import BadInputError, FindingLike
from pressloop.findings import Finding
from pressloop.yaml import SourceMap, YamlSource, read_yaml, read_yaml_file
from pressloop.yaml.model_file import read_model

_HINT: Final = "look the section or field up in docs/press-file.md"


def load(path: Path | str) -> PressDescription:
    """Read a press description, or take a preset by its name if there is no file of that name.

    Raises:
        BadInputError: The file cannot be read, is not YAML, or has mistakes; `findings` lists
            each with its path and line.
    """
    file = path_argument(path, "press")
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


def refuse_misfit(press: PressDescription) -> None:
    """Make sure that the board takes the machine profile of a press that was built in Python.

    Raises:
        BadInputError: It would refuse the profile; `findings` lists why.
    """
    _refuse(_profile_findings(press, SourceMap()), "press description")


def _checked(yaml: YamlSource, source: str) -> PressDescription:
    press = read_model(yaml, PressDescription, "press", name=source, hint=_HINT)
    _refuse(_profile_findings(press, yaml.marks), source)
    return press


def _refuse(findings: Sequence[Finding], source: str) -> None:
    if findings:
        raise BadInputError(f"{source}: the board refuses it", hint=_HINT, findings=findings)


def _profile_findings(press: PressDescription, marks: SourceMap) -> list[Finding]:
    """Return why the board would refuse the machine profile of a press."""
    try:
        press.machine_profile()
    except BadInputError as invalid:
        return [_in_press_file(finding, press, marks) for finding in invalid.findings]
    return []


def _in_press_file(finding: FindingLike, press: PressDescription, marks: SourceMap) -> Finding:
    """Return a finding about a machine profile with its place in the press file."""
    name = finding.path.partition("[")[0]
    message = f"{name} of the machine profile: {finding.message}"
    hint = f"no board takes a profile of this press: {finding.hint}"
    place = place_of(name, press.measured.model_dump(exclude_none=True))
    if name in ("raw_full", "raw_fault_high") and place[:1] != ("measured",):
        message = (
            f"the travelling ram alone takes {press.travel_share:.3g} of the transducer's range, "
            f"so full scale would read like a short circuit; up to {press.max_travel_share:.3g} "
            "may be taken"
        )
        hint = "correct the return force, the ram's area or the transducer's range"
    return marks.finding("error", "contradiction", place, message, hint)
