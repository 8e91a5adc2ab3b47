"""The simulated press, and the emulated board that connects it to the firmware.

`plant` is the press, `board` the board. Both are imported under this name by MicroPython, beside
the firmware, and by CPython; they use only what both interpreters have.
"""
