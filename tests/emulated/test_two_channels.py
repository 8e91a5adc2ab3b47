"""The second pressure channel on the emulated board: what a run and its record say of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pressloop.emulator.description import PressDescription
from pressloop.errors import BadInputError, CommandRefusedError, PressloopError
from pressloop.press import Press
from pressloop.session.status import PressStatus
from pressloop.wire.schema import CapabilityBits, EchoRequest, FlagBits

PROTOCOL = """
pressloop: 1
name: short
die: 10 mm
ceiling: 260 MPa
vent_rate: 50 MPa/s
stages:
  - name: press
    ramp: {target: 100 MPa, rate: 40 MPa/s}
    hold: {duration: 0.5 s, tolerance: 3 %}
  - name: higher
    ramp: {target: 250 MPa, rate: 40 MPa/s}
    hold: {duration: 20 s, tolerance: 3 %}
"""
NEAR: dict[str, Any] = {"ram": {"approach_gap_mm": 0.3}}
SINGLE: dict[str, Any] = {**NEAR, "second_transducer": {"fitted": False}}


def opened(description: dict[str, Any]) -> Press:
    return Press.open("emulated", press=PressDescription.model_validate(description))


def run_json(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return found


def test_a_frozen_first_channel_ends_the_run_as_a_fault_that_the_record_names(
    tmp_path: Path,
) -> None:
    with opened(NEAR) as press:
        run = press.start(PROTOCOL, out=tmp_path / "run")
        for batch in run.telemetry():
            if any(FlagBits.DWELLING in sample.flags for sample in batch):
                assert press.board is not None
                press.board.control({"fault": "sensor-frozen"})
                break
        run.result()
    record = run_json(tmp_path / "run")
    assert (record["end_reason"], record["fault"]) == ("fault", "sensor-disagree")
    channels = record["channels"]
    assert channels["count"] == 2
    assert channels["largest_difference_mpa"] > channels["allowed_mpa"]
    # By the true pressure: the figure, and the rise until the valves act. A hold at 100 MPa whose
    # reading stands still ends in a ramp that the pump follows alone. The channels differ long
    # before the first one has had the same counts for longer than its noise allows.
    peak_mpa = max(stage["peak_mpa"] for stage in record["truth"] if stage["peak_mpa"] is not None)
    assert peak_mpa < 100 + channels["allowed_mpa"] + 40


def test_a_sound_run_says_how_far_its_channels_were_apart(tmp_path: Path) -> None:
    with opened(NEAR) as press:
        assert CapabilityBits.SECOND_CHANNEL in press.hello.capabilities
        run = press.start(PROTOCOL, out=tmp_path / "run")
        holding: list[PressStatus] = []
        for batch in run.telemetry():
            if any(FlagBits.DWELLING in sample.flags for sample in batch):
                holding.append(run.status())
        result = run.result()
    assert result.completed
    record = run_json(tmp_path / "run")
    channels = record["channels"]
    assert (channels["count"], record["warnings"]) == (2, [])
    assert channels["allowed_mpa"] == pytest.approx(11.25, abs=0.05)
    assert 0 < channels["largest_difference_mpa"] < 6
    assert holding
    for status in holding:
        assert status.second_mpa == pytest.approx(status.pressure_mpa, abs=6)


def test_a_single_channel_press_works_and_says_so(tmp_path: Path) -> None:
    with opened(SINGLE) as press:
        assert CapabilityBits.SECOND_CHANNEL not in press.hello.capabilities
        assert press.profile().single_channel
        findings = press.validate(PROTOCOL).findings
        assert [(f.severity, f.code) for f in findings] == [("warning", "single-channel")]
        assert press.status().second_mpa is None
        result = press.run(PROTOCOL, out=tmp_path / "run")
    assert result.completed
    record = run_json(tmp_path / "run")
    assert record["channels"] == {
        "count": 1,
        "allowed_mpa": None,
        "largest_difference_mpa": None,
    }
    assert any("single-channel" in warning for warning in record["warnings"])


def test_a_start_is_refused_while_the_channels_disagree(tmp_path: Path) -> None:
    with opened(NEAR) as press:
        run = press.start(PROTOCOL, out=tmp_path / "first")
        for batch in run.telemetry():
            if any(sample.pressure_kpa > 50_000 for sample in batch):
                assert press.board is not None
                press.board.control({"fault": "second-frozen"})
                break
        result = run.result()
        assert result.summary.fault == "sensor-disagree"
        while press.status().pressure_mpa > 1:
            press.session.request(EchoRequest(b""))
        press.clear_fault()
        with pytest.raises(CommandRefusedError) as refusal:
            press.run(PROTOCOL, out=tmp_path / "second")
        assert refusal.value.code == "sensors-disagree"


def test_the_ram_waits_for_a_hand_at_the_button_where_the_file_says_so(tmp_path: Path) -> None:
    brief = PROTOCOL[: PROTOCOL.index("  - name: higher")]
    with opened({**SINGLE, "controller": {"hold_to_run": True}}) as press:
        assert press.board is not None
        run = press.start(brief, out=tmp_path / "run")
        for batch in run.telemetry():
            status = press.status()
            if status.waits_for_button and any(sample.tick > 500 for sample in batch):
                assert (status.approaching, status.pressure_mpa < 2) == (True, True)
                press.board.control({"set": {"button": True}})
                break
        result = run.result()
    assert result.end_reason == "completed"
    assert run_json(tmp_path / "run")["end_reason"] == "completed"


def test_a_single_channel_press_has_no_second_one_to_break() -> None:
    with opened(SINGLE) as press:
        assert press.board is not None
        with pytest.raises(PressloopError, match="one transducer"):
            press.board.control({"fault": "second-frozen"})


def test_limits_of_die_and_single_channel_are_those_of_the_board(tmp_path: Path) -> None:
    limited = {**NEAR, "die_loads_kn": [18, 0, 0]}
    with opened(limited) as press, pytest.raises(BadInputError) as refused:
        press.run(PROTOCOL, out=tmp_path / "load")
    (finding,) = refused.value.findings
    assert finding.message == (
        "the ceiling of 260 MPa (20.4 kN on 10 mm) is above the greatest load of the 10 mm die, "
        "18 kN (229 MPa)"
    )
    limited = {**SINGLE, "limits": {"single_channel_bar": 120}}
    with opened(limited) as press, pytest.raises(BadInputError) as refused:
        press.run(PROTOCOL, out=tmp_path / "single")
    assert {finding.code for finding in refused.value.findings} == {"over-limit"}
