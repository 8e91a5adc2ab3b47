"""The protocol models accept, round and write a document as documented."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pressloop.errors import BadInputError
from pressloop.protocol import (
    Hold,
    HostLoss,
    Pid,
    Prompt,
    Protocol,
    Ramp,
    Release,
    Repeat,
    Stage,
    Until,
)
from pressloop.protocol.loading import load_protocol
from pydantic import ValidationError


def a_protocol(**changes: object) -> Protocol:
    fields: dict[str, object] = {
        "name": "test",
        "die": "10 mm",
        "ceiling": "520 MPa",
        "stages": [Stage(name="a", ramp=Ramp(target="250 MPa", rate="10 MPa/s"))],
    }
    return Protocol.model_validate(fields | changes)


def test_a_protocol_built_in_python_is_the_same_after_yaml() -> None:
    protocol = Protocol(
        name="script",
        die="10 mm",
        ceiling="520 MPa",
        on_host_loss=HostLoss(action="finish", limit="1 h"),
        stages=[
            Stage(
                name="densify",
                ramp=Ramp(target=f"{125 * 2} MPa", rate="10 MPa/s"),
                hold=Hold(duration="3 min", tolerance="0.5 %"),
                release=Release(target="0 MPa", rate="20 MPa/s"),
                pid=Pid(kp="6 /s", ki="3 /s2"),
            ),
            Prompt(prompt="Insert the cathode"),
            Repeat(repeat=2, stages=[Stage(name="b", ramp=Ramp(target="9 MPa", rate="1 MPa/s"))]),
        ],
    )
    assert (protocol.die_um, protocol.ceiling_kpa) == (10_000, 520_000)
    assert isinstance(protocol.stages, tuple)
    assert load_protocol(protocol.to_yaml()) == protocol


@pytest.mark.parametrize(
    "text", [":0", "Steady: {yes}?", "a, b", "#1", "- x", "true", "12", "'", '"']
)
def test_a_text_inside_braces_is_the_same_after_yaml(text: str) -> None:
    stage = Stage(
        name="a",
        ramp=Ramp(target="250 MPa", rate="10 MPa/s"),
        hold=Hold(until=Until(operator=text, at_most="1 h"), tolerance="0.5 %"),
    )
    protocol = a_protocol(stages=[stage])
    assert load_protocol(protocol.to_yaml()) == protocol


def test_to_yaml_writes_the_layout_that_people_use() -> None:
    protocol = a_protocol(
        stages=[
            Stage(
                name="a",
                ramp=Ramp(target="250MPa", rate="10 MPa/s"),
                hold=Hold(duration="open", tolerance="0.5 %"),
            )
        ]
    )
    assert protocol.to_yaml() == (
        "pressloop: 1\n"
        "name: test\n"
        "die: 10 mm\n"
        "ceiling: 520 MPa\n"
        "stages:\n"
        "  - name: a\n"
        "    ramp: {target: 250 MPa, rate: 10 MPa/s}\n"
        "    hold: {duration: open, tolerance: 0.5 %}\n"
    )


def test_hash_depends_on_the_content_and_not_on_the_layout() -> None:
    spelled = "name: test\npressloop: 1   # comment\nceiling:    520MPa\ndie: 10 mm\n" + (
        "stages: [{ramp: {rate: 10 MPa/s, target: 250 MPa}, name: a}]\n"
    )
    assert load_protocol(spelled).sha256 == a_protocol().sha256
    assert a_protocol(ceiling="521 MPa").sha256 != a_protocol().sha256
    assert len(a_protocol().sha256) == 64


@pytest.mark.parametrize("number", [250, 250.5, True])
def test_a_number_is_not_a_quantity(number: object) -> None:
    with pytest.raises(ValidationError, match=r"has no unit|is needed here"):
        Ramp.model_validate({"target": number, "rate": "10 MPa/s"})


def test_a_protocol_is_immutable() -> None:
    protocol = a_protocol()
    with pytest.raises(BadInputError, match="frozen"):
        protocol.name = "other"


def test_tolerance_and_times_are_rounded_up_and_the_ceiling_down() -> None:
    assert a_protocol(ceiling="520.0009 MPa").ceiling_kpa == 520_000
    hold = Hold(duration="1.0001 s", tolerance="0.5 %", timeout="1.0001 s")
    assert hold.tolerance_kpa(74_001, 10_000) == 371
    assert hold.duration_ms == 1001
    assert hold.timeout_ms == 1001
    assert Hold(duration="open", tolerance="1 Pa").tolerance_kpa(1000, 10_000) == 1


@given(st.decimals("0.001", "100", places=3), st.integers(1, 2_000_000))
def test_tolerance_in_kpa_is_never_below_what_is_written(percent: object, target_kpa: int) -> None:
    hold = Hold(duration="open", tolerance=f"{percent} %")
    exact = float(str(percent)) / 100 * target_kpa
    assert exact - 1e-6 <= hold.tolerance_kpa(target_kpa, 10_000) < exact + 1


def test_gains_are_converted_to_the_integers_of_the_wire() -> None:
    pid = Pid(kp="6 /s", ki="3 /s2", kd=0.5)
    assert (pid.kp_q8, pid.ki_tick_q16, pid.kd_q8) == (1536, 1966, 128)
    most = Pid(kp="31 /s", ki="24 /s2", kd=15)
    assert (most.kp_q8, most.ki_tick_q16, most.kd_q8) <= (8191, 16383, 4095)


def test_a_text_of_one_line_is_the_path_of_a_file() -> None:
    with pytest.raises(BadInputError, match=r"cannot read nowhere\.yaml"):
        load_protocol("nowhere.yaml")
