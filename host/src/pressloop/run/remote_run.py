"""Steers and watches a run of another program on this machine."""

from __future__ import annotations

import getpass
import json
import platform
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from pressloop.errors import PressloopError
from pressloop.run.active_runs import ActiveRun
from pressloop.run.remote_control import WATCH, status_from_json
from pressloop.run.steering import SteeringCommand, SteeringOutcome
from pressloop.session.status import PressStatus

MAX_ANSWER_S: Final = 4.0
"""Maximum wait for an answer: a program that works needs a tenth of a second."""


def sender() -> str:
    """Return user and machine of this program as `user@host`; unknown parts are left out."""
    user = ""
    with suppress(Exception):  # each system has its own error for a user without a name
        user = getpass.getuser()
    return "@".join(part for part in (user, platform.node()) if part)


class OwnerGoneError(PressloopError):
    """The program that owned the board has ended."""

    default_code = "owner-gone"


class OwnerSilentError(PressloopError):
    """The program that owns the board does not answer."""

    default_code = "owner-silent"


class RemoteRun:
    """A run that another program follows.

    Raises:
        OwnerGoneError: That program has ended; its board may have another owner now, or none.
        OwnerSilentError: That program does not answer: it is stopped or hangs.
    """

    def __init__(self, run: ActiveRun, *, max_answer_s: float = MAX_ANSWER_S) -> None:
        """Connect to no program yet; each command has a connection of its own."""
        self._run = run
        self._max_answer_s = max_answer_s
        self.end_reason: str | None = None

    def steer(self, command: SteeringCommand) -> SteeringOutcome:
        """Let the program carry out a command, and return what it says."""
        for answer in self._ask(command):
            if isinstance(answer.get("message"), str):
                return SteeringOutcome(
                    answer.get("ok") is True, answer["message"], str(answer.get("code"))
                )
            break
        raise self._silent()

    def watch(self) -> Iterator[PressStatus]:
        """Yield one status after another until the run has ended; then `end_reason` is set."""
        for answer in self._ask(WATCH):
            if "ended" in answer:
                self.end_reason = str(answer["ended"])
                return
            if answer.get("ok") is False:
                raise self._gone()
            if "status" in answer:
                try:
                    status = status_from_json(answer["status"])
                except (ValueError, TypeError, KeyError):
                    raise self._silent() from None
                yield status
        raise self._gone()

    def _ask(self, command: str) -> Iterator[dict[str, Any]]:
        content = {"token": self._run.token, "command": command, "by": sender()}
        request = json.dumps(content).encode() + b"\n"
        address = (self._run.host, self._run.control_port)
        try:
            with socket.create_connection(address, self._max_answer_s) as link:
                link.sendall(request)
                for line in link.makefile("rb"):
                    answer = json.loads(line)
                    if not isinstance(answer, dict) or answer.get("code") == "wrong-token":
                        raise self._gone()  # another program has this address now
                    yield answer
        except ConnectionRefusedError:
            with suppress(OSError):
                self._run.file().unlink()
            raise self._gone() from None
        except (ConnectionError, ValueError):
            raise self._gone() from None
        except OSError:
            raise self._silent() from None

    def _gone(self) -> OwnerGoneError:
        return OwnerGoneError(
            f"the program that ran {self._run.protocol!r} (process {self._run.pid}) has ended",
            hint=f"if the press is still running, follow it with: "
            f"pressloop attach {self._run.record}",
        )

    def _silent(self) -> OwnerSilentError:
        return OwnerSilentError(
            f"the program that runs {self._run.protocol!r} (process {self._run.pid}) owns the "
            f"board and does not answer within {self._max_answer_s:g} s: it is stopped or hangs",
            hint="in an emergency use the hard-wired emergency stop; bring a stopped program back "
            "with fg, or end it, then try again",
        )
