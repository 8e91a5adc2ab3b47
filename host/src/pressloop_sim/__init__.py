"""The simulated press, and the emulated board that wires it to the firmware.

`plant` is the press and `board` the board. Both run on MicroPython beside the firmware and on
CPython, under this one name, and need nothing but what both interpreters have.
"""
