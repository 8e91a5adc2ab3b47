"""Questions to the operator: what is asked, who asks, and how an answer reaches the board."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from pressloop.errors import CommandRefusedError
from pressloop.record import RunRecorder
from pressloop.run.commands import RunCommands
from pressloop.session.acknowledge import AckHold
from pressloop.session.session import Session
from pressloop.wire.schema import StatusReply

_RETRY_S: Final = 0.5
"""Pause before an answer that was refused is asked for again: an automatic one must not spin."""

_SLICE_S: Final = 0.2
"""Waits of the main thread are cut into these: on Windows Ctrl-C does not end a longer one."""


@dataclass(frozen=True)
class OpenPrompt:
    """A question that the board waits on.

    Attributes:
        step: Index of the prompt in the plan.
        stage: Index of the prompt's stage.
        text: What the protocol asks.
        remaining_s: Time until the board vents because nobody answered.
        pressure_mpa: Reading when the question was put, MPa on the pellet.
        is_open: Call it to learn whether the board still waits for the answer.
        problem: Why the answer before was refused, such as an open guard; empty the first time.
    """

    step: int
    stage: int
    text: str
    remaining_s: float
    pressure_mpa: float
    is_open: Callable[[], bool]
    problem: str = ""


Asker = Callable[[OpenPrompt], bool | None]
"""Asks the operator: True confirms, False aborts the run; None leaves the prompt open, for
somebody else to call `Run.confirm`."""


def confirm_all(prompt: OpenPrompt) -> bool:
    """Confirm without asking. For rehearsals: on a real press somebody should look first."""
    return True


def ask_on_terminal(prompt: OpenPrompt) -> bool:
    """Ask on the terminal: Enter confirms, `a` aborts the run, anything else is asked again.

    What was typed before the question was on the screen is no answer to it.
    """
    if prompt.problem:
        print(f"  not accepted: {prompt.problem}")
    print(f"{prompt.text} (press at {prompt.pressure_mpa:.1f} MPa)")
    _forget_typed()
    while True:
        answer = input("  Enter when done, a to abort: ").strip().lower()
        if answer == "":
            return True
        if answer in ("a", "abort"):
            return False


def _forget_typed() -> None:
    """Throw away what waits in the terminal's input; elsewhere there is none to throw away."""
    with suppress(ImportError, OSError, ValueError):
        import termios

        termios.tcflush(sys.stdin, termios.TCIFLUSH)


class PromptQueue:
    """Where the board's questions wait for somebody to put them to the operator.

    An open question holds the acknowledged device clock: an automatic answer reaches the board at
    the tick of the question, and while a person thinks an emulated press keeps to the wall clock.
    """

    def __init__(self, session: Session, recorder: RunRecorder, commands: RunCommands) -> None:
        """Start without a question."""
        self._session = session
        self._recorder = recorder
        self._commands = commands
        self._asked: queue.SimpleQueue[OpenPrompt | None] = queue.SimpleQueue()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._hold: AckHold | None = None
        self.open_step: int | None = None

    def put(self, status: StatusReply) -> None:
        """Take a question from the board, in place of any before."""
        self.withdraw()
        self._recorder.event("prompt", tick=status.tick, step=status.step, text=status.prompt)
        with self._lock:
            self._hold = self._session.hold()
            self.open_step = status.step
        self._asked.put(
            OpenPrompt(
                step=status.step,
                stage=status.stage,
                text=status.prompt,
                remaining_s=status.remaining_ms / 1000,
                pressure_mpa=status.pressure_kpa / 1000,
                is_open=lambda: self.open_step == status.step,
            )
        )

    def withdraw(self) -> None:
        """Take the question back: the board no longer waits for an answer."""
        self.open_step = None
        self.release()

    def release(self) -> None:
        """Let the device clock go on: the answer is on its way."""
        with self._lock:
            hold, self._hold = self._hold, None
        if hold is not None:
            self._session.release(hold)

    def close(self) -> None:
        """Ask no more: the run is over."""
        self._over.set()
        self.withdraw()
        self._asked.put(None)

    def answer(self, ask: Asker) -> None:
        """Put every question to the operator, in this thread, until the run is over."""
        while True:
            try:
                prompt = self._asked.get(timeout=_SLICE_S)
            except queue.Empty:
                continue
            if prompt is None:
                return
            self._answer(prompt, ask)

    def _answer(self, prompt: OpenPrompt, ask: Asker) -> None:
        """Ask until the answer is accepted or the question is no longer open."""
        while prompt.is_open():
            answer = ask(prompt)
            if answer is False:
                self._recorder.event("prompt-answered", step=prompt.step, answer="abort")
                self._commands.abort("operator")
                self.release()
            if answer is not True:
                return
            refusal = self._confirm(prompt)
            if refusal is None or self._over.wait(_RETRY_S):
                return
            prompt = replace(prompt, problem=refusal.message)

    def _confirm(self, prompt: OpenPrompt) -> CommandRefusedError | None:
        """Confirm, unless the question is no longer open; return what has to be put right."""
        try:
            self._commands.confirm(prompt.step)
        except CommandRefusedError as refusal:
            if refusal.code in ("guard-open", "emergency-stop"):
                return refusal
            if refusal.code not in ("bad-state", "wrong-prompt"):
                raise
            self._recorder.event("note", text="answered too late", step=prompt.step)
        self.release()
        return None
