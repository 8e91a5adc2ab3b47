"""The machine code and the tick of the firmware have only constants that they may have.

A constant of more than 16 bits, unless it is 8 bits shifted, is loaded from a word beside the code,
at an address that a flash image does not keep aligned: 131071 was read as -8191.
"""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from generator.constants import FIRST_LINE, block_of, constants, fold, taken

FIRMWARE = Path(__file__).parents[2] / "firmware"
SOURCES = sorted(FIRMWARE.rglob("*.py"))
MODULES = sorted((FIRMWARE / "pressloop_fw").rglob("*.py"))
COMPILED = {"micropython.viper", "micropython.native", "viper", "native"}


def is_safe(number: int) -> bool:
    """Whether the compiler makes a number with immediates (asm_thumb_mov_reg_i32_optimised)."""
    size = abs(number)
    return size < 1 << 16 or size // (size & -size) < 1 << 8


def numbers(node: ast.AST, names: dict[str, int]) -> Iterator[tuple[int, int]]:
    """Yield (line, number) of every constant that code is made with."""
    folded = fold(node, names)
    if folded is not None:
        yield getattr(node, "lineno", 0), folded
        return
    for child in ast.iter_child_nodes(node):
        yield from numbers(child, names)


def too_wide(text: str) -> list[tuple[str, int, int]]:
    """Return (function, line, number) of what must not be in the machine code of a source."""
    tree = ast.parse(text)
    names = constants(tree)
    return [
        (function.name, line, number)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        and COMPILED & {ast.unparse(decorator) for decorator in function.decorator_list}
        for statement in function.body
        for line, number in numbers(statement, names)
        if not is_safe(number)
    ]


def name_of(path: Path) -> str:
    """Return how a module is named in the lists of a generated block."""
    return ".".join(path.relative_to(FIRMWARE / "pressloop_fw").with_suffix("").parts)


def taken_by(path: Path) -> dict[str, list[str]]:
    """Return which constants a module takes from others, by their owners."""
    lines = path.read_text(encoding="utf-8").splitlines()
    block = block_of(lines, path.name)
    return taken(lines[block[0] : block[1] + 1], path.name) if block else {}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(FIRMWARE)))
def test_machine_code_has_no_wide_constants(source: Path) -> None:
    assert too_wide(source.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "expression", ["131071", "-131071", "_WIDE", "(1 << 17) - 1", "x + _WIDE", "registers[_WIDE]"]
)
@pytest.mark.parametrize("compiler", ["viper", "native"])
def test_a_wide_constant_is_found(expression: str, compiler: str) -> None:
    text = f"_WIDE = const((1 << 17) - 1)\n@micropython.{compiler}\ndef f(x):\n return {expression}"
    assert [abs(number) for _, _, number in too_wide(text)] == [131071]
    assert not too_wide(text.replace(f"@micropython.{compiler}", ""))


@pytest.mark.parametrize("expression", ["65535", "-65535", "1 << 29", "0xFF0000", "x - 1", "-x"])
def test_what_immediates_can_make_is_let_through(expression: str) -> None:
    assert not too_wide(f"@micropython.viper\ndef f(x):\n return {expression}")


def test_some_code_is_looked_at() -> None:
    assert sum("@micropython.viper" in path.read_text(encoding="utf-8") for path in SOURCES) > 8


@pytest.mark.parametrize(
    "path", [path for path in MODULES if taken_by(path)], ids=lambda path: name_of(path)
)
def test_generated_constants_are_those_of_their_owners(path: Path) -> None:
    """The generator reads the source; the owner that is imported says the same."""
    mine = constants(ast.parse(path.read_text(encoding="utf-8")))
    for owner, names in taken_by(path).items():
        module = importlib.import_module(f"pressloop_fw.{owner}")
        for name in names:
            assert mine[f"_{name}"] == getattr(module, name), f"{owner}.{name}"


def test_all_constants_of_the_tick_are_generated() -> None:
    path = FIRMWARE / "pressloop_fw" / "loop" / "tick.py"
    generated = {f"_{name}" for names in taken_by(path).values() for name in names}
    assert set(constants(ast.parse(path.read_text(encoding="utf-8")))) == generated


def copies_by_hand(texts: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return (module, constant, owner) of what has the name and value of another's constant."""
    values = {name: constants(ast.parse(text)) for name, text in texts.items()}
    found = []
    for name, text in texts.items():
        outside = text
        if FIRST_LINE in text:
            lines = text.splitlines()
            block = block_of(lines, name)
            assert block
            outside = "\n".join(lines[: block[0]] + lines[block[1] + 1 :])
        for constant in constants(ast.parse(outside)):
            found += [
                (name, constant, owner)
                for owner, theirs in values.items()
                if owner != name
                and constant.startswith("_")
                and theirs.get(constant[1:]) == values[name][constant]
            ]
    return found


def test_no_constant_is_copied_by_hand() -> None:
    texts = {name_of(path): path.read_text(encoding="utf-8") for path in MODULES}
    assert copies_by_hand(texts) == []


def test_a_copy_by_hand_is_found() -> None:
    texts = {"a": "FLAGS = const(1)", "b": "_FLAGS = const(1)\n_OTHER = const(1)"}
    assert copies_by_hand(texts) == [("b", "_FLAGS", "a")]
    assert not copies_by_hand({"a": "FLAGS = const(1)", "b": "_FLAGS = const(2)"})
