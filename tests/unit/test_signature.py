"""Signed records: a change by a person who also mends the checksums is found."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from pressloop import PressloopError, verify
from pressloop.cli.app import app
from pressloop.evaluation import finalise, sign
from pressloop.evaluation.manifest import describe_files
from typer.testing import CliRunner

from tests.unit.small_record import sound_record

pytestmark = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="signatures need ssh-keygen (openssh-client)"
)


def new_key(folder: Path, name: str) -> Path:
    key = folder / name
    quiet = ["-q", "-t", "ed25519", "-N", "", "-C", name]
    subprocess.run(["ssh-keygen", *quiet, "-f", key], check=True)
    return key


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_key(tmp_path_factory.mktemp("keys"), "lab")


@pytest.fixture(scope="module")
def signers(key: Path) -> Path:
    path = key.parent / "signers"
    path.write_text(f"ana@lab.example {key.with_suffix('.pub').read_text()}", "utf-8")
    return path


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return sound_record(tmp_path / "run")


def rewritten_by_a_person(record: Path) -> None:
    """Change a figure, and make manifest and checksums fit."""
    path = record / "run.truth"
    path.write_bytes(path.read_bytes()[:-48])
    run_id = json.loads((record / "run.json").read_text("utf-8"))["run_id"]
    manifest = describe_files(record, run_id)
    (record / "manifest.json").write_text(manifest.model_dump_json(indent=2) + "\n", "utf-8")


def test_a_signed_record_names_its_signer(record: Path, key: Path, signers: Path) -> None:
    assert verify(record).signer is None
    assert sign(record, key) == record / "manifest.json.sig"
    found = verify(record, signers)
    assert found.sound and found.signer == "ana@lab.example" and found.notes == ()
    found = verify(record)
    assert found.sound and found.signer is not None and found.signer.startswith("SHA256:")
    assert "not compared" in found.notes[0]


def test_a_manifest_made_anew_does_not_fit_the_signature(
    record: Path, key: Path, signers: Path
) -> None:
    sign(record, key)
    rewritten_by_a_person(record)
    assert set(verify(record).files.values()) == {"ok"}
    for allowed in (None, signers):
        found = verify(record, allowed)
        assert not found.sound and found.signer is None
        assert any("does not fit manifest.json" in problem for problem in found.problems)


def test_another_key_and_no_signature_are_problems(
    record: Path, key: Path, signers: Path, tmp_path: Path
) -> None:
    assert "the record is not signed" in verify(record, signers).problems
    sign(record, new_key(tmp_path, "other"))
    found = verify(record, signers)
    assert any("is not in" in problem for problem in found.problems)
    # A signature of the same key for another purpose, such as a commit.
    (record / "manifest.json.sig").unlink()
    command = ["ssh-keygen", "-Y", "sign", "-q", "-n", "git", "-f", str(key)]
    command.append(str(record / "manifest.json"))
    subprocess.run(command, check=True, capture_output=True)
    assert any("does not fit" in problem for problem in verify(record, signers).problems)


def test_a_new_result_drops_the_old_signature(record: Path, key: Path) -> None:
    sign(record, key)
    finalise(record)
    assert not (record / "manifest.json.sig").exists()
    assert verify(record).sound


def test_what_cannot_be_signed_is_said(record: Path, key: Path, tmp_path: Path) -> None:
    with pytest.raises(PressloopError) as refusal:
        sign(record, tmp_path / "no-key")
    assert refusal.value.code == "bad-key" and "no-key" in str(refusal.value)
    (record / "manifest.json").unlink()
    with pytest.raises(PressloopError) as refusal:
        sign(record, key)
    assert refusal.value.code == "not-finalised"
    with pytest.raises(PressloopError) as refusal:
        verify(sound_record(tmp_path / "two"), signers=3)  # type: ignore[arg-type]
    assert refusal.value.code


def test_the_commands_sign_and_verify(record: Path, key: Path, signers: Path) -> None:
    runner = CliRunner()
    signed = runner.invoke(app, ["sign", str(record), "--key", str(key)])
    assert signed.exit_code == 0, signed.output
    found = runner.invoke(app, ["verify", "--signers", str(signers), str(record)])
    assert found.exit_code == 0 and "signed by ana@lab.example" in found.output
    # A record that is not sound is not signed.
    (record / "run.json").write_text("{}", "utf-8")
    refused = runner.invoke(app, ["sign", str(record), "--key", str(key)])
    assert refused.exit_code == 1 and "not signed" in refused.output


def test_an_edited_sample_is_not_blessed_by_a_repair(record: Path) -> None:
    (record / "sample.json").write_text('{"material": "KBr"}', "utf-8")
    found = verify(record)
    assert not found.sound and not found.repairable
    repaired = CliRunner().invoke(app, ["verify", "--repair", str(record)])
    assert repaired.exit_code == 1
    (record / "sample.json").write_text("{", "utf-8")
    assert CliRunner().invoke(app, ["verify", str(record)]).exit_code == 1
