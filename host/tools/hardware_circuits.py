# mypy: disable-error-code="no-untyped-call"
"""Draws the small circuits around the controller board with schemdraw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import schemdraw
import schemdraw.elements as elm
from pressloop.hardware.boards import BOARDS
from pressloop.hardware.harness import terminal_of
from schemdraw import svgconfig

_INK: Final = "#1c2733"
_BOARD: Final = BOARDS["pico"]

schemdraw.use("svg")
svgconfig.text = "text"


def _drawing() -> Any:
    drawing = schemdraw.Drawing(show=False)
    drawing.config(
        unit=2.4, fontsize=12, font="Helvetica, Arial, sans-serif", lw=1.6, color=_INK, margin=0.4
    )
    drawing.config(bgcolor="white")
    elm.style(elm.STYLE_IEC)
    return drawing


def _gpio(signal: str) -> str:
    pin = _BOARD.pin(signal)
    return f"GP{pin.gpio}" if pin else ""


def _terminal(signal: str) -> str:
    found = terminal_of(signal)
    return f"{found[0].key}.{found[1]}" if found else ""


def _svg(drawing: Any) -> str:
    return str(drawing.get_imagedata("svg").decode())


def _to_ground(drawing: Any, part: Any) -> None:
    """Add a part from here to ground, and go on from here."""
    drawing.push()
    drawing += part
    drawing += elm.Ground()
    drawing.pop()


def _gate(drawing: Any) -> Any:
    """Add a transistor whose gate is pulled down, with its source at ground; return it."""
    drawing += elm.Dot()
    _to_ground(drawing, elm.Resistor().down().label("10 k", loc="bottom"))
    drawing += elm.Line().right().length(0.6)
    drawing += (fet := elm.NFet()).anchor("gate").theta(0).reverse()
    drawing += elm.Line().at(fet.source).down().length(1.65)
    drawing += elm.Ground()
    return fet


def _clamp(drawing: Any) -> None:
    """Add a capacitor, and a diode that keeps a wiring error away from the converter."""
    drawing += elm.Dot()
    _to_ground(drawing, elm.Capacitor().down().label("100 n", loc="bottom"))
    drawing.push()
    drawing += elm.Diode().up().label("BAV199", loc="bottom")
    drawing += elm.Vdd().label("+3.3 V")
    drawing.pop()
    drawing += elm.Line().right().length(0.8)


def _filter(drawing: Any, converter: str) -> None:
    """Add what stands between a signal and a converter of pressure."""
    drawing += elm.Resistor().right().label("1 k")
    _clamp(drawing)
    drawing += elm.Tag(width=4.4).right().label(converter)


def current_loop() -> str:
    """Return 4-20 mA over a shunt."""
    drawing = _drawing()
    drawing += elm.Vdd().label("+24 V")
    drawing += elm.RBox().down().label("transducer\n4-20 mA", loc="top")
    drawing += elm.Dot(open=True).label(_terminal("pressure"), loc="left")
    drawing += elm.Line().down().length(0.7)
    drawing += elm.Dot()
    _to_ground(drawing, elm.Resistor().down().label("150\n0.1 %", loc="top"))
    _filter(drawing, f"ADS1115 AIN0, {_gpio('pressure')}")
    return _svg(drawing)


def voltage() -> str:
    """Return 0-10 V over a divider with a pull-up."""
    drawing = _drawing()
    drawing += elm.Dot(open=True).label(f"{_terminal('pressure')}  0-10 V", loc="left")
    drawing += elm.Line().right().length(1.2)
    drawing += elm.Dot()
    drawing.push()
    drawing += elm.Resistor().up().label("150 k")
    drawing += elm.Vdd().label("+24 V")
    drawing.pop()
    drawing += elm.Resistor().right().label("200 k")
    drawing += elm.Dot()
    _to_ground(drawing, elm.Resistor().down().label("50 k", loc="top"))
    drawing += elm.Line().right().length(1.8)
    _clamp(drawing)
    drawing += elm.Tag(width=4.4).right().label(f"ADS1115 AIN0, {_gpio('pressure')}")
    return _svg(drawing)


def ratiometric() -> str:
    """Return 0.5-4.5 V of a supply that is measured beside it."""
    drawing = _drawing()
    for row, (source, converter) in enumerate(
        (("X1.2  +5 V", "ADS1115 AIN1"), (f"{_terminal('pressure')}  signal", "ADS1115 AIN0"))
    ):
        drawing += elm.Dot(open=True).at((0, -6.6 * row)).label(source, loc="left")
        drawing += elm.Resistor().right().label("10 k, 0.1 %")
        drawing += elm.Dot()
        _to_ground(drawing, elm.Resistor().down().label("10 k\n0.1 %", loc="top"))
        drawing += elm.Line().right().length(1.8)
        _clamp(drawing)
        drawing += elm.Tag(width=3.2).right().label(converter)
    return _svg(drawing)


def coil_driver() -> str:
    """Return the driver of a valve's coil."""
    drawing = _drawing()
    drawing += elm.Tag(width=1.6).left().label(_gpio("release"))
    drawing += elm.Resistor().at((0, 0)).right().label("100")
    fet = _gate(drawing)
    drawing += elm.Line().at(fet.drain).up().length(0.5)
    drawing += elm.Dot(open=True).label(_terminal("release"), loc="left")
    drawing += elm.Line().up().length(0.5)
    drawing += (low := elm.Dot())
    drawing += elm.Inductor2(loops=4).up().label("coil")
    drawing += (high := elm.Dot())
    drawing += elm.Line().up().length(0.5)
    drawing += elm.Vdd().label("+24 V through K1 and K3")
    drawing += elm.Line().at(low.center).right().length(1.6)
    drawing += elm.Diode().up().length(1.2).label("1N5819", loc="bottom")
    # Against the other: it carries the coil's current backwards, at 24 V.
    drawing += (
        elm.Zener().up().toy(high.center).reverse().label("BZX85C24, at a valve", loc="bottom")
    )
    drawing += elm.Line().tox(high.center)
    return _svg(drawing)


def filtered_output() -> str:
    """Return 0-10 V from the PWM of the pump."""
    drawing = _drawing()
    drawing += elm.Tag(width=1.6).left().label(_gpio("pump"))
    drawing += elm.Resistor().at((0, 0)).right().label("10 k")
    for _ in range(2):
        drawing += elm.Dot()
        _to_ground(drawing, elm.Capacitor().down().label("470 n", loc="bottom"))
        if _ == 0:
            drawing += elm.Resistor().right().label("10 k")
    drawing += elm.Line().right().length(2.2)
    drawing += (amplifier := elm.Opamp(leads=True)).flip().anchor("in2").right()
    drawing += elm.Line().at(amplifier.in1).down().length(1.2)
    drawing += (feedback := elm.Dot())
    drawing += elm.Resistor().down().label("10 k", loc="top")
    drawing += elm.Ground()
    drawing += (
        elm.Resistor().at(feedback.center).right().tox(amplifier.out).label("20 k", loc="bottom")
    )
    drawing += elm.Line().toy(amplifier.out)
    drawing += elm.Dot()
    drawing += elm.Line().right().length(0.8)
    drawing += elm.Tag(width=2.6).right().label(f"{_terminal('pump')}  0-10 V")
    return _svg(drawing)


def deadman() -> str:
    """Return the monostable that supplies the coils."""
    drawing = _drawing()
    timer = elm.Ic(
        pins=[
            elm.IcPin("B", side="left", anchorname="B", slot="3/5"),
            elm.IcPin("A", side="left", anchorname="A", slot="1/5"),
            elm.IcPin("CLR", side="left", anchorname="CLR", slot="4/5"),
            elm.IcPin("RC", side="top", anchorname="RC", slot="2/2"),
            elm.IcPin("C", side="top", anchorname="C", slot="1/2"),
            elm.IcPin("Q", side="right", anchorname="Q", slot="3/5"),
        ],
        size=(3.6, 4.6),
        label="74HCT123",
    )
    drawing += timer
    drawing += elm.Line().at(timer.B).left().length(0.8)
    drawing += elm.Tag(width=2.7).left().label(f"{_gpio('deadman')}, {_terminal('deadman')}")
    drawing += elm.Line().at(timer.CLR).left().length(0.6)
    drawing += elm.Vdd().label("+5 V")
    drawing += elm.Line().at(timer.A).left().length(0.6)
    drawing += elm.Ground()
    drawing += elm.Capacitor().at(timer.C).up().label("1 u")
    drawing += elm.Line().right().tox(timer.RC)
    drawing += elm.Dot()
    drawing.push()
    drawing += elm.Line().down().toy(timer.RC)
    drawing.pop()
    drawing += elm.Resistor().up().label("110 k", loc="bottom")
    drawing += elm.Vdd().label("+5 V")
    drawing += elm.Resistor().at(timer.Q).right().label("1 k")
    fet = _gate(drawing)
    drawing += elm.Line().at(fet.drain).up().length(0.4)
    drawing += (low := elm.Dot())
    drawing += elm.RBox().up().label("K3", loc="top")
    drawing += (high := elm.Dot())
    drawing += elm.Vdd().label("+24 V")
    drawing += elm.Line().at(low.center).right().length(1.5)
    drawing += elm.Diode().up().label("1N4007", loc="bottom")
    drawing += elm.Line().tox(high.center)
    return _svg(drawing)


CIRCUITS: Final[Mapping[str, Callable[[], str]]] = {
    "input-4-20ma": current_loop,
    "input-0-10v": voltage,
    "input-ratiometric": ratiometric,
    "output-coil": coil_driver,
    "output-0-10v": filtered_output,
    "deadman": deadman,
}
"""Circuits by the names of their files."""
