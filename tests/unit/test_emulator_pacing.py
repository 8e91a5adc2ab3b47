"""Decisions on how fast virtual time passes, without processes or sockets."""

from __future__ import annotations

from typing import Any

from pressloop_sim.board.pacing import AcceleratedPacing, LockstepPacing, RealPacing

SILENCE_MS = 500


class Host:
    """Calls a pacing with named arguments and defaults."""

    def __init__(self, pacing: LockstepPacing | RealPacing | AcceleratedPacing) -> None:
        self.pacing = pacing

    def due(
        self,
        now_ms: int = 0,
        tick: int = 0,
        host_tick: int = 0,
        batch_ticks: int = 0,
        active: bool = False,
        prompting: bool = False,
        connected: bool = True,
    ) -> int:
        return self.pacing.due(now_ms, tick, host_tick, batch_ticks, active, prompting, connected)


def _lockstep() -> Host:
    return Host(LockstepPacing(SILENCE_MS))


def test_lockstep_runs_one_batch_past_the_host_and_waits() -> None:
    host = _lockstep()
    assert host.due(tick=100, host_tick=100, batch_ticks=10, active=True) == 10
    assert host.due(tick=110, host_tick=100, batch_ticks=10, active=True) == 0
    assert host.pacing.wait_ms == SILENCE_MS
    assert host.due(tick=110, host_tick=110, batch_ticks=10, active=True) == 10


def test_lockstep_streams_while_idle_too() -> None:
    assert _lockstep().due(tick=7, host_tick=5, batch_ticks=10) == 8


def test_time_is_stopped_while_idle_without_a_stream() -> None:
    host = _lockstep()
    assert host.due(now_ms=0) == 0
    assert host.due(now_ms=100_000) == 0


def test_each_reply_lets_two_ticks_pass_while_idle() -> None:
    host = _lockstep()
    host.pacing.note_reply()
    assert host.due() == 2
    assert host.due() == 0


def test_replies_during_streaming_do_not_move_time() -> None:
    host = _lockstep()
    host.pacing.note_reply()
    assert host.due(tick=10, host_tick=0, batch_ticks=10) == 0
    assert host.due(tick=10) == 0


def test_run_goes_on_in_real_time_when_the_host_is_silent() -> None:
    host = _lockstep()
    host.pacing.note_host_bytes(1000)
    stuck: dict[str, Any] = {"host_tick": 50, "batch_ticks": 10, "active": True}
    assert host.due(now_ms=1499, tick=60, **stuck) == 0
    assert host.pacing.wait_ms == 1
    assert host.due(now_ms=1500, tick=60, **stuck) == 0
    assert host.due(now_ms=1530, tick=60, **stuck) == 3
    assert host.due(now_ms=1540, tick=63, **stuck) == 1
    # The host is back: it must first acknowledge the ticks that passed without it.
    host.pacing.note_host_bytes(1545)
    assert host.due(now_ms=1600, tick=64, **stuck) == 0
    assert host.due(now_ms=1600, tick=64, host_tick=64, batch_ticks=10, active=True) == 10


def test_nothing_is_owed_after_a_decision() -> None:
    """Owed ticks delay the host's bytes, so they must not last."""
    host = _lockstep()
    host.pacing.note_host_bytes(0)
    cases: list[dict[str, Any]] = [
        {},
        {"batch_ticks": 10},
        {"now_ms": SILENCE_MS, "active": True},
        {"now_ms": SILENCE_MS, "active": True, "batch_ticks": 10},
    ]
    for circumstances in cases:
        host.pacing.note_reply()
        host.due(**circumstances)
        assert host.pacing.owed_ticks == 0


def test_silence_without_a_run_stops_time() -> None:
    host = _lockstep()
    host.pacing.note_host_bytes(0)
    assert host.due(now_ms=10_000, tick=10, host_tick=0, batch_ticks=10) == 0


def test_prompt_takes_real_time() -> None:
    host = _lockstep()
    asked: dict[str, Any] = {"host_tick": 100, "batch_ticks": 10, "active": True, "prompting": True}
    assert host.due(now_ms=0, tick=100, **asked) == 0
    assert host.due(now_ms=40, tick=100, **asked) == 4
    # But at most one batch ahead of the host.
    assert host.due(now_ms=400, tick=110, **asked) == 0


def test_time_spent_waiting_for_the_host_is_not_caught_up() -> None:
    host = _lockstep()
    asked: dict[str, Any] = {"batch_ticks": 10, "active": True, "prompting": True}
    host.due(now_ms=0, tick=0, host_tick=0, **asked)
    host.pacing.note_host_bytes(10_000)
    assert host.due(now_ms=10_000, tick=10, host_tick=10, **asked) <= 10


def test_real_time_follows_the_wall_clock() -> None:
    host = Host(RealPacing(1.0))
    assert host.due(now_ms=5000, tick=40) == 0
    assert host.pacing.wait_ms <= 11
    assert host.due(now_ms=5010, tick=40) == 1
    assert host.due(now_ms=5025, tick=41) == 1
    assert host.due(now_ms=5025, tick=42) == 0


def test_real_time_with_a_factor() -> None:
    host = Host(RealPacing(5.0))
    host.due(now_ms=0, tick=0)
    assert host.due(now_ms=20, tick=0) == 10


def test_suspended_process_goes_on_where_it_was() -> None:
    host = Host(RealPacing(1.0))
    host.due(now_ms=0, tick=0)
    burst = host.due(now_ms=3_600_000, tick=0)
    assert 0 < burst <= 20
    assert host.due(now_ms=3_600_010, tick=burst) == 1


def _accelerated() -> Host:
    host = Host(AcceleratedPacing(20.0, SILENCE_MS))
    host.pacing.note_host_bytes(0)
    return host


def test_accelerated_time_passes_by_its_factor_and_waits_for_a_slow_host() -> None:
    host = _accelerated()
    follows: dict[str, Any] = {"batch_ticks": 5, "active": True}
    host.due(now_ms=0, tick=0, host_tick=0, **follows)
    assert host.due(now_ms=5, tick=0, host_tick=0, **follows) == 10
    # The host is busy: no time passes beyond what it can still answer in time.
    assert host.due(now_ms=400, tick=10, host_tick=0, **follows) == 10
    assert host.due(now_ms=450, tick=20, host_tick=0, **follows) == 0
    assert host.pacing.wait_ms == SILENCE_MS - 450
    assert host.due(now_ms=450, tick=20, host_tick=20, **follows) == 20


def test_accelerated_time_passes_by_the_clock_without_a_word_of_the_host() -> None:
    host = _accelerated()
    stuck: dict[str, Any] = {"batch_ticks": 5, "active": True, "host_tick": 0}
    assert host.due(now_ms=SILENCE_MS, tick=20, **stuck) == 0
    assert host.due(now_ms=SILENCE_MS + 100, tick=20, **stuck) == 10


def test_accelerated_time_is_real_for_a_prompt_and_for_a_host_that_does_not_follow_yet() -> None:
    for circumstances in ({"batch_ticks": 5, "prompting": True}, {"batch_ticks": 0}):
        host = _accelerated()
        at_rest: dict[str, Any] = {"active": True, **circumstances}
        assert host.due(now_ms=100, tick=0, **at_rest) == 0
        assert host.due(now_ms=200, tick=0, **at_rest) == 10


def test_accelerated_time_passes_by_its_factor_without_a_host() -> None:
    host = _accelerated()
    gone: dict[str, Any] = {"batch_ticks": 5, "active": True, "connected": False}
    assert host.due(now_ms=9000, tick=50, **gone) == 0
    assert host.due(now_ms=9010, tick=50, **gone) == 20
    # The next host is not silent because the last one was.
    assert host.due(now_ms=9010, tick=70, host_tick=50, batch_ticks=5, active=True) == 0
