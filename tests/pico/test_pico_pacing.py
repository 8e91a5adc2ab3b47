"""When the emulated Pico's time passes, without a chip."""

from __future__ import annotations

import pytest

pytest.importorskip("rp2040py", reason="the emulated RP2040 is not installed: pressloop[pico]")

from pressloop.emulator.pico.pacing import PicoPacing, WireMonitor
from pressloop.wire.schema import State

SPEED, SILENCE_S = 8.0, 60.0


def ticks_in(pacing: PicoPacing, monitor: WireMonitor, start_s: float, seconds: float) -> int:
    """Return how many ticks may pass in a time of the wall clock."""
    tick = 0
    for ms in range(round(1000 * seconds)):
        while tick < 10_000 and pacing.may_run(monitor, tick, start_s + ms / 1000):
            tick += 1
    return tick


def test_a_boot_is_quick_and_a_host_on_a_busy_machine_is_waited_for() -> None:
    monitor = WireMonitor()
    now_s = monitor.host_frame_s
    pacing = PicoPacing(True, SPEED, SILENCE_S)
    # Nothing streams: the wall clock, times the speed.
    assert ticks_in(pacing, monitor, now_s, 0.5) == pytest.approx(400, abs=8)
    monitor.sent_tick, monitor.acknowledged_tick, monitor.state = 50, 40, State.RUNNING
    assert ticks_in(pacing, monitor, now_s + 30, 0.5) == 0
    monitor.acknowledged_tick = 50
    assert ticks_in(pacing, monitor, now_s + 30, 0.002) == 10_000
    # A host that is gone is not waited for.
    monitor.acknowledged_tick = 40
    assert ticks_in(pacing, monitor, now_s + SILENCE_S + 1, 0.5) == pytest.approx(400, abs=8)
