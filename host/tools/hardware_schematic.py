"""Draws the hydraulic circuit with the symbols of ISO 1219-1."""

from __future__ import annotations

from typing import Final

from hardware_svg import FAINT, INK, Drawing

_MAIN_Y: Final = 230
_TANK_Y: Final = 560
_BOX: Final = 38
_RAM_LINE_X: Final = 812
_PRESSURE: Final = "#b23b2e"
_RETURN: Final = "#2f6da8"


def schematic() -> str:
    """Return the drawing."""
    drawing = Drawing(1110, 660, "Hydraulic circuit of the press", left=-110)
    drawing.label(-80, 36, "Hydraulic circuit", size=19, bold=True)
    drawing.label(
        -80,
        56,
        "drawn without power: the pump valve is shut, both release valves are open",
        ink=FAINT,
    )
    drawing.line((110, _MAIN_Y), (_RAM_LINE_X, _MAIN_Y), ink=_PRESSURE, width=2.4)
    _pump(drawing, 110)
    _two_way(drawing, 314, "V3", is_open=True, proportional=True)
    _two_way(drawing, 504, "V4", is_open=True, proportional=False, optional=True)
    drawing.dot(646, _MAIN_Y)
    _relief(drawing, 646, _MAIN_Y, 390, "V5", "relief valve,", "sealed")
    _manual(drawing, 752, "V6")
    _gauge(drawing, 314, "G1")
    _sensor(drawing, 560, "B1")
    _sensor(drawing, 690, "B2")
    _ram(drawing, 880, "C1")
    _legend(drawing)
    return drawing.text()


def _mark(drawing: Drawing, x: float, y: float, key: str, *words: str) -> None:
    """Write the mark of a component, and its name in short lines below it."""
    drawing.label(x, y, key, size=14, bold=True)
    for row, word in enumerate(words, 1):
        drawing.label(x, y + 15 * row, word, size=11.5)


def _tank(drawing: Drawing, x: float, from_y: float, *, above: bool = True) -> None:
    """Draw a line to the tank and the tank's symbol."""
    end = _TANK_Y + (6 if above else 16)
    drawing.line((x, from_y), (x, end), ink=_RETURN, width=2)
    drawing.line(
        (x - 20, _TANK_Y), (x - 20, _TANK_Y + 20), (x + 20, _TANK_Y + 20), (x + 20, _TANK_Y)
    )


def _pump(drawing: Drawing, x: float) -> None:
    y = 480
    drawing.line((x, _MAIN_Y), (x, y - 28), ink=_PRESSURE, width=2.4)
    drawing.dot(x, _MAIN_Y)
    _tank(drawing, x, y + 28, above=False)
    _mark(drawing, x + 32, _TANK_Y + 14, "T", "filter, breather")
    drawing.circle(x, y, 28)
    drawing.shape((x, y - 28), (x - 11, y - 10), (x + 11, y - 10), fill=INK)
    drawing.line((x - 28, y), (x - 46, y))
    drawing.line((x - 28, y - 4), (x - 46, y - 4))
    drawing.circle(x - 66, y - 2, 20)
    drawing.label(x - 66, y + 3, "M1", anchor="middle", size=12, bold=True)
    _mark(drawing, x + 38, y - 4, "P1", "pump")
    # Check valve: a ball in its seat, free upwards.
    drawing.line((x - 12, 412), (x, 426), (x + 12, 412))
    drawing.circle(x, 413, 8)
    _mark(drawing, x + 38, 416, "V1", "check valve")
    drawing.shape((x, 364), (x + 15, 379), (x, 394), (x - 15, 379))
    drawing.line((x, 364), (x, 394), dash="4 3")
    _mark(drawing, x + 38, 379, "Z1", "filter")
    # Between pump and check valve, so that a shut V2 does not dam up the pump.
    drawing.dot(x, 440)
    drawing.line((x, 440), (-40, 440), ink=_PRESSURE, width=2.4)
    _relief(drawing, -40, 440, 490, "V7", "pump relief")
    _valve(drawing, x, 330, is_open=False, proportional=True, up=True)
    _mark(drawing, x + 56, 322, "V2", "pump valve,", "normally closed")


def _two_way(
    drawing: Drawing,
    x: float,
    key: str,
    *,
    is_open: bool,
    proportional: bool,
    optional: bool = False,
) -> None:
    y = 390
    if optional:
        drawing.box(x - 86, y - 62, 188, 170, ink=FAINT, radius=8, dash="5 4", fill="#fafbfc")
        drawing.label(x - 78, y + 100, "where fitted", size=11, ink=FAINT)
    drawing.line((x, _MAIN_Y), (x, y - _BOX / 2), ink=_PRESSURE, width=2.4)
    drawing.dot(x, _MAIN_Y)
    _tank(drawing, x, y + _BOX / 2)
    _valve(drawing, x, y, is_open=is_open, proportional=proportional)
    kind = "proportional" if proportional else "on/off"
    _mark(drawing, x + 10, y + 50, key, "release valve,", "normally open,", kind)


def _valve(
    drawing: Drawing, x: float, y: float, *, is_open: bool, proportional: bool, up: bool = False
) -> None:
    """Draw a 2/2 valve; its position without current is centred at `x`, the other one left."""
    half = _BOX / 2
    rest, driven = x - half, x - half - _BOX
    drawing.box(driven, y - half, _BOX, _BOX)
    drawing.box(rest, y - half, _BOX, _BOX)
    _flow(drawing, x, y, is_open, up)
    _flow(drawing, driven + half, y, not is_open, up)
    if proportional:
        for edge in (y - half - 5, y + half + 5):
            drawing.line((driven, edge), (driven + _BOX - 4, edge))
            drawing.line((rest + 4, edge), (rest + _BOX, edge))
    # Spring on the right, coil on the left.
    left = rest + _BOX
    drawing.line(
        (left, y),
        *((left + 4 + 5 * step, y + (7 if step % 2 else -7)) for step in range(4)),
        (left + 22, y),
    )
    drawing.box(driven - 22, y - 12, 22, 24)
    drawing.line((driven - 22, y + 12), (driven, y - 12))
    if proportional:
        drawing.line((driven - 26, y + 19), (driven + 2, y - 19))
        drawing.shape((driven + 3, y - 21), (driven - 6, y - 17), (driven, y - 12), fill=INK)


def _flow(drawing: Drawing, x: float, y: float, is_open: bool, up: bool) -> None:
    half = _BOX / 2
    if is_open:
        drawing.line((x, y - half), (x, y + half))
        side = -1 if up else 1
        tip, back = y + side * (half - 1), y + side * (half - 11)
        drawing.shape((x, tip), (x - 5, back), (x + 5, back), fill=INK)
        return
    for side in (-1, 1):
        drawing.line((x, y + side * half), (x, y + side * (half - 9)))
        drawing.line((x - 8, y + side * (half - 9)), (x + 8, y + side * (half - 9)))


def _relief(drawing: Drawing, x: float, line_y: float, y: float, key: str, *words: str) -> None:
    half = _BOX / 2
    drawing.line((x, line_y), (x, y - half), ink=_PRESSURE, width=2.4)
    _tank(drawing, x, y + half)
    drawing.box(x - half, y - half, _BOX, _BOX)
    # Its arrow stands beside the ports: it is shut until the pressure shifts it.
    drawing.line((x - 9, y - half), (x - 9, y + half))
    drawing.shape((x - 9, y + half - 1), (x - 14, y + half - 11), (x - 4, y + half - 11), fill=INK)
    drawing.line((x, y - 34), (x - 32, y - 34), (x - 32, y), (x - half, y), dash="5 4", width=1.3)
    drawing.line(
        (x + half, y),
        *((x + half + 4 + 5 * step, y + (7 if step % 2 else -7)) for step in range(4)),
        (x + half + 22, y),
    )
    drawing.line((x + half + 2, y + 15), (x + half + 22, y - 15))
    drawing.shape(
        (x + half + 23, y - 17), (x + half + 14, y - 12), (x + half + 20, y - 8), fill=INK
    )
    _mark(drawing, x + 10, y + 50, key, *words)


def _manual(drawing: Drawing, x: float, key: str) -> None:
    y = 390.0
    drawing.line((x, _MAIN_Y), (x, y - 18), ink=_PRESSURE, width=2.4)
    drawing.dot(x, _MAIN_Y)
    _tank(drawing, x, y + 18)
    drawing.shape((x - 13, y - 18), (x + 13, y - 18), (x - 13, y + 18), (x + 13, y + 18))
    drawing.line((x, y), (x + 26, y))
    drawing.line((x + 26, y - 9), (x + 26, y + 9))
    _mark(drawing, x + 10, y + 50, key, "manual", "release")


def _gauge(drawing: Drawing, x: float, key: str) -> None:
    drawing.line((x, _MAIN_Y), (x, 170), ink=_PRESSURE, width=2.4)
    drawing.circle(x, 146, 24)
    drawing.line((x - 11, 157), (x + 10, 136))
    drawing.shape((x + 12, 134), (x + 3, 137), (x + 9, 143), fill=INK)
    _mark(drawing, x + 34, 142, key, "gauge")


def _sensor(drawing: Drawing, x: float, key: str) -> None:
    drawing.line((x, _MAIN_Y), (x, 170), ink=_PRESSURE, width=2.4)
    drawing.dot(x, _MAIN_Y)
    drawing.box(x - 22, 124, 44, 46)
    drawing.line((x - 22, 170), (x + 22, 124))
    drawing.label(x - 12, 142, "p", anchor="middle", size=14)
    drawing.label(x + 10, 163, "mA", anchor="middle", size=11)
    _mark(drawing, x + 32, 142, key, "transducer")


def _ram(drawing: Drawing, x: float, key: str) -> None:
    bottom, width = 420, 92
    left = x - width / 2
    drawing.line(
        (_RAM_LINE_X, _MAIN_Y),
        (_RAM_LINE_X, bottom + 22),
        (x, bottom + 22),
        (x, bottom),
        ink=_PRESSURE,
        width=2.4,
    )
    # Cylinder, piston with its rod, return spring.
    drawing.box(left, bottom - 130, width, 130)
    drawing.box(left + 2, bottom - 40, width - 4, 16, fill="#d5dade")
    drawing.box(x - 13, bottom - 190, 26, 150, fill="#d5dade")
    for side in (-1, 1):
        top = bottom - 128
        drawing.line(
            *((x + side * (22 + (12 if step % 2 else 0)), top + 11 * step) for step in range(9)),
            width=1.3,
        )
    # Platens with the die between them.
    drawing.box(x - 52, bottom - 206, 104, 16, fill="#d5dade")
    drawing.box(x - 26, bottom - 256, 52, 50, fill="#f2efe4")
    drawing.box(x - 8, bottom - 238, 16, 10, fill=INK)
    drawing.box(x - 52, bottom - 272, 104, 16, fill="#d5dade")
    drawing.label(x + 34, bottom - 226, "die", size=11.5)
    _mark(drawing, x + 56, bottom - 70, key, "ram")


def _legend(drawing: Drawing) -> None:
    y = 630
    for x, ink, word in ((-80, _PRESSURE, "pressure"), (40, _RETURN, "return and suction")):
        drawing.line((x, y), (x + 30, y), ink=ink, width=2.4)
        drawing.label(x + 38, y + 4, word, size=12)
    drawing.label(
        220,
        y + 4,
        "V2 may be a pipe, and V7 absent, where the speed of M1 sets the flow. "
        "Nothing may be shut between V5 and C1.",
        size=12,
    )
