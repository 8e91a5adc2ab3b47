"""The examples of the documentation run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pressloop
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.usefixtures("micropython")
def test_the_page_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "sdk.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 4
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/sdk.md", "exec"), names)
    said = capsys.readouterr().out
    assert said.startswith("completed")
    assert said.endswith("interrupted\ncompleted\n")


@pytest.mark.slow
@pytest.mark.usefixtures("micropython")
def test_a_protocol_built_in_python_runs_and_is_steered(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, ROOT / "examples" / "progressive.py", "emulated", tmp_path / "run"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "measure 1: done, 45." in result.stdout


def test_a_script_with_mistakes_says_what_to_do(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, ROOT / "examples" / "press_a_cell.py", "/dev/ttyNONE", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "hint:" in result.stderr


def test_every_public_name_is_there() -> None:
    assert sorted(pressloop.__all__) == dir(pressloop)
    for name in pressloop.__all__:
        assert getattr(pressloop, name) is not None
    with pytest.raises(AttributeError):
        _ = pressloop.nonsense
