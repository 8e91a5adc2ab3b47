"""When the program hangs, the watchdog resets the controller, which is then safe and reports it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pressloop.errors import BoardTimeoutError, NoBoardError
from pressloop.hil import wiring
from pressloop.hil.bench import HilBench, Part
from pressloop.hil.watching import until, watching
from pressloop.press import Press
from pressloop.wire.names import wire_name
from pressloop.wire.schema import OUTPUT_FULL, Fault, FlagBits, HelloReply, ResetCause, State

from hil_tests.protocols import HOLD, short_run

WIRING = wiring.current()

pytestmark = pytest.mark.needs("hang")
parts = pytest.mark.parametrize("part", ["tick", "foreground"])


@pytest.mark.needs("pressing", "truth")
@parts
def test_hang_in_a_run(bench: HilBench, press: Press, tmp_path: Path, part: Part) -> None:
    run = press.start(short_run(hold_s=20), out=tmp_path / "run")
    with watching(run) as watch:
        watch.until(lambda now: now.step == HOLD and FlagBits.DWELLING in now.flags, "the dwell")
        bench.hang(part)
    result = run.result(60)

    fault = Fault.TICK_HANG if part == "tick" else Fault.WATCHDOG
    assert (result.end_reason, result.summary.fault) == ("board-reset", wire_name(fault))
    assert press.hello.reset_cause is ResetCause.WATCHDOG
    assert press.hello.last_fault is fault
    with watching(press) as watch:
        now = watch.until(lambda now: True, "telemetry")
        assert (now.state, now.output) == (State.FAULT, -OUTPUT_FULL), "not safe"
    until(lambda: bench.true_pressure_mpa() < WIRING.at_rest_mpa, "the pellet free")
    assert press.clear_fault() is fault
    until(lambda: press.status().state is State.IDLE, "the press at rest")


@parts
def test_hang_at_rest(bench: HilBench, board: HelloReply, part: Part) -> None:
    bench.hang(part)
    until(lambda: has_reset(bench, board), "the reset", limit_s=60)
    with bench.open_press() as press:
        assert press.hello.reset_cause is ResetCause.WATCHDOG
        with watching(press) as watch:
            now = watch.until(lambda now: True, "telemetry")
            assert now.output == -OUTPUT_FULL, "not safe"


def has_reset(bench: HilBench, before: HelloReply) -> bool:
    """Return whether the board has booted again; a board that hangs does not answer."""
    try:
        with bench.open_press() as press:
            return press.hello.boot_id != before.boot_id
    except (BoardTimeoutError, NoBoardError):
        return False
