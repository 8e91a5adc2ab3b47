"""Starts the emulated Pico: flash image and press run in a process of their own."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from pathlib import Path
from typing import Any, ClassVar, Final

from pressloop.arguments import path_argument, real_number
from pressloop.emulator import resources
from pressloop.emulator.description import PressDescription
from pressloop.emulator.process import DEFAULT_ORPHAN_S, EmulatedBoard, Pacing
from pressloop.errors import EmulatorError

IMAGE_VARIABLE: Final = "PRESSLOOP_IMAGE"

_RESET_TIMEOUT_S: Final = 60.0
"""A boot takes half a second of the chip, and a busy machine without a compiler emulates slowly."""
_POLL_S: Final = 0.02


def find_image() -> Path:
    """Return the flash image to boot.

    It is the one that $PRESSLOOP_IMAGE names, else the checkout's, else the installed package's.

    Raises:
        EmulatorError: The image is not there.
    """
    named = os.environ.get(IMAGE_VARIABLE)
    places = [Path(named).resolve()] if named else resources.places(resources.PICO_IMAGE)
    image = next((place for place in places if place.is_file()), None)
    if image is None:
        raise EmulatorError(
            f"there is no flash image at {' or '.join(map(str, places))}",
            hint=f"run `make firmware` in a checkout, or set {IMAGE_VARIABLE} to a UF2 file",
            code="no-image",
        )
    return image


class EmulatedPico(EmulatedBoard):
    """One emulated Pico that runs the flash image, with the interface of `EmulatedBoard`.

    Args:
        press: As for `EmulatedBoard`.
        image: The flash image; found by `find_image` if None.
        seed: Seed of all random numbers.
        pacing: "lockstep" runs as fast as the host can follow, "real" at wall-clock pace.
        speed: How many times faster than the wall clock, as far as it can: with "real" always, with
            "lockstep" while no host follows, such as in a boot.
        work_dir: Folder for flash, console log and truth. By default a temporary folder, which
            `stop` removes.
        truth: Record the true state of every tick of a run.
        ads1115: Whether the external converter is on the bus; the chip's own is used otherwise.
        silence_s: As for `EmulatedBoard`.
        orphan_s: As for `EmulatedBoard`.
    """

    port_name: ClassVar[str] = "emulated:pico"

    def __init__(
        self,
        press: PressDescription | Path | str | None = None,
        *,
        image: Path | str | None = None,
        seed: int = 1,
        pacing: Pacing = "lockstep",
        speed: float = 1.0,
        work_dir: Path | str | None = None,
        truth: bool = True,
        ads1115: bool = True,
        silence_s: float = 0.5,
        orphan_s: float = DEFAULT_ORPHAN_S,
    ) -> None:
        """Keep the settings; `start` starts the process."""
        super().__init__(
            press,
            seed=seed,
            pacing=pacing,
            speed=speed,
            work_dir=work_dir,
            truth=truth,
            silence_s=silence_s,
            orphan_s=orphan_s,
        )
        self._image = None if image is None else path_argument(image, "image")
        self._ads1115 = ads1115
        self._silence_s = real_number(silence_s, "silence_s", high=1e6)

    def look_for_parts(self) -> bool:
        """Reset the chip where its stored profile names a part that cannot be found by looking.

        Raises:
            EmulatorError: The board has ended, or it does not come up again.
        """
        fitted = self.press.fitted
        if fitted.auxiliary is None and fitted.cell_converter != "hx711":
            return False
        self.control({"reset": True})
        deadline = time.monotonic() + _RESET_TIMEOUT_S
        while self.control({"get": True})["tick"] < 1:
            if time.monotonic() > deadline:
                raise EmulatorError(
                    f"the emulated Pico did not start within {_RESET_TIMEOUT_S:g} s of its reset",
                    hint=f"read its console in {self.log_path}",
                )
            time.sleep(_POLL_S)
        return True

    def _program(self) -> list[str | Path]:
        if importlib.util.find_spec("rp2040py") is None:
            raise EmulatorError(
                "the emulated Pico needs the package rp2040py",
                hint="pip install 'pressloop[pico]'",
                code="no-rp2040py",
            )
        # Needs the extra `pico`. It is also a program: if this package imported it at its top,
        # `python -m pressloop.emulator.pico.speedup` would load it twice and warn.
        from pressloop.emulator.pico import speedup

        # Here, not in the board's process, which has only ten seconds to start.
        speedup.build_quietly()
        return [sys.executable, "-m", "pressloop.emulator.pico"]

    def _config(self, folder: Path, firmware: Path) -> dict[str, Any]:
        return {
            **super()._config(folder, firmware),
            "image": str((self._image or find_image()).resolve()),
            "ads1115": self._ads1115,
            "silence_s": self._silence_s,
        }
