"""Numbers of the control loop in blocks of words, for the functions that are machine code.

A step of the loop that is written on attributes spends its time on looking names up: reading one
costs the chip as much as twenty machine instructions, a method call as much as two hundred. So each
part of the loop keeps its numbers in an array and does its step in one function compiled by
MicroPython (`@micropython.viper`) that reaches them by position. Under CPython the same function is
Python.

What such a function must keep to: integers only, products below 2**30 as everywhere in the loop,
and a number that can be negative is read as `words[n] << up >> up` with `up = words[UP]`.

And no constant of more than 16 bits, unless it is 8 bits shifted: the Cortex-M0+ loads it from a
word beside the code, which may lie askew in an image and then is another number. Work it out
instead, as `most = 1 << 17` and `most -= 1`.
"""

import sys
from array import array

UP = 0
"""Position of the first word in every block: how far a machine word is wider than 32 bits.

MicroPython's machine code reads a word without its sign. On the chip a word fills a register, and
nothing is missing; on a computer of 64 bits the shifts bring the sign back.
"""

WIDER = 32 if sys.implementation.name == "micropython" and sys.maxsize > 1 << 31 else 0


def words(count):
    """Return a block of `count` words, all 0 but the first."""
    block = array("i", [0] * count)
    block[UP] = WIDER
    return block


def word(position):
    """Return a property of a class that has `words`: the one at `position`."""

    def read(self):
        return self.words[position]

    def write(self, value):
        self.words[position] = value

    return property(read, write)
