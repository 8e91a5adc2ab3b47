"""Says which press a page shows, and opens it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pressloop.connect import EMULATED
from pressloop.emulator.description import PressDescription
from pressloop.press import Press


@dataclass(frozen=True)
class BoardChoice:
    """Which press to open.

    Attributes:
        port: As of `Press.open`.
        press: The press to emulate, or None.
        seed: Seed of an emulated press.
        speed: How many times faster than the wall clock an emulated press runs.
    """

    port: str | None = None
    press: PressDescription | Path | str | None = None
    seed: int = 1
    speed: float = 1.0

    def open(self) -> Press:
        """Connect to the press; an emulated one runs by the wall clock, as a person looks on."""
        if self.port in EMULATED:
            return Press.open(
                self.port, press=self.press, seed=self.seed, pacing="real", speed=self.speed
            )
        return Press.open(self.port)
