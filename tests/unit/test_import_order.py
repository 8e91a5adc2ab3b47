"""The host package has an order: no module needs one that needs it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "host" / "src"
MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in (SOURCE / "pressloop").rglob("*.py")
}


def imported(nodes: Iterable[ast.AST], package: str) -> Iterator[str]:
    """The modules of this package that are imported when a module is; not those for types alone."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from imported(node.orelse, package)
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] + "." if node.level else ""
            base = (above + (node.module or "")).strip(".")
            for name in node.names:
                whole = f"{base}.{name.name}"
                found = whole if whole in MODULES else base
                if found in MODULES:
                    yield found
        yield from imported(ast.iter_child_nodes(node), package)


def needs(name: str, path: Path) -> set[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return set(imported([ast.parse(path.read_text(encoding="utf-8"))], package)) - {name}


def test_no_module_is_imported_in_a_circle() -> None:
    graph = {name: needs(name, path) for name, path in MODULES.items()}
    assert graph["pressloop.validation.context"] >= {"pressloop.protocol", "pressloop.findings"}
    assert "pressloop.emulator.presets" in graph["pressloop.emulator.description.press"]
    # A circle raises CycleError, which lists its modules.
    TopologicalSorter(graph).prepare()
