"""Pump, release, contactor and buzzer: each kind that the press file can name does its work."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from pressloop import State
from pressloop.hardware.kinds import PUMP_KINDS
from pressloop.hil import wiring
from pressloop.hil.bench import HilBench
from pressloop.hil.watching import until, watching
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press
from pressloop.wire.schema import TICK_HZ, DumpRequest, Fault

from hil_tests.protocols import HOLD, RAMP, one_hold

WIRING = wiring.current()
_MAX_RAMP_LAG_S = 0.3
"""Later than this the pressure is not at half of the target after the setpoint was."""
_REACTION_S = 0.3
"""From the command to the open valve, with its lag, and some records."""
PROMPT_AT_REST = one_hold("1 s").replace(
    "stages:\n", "stages:\n  - prompt: Close the guard\n    timeout: 60 s\n"
)


@pytest.mark.needs("pressing")
def test_the_pump_follows_the_ramp(press: Press, tmp_path: Path) -> None:
    profile = press.profile()
    kind = PUMP_KINDS[profile.pump_drive or "pwm"]
    assert profile.valve_lag_ms >= kind.filter_lag_ms, f"the lag of {kind.title} is not in it"
    result = press.run(one_hold("2 s"), out=tmp_path / "run").check()
    frame = result.frame()
    half = WIRING.work_mpa / 2
    ramp = frame[frame.step_id <= HOLD]
    asked_s = ramp[ramp.setpoint_mpa >= half].time_s.iloc[0]
    reached_s = ramp[ramp.pressure_mpa >= half].time_s.iloc[0]
    assert reached_s - asked_s <= _MAX_RAMP_LAG_S, kind.title
    most = WIRING.work_mpa * (1 + WIRING.tolerance_percent / 100)
    assert ramp.pressure_mpa.max() <= most, kind.title


@pytest.mark.needs("pressing")
def test_the_release_empties_the_press_at_once(press: Press, tmp_path: Path) -> None:
    """An on/off valve beside the proportional one makes it faster than that one could."""
    profile = press.profile()
    run = press.start(one_hold("10 s"), out=tmp_path / "run")
    with watching(run) as watch:
        watch.until(lambda now: now.step == HOLD, "the hold")
        # The board takes a dump only of a run that ends.
        press.abort()
        begin = watch.until(lambda now: now.state is State.VENTING, "the release", limit_s=0.5)
        press.session.request(DumpRequest())
    frame = run.result(60).frame()
    # The run ends once the board reads an unloaded press.
    last = frame.iloc[-1]
    assert last.pressure_mpa < WIRING.rest_stop_mpa
    taken_s = (last.tick - begin.tick) / TICK_HZ
    share = 0.5 if profile.release_drive == "on-off+proportional" else 2.0
    assert taken_s <= share * proportional_alone_s(profile) + _REACTION_S, profile.release_drive


def proportional_alone_s(profile: MachineProfile) -> float:
    """Return how long the open proportional valve takes from `work_mpa` to none, s.

    Its flow goes with the root of the pressure, and is stated at 10 MPa of oil.
    """
    oil_mpa = WIRING.work_mpa / profile.lever(WIRING.die_mm)
    flow_ul_s = profile.release_flow_ml_s * 1000
    return 2 * profile.compliance_ul_mpa * math.sqrt(10 * oil_mpa) / flow_ul_s


@pytest.mark.needs("pressing", "inputs", "outputs")
def test_contactor_and_on_off_release_follow_the_run(
    bench: HilBench, press: Press, tmp_path: Path
) -> None:
    at_rest = bench.outputs()
    assert not at_rest.contactor and not at_rest.on_off_release
    run = press.start(one_hold("5 s"), out=tmp_path / "run")
    with watching(run) as watch:
        watch.until(lambda now: now.step >= RAMP and now.output > 0, "the ramp")
        pressing = bench.outputs()
        assert pressing.contactor and pressing.on_off_release
        bench.set_inputs(emergency_stop=True)
        watch.until(lambda now: now.state is State.FAULT, "the fault", limit_s=0.5)
        stopped = bench.outputs()
        assert not stopped.contactor and not stopped.on_off_release
    run.result(60)


@pytest.mark.needs("outputs", "sensor-fault")
def test_the_buzzer_calls_while_the_pressure_is_not_known(bench: HilBench, press: Press) -> None:
    assert not sounds_now(bench, press)
    bench.break_sensor("broken")
    until(lambda: press.status().fault is Fault.SENSOR_LOW, "the fault")
    for _ in range(2):
        until(lambda: sounds_now(bench, press), "the buzzer")
        until(lambda: not sounds_now(bench, press), "the pause of the buzzer")
    bench.break_sensor("ok")
    until(lambda: press.status().fault is Fault.NONE or bool(press.clear_fault()), "no fault")
    begin = press.status().tick
    until(lambda: press.status().tick > begin + 20, "a turn of the buzzer")
    while press.status().tick < begin + 100:
        assert not sounds_now(bench, press), "it sounds without a fault"


@pytest.mark.needs("pressing", "outputs")
def test_the_buzzer_calls_for_the_operator(bench: HilBench, press: Press, tmp_path: Path) -> None:
    run = press.start(PROMPT_AT_REST, out=tmp_path / "run")
    until(lambda: press.status().state is State.PROMPTING, "the prompt")
    until(lambda: sounds_now(bench, press), "the buzzer")
    until(lambda: not sounds_now(bench, press), "the pause of the buzzer")
    run.abort()
    assert run.result(60).end_reason == "aborted"


def sounds_now(bench: HilBench, press: Press) -> bool:
    """Return whether the buzzer sounds; the request lets an emulated press go on."""
    press.status()
    return bench.outputs().buzzer
