"""Stands in for `micropython` and its names under CPython, where the tests run.

MicroPython's compiler acts on the decorators' words themselves and knows `ptr8` without a name.
"""


def const(value):
    """Return a constant as it is."""
    return value


def viper(function):
    """Return a function as it is: what is machine code on the board is Python here."""
    return function


# Types of pointers to bytes and to wider words.
ptr8 = bytes
ptr32 = bytes
