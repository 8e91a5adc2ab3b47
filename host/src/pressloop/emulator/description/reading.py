"""A press description from YAML, every mistake with its line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pressloop.emulator.description import presets
from pressloop.emulator.description.press import PressDescription
from pressloop.errors import BadInputError, FindingLike
from pressloop.findings import Finding, KeyPath
from pressloop.machine.profile import MachineProfile
from pressloop.yaml import YamlSource, read_yaml, read_yaml_file
from pressloop.yaml.model_file import read_model

_PLACES: Final[Mapping[str, KeyPath]] = {
    "name": ("name",),
    "dies_mm": ("dies_mm",),
    "ram_area_cm2": ("ram", "area_cm2"),
    "full_scale_bar": ("transducer", "full_scale_bar"),
    "max_oil_bar": ("limits", "max_oil_bar"),
    "contact_bar": ("controller", "contact_bar"),
    "approach_opening_percent": ("controller", "approach_opening_percent"),
    "pump_flow_ml_s": ("pump", "flow_ml_s"),
    "release_flow_ml_s": ("release", "flow_ml_s_at_10_mpa"),
    "compliance_ul_mpa": ("frame", "stiffness_kn_mm"),
    "valve_dither_percent": ("valves", "hysteresis_percent"),
    "valve_lag_ms": ("valves", "lag_ms"),
    "kp_per_s": ("controller", "kp_per_s"),
    "raw_fault_low,": ("ram", "return_force_n"),
    "second_raw_fault_low,": ("ram", "return_force_n"),
    "single_channel_bar": ("limits", "single_channel_bar"),
    "die_loads_kn": ("die_loads_kn",),
    "second_full_scale_bar": ("second_transducer", "full_scale_bar"),
    "second_accuracy_percent": ("second_transducer", "accuracy_percent"),
}
"""Place in a press file of each value of the machine profile."""


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
    press = read_model(yaml, PressDescription, "press", name=source, hint=hint)
    findings = _profile_findings(press, yaml)
    if findings:
        raise BadInputError(f"{source}: the board refuses it", hint=hint, findings=findings)
    return press


def _profile_findings(press: PressDescription, yaml: YamlSource) -> list[Finding]:
    """Return why the board would refuse the machine profile of a press."""
    try:
        MachineProfile.from_fields(press.nominal_profile())
    except BadInputError as refused:
        if not refused.findings:
            raise
        return [_press_finding(finding, yaml) for finding in refused.findings]
    return []


def _press_finding(refusal: FindingLike, yaml: YamlSource) -> Finding:
    """Return a finding about the profile at the place of the press file that it comes from."""
    field = "" if refusal.path == "." else refusal.path.split("[")[0].split(".")[0]
    text = refusal.message
    if field:
        text = f"{field} of the machine profile: {text}; {refusal.hint}"
    path = _PLACES.get(field or text.split()[0], ())
    hint = "correct the press file: no board takes a profile of this press"
    return yaml.marks.finding("error", "contradiction", path, text, hint)
