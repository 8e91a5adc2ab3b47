"""Lets the command line write to consoles whose encoding lacks some characters, such as cp1252.

Windows gives programs whose output goes into a file or a pipe the encoding of its language. Python
would end the program with a UnicodeEncodeError at the first character that this encoding lacks.
"""

from __future__ import annotations

import codecs
import io
import sys
from typing import Final

_HANDLER: Final = "pressloop.stand-in"

_STAND_INS: Final = {
    **dict.fromkeys("─━═", "-"),
    **dict.fromkeys("│┃║┤├", "|"),
    **dict.fromkeys("┌┐└┘┼┴┬", "+"),
    **dict.fromkeys("▁▂▃", "."),
    **dict.fromkeys("▄▅▆", ":"),
    **dict.fromkeys("▇█", "#"),
    "±": "+-",
    "µ": "u",
    "μ": "u",
    "²": "2",
    "³": "3",
    "°": " deg",
    "·": ".",
    "\N{MULTIPLICATION SIGN}": "x",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "\N{EN DASH}": "-",
    "—": "-",
    "…": "...",
    "✓": "ok",
    "✗": "x",
}


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that an encoding lacks: by a look-alike, else by their escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    text = "".join(
        _STAND_INS.get(char) or char.encode("ascii", "backslashreplace").decode("ascii")
        for char in missing
    )
    return text, error.end


def accept_every_character() -> None:
    """Make standard output and standard error accept text that their encoding lacks."""
    codecs.register_error(_HANDLER, _stand_in)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)
