"""Recognise a file of another kind: protocol, press description and sample are easy to mix up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

FileKind = Literal["protocol", "press", "sample"]


@dataclass(frozen=True)
class _KindOfFile:
    """What one kind of file is called, how it is given, how it begins, and its top-level keys."""

    name: str
    usage: str
    """Where on the command line it belongs."""
    beginning: str
    """What the first lines look like."""
    keys: frozenset[str]
    """Top-level keys. A test compares them with the models, which lie above this module."""


FILE_KINDS: Final[Mapping[FileKind, _KindOfFile]] = {
    "protocol": _KindOfFile(
        "a press protocol",
        "give it as the protocol: pressloop simulate PROTOCOL.yaml --press PRESS.yaml",
        "begin with 'pressloop: 1' and 'name: ...', as the examples do",
        frozenset(
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
                "conditions",
                "stages",
            }
        ),
    ),
    "press": _KindOfFile(
        "the description of a press to emulate",
        "give it with --press: pressloop simulate PROTOCOL.yaml --press PRESS.yaml",
        "begin with 'name: ...' or 'preset: ...', as the files in examples/presses do",
        frozenset(
            {
                "preset",
                "name",
                "die_mm",
                "dies_mm",
                "die_loads_kn",
                "die_uncertainty_um",
                "ram",
                "oil",
                "frame",
                "valves",
                "pump",
                "release",
                "leak",
                "transducer",
                "second_transducer",
                "displacement",
                "load_cell",
                "powder",
                "limits",
                "vessel",
                "controller",
                "measured",
                "individual",
                "simulation",
            }
        ),
    ),
    "sample": _KindOfFile(
        "a sample",
        "give it with --sample: pressloop run PROTOCOL.yaml --sample SAMPLE.yaml",
        "write one key and its value on each line, such as 'material: ...'",
        frozenset(
            {
                "name",
                "lot",
                "operator",
                "die_material",
                "plunger_material",
                "plunger_diameter_mm",
                "temperature_c",
                "atmosphere",
                "layers",
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
    ),
}


def wrong_kind(data: object, wanted: FileKind) -> tuple[str, str] | None:
    """Return message and hint if a document is clearly of another kind than the one wanted.

    Args:
        data: The document, as read from YAML.
        wanted: What the file was given as.
    """
    if not isinstance(data, dict):
        return None
    known = {name: sum(key in kind.keys for key in data) for name, kind in FILE_KINDS.items()}
    likeliest = max(known, key=lambda name: known[name])
    # The kinds share `name`, and one key may be a mistake: neither makes it another kind of file.
    if known[wanted] > 1 or known[likeliest] < 1 + 2 * known[wanted]:
        return None
    message = f"this is {FILE_KINDS[likeliest].name}, not {FILE_KINDS[wanted].name}"
    return message, FILE_KINDS[likeliest].usage
