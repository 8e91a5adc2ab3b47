"""A hint shows no number that was not written, and proposes only what is at this place and close.

What a hint shows is copied into a protocol and pressed. So whatever text stands in place of a
quantity or a key, and whatever the form of its number, the hint may repeat it but not change it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

import pressloop
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pressloop.emulator.description import PressDescription
from pressloop.emulator.description.reading import loads
from pressloop.errors import BadInputError
from pressloop.findings import Finding
from pressloop.machine.profile import MachineProfile
from pressloop.protocol import Protocol
from pressloop.protocol.loading.known_keys import ITEM_MODELS, SECTION_MODELS
from pressloop.protocol.model.stage import kind_of
from pressloop.sample import Sample
from pressloop.session.fault_texts import FAULT_TEXTS
from pressloop.session.refusals import REFUSAL_TEXTS
from pressloop.units import (
    DURATION,
    FORCE,
    FORCE_RATE,
    LENGTH,
    PER_SECOND,
    PER_SECOND_SQUARED,
    PERCENT,
    PRESSURE,
    PRESSURE_RATE,
    Dimension,
    UnitError,
    parse,
)
from pressloop.validation import validate_text
from pressloop.yaml import read_yaml
from pressloop.yaml.close_names import closest_name, unit_of
from pressloop.yaml.model_file import read_model
from pydantic import BaseModel

REFERENCE = MachineProfile.from_fields(PressDescription().nominal_profile())

DIMENSIONS = [
    PRESSURE,
    PRESSURE_RATE,
    FORCE,
    FORCE_RATE,
    DURATION,
    LENGTH,
    PERCENT,
    PER_SECOND,
    PER_SECOND_SQUARED,
]
UNITS = sorted({unit for dimension in DIMENSIONS for unit in dimension.units})
OTHER_UNITS = [
    *("", "mPa", "Mpa", "mbar", "atm", "ton", "tonf", "kg", "m", "cm", "in", "sec", "min."),
    *("minutes", "psig", "\N{MICRO SIGN}bar", "mm\N{SUPERSCRIPT TWO}", "\N{PER MILLE SIGN}"),
    *("MPa (die)", "x", "%%", "N/m", "T", "weeks"),
]

FULL_WIDTH = {ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)}
ARABIC = {ord(str(digit)): chr(0x660 + digit) for digit in range(10)}

whole = st.integers(0, 99_999).map(str)
digits = st.text("0123456789", min_size=1, max_size=4)
separators = st.sampled_from(list(".,'_ \u2019\u202f\u00a0:/-"))
signs = st.sampled_from(["-", "+", "\u2212", "~", ">", "<=", "\u00b1", "0", "00", "."])
powers = st.sampled_from(["e", "E", "e+", "e-", "x10^", "\u00b710", "*", "."])
odd_ends = st.sampled_from(["\u00b2", "\u2075", "\u00bd", "...", "\u2026", " to ", "\u00b1"])
points = st.sampled_from([".", ","])
numbers = st.one_of(
    whole,
    st.tuples(whole, separators, digits).map("".join),
    st.tuples(whole, points, digits, points, digits).map("".join),
    st.tuples(signs, whole).map("".join),
    st.tuples(whole, powers, digits).map("".join),
    st.tuples(whole, odd_ends, st.just("") | digits).map("".join),
    whole.map(lambda text: text.translate(FULL_WIDTH)),
    whole.map(lambda text: text.translate(ARABIC)),
    st.sampled_from(["0x1F", "0o17", "010", "1:30", "1:30:00", "2026-11-28", "nan", ".inf"]),
    st.sampled_from(["1e400", "true", "on", "off", "no", "~", "[1, 2]", "[10,5, 12]", "{a: 1}"]),
)
gaps = st.sampled_from(["", " ", "\u00a0", "\u2009"])
one_part = st.tuples(numbers, gaps, st.sampled_from(UNITS + OTHER_UNITS)).map("".join)
parts = st.lists(one_part, min_size=2, max_size=3).flatmap(
    lambda some: st.sampled_from(["", " ", ", ", " and "]).map(lambda glue: glue.join(some))
)
texts = one_part | parts

NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*(?:[eE][-+]?[0-9]+)?")


def invented(hint: str, text: str) -> list[str]:
    """Return the numbers of a hint that are not in the text; the digits of units are none."""
    rest = hint.replace(text.strip(), "")
    for unit in ("N/mm2", "kN/cm2", "kg/cm2", "t/cm2", "/s2", "1/s"):
        rest = rest.replace(unit, "")
    written = set(NUMBER.findall(text))
    return [number for number in NUMBER.findall(rest) if number not in written]


@settings(max_examples=200)
@given(st.lists(st.sampled_from(DIMENSIONS), min_size=1, max_size=3, unique=True), texts)
def test_the_hint_for_a_quantity_shows_no_other_number(
    dimensions: list[Dimension], text: str
) -> None:
    try:
        parse(text, *dimensions)
    except UnitError as error:
        assert error.hint
        assert invented(error.hint, text) == []
        assert_no_other_unit(error.hint, text, dimensions)


def assert_no_other_unit(hint: str, text: str, dimensions: list[Dimension]) -> None:
    """Check that a proposed unit has the size of the one that was written."""
    known = {unit: size for d in dimensions for unit, size in d.units.items()}
    for proposed in re.findall(r"did you mean '([^']+)'", hint):
        assert proposed in known
        assert proposed.lower() in text.lower()


TEMPLATE = """pressloop: 1
name: hints
die: {die}
ceiling: {ceiling}
host_timeout: {host_timeout}
vent_rate: {vent_rate}
record_every: {record_every}
crack_threshold: {crack_threshold}
stages:
  - repeat: {repeat}
    step: {step}
    stages:
      - name: a
        ramp:
          target: {target}
          rate: {rate}
        hold:
          until:
            relaxation: {relaxation}
            at_least: {at_least}
            at_most: {at_most}
          tolerance: {tolerance}
          timeout: {timeout}
          mode: sealed
        pid:
          kp: {kp}
          ki: {ki}
          kd: {kd}
"""
SOUND = {
    "die": "10 mm",
    "ceiling": "500 MPa",
    "host_timeout": "2 s",
    "vent_rate": "20 MPa/s",
    "record_every": "10 ms",
    "crack_threshold": "20 MPa",
    "repeat": "2",
    "step": "10 MPa",
    "target": "100 MPa",
    "rate": "5 MPa/s",
    "relaxation": "9 MPa/min",
    "at_least": "1 min",
    "at_most": "30 min",
    "tolerance": "30 MPa",
    "timeout": "60 s",
    "kp": "6 /s",
    "ki": "3 /s2",
    "kd": "1",
}


PRESS_CODES = ("tolerance-unresolved", "leak-leaves-band")
"""Their hints name other transducers and a leak, whose figures are no values of the protocol."""


def about(findings: list[Finding], key: str) -> list[Finding]:
    return [f for f in findings if key in re.split(r"[.\[]", f.path)]


def test_the_template_is_sound() -> None:
    findings = validate_text(TEMPLATE.format(**SOUND), "hints", REFERENCE).findings
    assert [f for f in findings if f.severity == "error"] == []


@pytest.mark.parametrize("key", sorted(SOUND))
def test_the_hint_for_a_missing_key_shows_no_quantity(key: str) -> None:
    text = re.sub(rf"\n[ -]*{key}: {{{key}}}", "", TEMPLATE)
    assert text != TEMPLATE
    for finding in validate_text(text.format(**SOUND), "hints", REFERENCE).findings:
        if finding.severity == "error":
            assert invented(finding.hint, "") == [], finding


FORMS = [
    *(
        "7",
        "0",
        "99999",
        "-7",
        "+7",
        "\u22127",
        "~7",
        "7.5",
        ".7",
        "7.",
        "007",
        "0x7",
        "0o7",
        "7e3",
    ),
    *("7,5", "7,500", "7.500,5", "7 500", "7'500", "7_500", "7:30", "7:30:00", "7-9", "7..9"),
    *("7 to 9", "7\u00b2", "\u00bd", "\uff17", "\u0667", "7x10^3", "7\u00b710\u00b3", "7\u00b12"),
    *("1e400", "1e-80", "nan", ".inf", "2026-11-28", "true", "off", "[7,5, 9]", "[7]", "{a: 7}"),
    *("7 h 30", "30 s 7 h", "7.5 h 30 s", "7 h, 30 s", "'7", "\u201c7\u201d", "x", "7" * 70),
]
UNITS_OF_KEYS = {
    "none": "",
    "pressure": "MPa",
    "rate": "MPa/s",
    "force": "kN",
    "force rate": "kN/min",
    "time": "min",
    "length": "mm",
    "other": "%",
    "unknown": "mPa",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("unit", UNITS_OF_KEYS.values(), ids=UNITS_OF_KEYS.keys())
def test_no_form_of_a_number_gets_a_hint_with_another_number(form: str, unit: str) -> None:
    text = f"{form} {unit}".strip()
    # All keys at once, and the die alone, without which much is not checked.
    for values in (dict.fromkeys(SOUND, text), dict.fromkeys(SOUND, text) | {"die": "10 mm"}):
        for finding in validate_text(TEMPLATE.format(**values), "hints", REFERENCE).findings:
            if finding.code not in PRESS_CODES:
                assert invented(finding.hint, text) == [], finding
    for dimension in DIMENSIONS:
        try:
            parse(text, dimension)
        except UnitError as error:
            assert invented(error.hint, text) == []


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(SOUND)), texts, st.booleans())
@example("crack_threshold", "158kN", False)
def test_the_hint_for_any_value_of_a_protocol_shows_no_other_number(
    key: str, text: str, quoted: bool
) -> None:
    value = f'"{text}"' if quoted else text
    validation = validate_text(TEMPLATE.format(**SOUND | {key: value}), "hints", REFERENCE)
    for finding in about(list(validation.findings), key):
        if finding.code not in PRESS_CODES:
            assert invented(finding.hint, text) == [], finding
        assert finding.line is not None


PRESS = """die_mm: {die_mm}
dies_mm: {dies_mm}
ram: {{area_cm2: {area_cm2}}}
limits: {{max_oil_bar: {max_oil_bar}}}
controller: {{filter_shift: {filter_shift}}}
displacement: {{resolution_um: {resolution_um}}}
"""
PRESS_SOUND = {
    "die_mm": "10",
    "dies_mm": "[10, 12]",
    "area_cm2": "14.5",
    "max_oil_bar": "350",
    "filter_shift": "1",
    "resolution_um": "1",
}


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(PRESS_SOUND)), numbers | texts, st.booleans())
def test_the_hint_for_any_number_of_a_press_file_shows_no_other_number(
    key: str, text: str, in_list: bool
) -> None:
    value = f"[{text}, 12]" if in_list and key == "dies_mm" else text
    try:
        loads(PRESS.format(**PRESS_SOUND | {key: value}))
    except BadInputError as error:
        for finding in error.findings:
            assert invented(finding.hint, text) == [], finding


@pytest.mark.parametrize("key", sorted(Sample.model_fields))
@pytest.mark.parametrize("text", ["1,5", "true", "1 mg", ".5", "1:30", "2026-11-28", "-1e9", "010"])
def test_the_hint_for_any_value_of_a_sample_shows_no_other_number(key: str, text: str) -> None:
    try:
        read_model(read_yaml(f"{key}: {text}\n"), Sample, "sample", name="it", hint="")
    except BadInputError as error:
        for finding in error.findings:
            assert invented(finding.hint, text) == [], finding


MODELS: dict[str, type[BaseModel]] = {"": Protocol, **SECTION_MODELS, **ITEM_MODELS}
ALL_MODELS: list[type[BaseModel]] = [*MODELS.values(), PressDescription, Sample]
NAMES = sorted({name for model in ALL_MODELS for name in model.model_fields})


@st.composite
def misspelt(draw: st.DrawFn) -> str:
    """Return a key with a slip or two, or any word."""
    name = draw(st.sampled_from(NAMES) | st.from_regex(r"\A[a-z][a-z_]{0,15}\Z"))
    for _ in range(draw(st.integers(0, 2))):
        at, cut = draw(st.integers(0, len(name))), draw(st.integers(0, 1))
        name = name[:at] + draw(st.sampled_from(["", *"aetm_-2"])) + name[at + cut :]
    return name or "x"


def assert_close(key: str, hint: str, model: type[BaseModel]) -> None:
    for proposed in re.findall(r"did you mean '?(\w+)'?", hint):
        assert proposed in model.model_fields
        folded = key.lower().replace("-", "_")
        assert (
            SequenceMatcher(None, folded, proposed).ratio() >= 0.75
            or proposed == f"{folded}_{unit_of(proposed)}"
        )
        assert unit_of(folded) in ("", unit_of(proposed))


IN_STAGE = {
    "stage": "    {key}: 1\n",
    "ramp": "    ramp:\n      {key}: 1\n",
    "hold": "    hold:\n      {key}: 1\n",
    "release": "    release:\n      {key}: 1\n",
    "pid": "    pid:\n      {key}: 1\n",
    "until": "    hold:\n      until:\n        {key}: 1\n",
}
HEAD = "pressloop: 1\nname: a\ndie: 10 mm\nceiling: 100 MPa\nstages:\n  - name: a\n"


@settings(max_examples=200, deadline=None)
@example("timeot", "stage")
@example("stpe", "stage")
@given(misspelt(), st.sampled_from(sorted(IN_STAGE)))
def test_a_proposed_key_of_a_stage_is_one_of_its_part_and_close(key: str, part: str) -> None:
    text = HEAD + IN_STAGE[part].format(key=key)
    for finding in validate_text(text, "keys", REFERENCE).findings:
        if finding.code == "unknown-key":
            model = MODELS[part]
            if part == "stage":
                # With a key that is almost `repeat` or `prompt` it is read as one of these.
                model = ITEM_MODELS[kind_of({"name": "a", key: 1})]
            assert_close(key, finding.hint, model)


KEYS_OF_PARTS = sorted({name for m in SECTION_MODELS.values() for name in m.model_fields})


@pytest.mark.parametrize("key", KEYS_OF_PARTS)
def test_a_key_that_stands_too_high_is_sent_to_every_part_that_has_it(key: str) -> None:
    findings = validate_text(f"{key}: 1\n" + HEAD, "keys", REFERENCE).findings
    (hint,) = [f.hint for f in findings if f.code == "unknown-key"]
    homes = re.findall("'(\\w+)'", hint.partition(";")[0])
    if "belongs inside" in hint:
        having = [name for name, m in SECTION_MODELS.items() if key in m.model_fields]
        assert homes == having
    else:
        assert_close(key, hint, Protocol)


@settings(max_examples=200, deadline=None)
@given(misspelt())
@example("--ame")
def test_a_proposed_key_of_the_whole_protocol_is_close(key: str) -> None:
    for finding in validate_text(f"{key}: 1\n" + HEAD, "keys", REFERENCE).findings:
        if finding.code == "unknown-key":
            assert_close(key, finding.hint, Protocol)


def sections(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Return the sections of a description by name; the whole has an empty name."""
    found: dict[str, type[BaseModel]] = {"": model}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found[name] = field.annotation
    return found


@settings(max_examples=300, deadline=None)
@given(misspelt(), st.sampled_from(sorted(sections(PressDescription))))
def test_a_proposed_key_of_a_press_file_is_one_of_its_section_and_close(
    key: str, section: str
) -> None:
    text = f"name: a\n{section}: {{{key}: 1}}\n" if section else f"name: a\nram: {{}}\n{key}: 1\n"
    try:
        loads(text)
    except BadInputError as error:
        for finding in error.findings:
            if finding.code == "unknown-key":
                assert_close(key, finding.hint, sections(PressDescription)[section])


@pytest.mark.parametrize(
    ("name", "names", "expected"),
    [
        ("volume", ["volume_ml"], "volume_ml"),
        ("flow_ml_min", ["flow_ml_s"], None),
        ("full_scale_mpa", ["full_scale_bar"], None),
        ("jack-20t", ["jack-10t", "jack-25t"], None),
        ("jack10t", ["jack-10t", "jack-25t"], "jack-10t"),
        ("Li3PS5", ["Li3PS4"], None),
        ("pressure", ["prompt", "release"], None),
        ("Hold-Timeout", ["hold_timeout"], "hold_timeout"),
        ("hodl", ["hold"], "hold"),
        ("x", [], None),
    ],
)
def test_only_a_close_name_of_the_same_unit_and_number_is_proposed(
    name: str, names: list[str], expected: str | None
) -> None:
    assert closest_name(name, names) == expected


NUMBER_WITH_UNIT = re.compile(
    r"[0-9] ?(mm|um|[kMG]?Pa|bar|k?N|t|%|/s2?)\b|'[0-9.]+ ?(ms|s|min|h|d)'"
)
"""A pressure, a force, a length or a share; a time only in quotes, as 'within 30 s' is no value."""

REPORTS = ("error", "warn", "form_error", "_add", "_add_at", "finding", "UnreadableError")


def hints_in(source: ast.AST) -> Iterator[str]:
    """Yield the fixed texts of all hints of a module, and of what errors of the board mean."""
    for node in ast.walk(source):
        if not isinstance(node, ast.Call):
            continue
        hints = [keyword.value for keyword in node.keywords if keyword.arg == "hint"]
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = node.func.id if isinstance(node.func, ast.Name) else name
        if name in REPORTS and len(node.args) > 2:
            hints.append(node.args[-1])
        for hint in hints:
            for part in ast.walk(hint):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def test_no_hint_of_the_package_has_a_quantity_of_its_own() -> None:
    package = Path(pressloop.__file__).parent
    found = [
        f"{path.relative_to(package)}: {hint}"
        for path in sorted(package.rglob("*.py"))
        for hint in hints_in(ast.parse(path.read_text(encoding="utf-8")))
        if NUMBER_WITH_UNIT.search(hint)
    ]
    found += [hint for _, hint in REFUSAL_TEXTS.values() if NUMBER_WITH_UNIT.search(hint)]
    found += [str(texts) for texts in FAULT_TEXTS.values() if NUMBER_WITH_UNIT.search(str(texts))]
    assert found == []
