"""Checks whether a board can serve the kinds of parts that a press has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pressloop.findings import Finding
from pressloop.hardware.boards import BOARDS, BoardDeclaration
from pressloop.hardware.kinds import (
    CONVERTERS,
    PUMP_KINDS,
    RELEASE_KINDS,
    SIGNAL_KINDS,
)
from pressloop.machine.part_codes import (
    AuxiliaryName,
    CellConverterName,
    PressureConverterName,
    PumpDriveName,
    ReleaseDriveName,
    SignalName,
)


@dataclass(frozen=True)
class Fitted:
    """The kinds of parts of one press; None for a part that it does not have or does not state."""

    transducer: SignalName = "4-20mA"
    converter: PressureConverterName | None = None
    second_transducer: SignalName | None = None
    second_converter: PressureConverterName | None = None
    cell_converter: CellConverterName | None = None
    has_load_cell: bool = False
    auxiliary: AuxiliaryName | None = None
    pump: PumpDriveName = "pwm"
    release: ReleaseDriveName = "proportional"


_PATHS: Final = {
    "transducer": "transducer.signal",
    "second": "second_transducer.signal",
    "second_converter": "second_transducer.converter",
    "cell": "load_cell.converter",
    "auxiliary": "controller.auxiliary",
}
"""Places of the kinds in a press file."""

_CELL_CONVERTERS: Final = [kind.key for kind in CONVERTERS.values() if kind.reads == "force"]


def find_unserved(fitted: Fitted, board: BoardDeclaration | None) -> Iterator[Finding]:
    """Yield a finding for each part that a board cannot serve, and for each that needs another.

    Args:
        fitted: The parts of the press.
        board: The board; None checks against what any board of this firmware has.
    """
    board = board or next(iter(BOARDS.values()))
    signal = SIGNAL_KINDS[fitted.transducer]
    if signal.needs_supply_reading and fitted.converter != "ads1115":
        yield _error(
            "transducer",
            f"{signal.title}: the supply is measured by the ADS1115 that reads the signal, and "
            f"transducer.converter is {fitted.converter or 'not stated'}",
            "write transducer.converter: ads1115, or use a transducer with 4-20 mA",
        )
    if not signal.has_live_zero and fitted.second_transducer is None:
        yield _error(
            "transducer",
            f"{signal.title} without a second channel: a shorted wire reads as no pressure",
            "fit a second transducer, or use one with 4-20 mA",
        )
    yield from _second(fitted, board)
    yield from _cell(fitted, board)
    if fitted.release == "on-off+proportional" and board.pin("dump") is None:
        yield _unserved("release", RELEASE_KINDS[fitted.release].title, board)
    if fitted.auxiliary is not None and board.pin("auxiliary") is None:
        yield _unserved("auxiliary", "a third analogue sensor", board)
    if board.pin("pump") is None:
        yield _unserved("pump", PUMP_KINDS[fitted.pump].title, board)


def _second(fitted: Fitted, board: BoardDeclaration) -> Iterator[Finding]:
    if fitted.second_transducer is None:
        return
    second = SIGNAL_KINDS[fitted.second_transducer]
    converter = fitted.second_converter or "adc"
    if second.needs_supply_reading:
        yield _error(
            "second",
            f"{second.title}: the supply is measured for the first transducer only",
            "use a second transducer with 4-20 mA or 0-10 V",
        )
    if not second.has_live_zero and not SIGNAL_KINDS[fitted.transducer].has_live_zero:
        yield _error(
            "second",
            "neither transducer has a live zero: two shorted wires read as no pressure",
            "use 4-20 mA for at least one of them",
        )
    if converter == "adc" and fitted.converter == "adc":
        yield Finding(
            "warning",
            "shared-converter",
            _PATHS["second_converter"],
            "both transducers are on the chip's own converter: its errors are in both channels",
            "put the first transducer on an ADS1115",
        )
    if converter == "ads1115":
        bus = board.bus_of("ads1115")
        places = [device for device in bus.devices if device.part == "ads1115"] if bus else []
        if len(places) < 2:
            yield _unserved("second_converter", "a second ADS1115", board)
        elif fitted.converter == "ads1115":
            yield Finding(
                "warning",
                "shared-bus",
                _PATHS["second_converter"],
                "both ADS1115 are on one bus: a bus that hangs silences both channels, which is "
                "reported as a broken wire, not as a wrong pressure",
                "put the second transducer on the chip's own converter for an independent path",
            )


def _cell(fitted: Fitted, board: BoardDeclaration) -> Iterator[Finding]:
    if not fitted.has_load_cell:
        return
    if fitted.cell_converter is None:
        yield Finding(
            "warning",
            "not-stated",
            _PATHS["cell"],
            "load_cell.converter is not in the file: the board uses the one that answers",
            f"write one of {', '.join(_CELL_CONVERTERS)}",
        )
        return
    kind = CONVERTERS[fitted.cell_converter]
    if kind.key == "nau7802" and board.bus_of("nau7802") is None:
        yield _unserved("cell", kind.title, board)
    if kind.key == "hx711" and board.pin("load_cell_clock") is None:
        yield _unserved("cell", kind.title, board)


def _error(where: str, message: str, hint: str) -> Finding:
    return Finding("error", "unserved-part", _PATHS[where], message, hint)


def _unserved(where: str, part: str, board: BoardDeclaration) -> Finding:
    return Finding(
        "error",
        "unserved-part",
        _PATHS.get(where, f"{where}.drive"),
        f"the {board.title} has no place for {part}",
        f"choose another part, or one of the boards {', '.join(BOARDS)}",
    )
