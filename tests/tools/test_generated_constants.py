"""The generator of the firmware's constants: a stale number is drift, a wrong list an error."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOOP = Path("firmware/pressloop_fw/loop")


def generate(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = ROOT / "protocol" / "generate.py"
    command: list[str | Path] = [sys.executable, program, "--root", root, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the firmware and of what else is generated, up to date."""
    shutil.copytree(
        ROOT / "firmware" / "pressloop_fw",
        tmp_path / "firmware" / "pressloop_fw",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    assert generate(tmp_path).returncode == 0
    result = generate(tmp_path, "--check")
    assert (result.returncode, result.stderr) == (0, "")
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def drifted(root: Path) -> list[str]:
    result = generate(root, "--check")
    names = [line.split(":")[0] for line in result.stderr.splitlines() if "differs" in line]
    assert result.returncode == (1 if names else 0)
    return names


def test_a_block_that_was_edited_by_hand_is_drift_and_is_written_again(root: Path) -> None:
    edit(root / LOOP / "pid.py", "_VALUE_KPA = const(1)", "_VALUE_KPA = const(2)")
    assert drifted(root) == [f"{LOOP}/pid.py"]
    assert generate(root).returncode == 0
    assert (root / LOOP / "pid.py").read_text() == (ROOT / LOOP / "pid.py").read_text()


def test_a_change_of_the_owner_is_drift_in_every_module_that_takes_it(root: Path) -> None:
    edit(root / LOOP / "setpoint.py", "\nVALUE_KPA = const(1)", "\nVALUE_KPA = const(6 - 5 + 1)")
    names = ("force_trim", "pid", "release_watch", "slow_checks", "telemetry_ring")
    takers = [f"{LOOP}/{name}.py" for name in names]
    assert drifted(root) == takers
    assert generate(root).returncode == 0
    assert "_VALUE_KPA = const(2)" in (root / LOOP / "pid.py").read_text()
    assert drifted(root) == []


def test_a_number_that_passes_through_a_module_arrives_in_the_same_run(root: Path) -> None:
    edit(root / LOOP / "scaling.py", "\nSUB_BITS = const(4)", "\nSUB_BITS = const(5)")
    edit(root / LOOP / "sampler.py", "\nALERT = const(15)", "\nALERT = const(_SUB_BITS + 11)")
    assert generate(root).returncode == 0
    assert "_ALERT = const(16)" in (root / LOOP / "tick.py").read_text()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# loop.flags: FLAGS", "# loop.flags: FLAGZ", "loop.flags has no `FLAGZ = const(...)`"),
        ("# loop.flags: FLAGS", "# loop.flag: FLAGS", "there is no module loop.flag"),
        ("# loop.flags: FLAGS", "# the flags", "`# the flags` is not a list"),
        ("# end of generated", "# the end", "needs one `# generated:` and one"),
        ("# generated: numbers", "# written: numbers", "needs one `# generated:` and one"),
    ],
)
def test_slips_in_a_block_are_errors_that_name_the_place(
    root: Path, old: str, new: str, message: str
) -> None:
    edit(root / LOOP / "tick.py", old, new)
    result = generate(root, "--check")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith(f"{LOOP}/tick.py: ")
    assert message in result.stderr
