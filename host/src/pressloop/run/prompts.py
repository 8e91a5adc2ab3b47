"""Passes prompts of the board to the operator, and answers to the board."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from pressloop.errors import CommandRefusedError
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
