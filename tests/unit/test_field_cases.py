"""Inputs that went wrong in a lab, and others of their kinds: each is named for what it is.

The first part are the inputs as they came; the second are more of the same kinds.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from pressloop import PressloopError, Ramp, Repeat, Stage
from pressloop.emulator.description import PressDescription
from pressloop.emulator.description.reading import loads
from pressloop.errors import BadInputError
from pressloop.findings import Finding
from pressloop.machine.profile import MachineProfile
from pressloop.sample import load_sample
from pressloop.validation import LoadedProtocol, Validation, validate_loaded

REFERENCE = MachineProfile.from_fields(PressDescription().nominal_profile())

TEXT = """pressloop: 1
name: A
die: 10 mm
ceiling: 120 MPa
stages:
  - name: bond
    ramp: {target: 100 MPa, rate: 20 MPa/s}
    hold: {duration: 2 s, tolerance: 1 %}
"""
PROMPT = """pressloop: 1
name: A
die: 10 mm
ceiling: 120 MPa
stages:
  - prompt: Close the guard
  - name: bond
    ramp: {target: 100 MPa, rate: 20 MPa/s}
"""


def validate(data: bytes | str) -> Validation:
    data = data if isinstance(data, bytes) else data.encode()
    return validate_loaded(LoadedProtocol.of_bytes(data, "case"), REFERENCE)


def changed(old: str, new: str, text: str = TEXT) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


def only(data: bytes | str) -> Finding:
    findings = validate(data).findings
    assert len(findings) == 1, findings
    assert findings[0].hint
    return findings[0]


def place(finding: Finding) -> tuple[str, str, int | None, int | None]:
    return finding.code, finding.path, finding.line, finding.column


def test_a_decimal_comma_in_braces_is_one_finding_that_names_the_comma() -> None:
    finding = only(changed("100 MPa", "74,5 MPa"))
    assert place(finding) == ("not-a-quantity", "stages[0].ramp.target", 7, 20)
    assert "'74,5 MPa'" in finding.message and "comma" in finding.hint
    assert not re.search("[0-9]", finding.hint)


def test_a_zero_width_space_is_named_with_its_place() -> None:
    finding = only(changed("100 MPa", "100 MPa\u200b"))
    assert place(finding) == ("invisible-character", "stages[0].ramp.target", 7, 27)
    assert "U+200B (zero width space)" in finding.message


def test_an_over_long_name_is_that_and_says_its_limit_and_field() -> None:
    finding = only(changed("name: A", "name: " + "x" * 120))
    assert place(finding) == ("bad-text", "name", 2, 7)
    assert finding.message == "'name' has 120 characters, the limit is 80"


def test_text_that_yaml_cuts_at_a_number_sign_is_a_warning_with_the_lost_text() -> None:
    text = changed("Close the guard", "Take out cell #3, insert cell #4, close the guard", PROMPT)
    validation = validate(text)
    (finding,) = validation.findings
    assert validation.protocol is not None and finding.severity == "warning"
    assert place(finding) == ("text-cut", "stages[0].prompt", 6, 13)
    assert "'#3, insert cell #4, close the guard'" in finding.message
    assert "quotes" in finding.hint


def test_a_tab_before_a_comment_is_accepted() -> None:
    text = changed("ceiling: 120 MPa", "ceiling: 120 MPa\t# die limit")
    assert validate(text).findings == ()


def test_integers_of_numpy_are_integers() -> None:
    stage = Stage(name="a", ramp=Ramp(target="10 MPa", rate="5 MPa/s"))
    for kind in (np.int8, np.uint16, np.int32, np.int64, np.uint64):
        assert Repeat(repeat=cast(int, kind(2)), stages=[stage]).repeat == 2
    assert type(Repeat(repeat=cast(int, np.int64(2)), stages=[stage]).repeat) is int


def test_every_mistake_in_an_argument_is_a_pressloop_error() -> None:
    with pytest.raises(PressloopError) as error:
        Ramp(target=100, rate="20 MPa/s")  # type: ignore[arg-type]
    assert error.value.code == "missing-unit"
    assert "pydantic" not in str(error.value)


SPACES = [" ", "\u00a0", "\u2009", "\u202f", "\u3000", "\t"]


@pytest.mark.parametrize("space", SPACES, ids=lambda space: f"U+{ord(space):04X}")
def test_a_space_of_any_kind_stands_between_number_and_unit(space: str) -> None:
    assert validate(changed("120 MPa", f"120{space}MPa")).findings == ()


HIDDEN = (
    "\u00ad\u034f\u061c\u115f\u180e\u200c\u200d\u200e\u2028\u202a\u2060\u2800\u3164\ufe0f\ufeff"
)


@pytest.mark.parametrize("hidden", HIDDEN, ids=lambda hidden: f"U+{ord(hidden):04X}")
def test_a_character_that_shows_nothing_is_named(hidden: str) -> None:
    finding = only(changed("100 MPa", f"100{hidden} MPa"))
    assert place(finding) == ("invisible-character", "stages[0].ramp.target", 7, 23)
    assert f"U+{ord(hidden):04X}" in finding.message
    finding = validate(changed("ceiling:", f"ceil{hidden}ing:")).findings[0]
    assert (finding.code, finding.line, finding.column) == ("invisible-character", 4, 5)


def test_the_form_of_a_symbol_in_a_text_is_no_hidden_character() -> None:
    assert validate(changed("Close", "\u26a0\ufe0f 1\ufe0f\u20e3 Close", PROMPT)).findings == ()


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("120 MPa", "120 \u041cPa", "unknown-unit", "'\u041c' is U+041C (cyrillic capital"),
        ("120 MPa", "120 M\u0420a", "unknown-unit", "U+0420 (cyrillic capital letter er)"),
        ("ceiling", "c\u0435iling", "unknown-key", "'\u0435' is U+0435 (cyrillic small"),
        ("rate", "r\u0430te", "unknown-key", "U+0430 (cyrillic small letter a)"),
    ],
)
def test_a_letter_of_another_alphabet_is_named(old: str, new: str, code: str, message: str) -> None:
    findings = validate(changed(old, new)).findings
    assert [f.code for f in findings if message in f.message] == [code]


@pytest.mark.parametrize(
    ("old", "new", "path", "column"),
    [
        ("100 MPa", "1,000 kPa", "stages[0].ramp.target", 20),
        ("100 MPa", "100,000,000 Pa", "stages[0].ramp.target", 20),
        ("100 MPa", "74,5", "stages[0].ramp.target", 20),
        ("100 MPa", "74, 5 MPa", "stages[0].ramp.target", 20),
        ("20 MPa/s}", "2,5 MPa/s}", "stages[0].ramp.rate", 35),
        ("2 s", "1,5 min", "stages[0].hold.duration", 22),
        ("1 %", "0,5 %", "stages[0].hold.tolerance", 38),
        ("120 MPa", "1.200,5 bar", "ceiling", 10),
        ("10 mm", "'10,5 mm'", "die", 6),
        ("10 mm", "[10,5 mm]", "die", 7),
    ],
)
def test_a_comma_in_a_number_is_named_wherever_it_stands(
    old: str, new: str, path: str, column: int
) -> None:
    finding = only(changed(old, new))
    assert (finding.path, finding.column) == (path, column)
    assert "comma" in finding.message + finding.hint
    assert not re.search("[0-9]", finding.hint)


@pytest.mark.parametrize(
    ("text", "path", "lost"),
    [
        (changed("name: bond", "name: press #1"), "stages[0].name", "#1"),
        (changed("name: A", "name: batch  #7b of 9"), "name", "#7b of 9"),
        (
            changed("Close the guard", "Insert cell\n      #12 now", PROMPT),
            "stages[0].prompt",
            "#12 now",
        ),
        (
            changed(
                "hold: {duration: 2 s,",
                "hold: {until: {at_most: 1 h,\n      operator: Wait for #2\n      },",
            ),
            "stages[0].hold.until.operator",
            "#2",
        ),
    ],
)
def test_text_that_is_cut_is_named_in_every_place(text: str, path: str, lost: str) -> None:
    finding = only(text)
    assert (finding.severity, finding.code, finding.path) == ("warning", "text-cut", path)
    assert f"'{lost}'" in finding.message


@pytest.mark.parametrize(
    "text",
    [
        changed("Close the guard", "Insert cell # twelve", PROMPT),
        changed("Close the guard", "'Insert cell #12'", PROMPT),
        changed("Close the guard", "Insert cell#12", PROMPT),
        changed("    hold:", "    #hold: {}\n    hold:"),
        changed("ceiling: 120 MPa", "ceiling: 120 MPa\n#max of the die"),
    ],
)
def test_a_comment_and_a_quoted_text_give_no_warning(text: str) -> None:
    assert validate(text).findings == ()


@pytest.mark.parametrize(
    ("old", "new", "line", "hint"),
    [
        ("Close the guard", "Insert\n      cell #12 now\n      and close", 8, "number sign"),
        ("- prompt: Close the guard", "- {prompt: Insert cell #12}", 7, "number sign"),
        ("Close the guard", "- close the guard", 6, "begins with a dash"),
        ("Close the guard", "Note: close the guard", 6, "colon"),
        ("Close the guard", "%5 of power", 6, "percent sign"),
        ("Close the guard", "@home", 6, "special character"),
        ("  - name", "\t- name", 7, "not with tabs"),
        ("pressloop: 1", "```yaml\npressloop: 1", 1, "backticks"),
    ],
)
def test_what_breaks_yaml_has_a_hint_for_its_cause(
    old: str, new: str, line: int, hint: str
) -> None:
    finding = only(changed(old, new, PROMPT))
    assert (finding.code, finding.line) == ("malformed-yaml", line)
    assert hint in finding.hint


def test_other_spaces_that_indent_are_named() -> None:
    finding = only(changed("    ramp", "\u00a0" * 4 + "ramp"))
    assert (finding.code, finding.line) == ("malformed-yaml", 8)
    assert "plain spaces" in finding.hint
    findings = validate(changed("    ramp", "\u00a0" * 4 + "ramp", PROMPT)).findings
    (finding,) = (f for f in findings if f.code == "invisible-character")
    assert (finding.line, finding.column) == (8, 1)
    assert "U+00A0 (no-break space)" in finding.message and "plain spaces" in finding.hint


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (changed("bond", "y" * 90), "stages[0].name", "'name' has 90 characters, the limit is 80"),
        (
            changed("Close the guard", "x" * 121, PROMPT),
            "stages[0].prompt",
            "'prompt' has 121 bytes, the board takes 120",
        ),
        (
            changed("duration: 2 s", "until: {operator: " + "\u00e9" * 61 + ", at_most: 1 h}"),
            "stages[0].hold.until.operator",
            "'operator' has 122 bytes, the board takes 120",
        ),
    ],
)
def test_an_over_long_text_is_one_finding_with_field_and_limit(
    text: str, path: str, message: str
) -> None:
    finding = only(text)
    assert (finding.code, finding.path, finding.message) == ("bad-text", path, message)


def test_a_text_at_its_limit_is_accepted() -> None:
    assert validate(changed("bond", "\u00fc" * 80)).findings == ()
    assert validate(changed("Close the guard", "\u00fc" * 60, PROMPT)).findings == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("die: 10 mm", "die:\t10 mm"),
        ("die: 10 mm", "die: 10 mm\t"),
        ("100 MPa,", "100 MPa,\t"),
        ("- name", "-\tname"),
        ("stages:", "\t\nstages:"),
        ("stages:", "\t# x\nstages:"),
    ],
)
def test_a_tab_that_does_not_indent_is_accepted(old: str, new: str) -> None:
    assert validate(changed(old, new)).findings == ()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (TEXT.encode("utf-16"), "UTF-16"),
        (TEXT.encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (TEXT.encode("utf-16-be"), "UTF-16 without a byte order mark"),
        (TEXT.encode("utf-32"), "UTF-32"),
        (TEXT.replace("A", "\u00b5").encode("cp1252"), "0xb5 is not UTF-8"),
        (b"PK\x03\x04\x14\0\0\0", "Word"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"%PDF-1.7\n", "PDF"),
        (b"{\\rtf1 " + TEXT.encode() + b"}", "rich-text"),
    ],
)
def test_a_file_that_is_no_utf8_text_is_named(data: bytes, message: str) -> None:
    finding = only(data)
    assert (finding.code, finding.path) == ("not-utf8", ".")
    assert message in finding.message and "save" in finding.hint


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode("utf-8-sig"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        TEXT.replace("\n", "\r\n").encode("utf-8-sig"),
        TEXT.rstrip().encode(),
    ],
)
def test_marks_and_line_ends_of_editors_are_accepted(data: bytes) -> None:
    assert validate(data).findings == ()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b"])
def test_a_control_character_is_named_with_its_place(character: str, end: str) -> None:
    finding = only(changed("bond", f"bo{character}nd").replace("\n", end))
    assert place(finding) == ("malformed-yaml", ".", 6, 13)
    assert f"U+{ord(character):04X}" in finding.message


@pytest.mark.parametrize(
    ("old", "new", "code", "path", "hint"),
    [
        ("10 mm", "true", "wrong-type", "die", "a number and its unit"),
        ("10 mm", "2026-11-28", "not-a-quantity", "die", "a date"),
        ("10 mm", "0o12", "ambiguous-value", "die", "plain decimal digits"),
        ("10 mm", "010", "ambiguous-value", "die", "leading zeros"),
        ("10 mm", "[10, 12]", "wrong-type", "die", "a number and its unit"),
        ("120 MPa", ".5", "ambiguous-value", "ceiling", "digit before the point"),
        ("120 MPa", "1e3", "missing-unit", "ceiling", "'1e3 MPa' or '1e3 kN'"),
        ("120 MPa", "1e400", "out-of-range", "ceiling", "finite"),
        ("120 MPa", "+120", "ambiguous-value", "ceiling", "plus sign"),
        ("120 MPa", "on", "not-a-quantity", "ceiling", "a number and a unit"),
        ("2 s", "1:30", "not-a-quantity", "stages[0].hold.duration", "each number with its unit"),
        ("2 s", "1:30:00", "not-a-quantity", "stages[0].hold.duration", "hours, minutes"),
        ("2 s", "false", "wrong-type", "stages[0].hold.duration", "or write 'open'"),
        ("20 MPa/s", "\u201c20 MPa/s\u201d", "not-a-quantity", "stages[0].ramp.rate", "quotes"),
        ("die: 10 mm", "die: 10 mm\ndie: 12 mm", "duplicate-key", "die", "one of the two"),
    ],
)
def test_a_value_of_another_kind_is_named(
    old: str, new: str, code: str, path: str, hint: str
) -> None:
    findings = [f for f in validate(changed(old, new)).findings if f.severity == "error"]
    assert [(f.code, f.path) for f in findings] == [(code, path)]
    assert hint in findings[0].hint


PRESS_CASES = [
    ("die_mm: true", "bad-value", "die_mm", "plain number"),
    ("die_mm: 2026-11-28", "bad-value", "die_mm", "a date"),
    ("die_mm: 10,5", "bad-value", "die_mm", "comma"),
    ("die_mm: .5", "ambiguous-value", "die_mm", "digit before the point"),
    ("die_mm: 1:30", "bad-value", "die_mm", "plain number"),
    ("die_mm: on", "bad-value", "die_mm", "plain number"),
    ("die_mm: 1 cm", "bad-value", "die_mm", "in the unit at the end of the key's name"),
    ("die_mm: 1_0", "ambiguous-value", "die_mm", "separator"),
    ("die_mm: 1e400", "out-of-range", "die_mm", "finite"),
    ("die_mm: \uff11\uff10", "bad-value", "die_mm", "plain (ASCII) digits"),
    ("die_mm: 10\ndie_mm: 12", "duplicate-key", "die_mm", "one of the two"),
    ("dies_mm: [10,5, 12]", "ambiguous-value", "dies_mm", "decimals with a point"),
    ("dies_mm: [10,5]", "ambiguous-value", "dies_mm", "a space after the comma"),
    ("dies_mm:\n- 10,5\n- 12", "bad-value", "dies_mm[0]", "comma"),
    ("dies_mm: [12, true]", "bad-value", "dies_mm[1]", "plain number"),
    ("dies_mm: [10 mm, 12]", "bad-value", "dies_mm[0]", "in the unit at the end"),
    ("ram: {area_cm2: 14,5}", "bad-value", "ram.area_cm2", "comma"),
    ("ram: {area_mm2: 1450}", "unknown-key", "ram.area_mm2", "area_cm2 takes the value in its own"),
    ("limits: {max_oil_bar: 1,350}", "bad-value", "limits.max_oil_bar", "comma"),
    ("preset: jack-20t", "unknown-preset", "preset", ""),
]


@pytest.mark.parametrize(("text", "code", "path", "hint"), PRESS_CASES)
def test_a_number_of_a_press_file_is_refused_for_what_it_is(
    text: str, code: str, path: str, hint: str
) -> None:
    with pytest.raises(BadInputError) as error:
        loads(text + "\n")
    ((finding_code, finding_path),) = {(f.code, f.path) for f in error.value.findings}
    assert finding_path == path
    if code != "unknown-preset":
        assert finding_code == code
    finding = error.value.findings[0]
    assert isinstance(finding, Finding) and finding.line is not None
    assert hint in finding.hint
    assert "jack-10t?" not in finding.message and "jack-25t?" not in finding.message


def test_lists_of_whole_and_decimal_numbers_are_read() -> None:
    assert loads("dies_mm: [10.5, 12, 13]\ndie_mm: 10.5\n").dies_mm == (10.5, 12, 13)
    assert loads("dies_mm: [10.5,12.5]\ndie_mm: 10.5\n").dies_mm == (10.5, 12.5)
    assert loads("dies_mm:\n- 1e1\n- 12\n").dies_mm == (10, 12)


@pytest.mark.parametrize("text", ["mass_mg: 1,5", "mass_mg: true", "mass_mg: 1,500.0"])
def test_a_number_of_a_sample_is_refused_for_what_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "sample.yaml"
    file.write_text(text + "\n")
    with pytest.raises(BadInputError) as error:
        load_sample(file)
    assert [f.path for f in error.value.findings] == ["mass_mg"]
    assert not re.search("[0-9]", error.value.findings[0].hint)
