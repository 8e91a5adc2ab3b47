"""An emulated press takes the numbers of numpy: for the board's settings and the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pressloop import EmulatedBoard, MachineProfile, Press, confirm_all

PROTOCOL = """
pressloop: 1
name: Short
die: 10 mm
ceiling: 120 MPa
stages:
  - name: densify
    ramp: {target: 20 MPa, rate: 20 MPa/s}
    hold: {duration: 1 s, tolerance: 5 %}
"""

three: Any = np.int64(3)
half: Any = np.float32(0.5)


def test_a_run_with_a_seed_of_numpy(tmp_path: Path) -> None:
    with Press.open("emulated", seed=three) as press:
        result = press.run(PROTOCOL, out=tmp_path / "run", on_prompt=confirm_all)
    assert result.end_reason == "completed"
    emulated = result.summary.header.emulated_press
    assert emulated is not None and emulated.seed == 3


def test_a_board_with_numbers_of_numpy() -> None:
    settings: dict[str, Any] = {"ring_records": np.uint16(4096), "silence_s": half}
    with (
        EmulatedBoard(seed=three, speed=half, orphan_s=three, **settings) as board,
        Press.open(board.url, reconnect_timeout_s=three) as press,
    ):
        press.write_profile(MachineProfile.from_fields(board.press.nominal_profile()))
