"""Protocols are read and saved in one folder only, and never over a change of another program."""

from __future__ import annotations

from pathlib import Path

import pytest
from pressloop.emulator.description import PressDescription
from pressloop.errors import BadInputError
from pressloop.web.prediction import check_view
from pressloop.web.protocol_folder import ProtocolFolder, text_hash

from tests.web.page_client import LONG, PROTOCOL

PROFILE = PressDescription().machine_profile()


@pytest.fixture
def folder(tmp_path: Path) -> ProtocolFolder:
    (tmp_path / "three.yaml").write_text(PROTOCOL)
    (tmp_path / "notes.txt").write_text("no protocol")
    return ProtocolFolder(tmp_path)


def test_the_list_has_the_folder_first_and_then_the_ready_made(folder: ProtocolFolder) -> None:
    ids = [file.id for file in folder.files()]
    assert ids[0] == "three.yaml"
    assert "ready:cycle-life" in ids[1:]
    assert all(one.startswith("ready:") for one in ids[1:])


@pytest.mark.parametrize(
    "name", ["../x.yaml", "/etc/x.yaml", "a/b.yaml", "x.txt", ".hidden.yaml", "", "x\0.yaml"]
)
def test_no_name_leads_out_of_the_folder(folder: ProtocolFolder, name: str) -> None:
    with pytest.raises(BadInputError) as refusal:
        folder.read(name)
    assert refusal.value.code == "bad-name"
    with pytest.raises(BadInputError) as refusal:
        folder.save(name, PROTOCOL, None)
    assert refusal.value.code == "bad-name"


def test_a_file_is_saved_whole_and_only_if_nothing_else_has_changed_it(
    folder: ProtocolFolder,
) -> None:
    known = folder.read("three.yaml").sha256
    assert known == text_hash(PROTOCOL)
    saved = folder.save("three.yaml", PROTOCOL + "# mine\n", known)
    assert folder.read("three.yaml").text.endswith("# mine\n")
    with pytest.raises(BadInputError) as refusal:
        folder.save("three.yaml", LONG, known)
    assert refusal.value.code == "changed-on-disk"
    with pytest.raises(BadInputError) as refusal:
        folder.save("three.yaml", LONG, None)
    assert refusal.value.code == "exists"
    assert folder.read("three.yaml").sha256 == saved.sha256
    assert [path.name for path in folder.folder.iterdir() if path.name.startswith(".")] == []


def test_the_check_is_that_of_the_validator_with_lines() -> None:
    view = check_view(PROTOCOL.replace("260 MPa", "9 GPa"), "three.yaml", PROFILE)
    assert not view["valid"]
    assert view["plan"] is None
    assert view["name"] == "Three steps"
    (finding,) = [one for one in view["findings"] if one["severity"] == "error"]
    assert finding["line"] == 4
    assert finding["message"] and finding["hint"]


def test_the_predicted_curve_is_that_of_the_plan() -> None:
    plan = check_view(PROTOCOL, "three.yaml", PROFILE)["plan"]
    assert max(plan["curve"]["p"]) == 200
    assert plan["curve"]["t"][-1] == pytest.approx(plan["expected_s"])
    assert [stage["name"] for stage in plan["stages"] if not stage["prompt"]] == [
        "first",
        "second",
        "third",
    ]
    assert len(plan["marks"]) == 2
    assert plan["highest"] == "200 MPa (15.7 kN on 10 mm)"


def test_without_a_press_the_form_is_still_checked() -> None:
    view = check_view("pressloop: 1\nname: [", "x.yaml", None)
    assert view["checked_for"] is None
    assert view["findings"]
    assert not view["valid"]
    assert view["name"] is None
    assert check_view(PROTOCOL, "three.yaml", None)["name"] == "Three steps"
