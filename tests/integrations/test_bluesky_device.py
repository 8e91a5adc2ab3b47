"""A press as a Bluesky device, run by a real RunEngine on an emulated press."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

pytest.importorskip("bluesky", reason="needs pressloop[bluesky]")
pytest.importorskip("ophyd_async", reason="needs pressloop[bluesky]")

import pyarrow.parquet as pq
from bluesky import RunEngine
from bluesky import plan_stubs as bps
from bluesky.protocols import Flyable, Movable, Pausable, Preparable, Readable, Stoppable
from bluesky.utils import FailedStatus, RunEngineInterrupted
from ophyd_async.core import init_devices
from pressloop import Press, RunFailedError, RunRecord, State, confirm_all
from pressloop.integrations.bluesky_device import (
    STREAM,
    STREAMED_COLUMNS,
    PressDevice,
    PressRequest,
    press_plan,
)
from pressloop.session.telemetry import TelemetryRecord
from pressloop.wire.schema import FlagBits

pytestmark = [pytest.mark.usefixtures("micropython")]

PROTOCOL = """
pressloop: 1
name: Flown
die: 10 mm
ceiling: 120 MPa
stages:
  - name: densify
    ramp: {target: 60 MPa, rate: 20 MPa/s}
    hold: {duration: 3 s, tolerance: 2 %}
"""
LIMIT_S = 120.0
"""Longest wait for what must happen: a hang, not a slow machine."""

OPEN_HOLD = PROTOCOL.replace("duration: 3 s", "duration: open")


class Documents:
    """Collects the documents of a RunEngine by their kind."""

    def __init__(self) -> None:
        self.all: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, name: str, document: dict[str, Any]) -> None:
        self.all.append((name, document))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [document for name, document in self.all if name == kind]


@pytest.fixture
def engine() -> Iterator[Any]:
    """A RunEngine with its own event loop, which is ended afterwards; most of it is not typed."""
    engine: Any = RunEngine({}, call_returns_result=True)
    yield engine
    if engine.state != "idle":
        engine.halt()
    engine.loop.call_soon_threadsafe(engine.loop.stop)


@pytest.fixture
def press() -> Iterator[Press]:
    with Press.open("emulated", seed=3) as opened:
        yield opened


def device_of(press: Press, engine: Any) -> PressDevice:
    del engine  # the device needs its loop
    with init_devices():
        device = PressDevice(press, name="press")
    return device  # noqa: RET504 -- it has its name and loop when the block ends


def when(
    device: PressDevice, seen: Callable[[TelemetryRecord], bool], act: Callable[[], object]
) -> threading.Thread:
    """Act in a thread of its own as soon as the telemetry of the device's run shows something.

    Meanwhile the press goes on: what it waits for must last until then, such as an open hold.
    """

    def wait_and_act() -> None:
        while device.run is None:
            threading.Event().wait(0.01)
        for batch in device.run.telemetry():
            if batch.newest and seen(batch.newest):
                break
        act()

    thread = threading.Thread(target=wait_and_act, daemon=True)
    thread.start()
    return thread


def holds(record: TelemetryRecord) -> bool:
    return record.state is State.RUNNING and bool(record.flags & FlagBits.DWELLING)


def pause_in_hold(device: PressDevice, engine: Any) -> threading.Thread:
    """Ask the RunEngine to pause in the hold."""
    return when(device, holds, engine.request_pause)


def end_hold_after_pause(device: PressDevice) -> threading.Thread:
    """Wait until the press has paused; end the hold in a thread once it goes on."""
    paused = threading.Event()

    def goes_on(record: TelemetryRecord) -> bool:
        if record.state is State.PAUSED:
            paused.set()
        return paused.is_set() and holds(record)

    run = device.run
    assert run is not None
    thread = when(device, goes_on, run.advance)
    assert paused.wait(LIMIT_S)
    return thread


def test_a_press_is_flown_and_read_but_never_set(press: Press, engine: Any) -> None:
    device = device_of(press, engine)
    for protocol in (Readable, Flyable, Preparable, Stoppable, Pausable):
        assert isinstance(device, protocol)
    assert not isinstance(device, Movable)


def test_a_run_gives_its_telemetry_as_stream_assets(
    press: Press, engine: Any, tmp_path: Path
) -> None:
    device, documents = device_of(press, engine), Documents()
    done = engine(press_plan(device, PressRequest(PROTOCOL, tmp_path / "run")), documents)
    assert done.exit_status == "success"

    (start,) = documents.of("start")
    assert start["record"] == str(tmp_path / "run")
    table = pq.read_table(tmp_path / "run" / "telemetry.parquet")
    resources = documents.of("stream_resource")
    assert {one["parameters"]["column"] for one in resources} == set(STREAMED_COLUMNS)
    for resource in resources:
        path = Path(unquote(urlsplit(resource["uri"]).path))
        assert path == tmp_path / "run" / "telemetry.parquet"
        assert resource["parameters"]["column"] in table.column_names
        assert resource["mimetype"] == "application/x-parquet"
    rows = {one["uid"]: 0 for one in resources}
    for datum in documents.of("stream_datum"):
        assert datum["indices"]["start"] == rows[datum["stream_resource"]]
        rows[datum["stream_resource"]] = datum["indices"]["stop"]
    assert set(rows.values()) == {table.num_rows}

    described = {one["name"]: one for one in documents.of("descriptor")}
    assert set(described) == {STREAM, "result"}
    assert described["result"]["configuration"]["press"]["data"]["press-simulated"] is True
    (event,) = documents.of("event")
    assert event["data"]["press-end_reason"] == "completed"
    assert event["data"]["press-run_id"] == RunRecord.open(tmp_path / "run").summary.run_id
    (stop,) = documents.of("stop")
    assert stop["exit_status"] == "success"
    assert stop["num_events"][STREAM] == table.num_rows


def test_a_pause_holds_the_pressure_and_goes_on_where_it_was(
    press: Press, engine: Any, tmp_path: Path
) -> None:
    device, documents = device_of(press, engine), Documents()
    waiting = pause_in_hold(device, engine)
    with pytest.raises(RunEngineInterrupted):
        engine(press_plan(device, PressRequest(OPEN_HOLD, tmp_path / "run")), documents)
    waiting.join()
    assert engine.state == "paused"
    ending = end_hold_after_pause(device)
    status = press.status()
    assert status.state is State.PAUSED
    assert status.pressure_mpa > 50
    engine.resume()
    ending.join()

    record = RunRecord.open(tmp_path / "run")
    assert record.summary.end_reason == "completed"
    steered = [event for event in record.events if event.kind in ("pause", "resume", "abort")]
    assert [event.kind for event in steered] == ["pause", "resume"]
    assert {event.data["by"] for event in steered} == {"Bluesky RunEngine"}
    assert documents.of("stop")[-1]["exit_status"] == "success"
    assert documents.of("stream_datum")


@pytest.mark.parametrize(("leave", "exit_status"), [("abort", "abort"), ("stop", "success")])
def test_a_plan_that_ends_early_releases_the_pressure_first(
    leave: str, exit_status: str, press: Press, engine: Any, tmp_path: Path
) -> None:
    device, documents = device_of(press, engine), Documents()
    waiting = pause_in_hold(device, engine)
    with pytest.raises(RunEngineInterrupted):
        engine(press_plan(device, PressRequest(OPEN_HOLD, tmp_path / "run")), documents)
    waiting.join()
    getattr(engine, leave)()

    status = press.status()
    assert status.state is State.IDLE
    assert status.pressure_mpa < 5
    assert RunRecord.open(tmp_path / "run").summary.end_reason == "aborted"
    (event,) = documents.of("event")
    assert event["data"]["press-end_reason"] == "aborted"
    assert documents.of("stream_datum")
    assert documents.of("stop")[-1]["exit_status"] == exit_status


def test_a_run_that_does_not_complete_fails_the_plan_and_is_collected(
    press: Press, engine: Any, tmp_path: Path
) -> None:
    device, documents = device_of(press, engine), Documents()
    request = PressRequest(PROTOCOL, tmp_path / "run", faults=["burst@4"])
    with pytest.raises(FailedStatus) as failed:
        engine(press_plan(device, request), documents)
    assert isinstance(failed.value.__cause__, RunFailedError)
    assert documents.of("stream_datum")
    assert documents.of("event")[-1]["data"]["press-end_reason"] == "fault"
    assert documents.of("stop")[-1]["exit_status"] == "fail"


def test_a_protocol_with_mistakes_moves_nothing(press: Press, engine: Any, tmp_path: Path) -> None:
    device = device_of(press, engine)
    with pytest.raises(FailedStatus, match="cannot be run on this press"):
        engine(
            press_plan(
                device, PressRequest(PROTOCOL.replace("60 MPa", "6000 MPa"), tmp_path / "run")
            )
        )
    assert device.run is None
    assert press.status().run_id == bytes(8)
    assert not (tmp_path / "run").exists()


def test_a_plan_without_stop_still_leaves_no_pressure(
    press: Press, engine: Any, tmp_path: Path
) -> None:
    device = device_of(press, engine)

    def careless() -> Iterator[Any]:
        yield from bps.stage(device, wait=True)
        yield from bps.open_run()
        yield from bps.prepare(device, PressRequest(OPEN_HOLD, tmp_path / "run"), wait=True)
        yield from bps.kickoff(device, wait=True)
        raise KeyError("a mistake in the plan")

    with pytest.raises(KeyError):
        engine(careless())
    run = device.run
    assert run is not None
    assert run.wait(LIMIT_S)
    asyncio.run_coroutine_threadsafe(device.stop(), engine.loop).result(LIMIT_S)
    assert press.status().state is State.IDLE
    assert run.result().end_reason == "aborted"


def test_a_request_presses_once(press: Press, engine: Any, tmp_path: Path) -> None:
    device = device_of(press, engine)
    engine(press_plan(device, PressRequest(PROTOCOL, tmp_path / "run")))

    def again() -> Iterator[Any]:
        yield from bps.open_run()
        yield from bps.kickoff(device, wait=True)

    with pytest.raises(FailedStatus, match="no prepared protocol"):
        engine(again())
    assert press.status().state is State.IDLE


def test_messages_that_are_repeated_after_a_pause_start_nothing_twice(
    press: Press, engine: Any, tmp_path: Path
) -> None:
    device = device_of(press, engine)
    request = PressRequest(OPEN_HOLD, tmp_path / "run")

    def with_an_early_checkpoint() -> Iterator[Any]:
        yield from bps.open_run()
        yield from bps.checkpoint()
        yield from bps.prepare(device, request, wait=True)
        yield from bps.kickoff(device, wait=True)
        yield from bps.complete(device, wait=True)

    waiting = pause_in_hold(device, engine)
    with pytest.raises(RunEngineInterrupted):
        engine(with_an_early_checkpoint())
    waiting.join()
    run = device.run
    end_hold_after_pause(device)
    engine.resume()
    assert device.run is run
    assert RunRecord.open(tmp_path / "run").summary.end_reason == "completed"


PROMPTED = PROTOCOL + "  - prompt: Turn the die\n"


def test_a_prompt_is_read_as_a_signal_and_confirmed_in_a_plan(
    press: Press, engine: Any, tmp_path: Path
) -> None:
    device, texts = device_of(press, engine), []

    def with_an_operator() -> Iterator[Any]:
        yield from bps.open_run()
        yield from bps.prepare(device, PressRequest(PROMPTED, tmp_path / "run"), wait=True)
        yield from bps.kickoff(device, wait=True)
        while not (text := (yield from bps.rd(device.prompt))):
            yield from bps.trigger_and_read([device], name="watch")
            yield from bps.sleep(0.02)
        texts.append(text)
        yield from bps.wait_for([device.confirm])
        yield from bps.complete(device, wait=True)
        yield from bps.close_run()

    engine(with_an_operator())
    assert texts == ["Turn the die"]
    events = RunRecord.open(tmp_path / "run").events
    (answer,) = [one for one in events if one.kind == "prompt-answered"]
    assert answer.data["by"] == "Bluesky RunEngine"


def test_a_prompt_goes_to_the_function_that_was_given(
    press: Press, engine: Any, tmp_path: Path
) -> None:
    with init_devices():
        device = PressDevice(press, name="press", on_prompt=confirm_all)
    engine(press_plan(device, PressRequest(PROMPTED, tmp_path / "run")))
    assert RunRecord.open(tmp_path / "run").summary.end_reason == "completed"
