"""Passes prompts of the board to the operator, and answers to the board."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Final

from pressloop.errors import CommandRefusedError, PressloopError
from pressloop.record import RunRecorder
from pressloop.run.commands import RunCommands
from pressloop.session.acknowledge import AckHold
from pressloop.session.session import Session
from pressloop.wire.schema import StatusReply

_RETRY_S: Final = 0.5
"""Pause before the operator is asked again after a refusal: an automatic answer must not spin."""

WAIT_SLICE_S: Final = 0.2
"""Waits are divided into slices: on Windows Ctrl-C cannot interrupt a long one."""


_BY: Final = "answer to the prompt"
"""Who answered, for the record: a person or a program, behind `on_prompt`."""


@dataclass(frozen=True)
class OpenPrompt:
    """A prompt that waits for the operator's answer.

    Attributes:
        step: Index of the prompt in the plan.
        stage: Index of the stage to which the prompt belongs.
        text: Text of the prompt in the protocol.
        remaining_s: Time until the board releases the pressure if there is no answer.
        pressure_mpa: Pressure when the prompt opened, MPa on the pellet.
        is_open: Returns whether the board still waits for the answer.
        problem: Why the last answer was refused, such as an open guard; empty the first time.
    """

    step: int
    stage: int
    text: str
    remaining_s: float
    pressure_mpa: float
    is_open: Callable[[], bool]
    problem: str = ""


Asker = Callable[[OpenPrompt], bool | None]
"""Asks the operator. True confirms, False aborts the run, None leaves the prompt open: confirm it
later with `Run.confirm`."""


def confirm_all(prompt: OpenPrompt) -> bool:
    """Confirm without asking. For rehearsals only: on a real press an operator must look first."""
    return True


def ask_on_terminal(prompt: OpenPrompt) -> bool:
    """Ask on the terminal: Enter confirms, `a` aborts the run; anything else is asked again.

    Keys that were typed before the prompt was shown are ignored.

    Raises:
        PressloopError: `no-terminal`: no operator can be asked here.
    """
    refuse_without_terminal(threading.current_thread() is threading.main_thread())
    if prompt.problem:
        print(f"  not accepted: {prompt.problem}")
    print(f"{prompt.text} (press at {prompt.pressure_mpa:.1f} MPa)")
    _discard_typed()
    while True:
        try:
            answer = input("  Enter when done, a to abort: ").strip().lower()
        except (EOFError, OSError, RuntimeError) as error:
            raise _no_terminal(
                f"standard input gives no answer ({error or 'it is closed'})"
            ) from error
        if answer == "":
            return True
        if answer in ("a", "abort"):
            return False


def refuse_without_terminal(main_thread: bool) -> None:
    """Make sure that `input` can ask an operator.

    A notebook's kernel shows its field for input only for the main thread; any other thread would
    wait for ever.

    Args:
        main_thread: Whether the question is asked in the main thread.

    Raises:
        PressloopError: `no-terminal`, if it cannot.
    """
    if sys.stdin is None:
        raise _no_terminal("there is no standard input")
    # A kernel replaces `input` by a method of its own.
    replaced = not isinstance(getattr(input, "__self__", None), ModuleType)
    if "ipykernel" in sys.modules and replaced and not main_thread:
        raise _no_terminal("a notebook takes no input for other threads than its main one")


def _no_terminal(why: str) -> PressloopError:
    return PressloopError(
        f"the prompts of the protocol cannot be asked: {why}",
        hint="pass on_prompt=..., a function that asks the operator; or on_prompt=None to `start`, "
        "and call run.confirm() in a cell when the operator is done",
        code="no-terminal",
    )


def _discard_typed() -> None:
    """Discard what was typed before; does nothing where the input is not a terminal."""
    with suppress(ImportError, OSError, ValueError):
        import termios

        termios.tcflush(sys.stdin, termios.TCIFLUSH)


class PromptQueue:
    """Queues prompts of the board until the operator is asked.

    An open prompt holds the acknowledged device clock. So an automatic answer reaches the board at
    the tick of the prompt, and while a person thinks, an emulated press follows the wall clock.
    """

    def __init__(self, session: Session, recorder: RunRecorder, commands: RunCommands) -> None:
        """Start without a prompt."""
        self._session = session
        self._recorder = recorder
        self._commands = commands
        self._asked: queue.SimpleQueue[OpenPrompt | None] = queue.SimpleQueue()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._hold: AckHold | None = None
        self.open_step: int | None = None

    def put(self, status: StatusReply) -> None:
        """Add the prompt of the board that is open now; it replaces any before."""
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
        """Withdraw the prompt: the board no longer waits for an answer."""
        self.open_step = None
        self.release()

    def release(self) -> None:
        """Let the acknowledged clock move on: the answer was sent."""
        with self._lock:
            hold, self._hold = self._hold, None
        if hold is not None:
            self._session.release(hold)

    def close(self) -> None:
        """Ask no more: the run has ended."""
        self._over.set()
        self.withdraw()
        self._asked.put(None)

    def answer(self, ask: Asker) -> None:
        """Ask the operator at each prompt, in this thread, until the run has ended."""
        while True:
            try:
                prompt = self._asked.get(timeout=WAIT_SLICE_S)
            except queue.Empty:
                continue
            if prompt is None:
                return
            self._answer(prompt, ask)

    def _answer(self, prompt: OpenPrompt, ask: Asker) -> None:
        """Ask until the board accepts the answer or the prompt is no longer open."""
        while prompt.is_open():
            answer = ask(prompt)
            if answer is False:
                self._recorder.event("prompt-answered", step=prompt.step, answer="abort", by=_BY)
                self._commands.abort(_BY)
                self.release()
            if answer is not True:
                return
            refusal = self._confirm(prompt)
            if refusal is None or self._over.wait(_RETRY_S):
                return
            prompt = replace(prompt, problem=refusal.message)

    def _confirm(self, prompt: OpenPrompt) -> CommandRefusedError | None:
        """Confirm the prompt; return the refusal if the operator must do something first."""
        try:
            self._commands.confirm(prompt.step, _BY)
        except CommandRefusedError as refusal:
            if refusal.code in ("guard-open", "emergency-stop"):
                return refusal
            if refusal.code not in ("bad-state", "wrong-prompt"):
                raise
            self._recorder.event("note", text="answered too late", step=prompt.step)
        self.release()
        return None
