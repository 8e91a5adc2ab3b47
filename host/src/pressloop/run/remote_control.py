"""Lets other programs on this machine steer and watch a run: a small server on 127.0.0.1.

The program that runs a protocol owns the board: a serial port has one owner, and a second
connection would take over the session of the first one. So other programs ask the owner. They send
one line of JSON and get one back; `watch` gets a line for each status until the run has ended:

    {"token": "...", "command": "pause", "by": "ada@lab-pc"}
    {"ok": true, "message": "paused at 100.0 MPa; ...", "code": ""}
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import secrets
import select
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from pressloop.errors import PressloopError
from pressloop.run.active_runs import ActiveRun, publish
from pressloop.run.run import Run
from pressloop.run.steering import (
    STEERING_COMMANDS,
    SteeringOutcome,
    steer,
    steer_safely,
    step_type,
)
from pressloop.session.status import PressStatus
from pressloop.wire.schema import EndReason, Fault, InputBits, State

WATCH: Final = "watch"
WATCH_INTERVAL_S: Final = 0.2
"""Time between two status lines."""

MAX_LINE_BYTES: Final = 4096

MAX_SENDER: Final = 80
"""Characters of the name of a command's sender that the record keeps."""

_HOST: Final = "127.0.0.1"
_SLICE_S: Final = 0.5
"""Time after which the server looks whether the run is over."""

_MAX_REQUEST_S: Final = 5.0
"""Maximum time in which a client must send its line, and take an answer."""

_MAX_CLIENTS: Final = 16

MAX_FAREWELL_S: Final = 1.0
"""How long the end of a program waits for those who watch its run."""

_FAREWELL_SLICE_S: Final = 0.02

_log = logging.getLogger(__name__)


class RemoteControl:
    """Serves one run until it is over. Its failure is logged and never disturbs the run."""

    def __init__(self, run: Run, *, url: str, emulated: bool) -> None:
        """Prepare to serve a run; `start` opens the server.

        Args:
            run: The run.
            url: Address of the link to the board.
            emulated: Whether this program started an emulated board for the run.
        """
        self._run = run
        self._url = url
        self._emulated = emulated
        self._token = secrets.token_hex(16)
        self._steering = threading.Lock()
        self._clients = threading.BoundedSemaphore(_MAX_CLIENTS)
        self._closing = threading.Event()
        # Programs that watch; a lost update costs a little waiting in `close`.
        self._watchers = 0
        self._listener: socket.socket | None = None
        self._path: Path | None = None

    def start(self) -> None:
        """Open the server and publish its address; a failure is logged only."""
        try:
            self._listener = socket.create_server((_HOST, 0))
            self._listener.settimeout(_SLICE_S)
            self._path = publish(self._active_run(self._listener.getsockname()[1]))
        except Exception as error:  # a run without remote control is better than none
            _log.warning("other programs cannot steer this run: %s", error)
            self.close()
            return
        threading.Thread(
            target=self._serve, args=(self._listener,), name="pressloop control", daemon=True
        ).start()

    def close(self) -> None:
        """Remove the published address and accept no more commands. May be called repeatedly.

        Those who watch a run that is over are given a moment to hear how it ended.
        """
        self._closing.set()
        deadline = time.monotonic() + MAX_FAREWELL_S
        while self._watchers > 0 and not self._run.is_active and time.monotonic() < deadline:
            time.sleep(_FAREWELL_SLICE_S)
        path, self._path = self._path, None
        if path is not None:
            with suppress(OSError):
                path.unlink()
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()

    def _active_run(self, control_port: int) -> ActiveRun:
        header = self._run.recorder.header
        return ActiveRun(
            host=_HOST,
            control_port=control_port,
            token=self._token,
            pid=os.getpid(),
            port=header.port,
            url=self._url,
            unique_id=header.board.unique_id,
            emulated=self._emulated,
            simulated=header.simulated,
            record=str(self._run.directory.resolve()),
            run_id=header.run_id,
            protocol=header.protocol_name,
        )

    def _serve(self, listener: socket.socket) -> None:
        try:
            while self._run.is_active and not self._closing.is_set():
                try:
                    client, _ = listener.accept()
                except TimeoutError:
                    continue
                if not self._clients.acquire(blocking=False):
                    client.close()
                    continue
                threading.Thread(
                    target=self._talk, args=(client,), name="pressloop control client", daemon=True
                ).start()
        except Exception as error:
            if not self._closing.is_set():
                _log.warning("other programs can no longer steer this run: %r", error)
        finally:
            self.close()

    def _talk(self, client: socket.socket) -> None:
        try:
            with client:
                client.settimeout(_MAX_REQUEST_S)
                request = _parsed(_read_line(client))
                if request is None:
                    _send(client, _refused("bad-request", "the request is not a line of JSON"))
                elif not self._is_allowed(request.get("token")):
                    _send(client, _refused("wrong-token", "the token is not the one of this run"))
                elif request.get("command") == WATCH:
                    self._watchers += 1
                    try:
                        self._stream(client)
                    finally:
                        self._watchers -= 1
                else:
                    _send(client, self._answer(client, request.get("command"), request.get("by")))
        except OSError:
            pass  # the client has gone
        except Exception:
            _log.exception("a command from another program failed")
        finally:
            self._clients.release()

    def _is_allowed(self, token: object) -> bool:
        given = token if isinstance(token, str) else ""
        return hmac.compare_digest(given.encode(), self._token.encode())

    def _answer(self, client: socket.socket, command: object, sender: object) -> dict[str, Any]:
        known = next((name for name in STEERING_COMMANDS if name == command), None)
        if known is None:
            return _refused("unknown-command", f"there is no command {str(command)[:40]!r}")
        run = self._run
        with self._steering:
            if not run.is_active:
                return _refused("no-effect", f"nothing to {known}: the run has ended")
            outcome = steer_safely(
                lambda: steer(
                    run,
                    known,
                    by=_by(sender),
                    type_of=lambda status: step_type(run.recorder.header, status.step),
                    is_wanted=lambda: _is_connected(client),
                )
            )
        return as_reply(outcome)

    def _stream(self, client: socket.socket) -> None:
        """Send a status again and again until the run is over or the client goes."""
        _send(client, {"ok": True, "simulated": self._run.recorder.header.simulated})
        status: PressStatus | None = None
        while self._run.is_active and _is_connected(client):
            with suppress(PressloopError):
                status = self._run.status()
                _send(client, {"status": status_to_json(status)})
            time.sleep(WATCH_INTERVAL_S)
        if not self._run.is_active:
            with suppress(PressloopError):
                status = self._run.status()
            ended = self._run.has_ended and status is not None
            reason = status.end_reason.name.lower() if ended and status is not None else "unknown"
            if ended and status is not None and status.state is State.FAULT:
                reason = "fault"
            _send(client, {"ended": reason.replace("_", "-")})


def as_reply(outcome: SteeringOutcome) -> dict[str, Any]:
    """Return the answer to a command as data for JSON."""
    return {"ok": outcome.done, "message": outcome.message, "code": outcome.code}


def status_to_json(status: PressStatus) -> dict[str, Any]:
    """Return a status as data for JSON; enumerations are numbers, bytes are hexadecimal."""
    fields = {name: getattr(status, name) for name in PressStatus.__dataclass_fields__}
    enumerations = ("state", "end_reason", "fault", "further_fault", "inputs")
    numbers = {name: int(fields[name]) for name in enumerations}
    return {**fields, **numbers, "run_id": status.run_id.hex()}


def status_from_json(data: Mapping[str, Any]) -> PressStatus:
    """Return the status from what `status_to_json` returned.

    Raises:
        ValueError, TypeError, KeyError: The data is not that of a status.
    """
    return PressStatus(
        **{
            **data,
            "state": State(data["state"]),
            "end_reason": EndReason(data["end_reason"]),
            "fault": Fault(data["fault"]),
            "further_fault": Fault(data["further_fault"]),
            "inputs": InputBits(data["inputs"]),
            "run_id": bytes.fromhex(data["run_id"]),
        }
    )


def _by(sender: object) -> str:
    """Return who gave a command, for the record: what the other program says of its user."""
    if not isinstance(sender, str) or not sender.strip() or not sender.isprintable():
        return "operator (command in another terminal)"
    return f"operator (command in another terminal, {sender.strip()[:MAX_SENDER]})"


def _refused(code: str, message: str) -> dict[str, Any]:
    return as_reply(SteeringOutcome(False, message, code))


def _read_line(client: socket.socket) -> bytes:
    """Read up to the first newline; what is too long, or has no newline, is no request."""
    line = b""
    deadline_s = time.monotonic() + _MAX_REQUEST_S
    while b"\n" not in line and len(line) < MAX_LINE_BYTES and time.monotonic() < deadline_s:
        chunk = client.recv(MAX_LINE_BYTES)
        if not chunk:
            break
        line += chunk
    head, newline, _ = line.partition(b"\n")
    return head if newline else b""


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return request if isinstance(request, dict) else None


def _send(client: socket.socket, data: Mapping[str, Any]) -> None:
    client.sendall(json.dumps(data).encode() + b"\n")


def _is_connected(client: socket.socket) -> bool:
    """Return whether the client still waits for the answer."""
    try:
        readable, _, _ = select.select([client], [], [], 0)
        return not readable or bool(client.recv(1, socket.MSG_PEEK))
    except (OSError, ValueError):
        return False
