"""Draw and count the import graph of the host packages: `rooms.py [CHECKOUT] [--dot]`.

A room is a folder with Python files in it, or a single module at the top of a package. An arrow is
one room that imports from another; imports for types alone do not count, imports inside functions
do. A floor is a step of the longest way up from the rooms that import nothing; rooms of one circle
share a floor. An arrow runs back up when it is part of a circle. The order of the rooms is held by
import-linter, which `make check` runs.

The front doors, `pressloop/__init__.py` and `pressloop_sim/__init__.py`, are no rooms.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_PACKAGES = ("pressloop", "pressloop_sim")
_REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class House:
    """The rooms of a checkout, and for each arrow the modules that it stands for."""

    rooms: frozenset[str]
    arrows: dict[tuple[str, str], frozenset[str]]

    def below(self, room: str) -> list[str]:
        """Return the rooms that a room imports from, in alphabetical order."""
        return sorted(end for start, end in self.arrows if start == room)


def survey(source: Path) -> House:
    """Read every module of the packages in `source` and return its rooms and arrows."""
    modules = {
        _module_name(path, source): path
        for package in _PACKAGES
        for path in (source / package).rglob("*.py")
        if path.name != "__main__.py" and path != source / package / "__init__.py"
    }
    folders = {name for name, path in modules.items() if path.name == "__init__.py"}
    # A folder need not have an __init__.py to be a room.
    folders |= {name.rpartition(".")[0] for name in modules} - set(_PACKAGES)
    arrows: dict[tuple[str, str], set[str]] = {}
    for name, path in modules.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for target in _imported([tree], package, modules):
            ends = _room(name, folders), _room(target, folders)
            if ends[0] != ends[1]:
                arrows.setdefault(ends, set()).add(name)
    rooms = frozenset(_room(name, folders) for name in modules)
    return House(rooms, {ends: frozenset(names) for ends, names in arrows.items()})


def circles(house: House) -> list[list[str]]:
    """Return the groups of rooms that import each other, directly or by a way round."""
    reach = {room: _reachable(house, room) for room in house.rooms}
    groups = {
        frozenset({room, *(other for other in reach[room] if room in reach[other])})
        for room in house.rooms
    }
    return sorted(sorted(group) for group in groups if len(group) > 1)


def floors(house: House) -> list[list[str]]:
    """Return the rooms of each floor, lowest first."""
    together = {room: frozenset({room}) for room in house.rooms}
    for group in circles(house):
        together.update(dict.fromkeys(group, frozenset(group)))
    heights: dict[frozenset[str], int] = {}

    def height(group: frozenset[str]) -> int:
        if group not in heights:
            below = {together[end] for room in group for end in house.below(room)} - {group}
            heights[group] = 1 + max(map(height, below), default=-1)
        return heights[group]

    found: dict[int, list[str]] = {}
    for room in house.rooms:
        found.setdefault(height(together[room]), []).append(room)
    return [sorted(found[floor]) for floor in sorted(found)]


def back_up(house: House) -> list[tuple[str, str]]:
    """Return the arrows that take part in a circle."""
    loops = [set(group) for group in circles(house)]
    return sorted(ends for ends in house.arrows if any(set(ends) <= group for group in loops))


def drawing(house: House) -> str:
    """Return the graph as a table: a line per room, highest floor first."""
    levels = floors(house)
    width = max(map(len, house.rooms))
    lines = []
    for number in range(len(levels) - 1, -1, -1):
        for room in levels[number]:
            below = ", ".join(house.below(room)) or "nothing"
            lines.append(f"{number:>2}  {room:<{width}}  imports {below}")
    return "\n".join(lines)


def dot(house: House) -> str:
    """Return the graph in the language of Graphviz."""
    lines = [f'  "{start}" -> "{end}";' for start, end in sorted(house.arrows)]
    return "\n".join(["digraph rooms {", "  rankdir=BT;", *lines, "}"])


def counts(house: House) -> str:
    """Return the figures in one line."""
    return (
        f"{len(house.rooms)} rooms, {len(floors(house))} floors, {len(house.arrows)} arrows, "
        f"{len(circles(house))} circles, {len(back_up(house))} arrows back up"
    )


def _module_name(path: Path, source: Path) -> str:
    parts = path.relative_to(source).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _room(name: str, folders: set[str]) -> str:
    """Return the folder that a module lies in, or the module itself at the top of a package."""
    if name in folders:
        return name
    parent = name.rpartition(".")[0]
    return parent if parent in folders and parent not in _PACKAGES else name


def _reachable(house: House, room: str) -> set[str]:
    found: set[str] = set()
    open_ends = [room]
    while open_ends:
        for end in house.below(open_ends.pop()):
            if end not in found:
                found.add(end)
                open_ends.append(end)
    return found


def _imported(nodes: Iterable[ast.AST], package: str, modules: Iterable[str]) -> Iterator[str]:
    """Yield the modules of the packages that the nodes import, but for types alone."""
    for node in nodes:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from _imported(node.orelse, package, modules)
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in modules)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join(
                [*(above if node.level else []), *([node.module] if node.module else [])]
            )
            for name in node.names:
                whole = f"{base}.{name.name}"
                found = whole if whole in modules else base
                if found in modules:
                    yield found
        yield from _imported(ast.iter_child_nodes(node), package, modules)


def main(argv: list[str] | None = None) -> int:
    """Print drawing and figures; exit with 1 when a circle or an arrow back up is found."""
    parser = argparse.ArgumentParser(prog="rooms.py", description=__doc__)
    parser.add_argument("checkout", nargs="?", type=Path, default=_REPOSITORY)
    parser.add_argument("--dot", action="store_true", help="print the graph for Graphviz")
    options = parser.parse_args(argv)
    house = survey(options.checkout / "host" / "src")
    print(dot(house) if options.dot else drawing(house))
    for group in circles(house):
        print("circle:", ", ".join(group), file=sys.stderr)
    for start, end in back_up(house):
        names = ", ".join(sorted(house.arrows[start, end]))
        print(f"back up: {start} imports {end} ({names})", file=sys.stderr)
    print(counts(house), file=sys.stderr)
    return 1 if back_up(house) else 0


if __name__ == "__main__":
    sys.exit(main())
