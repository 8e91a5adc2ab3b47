"""Chooses the parts of a line that fit the width of a terminal."""

from __future__ import annotations

from rich.text import Text


class ChosenParts:
    """Chooses parts of a line by importance, as long as there is room."""

    def __init__(self, room: int, *always: Text) -> None:
        """Choose the parts that are always shown."""
        self._chosen = [part for part in always if part]
        self.rest = room - joined_cells(*always)

    def add(self, *parts: Text) -> None:
        """Choose those of the parts that still fit; the most important one comes first."""
        for part in parts:
            if part and part.cell_len + 1 <= self.rest:
                self._chosen.append(part)
                self.rest -= part.cell_len + 1

    def joined(self, *parts: Text) -> Text:
        """Return those of the parts that were chosen, in the order given here."""
        line = Text()
        for part in parts:
            if any(part is chosen for chosen in self._chosen):
                line.append(" " if line and not part.plain.startswith(",") else "")
                line.append_text(part)
        return line


def joined_cells(*parts: Text) -> int:
    """Return the width of these parts with a space between them."""
    shown = [part for part in parts if part]
    return sum(part.cell_len for part in shown) + max(0, len(shown) - 1)
