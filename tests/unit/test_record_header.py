"""The header of a record has the values of plan and replies, in its own units."""

from __future__ import annotations

from pressloop.machine.profile import MachineProfile
from pressloop.plan import compile_plan
from pressloop.protocol import Protocol
from pressloop.record import RunHeader
from pressloop.record.header import (
    board_identity,
    new_header,
    planned_stages,
    planned_steps,
    step_result,
)
from pressloop.record.model import HostLossPlan
from pressloop.wire.schema import (
    CapabilityBits,
    DwellEnd,
    Fault,
    HelloReply,
    ResetCause,
    StepOutcome,
    StepResultReply,
)

PROFILE = MachineProfile(
    name="bench",
    ram_area_cm2=14.5,
    full_scale_bar=400,
    raw_zero=6554,
    raw_full=32768,
    raw_fault_low=5000,
    raw_fault_high=34000,
    accuracy_percent=0.1,
    max_oil_bar=390,
    dies_mm=(10,),
    pump_dead_band_percent=20,
    release_dead_band_percent=20,
    pump_flow_ml_s=2,
    release_flow_ml_s=5,
    compliance_ul_mpa=60,
)
PROTOCOL = Protocol.model_validate(
    {
        "name": "progressive",
        "die": "10 mm",
        "ceiling": "300 MPa",
        "stages": [
            {
                "repeat": 2,
                "step": "50 MPa",
                "stages": [
                    {
                        "name": "press",
                        "ramp": {"target": "100 MPa", "rate": "10 MPa/s"},
                        "hold": {"duration": "30 s", "tolerance": "1 %"},
                        "release": {"target": "20 MPa", "rate": "5 MPa/s"},
                    },
                ],
            },
            {"prompt": "insert the cathode"},
            {
                "name": "relax",
                "hold": {
                    "target": "20 MPa",
                    "duration": "open",
                    "tolerance": "1 MPa",
                    "mode": "sealed",
                },
            },
            {"name": "let go", "release": {"target": "0 MPa", "rate": "5 MPa/s"}},
        ],
    }
)

HELLO = HelloReply(
    nonce=1,
    major=1,
    minor=2,
    session=3,
    firmware="0.1.0",
    board="pico",
    unique_id=b"\x01\xab",
    capabilities=CapabilityBits(0),
    schema_hash=bytes(8),
    boot_id=4,
    reset_cause=ResetCause.POWER_ON,
    last_fault=Fault.NONE,
    simulated=False,
    ring_records=100,
    python="micropython 1.25",
    profile_hash=bytes(8),
    build="abc",
    channels=1,
)


def header_of_plan() -> RunHeader:
    return new_header(
        compile_plan(PROTOCOL, PROFILE),
        HELLO,
        PROFILE.to_wire(),
        profile=PROFILE,
        protocol_text=PROTOCOL.to_yaml(),
        port="/dev/ttyACM0",
        emulated_press=None,
        thinning=None,
    )


def test_stages_have_target_direction_and_pass() -> None:
    stages = planned_stages(compile_plan(PROTOCOL, PROFILE))
    seen = [(s.name, s.iteration, s.direction, s.target_mpa, s.tolerance_mpa) for s in stages]
    assert seen == [
        ("press", 1, "up", 100, 1.0),
        ("press", 2, "up", 150, 1.5),
        ("prompt", 1, "none", None, None),
        ("relax", 1, "none", 20, 1.0),
        ("let go", 1, "down", 0, None),
    ]
    assert stages[1].steps == (3, 4, 5)
    assert stages[1].rate_mpa_s == 10
    assert stages[1].path == "stages[0].stages[0]"


def test_steps_are_in_the_units_of_the_record() -> None:
    steps = planned_steps(compile_plan(PROTOCOL, PROFILE))
    assert [step.kind for step in steps] == (
        ["ramp", "hold", "release"] * 2 + ["prompt", "hold", "release"]
    )
    hold, prompt, sealed = steps[1], steps[6], steps[7]
    assert (hold.target_mpa, hold.tolerance_mpa, hold.duration_s) == (100, 1.0, 30)
    assert (prompt.text, prompt.target_mpa) == ("insert the cathode", None)
    assert (sealed.mode, sealed.open, sealed.duration_s) == ("sealed", True, None)


def test_a_step_result_keeps_every_number() -> None:
    reply = StepResultReply(
        outcome=StepOutcome.ADVANCED,
        ticks=1,
        dwell_ticks=2,
        peak_kpa=3,
        lowest_kpa=4,
        top_ups=5,
        start_tick=6,
        dwell_end=DwellEnd.RELAXATION,
        loss_kpa_min=-7,
        leak_kpa_min=8,
    )
    assert step_result(9, reply).model_dump() == {
        "step": 9,
        "outcome": "advanced",
        "ticks": 1,
        "dwell_ticks": 2,
        "peak_kpa": 3,
        "lowest_kpa": 4,
        "top_ups": 5,
        "start_tick": 6,
        "dwell_end": "relaxation",
        "loss_kpa_min": -7,
        "leak_kpa_min": 8,
    }


def test_a_board_is_identified_by_its_hello() -> None:
    identity = board_identity(HELLO)
    assert (identity.unique_id, identity.protocol_version) == ("01ab", "1.2")
    assert (identity.schema_hash, identity.boot_id) == ("00" * 8, 4)


def test_the_header_says_what_the_board_does_without_a_host() -> None:
    header = header_of_plan()
    assert header.ceiling_mpa == 300
    assert header.host_loss == HostLossPlan(
        action="hold", limit_s=600, timeout_s=2, vent_rate_mpa_s=20
    )
    assert "holds the pressure for up to 10 min" in str(header.host_loss)
    for action, said in (("vent", "2 s after it has lost"), ("finish", "continues the protocol")):
        assert said in str(header.host_loss.model_copy(update={"action": action}))


def test_a_header_of_an_older_version_is_read() -> None:
    older = header_of_plan().model_dump()
    del older["ceiling_mpa"], older["host_loss"]
    header = RunHeader.model_validate(older)
    assert (header.ceiling_mpa, header.host_loss) == (None, None)
