"""The values of a machine profile as text: their names, units and changes."""

from __future__ import annotations

from typing import Final

from rich.markup import escape
from rich.table import Table

from pressloop.machine.commissioned import commissioned_text
from pressloop.machine.profile import MachineProfile
from pressloop.machine.profile_wire import shortest, stored
from pressloop.units.keys import name_and_unit

_DAY: Final = "commissioned_day"


def readable(value: object) -> str:
    """Return a value as text, with floats rounded to 4 digits."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        between = "\n" if any(isinstance(item, str) and " " in item for item in value) else ", "
        return between.join(readable(item) for item in value)
    return str(value)


def changes(old: MachineProfile | None, new: MachineProfile) -> dict[str, tuple[object, object]]:
    """Return the values that the board would store differently, old and new.

    Args:
        old: Profile of the board; None if it has none: then every value that is set is new.
        new: Profile to write.
    """
    found: dict[str, tuple[object, object]] = {}
    for name in type(new).model_fields:
        # Reported by the board, not stored.
        if name in ("converter", "channels", "reads_load_cell"):
            continue
        before, after = getattr(old, name, None), getattr(new, name)
        if stored(name, before) != stored(name, after):
            found[name] = (shortest(name, before), shortest(name, after))
    return found


def change_table(changed: dict[str, tuple[object, object]]) -> Table:
    """Return changed values as a table for a terminal."""
    table = Table(box=None, pad_edge=False)
    for heading in ("value", "on the board", "to write", "unit"):
        table.add_column(heading, overflow="fold")
    for key, (before, after) in changed.items():
        name, unit = _name_and_unit(key)
        table.add_row(
            name, escape(_exact(key, before)), f"[bold]{escape(_exact(key, after))}[/bold]", unit
        )
    return table


def value_table(profile: MachineProfile) -> Table:
    """Return the values of a profile that are set as a table for a terminal."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.add_column()
    for key, (_, value) in changes(None, profile).items():
        name, unit = _name_and_unit(key)
        table.add_row(name, escape(_exact(key, value)), unit)
    return table


def _name_and_unit(key: str) -> tuple[str, str]:
    """Return name and unit of a key; the day of commissioning is printed as a date."""
    return ("commissioned", "") if key == _DAY else name_and_unit(key)


def _exact(key: str, value: object) -> str:
    """Return a value with all its digits: two values that differ must look different."""
    if key == _DAY and (value is None or isinstance(value, int)):
        return commissioned_text(value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return readable(value) if value is None else str(value)
