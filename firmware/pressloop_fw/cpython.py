"""Replaces the module `micropython` under CPython, where the tests run.

MicroPython's compiler acts on the names of the decorators and knows the pointer types itself.
"""


def const(value):
    """Return the value unchanged."""
    return value


def viper(function):
    """Return the function unchanged: what is machine code on the board is Python here."""
    return function


native = viper


def addressof(block):
    """Return the block itself: Python does not read from addresses."""
    return block


# Types of pointers to bytes and to words of 32 bits.
ptr8 = bytes
ptr32 = bytes
