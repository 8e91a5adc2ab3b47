"""The notebook of the examples runs from top to bottom, and results can be looked at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pressloop import Press, RunPlot, confirm_all
from pressloop.errors import PressloopError

ROOT = Path(__file__).resolve().parents[2]

PROTOCOL = """
pressloop: 1
name: short
die: 10 mm
ceiling: 60 MPa
stages:
  - name: press
    ramp: {target: 50 MPa, rate: 50 MPa/s}
    hold: {duration: 1 s, tolerance: 2 %}
"""


@pytest.mark.slow
@pytest.mark.usefixtures("micropython")
def test_the_notebook_finds_the_leaking_pellet(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "notebook.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "pellet 5 completed pass" in done.stdout
    assert "1 of 6 runs is not like the others." in done.stdout
    assert "06: densify: oil pumped in the hold" in done.stdout.replace("\\", "/")
    assert "Na3PS4 (lot L-0412, 140.1 mg) was pressed uniaxially" in done.stdout
    assert "Not recorded: plunger diameter, temperature" in done.stdout
    for name in ("last.png", "batch.png", "pellet-1.html"):
        assert (tmp_path / "runs" / "batch" / name).stat().st_size > 10_000


@pytest.mark.usefixtures("micropython")
def test_a_result_is_shown_and_saved_as_a_plot(tmp_path: Path) -> None:
    with Press.open("emulated") as press:
        result = press.run(PROTOCOL, out=tmp_path / "run", on_prompt=confirm_all)
    plot = result.plot()
    assert isinstance(plot, RunPlot)
    assert plot._repr_png_().startswith(b"\x89PNG")
    plot.figure.text(0.5, 0.5, "mine")
    svg = plot.save(tmp_path / "mine.svg").read_text()
    assert "mine" in svg or "<svg" in svg
    with pytest.raises(PressloopError, match="no format"):
        plot.save(tmp_path / "mine.bmp")
    assert result.record.summary == result.summary
