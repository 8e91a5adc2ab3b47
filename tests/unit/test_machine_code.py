"""What the compiler for the Cortex-M0+ is not to be given, and numbers that are written twice.

A constant of more than 16 bits, unless it is 8 bits shifted, is loaded from a word beside the code,
at an address that a flash image does not keep aligned: 131071 was read as -8191.
"""

import ast
import importlib
import operator
from collections.abc import Iterator
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).parents[2] / "firmware"
SOURCES = sorted(FIRMWARE.rglob("*.py"))
COMPILED = {"micropython.viper", "micropython.native", "viper", "native"}
OPERATIONS = {
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
# Constants that a module has written down anew, and whose they are: a name of another module is
# looked up each time, and in machine code only a module's own are numbers at all.
COPIES = {
    "loop.tick": {
        "wire.schema": "OUTPUT_FULL STATE_IDLE STATE_FAULT FLAG_HOST_LOST",
        "loop.sequencer": "ACT_SAFE ACT_SHUT ACT_REGULATE ACT_APPROACH ACT_DUMP",
        "loop.sampler": "ALERT",
        "loop.setpoint": "DESCENDING",
        "loop.split_range": "PUMP_COMMAND RELEASE_COMMAND",
        "loop.flags": "FLAGS",
    },
    "loop.sequencer": {
        "wire.schema": "STATE_IDLE STATE_RUNNING STEP_HOLD FLAG_DWELLING",
        "loop.flags": "FLAGS",
    },
    "loop.hold": {
        "wire.schema": "FLAG_IN_BAND FLAG_DWELLING FLAG_SEALED FLAG_TOPPING_UP",
        "loop.flags": "FLAGS",
        "loop.step_results": "ROW TICKS DWELL PEAK LOWEST",
    },
    "loop.crack_detector": {
        "wire.schema": "FAULT_SAMPLE_CRACKED FAULT_DIE_FAILURE",
        "loop.sampler": "NEWEST_KPA",
        "loop.split_range": "RELEASE FALL_KPA_S",
    },
    "loop.interlocks": {"loop.setpoint": "VALUE_KPA", "loop.split_range": "PUMPING"},
    "loop.pid": {
        "loop.setpoint": "VALUE_KPA LEAD_KPA_S",
        "loop.split_range": "RISE_KPA_S FALL_KPA_S",
    },
    "wire.cbor": {"wire.schema": "T_INT T_BOOL T_BYTES T_TEXT"},
    "loop.relaxation": {"wire.schema": "TICK_HZ"},
    "service.commands": {"wire.schema": "STATE_RUNNING"},
    "loop.split_range": {
        "loop.setpoint": "DESCENDING RISING",
        "loop.stiffness": "COMPLIANCE_RATIO",
    },
    "loop.stiffness": {"loop.split_range": "CURVE_GAIN PUMPING"},
    "loop.telemetry_ring": {
        "wire.schema": "FLAG_SATURATED SHORT_RECORD_SIZE",
        "loop.sequencer": "ACT_REGULATE",
        "loop.setpoint": "VALUE_KPA",
        "loop.split_range": "OUTPUT",
        "loop.pid": "SATURATED",
        "loop.flags": "FLAGS",
    },
}


def is_safe(number: int) -> bool:
    """Whether the compiler makes a number with immediates (asm_thumb_mov_reg_i32_optimised)."""
    size = abs(number)
    return size < 1 << 16 or size // (size & -size) < 1 << 8


def value(node: ast.AST, names: dict[str, int]) -> int | None:
    """Return what MicroPython's compiler folds an expression into, None if it does not."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "const":
        return value(node.args[0], names)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Invert)):
        number = value(node.operand, names)
        if number is None:
            return None
        return -number if isinstance(node.op, ast.USub) else ~number
    if isinstance(node, ast.BinOp):
        left, right = value(node.left, names), value(node.right, names)
        if left is not None and right is not None:
            return int(OPERATIONS[type(node.op)](left, right))
    return None


def constants(tree: ast.Module) -> dict[str, int]:
    """Return the constants of a module that its functions get as numbers."""
    names: dict[str, int] = {}
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Call)
            and getattr(node.value.func, "id", "") == "const"
        ):
            number = value(node.value, names)
            if number is not None:
                names[node.targets[0].id] = number
    return names


def numbers(node: ast.AST, names: dict[str, int]) -> Iterator[tuple[int, int]]:
    """Yield (line, number) of every constant that code is made with."""
    folded = value(node, names)
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


@pytest.mark.parametrize("copier", COPIES)
def test_constants_that_are_written_down_anew_are_those_of_their_modules(copier: str) -> None:
    tree = ast.parse(
        (FIRMWARE / "pressloop_fw" / f"{copier.replace('.', '/')}.py").read_text(encoding="utf-8")
    )
    mine = constants(tree)
    for owner, names in COPIES[copier].items():
        module = importlib.import_module(f"pressloop_fw.{owner}")
        for name in names.split():
            assert mine[f"_{name}"] == getattr(module, name), f"{owner}.{name}"


def test_all_numbers_of_the_controller_are_compared() -> None:
    tree = ast.parse((FIRMWARE / "pressloop_fw" / "loop" / "tick.py").read_text(encoding="utf-8"))
    compared = {name for names in COPIES["loop.tick"].values() for name in names.split()}
    assert {name[1:] for name in constants(tree)} == compared
