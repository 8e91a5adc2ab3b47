"""Check what a board says of itself: its version, its profile, its flash and its fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pressloop._version import __version__
from pressloop.connect import open_session, resolve_address
from pressloop.errors import CommandRefusedError, PressloopError
from pressloop.install.diagnosis import Computer, Diagnosis
from pressloop.machine.commissioned import NEVER, commissioned_text
from pressloop.run.active_runs import refuse_owned
from pressloop.session.session import Session
from pressloop.wire.names import wire_name
from pressloop.wire.schema import Fault, ProfileReadRequest, StorageBits

_HOST: Final = f"pressloop {__version__}"


def check_firmware(computer: Computer) -> Iterator[Diagnosis]:
    """Ask a board which version it is, and what it knows of its press; a run is left alone."""
    port = computer.port or next(iter(_ready(computer)), None)
    if port is None or port.partition(":")[0] == "emulated":
        return
    try:
        refuse_owned(port)
        session = open_session(resolve_address(port), host=_HOST, reconnect_timeout_s=0.0)
    except PressloopError as error:
        yield _refused(error, port)
        return
    try:
        yield from _findings(session, port)
    except PressloopError as error:
        yield Diagnosis("firmware", "bad", error.message, error.hint)
    finally:
        session.close()


def _ready(computer: Computer) -> list[str]:
    return [
        port.path
        for port in computer.ports()
        if port.is_board and computer.may_open(Path(port.path))
    ]


def _refused(error: PressloopError, port: str) -> Diagnosis:
    """Return the result for a board that could not be asked."""
    if error.code == "run-active":
        return Diagnosis("firmware", "ok", f"not asked: {error.message}")
    if error.code == "version-mismatch":
        mend = f"pressloop flash --port {port}; or: pip install --upgrade pressloop"
        return Diagnosis("firmware", "bad", error.message, mend)
    return Diagnosis("firmware", "bad", error.message, error.hint)


def _findings(session: Session, port: str) -> Iterator[Diagnosis]:
    hello, status = session.hello, session.status()
    yield Diagnosis(
        "firmware", "ok", f"{hello.firmware}, build {hello.build}, on {hello.board} at {port}"
    )
    yield from _profile(session, port)
    storage = StorageBits(status.storage or 0)
    if StorageBits.UNAVAILABLE in storage:
        yield Diagnosis(
            "board's flash",
            "bad",
            "the board cannot write to its flash: no run starts",
            f"remove files of your own from the board, or: pressloop flash --port {port}",
        )
    if status.fault is not Fault.NONE:
        name = wire_name(status.fault)
        yield Diagnosis(
            "fault",
            "warn",
            f"the fault {name} is latched",
            f"mend its cause, then: pressloop clear --port {port}",
        )


def _profile(session: Session, port: str) -> Iterator[Diagnosis]:
    """Yield whether the board knows its press, and whether its wires were proved."""
    try:
        profile = session.request(ProfileReadRequest())
    except CommandRefusedError as refused:
        if refused.code != "no-profile":
            raise
        yield Diagnosis(
            "machine profile",
            "bad",
            "the board does not know its press: no run starts",
            "pressloop machine new my-press.yaml && "
            f"pressloop machine write my-press.yaml --port {port}",
        )
        return
    yield Diagnosis("machine profile", "ok", profile.name)
    if session.hello.simulated:
        return
    day = commissioned_text(profile.commissioned_day)
    if day == NEVER:
        yield Diagnosis(
            "commissioning",
            "warn",
            "nothing has proved the wires of this press",
            f"pressloop commission my-press.yaml --port {port}",
        )
    else:
        yield Diagnosis("commissioning", "ok", day)
