"""What `make deploy` and `make mip` compile: the sources, with the schema's numbers in place."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "firmware" / "pressloop_fw"
SCHEMA = PACKAGE / "wire" / "schema.py"

sys.path.insert(0, str(ROOT / "host" / "tools"))
try:
    import wire_constants
finally:
    sys.path.pop(0)


class Numbers(ast.NodeTransformer):
    """Replaces the constants in a tree, by another way than the tool does in the text."""

    def __init__(self, constants: dict[str, int]) -> None:
        self.constants = constants

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if ast.unparse(node.value) == "schema" and node.attr in self.constants:
            return ast.Constant(self.constants[node.attr])
        return self.generic_visit(node)


def test_only_the_schema_s_constants_become_numbers() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    inlined = wire_constants.inlined(files, SCHEMA)
    constants = wire_constants.constants_of(SCHEMA.read_text())
    assert len(constants) > 300
    assert list(inlined) == files
    for path in files:
        if path != SCHEMA:
            source = path.read_text()
            expected = ast.unparse(Numbers(constants).visit(ast.parse(source)))
            assert ast.unparse(ast.parse(inlined[path])) == expected, path
            assert inlined[path].count("\n") == source.count("\n"), path


def test_the_schema_keeps_its_tables_and_what_is_imported_by_name() -> None:
    inlined = wire_constants.inlined(PACKAGE.rglob("*.py"), SCHEMA)
    kept = wire_constants.imported_names(path.read_text() for path in PACKAGE.rglob("*.py"))
    whole: dict[str, object] = {}
    short: dict[str, object] = {}
    sys.path.insert(0, str(PACKAGE.parent))
    try:
        exec(SCHEMA.read_text(), whole)
        exec(inlined[SCHEMA], short)
    finally:
        sys.path.pop(0)
    gone = set(whole) - set(short)
    assert gone == set(wire_constants.constants_of(SCHEMA.read_text())) - kept
    assert all(short[name] == whole[name] for name in short if name.isupper())
    # A negative number after another sign stays one.
    assert wire_constants.in_user("x = 1 -schema.A\n", {"A": -2}) == "x = 1 -(-2)\n"
