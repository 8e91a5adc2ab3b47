"""A pellet that cracks in the emulated press is reported in the record."""

from __future__ import annotations

from pathlib import Path

from pressloop.evaluation import RunSummary, verdict_rows
from pressloop.press import Press

PROTOCOL = """
pressloop: 1
name: short
die: 10 mm
ceiling: 200 MPa
vent_rate: VENT
stages:
  - name: low
    ramp: {target: 40 MPa, rate: 20 MPa/s}
    hold: {duration: 1 s, tolerance: 5 %}
  - name: high
    ramp: {target: 100 MPa, rate: 30 MPa/s}
    hold: {duration: 2 s, tolerance: 5 %}
"""


def _press(tmp_path: Path, powder: dict[str, float], vent: str = "50 MPa/s") -> RunSummary:
    protocol = tmp_path / "protocol.yaml"
    protocol.write_text(PROTOCOL.replace("VENT", vent))
    press = tmp_path / "press.yaml"
    fields = ", ".join(f"{name}: {value}" for name, value in powder.items())
    press.write_text(
        f"preset: jack-10t\nram: {{approach_gap_mm: 0.3}}\npowder: {{{fields}}}\n"
        "displacement: {resolution_um: 1}\n"
    )
    with Press.open("emulated", press=press) as machine:
        return machine.run(protocol, out=tmp_path / "run").summary


def test_sound_pellet_has_no_warning(tmp_path: Path) -> None:
    summary = _press(tmp_path, {})
    assert (summary.end_reason, summary.damage, summary.warnings) == ("completed", (), ())


def test_pellet_cracked_by_pressure_is_in_the_record(tmp_path: Path) -> None:
    summary = _press(tmp_path, {"crack_mpa": 80})
    # The board has detected the crack, and does not press a broken pellet further.
    assert (summary.end_reason, summary.fault) == ("fault", "sample-cracked")
    assert summary.damage is not None and summary.truth is not None
    (crack,) = summary.damage
    assert (crack.what, crack.stage) == ("cracked under too much pressure", "high")
    assert [stage.damage is None for stage in summary.truth] == [True, False]
    assert [row.passed for row in verdict_rows(summary) if row.source == "truth"] == [True, False]
    assert "cracked" in summary.warnings[0]


def test_pellet_cracked_by_the_vent_is_in_the_record(tmp_path: Path) -> None:
    summary = _press(tmp_path, {"crack_release_mpa_s": 40}, vent="100 MPa/s")
    assert summary.damage is not None
    assert [(crack.what, crack.stage) for crack in summary.damage] == [
        ("cracked in too fast a release", None)
    ]
