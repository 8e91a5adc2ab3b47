"""Validation of any text never raises and ends within a bounded time."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pressloop.emulator.description import PressDescription
from pressloop.machine.profile import MachineProfile
from pressloop.protocol.loading import draft_of_bytes
from pressloop.validation import Validation, validate_text

REFERENCE = MachineProfile.from_fields(PressDescription().nominal_profile())

ROOT = Path(__file__).parents[2]
EXAMPLES = [p.read_text(encoding="utf-8") for p in sorted((ROOT / "examples").glob("*.yaml"))]
SNIPPETS = [
    "", " ", "\n", "\t", ":", "- ", "{", "}", "[", "]", "'", '"', "&a ", "*a", "!!int ", "? ", "| ",
    "#", "%", "---\n", "0", "-", "1e999", ".nan", "null", "~", "MPa", "250", "open", "prompt: ",
    "repeat: 3", "stages:", "hold:", "ramp: 5", "\\x", "\x00", "\x85", "\ud800", "ä", "\U0001f600",
]  # fmt: skip

STAGE_KEYS = [
    "name",
    "ramp",
    "hold",
    "release",
    "rest",
    "pid",
    "prompt",
    "repeat",
    "stages",
    "step",
]
PART_KEYS = ["target", "rate", "duration", "tolerance", "timeout", "mode", "kp", "kd", "action"]
KEYS = ["pressloop", "die", "ceiling", "on_host_loss", *STAGE_KEYS, *PART_KEYS, "x"]


def check(validation: Validation) -> None:
    assert (validation.protocol is None) == bool(validation.errors)
    for finding in validation.findings:
        assert finding.message and finding.hint and finding.code and finding.path
        assert finding.line is not None and finding.line >= 1


def test_surrogate_pairs_of_json_are_joined_and_single_surrogates_are_harmless() -> None:
    text = r'{"pressloop": 1, "name": "\ud83d\ude00", "die": "\ud800\udc00", "\udc00": "\ud800"}'
    validation = validate_text(text, "surrogates", REFERENCE)
    check(validation)
    said = " ".join(finding.message for finding in validation.findings)
    assert "\U00010000" in said
    said.encode()


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Return an example with some parts cut, replaced, moved or doubled."""
    text = draw(st.sampled_from(EXAMPLES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 30)))
        middle = draw(st.sampled_from([*SNIPPETS, text[start:end] * 2]))
        text = text[:start] + middle + text[end:]
    return text


@st.composite
def rearranged(draw: st.DrawFn) -> str:
    """Return an example with lines missing, doubled, indented or in another order."""
    lines = draw(st.sampled_from(EXAMPLES)).splitlines()
    chosen = draw(st.lists(st.sampled_from(lines), min_size=1, max_size=40))
    return "\n".join(" " * draw(st.integers(0, 2)) * 2 + line for line in chosen)


@settings(max_examples=300, deadline=None)
@given(mutated() | rearranged())
def test_validation_of_mutated_examples_never_raises(text: str) -> None:
    check(validate_text(text, "fuzz", REFERENCE))


@settings(deadline=None)
@given(st.text(max_size=200))
def test_validation_of_any_text_never_raises(text: str) -> None:
    check(validate_text(text, "fuzz", REFERENCE))


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(KEYS),
                inner,
                max_size=6,
            )
        ),
        max_leaves=30,
    )
)
def test_validation_of_any_structure_never_raises(data: object) -> None:
    check(validate_text(json.dumps(data), "fuzz", REFERENCE))


@given(st.binary(max_size=100))
def test_any_bytes_give_a_protocol_or_a_finding(data: bytes) -> None:
    draft = draft_of_bytes(data)
    assert draft.protocol is not None or draft.findings


@pytest.mark.slow
def test_validation_of_deep_and_wide_texts_ends_soon() -> None:
    texts = [
        "[" * 100_000,
        "- " * 60_000,
        "a: " + "{a: " * 30_000,
        "x: [" + "a, " * 40_000 + "]",
        "stages:\n" + "- repeat: 2\n  stages:\n" * 5_000,
        "".join("  " * i + "- stages:\n" for i in range(300)),
    ]
    for text in texts:
        start = time.monotonic()
        assert validate_text(text, "fuzz", REFERENCE).protocol is None
        assert time.monotonic() - start < 20
