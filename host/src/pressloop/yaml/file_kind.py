"""Which kind of file this is: a user has three, and any of them may be given for another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

FileKind = Literal["protocol", "press", "sample"]

_NAMES_AND_HINTS: Final[Mapping[FileKind, tuple[str, str]]] = {
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


# The keys that a file of each kind may have at its top. A test holds them to the models, which lie
# above this module.
_TOP_LEVEL_KEYS: Final[Mapping[FileKind, frozenset[str]]] = {
    "protocol": frozenset(
        {
            "pressloop",
            "name",
            "die",
            "ceiling",
            "on_host_loss",
            "host_timeout",
            "vent_rate",
            "record_every",
            "accept_unresolved_tolerance",
            "crack_threshold",
            "stages",
        }
    ),
    "press": frozenset(
        {
            "preset",
            "name",
            "die_mm",
            "dies_mm",
            "ram",
            "oil",
            "frame",
            "valves",
            "pump",
            "release",
            "leak",
            "transducer",
            "displacement",
            "powder",
            "limits",
            "controller",
            "individual",
        }
    ),
    "sample": frozenset(
        {
            "material",
            "mass_mg",
            "mass_uncertainty_mg",
            "true_density_g_cm3",
            "true_density_uncertainty_percent",
            "thickness_mm",
            "thickness_uncertainty_mm",
            "empty_die_mm",
            "empty_die_uncertainty_mm",
            "punches_um_mpa",
            "until_stage",
        }
    ),
}


def wrong_kind(data: object, wanted: FileKind) -> tuple[str, str] | None:
    """Return message and hint when a document is plainly of another kind than the one wanted.

    Args:
        data: The document, as read from YAML.
        wanted: What it was given for.
    """
    if not isinstance(data, dict):
        return None
    known = {kind: sum(key in keys for key in data) for kind, keys in _TOP_LEVEL_KEYS.items()}
    likeliest = max(known, key=lambda kind: known[kind])
    # Kinds share `name`, and one key may be a mistake: that is not yet another kind of file.
    if known[wanted] > 1 or known[likeliest] < 1 + 2 * known[wanted]:
        return None
    what, hint = _NAMES_AND_HINTS[likeliest]
    return f"this is {what}, not {_NAMES_AND_HINTS[wanted][0]}", hint
