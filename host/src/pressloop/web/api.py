"""Answers the requests of a page: commands, protocols, runs, machine.

Each request that changes something has the secret of its page in a header. All but the abort need
the control of the press. Handlers are plain functions: the server runs them in threads, because
the SDK waits for the board.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pressloop.errors import BadInputError, NoBoardError, PressloopError, RecordError
from pressloop.run.steering import STEERING_COMMANDS, SteeringOutcome
from pressloop.sample import Sample, sample_of_text
from pressloop.validation import LoadedProtocol
from pressloop.web.control import Control
from pressloop.web.hub import Hub
from pressloop.web.lease import ControlHeldError, NoControlError, clean_name
from pressloop.web.machine_view import machine_view
from pressloop.web.prediction import check_view
from pressloop.web.press_owner import PressOwner
from pressloop.web.protocol_folder import ProtocolFolder, text_hash
from pressloop.web.rehearsal import rehearse
from pressloop.web.run_list import RunList
from pressloop.web.sample_text import sample_problem, sample_view
from pressloop.web.words import error_words, outcome_sentence
from pressloop.wire.names import wire_name

VIEWER_HEADER: Final = "x-pressloop-viewer"
_MAX_POINTS: Final = 8000

Answer = dict[str, Any]

_log = logging.getLogger(__name__)


class Api:
    """The handlers, with what they work on."""

    def __init__(
        self,
        owner: PressOwner,
        control: Control,
        hub: Hub,
        protocols: ProtocolFolder,
        runs: RunList,
        runs_folder: Path,
    ) -> None:
        """Work on these."""
        self._owner = owner
        self._control = control
        self._hub = hub
        self._protocols = protocols
        self._runs = runs
        self._runs_folder = runs_folder

    def routes(self) -> list[Route]:
        """Return the routes of all requests."""
        posts: dict[str, Callable[[str, Answer], Answer]] = {
            "control/take": self._take,
            "control/release": self._release,
            "abort": self._abort,
            "steer": self._steer,
            "confirm": self._confirm,
            "dump": self._dump,
            "clear": self._clear,
            "start": self._start,
            "sample": self._check_sample,
            "validate": self._validate,
            "rehearse": self._rehearse,
            "protocols/save": self._save,
        }
        gets: dict[str, Callable[[Answer], Answer]] = {
            "protocols": self._list_protocols,
            "protocol": self._read_protocol,
            "runs": self._list_runs,
            "run": self._read_run,
            "curve": self._curve,
            "machine": self._machine,
        }
        return [
            *(Route(f"/api/{path}", _post(act), methods=["POST"]) for path, act in posts.items()),
            *(Route(f"/api/{path}", _get(look), methods=["GET"]) for path, look in gets.items()),
        ]

    # --- control and commands

    def _take(self, viewer: str, data: Answer) -> Answer:
        return self._control.take(viewer, _text(data, "name", ""))

    def _release(self, viewer: str, data: Answer) -> Answer:
        return self._control.release(viewer)

    def _abort(self, viewer: str, data: Answer) -> Answer:
        """Abort for anybody who can see the page."""
        outcome = self._owner.abort(f"{clean_name(data.get('name'))} (page)")
        self._say(outcome, "abort", data)
        return _outcome(outcome)

    def _steer(self, viewer: str, data: Answer) -> Answer:
        name = _text(data, "command")
        command = next((known for known in STEERING_COMMANDS if known == name), None)
        if command is None:
            raise BadInputError(
                f"there is no command {name[:40]!r}",
                hint=f"commands: {', '.join(STEERING_COMMANDS)}",
                code="unknown-command",
            )
        holder = self._control.require(viewer)
        return _outcome(self._owner.steer(command, f"{holder.name} (page)"))

    def _confirm(self, viewer: str, data: Answer) -> Answer:
        holder = self._control.require(viewer)
        step = data.get("step")
        if not isinstance(step, int):
            raise _missing("step", "the number of the prompt's step")
        self._owner.confirm(step, f"{holder.name} (page)")
        return _outcome(SteeringOutcome(True, "confirmed; the run continues"))

    def _dump(self, viewer: str, data: Answer) -> Answer:
        holder = self._control.require(viewer)
        self._owner.dump(f"{holder.name} (page)")
        return _outcome(SteeringOutcome(True, "the release valve is fully open"))

    def _clear(self, viewer: str, data: Answer) -> Answer:
        self._control.require(viewer)
        fault = self._owner.clear_fault()
        return _outcome(SteeringOutcome(True, f"the fault {wire_name(fault)} is cleared"))

    def _start(self, viewer: str, data: Answer) -> Answer:
        """Start a protocol whose text the page has shown: another text is refused."""
        holder = self._control.require(viewer)
        file = self._protocols.read(_text(data, "id"))
        if file.sha256 != _text(data, "sha256"):
            raise BadInputError(
                f"{file.id} was changed since this page has shown it: nothing was pressed",
                hint="load the protocol again and look at it",
                code="changed-on-disk",
            )
        source = LoadedProtocol.of_bytes(file.text.encode(), file.id)
        name = file.id.rpartition(":")[2].rpartition("/")[2]
        stem = Path(name).stem.strip("-") or "run"
        out = _free_folder(self._runs_folder, f"{time.strftime('%Y%m%d-%H%M%S')}-{stem}")
        die = _text(data, "die", "").strip()
        if die.replace(".", "", 1).isdigit():
            die += " mm"  # the field of the page says so
        run = self._owner.start_run(
            source,
            out=out,
            die=die or None,
            by=f"{holder.name} (page)",
            sample=_sample(data) if data.get("sample") is not None else None,
        )
        return {"record": run.directory.name}

    def _check_sample(self, viewer: str, data: Answer) -> Answer:
        """Say what a sample file gives for a protocol, and which fields are in neither of them."""
        try:
            sample = _sample(data)
        except BadInputError as error:
            return {"given": [], "missing": [], "problem": sample_problem(error)}
        file = self._protocols.read(_text(data, "id"))
        protocol = LoadedProtocol.of_bytes(file.text.encode(), file.id).draft.protocol
        return sample_view(sample, None if protocol is None else protocol.conditions)

    def _say(self, outcome: SteeringOutcome, command: str, data: Answer) -> None:
        """Tell all pages of a command that any of them may give."""
        who = clean_name(data.get("name"))
        text = f"{who} pressed {command}. {outcome_sentence(outcome.message)}"
        notice = {"text": text, "tone": "note" if outcome.done else "bad", "at": time.time()}
        self._hub.publish("notice", notice, keep=False)

    # --- protocols

    def _list_protocols(self, query: Answer) -> Answer:
        profile = self._owner.profile
        rows = []
        for file in self._protocols.files():
            view = check_view(file.text, file.id, profile)
            plan = view["plan"]
            errors = sum(finding["severity"] == "error" for finding in view["findings"])
            rows.append(
                {
                    "id": file.id,
                    "ready": file.ready,
                    "aim": file.aim,
                    "valid": view["valid"],
                    "errors": errors,
                    "name": view["name"],
                    "highest": None if plan is None else plan["highest"],
                    "die_mm": None if plan is None else plan["die_mm"],
                    "expected_s": None if plan is None else plan["expected_s"],
                    "stages": 0 if plan is None else len(plan["stages"]),
                }
            )
        return {"folder": str(self._protocols.folder), "rows": rows}

    def _read_protocol(self, query: Answer) -> Answer:
        file = self._protocols.read(_text(query, "id"))
        return {
            "id": file.id,
            "text": file.text,
            "ready": file.ready,
            "sha256": file.sha256,
            "check": check_view(file.text, file.id, self._owner.profile),
        }

    def _validate(self, viewer: str, data: Answer) -> Answer:
        text = _text(data, "text")
        view = check_view(text, _text(data, "id", "the protocol"), self._owner.profile)
        return {**view, "sha256": text_hash(text)}

    def _rehearse(self, viewer: str, data: Answer) -> Answer:
        profile = self._owner.profile
        if profile is None:
            raise NoBoardError(
                "no press is connected, so there is nothing to rehearse for",
                hint="connect the press first",
            )
        return rehearse(_text(data, "text"), _text(data, "id", "the protocol"), profile)

    def _save(self, viewer: str, data: Answer) -> Answer:
        self._control.require(viewer)
        known = data.get("known_sha256")
        file = self._protocols.save(
            _text(data, "id"), _text(data, "text"), known if isinstance(known, str) else None
        )
        return {"id": file.id, "sha256": file.sha256}

    # --- runs and machine

    def _list_runs(self, query: Answer) -> Answer:
        return {"folder": str(self._runs_folder), "rows": self._runs.rows()}

    def _read_run(self, query: Answer) -> Answer:
        return self._runs.view(_text(query, "id"))

    def _curve(self, query: Answer) -> Answer:
        points = min(_MAX_POINTS, max(16, int(_number(query, "points", 1500))))
        stop = query.get("to")
        return self._runs.curve(
            _text(query, "id"),
            _number(query, "from", 0.0),
            None if stop is None else _number(query, "to", 0.0),
            points,
        )

    def _machine(self, query: Answer) -> Answer:
        return machine_view(self._owner.press, self._owner.profile)


def _post(act: Callable[[str, Answer], Answer]) -> Callable[[Request], Any]:
    async def handle(request: Request) -> Response:
        try:
            data = json.loads(await request.body() or b"{}")
        except ValueError:
            data = None
        if not isinstance(data, dict):
            return _refused(_missing("body", "a JSON object"))
        viewer = request.headers.get(VIEWER_HEADER, "")
        return await _answered(lambda: act(viewer, data))

    return handle


def _get(look: Callable[[Answer], Answer]) -> Callable[[Request], Any]:
    async def handle(request: Request) -> Response:
        return await _answered(lambda: look(dict(request.query_params)))

    return handle


async def _answered(act: Callable[[], Answer]) -> Response:
    try:
        return JSONResponse(await run_in_threadpool(act))
    except PressloopError as error:
        return _refused(error)


def _refused(error: PressloopError) -> Response:
    words = error_words(error)
    if isinstance(error, BadInputError):
        words["findings"] = [
            {"path": one.path, "code": one.code, "message": one.message, "hint": one.hint}
            for one in error.findings
        ]
    return JSONResponse({"error": words}, _status(error))


def _status(error: PressloopError) -> int:
    if isinstance(error, ControlHeldError | NoControlError):
        return 409
    if isinstance(error, RecordError):
        return 404
    return 400 if isinstance(error, BadInputError) else 503


def _outcome(outcome: SteeringOutcome) -> Answer:
    return {
        "done": outcome.done,
        "message": outcome_sentence(outcome.message),
        "code": outcome.code,
    }


def _sample(data: Answer) -> Sample:
    return sample_of_text(_text(data, "sample"), _text(data, "sample_name", "the sample file"))


def _text(data: Answer, name: str, default: str | None = None) -> str:
    value = data.get(name, default)
    if not isinstance(value, str):
        raise _missing(name, "text")
    return value


def _number(data: Answer, name: str, default: float) -> float:
    value = data.get(name, default)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise _missing(name, "a number") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise _missing(name, "a finite number")
    return number


def _missing(name: str, wanted: str) -> BadInputError:
    return BadInputError(
        f"the request has no usable {name!r}", hint=f"send {wanted}", code="bad-request"
    )


def _free_folder(parent: Path, name: str) -> Path:
    """Return a folder that does not exist; two starts in a second get different ones."""
    folder, number = parent / name, 2
    while folder.exists():
        folder, number = parent / f"{name}-{number}", number + 1
    return folder
