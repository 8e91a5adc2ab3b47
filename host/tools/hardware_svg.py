"""Writes small SVG drawings: lines, shapes and text on a white ground, no packages."""

from __future__ import annotations

from html import escape
from typing import Final, Literal

INK: Final = "#1c2733"
FAINT: Final = "#8a97a3"
_FONT: Final = "Helvetica, Arial, sans-serif"

Anchor = Literal["start", "middle", "end"]


class Drawing:
    """Collects shapes; `text` returns the file. Coordinates in px, y down."""

    def __init__(self, width: float, height: float, title: str, *, left: float = 0) -> None:
        """Start an empty drawing from x = `left` on; `title` is what a screen reader says."""
        self._size = (width, height)
        self._left = left
        self._title = title
        self._parts: list[str] = []

    def line(
        self, *points: tuple[float, float], width: float = 1.6, dash: str = "", ink: str = INK
    ) -> None:
        """Draw a line through points."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{ink}" stroke-width="{width:g}"'
            f' stroke-linejoin="round" stroke-linecap="round"{dashes}/>'
        )

    def shape(
        self, *points: tuple[float, float], fill: str = "white", ink: str = INK, width: float = 1.6
    ) -> None:
        """Draw a closed polygon."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        self._parts.append(
            f'<polygon points="{path}" fill="{fill}" stroke="{ink}" stroke-width="{width:g}"'
            ' stroke-linejoin="round"/>'
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "white",
        ink: str = INK,
        radius: float = 0,
        dash: str = "",
    ) -> None:
        """Draw a rectangle."""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}"'
            f' fill="{fill}" stroke="{ink}" stroke-width="1.6"{dashes}/>'
        )

    def circle(
        self, x: float, y: float, radius: float, *, fill: str = "white", ink: str = INK
    ) -> None:
        """Draw a circle."""
        self._parts.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{fill}" stroke="{ink}"'
            ' stroke-width="1.6"/>'
        )

    def dot(self, x: float, y: float) -> None:
        """Mark a connection of lines."""
        self.circle(x, y, 2.6, fill=INK)

    def label(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: Anchor = "start",
        size: float = 13,
        bold: bool = False,
        ink: str = INK,
    ) -> None:
        """Write a text; `y` is its base line."""
        weight = ' font-weight="bold"' if bold else ""
        self._parts.append(
            f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size:g}"{weight}'
            f' fill="{ink}">{escape(text)}</text>'
        )

    def text(self) -> str:
        """Return the drawing as SVG."""
        width, height = self._size
        return "\n".join(
            (
                '<svg xmlns="http://www.w3.org/2000/svg"'
                f' viewBox="{self._left:g} 0 {width:g} {height:g}"'
                f' width="{width:g}" height="{height:g}" role="img" font-family="{_FONT}">',
                f"<title>{escape(self._title)}</title>",
                f'<rect x="{self._left:g}" width="{width:g}" height="{height:g}" fill="white"/>',
                *self._parts,
                "</svg>",
                "",
            )
        )
