"""Draws which signal is on which pin of a controller board."""

from __future__ import annotations

from typing import Final

from hardware_svg import FAINT, INK, Drawing
from pressloop.hardware.boards import HEADER_PIN, POWER_PINS, BoardDeclaration
from pressloop.hardware.harness import terminal_of

_ROW: Final = 25
_TOP: Final = 84
_BOARD_X: Final = 372
_BOARD_WIDTH: Final = 250
_PINS_ON_A_SIDE: Final = 20
_GPIO_BY_HEADER: Final = {number: gpio for gpio, number in HEADER_PIN.items()}
_COLOURS: Final = {
    "in": "#d7ebff",
    "out": "#ffe3c9",
    "bus": "#e2d9f7",
    "none": "#f3d4d4",
    "power": "#eceff1",
    "free": "#ffffff",
}
_WORDS: Final = {
    "in": "input",
    "out": "output",
    "bus": "I2C bus",
    "none": "nothing may be connected",
    "power": "supply",
}


def pinout(board: BoardDeclaration) -> str:
    """Return the drawing of a board."""
    height = _TOP + _PINS_ON_A_SIDE * _ROW + 76
    width = 2 * _BOARD_X + _BOARD_WIDTH
    drawing = Drawing(width, height, f"Pins of the {board.title}")
    drawing.label(width / 2, 30, board.title, anchor="middle", size=19, bold=True)
    drawing.label(
        width / 2,
        50,
        "seen from above, USB socket at the top; number of the header's pin at its edge",
        anchor="middle",
        ink=FAINT,
    )
    board_height = _PINS_ON_A_SIDE * _ROW + 8
    drawing.box(
        _BOARD_X, _TOP - 4, _BOARD_WIDTH, board_height, fill="#eaf4ec", ink="#4b7a57", radius=8
    )
    middle = _BOARD_X + _BOARD_WIDTH / 2
    drawing.box(middle - 26, _TOP - 16, 52, 40, fill="#d5dade", ink="#5c6770", radius=4)
    drawing.label(middle, _TOP + 9, "USB", anchor="middle", size=12)
    drawing.box(middle - 28, _TOP + 224, 56, 56, fill="#2f3a44", ink="#2f3a44", radius=3)
    chip = "RP2350" if board.key == "pico2" else "RP2040"
    drawing.label(middle, _TOP + 257, chip, anchor="middle", size=12, ink="white")
    for number in range(1, 2 * _PINS_ON_A_SIDE + 1):
        _pin(drawing, board, number)
    _legend(drawing, width / 2 - 340, height - 38)
    return drawing.text()


def _pin(drawing: Drawing, board: BoardDeclaration, number: int) -> None:
    left = number <= _PINS_ON_A_SIDE
    row = number - 1 if left else 2 * _PINS_ON_A_SIDE - number
    y = _TOP + row * _ROW
    kind, name, text = _content(board, number)
    edge = _BOARD_X if left else _BOARD_X + _BOARD_WIDTH
    inner = edge + 6 if left else edge - 34
    drawing.box(inner, y + 2, 28, 20, fill="white", ink=FAINT, radius=3)
    drawing.label(inner + 14, y + 16, str(number), anchor="middle", size=11)
    drawing.label(
        inner + 34 if left else inner - 6,
        y + 16,
        name,
        anchor="start" if left else "end",
        size=11,
    )
    drawing.line((edge, y + 12), (edge - 12 if left else edge + 12, y + 12), ink=FAINT)
    x = 14 if left else edge + 12
    ink = FAINT if kind == "free" else INK
    drawing.box(x, y + 1, _BOARD_X - 26, 22, fill=_COLOURS[kind], ink=FAINT, radius=4)
    drawing.label(
        x + _BOARD_X - 36 if left else x + 10,
        y + 16,
        text,
        anchor="end" if left else "start",
        size=12,
        ink=ink,
    )


def _content(board: BoardDeclaration, number: int) -> tuple[str, str, str]:
    """Return kind, name at the pin, and what is connected."""
    if number in POWER_PINS:
        name = POWER_PINS[number]
        return "power", name, _POWER_TEXTS.get(name, "")
    gpio = _GPIO_BY_HEADER[number]
    text = board.at(gpio)
    pin = next((pin for pin in board.pins if pin.gpio == gpio), None)
    if any(gpio in (bus.sda, bus.scl) for bus in board.buses):
        return "bus", f"GP{gpio}", text
    if pin is None:
        return "free", f"GP{gpio}", text
    found = terminal_of(pin.signal.key)
    if found is not None:
        text = f"{text} \N{MIDDLE DOT} {found[0].key}.{found[1]}"
    text += _REMARKS.get(pin.signal.key, "")
    return pin.signal.direction, f"GP{gpio}", text


_REMARKS: Final = {
    "tick": ": leave open",
    "simulated": ": leave open on a press",
}

_POWER_TEXTS: Final = {
    "GND": "0 V",
    "VSYS": "+5 V through a diode \N{MIDDLE DOT} X1.2",
    "VBUS": "USB supply: leave open",
    "3V3(OUT)": "3.3 V for the converters, 300 mA",
    "3V3_EN": "leave open",
    "ADC_VREF": "leave open",
    "AGND": "0 V of the shunts",
    "RUN": "reset button to 0 V, if wanted",
}


def _legend(drawing: Drawing, x: float, y: float) -> None:
    for kind, word in _WORDS.items():
        drawing.box(x, y, 18, 18, fill=_COLOURS[kind], ink=FAINT, radius=3)
        drawing.label(x + 25, y + 13, word, size=12)
        x += 62 + 7 * len(word)
