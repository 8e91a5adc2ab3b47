"""Forces stand wherever a pressure may, and become the pressure on the protocol's die."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pressloop.emulator.description import PressDescription
from pressloop.errors import BadInputError
from pressloop.machine.profile import MachineProfile
from pressloop.plan import compile_plan, finding_of_refusal
from pressloop.protocol import Hold, Protocol, Ramp, Stage
from pressloop.protocol.loading import load_protocol
from pressloop.session.refusals import explain_refusal
from pressloop.units import (
    FORCE,
    UnitError,
    force_text,
    parse,
    parse_pressure,
    parse_pressure_rate,
    pressure_text,
)
from pressloop.validation import validate_text
from pressloop.wire.schema import ErrorCode, ErrorReply

REFERENCE = MachineProfile.from_fields(PressDescription().nominal_profile())

TEXT = """pressloop: 1
name: forces
die: 10 mm
ceiling: {ceiling}
vent_rate: {rate}
crack_threshold: {step}
stages:
  - repeat: 2
    step: {step}
    stages:
      - name: press
        ramp: {{target: {target}, rate: {rate}}}
        hold: {{until: {{relaxation: {loss}, at_most: 1 h}}, tolerance: {step}, mode: sealed}}
        release: {{target: {step}, rate: {rate}}}
"""
IN_FORCES = {
    "ceiling": "4 t",
    "rate": "0.5 kN/s",
    "step": "200 kgf",
    "target": "10 kN",
    "loss": "1 kN/min",
}


def of_newton(newton: float, die_mm: float = 10) -> float:
    """Return the pressure of a force on a die, kPa."""
    return 1000 * newton / (math.pi / 4 * die_mm**2)


@pytest.mark.parametrize(
    ("text", "newton"),
    [
        ("39.3 kN", 39_300),
        ("500 N", 500),
        ("10 t", 98_066.5),
        ("10 tf", 98_066.5),
        ("1 kgf", 9.80665),
        ("2240 lbf", 9964.016418),
        ("1 lton", 9964.016418),
        ("1 ston", 8896.443231),
    ],
)
def test_a_force_is_a_pressure_on_the_die(text: str, newton: float) -> None:
    assert float(parse(text, FORCE).value) == pytest.approx(newton, rel=1e-9)
    assert float(parse_pressure(text, 10_000).value) == pytest.approx(of_newton(newton), rel=1e-6)
    assert float(parse_pressure_rate(f"{text}/min", 13_000).value) == pytest.approx(
        of_newton(newton, 13) / 60, rel=1e-6
    )


@pytest.mark.parametrize(
    ("text", "kpa"),
    [
        ("8 t/cm2", 784_532),
        ("8 t/cm\N{SUPERSCRIPT TWO}", 784_532),
        ("8 tf/cm^2", 784_532),
        ("80 kN/cm2", 800_000),
        ("0.5 kN/mm2", 500_000),
        ("500 N/mm\N{SUPERSCRIPT TWO}", 500_000),
        ("5000 kgf/cm2", Fraction("490332.5")),
    ],
)
def test_a_force_per_area_is_a_pressure_without_a_die(text: str, kpa: Fraction) -> None:
    assert parse_pressure(text, None).value == kpa


def test_a_force_alone_has_no_pressure() -> None:
    with pytest.raises(UnitError) as error:
        parse_pressure("10 kN", None)
    assert error.value.code == "force-without-die"
    assert parse_pressure("10 MPa", None).value == 10_000


def test_every_pressure_of_a_protocol_may_be_a_force() -> None:
    plan = compile_plan(load_protocol(TEXT.format(**IN_FORCES)), REFERENCE)
    assert plan.begin.ceiling_kpa == math.floor(of_newton(4 * 9806.65))
    assert plan.begin.vent_rate_kpa_s == round(of_newton(500))
    assert plan.begin.crack_kpa == round(of_newton(200 * 9.80665))
    ramp, hold, release, second = plan.steps[:4]
    step = round(of_newton(200 * 9.80665))
    assert ramp.target_kpa == hold.target_kpa == round(of_newton(10_000))
    assert second.target_kpa == round(of_newton(10_000)) + step
    assert ramp.rate_kpa_s == release.rate_kpa_s == round(of_newton(500))
    assert hold.tolerance_kpa == math.ceil(of_newton(200 * 9.80665))
    assert hold.relaxation_kpa_min == math.floor(of_newton(1000))
    assert release.target_kpa == step


def test_a_protocol_keeps_the_forces_as_they_were_written() -> None:
    protocol = load_protocol(TEXT.format(**IN_FORCES))
    assert "ceiling: 4 t\n" in protocol.to_yaml()
    assert load_protocol(protocol.to_yaml()) == protocol


@given(st.sampled_from(sorted(IN_FORCES)), st.integers(5000, 20_000), st.integers(1, 20_000))
def test_a_force_gives_the_same_plan_as_its_pressure(key: str, die_um: int, newton: int) -> None:
    """The pressure is that of the board's own area; it is rounded as any pressure is."""
    area_mm2 = Fraction(die_um * die_um * 355, 452 * 10**6)
    kpa = 1000 * newton / area_mm2
    per = {"rate": "/s", "loss": "/min"}.get(key, "")
    assert parse(f"{newton} N", FORCE).value == newton
    read = parse_pressure_rate if per else parse_pressure
    expected = kpa / 60 if per == "/min" else kpa
    assert read(f"{newton} N{per}", die_um).value == expected


@pytest.mark.parametrize("die", ["", "die: 10\n", "die:\n", "die: 10 t\n"])
def test_without_a_die_one_finding_says_what_the_forces_need(die: str) -> None:
    text = TEXT.format(**IN_FORCES).replace("die: 10 mm\n", die)
    findings = validate_text(text, "test", REFERENCE).findings
    about_forces = [f for f in findings if f.code == "force-without-die"]
    assert [(f.path, f.line) for f in about_forces] == [("ceiling", 4 if die else 3)]
    assert "'4 t'" in about_forces[0].message and "as are 9 more" in about_forces[0].message
    assert "'die'" in about_forces[0].hint
    assert [f.path for f in findings if f.code != "force-without-die"] == ["die"]


def test_a_protocol_without_forces_needs_no_word_about_them() -> None:
    text = TEXT.format(
        ceiling="500 MPa", rate="5 MPa/s", step="20 MPa", target="100 MPa", loss="9 MPa/min"
    )
    findings = validate_text(text.replace("die: 10 mm\n", ""), "test", REFERENCE).findings
    assert [f.code for f in findings] == ["missing-key"]


@pytest.mark.parametrize(
    ("key", "force", "path", "words"),
    [
        ("rate", "0.01 N/s", "vent_rate", "too small"),
        ("loss", "0.00001 N/min", "stages[0].stages[0].hold.until.relaxation", "too small"),
        ("loss", "900 kN/min", "stages[0].stages[0].hold.until.relaxation", "too large"),
        ("step", "90 kN", "stages[0].stages[0].hold.tolerance", "too large"),
        ("target", "-1 kN", "stages[0].stages[0].ramp.target", "negative"),
        ("step", "0 N", "crack_threshold", "too small"),
    ],
)
def test_a_force_out_of_range_is_found_with_its_place(
    key: str, force: str, path: str, words: str
) -> None:
    validation = validate_text(TEXT.format(**IN_FORCES | {key: force}), "test", REFERENCE)
    found = {f.path: f for f in validation.findings if f.severity == "error"}
    assert path in found
    assert force in found[path].message and words in found[path].message
    assert found[path].line is not None


def test_a_force_out_of_range_is_a_mistake_in_the_arguments_too() -> None:
    stage = Stage(
        name="a",
        ramp=Ramp(target="5 kN", rate="0.01 N/s"),
        hold=Hold(duration="1 h 30 min", tolerance="90 kN"),
    )
    with pytest.raises(BadInputError) as error:
        Protocol(name="a", die="10 mm", ceiling="10 kN", stages=[stage])
    assert [f.path for f in error.value.findings] == [
        "stages[0].ramp.rate",
        "stages[0].hold.tolerance",
    ]


def test_findings_name_pressure_and_force() -> None:
    text = TEXT.format(**IN_FORCES | {"target": "5 t"})
    messages = {f.code: f.message for f in validate_text(text, "test", REFERENCE).findings}
    assert "624.311 MPa (49.0 kN on 10 mm) in pass 1 of 2" in messages["over-ceiling"]
    assert "ceiling of 499.448 MPa (39.2 kN on 10 mm)" in messages["over-ceiling"]
    text = TEXT.format(**IN_FORCES | {"ceiling": "10 t"})
    messages = {f.code: f.message for f in validate_text(text, "test", REFERENCE).findings}
    assert "1248.621 MPa (98.1 kN on 10 mm)" in messages["over-limit"]
    assert "646.166 MPa (50.7 kN on 10 mm)" in messages["over-limit"]


@pytest.mark.parametrize(
    ("kpa", "die_um", "text"),
    [
        (500_000, 10_000, "500 MPa (39.3 kN on 10 mm)"),
        (500_000, 13_000, "500 MPa (66.4 kN on 13 mm)"),
        (2_000_000, 32_000, "2000 MPa (1608 kN on 32 mm)"),
        (1, 10_000, "0.001 MPa (0.0785 N on 10 mm)"),
        (74_000, 5000, "74 MPa (1.45 kN on 5 mm)"),
        (0, 10_000, "0 MPa"),
        (500_000, None, "500 MPa"),
    ],
)
def test_a_pressure_is_shown_with_its_force(kpa: int, die_um: int | None, text: str) -> None:
    assert pressure_text(kpa, die_um) == text


@given(st.integers(1, 2_000_000), st.integers(1000, 100_000))
def test_a_shown_force_is_within_half_a_percent(kpa: int, die_um: int) -> None:
    shown = float(parse(force_text(kpa, die_um), FORCE).value)
    assert shown == pytest.approx(kpa / 1000 * math.pi / 4 * (die_um / 1000) ** 2, rel=0.005)


@pytest.mark.parametrize("code", ["over-limit", "over-ceiling", "hold-elsewhere"])
def test_a_refusal_of_the_board_names_pressure_and_force(code: str) -> None:
    reply = ErrorReply(ErrorCode[code.upper().replace("-", "_")], detail=500_000)
    refusal = explain_refusal("plan-begin", reply, None)
    assert "500 MPa" in refusal.message
    plan = compile_plan(load_protocol(TEXT.format(**IN_FORCES)), REFERENCE)
    finding = finding_of_refusal(plan, refusal)
    assert "500 MPa (39.3 kN on 10 mm)" in finding.message


def test_a_refusal_of_the_channels_or_the_die_speaks_in_the_units_of_people() -> None:
    apart = explain_refusal("start", ErrorReply(ErrorCode.SENSORS_DISAGREE, detail=12_300), None)
    assert "12.3 MPa" in apart.message
    die = explain_refusal("start", ErrorReply(ErrorCode.DIE_UNCONFIRMED, detail=10_000), None)
    assert "10 mm wide" in die.message


def test_a_part_alone_gives_its_pressures_and_needs_a_die_for_its_forces() -> None:
    assert Ramp(target="100 MPa", rate="5 MPa/s").target_kpa() == 100_000
    assert Hold(duration="open", tolerance="1 %").tolerance_kpa(100_000) == 1000
    ramp = Ramp(target="10 kN", rate="1 kN/s")
    assert ramp.target_kpa(10_000) == round(of_newton(10_000))
    for read in (ramp.target_kpa, ramp.rate_kpa_s):
        with pytest.raises(BadInputError) as error:
            read()
        assert error.value.code == "force-without-die"
