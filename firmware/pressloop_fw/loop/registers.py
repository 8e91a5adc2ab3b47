"""Registers: the numbers of the control loop in blocks that machine code reaches by position.

A step of the loop that works on attributes spends its time on looking names up: on the chip,
reading an attribute costs as much as twenty machine instructions, and calling a method as much as
two hundred. So each part of the loop keeps its numbers in an array and does its step in one
function that MicroPython compiles to machine code (`@micropython.viper`). Under CPython the same
function is Python.

The rules for such a function:

- It uses integers only. Products stay below 2**30, as everywhere in the loop.
- It reads a number that can be negative as `registers[N] << sign_shift >> sign_shift`, where
  `sign_shift = registers[SIGN_SHIFT]`.
- It has no constant of more than 16 bits, unless that is 8 bits, shifted: the Cortex-M0+ loads a
  wider one from a word beside the code, which may be unaligned in an image and then reads as
  another number. Compute it instead: `limit = 1 << 17`, then `limit -= 1`.
"""

import sys
from array import array

try:
    from micropython import const
    from uctypes import addressof
except ImportError:  # CPython
    from pressloop_fw.cpython import addressof, const

SIGN_SHIFT = const(0)
"""Position of the first register in every block: by how many bits a machine word exceeds 32.

MicroPython's machine code reads a register without its sign. On the chip a register fills a machine
word, and nothing is missing; on a computer of 64 bits, shifting left and right restores the sign.
"""

HOST_SIGN_SHIFT = 32 if sys.implementation.name == "micropython" and sys.maxsize > 1 << 31 else 0


def register_block(count):
    """Return a block of `count` registers, all 0 except SIGN_SHIFT."""
    block = array("i", [0] * count)
    block[SIGN_SHIFT] = HOST_SIGN_SHIFT
    return block


def block_address(block):
    """Return what a step of the loop takes in place of a block that it gets in every tick.

    On the board this is its address: machine code that gets the block itself first asks for it. The
    caller keeps the block, as an address does not keep it from being collected.
    """
    return addressof(block)


def register(position):
    """Return a property that reads and writes the register at `position` of `self.registers`."""

    def read(self):
        return self.registers[position]

    def write(self, value):
        self.registers[position] = value

    return property(read, write)
