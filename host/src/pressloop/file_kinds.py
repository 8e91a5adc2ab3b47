"""Which kind of file this is: a user has three, and any of them may be given for another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Kind = Literal["protocol", "press", "sample"]

_WORDS: Final[Mapping[Kind, tuple[str, str]]] = {
    "protocol": (
        "a press protocol",
        "give it as the protocol: pressloop simulate PROTOCOL.yaml --press PRESS.yaml",
    ),
    "press": (
        "the description of a press to emulate",
        "give it with --press: pressloop simulate PROTOCOL.yaml --press PRESS.yaml",
    ),
    "sample": (
        "a sample",
        "give it with --sample: pressloop run PROTOCOL.yaml --sample SAMPLE.yaml",
    ),
}


def mistaken(data: object, wanted: Kind) -> tuple[str, str] | None:
    """Return message and hint when a document is plainly of another kind than the one wanted.

    Args:
        data: The document, as read from YAML.
        wanted: What it was given for.
    """
    if not isinstance(data, dict):
        return None
    known = {kind: sum(key in keys for key in data) for kind, keys in _keys().items()}
    likeliest = max(known, key=lambda kind: known[kind])
    # Kinds share `name`, and one key may be a mistake: that is not yet another kind of file.
    if known[wanted] > 1 or known[likeliest] < 1 + 2 * known[wanted]:
        return None
    what, hint = _WORDS[likeliest]
    return f"this is {what}, not {_WORDS[wanted][0]}", hint


def _keys() -> dict[Kind, frozenset[str]]:
    """Return the keys that each kind begins with."""
    # Each of them asks this module about what it reads.
    from pressloop.document import Protocol
    from pressloop.emulator.description import PressDescription
    from pressloop.sample import Sample

    return {
        "protocol": frozenset(Protocol.model_fields),
        "press": frozenset(PressDescription.model_fields),
        "sample": frozenset(Sample.model_fields),
    }
