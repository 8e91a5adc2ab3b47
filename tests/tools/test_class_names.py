"""A class name is unique within each package; names that packages share have a reason."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "pressloop": ROOT / "host" / "src" / "pressloop",
    "pressloop_sim": ROOT / "host" / "src" / "pressloop_sim",
    "pressloop_fw": ROOT / "firmware" / "pressloop_fw",
}
# Names that two packages share, and why.
TWINS = {
    "Ads1115": "the driver on the board, and the chip that it finds on the emulated Pico",
    "DisplacementSensor": "what the board reads, and what the simulated press measures with",
    "EmulatedBoard": "the process that a script starts, and the board that runs in it",
    "Hx711": "the driver on the board, and the chip that it finds on the emulated Pico",
    "Nau7802": "the driver on the board, and the chip that it finds on the emulated Pico",
    "Hold": "the part of a stage that a user writes, and the board's dwell logic",
    "InterruptedRun": "what a loss of power cut off, on the board and for scripts",
    "Link": "the two ends of one connection",
    "Pid": "gains in a protocol, and the loop that runs with them",
    "Plan": "the messages that are sent, and where the board keeps them",
    "PlanError": "what no plan can carry, found by the host or refused by the board",
    "SecondTransducer": "the sensor that is simulated, and what the profile says of it",
    "Profile": "the machine profile as a message, and as the board stores it",
    "Relaxation": "of the simulated powder, as the board sees it, and as the record fits it",
    "StepResults": "what the board measured, as a message and where it keeps it",
    "_Reader": "reads CBOR, on the host and on the board",
}


def classes(package: Path) -> list[str]:
    """Return the name of every class that a module of the package defines at its top level."""
    return [
        node.name
        for path in sorted(package.rglob("*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_class_name_is_used_once_in_a_package(package: str) -> None:
    found = Counter(classes(PACKAGES[package]))
    assert len(found) > 10
    assert [name for name, count in found.items() if count > 1] == []


def test_names_that_packages_share_have_a_reason() -> None:
    found = Counter(name for package in PACKAGES.values() for name in set(classes(package)))
    assert {name for name, count in found.items() if count > 1} == set(TWINS)
