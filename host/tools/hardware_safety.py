"""Draws the safety circuit as a ladder: what stops the press without any software."""

from __future__ import annotations

from typing import Final, Literal

from hardware_svg import FAINT, INK, Drawing
from pressloop.hardware.boards import BOARDS

_LEFT: Final = 70
_RIGHT: Final = 930
_SAFE: Final = "#b23b2e"
_BOARD: Final = BOARDS["pico"]

Contact = Literal["closed", "open"]


def safety_circuit() -> str:
    """Return the drawing."""
    drawing = Drawing(1000, 700, "Safety circuit of the press")
    drawing.label(30, 34, "Safety circuit", size=19, bold=True)
    drawing.label(
        30,
        54,
        "drawn without power; red: acts without software; dashed boxes: safety relay K1",
        ink=FAINT,
    )
    for x, name in ((_LEFT, "+24 V"), (_RIGHT, "0 V")):
        drawing.line((x, 84), (x, 574), width=2.4)
        drawing.label(x, 78, name, anchor="middle", bold=True)
    _channel(drawing, 120, "11", "12", "channel 1")
    _channel(drawing, 180, "21", "22", "channel 2")
    _reset(drawing, 240)
    _contactor(drawing, 330)
    _coils(drawing, 430)
    _motor(drawing, 540)
    _inputs(drawing, 626)
    return drawing.text()


def _rung(drawing: Drawing, y: float, *xs: float, red: bool = True) -> None:
    """Draw pieces of a rung, from pairs of x."""
    for begin, end in zip(xs[::2], xs[1::2], strict=True):
        drawing.line((begin, y), (end, y), ink=_SAFE if red else INK, width=2)


def _contact(
    drawing: Drawing, x: float, y: float, kind: Contact, name: str, what: str, *, red: bool = True
) -> tuple[float, float]:
    """Draw a contact of 44 px from `x` on; return both ends."""
    ink = _SAFE if red else INK
    if kind == "closed":
        drawing.line((x, y), (x + 8, y), ink=ink, width=2)
        drawing.line((x + 36, y), (x + 44, y), ink=ink, width=2)
        drawing.line((x + 8, y), (x + 38, y - 9), ink=ink, width=2)
        drawing.line((x + 36, y), (x + 36, y - 11), ink=ink, width=2)
    else:
        drawing.line((x, y), (x + 8, y), ink=ink, width=2)
        drawing.line((x + 36, y), (x + 44, y), ink=ink, width=2)
        drawing.line((x + 8, y), (x + 36, y - 14), ink=ink, width=2)
    drawing.label(x + 22, y - 20, name, anchor="middle", size=12.5, bold=True)
    drawing.label(x + 22, y + 19, what, anchor="middle", size=11)
    return x, x + 44


def _coil(drawing: Drawing, x: float, y: float, name: str, what: str, *, red: bool = True) -> None:
    """Draw a coil of 44 px from `x` on."""
    drawing.box(x, y - 13, 44, 26, ink=_SAFE if red else INK)
    drawing.label(x + 22, y + 4, name, anchor="middle", size=12.5, bold=True)
    drawing.label(x + 22, y + 29, what, anchor="middle", size=11)


def _relay(drawing: Drawing, x: float, y: float, text: str, width: float = 112) -> None:
    drawing.box(x, y - 17, width, 34, dash="5 4", radius=4)
    drawing.label(x + width / 2, y + 4, text, anchor="middle", size=12)


def _channel(drawing: Drawing, y: float, first: str, second: str, name: str) -> None:
    stop = _contact(drawing, 180, y, "closed", "S1", f"emergency stop {first}-{second}")
    guard = _contact(drawing, 420, y, "closed", "S2", f"guard {first}-{second}")
    _rung(drawing, y, _LEFT, stop[0], stop[1], guard[0], guard[1], 630, 742, _RIGHT)
    _relay(drawing, 630, y, name)


def _reset(drawing: Drawing, y: float) -> None:
    button = _contact(drawing, 180, y, "open", "S3", "reset")
    mirror = _contact(drawing, 420, y, "closed", "K2", "mirror contact")
    _rung(drawing, y, _LEFT, button[0], button[1], mirror[0], mirror[1], 630, 742, _RIGHT)
    _relay(drawing, 630, y, "reset, watched")


def _fuse(drawing: Drawing, x: float, y: float, name: str) -> None:
    drawing.box(x, y - 8, 40, 16, ink=_SAFE)
    drawing.line((x, y), (x + 40, y), ink=_SAFE, width=2)
    drawing.label(x + 20, y - 14, name, anchor="middle", size=12.5, bold=True)


def _contactor(drawing: Drawing, y: float) -> None:
    safety = _contact(drawing, 300, y, "open", "K1 13-14", "safety contact")
    command = _contact(drawing, 500, y, "open", "K4", "controller: motor on", red=False)
    _fuse(drawing, 150, y, "F1")
    _rung(
        drawing, y, _LEFT, 150, 190, safety[0], safety[1], command[0], command[1], 700, 744, _RIGHT
    )
    _coil(drawing, 700, y, "K2", "contactor of the pump motor")


def _coils(drawing: Drawing, y: float) -> None:
    safety = _contact(drawing, 300, y, "open", "K1 23-24", "safety contact")
    alive = _contact(drawing, 500, y, "open", "K3", "deadman: alive")
    _fuse(drawing, 150, y, "F2")
    _rung(drawing, y, _LEFT, 150, 190, safety[0], safety[1], alive[0], alive[1], 620)
    for row, (name, what) in enumerate((("Y1", "pump valve"), ("Y2", "release valves"))):
        at = y - 24 + 48 * row
        drawing.line((620, y), (620, at), (700, at), ink=_SAFE, width=2)
        drawing.box(700, at - 13, 44, 26, ink=_SAFE)
        drawing.label(722, at + 4, name, anchor="middle", size=12.5, bold=True)
        drawing.label(756, at - 7, what, size=11)
        drawing.line((744, at), (880, at), ink=INK, width=2)
        drawing.line((880, at), (880, y), ink=INK, width=2)
    drawing.dot(620, y)
    drawing.dot(880, y)
    drawing.line((880, y), (_RIGHT, y), width=2)
    words = "the controller's PWM is on their low side; without supply the release opens"
    drawing.label(_RIGHT - 10, y + 54, words, anchor="end", size=11)


def _motor(drawing: Drawing, y: float) -> None:
    power = _contact(drawing, 300, y, "open", "K2", "main contact")
    _fuse(drawing, 150, y, "F4")
    _rung(drawing, y, _LEFT, 150, 190, power[0], power[1], 560, 640, 700, 744, _RIGHT)
    drawing.box(560, y - 17, 80, 34)
    drawing.label(600, y + 4, "speed", anchor="middle", size=12)
    drawing.circle(722, y, 22, ink=_SAFE)
    drawing.label(722, y + 5, "M1", anchor="middle", size=12.5, bold=True)
    drawing.label(722, y + 38, "pump motor", anchor="middle", size=11)


def _inputs(drawing: Drawing, y: float) -> None:
    """Draw the contacts that inform the controller; they are no part of the safety circuit."""
    drawing.line((30, y - 34), (970, y - 34), ink=FAINT, dash="3 5")
    drawing.label(30, y - 14, "for the controller", size=12.5, bold=True)
    for x, name, what, signal in (
        (250, "S1", "emergency stop 31-32", "emergency_stop"),
        (650, "S2", "guard 31-32", "guard"),
    ):
        at = y + 22
        pin = _BOARD.pin(signal)
        begin, end = _contact(drawing, x, at, "closed", name, what, red=False)
        _rung(drawing, at, x - 60, begin, end, x + 104, red=False)
        drawing.label(x - 68, at + 4, f"GP{pin.gpio}" if pin else "", anchor="end", bold=True)
        drawing.label(x + 112, at + 4, "0 V", bold=True)
