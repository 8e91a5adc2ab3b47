"""Faults make the outputs safe: broken sensor, emergency stop, open guard, too much pressure."""

from __future__ import annotations

from pathlib import Path

import pytest
from pressloop.errors import CommandRefusedError, RunFailedError
from pressloop.hil import wiring
from pressloop.hil.bench import Breakage, HilBench, SensorFault
from pressloop.hil.watching import Watch, until, watching
from pressloop.press import Press
from pressloop.run.result import RunResult
from pressloop.wire.schema import (
    OUTPUT_FULL,
    TICK_HZ,
    Fault,
    FlagBits,
    State,
)

from hil_tests.protocols import HOLD, RAMP, RELEASE, one_hold, short_run

WIRING = wiring.current()

SENSOR_FAULTS: dict[SensorFault, Fault] = {
    "broken": Fault.SENSOR_LOW,
    "short": Fault.SENSOR_HIGH,
}
steps = pytest.mark.parametrize("step", [RAMP, HOLD, RELEASE], ids=["ramp", "hold", "release"])
sensor_faults = pytest.mark.parametrize("how", SENSOR_FAULTS)


def half_a_second_into(watch: Watch, step: int) -> None:
    """Wait until a step is well in progress."""
    first = watch.until(
        lambda now: now.step == step and FlagBits.APPROACHING not in now.flags, "the step"
    )
    watch.until(lambda now: now.tick >= first.tick + TICK_HZ // 2, "half a second of it")


def faulted(result: RunResult, fault: str) -> None:
    """Check that a run ended in a fault, with safe outputs from the record on that reports it."""
    assert (result.end_reason, result.summary.fault) == ("fault", fault)
    assert result.summary.gaps == ()
    last = result.frame().iloc[-1]
    assert (last.state, last.output_percent) == ("fault", -100)
    assert "cut" in [stage.outcome for stage in result.summary.stages]


def pressure_goes_away(bench: HilBench, press: Press) -> None:
    """Wait until the pellet is unloaded; the transducer may be broken."""

    def free() -> bool:
        assert press.status().state is State.FAULT
        return bench.true_pressure_mpa() < WIRING.at_rest_mpa

    until(free, "the pellet without pressure")


# --- the transducer


@pytest.mark.needs("sensor-fault")
@sensor_faults
def test_sensor_fault_at_rest(bench: HilBench, press: Press, how: SensorFault) -> None:
    low, high = press.profile().raw_fault_low, press.profile().raw_fault_high
    with watching(press) as watch:
        watch.until(lambda now: True, "telemetry")
        bench.break_sensor(how)
        bad = watch.until(lambda now: not low <= now.raw <= high, "a bad reading")
        safe = watch.until(lambda now: now.state is State.FAULT, "the fault")
        assert (safe.tick - bad.tick) / TICK_HZ <= WIRING.sensor_fault_limit_s
        assert safe.output == -OUTPUT_FULL
    assert press.status().fault is SENSOR_FAULTS[how]

    # It cannot be cleared while the wire is still broken.
    press.clear_fault()
    until(lambda: press.status().state is State.FAULT, "the fault again")
    bench.break_sensor("ok")
    until(
        lambda: press.clear_fault() is Fault.NONE and press.status().state is State.IDLE,
        "the press at rest",
    )


@pytest.mark.needs("pressing", "sensor-fault", "truth")
@steps
@sensor_faults
def test_sensor_fault_under_pressure(
    bench: HilBench, press: Press, tmp_path: Path, how: SensorFault, step: int
) -> None:
    profile = press.profile()
    run = press.start(short_run(), out=tmp_path / "run")
    with watching(run) as watch:
        half_a_second_into(watch, step)
        bench.break_sensor(how)
    result = run.result(60)

    faulted(result, SENSOR_FAULTS[how].name.lower().replace("_", "-"))
    frame = result.frame()
    bad = frame[
        (frame.raw_counts < profile.raw_fault_low) | (frame.raw_counts > profile.raw_fault_high)
    ]
    seconds = (frame.iloc[-1].tick - bad.iloc[0].tick) / TICK_HZ
    assert seconds <= WIRING.sensor_fault_limit_s
    pressure_goes_away(bench, press)


# --- emergency stop


@pytest.mark.needs("pressing", "inputs", "truth")
@steps
def test_emergency_stop_in_a_run(bench: HilBench, press: Press, tmp_path: Path, step: int) -> None:
    run = press.start(short_run(), out=tmp_path / "run")
    with watching(run) as watch:
        half_a_second_into(watch, step)
        bench.set_inputs(emergency_stop=True)
    result = run.result(60)

    faulted(result, "emergency-stop")
    frame = result.frame()
    assert frame.emergency_stop.sum() == 1, "the run went on after the stop was seen"
    pressure_goes_away(bench, press)
    with pytest.raises(CommandRefusedError) as refusal:
        press.clear_fault()
    assert refusal.value.code == "emergency-stop"
    bench.set_inputs()
    until(lambda: not press.status().inputs, "the stop released")
    assert press.clear_fault() is Fault.EMERGENCY_STOP


@pytest.mark.needs("inputs")
def test_emergency_stop_at_rest(bench: HilBench, press: Press) -> None:
    bench.set_inputs(emergency_stop=True)
    until(lambda: press.status().fault is Fault.EMERGENCY_STOP, "the fault")
    bench.set_inputs()
    until(lambda: not press.status().inputs, "the stop released")
    assert press.status().fault is Fault.EMERGENCY_STOP, "a fault is gone that was not cleared"


# --- guard


@pytest.mark.needs("pressing", "inputs", "truth")
@steps
def test_guard_opened_in_a_run(bench: HilBench, press: Press, tmp_path: Path, step: int) -> None:
    run = press.start(short_run(), out=tmp_path / "run")
    with watching(run) as watch:
        half_a_second_into(watch, step)
        bench.set_inputs(guard_open=True)
    result = run.result(60)

    faulted(result, "guard-open")
    assert result.frame().guard_open.sum() == 1, "the run went on after the guard was open"
    pressure_goes_away(bench, press)


@pytest.mark.needs("pressing", "inputs")
def test_start_needs_a_closed_guard(bench: HilBench, press: Press, tmp_path: Path) -> None:
    bench.set_inputs(guard_open=True)
    until(lambda: bool(press.status().inputs), "the open guard")
    with pytest.raises(CommandRefusedError) as refusal:
        press.start(one_hold("1 s"), out=tmp_path / "refused")
    assert refusal.value.code == "guard-open"
    assert press.status().state is State.IDLE, "an open guard at rest is no fault"
    bench.set_inputs()
    until(lambda: not press.status().inputs, "the guard closed")
    assert press.run(one_hold("1 s"), out=tmp_path / "run").completed


PROMPT_AT_REST = one_hold("1 s").replace(
    "stages:\n", "stages:\n  - prompt: Close the guard\n    timeout: 60 s\n"
)


@pytest.mark.needs("pressing", "inputs")
def test_guard_may_open_at_a_prompt_without_pressure(
    bench: HilBench, press: Press, tmp_path: Path
) -> None:
    """At a prompt hands go into the press; the guard must be closed before it continues."""
    run = press.start(PROMPT_AT_REST, out=tmp_path / "run")
    with watching(run) as watch:
        watch.until(lambda now: now.state is State.PROMPTING, "the prompt")
        bench.set_inputs(guard_open=True)
        watch.until(lambda now: bool(now.inputs), "the open guard")
        with pytest.raises(CommandRefusedError) as refusal:
            run.confirm()
        assert refusal.value.code == "guard-open"
        bench.set_inputs()
        watch.until(lambda now: not now.inputs, "the guard closed")
        run.confirm()
    assert run.result(60).completed


# --- breakage


@pytest.mark.needs("pressing", "breakage", "truth")
@pytest.mark.parametrize(
    ("what", "named"), [("pellet", "sample-cracked"), ("die", "die-failure")], ids=["pellet", "die"]
)
def test_what_breaks_under_pressure(
    bench: HilBench, press: Press, tmp_path: Path, what: Breakage, named: str
) -> None:
    run = press.start(short_run(), out=tmp_path / "run")
    with watching(run) as watch:
        watch.until(lambda now: FlagBits.DWELLING in now.flags, "the dwell")
        bench.break_down(what)
    result = run.result(60)

    # Without a displacement sensor the reading alone does not say what broke.
    fault = str(result.summary.fault)
    assert fault in (named, "sudden-loss")
    faulted(result, fault)
    assert result.summary.steps[HOLD].dwell_end == "run"
    with pytest.raises(RunFailedError, match=fault) as failure:
        result.check()
    assert failure.value.hint.startswith(("inspect punches", "keep the guard closed"))
    pressure_goes_away(bench, press)
    assert press.clear_fault().name.lower().replace("_", "-") == fault


# --- pressure


@pytest.mark.needs("pressing", "truth")
def test_reading_above_the_ceiling(press: Press, tmp_path: Path) -> None:
    """With the ceiling at the target and gains that oscillate, the pressure exceeds the ceiling."""
    protocol = one_hold("5 s").replace(f"{WIRING.ceiling_mpa} MPa", f"{WIRING.work_mpa} MPa")
    protocol += "    pid: {kp: 0.5 /s, ki: 12 /s2}\n"
    run = press.start(protocol, out=tmp_path / "run")
    result = run.result(60)

    faulted(result, "over-pressure")
    profile = press.profile()
    limits = profile.limits(round(WIRING.die_mm * 1000))
    mpa_per_count = profile.full_scale_bar / 10 / (profile.raw_full - profile.raw_zero)
    reading_mpa = (result.frame().raw_counts.astype(float) - profile.raw_zero) * (
        mpa_per_count * limits.ratio_q10 / 1024
    )
    over = reading_mpa > WIRING.work_mpa + limits.resolution_kpa / 1000
    # One reading can be noise; three in a row are a fault, two more for the filtered reading.
    in_a_row = over.rolling(3).sum() == 3
    assert 1 <= in_a_row.sum() <= 3
    assert in_a_row.iloc[-1]
