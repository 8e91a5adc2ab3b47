"""A damaged file of a record is noticed, named, and replaced by the journal where that is sound."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pressloop import PressloopError, RunRecord, verify
from pressloop.cli.app import app
from pressloop.evaluation import finalise
from pressloop.evaluation.manifest import describe_files
from pressloop.record.journal import encode_entry, read_journal
from typer.testing import CliRunner

from tests.unit.small_record import RUN, sound_record

DERIVED = ("run.json", "telemetry.parquet", "manifest.json")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sound_record(tmp_path_factory.mktemp("records") / "sound")


def copy_of(folder: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    return Path(shutil.copytree(folder, to))


def flip(path: Path, position: int, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[position % len(data)] ^= 1 << bit
    path.write_bytes(data)


def test_a_sound_record_is_sound(sound: Path) -> None:
    found = verify(sound)
    assert found.sound and found.problems == () and found.notes == ()
    assert set(found.files) == {"run.journal", "run.json", "telemetry.parquet", "run.truth"}
    assert set(found.files.values()) == {"ok"}


@pytest.mark.parametrize("name", [*DERIVED, "run.journal", "run.truth"])
def test_a_flipped_bit_anywhere_is_noticed(sound: Path, tmp_path: Path, name: str) -> None:
    draw = random.Random(name)
    true_stages = RunRecord.open(sound).summary.stages
    for _ in range(25):
        folder = copy_of(sound, tmp_path / "copy")
        flip(folder / name, draw.randrange(1 << 30), draw.randrange(8))
        try:
            found = verify(folder)
        except PressloopError as error:
            assert name == "run.journal" and error.code == "record-damaged"
            continue
        assert not found.sound
        assert any(name in problem for problem in found.problems), found.problems
        if name in DERIVED:
            # The journal is whole: what is read is what was measured.
            record = RunRecord.open(folder)
            assert record.summary.stages == true_stages
            assert name in record.summary.warnings[0]
            assert record.table().num_rows == len(RUN.records)


@pytest.mark.parametrize("name", ["run.json", "telemetry.parquet"])
@pytest.mark.parametrize("content", [b"", b"{", b"null", b'{"run_id": 1}', b"\xff\xfe\0"])
def test_a_cut_file_beside_a_whole_journal_is_read_from_the_journal(
    sound: Path, tmp_path: Path, name: str, content: bytes
) -> None:
    for manifest in (True, False):
        folder = copy_of(sound, tmp_path / "copy")
        (folder / name).write_bytes(content)
        if not manifest:  # a record of an older version
            (folder / "manifest.json").unlink()
        record = RunRecord.open(folder)
        assert record.summary.stages == RunRecord.open(sound).summary.stages
        assert name in record.summary.warnings[0]


def test_without_journal_a_damaged_file_is_an_error_that_names_it(
    sound: Path, tmp_path: Path
) -> None:
    folder = copy_of(sound, tmp_path / "copy")
    (folder / "run.journal").unlink()
    assert RunRecord.open(folder).summary.complete
    flip(folder / "telemetry.parquet", 200, 3)
    with pytest.raises(PressloopError, match=r"telemetry\.parquet") as refusal:
        RunRecord.open(folder)
    assert refusal.value.code == "record-damaged"


def test_a_missing_an_added_and_an_edited_file_are_named(sound: Path, tmp_path: Path) -> None:
    folder = copy_of(sound, tmp_path / "copy")
    (folder / "run.truth").unlink()
    (folder / "sample.json").write_text("{}", "utf-8")
    found = verify(folder)
    assert found.files["run.truth"] == "missing"
    assert found.files["sample.json"] == "not listed"
    # A figure that was improved by hand, with a manifest to match.
    folder = copy_of(sound, tmp_path / "copy")
    text = (folder / "run.json").read_text("utf-8")
    stage = RunRecord.open(sound).summary.stages[0]
    (folder / "run.json").write_text(text.replace(str(stage.mean_mpa), "20.0", 1), "utf-8")
    manifest = describe_files(folder, RUN.header.run_id)
    (folder / "manifest.json").write_text(manifest.model_dump_json(), "utf-8")
    found = verify(folder)
    assert set(found.files.values()) == {"ok"}
    assert found.problems == ("the result does not follow from the journal: stages[0].mean_mpa",)


def test_finalising_again_makes_a_damaged_record_sound(sound: Path, tmp_path: Path) -> None:
    folder = copy_of(sound, tmp_path / "copy")
    flip(folder / "run.json", 1000, 1)
    finalise(folder)
    assert verify(folder).sound


def test_the_command_names_damage_and_repairs_it(sound: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    folder = copy_of(sound, tmp_path / "copy")
    flip(folder / "run.json", 1000, 1)
    found = runner.invoke(app, ["verify", str(sound), str(folder)])
    assert found.exit_code == 1
    assert f"{sound}: sound" in found.stdout and f"{folder}: NOT SOUND" in found.stdout
    assert "run.json: changed" in found.stdout
    repaired = runner.invoke(app, ["verify", "--repair", "--json", str(folder)])
    assert repaired.exit_code == 0, repaired.output
    assert json.loads(repaired.stdout)[0]["sound"] is True
    # What was recorded cannot be made again.
    flip(folder / "run.journal", 300, 1)
    assert runner.invoke(app, ["verify", "--repair", str(folder)]).exit_code == 1
    assert runner.invoke(app, ["verify", str(tmp_path / "nothing")]).exit_code == 2


VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 70), 1 << 70),
    st.sampled_from([0, -1, 1 << 32, 255, 256]),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=60),
    st.lists(st.integers(-5, 300), max_size=3),
    st.dictionaries(st.sampled_from(["kind", "index", "steps"]), st.integers(), max_size=2),
)


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested maps and lists."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [place] if place else []
    for key, one in inner:
        if isinstance(one, dict | list):
            found.extend(places(one, (*place, key)))
        else:
            found.append((*place, key))
    return found


@given(st.data())
@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_right_checksum_over_wrong_content_ends_in_a_typed_error_or_a_warning(
    sound: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    entries = [cbor2.loads(cbor2.dumps(e)) for e in read_journal(sound / "run.journal").entries]
    entry = entries[data.draw(st.integers(0, len(entries) - 1))]
    place = data.draw(st.sampled_from(places(entry)))
    inner = entry
    for key in place[:-1]:
        inner = inner[key]
    if data.draw(st.booleans()):
        inner[place[-1]] = data.draw(VALUES)
    else:
        del inner[place[-1]]
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "run.journal").write_bytes(b"".join(map(encode_entry, entries)))
    shutil.copy(sound / "run.truth", folder)
    try:
        summary = RunRecord.open(folder).summary
    except PressloopError as error:
        assert error.code in ("record-damaged", "record-version", "no-truth"), error
    else:
        assert summary.run_id is not None
        finalise(folder)
        verify(folder)
    shutil.rmtree(folder)
