"""Numbers that a bench tells the suite, and the YAML file that changes them.

The wiring is that of the product: transducer, emergency stop, guard switch and both valves on
their own terminals of the controller, and a die with a steel blank or a spent pellet in the press.
Nothing else is connected. Every pressure below is the pressure on that pellet.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pressloop.emulator.description import PressDescription
from pressloop.errors import BadInputError
from pressloop.yaml import read_yaml_file
from pressloop.yaml.model_file import model_findings

_HINT = "docs/hil-tests.md lists the keys; their units are the ends of their names"


class HilWiring(BaseModel):
    """Die, pressures, rates and limits of one bench. Units are the ends of the names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    die_mm: float = Field(default=10.0, gt=0)
    """Die in the press; it must be on the list of the machine profile."""

    ceiling_mpa: int = Field(default=520, gt=0)
    """No case presses harder. A reading above is a fault."""

    three_steps_mpa: tuple[int, int, int] = (250, 500, 74)
    """Targets of the three-step run."""

    fast_rate_mpa_s: int = Field(default=60, gt=0)
    """Rate up and down in the three-step run; well below the limits of pump and release valve."""

    work_mpa: int = Field(default=60, gt=0)
    """Target of every other case: well above the transducer's error, but little for the press."""

    rest_stop_mpa: int = Field(default=20, gt=0)
    """Where the short runs stand between two ramps; above the pressure that means contact."""

    work_rate_mpa_s: int = Field(default=40, gt=0)
    """Rate up and down in every other case."""

    tolerance_percent: int = Field(default=4, gt=0)
    """Half width of the tolerance band of their holds."""

    in_band_fraction: float = Field(default=0.95, gt=0, le=1)
    """Smallest part of each dwell of the three-step run that must be in its band. The suite asks
    whether the press works at all; `make bench-control` measures how well it presses."""

    kept_within_mpa: float = Field(default=4, gt=0)
    """Largest drift while the press keeps its pressure after a frozen ramp or release."""

    at_rest_mpa: float = Field(default=2.5, gt=0)
    """A reading below means an unloaded press: three times the transducer's error on this die."""

    sensor_fault_limit_s: float = Field(default=0.06, gt=0)
    """Longest time from the first bad reading to safe outputs."""

    host_timeout_s: float = Field(default=0.5, gt=0)
    """Silence after which the board treats its host as lost: the shortest that a plan may set."""

    emulated_press: PressDescription = PressDescription.model_validate(
        {"ram": {"approach_gap_mm": 0.3}, "release": {"flow_ml_s_at_10_mpa": 2.0}}
    )
    """Press behind an emulated board: the reference press with the ram close to the sample, so
    that a case does not wait for the approach, and a release valve whose limit a plan can pass."""

    @model_validator(mode="after")
    def _check_order(self) -> HilWiring:
        if not self.at_rest_mpa < self.rest_stop_mpa < self.work_mpa < self.ceiling_mpa:
            raise ValueError("at_rest_mpa, rest_stop_mpa, work_mpa and ceiling_mpa must rise")
        if not 0 < min(self.three_steps_mpa) <= max(self.three_steps_mpa) < self.ceiling_mpa:
            raise ValueError("every pressure of three_steps_mpa must be below ceiling_mpa")
        return self


_current = HilWiring()


def current() -> HilWiring:
    """Return the numbers of this session's bench."""
    return _current


def use(wiring: HilWiring) -> None:
    """Make these the numbers of this session's bench; the plugin does so before it collects."""
    global _current
    _current = wiring


def read(path: Path) -> HilWiring:
    """Read the numbers of a bench from a YAML file; a key that is left out keeps its default.

    Raises:
        BadInputError: The file cannot be read or has mistakes; `findings` lists each.
    """
    yaml = read_yaml_file(path, hint=_HINT)
    findings = [finding for finding in yaml.findings if finding.severity == "error"]
    if not findings:
        try:
            return HilWiring.model_validate(yaml.data)
        except ValidationError as error:
            findings = model_findings(error, yaml, HilWiring)
    raise BadInputError(f"{path} does not describe a bench", hint=_HINT, findings=findings)
