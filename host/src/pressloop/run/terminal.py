"""Asks the prompts of a run on the terminal, and refuses a run whose prompts it could not ask."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import ModuleType

from pressloop.errors import PressloopError
from pressloop.protocol import Prompt, Repeat, Stage
from pressloop.run.prompts import Asker, OpenPrompt
from pressloop.validation import LoadedProtocol


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


def refuse_unasked(
    source: LoadedProtocol, ask: Asker | None, main_thread: bool, *, continues: bool = False
) -> None:
    """Refuse a protocol with prompts before it moves anything, if they could not be asked.

    Args:
        source: The protocol.
        ask: What asks the operator; only `ask_on_terminal` needs a terminal.
        main_thread: Whether it is called in the main thread.
        continues: Whether a run is continued: the rest of its protocol begins with a prompt.

    Raises:
        PressloopError: `no-terminal`.
    """
    protocol = source.draft.protocol
    asks = continues or (protocol is not None and _has_prompt(protocol.stages))
    if ask is ask_on_terminal and asks:
        refuse_without_terminal(main_thread)


def _has_prompt(items: Sequence[Stage | Prompt | Repeat]) -> bool:
    return any(
        isinstance(item, Prompt) or (isinstance(item, Repeat) and _has_prompt(item.stages))
        for item in items
    )


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
