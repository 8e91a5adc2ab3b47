"""Draws the curves as SVG files; the same numbers give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pressloop.extras import needs_extra
from pressloop.plotting.style import BLUE, GREEN, ORANGE, VERMILION

from pressloop_bench.powder_curves.curves import PUBLISHED, Curve, Curves, digest, without_air

with needs_extra("plot"):
    import matplotlib
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GREY: Final = "#666666"
_COLOURS: Final = (BLUE, VERMILION, GREEN, ORANGE)

_STYLE: Final[Any] = {
    # Text stays text: small files, and the font of the page.
    "svg.fonttype": "none",
    # Seed of the names inside the file, which would else be random.
    "svg.hashsalt": "pressloop",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e5e5e5",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.title_fontsize": 8,
    "lines.linewidth": 1.5,
}

Data = dict[str, Any]


def draw(figure: str, data: Data, path: Path) -> None:
    """Draw one figure of `FIGURES` to an SVG file."""
    with matplotlib.rc_context(_STYLE):
        panels, paint = _FIGURES[figure]
        canvas = Figure(figsize=(3.6 * panels, 3.1), layout="constrained")
        canvas.patch.set_facecolor("white")
        axes = canvas.subplots(1, panels, squeeze=False)[0]
        paint(list(axes), data)
        about = {"Date": None, "Creator": None, "Description": _digest_text(data)}
        canvas.savefig(path, format="svg", metadata=about)
    # matplotlib leaves blanks at the ends of lines.
    text = "\n".join(line.rstrip() for line in path.read_text("utf-8").splitlines())
    path.write_text(text + "\n", encoding="utf-8")


def _digest_text(data: Data) -> str:
    """Return the digest of the numbers as JSON, rounded to seven digits."""
    rounded = {
        name: [count, float(f"{y:.7g}"), float(f"{xy:.7g}")]
        for name, (count, y, xy) in digest(data).items()
    }
    return json.dumps(rounded)


def _line(axes: Axes, curve: Curve, label: str | None = None, **style: Any) -> None:
    xs, ys = zip(*curve, strict=True)
    axes.plot(xs, ys, label=label, **style)


def _lines(axes: Axes, curves: Curves, **style: Any) -> None:
    for colour, (label, curve) in zip(_COLOURS, curves.items(), strict=False):
        _line(axes, curve, label, **{"color": colour, **style})


def _named(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, loc="left", fontsize=9, fontweight="bold")
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _density(axes: list[Axes], data: Data) -> None:
    curves: Curves = data["density"]
    for panel, law in zip(axes, ("Panelli", "Heckel"), strict=True):
        for colour, (powder, (pressure, density)) in zip(_COLOURS, PUBLISHED.items(), strict=False):
            _line(panel, curves[f"{powder} {law}"], powder, color=colour)
            panel.plot(pressure, density, "o", color=colour, markeredgecolor="black", ms=6)
        panel.set_ylim(0.4, 1.0)
        panel.set_xlim(0, 700)
        panel.legend(loc="lower right", title="dots: published")
    _named(axes[0], "Panelli and Ambrozio", "highest pressure, MPa", "relative density, unloaded")
    _named(axes[1], "Heckel", "highest pressure, MPa", "relative density, unloaded")


def _relaxation(axes: list[Axes], data: Data) -> None:
    held, sealed, creep = axes
    for width, (label, curve) in zip((6, 3.5, 1.5), data["held"].items(), strict=True):
        # By the law all three coincide, so they are drawn with different widths.
        shade = {6: "#b7d6ea", 3.5: "#56B4E9", 1.5: BLUE}[width]
        _line(held, curve, label, color=shade, lw=width)
    _line(held, data["peleg"], "Peleg", color="black", marker="o", ls="", ms=4, zorder=9)
    held.set_xscale("log")
    held.set_ylim(0.65, 1.02)
    held.legend(loc="lower left")
    _named(held, "height held", "time, s", "share of the pressure left")
    _lines(sealed, data["sealed"])
    sealed.legend(loc="lower left")
    sealed.set_ylim(-45, 1)
    _named(sealed, "sealed dwell, reference press", "time, s", "lost on the pellet, MPa")
    _lines(creep, data["creep"])
    creep.legend(loc="upper left")
    _named(creep, "pressure held", "time, s", "creep, % of the height")


def _springback(axes: list[Axes], data: Data) -> None:
    loop, recovery, cracks = axes
    for label, curve in data["springback"].items():
        loading = label.startswith("to")
        named = {"to 100 MPa": "loading", "from 100 MPa": "released"}.get(label)
        _line(loop, curve, named, color=BLUE if loading else VERMILION)
    loop.set_ylim(0.45, 0.9)
    loop.legend(loc="lower right")
    _named(loop, "densified and released, Na3PS4", "pressure, MPa", "relative density in the die")
    _lines(recovery, data["recovery"])
    recovery.plot([500, 500], [1.9, 2.5], "o", color="white", markeredgecolor="black", ms=6)
    recovery.set_ylim(0, 3)
    recovery.legend(loc="upper left", title="dots: 1.9 and 2.5 % from 500 MPa")
    _named(recovery, "springback", "released from, MPa", "recovered, % of the height")
    curves: Curves = dict(data["cracks"])
    marks = curves.pop("crack")
    _lines(cracks, curves)
    _line(cracks, marks, "crack", color="black", marker="x", ls="", ms=7, mew=2, zorder=9)
    cracks.axhline(690, color=_GREY, lw=0.8, ls=":")
    cracks.set_ylim(0, 750)
    cracks.legend(loc="center right")
    _named(cracks, "cracks", "time, s", "pressure, MPa")


def _stiffness(axes: list[Axes], data: Data) -> None:
    oil, press = axes
    _lines(oil, data["bulk_modulus"])
    oil.axhline(1.38, color=_GREY, lw=0.8, ls=":")
    oil.set_ylim(0, 1.5)
    oil.set_xlim(0, 250)
    oil.legend(loc="lower right", title="dotted: no air")
    _named(oil, "bulk modulus of the oil", "oil pressure, bar", "GPa")
    _lines(press, data["stiffness"])
    press.axhline(without_air(), color=_GREY, lw=0.8, ls=":")
    press.set_ylim(0, 420)
    press.set_xlim(0, 500)
    press.legend(loc="lower right", title="dotted: reference, V/B + A²/k")
    _named(press, "closed press, 10 mm die, steel blank", "pressure, MPa", "MPa per mL of oil")


def _valves(axes: list[Axes], data: Data) -> None:
    flow, opening, step = axes
    _lines(flow, data["release_flow"])
    flow.legend(loc="upper left")
    _named(flow, "release valve", "oil pressure, bar", "flow, mL/s")
    curve: Curve = data["valve_opening"]
    half = len(curve) // 2
    _line(opening, curve[:half], "command rising", color=BLUE)
    _line(opening, curve[half:], "falling", color=VERMILION)
    opening.legend(loc="upper left")
    _named(opening, "dead band and hysteresis", "command, %", "opening, %")
    _line(step, data["valve_step"], color=BLUE)
    step.set_ylim(0, 105)
    _named(step, "delay and lag", "after a full step, ms", "spool, %")


def _friction(axes: list[Axes], data: Data) -> None:
    seal, press = axes
    _line(seal, data["friction_travel"], color=BLUE)
    _named(seal, "Dahl's law, d = 20 um", "travel of the ram, um", "friction over its level")
    _lines(press, data["friction_loop"])
    press.axhline(0, color=_GREY, lw=0.8, ls=":")
    press.legend(loc="lower left", title="of the oil's force")
    _named(press, "pressed to 500 MPa and released", "oil-derived, MPa", "pellet less oil, MPa")


def _losses(axes: list[Axes], data: Data) -> None:
    wall, heat, pellet = axes
    _lines(wall, data["wall"])
    wall.set_ylim(60, 101)
    wall.legend(loc="lower left")
    _named(
        wall, "wall of a 10 mm die", "height of the pellet, mm", "at the far end, % of the punch"
    )
    _lines(heat, data["heat"])
    heat.set_ylim(0, 4)
    heat.legend(loc="upper right")
    _named(heat, "oil pressed to 270 bar", "time, s", "warmer by, K")
    _lines(pellet, data["soft_pellet"])
    pellet.set_ylim(0, 6)
    pellet.legend(loc="upper left")
    _named(pellet, "springback, E = E1 D^n", "released from, MPa", "recovered, % of the height")


_FIGURES: Final[dict[str, tuple[int, Callable[[list[Axes], Data], None]]]] = {
    "density": (2, _density),
    "relaxation": (3, _relaxation),
    "springback": (3, _springback),
    "stiffness": (2, _stiffness),
    "valves": (3, _valves),
    "friction": (2, _friction),
    "losses": (3, _losses),
}
