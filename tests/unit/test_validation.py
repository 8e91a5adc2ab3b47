"""Each kind of mistake becomes a finding with code, place, line and next step."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pressloop.emulator.description import PressDescription
from pressloop.errors import BadInputError
from pressloop.machine.profile import MachineProfile
from pressloop.protocol import Protocol, Ramp, Release, Stage
from pressloop.protocol.loading import load_protocol
from pressloop.validation import Validation, validate_file, validate_protocol, validate_text
from pressloop.yaml import read_yaml

REFERENCE = MachineProfile.from_fields(PressDescription().nominal_profile())

ROOT = Path(__file__).parents[2]
BAD = sorted((Path(__file__).parents[1] / "data" / "bad").glob("*.yaml"))
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))

HEAD = "pressloop: 1\nname: test\ndie: 10 mm\nceiling: 520 MPa\n"


def validate(text: str) -> Validation:
    return validate_text(text, "test", REFERENCE)


def found(validation: Validation) -> list[str]:
    return sorted(f"{f.severity} {f.code} {f.path}" for f in validation.findings)


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_a_bad_file_has_exactly_the_findings_in_its_comments(path: Path) -> None:
    text = path.read_text(encoding="utf-8", errors="replace")
    expected = [line[10:] for line in text.splitlines() if line.startswith("# expect: ")]
    assert expected, "a bad file begins with lines like '# expect: error no-end stages[0].hold'"

    validation = validate_file(path, REFERENCE)

    assert found(validation) == sorted(expected)
    assert (validation.protocol is None) == any(e.startswith("error") for e in expected)
    for finding in validation.findings:
        assert finding.message and finding.hint
        assert finding.line is not None and finding.column is not None


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example_has_no_findings(path: Path) -> None:
    assert found(validate_file(path, REFERENCE)) == []


def test_every_code_is_documented() -> None:
    documented = (ROOT / "docs" / "protocol-file.md").read_text(encoding="utf-8")
    codes = {f.code for path in BAD for f in validate_file(path, REFERENCE).findings}
    assert {code for code in codes if f"`{code}`" not in documented} == set()


def only(text: str) -> tuple[str, str]:
    """Return message and hint of the only finding."""
    findings = validate(text).findings
    assert len(findings) == 1, findings
    return findings[0].message, findings[0].hint


def test_an_unresolved_tolerance_names_the_numbers_and_what_helps() -> None:
    message, hint = only(
        HEAD + "stages:\n- name: a\n  ramp: {target: 74 MPa, rate: 5 MPa/s}\n"
        "  hold: {duration: 1 min, tolerance: 0.5 %}\n"
    )
    assert "0.37 MPa" in message and "0.738 MPa" in message and "400 bar" in message
    assert "the finest is 1.0 % (0.738 MPa)" in message
    for help_ in (
        "a transducer of 0.05 % accuracy (+-0.369 MPa)",
        "a smaller range that is fine enough does not reach 520 MPa",
        "accept_unresolved_tolerance",
    ):
        assert help_ in hint


def unresolved(profile: MachineProfile, tolerance: str = "0.45 MPa") -> tuple[str, str]:
    """Return message and hint for a tolerance that is too fine, under a low ceiling."""
    validation = validate_text(
        HEAD.replace("520", "80") + "stages:\n- name: a\n  ramp: {target: 74 MPa, rate: 5 MPa/s}\n"
        f"  hold: {{duration: 1 min, tolerance: {tolerance}}}\n",
        "test",
        profile,
    )
    assert found(validation) == ["error tolerance-unresolved stages[0].hold.tolerance"]
    return validation.findings[0].message, validation.findings[0].hint


def test_the_hint_names_the_smallest_change_that_is_enough_and_reaches_the_ceiling() -> None:
    _, hint = unresolved(REFERENCE)
    assert "a smaller range: 160 bar (+-0.295 MPa)" in hint
    assert "a larger die: 13 mm (+-0.436 MPa)" in hint
    assert "a transducer of 0.05 % accuracy (+-0.369 MPa)" in hint


def test_the_chips_own_converter_makes_the_resolution_coarser() -> None:
    # Half a step of 3.3 V / 2^8.7, of the 2.4 V that the transducer spans.
    half_step_mpa = 738.5 * 3.3 / 2**8.7 / 2 / 2.4
    internal = REFERENCE.model_copy(update={"converter": "adc"})
    message, hint = unresolved(internal, "1 MPa")
    assert half_step_mpa == pytest.approx(1.221, abs=1e-3)
    assert "+-1.959 MPa" in message
    assert "12 bit, 8.7 of them good" in message
    assert "an ADS1115 as converter (+-0.738 MPa)" in hint
    external = REFERENCE.model_copy(update={"converter": "ads1115"})
    assert "converter" not in unresolved(external)[1]


def test_unresolved_tolerance_can_be_accepted() -> None:
    text = (
        HEAD + "accept_unresolved_tolerance: true\nstages:\n- name: a\n"
        "  ramp: {target: 74 MPa, rate: 5 MPa/s}\n  hold: {duration: 1 min, tolerance: 0.5 %}\n"
    )
    validation = validate(text)
    assert found(validation) == ["warning tolerance-unresolved stages[0].hold.tolerance"]
    assert validation.protocol is not None


def test_the_finest_tolerance_that_the_message_names_is_accepted() -> None:
    validation = validate(
        HEAD + "stages:\n- name: a\n  ramp: {target: 74 MPa, rate: 5 MPa/s}\n"
        "  hold: {duration: 1 min, tolerance: 1.0 %}\n"
    )
    assert found(validation) == []


def test_an_impossible_rate_is_refused_with_the_fastest_rate() -> None:
    fastest = REFERENCE.limits(10_000).fastest_rise_kpa_s
    text = HEAD + "stages:\n- name: a\n  ramp: {target: 100 MPa, rate: %d kPa/s}\n"
    assert only(text % (fastest + 1))[0].endswith(f"the fastest is {fastest / 1000} MPa/s")
    assert found(validate(text % fastest)) == []


def test_tolerance_at_the_resolution_is_accepted() -> None:
    text = (
        HEAD + "stages:\n- name: a\n  ramp: {target: 74 MPa, rate: 5 MPa/s}\n"
        "  hold: {duration: 1 min, tolerance: %d kPa}\n"
    )
    finest = REFERENCE.limits(10_000).resolution_kpa
    assert found(validate(text % finest)) == []
    assert only(text % (finest - 1))[0].startswith("+-0.737 MPa")


def test_a_rate_out_of_the_wires_range_is_impossible_for_every_press() -> None:
    # The release valve alone would be three times as fast.
    text = (
        HEAD + "vent_rate: %d MPa/s\nstages:\n- name: a\n  ramp: {target: 9 MPa, rate: 1 MPa/s}\n"
    )
    assert only(text % 1001)[0].endswith("the fastest is 1000 MPa/s")
    assert found(validate(text % 1000)) == []


def test_unknown_key_suggests_the_right_one() -> None:
    _, hint = only(HEAD + "stages:\n- name: a\n  ramp: {target: 9 MPa, rate: 1 MPa/s}\n  hodl: 1\n")
    assert "did you mean 'hold'?" in hint


def test_hints_for_a_missing_or_malformed_key_propose_no_pressure_and_no_die() -> None:
    texts = [
        "pressloop: 1\nname: test\nstages:\n- name: a\n  ramp: {}\n  release: 5\n",
        HEAD + "stages:\n- name: a\n  ramp: 100 MPa\n  hold: 5\n  pid: 5\n",
        HEAD + "on_host_loss: 5\nstages:\n- name: a\n  hold: {until: 5, tolerance: 1 %}\n",
    ]
    findings = [finding for text in texts for finding in validate(text).findings]
    assert {f.code for f in findings} >= {"missing-key", "wrong-type"}
    assert [f.hint for f in findings if re.search(r"[0-9] ?(mm|MPa|/s)", f.hint)] == []


def test_the_hint_for_a_missing_unit_leaves_the_choice_of_the_unit() -> None:
    _, hint = only(
        HEAD + "stages:\n- name: a\n  ramp: {target: 74 MPa, rate: 5 MPa/s}\n"
        "  hold: {duration: 180, tolerance: 2 %}\n"
    )
    assert "'180 s' or '180 min'" in hint


def test_finding_points_at_line_and_column() -> None:
    text = HEAD + "stages:\n  - name: a\n    ramp: {target: 600 MPa, rate: 1 MPa/s}\n"
    finding = validate(text).findings[0]
    assert (finding.line, finding.column) == (7, 20)
    assert text.splitlines()[7 - 1][20 - 1 :].startswith("600 MPa")
    assert finding.as_dict() == {
        "severity": "error",
        "code": "over-ceiling",
        "path": "stages[0].ramp.target",
        "line": 7,
        "column": 20,
        "message": finding.message,
        "hint": finding.hint,
    }


def test_malformed_yaml_names_the_line() -> None:
    finding = validate(HEAD + "stages:\n\t- name: a\n").findings[0]
    assert (finding.code, finding.line) == ("malformed-yaml", 6)
    assert "spaces" in finding.hint


def test_nothing_is_concluded_from_an_unreliable_place() -> None:
    # The first target is unreadable, so whether the release goes down is unknown.
    validation = validate(
        HEAD + "stages:\n- name: a\n  ramp: {target: 250, rate: 10 MPa/s}\n"
        "- name: b\n  release: {target: 100 MPa, rate: 10 MPa/s}\n"
    )
    assert found(validation) == ["error missing-unit stages[0].ramp.target"]


def test_aliases_are_followed() -> None:
    text = HEAD + (
        "stages:\n- &press\n  name: a\n  ramp: {target: 100 MPa, rate: 10 MPa/s}\n"
        "  release: {target: 0 MPa, rate: 10 MPa/s}\n- prompt: Turn the die\n- *press\n"
    )
    assert found(validate(text)) == ["warning duplicate-name stages[2].name"]


def test_windows_file_with_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "windows.yaml"
    text = (ROOT / "examples" / "sodium_three_step.yaml").read_text(encoding="utf-8")
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert found(validate_file(path, REFERENCE)) == []


@pytest.mark.parametrize("size", [128 * 1024 - 1, 128 * 1024, 10_000_000])
def test_large_files_are_refused_quickly(tmp_path: Path, size: int) -> None:
    path = tmp_path / "large.yaml"
    # Every second byte starts a two-byte character, so one size cuts a character in half.
    path.write_bytes((b"#" + "ä".encode() * size)[:size] if size > 128 * 1024 else b"#" * size)
    codes = {f.code for f in validate_file(path, REFERENCE).findings}
    assert codes == ({"too-large"} if size > 128 * 1024 else {"empty-file"})


def test_a_file_in_utf16_is_reported_as_such(tmp_path: Path) -> None:
    path = tmp_path / "utf16.yaml"
    path.write_bytes(HEAD.encode("utf-16"))
    (finding,) = validate_file(path, REFERENCE).findings
    assert finding.code == "not-utf8" and "UTF-16" in finding.message


def test_absent_file_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot read"):
        validate_file(tmp_path / "absent.yaml", REFERENCE)


@pytest.mark.parametrize(("shift", "warned"), [(4, False), (5, True), (8, True)])
def test_a_filter_that_delays_contact_is_a_warning(shift: int, warned: bool) -> None:
    profile = REFERENCE.model_copy(update={"filter_shift": shift})
    text = HEAD + "stages:\n- name: a\n  ramp: {target: 250 MPa, rate: 10 MPa/s}\n"
    expected = ["warning filter-slow stages[0].ramp"] if warned else []
    assert found(validate_text(text, "text", profile)) == expected


def test_python_protocol_is_validated_without_lines() -> None:
    protocol = Protocol(
        name="test",
        die="10 mm",
        ceiling="520 MPa",
        stages=[
            Stage(
                name="a",
                ramp=Ramp(target="600 MPa", rate="10 MPa/s"),
                release=Release(target="0 MPa", rate="10 MPa/s"),
            )
        ],
    )
    validation = validate_protocol(protocol, REFERENCE)
    assert found(validation) == ["error over-ceiling stages[0].ramp.target"]
    assert validation.findings[0].line is None
    with pytest.raises(BadInputError, match="over-ceiling"):
        validation.checked()


def test_load_protocol_lists_every_mistake_of_form() -> None:
    with pytest.raises(BadInputError) as error:
        load_protocol(HEAD + "stages:\n- name: a\n  ramp: {target: 250, rate: 10}\n")
    assert [f.path for f in error.value.findings] == [
        "stages[0].ramp.target",
        "stages[0].ramp.rate",
    ]


STAGE = "stages:\n- name: bond\n  ramp: {target: %s, rate: 20 MPa/s}\n"


@pytest.mark.parametrize("target", ["74,5 MPa", "74, 5 MPa", "1,000 MPa", "1,000,000 Pa", "74,5"])
def test_a_comma_in_braces_is_one_finding_that_proposes_no_value(target: str) -> None:
    text = HEAD + STAGE % target
    assert found(validate(text)) == ["error not-a-quantity stages[0].ramp.target"]
    message, hint = only(text)
    assert target in message and "comma" in hint and not re.search("[0-9]", hint)


@pytest.mark.parametrize("character", ["\u200b", "\ufeff", "\u00ad", "\u2060", "\u202e"])
def test_an_invisible_character_is_named_with_its_place(character: str) -> None:
    (finding,) = validate(HEAD + STAGE % f"100 MPa{character}").findings
    assert (finding.code, finding.path) == ("invisible-character", "stages[0].ramp.target")
    assert f"U+{ord(character):04X}" in finding.message
    assert (finding.line, finding.column) == (7, 25)


@pytest.mark.parametrize("space", ["\u00a0", "\u2009", "\u202f"])
def test_a_space_of_another_width_before_the_unit_is_accepted(space: str) -> None:
    assert found(validate(HEAD + STAGE % f"100{space}MPa")) == []


@pytest.mark.parametrize(
    ("plain", "tabbed"),
    [
        ("520 MPa\n", "520 MPa\t# die limit\n"),
        ("520 MPa\n", "520 MPa \t\n"),
        ("ceiling: 520", "ceiling:\t520"),
        ("stages:\n", "stages:\n\t\n\t# a comment\n"),
    ],
)
def test_a_tab_that_does_not_indent_is_accepted(plain: str, tabbed: str) -> None:
    text = HEAD + STAGE % "100 MPa"
    assert plain in text
    assert found(validate(text.replace(plain, tabbed))) == []


def test_a_text_that_is_too_long_names_the_field_its_length_and_the_limit() -> None:
    text = HEAD + STAGE % "100 MPa"
    message, _ = only(text.replace("name: test", "name: " + "x" * 120))
    assert message == "'name' has 120 characters, the limit is 80"
    assert found(validate(text + "- prompt: " + "x" * 120 + "\n")) == [
        "warning prompt-under-pressure stages[1].prompt"
    ]
    assert found(validate(text + "- prompt: " + "x" * 121 + "\n")) == [
        "error bad-text stages[1].prompt"
    ]


def test_a_merge_key_is_the_only_finding() -> None:
    text = HEAD + (
        "stages:\n- name: a\n  ramp: &press {target: 100 MPa, rate: 10 MPa/s}\n"
        "- name: b\n  ramp: {<<: *press, target: 200 MPa}\n"
    )
    assert found(validate(text)) == ["error merge-key stages[1].ramp.<<"]


@pytest.mark.parametrize(
    ("line", "lost"),
    [
        ("  - prompt: Take out cell #3, insert cell #4", "#3, insert cell #4"),
        ("  - prompt: Take out cell # the third one", None),
        ('  - prompt: "Take out cell #3"', None),
        ("  - prompt: Take out cell#3", None),
        ("  - prompt: Take out the cell  #!later", None),
    ],
)
def test_a_text_that_yaml_cuts_at_a_number_sign_is_a_warning(line: str, lost: str | None) -> None:
    text = f"pressloop: 1\nname: A\ndie: 10 mm\nceiling: 120 MPa\nstages:\n{line}\n"
    found = [f for f in read_yaml(text).findings if f.code == "text-cut"]
    assert [f.severity for f in found] == ["warning"] * (lost is not None)
    for finding in found:
        assert lost is not None and f"'{lost}'" in finding.message
        assert (finding.path, finding.line) == ("stages[0].prompt", 6)
