"""The run remembers who paused it, or for how long its host was silent."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NoReturn

import pytest
from pressloop import CommandRefusedError, Press
from pressloop.run.pause_reason import PauseReason
from pressloop.session.telemetry import NO_STEP, TelemetryBatch
from pressloop.wire.schema import NO_DISPLACEMENT, RECORD_FORMAT, ErrorCode, FlagBits, State

from tests.unit.fake_board import FakeBoard, RefusalError
from tests.unit.test_press_run import PROTOCOL


def batch(state: State, ticks: range, flags: int = 0) -> TelemetryBatch:
    """Return records of one state, one a tick."""
    data = b"".join(
        struct.pack(RECORD_FORMAT, tick, 0, 0, 0, 0, NO_STEP, state, flags, 0, NO_DISPLACEMENT)
        for tick in ticks
    )
    return TelemetryBatch(ticks.start, data, "live", ticks.stop)


def test_the_silence_is_known_once_no_record_is_missing() -> None:
    reason = PauseReason(2.0)
    # After the return of the host its newest records come first, then those that were missing.
    reason.look(batch(State.PAUSED, range(2000, 2020)))
    assert reason.silent_s is None
    reason.look(batch(State.RUNNING, range(900, 1000)))
    reason.look(batch(State.PAUSED, range(1000, 1500), FlagBits.HOST_LOST))
    assert reason.silent_s is None
    reason.look(batch(State.PAUSED, range(1500, 2000), FlagBits.HOST_LOST))
    reason.settle()
    assert reason.silent_s == pytest.approx(12.0)
    reason.end(2500)
    assert reason.silent_s is None
    reason.look(batch(State.PAUSED, range(1000, 1500), FlagBits.HOST_LOST))  # late, of before
    reason.settle()
    assert reason.silent_s is None


def test_a_silence_that_paused_nothing_is_no_reason() -> None:
    reason = PauseReason(2.0)
    reason.look(batch(State.RUNNING, range(100), FlagBits.HOST_LOST))
    reason.settle()
    assert reason.silent_s is None
    # The run went on without its host, which came back before another program paused it.
    lost = batch(State.RUNNING, range(100, 110), FlagBits.HOST_LOST)
    paused = batch(State.PAUSED, range(110, 120))
    reason.look(TelemetryBatch(100, lost.data + paused.data, "live", 120))
    reason.settle()
    assert reason.silent_s is None
    reason.by = "operator"
    reason.look(batch(State.PAUSED, range(100, 200), FlagBits.HOST_LOST))
    reason.settle()
    assert reason.silent_s is None


def test_the_status_and_the_record_name_who_paused(board: FakeBoard, tmp_path: Path) -> None:
    board.lockstep = True
    with Press.open(board.url, reconnect_timeout_s=3.0) as press:
        run = press.start(PROTOCOL, out=tmp_path)
        assert run.status().paused_by == ""
        run.pause("operator (key)")
        assert run.status().paused_by == "operator (key)"
        run.resume()
        assert run.status().paused_by == ""

        def refuse(_: object) -> NoReturn:
            raise RefusalError(ErrorCode.BAD_STATE)

        board.do_pause = refuse  # type: ignore[method-assign]
        with pytest.raises(CommandRefusedError):
            run.pause()
        assert run.monitor.reason.by == ""
        run.abort()
        events = {event.kind: event.data for event in run.result(10).summary.events}
    assert events["pause"]["by"] == "operator (key)" and events["resume"]["by"] == "script"


def test_the_status_has_the_force_on_the_pellet(board: FakeBoard, tmp_path: Path) -> None:
    board.lockstep = True
    board.pressure_kpa = 100_000
    with Press.open(board.url, reconnect_timeout_s=3.0) as press:
        assert press.status().force_kn is None
        run = press.start(PROTOCOL, out=tmp_path)
        assert run.status().force_kn == pytest.approx(7.854, abs=1e-3)
        run.abort()


@pytest.mark.parametrize("resumed", [False, True])
def test_attaching_still_knows_who_paused(board: FakeBoard, tmp_path: Path, resumed: bool) -> None:
    first = Press.open(board.url)
    run = first.start(PROTOCOL, out=tmp_path)
    run.pause("operator (key)")
    if resumed:
        run.resume("operator (key)")
    run.detach()
    first.close()
    board.state = State.PAUSED
    with Press.reopen(tmp_path) as press:
        again = press.attach(tmp_path)
        assert again.status().paused_by == ("" if resumed else "operator (key)")
        again.abort()
        board.advance(20)
