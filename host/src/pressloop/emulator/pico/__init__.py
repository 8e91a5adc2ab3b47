"""The emulated Pico: the flash image itself on an emulated RP2040, wired to the emulated press.

`process.EmulatedPico` starts it in a process of its own. There, `chip` boots the image, `usb_host`
is the host's end of the USB cable, and `pacing` decides when time passes. `chip_wiring` steps the
press, with `chip_outputs`, `chip_contacts` and `cell_converter` between it and the chip's pins and
buses. The RP2040 itself is the package `rp2040py`, in the extra `pico`.
"""

from __future__ import annotations

from pressloop.emulator.pico.process import EmulatedPico

__all__ = ["EmulatedPico"]
