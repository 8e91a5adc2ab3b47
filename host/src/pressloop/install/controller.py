"""Checks the controller on a port before and after it gets new firmware."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from pressloop._version import __version__
from pressloop.connect import resolve_address
from pressloop.errors import (
    BoardTimeoutError,
    LinkClosedError,
    NoBoardError,
    PortBusyError,
    PressloopError,
    VersionMismatchError,
)
from pressloop.session.session import Session
from pressloop.wire.schema import HelloReply, InputBits, State

MAX_RESTART_S: Final = 30.0
"""Longest restart of a board: start, USB, and a desktop that probes the new port."""

MAX_BY_HAND_S: Final = 120.0
"""Longest time for a person to press the button, or to hold BOOTSEL and plug in the cable."""

Say = Callable[[str], None]

_HOST: Final = f"pressloop {__version__}"
# Timeouts of the hellos. A controller answers within milliseconds, any other program never.
_HELLO_TIMEOUTS_S: Final = (0.5, 1.0, 2.0)
_RETRY_PAUSE_S: Final = 0.3
# A press of the button lasts longer.
_LOOK_S: Final = 0.03
# States in which nothing moves and no prompt waits for an answer.
_AT_REST: Final = (State.IDLE, State.FAULT)


def prepare_change(port: str, say: Say, by_hand_s: float = MAX_BY_HAND_S) -> HelloReply | None:
    """Check that the firmware of the board on `port` may be changed, and let a person allow it.

    A controller gives its prompt at rest only, and only within 30 s of a press of its button; a
    simulated one needs none.

    Args:
        port: As in `Press.open`.
        say: Shows the user what to do.
        by_hand_s: Longest wait for the button, wall-clock time.

    Returns:
        The controller's answer to hello. None if nothing on the port speaks Pressloop's protocol:
        stock MicroPython, a prompt, or firmware of another wire schema. Such firmware ignores
        Ctrl-C during a run as well, so it cannot be changed then.

    Raises:
        PressloopError: `run-active`: the press is not at rest; `needs-button`: the button was
            not pressed.
        NoBoardError, PortBusyError: The port does not open.
    """
    try:
        session = _ask(port)
    except (BoardTimeoutError, LinkClosedError):
        return None
    except PressloopError as error:
        if error.code == "version-mismatch":
            return None
        raise
    try:
        state = session.status().state
        if state not in _AT_REST:
            raise PressloopError(
                f"the press on {port} is {state.name.lower()}: its firmware stays as it is",
                hint="wait until the run has ended (`pressloop watch`), or end it with "
                "`pressloop abort`",
                code="run-active",
            )
        if not session.hello.simulated:
            _await_button(session, port, say, by_hand_s)
        return session.hello
    finally:
        session.close()


def _await_button(session: Session, port: str, say: Say, by_hand_s: float) -> None:
    say(f"Press the button of the controller on {port}: then it takes other firmware.")
    give_up_s = time.monotonic() + by_hand_s
    was_down = True
    while time.monotonic() < give_up_s:
        down = bool(session.status().inputs & InputBits.BUTTON)
        if down and not was_down:
            return
        was_down = down
        time.sleep(_LOOK_S)
    raise PressloopError(
        f"the button of the controller on {port} was not pressed within {by_hand_s:g} s: its "
        "firmware stays as it is",
        hint="press it and try again; a Pico without a button takes an image when BOOTSEL is held "
        "while it is plugged in",
        code="needs-button",
    )


def await_build(port: str | None, build: str, limit_s: float = MAX_RESTART_S) -> HelloReply:
    """Wait until the controller on `port` answers with this build, and return its answer.

    Args:
        port: As in `Press.open`; None means the one controller that is plugged in.
        build: The build that `hello` must name.
        limit_s: Longest wait, wall-clock time.

    Raises:
        AmbiguousPortError: No port was named and several controllers are plugged in.
        BoardTimeoutError: `wrong-build` if another build answers, `no-restart` if none does.
        VersionMismatchError: What answers has another wire schema than this SDK.
    """
    give_up_s = time.monotonic() + limit_s
    where = f" on {port}" if port else ""
    found = ""
    mismatch: VersionMismatchError | None = None
    console: tuple[str, ...] = ()
    while time.monotonic() < give_up_s:
        try:
            session = _ask(port)
        except (BoardTimeoutError, LinkClosedError) as error:
            console = error.console or console
        except (NoBoardError, PortBusyError):
            # The port disappears while the board restarts; a desktop may hold the new one open.
            pass
        except VersionMismatchError as error:
            # Perhaps the old firmware, which has not restarted yet.
            mismatch = error
        else:
            hello = session.hello
            session.close()
            if hello.build == build:
                return hello
            found = hello.build
        time.sleep(_RETRY_PAUSE_S)
    if found:
        raise BoardTimeoutError(
            f"the controller{where} answers with build {found}, not with {build}",
            hint="press the board's reset and look with `pressloop info`; if the build stays, this "
            "is another board than the one that was written to",
            console=console,
            code="wrong-build",
        )
    if mismatch is not None:
        raise mismatch
    raise BoardTimeoutError(
        f"no controller answered{where} within {limit_s:g} s of its restart",
        hint="press the board's reset or replug it, then try `pressloop info`; if the board "
        "printed anything, it is shown above",
        console=console,
        code="no-restart",
    )


def _ask(port: str | None) -> Session:
    address = resolve_address(port)
    return Session(address.connect, host=_HOST, reconnect_timeout_s=0.0, waits_s=_HELLO_TIMEOUTS_S)
