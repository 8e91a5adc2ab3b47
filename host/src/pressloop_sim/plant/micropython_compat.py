"""Replaces `micropython` under CPython, so that the plant can use `@micropython.native`.

MicroPython's compiler acts on the text `@micropython.native` and never looks the name up. Native
code keeps a function's variables on the C stack; bytecode puts a frame of more than about ten words
on the heap, and freeing it costs far more than the arithmetic inside.
"""

try:
    from typing import TypeVar

    _Function = TypeVar("_Function")
except ImportError:  # MicroPython, which evaluates no annotation
    pass


def native(function: _Function) -> _Function:
    """Return `function` unchanged."""
    return function
