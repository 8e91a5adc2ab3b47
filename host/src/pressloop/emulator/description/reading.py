"""A press description from YAML, every mistake with its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pressloop.emulator.description import presets
from pressloop.emulator.description.press import PressDescription
from pressloop.errors import BadInputError, FindingLike
from pressloop.extras import path_argument
from pressloop.findings import Finding, KeyPath
from pressloop.machine.profile import MachineProfile
from pressloop.yaml import SourceMap, YamlSource, read_yaml, read_yaml_file
from pressloop.yaml.model_file import read_model

_PLACES: Final[Mapping[str, KeyPath]] = {
    "name": ("name",),
    "dies_mm": ("dies_mm",),
    "ram_area_cm2": ("ram", "area_cm2"),
    "full_scale_bar": ("transducer", "full_scale_bar"),
    # The counts at zero and at full scale contain the reading of the travelling ram.
    "raw_zero": ("ram", "return_force_n"),
    "raw_full": ("ram", "return_force_n"),
    "raw_fault_low": ("ram", "return_force_n"),
    "raw_fault_high": ("ram", "return_force_n"),
    "accuracy_percent": ("transducer", "accuracy_percent"),
    "max_oil_bar": ("limits", "max_oil_bar"),
    "pump_dead_band_percent": ("pump", "dead_band_percent"),
    "release_dead_band_percent": ("release", "dead_band_percent"),
    "pump_flow_ml_s": ("pump", "flow_ml_s"),
    "release_flow_ml_s": ("release", "flow_ml_s_at_10_mpa"),
    "compliance_ul_mpa": ("frame", "stiffness_kn_mm"),
    "approach_opening_percent": ("controller", "approach_opening_percent"),
    "contact_bar": ("controller", "contact_bar"),
    "approach_timeout_s": ("controller", "approach_timeout_s"),
    "no_gain_window_s": ("controller", "no_gain_window_s"),
    "kp_per_s": ("controller", "kp_per_s"),
    "ki_per_s2": ("controller", "ki_per_s2"),
    "kd": ("controller", "kd"),
    "filter_shift": ("controller", "filter_shift"),
    "valve_dither_percent": ("valves", "hysteresis_percent"),
    "valve_lag_ms": ("valves", "lag_ms"),
    "single_channel_bar": ("limits", "single_channel_bar"),
    "die_loads_kn": ("die_loads_kn",),
    "second_full_scale_bar": ("second_transducer", "full_scale_bar"),
    "second_raw_zero": ("ram", "return_force_n"),
    "second_raw_full": ("ram", "return_force_n"),
    "second_raw_fault_low": ("ram", "return_force_n"),
    "second_raw_fault_high": ("ram", "return_force_n"),
    "second_accuracy_percent": ("second_transducer", "accuracy_percent"),
}
"""Place in a press file of each value of the machine profile that follows from it."""

_HINT: Final = "look the section or field up in docs/emulated-press.md"


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
        MachineProfile.from_fields(press.nominal_profile())
    except BadInputError as invalid:
        return [_in_press_file(finding, press, marks) for finding in invalid.findings]
    return []


def _in_press_file(finding: FindingLike, press: PressDescription, marks: SourceMap) -> Finding:
    """Return a finding about a machine profile with its place in the press file."""
    name = finding.path.partition("[")[0]
    message = f"{name} of the machine profile: {finding.message}"
    hint = f"no board takes a profile of this press: {finding.hint}"
    if name in ("raw_full", "raw_fault_high"):
        message = (
            f"the travelling ram alone takes {press.travel_share:.3g} of the transducer's range, "
            "so full scale would read like a short circuit"
        )
        hint = (
            "correct the return force, the ram's area or the transducer's range: the board takes "
            f"up to {press.MAX_TRAVEL_SHARE:.3g}"
        )
    return marks.finding("error", "contradiction", _PLACES.get(name, ()), message, hint)
