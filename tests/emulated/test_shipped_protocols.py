"""Shipped protocols are pressed on presses that can; presses that cannot refuse them in a sentence.

The holds are shortened: pressures, forces, rates and bands are those of the shipped files.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pressloop import Press
from pressloop.emulator import description
from pressloop.emulator.description import PressDescription
from pressloop.evaluation import RunSummary
from pressloop.protocol.goals import find_goal
from pressloop.validation import validate_text
from pressloop.yaml.write import yaml_text

PRESSES = Path(__file__).resolve().parents[2] / "examples" / "presses"
PELLET = PRESSES / "pellet-25t.yaml"
VESSEL = PRESSES / "isostatic.yaml"
SULFIDE = PressDescription.model_validate({"powder": {"preset": "sulfide"}})

_DWELL = re.compile(r"(?<=duration: )\d+ (?:s|min)")


def shortened(name: str) -> str:
    text, count = _DWELL.subn("4 s", find_goal(name).text)
    assert count
    return text


def pressed(name: str, press: PressDescription, out: Path) -> RunSummary:
    file = out.with_suffix(".yaml")
    file.write_text(shortened(name))
    with Press.open("emulated", press=press, seed=3) as machine:
        return machine.run(file, out=out, on_prompt=lambda _prompt: True).check().summary


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "press", "highest_mpa", "highest_kn"),
    [
        ("xrf-32mm", description.load(PELLET), 243.9, 196.1),
        ("kbr-13mm", description.load(PELLET), 591.0, 78.5),
        ("sulfide", SULFIDE, 375.0, 29.5),
        ("isostatic-200", description.load(VESSEL), 200.0, 565.5),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_shipped_protocol_is_pressed_in_truth(
    name: str, press: PressDescription, highest_mpa: float, highest_kn: float, tmp_path: Path
) -> None:
    summary = pressed(name, press, tmp_path / name)
    assert summary.truth is not None
    held = [stage for stage in summary.truth if stage.tolerance_mpa is not None]
    assert [stage.verdict for stage in held] == ["pass"] * len(held)
    for stage in held:
        assert abs((stage.mean_mpa or 0) - stage.target_mpa) < (stage.tolerance_mpa or 0)
    top = max(held, key=lambda stage: stage.target_mpa)
    assert top.mean_mpa == pytest.approx(highest_mpa, rel=0.003)
    assert top.force_kn == pytest.approx(highest_kn, rel=0.003)
    assert summary.damage == ()
    if name == "sulfide":
        assert [round(stage.target_mpa) for stage in held] == [375, 375, 125]


def test_the_lid_of_the_vessel_is_watched_until_the_end(tmp_path: Path) -> None:
    text = (
        shortened("isostatic-200")
        .replace("200 MPa,", "20 MPa,")
        .replace("206", "21")
        .replace("0.5 %", "2 %")
    )
    text = text.replace("target: 20 MPa, rate: 2 MPa/s", "target: 10 MPa, rate: 2 MPa/s")
    file = tmp_path / "short.yaml"
    file.write_text(text)
    with Press.open("emulated", press=VESSEL, seed=3) as machine:
        result = machine.run(file, out=tmp_path / "run").check()
        assert machine.board is not None
        assert machine.board.control({"get": True})["oil_mpa"] < 0.1
    frame = result.frame()
    assert frame.vessel_pressure.any()
    assert not frame.vessel_pressure.iloc[-1]
    assert frame.true_pressure_mpa.max() == frame.true_oil_mpa.max()


def press_with(base: Path | None, **changes: Any) -> PressDescription:
    described = PressDescription() if base is None else description.load(base)
    return described.model_copy(update=changes)


@pytest.mark.parametrize(
    ("name", "press", "sentence"),
    [
        (
            "xrf-32mm",
            press_with(PELLET, limits={"max_oil_bar": 500}),
            "the ceiling of 251.187 MPa (202 kN on 32 mm) is above the limit of this press with a "
            "32 mm die, 206.396 MPa (166 kN on 32 mm)",
        ),
        (
            "kbr-13mm",
            press_with(PELLET, die_loads_kn=(60, 0, 0)),
            "the ceiling of 613.228 MPa (81.4 kN on 13 mm) is above the greatest load of the "
            "13 mm die, 60 kN (452 MPa)",
        ),
        (
            "sulfide",
            press_with(None, limits={"max_oil_bar": 150}),
            "the ceiling of 385 MPa (30.2 kN on 10 mm) is above the limit of this press with a "
            "10 mm die, 276.928 MPa (21.7 kN on 10 mm)",
        ),
        (
            "isostatic-200",
            press_with(VESSEL, limits={"max_oil_bar": 1500}),
            "the ceiling of 206 MPa (582 kN on the lid) is above the limit of this press in the "
            "vessel, 150 MPa (424 kN on the lid)",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_a_press_that_cannot_refuses_with_pressure_force_and_limit(
    name: str, press: PressDescription, sentence: str
) -> None:
    result = validate_text(find_goal(name).text, name, press.machine_profile())
    assert [finding.message for finding in result.errors if finding.code == "over-limit"] == [
        sentence
    ]
    assert result.protocol is None


@pytest.mark.parametrize(
    ("name", "press", "code", "sentence"),
    [
        (
            "isostatic-200",
            PressDescription(),
            "no-vessel-here",
            "the protocol is for an isostatic vessel, and 'reference press' has a ram",
        ),
        (
            "sulfide",
            description.load(VESSEL),
            "no-die-here",
            "'isostatic vessel' is an isostatic vessel, which has no die, and the protocol is for "
            "a die of 10 mm",
        ),
    ],
)
def test_vessel_and_die_are_not_mixed_up(
    name: str, press: PressDescription, code: str, sentence: str
) -> None:
    result = validate_text(find_goal(name).text, name, press.machine_profile())
    assert sentence in [f.message for f in result.errors if f.code == code]


def test_validation_says_that_nothing_watches_the_lid() -> None:
    bare = press_with(VESSEL, vessel={"bore_mm": 60})
    text = find_goal("isostatic-200").text
    (finding,) = validate_text(text, "iso", bare.machine_profile()).findings
    assert (finding.severity, finding.code) == ("warning", "lid-unwatched")
    assert "transducer may be off by +-0.25 MPa" in finding.message
    assert validate_text(text, "iso", description.load(VESSEL).machine_profile()).findings == ()


@pytest.mark.parametrize(
    ("change", "severity", "says"),
    [
        (("0.2 MPa/s", "3 MPa/s"), "error", "at 3 MPa/s, is faster than a part before it"),
        (
            ("release: {target: 20 MPa, rate: 2 MPa/s}", "release: {target: 0 MPa, rate: 2 MPa/s}"),
            "warning",
            "as fast at its end as at its begin, 2 MPa/s",
        ),
    ],
)
def test_the_end_of_the_release_is_the_slowest(
    change: tuple[str, str], severity: str, says: str
) -> None:
    text = find_goal("isostatic-200").text.replace(*change)
    if severity == "warning":
        text = text[: text.index("  - name: slower")]
    profile = description.load(VESSEL).machine_profile()
    (finding,) = [
        each
        for each in validate_text(text, "iso", profile).findings
        if each.code == "release-not-slowest"
    ]
    assert finding.severity == severity
    assert says in finding.message


def test_forces_mean_nothing_in_a_vessel() -> None:
    text = find_goal("isostatic-200").text.replace("206 MPa", "20 t")
    findings = validate_text(text, "iso", description.load(VESSEL).machine_profile()).findings
    assert ("force-without-die", "ceiling") in [(f.code, f.path) for f in findings]


def test_a_vessel_has_neither_ram_nor_dies_in_its_file() -> None:
    data = {"vessel": {"bore_mm": 60}, "limits": {"max_oil_bar": 300}}
    profile = description.loads(yaml_text(data)).machine_profile()
    assert profile.is_vessel
    assert profile.lever(60) == 1
    assert profile.limits(60_000).pellet_limit_kpa == 30_000
    for more in ({"ram": {"area_cm2": 10}}, {"dies_mm": [10]}, {"load_cell": {"capacity_kn": 5}}):
        with pytest.raises(ValueError, match="an isostatic vessel has no"):
            PressDescription.model_validate(data | more)
