"""The labgrid driver, in an environment that has labgrid: it cannot share one with pyserial."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pressloop.errors import PressloopError

FIRMWARE = str(Path(__file__).resolve().parents[2] / "firmware")
LABGRID = os.environ.get("PRESSLOOP_LABGRID_PYTHON")


@pytest.mark.slow
@pytest.mark.skipif(
    LABGRID is None, reason="PRESSLOOP_LABGRID_PYTHON names no Python that has labgrid"
)
def test_labgrid_presses_a_pellet(tmp_path: Path, micropython: Path) -> None:
    assert LABGRID is not None
    script = Path(__file__).with_name("labgrid_press.py")
    done = subprocess.run(
        [LABGRID, script, tmp_path / "run"],
        env=os.environ
        | {"PRESSLOOP_MICROPYTHON": str(micropython), "PRESSLOOP_FIRMWARE": FIRMWARE},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "completed"


@pytest.mark.skipif(
    importlib.util.find_spec("labgrid") is not None, reason="this environment has labgrid"
)
def test_without_labgrid_the_way_to_it_is_named() -> None:
    with pytest.raises(PressloopError) as refused:
        importlib.import_module("pressloop.integrations.labgrid_driver")
    assert refused.value.code == "missing-extra"
    assert "environment of its own" in refused.value.hint
    assert "pressloop.integrations.labgrid_driver" not in sys.modules
