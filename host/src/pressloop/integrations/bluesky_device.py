"""Makes a press a device of Bluesky: prepare, kick off, pause, stop, collect (extra `bluesky`).

The board takes whole protocols and no setpoints, so the device can be flown and read, and not set.
That also keeps a press under pressure through a pause: the RunEngine stops all that it has set
when it pauses, and only pauses what it has kicked off.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pressloop.errors import CommandRefusedError, PressloopError
from pressloop.extras import needs_extra
from pressloop.press import DEFAULT_THINNING, Press
from pressloop.record import ThinningRules
from pressloop.record.columns import TELEMETRY_NAME
from pressloop.run.prompts import Asker
from pressloop.run.result import RunResult
from pressloop.run.run import Run
from pressloop.sample import Sample
from pressloop.session.status import PressStatus
from pressloop.validation import ProtocolSource
from pressloop.wire.names import wire_name

with needs_extra("bluesky"):
    from bluesky import plan_stubs as bps
    from bluesky import preprocessors as bpp
    from bluesky.protocols import Flyable, Preparable, StreamAsset
    from bluesky.utils import MsgGenerator
    from event_model import ComposeStreamResource, DataKey
    from ophyd_async.core import (
        AsyncStatus,
        StandardReadable,
        WatchableAsyncStatus,
        WatcherUpdate,
        soft_signal_r_and_setter,
    )
    from ophyd_async.core import StandardReadableFormat as Format

STREAM: Final = "telemetry"
"""Name of the stream with the telemetry of a run."""

STREAMED_COLUMNS: Final = (
    "time_s",
    "pressure_mpa",
    "setpoint_mpa",
    "output_percent",
    "displacement_mm",
)
"""Columns of telemetry.parquet that are announced to Bluesky; the file has them all."""

MIMETYPE: Final = "application/x-parquet"

_POLL_S: Final = 0.2
_BY: Final = "Bluesky RunEngine"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PressRequest:
    """What `prepare` is given: one protocol, and the folder of its record.

    The fields are arguments of `Press.start`. A folder takes one run, so a request is used once.
    """

    protocol: ProtocolSource
    out: str | Path
    sample: Sample | None = None
    die: str | None = None
    thinning: ThinningRules | None = DEFAULT_THINNING
    faults: Sequence[str] = ()


class PressDevice(StandardReadable, Flyable, Preparable):
    """A press as a Bluesky device: readable, flyable, pausable and stoppable.

    `read` asks the board; `kickoff` starts the prepared protocol; `complete` waits for its end and
    fails when the run did not complete. `pause` holds the pressure where it is, `stop` and
    `unstage` abort a run that is active and wait until the pressure is released.

    The device never closes the press: keep the `with` block of `Press.open` around the RunEngine.
    """

    def __init__(self, press: Press, name: str = "", *, on_prompt: Asker | None = None) -> None:
        """Use a press that is open.

        Args:
            press: The press; one device at a time.
            name: Name of the device in all documents.
            on_prompt: Asks the operator, in a thread of its own; without it prompts wait for
                `confirm`, and the signal `prompt` has the text.
        """
        self._press = press
        self._on_prompt = on_prompt
        self._request: PressRequest | None = None
        self._run: Run | None = None
        self._paused_here = self._stopped_here = False
        self._rows = 0
        self._emitted_rows = 0
        self._bundles: list[Any] = []
        hello = press.hello
        with self.add_children_as_readables(Format.HINTED_SIGNAL):
            self.pressure, self._set_pressure = soft_signal_r_and_setter(float, units="MPa")
        with self.add_children_as_readables(Format.UNCACHED_SIGNAL):
            self.setpoint, self._set_setpoint = soft_signal_r_and_setter(float, units="MPa")
            self.state, self._set_state = soft_signal_r_and_setter(str)
            self.stage_name, self._set_stage = soft_signal_r_and_setter(str)
            self.prompt, self._set_prompt = soft_signal_r_and_setter(str)
            self.fault, self._set_fault = soft_signal_r_and_setter(str)
            self.run_id, self._set_run_id = soft_signal_r_and_setter(str)
            self.end_reason, self._set_end_reason = soft_signal_r_and_setter(str)
        with self.add_children_as_readables(Format.CONFIG_SIGNAL):
            self.board, _ = soft_signal_r_and_setter(str, hello.unique_id.hex())
            self.firmware, _ = soft_signal_r_and_setter(str, f"{hello.firmware} {hello.build}")
            self.profile_hash, _ = soft_signal_r_and_setter(str, hello.profile_hash.hex())
            self.simulated, _ = soft_signal_r_and_setter(bool, hello.simulated)
        super().__init__(name)

    @property
    def run(self) -> Run | None:
        """The run that was kicked off last; None before the first one."""
        return self._run

    # --- reading

    async def read(self) -> dict[str, Any]:
        """Ask the board and return pressure, state, prompt, and how the last run ended."""
        run = self._run
        ask = self._press.status if run is None or run.has_ended else run.status
        self._show(await asyncio.to_thread(ask))
        return await super().read()

    def _show(self, status: PressStatus) -> None:
        """Put a status into the signals; in the thread of the event loop."""
        self._set_pressure(status.pressure_mpa)
        self._set_setpoint(status.setpoint_mpa)
        self._set_state(wire_name(status.state))
        self._set_stage(status.stage_name or "")
        self._set_prompt(status.prompt)
        self._set_fault(wire_name(status.fault))

    def _show_from(self, loop: asyncio.AbstractEventLoop) -> Callable[[PressStatus], None]:
        """Return a status callback for other threads; a loop that has ended is no failure."""

        def show(status: PressStatus) -> None:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._show, status)

        return show

    # --- flying

    @AsyncStatus.wrap
    async def prepare(self, value: PressRequest) -> None:
        """Check a protocol against the press; nothing moves.

        Raises:
            BadInputError: The protocol has mistakes.
            PressloopError: `run-active`: a run of another request is still active.
        """
        if self._is_active():
            if value is self._request:
                return  # the RunEngine repeats the messages since a checkpoint after a pause
            raise PressloopError(
                f"{self.name}: the last run is still active",
                code="run-active",
                hint="wait for complete(), or stop the device",
            )
        validation = await asyncio.to_thread(self._press.validate, value.protocol)
        validation.checked()
        self._request, self._run = value, None
        self._stopped_here = False
        self._rows = self._emitted_rows = 0
        self._bundles = self._compose(Path(value.out).absolute() / TELEMETRY_NAME)
        self._set_end_reason("")
        self._set_run_id("")

    @AsyncStatus.wrap
    async def kickoff(self) -> None:
        """Start the protocol; the press moves. Does nothing while the run is active.

        Raises:
            PressloopError: `not-prepared`: there is no request, or its run has ended.
        """
        if self._is_active():
            return
        request = self._request
        if request is None or self._run is not None:
            raise PressloopError(
                f"{self.name}: there is no prepared protocol that has not run yet",
                code="not-prepared",
                hint="prepare the device with a PressRequest before each kickoff",
            )
        loop = asyncio.get_running_loop()

        def start() -> Run:
            return self._press.start(
                request.protocol,
                out=request.out,
                on_prompt=self._on_prompt,
                on_status=self._show_from(loop),
                sample=request.sample,
                die=request.die,
                thinning=request.thinning,
                faults=request.faults,
            )

        self._run = await asyncio.to_thread(start)
        self._set_run_id(self._run.run_id.hex())

    @WatchableAsyncStatus.wrap
    async def complete(self) -> AsyncIterator[WatcherUpdate[float]]:
        """Wait until the run has ended and its record is complete.

        Raises:
            PressloopError: `not-prepared`: nothing was kicked off.
            RunFailedError: The run did not complete, and `stop` was not the reason. Its telemetry
                can be collected all the same.
        """
        run = self._run
        if run is None:
            raise PressloopError(
                f"{self.name}: no run was kicked off", code="not-prepared", hint="kick off first"
            )
        while not await asyncio.to_thread(run.wait, _POLL_S):
            yield WatcherUpdate(
                current=await self.pressure.get_value(),
                initial=0.0,
                target=await self.setpoint.get_value(),
                name=self.name,
                unit="MPa",
            )
        result = await self._finish(run)
        if not self._stopped_here:
            result.check()

    async def _finish(self, run: Run) -> RunResult:
        """Complete the record and make its telemetry ready to be collected."""
        result = await asyncio.to_thread(run.result)
        rows = await asyncio.to_thread(_rows_of, result.directory / TELEMETRY_NAME)
        if run is self._run:
            self._rows = rows
            self._set_end_reason(result.end_reason)
        return result

    # --- steering

    async def confirm(self) -> None:
        """Confirm the open prompt; only for a device without `on_prompt`."""
        if self._run is not None:
            await asyncio.to_thread(self._run.confirm, None, _BY)

    async def pause(self) -> None:
        """Freeze setpoint and timers when the RunEngine pauses; the pressure is still controlled.

        A run that cannot be paused at this moment, such as one that is releasing, goes on.
        """
        run = self._run
        if run is None or not run.is_active:
            return
        try:
            await asyncio.to_thread(run.pause, _BY)
        except CommandRefusedError as refusal:
            _log.warning("%s is not paused: %s", self.name, refusal.message)
        else:
            self._paused_here = True

    async def resume(self) -> None:
        """Continue after a pause of the RunEngine; a run that something else has paused stays so.

        Raises:
            CommandRefusedError: `guard-open` or `emergency-stop`. The run stays paused.
        """
        if self._paused_here and self._run is not None:
            if self._run.is_active:
                await asyncio.to_thread(self._run.resume, _BY)
            self._paused_here = False

    async def stop(self, success: bool = True) -> None:
        """Abort an active run and wait until the pressure is released, also after success."""
        run = self._run
        if run is not None and run.is_active:
            self._stopped_here = True
            await asyncio.to_thread(run.abort_and_finish, _BY)
        if run is not None and run.has_ended:
            await self._finish(run)
        self._paused_here = False

    @AsyncStatus.wrap
    async def unstage(self) -> None:
        """Abort a run that is still active, so that no plan leaves a press under pressure."""
        await self.stop()
        await super().unstage()

    def _is_active(self) -> bool:
        return self._run is not None and self._run.is_active

    # --- the telemetry as stream assets

    async def describe_collect(self) -> dict[str, DataKey]:
        """Describe the columns of the telemetry; one row is one event."""
        return {
            self._key(column): DataKey(
                source=f"pressloop://{self._press.hello.unique_id.hex()}/{column}",
                shape=[1],
                dtype="number",
                dtype_numpy="<f8",
                units=_UNITS[column],
                external="STREAM:",
            )
            for column in STREAMED_COLUMNS
        }

    async def get_index(self) -> int:
        """Return how many rows the record has; 0 until the run has ended and is on disk."""
        return self._rows

    async def collect_asset_docs(self, index: int | None = None) -> AsyncIterator[StreamAsset]:
        """Yield where the telemetry is, once it is written, and which rows are new.

        Collect it before the device is read again: Bluesky asks for it at every event.
        """
        stop = self._rows if index is None else min(index, self._rows)
        start, self._emitted_rows = self._emitted_rows, max(stop, self._emitted_rows)
        if stop <= start:
            return
        for bundle in self._bundles:
            if start == 0:
                yield "stream_resource", bundle.stream_resource_doc
            yield "stream_datum", bundle.compose_stream_datum({"start": start, "stop": stop})

    def _key(self, column: str) -> str:
        return f"{self.name}-{column}"

    def _compose(self, telemetry: Path) -> list[Any]:
        """Compose the resource of each column; its rows follow when they are on disk."""
        compose = ComposeStreamResource()
        uri = telemetry.as_uri().replace("file:///", "file://localhost/", 1)
        return [
            compose(
                mimetype=MIMETYPE,
                uri=uri,
                data_key=self._key(column),
                parameters={"column": column, "chunk_shape": (1,)},
                uid=None,
                validate=True,
            )
            for column in STREAMED_COLUMNS
        ]


def press_plan(
    device: PressDevice, request: PressRequest, *, md: dict[str, Any] | None = None
) -> MsgGenerator[None]:
    """Press one sample: a Bluesky run with the telemetry as a stream and the end as an event.

    After a pause it continues where it was. Stopped or aborted, it releases the pressure first, and
    the telemetry so far is collected.

    Raises:
        RunFailedError: In the plan, as the cause of a FailedStatus: the run did not complete.
    """
    metadata = {
        "plan_name": "press_plan",
        "record": str(Path(request.out).absolute()),
        **(md or {}),
    }

    def wait_for_end() -> MsgGenerator[None]:
        status = yield from bps.complete(device, wait=False, group="pressloop")
        while status is None or not status.done:
            yield from bps.wait("pressloop")

    def collect() -> MsgGenerator[None]:
        yield from bps.stop(device)
        yield from bps.collect(device, name=STREAM)
        yield from bps.create("result")
        yield from bps.read(device)
        yield from bps.save()

    def inner() -> MsgGenerator[None]:
        yield from bps.prepare(device, request, wait=True)
        yield from bps.declare_stream(device, name=STREAM, collect=True)
        yield from bps.kickoff(device, wait=True)
        # A pause repeats what followed the last checkpoint: the start must not be among it.
        yield from bps.checkpoint()
        yield from _finalised(wait_for_end(), collect())

    yield from _staged(_in_run(inner(), md=metadata), [device])


_finalised: Final[Any] = bpp.finalize_wrapper
_in_run: Final[Any] = bpp.run_wrapper
_staged: Final[Any] = bpp.stage_wrapper
"""Bluesky does not type its wrappers."""

_UNITS: Final = {
    "time_s": "s",
    "pressure_mpa": "MPa",
    "setpoint_mpa": "MPa",
    "output_percent": "%",
    "displacement_mm": "mm",
}


def _rows_of(telemetry: Path) -> int:
    import pyarrow.parquet as pq  # a finished record has needed it already

    return int(pq.read_metadata(telemetry).num_rows)
