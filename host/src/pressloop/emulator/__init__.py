"""Starts emulated boards and describes the presses that they control.

`process.EmulatedBoard` runs the firmware on MicroPython's unix port, `pico.EmulatedPico` the flash
image on an emulated RP2040. Both are wired to the press of the package `pressloop_sim`.
"""
