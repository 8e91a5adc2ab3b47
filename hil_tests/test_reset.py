"""After a power loss the controller is safe, reports it, and still has its profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pressloop.errors import CommandRefusedError, LinkClosedError
from pressloop.evaluation import RunRecord
from pressloop.hil import wiring
from pressloop.hil.bench import HilBench
from pressloop.hil.watching import until, watching
from pressloop.press import Press
from pressloop.wire.message import Request
from pressloop.wire.schema import (
    OUTPUT_FULL,
    Fault,
    FlagBits,
    ResetCause,
    StartRequest,
    State,
)

from hil_tests.protocols import HOLD, PROMPT, RAMP, RELEASE, plan_begin, short_run

WIRING = wiring.current()


def cut_in(bench: HilBench, record: Path, step: int) -> None:
    """Start a run and cut the controller's power in one of its steps."""
    press = bench.open_press(reconnect_timeout_s=0)
    run = press.start(short_run(), out=record)
    with watching(run) as watch:
        watch.until(
            lambda now: now.step == step and FlagBits.APPROACHING not in now.flags, "the step"
        )
        bench.power_cut()
    with pytest.raises(LinkClosedError) as lost:
        run.result(10)
    assert "attach" in lost.value.hint
    press.close()


@pytest.mark.needs("pressing", "power-cut")
@pytest.mark.parametrize("step", [RAMP, HOLD, RELEASE, PROMPT], ids=lambda step: f"step {step}")
def test_power_cut_in_a_run(bench: HilBench, tmp_path: Path, step: int) -> None:
    record = tmp_path / "run"
    cut_in(bench, record, step)
    assert RunRecord.open(record).summary.end_reason == "interrupted"

    with Press.reopen(record, port=bench.url) as press:
        assert press.hello.last_fault is Fault.POWER_LOSS
        assert press.hello.reset_cause is ResetCause.POWER_ON
        cut = press.interrupted_run()
        assert cut is not None
        assert (cut.step, cut.fault) == (step, Fault.POWER_LOSS)
        assert cut.power_lost
        result = press.attach(record).result(10)
        assert result.end_reason == "power-lost"
        assert result.summary.fault == "power-loss"
        assert result.summary.records > 0

        with watching(press) as watch:
            now = watch.until(lambda now: now.state is State.FAULT, "the fault", limit_s=0.5)
            assert now.output == -OUTPUT_FULL, "the release valve is not open"
        requests: list[Request[Any]] = [
            plan_begin(),
            StartRequest(bytes(range(8)), plan_begin().die_um),
        ]
        for request in requests:
            with pytest.raises(CommandRefusedError) as refusal:
                press.session.request(request)
            assert refusal.value.code == "faulted"
        press.clear_fault()
        until(lambda: press.status().state is State.IDLE, "the press at rest")
        assert press.status().pressure_mpa < WIRING.at_rest_mpa


@pytest.mark.needs("pressing", "power-cut")
def test_run_after_a_power_cut(bench: HilBench, tmp_path: Path) -> None:
    cut_in(bench, tmp_path / "cut", HOLD)
    bench.make_ready()
    with bench.open_press() as press:
        result = press.run(short_run(), out=tmp_path / "run", on_prompt=lambda asked: True)
    assert result.completed
    assert result.summary.gaps == ()


@pytest.mark.needs("power-cut")
def test_power_cut_at_rest_is_no_fault(bench: HilBench) -> None:
    with bench.open_press() as press:
        before = press.hello
    bench.power_cut()
    with bench.open_press() as press:
        assert press.hello.last_fault is Fault.NONE
        assert press.hello.boot_id != before.boot_id
        assert press.hello.unique_id == before.unique_id
        assert press.hello.profile_hash == before.profile_hash
        assert press.status().state is State.IDLE


@pytest.mark.needs("power-cut")
def test_profile_outlives_a_power_cut(bench: HilBench) -> None:
    with bench.open_press() as press:
        stored = press.profile()
        press.write_profile(stored.model_copy(update={"name": "written before the cut"}))
        changed = press.profile()
        assert changed.name == "written before the cut"
    bench.power_cut()
    with bench.open_press() as press:
        assert press.profile() == changed
        press.write_profile(stored)


@pytest.mark.needs("reset-button")
def test_profile_outlives_the_reset_button(bench: HilBench) -> None:
    with bench.open_press() as press:
        before, profile = press.hello, press.profile()
    bench.press_reset()
    with bench.open_press() as press:
        assert press.hello.boot_id != before.boot_id, "nothing was reset"
        assert press.hello.last_fault is Fault.NONE
        assert press.profile() == profile
        assert press.status().state is State.IDLE


def test_plan_does_not_outlive_its_profile(bench: HilBench) -> None:
    """A plan that was checked against one profile must not run with another."""
    with bench.open_press() as press:
        press.session.request(plan_begin())
        press.write_profile(press.profile())
        with pytest.raises(CommandRefusedError) as refusal:
            press.session.request(StartRequest(bytes(range(8)), plan_begin().die_um))
        assert refusal.value.code == "no-plan"
