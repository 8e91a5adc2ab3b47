"""Runs programs at MicroPython's prompt on a board, through MicroPython's own tool mpremote.

mpremote is called as a program, not imported: its command line is documented, while its modules
announce that they will change.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from pressloop.connect import is_path
from pressloop.errors import BoardTimeoutError, NoBoardError, PressloopError
from pressloop.transport.transport import SOCKET_SCHEME

MAX_PROMPT_S: Final = 30.0
"""Longest call that copies nothing. mpremote itself waits ten seconds for the prompt."""

_MODULE: Final = "mpremote"


def run(port: str, *arguments: str | Path, limit_s: float = MAX_PROMPT_S) -> str:
    """Run `mpremote connect PORT ARGUMENTS...` and return what the board printed.

    `port` is as in `Press.open`, but must be given.

    Raises:
        PressloopError: `missing-extra`; `mpremote-failed` with the last line of mpremote's output.
        BoardTimeoutError: `no-prompt`: the board does not give its prompt.
        NoBoardError: The port does not open.
    """
    if importlib.util.find_spec(_MODULE) is None:
        raise PressloopError(
            "mpremote is not installed", hint="pip install 'pressloop[cli]'", code="missing-extra"
        )
    named = port.startswith(SOCKET_SCHEME) or is_path(port)
    device = port if named else f"id:{port}"
    command = [sys.executable, "-m", _MODULE, "connect", device, *map(str, arguments)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _no_prompt(port, f"mpremote did not finish within {limit_s:g} s") from None
    if done.returncode != 0:
        raise _explain(port, f"{done.stdout}\n{done.stderr}")
    return done.stdout


def ask(port: str, program: str, **settings: Any) -> Any:
    """Run a program on the board and return the JSON of the last line that it prints.

    Args:
        port: As for `run`.
        program: MicroPython source.
        settings: Global variables of the program.

    Raises:
        PressloopError: As for `run`; `mpremote-failed` if the program raises or prints no JSON.
    """
    preset = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
    printed = run(port, "exec", preset + program)
    try:
        return json.loads(printed.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise PressloopError(
            f"the board on {port} answered {printed!r}",
            hint="press its reset and try again",
            code="mpremote-failed",
        ) from None


def _explain(port: str, printed: str) -> PressloopError:
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    said = lines[-1] if lines else "nothing"
    if "could not enter raw repl" in printed:
        return _no_prompt(port, said)
    if "failed to access" in printed or "no device found" in printed:
        return NoBoardError(
            f"mpremote cannot open {port}: {said}",
            hint="close other programs that use it; list the boards with `pressloop ports`; replug "
            "the USB cable if yours is missing",
        )
    return PressloopError(
        f"mpremote failed on {port}: {said}",
        hint=f"try it by hand: mpremote connect {port}",
        code="mpremote-failed",
    )


def _no_prompt(port: str, said: str) -> BoardTimeoutError:
    return BoardTimeoutError(
        f"the board on {port} does not give MicroPython's prompt ({said})",
        hint="a controller gives no prompt during a run, and with a press only within 30 s of a "
        "press of its button. Otherwise press the board's reset and try again, or hold BOOTSEL "
        "while you plug it in, and flash an image",
        code="no-prompt",
    )
