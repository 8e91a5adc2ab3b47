"""Writes the constants that a module of the firmware takes from other modules, as numbers.

On the chip a name of another module is looked up each time, which costs 160 cycles, and machine
code can use only the constants of its own module. So a module of the tick has a block that says
what it takes from where, and this generator writes the numbers below that:

    # generated: numbers of other modules; edit the lists and run `make generate`.
    # wire.schema: STATE_IDLE STATE_RUNNING
    # loop.flags: FLAGS
    _STATE_IDLE = const(0)
    _STATE_RUNNING = const(1)
    _FLAGS = const(1)
    # end of generated

The owner defines the constant as `NAME = const(...)`; it may compute it from its other constants.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Mapping
from pathlib import Path

PACKAGE = "firmware/pressloop_fw"
FIRST_LINE = "# generated: numbers of other modules; edit the lists and run `make generate`."
LAST_LINE = "# end of generated"
_LIST = re.compile(r"# ([a-z0-9_.]+): ([A-Z0-9_ ]+)")
_OPERATIONS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}


class ConstantsError(Exception):
    """A block is malformed, or takes what its owner lacks; the message names the place."""


def fold(node: ast.AST, names: Mapping[str, int]) -> int | None:
    """Return what MicroPython's compiler folds an expression into, None if it does not."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "const":
        return fold(node.args[0], names)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Invert)):
        number = fold(node.operand, names)
        if number is None:
            return None
        return -number if isinstance(node.op, ast.USub) else ~number
    if isinstance(node, ast.BinOp):
        left, right = fold(node.left, names), fold(node.right, names)
        if left is not None and right is not None:
            return int(_OPERATIONS[type(node.op)](left, right))
    return None


def constants(tree: ast.Module) -> dict[str, int]:
    """Return the `const()` values of a module, by name, in the order of the text."""
    names: dict[str, int] = {}
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Call)
            and getattr(node.value.func, "id", "") == "const"
        ):
            number = fold(node.value, names)
            if number is not None:
                names[node.targets[0].id] = number
    return names


def block_of(lines: list[str], place: str) -> tuple[int, int] | None:
    """Return the positions of the first and the last line of a module's block, None without one.

    Raises:
        ConstantsError: The block has no end, or the module has several.
    """
    starts = [at for at, line in enumerate(lines) if line.startswith("# generated:")]
    ends = [at for at, line in enumerate(lines) if line == LAST_LINE]
    if not starts and not ends:
        return None
    if len(starts) != 1 or len(ends) != 1 or ends[0] < starts[0]:
        raise ConstantsError(f"{place}: needs one `# generated:` and one `{LAST_LINE}` behind it")
    return starts[0], ends[0]


def taken(lines: list[str], place: str) -> dict[str, list[str]]:
    """Return what a block takes: names by the modules that own them.

    Raises:
        ConstantsError: A comment in the block is no list.
    """
    owners: dict[str, list[str]] = {}
    for line in lines[1:-1]:
        if not line.startswith("#"):
            continue
        found = _LIST.fullmatch(line)
        if not found:
            raise ConstantsError(f"{place}: `{line}` is not a list like `# loop.flags: FLAGS`")
        owners.setdefault(found[1], []).extend(found[2].split())
    return owners


def emit(root: Path, fresh: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of all modules with a block, by their path from `root`.

    Args:
        root: Where the repository is.
        fresh: Texts that have just been generated, by path; they count in the place of the files.

    Raises:
        ConstantsError: As `block_of` and `taken`, and for names that their owner does not define.
    """
    texts = {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted((root / PACKAGE).rglob("*.py"))
    }
    texts.update({name: text for name, text in fresh.items() if name.startswith(PACKAGE)})
    with_block = {name for name, text in texts.items() if block_of(text.splitlines(), name)}
    while True:
        # A constant may be computed from one that was taken from a third module.
        values = {name: constants(ast.parse(text)) for name, text in texts.items()}
        after = {name: _renewed(name, texts[name], values) for name in sorted(with_block)}
        if all(texts[name] == text for name, text in after.items()):
            return after
        texts.update(after)


def _renewed(name: str, text: str, values: Mapping[str, Mapping[str, int]]) -> str:
    """Return a module's text with its block written anew."""
    lines = text.splitlines()
    place = block_of(lines, name)
    if place is None:
        return text
    start, end = place
    block = lines[start : end + 1]
    written = [FIRST_LINE, *(line for line in block[1:-1] if line.startswith("#"))]
    for owner, names in taken(block, name).items():
        path = f"{PACKAGE}/{owner.replace('.', '/')}.py"
        if path not in values:
            raise ConstantsError(f"{name}: there is no module {owner} ({path})")
        for constant in names:
            if constant not in values[path]:
                raise ConstantsError(f"{name}: {owner} has no `{constant} = const(...)`")
            written.append(f"_{constant} = const({values[path][constant]})")
    return "\n".join([*lines[:start], *written, *lines[end:]]) + "\n"
