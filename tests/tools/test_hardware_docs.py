"""What comes from the hardware's data is as it was written, and a change of it is drift."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pressloop.hardware.boards import BOARDS
from pressloop.hardware.harness import terminal_of
from pressloop.hardware.hydraulics import COMPONENTS
from pressloop.wire.names import wire_name
from pressloop.wire.schema import ErrorCode, Fault
from pressloop_fw.boards import wiring

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "host" / "tools" / "hardware_docs.py"


def check(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOL, "--check", "--root", root],
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_written_is_up_to_date() -> None:
    done = check(ROOT)
    assert done.returncode == 0, done.stderr


def test_a_pin_that_was_edited_in_the_firmware_is_drift(tmp_path: Path) -> None:
    place = "firmware/pressloop_fw/boards/wiring.py"
    (tmp_path / place).parent.mkdir(parents=True)
    text = (ROOT / place).read_text()
    (tmp_path / place).write_text(text.replace("LAMP_PIN = const(21)", "LAMP_PIN = const(13)"))
    done = check(tmp_path)
    assert done.returncode == 1
    assert f"{place}: differs" in done.stderr


@pytest.mark.parametrize("key", BOARDS)
def test_the_firmware_has_the_declared_pins(key: str) -> None:
    for pin in BOARDS[key].pins:
        assert getattr(wiring, pin.constant) == pin.gpio
    for bus in BOARDS[key].buses:
        assert getattr(wiring, f"{bus.prefix}_SDA") == bus.sda
        for device in bus.devices:
            assert getattr(wiring, device.constant) == device.address


PAGES = sorted((ROOT / "docs" / "hardware").glob("*.md"))
# Names in code font that are neither a fault nor a refusal of the board.
OTHER_NAMES = {
    "on-off+proportional",
    "pressloop-pico",
    "second-sensor",
    "motor-speed",
    "oil-temperature",
    "vessel-pressure",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_and_drawings_of_a_page_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[a-z0-9-]+)?\)", text):
        if "://" not in target:
            assert (page.parent / target).is_file(), f"{page.name}: {target}"
    for place, anchor in re.findall(r"\]\(([^)#\s]*)#([a-z0-9-]+)\)", text):
        there = (page.parent / place if place else page).read_text(encoding="utf-8")
        heads = re.findall(r"^#+ (.*)$", there, re.MULTILINE)
        assert anchor in [
            re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in heads
        ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_faults_and_refusals_on_a_page_are_those_of_the_board(page: Path) -> None:
    known = {wire_name(each) for each in (*Fault, *ErrorCode)} | OTHER_NAMES
    named = re.findall(r"`([a-z]+(?:-[a-z]+)+)`", page.read_text(encoding="utf-8"))
    assert [name for name in named if name not in known] == []


def test_every_drawing_is_on_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for drawing in (ROOT / "docs" / "hardware").glob("*.svg"):
        assert f"]({drawing.name})" in text


def test_every_component_of_the_hydraulics_is_drawn() -> None:
    drawn = (ROOT / "docs" / "hardware" / "hydraulics.svg").read_text(encoding="utf-8")
    assert [part.key for part in COMPONENTS if f">{part.key}<" not in drawn] == []


def test_every_fuse_relay_and_switch_of_the_safety_circuit_is_in_the_parts_list() -> None:
    circuit = (ROOT / "docs" / "hardware" / "safety-circuit.svg").read_text(encoding="utf-8")
    marks = set(re.findall(r">([FKS][0-9])[ <]", circuit))
    assert marks >= {"F1", "K1", "K4", "S1", "S3"}
    parts = (ROOT / "docs" / "hardware" / "parts.md").read_text(encoding="utf-8")
    assert sorted(mark for mark in marks if not re.search(rf"\b{mark}\b", parts)) == []


def test_the_checklist_has_what_commissioning_does_not_see_of_further_parts() -> None:
    checklist = (ROOT / "docs" / "hardware" / "checklist.md").read_text(encoding="utf-8")
    for signal in ("contactor", "dump", "buzzer", "auxiliary"):
        found = terminal_of(signal)
        assert found is not None
        connector, number = found
        assert f"{connector.key}.{number}" in checklist or f"({connector.key})" in checklist
