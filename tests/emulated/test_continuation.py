"""Press only the rest of a run that did not complete, after a person has confirmed it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pressloop import OpenPrompt, Press, PressloopError, RunRecord, confirm_all
from pressloop.cli.app import app
from typer.testing import CliRunner

PROTOCOL = """\
pressloop: 1
name: three steps
die: 10 mm
ceiling: 220 MPa
stages:
  - name: first
    ramp: {target: 50 MPa, rate: 25 MPa/s}
    hold: {duration: 1 s, tolerance: 3 %}
    release: {target: 0 MPa, rate: 50 MPa/s}
  - prompt: "Turn the die."
  - name: second
    ramp: {target: 100 MPa, rate: 25 MPa/s}
    hold: {duration: 20 s, tolerance: 3 %}
    release: {target: 0 MPa, rate: 50 MPa/s}
  - repeat: 2
    stages:
      - name: again
        ramp: {target: 60 MPa, rate: 25 MPa/s}
        release: {target: 0 MPa, rate: 50 MPa/s}
"""


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the record of a run that lost its power in the hold of the second stage."""
    folder = tmp_path_factory.mktemp("cut") / "cut"
    with Press.open("emulated") as press:
        result = press.run(PROTOCOL, out=folder, on_prompt=confirm_all, faults=["power-cut@25"])
    assert result.end_reason == "power-lost"
    assert RunRecord.open(folder).summary.stages[0].outcome == "done"
    return folder


def test_the_rest_is_pressed_after_a_person_has_confirmed(cut: Path, tmp_path: Path) -> None:
    asked: list[str] = []

    def confirm(prompt: OpenPrompt) -> bool:
        asked.append(prompt.text)
        return True

    with Press.open("emulated") as press:
        result = press.run(
            PROTOCOL,
            out=tmp_path / "rest",
            on_prompt=confirm,
            continues=cut,
        )
    assert result.end_reason == "completed"
    # Before anything moved; then the prompt of the stage itself, which belongs to it.
    assert "same pellet" in asked[0] and "cut" in asked[0] and asked[1] == "Turn the die."
    summary = RunRecord.open(tmp_path / "rest").summary
    assert [stage.name for stage in summary.stages] == ["second", "again", "again"]
    assert summary.header.continues is not None
    assert summary.header.continues.run_id == RunRecord.open(cut).summary.run_id
    assert any("continues run" in warning for warning in summary.warnings)


def test_a_refused_prompt_moves_nothing(cut: Path, tmp_path: Path) -> None:
    with Press.open("emulated") as press:
        result = press.run(PROTOCOL, out=tmp_path / "no", on_prompt=lambda _: False, continues=cut)
    assert result.end_reason != "completed"
    table = RunRecord.open(tmp_path / "no").frame()
    assert table["pressure_mpa"].max() < 1.0


def test_what_cannot_be_continued_is_refused(cut: Path, tmp_path: Path) -> None:
    def refusal(protocol: str, **given: object) -> str:
        with pytest.raises(PressloopError) as refused:
            press.run(protocol, out=tmp_path / "x", on_prompt=confirm_all, **given)  # type: ignore[arg-type]
        return refused.value.code

    with Press.open("emulated") as press:
        other = PROTOCOL.replace("100 MPa", "90 MPa")
        assert refusal(other, continues=cut) == "other-protocol"
        assert refusal(PROTOCOL, continues=cut, from_stage="again") == "unknown-stage"
        assert refusal(PROTOCOL, continues=tmp_path) == "no-record"
        assert refusal(PROTOCOL, from_stage="second") == "bad-input"
        press.run(PROTOCOL, out=tmp_path / "rest", on_prompt=confirm_all, continues=cut)
        assert refusal(PROTOCOL, continues=tmp_path / "rest") == "nothing-to-continue"


def test_the_command_continues_from_a_chosen_stage(cut: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(PROTOCOL, "utf-8")
    command = ["run", str(path), "--port", "emulated", "--yes", "--out", str(tmp_path / "r")]
    done = CliRunner().invoke(app, [*command, "--continue", str(cut), "--from", "first"])
    assert done.exit_code == 0, done.output
    assert "continues run" in done.output and "from stage 'first'" in done.output
