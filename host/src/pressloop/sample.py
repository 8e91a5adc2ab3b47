"""Describes the pellet in the die, who pressed it and under which conditions.

A sample belongs to one cell; the protocol stays the same for a whole batch. It is kept as
`sample.json` in the folder of the record and may be given before the run or after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, ValidationError, model_validator
from typing_extensions import Self

from pressloop.errors import BadInputError
from pressloop.protocol import Conditions
from pressloop.protocol.model.fields import Name
from pressloop.yaml import YamlSource, read_yaml_bytes, read_yaml_file
from pressloop.yaml.model_file import read_model

SAMPLE_NAME: Final = "sample.json"

_HINT: Final = "docs/run-record.md lists the keys of a sample"

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Sample(Conditions):
    """The pellet of one cell. Uncertainties are limits (half widths).

    A condition that is given here applies to this cell, in place of that of the protocol.
    """

    name: Name | None = None
    """Name or number of the sample, as it is written on it."""
    lot: Name | None = None
    """Lot of the powder."""
    operator: Name | None = None
    """Who pressed it."""
    material: str = ""
    """A name, for the reader."""
    mass_mg: Positive | None = None
    """Mass of the powder in the die."""
    mass_uncertainty_mg: NotNegative = 1.0
    """Assumption: powder that sticks to boat and punch; the balance itself is better."""
    true_density_g_cm3: Positive | None = None
    """Density without pores: of the crystal, or by helium pycnometry."""
    true_density_uncertainty_percent: NotNegative = 1.0
    """Assumption: about the difference between published values."""
    thickness_mm: Positive | None = None
    """Measured by hand, after the release of the last stage that pressed this pellet alone."""
    thickness_uncertainty_mm: NotNegative = 0.01
    """Assumption: a micrometer on a pellet that is not quite flat."""
    empty_die_mm: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """Displacement read with the die empty and the punches touching; used without a thickness."""
    empty_die_uncertainty_mm: NotNegative = 0.02
    """Assumption: die and punches do not sit the same twice."""
    punches_um_mpa: NotNegative | None = None
    """Displacement of the empty die per MPa: the compression of the punches themselves."""
    until_stage: str | None = None
    """Last stage that presses this pellet alone; None: the last one before the first prompt."""

    @model_validator(mode="after")
    def _has_both_for_a_density(self) -> Self:
        if (self.mass_mg is None) != (self.true_density_g_cm3 is None):
            raise ValueError("a density needs both mass_mg and true_density_g_cm3")
        return self

    @property
    def solid_volume_mm3(self) -> float | None:
        """Volume without pores; None when mass or density is not given."""
        if self.mass_mg is None or self.true_density_g_cm3 is None:
            return None
        return self.mass_mg / self.true_density_g_cm3

    @property
    def solid_volume_relative_limits(self) -> tuple[float, float]:
        """Relative limits of mass and of density."""
        mass = self.mass_uncertainty_mg / self.mass_mg if self.mass_mg else 0.0
        return mass, self.true_density_uncertainty_percent / 100


def refuse_unknown_stage(sample: Sample | None, names: Sequence[str]) -> None:
    """Make sure that the stage a sample names is one of those that press.

    Raises:
        BadInputError: It is not, so the sample would be applied to other stages.
    """
    if sample is None or sample.until_stage is None or sample.until_stage in names:
        return
    raise BadInputError(
        f"until_stage of the sample: no pressing stage has the name '{sample.until_stage}'",
        hint=f"the stages are: {', '.join(dict.fromkeys(names))}",
        code="unknown-stage",
    )


def read_sample(folder: Path) -> Sample | None:
    """Return the sample that the folder of a record describes; None without a description.

    Raises:
        BadInputError: The description cannot be read.
    """
    path = folder / SAMPLE_NAME
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    try:
        return Sample.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BadInputError(
            f"{path}: {where}: {first['msg']}",
            hint=_HINT,
        ) from error


def keep_sample(folder: Path, sample: Sample | None) -> None:
    """Write the description of a sample into the folder of its record; None removes it."""
    path = folder / SAMPLE_NAME
    if sample is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(sample.model_dump_json(indent=2, exclude_defaults=True) + "\n", "utf-8")


def load_sample(path: Path | str) -> Sample:
    """Read the description of a sample that a user wrote, in YAML or JSON.

    Raises:
        BadInputError: It cannot be read, or has mistakes; `findings` lists each with its line.
    """
    return _sample_of(read_yaml_file(path, hint=f"give the path of a sample; {_HINT}"), str(path))


def sample_of_text(text: str, name: str) -> Sample:
    """Return the sample that the text of such a file describes.

    Args:
        text: Content of the file, YAML or JSON.
        name: What errors call the file.

    Raises:
        BadInputError: It has mistakes; `findings` lists each with its line.
    """
    return _sample_of(read_yaml_bytes(text.encode(errors="replace")), name)


def _sample_of(yaml: YamlSource, name: str) -> Sample:
    return read_model(yaml, Sample, "sample", name=name, hint=_HINT)
