"""Quantities are read exactly and printed back; others are refused with the units to use."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
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
    format_quantity,
    parse,
    pattern,
)

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


@pytest.mark.parametrize(
    ("text", "dimension", "base"),
    [
        ("250 MPa", PRESSURE, 250_000),
        ("250MPa", PRESSURE, 250_000),
        ("  0.25 GPa ", PRESSURE, 250_000),
        ("2500 bar", PRESSURE, 250_000),
        ("2.5e5 kPa", PRESSURE, 250_000),
        ("1 Pa", PRESSURE, Fraction(1, 1000)),
        ("0.1 MPa", PRESSURE, 100),
        ("80 N/mm2", PRESSURE, 80_000),
        ("10 kg/cm2", PRESSURE, Fraction(980_665, 1000)),
        ("1 psi", PRESSURE, Fraction(44_482_216_152_605, 10**10) / Fraction(254, 10) ** 2),
        ("6 MPa/min", PRESSURE_RATE, 100),
        ("10 bar/s", PRESSURE_RATE, 1000),
        ("3 min", DURATION, 180_000),
        ("2 d", DURATION, 172_800_000),
        ("90 s", DURATION, 90_000),
        ("1 h 30 min", DURATION, 5_400_000),
        ("1h30m", DURATION, 5_400_000),
        ("1h30min", DURATION, 5_400_000),
        ("2 d 3 h 4 min 5.5 s", DURATION, 183_845_500),
        ("1 min 500 ms", DURATION, 60_500),
        ("5m 30s", DURATION, 330_000),
        ("12.7 mm", LENGTH, 12_700),
        ("10 \N{MICRO SIGN}m", LENGTH, 10),
        ("0.5 %", PERCENT, Fraction(1, 2)),
        ("6 /s", PER_SECOND, 6),
        ("6 1/s", PER_SECOND, 6),
        ("61/s", PER_SECOND, 61),
        ("3 /s2", PER_SECOND_SQUARED, 3),
        ("250\N{NO-BREAK SPACE}MPa", PRESSURE, 250_000),
    ],
)
def test_a_quantity_is_read_exactly(text: str, dimension: Dimension, base: Fraction) -> None:
    assert parse(text, dimension).value == base


@pytest.mark.parametrize(
    ("text", "dimension", "code", "hint"),
    [
        ("250", PRESSURE, "missing-unit", "'250 MPa'"),
        ("3", DURATION, "missing-unit", "'3 min'"),
        ("250 mPa", PRESSURE, "unknown-unit", "for mega write 'MPa'"),
        ("250 Mpa", PRESSURE, "unknown-unit", "did you mean 'MPa'?"),
        ("250 atm", PRESSURE, "unknown-unit", "Pa, kPa, MPa, GPa, bar"),
        ("10 MPa", PRESSURE_RATE, "wrong-unit", "MPa/s"),
        ("3 mm", DURATION, "wrong-unit", "min"),
        ("0,5 %", PERCENT, "not-a-quantity", "point"),
        ("1 000 MPa", PRESSURE, "not-a-quantity", "thousands"),
        ("1_000 MPa", PRESSURE, "not-a-quantity", "thousands"),
        (".5 %", PERCENT, "not-a-quantity", "zero before the point"),
        ("3:00", DURATION, "not-a-quantity", "each number with its unit"),
        ("1 h 30", DURATION, "not-a-quantity", "a unit after each number"),
        ("1h30", DURATION, "not-a-quantity", "a unit after each number"),
        ("30 min 1 h", DURATION, "not-a-quantity", "the largest first"),
        ("1 h 1 h", DURATION, "not-a-quantity", "each unit once"),
        ("1.5 h 30 min", DURATION, "not-a-quantity", "in the last part only"),
        ("1 h, 30 min", DURATION, "not-a-quantity", "leave out what joins"),
        ("1 h and 30 min", DURATION, "not-a-quantity", "leave out what joins"),
        ("1 h 30 sec", DURATION, "unknown-unit", "for 'sec' write 's'"),
        ("1:30", DURATION, "not-a-quantity", "each number with its unit"),
        ("30 m", DURATION, "unknown-unit", "for minutes write 'min'"),
        ("2 Minutes", DURATION, "unknown-unit", "for 'Minutes' write 'min'"),
        ("PT1H30M", DURATION, "not-a-quantity", "units: ms, s, min, h, d"),
        ("10 ton", FORCE, "unknown-unit", "write 't', 'lton' or 'ston'"),
        ("10 tonf", FORCE, "unknown-unit", "write 't', 'lton' or 'ston'"),
        ("10 tonnes", FORCE, "unknown-unit", "for 'tonnes' write 't'"),
        ("10 kg", FORCE, "unknown-unit", "for 'kg' write 'kgf'"),
        ("20 kN", PRESSURE, "wrong-unit", "units: Pa, kPa, MPa"),
        ("10-20 MPa", PRESSURE, "not-a-quantity", "not a range"),
        ("10. MPa", PRESSURE, "not-a-quantity", "leave the point out"),
        ("\N{MINUS SIGN}10 MPa", PRESSURE, "not-a-quantity", "plain hyphen"),
        ("+10 MPa", PRESSURE, "not-a-quantity", "plus sign"),
        ("~10 MPa", PRESSURE, "not-a-quantity", "without other signs"),
        ("\N{FULLWIDTH DIGIT ONE}0 MPa", PRESSURE, "not-a-quantity", "plain (ASCII) digits"),
        ("1\N{SUPERSCRIPT TWO} MPa", PRESSURE, "not-a-quantity", "without superscript"),
        ("\N{VULGAR FRACTION ONE HALF} GPa", PRESSURE, "not-a-quantity", "without superscript"),
        ("2026-11-28", PRESSURE, "not-a-quantity", "a date"),
        ("10 MPa.", PRESSURE, "unknown-unit", "leave out what follows 'MPa'"),
        ("10 MPa (die)", PRESSURE, "unknown-unit", "leave out what follows 'MPa'"),
        ("10 MPa 2 s", PRESSURE, "not-a-quantity", "one number with one unit"),
        ("nan MPa", PRESSURE, "not-a-quantity", "finite"),
        ("inf MPa", PRESSURE, "not-a-quantity", "finite"),
        ("1e999999999 MPa", PRESSURE, "not-a-quantity", "units: Pa"),
        ("9" * 100 + " MPa", PRESSURE, "not-a-quantity", "units: Pa"),
        ("", PRESSURE, "not-a-quantity", "units: Pa"),
        ("MPa", PRESSURE, "not-a-quantity", "units: Pa"),
        ("\N{ARABIC-INDIC DIGIT ONE} MPa", PRESSURE, "not-a-quantity", "units: Pa"),
    ],
)
def test_a_text_that_is_no_quantity_is_refused_with_a_hint(
    text: str, dimension: Dimension, code: str, hint: str
) -> None:
    with pytest.raises(UnitError) as error:
        parse(text, dimension)
    assert error.value.code == code
    assert hint in error.value.hint


def test_a_quantity_may_have_one_of_several_dimensions() -> None:
    assert parse("0.5 %", PERCENT, PRESSURE).dimension is PERCENT
    assert parse("1 MPa", PERCENT, PRESSURE).dimension is PRESSURE
    with pytest.raises(UnitError) as error:
        parse("1 s", PERCENT, PRESSURE)
    assert "a percentage or a pressure" in error.value.message


@pytest.mark.parametrize(
    ("base", "dimension", "text"),
    [
        (250_000, PRESSURE, "250 MPa"),
        (738, PRESSURE, "0.738 MPa"),
        (0, PRESSURE, "0 MPa"),
        (90_000, DURATION, "90 s"),
        (180_000, DURATION, "3 min"),
        (86_400_000, DURATION, "1 d"),
        (1500, DURATION, "1.5 s"),
        (10, DURATION, "0.01 s"),
        (10_500, LENGTH, "10.5 mm"),
    ],
)
def test_a_quantity_is_printed_in_the_usual_unit(
    base: int, dimension: Dimension, text: str
) -> None:
    assert format_quantity(base, dimension) == text


def test_a_value_that_would_have_to_be_rounded_is_not_printed() -> None:
    with pytest.raises(ValueError, match="decimal"):
        format_quantity(Fraction(1, 3), PERCENT)


@given(st.sampled_from(DIMENSIONS), st.integers(-(10**9), 10**9))
def test_a_printed_quantity_is_read_back_as_the_same_value(dimension: Dimension, base: int) -> None:
    assert parse(format_quantity(base, dimension), dimension).value == base


@given(st.sampled_from(DIMENSIONS), st.data())
def test_the_normalised_text_is_the_same_quantity(
    dimension: Dimension, data: st.DataObject
) -> None:
    number = data.draw(st.floats(1e-50, 1e50))
    unit = data.draw(st.sampled_from(sorted(dimension.units)))
    first = parse(f"{number} {unit}", dimension)
    assert parse(first.text, dimension).value == first.value
    assert first.value == Fraction(str(number)) * dimension.units[unit]


@given(st.sampled_from(DIMENSIONS), st.text(max_size=30))
def test_any_text_is_read_or_refused_with_a_hint(dimension: Dimension, text: str) -> None:
    try:
        parse(text, dimension)
    except UnitError as error:
        assert error.hint


@given(
    st.sampled_from(DIMENSIONS),
    st.from_regex(r"\A[0-9][0-9.e]{0,4} ?[/1a-zA-Z%2]{1,6}\Z")
    | st.from_regex(r"\A([0-9]{1,2}(\.5)? ?(ms|s|min|m|h|d) ?){1,5}\Z"),
)
def test_the_schema_pattern_accepts_what_the_parser_accepts(
    dimension: Dimension, text: str
) -> None:
    try:
        parse(text, dimension)
        accepted = True
    except UnitError:
        accepted = False
    assert (re.search(pattern(dimension), text) is not None) == accepted


@pytest.mark.parametrize("unit", ["mbar", "Mbar", "atm", "kPas"])
def test_a_similar_unit_of_another_size_is_not_proposed(unit: str) -> None:
    with pytest.raises(UnitError) as error:
        parse(f"5 {unit}", PRESSURE)
    assert "did you mean" not in error.value.hint


@pytest.mark.parametrize("unit", ["N/mm", "mm", "mPas", "T/s", "knot", "lt", "st", "kp"])
def test_an_unrelated_unit_gets_no_proposal(unit: str) -> None:
    with pytest.raises(UnitError) as error:
        parse(f"5 {unit}", PRESSURE, FORCE)
    assert not re.search("did you mean|for '", error.value.hint)


def test_a_duration_in_parts_is_kept_in_one_spelling() -> None:
    assert parse(" 1h30m ", DURATION).text == "1 h 30 min"
    assert parse("1 h 30 min", DURATION).text == "1 h 30 min"
