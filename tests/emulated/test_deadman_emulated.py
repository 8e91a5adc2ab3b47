"""The deadman circuit of the emulated board, judged by the true pressure."""

from __future__ import annotations

import struct
from pathlib import Path

from pressloop.press import Press
from pressloop_sim.plant.truth_format import MAGIC, RECORD

RATE_MPA_S = 20.0
PROTOCOL = """
pressloop: 1
name: hang in a ramp
die: 10 mm
ceiling: 480 MPa
stages:
  - name: only
    ramp: {target: 450 MPa, rate: 20 MPa/s}
    hold: {duration: 4 s, tolerance: 2 %}
"""


def test_a_hung_tick_at_high_pressure_ends_released_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "press.yaml").write_text("preset: jack-10t\nram: {approach_gap_mm: 0.3}\n")
    (tmp_path / "protocol.yaml").write_text(PROTOCOL)
    with Press.open("emulated", press=tmp_path / "press.yaml") as press:
        result = press.run(
            tmp_path / "protocol.yaml", out=tmp_path / "run", faults=["tick-hang@21"]
        )
        board = press.board
        assert board is not None and board.truth_path is not None
        truth = [
            record[1]
            for record in struct.iter_unpack(RECORD, board.truth_path.read_bytes()[len(MAGIC) :])
        ]
    assert (result.end_reason, result.summary.fault) == ("board-reset", "tick-hang")
    at_hang = float(result.frame().true_pressure_mpa.max())
    assert at_hang > 350
    assert max(truth) - at_hang <= 0.02 * at_hang + RATE_MPA_S * 0.06
    assert truth[-1] < 1
