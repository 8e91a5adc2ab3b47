"""Proves that the firmware's guards guard: breaks each of them, and a test has to turn red.

A guard is a statement that latches or returns a fault, or that refuses a command in a precondition.
Each is broken in a copy of the firmware in up to three ways, one at a time:

- removed: the statement does nothing;
- inverted: the condition around it is negated;
- late: a fault latches only when its condition has been seen a hundred times more, which is one
  second in the tick.

Then the firmware tests that run the statement's condition are run, under CPython, until one fails.
The result is `tests/firmware/guards.json`: the first test that turned red, by guard and way.

    python host/tools/guards.py            break every guard, write the file; minutes
    python host/tools/guards.py NAME ...   only guards whose name contains NAME
    python host/tools/guards.py --check    compare the guards in the code with the file; a second
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
FIRMWARE: Final = ROOT / "firmware"
TESTS: Final = ROOT / "tests" / "firmware"
RESULT: Final = TESTS / "guards.json"

PACKAGES: Final = ("loop", "service", "app.py")
"""Parts of pressloop_fw that have guards."""

PRECONDITIONS: Final = "service/preconditions.py"
WAYS: Final = ("removed", "inverted", "late")
_LATE_AFTER: Final = 100
_MAX_TEST_S: Final = 300

NEEDS_NO_TEST: Final[dict[str, str]] = {}
"""Reason for each `GUARD way` that no test can see."""


@dataclass(frozen=True)
class Guard:
    """A guarding statement.

    Attributes:
        name: `module:function:FAULT`, with a number behind it from the second in a function on.
        path: Of its file, below firmware/.
        line: Of the statement.
        condition_line: Of the `if` around it; None without one.
    """

    name: str
    path: str
    line: int
    condition_line: int | None


def find_guards() -> list[Guard]:
    """Return all guards in the firmware's source, in the order of files and lines."""
    base = FIRMWARE / "pressloop_fw"
    files = sorted(
        path
        for part in PACKAGES
        for path in ([base / part] if part.endswith(".py") else (base / part).glob("*.py"))
    )
    found: list[Guard] = []
    for path in files:
        place = path.relative_to(base).as_posix()
        for function, statement, condition in _statements(ast.parse(path.read_text("utf-8"))):
            what = _guarding(statement, place)
            if what is None:
                continue
            name = f"{place.removesuffix('.py')}:{function}:{what}"
            same = sum(1 for guard in found if guard.name.split("#")[0] == name)
            found.append(
                Guard(
                    name if not same else f"{name}#{same + 1}",
                    path.relative_to(FIRMWARE).as_posix(),
                    statement.lineno,
                    None if condition is None else condition.lineno,
                )
            )
    return found


def _statements(tree: ast.Module) -> Iterator[tuple[str, ast.stmt, ast.If | None]]:
    """Yield each statement in a function: the function's name, it, and the `if` around it."""

    def walk(
        node: ast.AST, function: str, condition: ast.If | None
    ) -> Iterator[tuple[str, ast.stmt, ast.If | None]]:
        for child in ast.iter_child_nodes(node):
            inner_function, inner_condition = function, condition
            if isinstance(child, ast.FunctionDef):
                inner_function, inner_condition = child.name, None
            elif isinstance(child, ast.If):
                inner_condition = child
            if isinstance(child, ast.stmt) and function:
                yield function, child, condition
            yield from walk(child, inner_function, inner_condition)

    yield from walk(tree, "", None)


def _guarding(statement: ast.stmt, place: str) -> str | None:
    """Return what a statement guards with, such as `OVER_PRESSURE`; None if it is no guard."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        if isinstance(call.func, ast.Attribute) and call.func.attr == "latch":
            return _constant(call.args[0], "FAULT_") or "any"
    if isinstance(statement, ast.Return) and statement.value is not None:
        return _constant(statement.value, "FAULT_", but="FAULT_NONE")
    if (
        isinstance(statement, ast.Raise)
        and place == PRECONDITIONS
        and isinstance(statement.exc, ast.Call)
    ):
        return _constant(statement.exc.args[0], "ERR_")
    return None


def _constant(node: ast.expr, prefix: str, but: str = "") -> str | None:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    name = str(name).removeprefix("_")
    return name.removeprefix(prefix) if name.startswith(prefix) and name != but else None


def broken(guard: Guard, way: str) -> str | None:
    """Return the file's source with the guard broken in a way; None if the way does not apply."""
    source = (FIRMWARE / guard.path).read_text("utf-8")
    tree = ast.parse(source)
    lines = source.splitlines(keepends=True)
    for _, statement, condition in _statements(tree):
        if statement.lineno != guard.line or _guarding(statement, _place(guard)) is None:
            continue
        text = ast.get_source_segment(source, statement) or ""
        if way == "inverted":
            if condition is None:
                return None
            return _replaced(lines, condition.test, f"not ({ast.unparse(condition.test)})")
        if way == "removed":
            return _replaced(lines, statement, "return 0" if text.startswith("return") else "pass")
        if not text.endswith(")") or ".latch(" not in text:
            return None
        call = text.replace(".latch(", ".latch, ", 1)
        tail = (
            "\n\ndef _late(latch, fault, seen={}):\n"
            "    board = id(latch.__self__)\n"
            "    seen[board] = seen.get(board, 0) + 1\n"
            f"    if seen[board] > {_LATE_AFTER}:\n        latch(fault)\n"
        )
        return _replaced(lines, statement, f"_late({call}") + tail
    raise ValueError(f"{guard.name} is not where it was")


def _place(guard: Guard) -> str:
    return guard.path.removeprefix("pressloop_fw/")


def _replaced(lines: list[str], node: ast.stmt | ast.expr, text: str) -> str:
    """Return the source with the text of a node replaced; columns are those of ASCII source."""
    end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
    first, last = lines[node.lineno - 1], lines[end_line - 1]
    return "".join(
        [
            *lines[: node.lineno - 1],
            first[: node.col_offset] + text + last[end_column:],
            *lines[end_line:],
        ]
    )


RUNNER: Final = """
import ast, json, sys, importlib.util, traceback
firmware, tests, sim, wanted, trace = sys.argv[1:6]
sys.path[:0] = [firmware, tests, sim]
wanted = json.loads(wanted)
cover = None
if trace:
    import coverage
    ours = [firmware + "/pressloop_fw/*"]
    cover = coverage.Coverage(data_file=None, config_file=False, include=ours)
    cover.start()
def load(name):
    spec = importlib.util.spec_from_file_location(name, f"{tests}/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
for file, names in wanted.items():
    module = load(file)
    for name in names:
        if cover:
            cover.switch_context(f"{file}::{name}")
        try:
            getattr(module, name)()
        except BaseException:
            if not trace:
                print(json.dumps(f"{file}::{name}"))
                sys.exit(1)
            print("red without a change:", file, name, file=sys.stderr)
            traceback.print_exc()
if cover:
    cover.stop()
    data = cover.get_data()
    lines = {}
    for path in data.measured_files():
        for line, contexts in data.contexts_by_lineno(path).items():
            for context in contexts:
                if context:
                    lines.setdefault(f"{path}:{line}", []).append(context)
    print(json.dumps(lines))
"""


def firmware_tests() -> dict[str, list[str]]:
    """Return the names of the plain tests in each file of tests/firmware, by the file's stem."""
    tests: dict[str, list[str]] = {}
    for path in sorted(TESTS.glob("test_*.py")):
        names = [
            node.name
            for node in ast.parse(path.read_text("utf-8")).body
            if isinstance(node, ast.FunctionDef)
            and node.name.startswith("test_")
            and not node.args.args
        ]
        if names:
            tests[path.stem] = names
    return tests


def run_tests(
    firmware: Path, wanted: dict[str, list[str]], *, trace: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run plain tests in a process of their own, on a folder of firmware."""
    return subprocess.run(
        [sys.executable, "-c", RUNNER, str(firmware), str(TESTS), str(ROOT / "host" / "src"),
         json.dumps(wanted), "1" if trace else ""],
        capture_output=True,
        text=True,
        check=False,
        timeout=None if trace else _MAX_TEST_S,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def tests_by_line() -> dict[str, list[str]]:
    """Return which tests run a line of the firmware, by `path:line`, path below firmware/."""
    lines: dict[str, list[str]] = {}
    tests = firmware_tests()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = pool.map(lambda file: run_tests(FIRMWARE, {file: tests[file]}, trace=True), tests)
    for file, done in zip(tests, runs, strict=True):
        if done.returncode or not done.stdout:
            print(f"{file} was not traced: {done.stderr.strip()[-300:]}", file=sys.stderr)
            continue
        for place, contexts in json.loads(done.stdout.splitlines()[-1]).items():
            below = Path(place).relative_to(FIRMWARE).as_posix()
            lines.setdefault(below, []).extend(contexts)
    return lines


def first_red(guard: Guard, way: str, candidates: list[str]) -> str | None:
    """Return the first test that fails with the guard broken; None if none does."""
    source = broken(guard, way)
    if source is None:
        return "does not apply"
    wanted: dict[str, list[str]] = {}
    for candidate in candidates:
        file, name = candidate.split("::")
        wanted.setdefault(file, []).append(name)
    with tempfile.TemporaryDirectory() as folder:
        firmware = Path(folder) / "firmware"
        shutil.copytree(FIRMWARE, firmware, ignore=shutil.ignore_patterns("__pycache__"))
        (firmware / guard.path).write_text(source, "utf-8")
        try:
            done = run_tests(firmware, wanted)
        except subprocess.TimeoutExpired:
            return "a test that does not end"
    if done.returncode == 0:
        return None
    last = done.stdout.splitlines()[-1] if done.stdout else ""
    return str(json.loads(last)) if last else f"import of the firmware: {done.stderr[-80:]}"


def prove(names: list[str]) -> int:
    """Break each guard and write what turned red; return how many ways nothing noticed."""
    known: dict[str, Any] = json.loads(RESULT.read_text("utf-8")) if RESULT.exists() else {}
    guards = find_guards()
    proof = {guard.name: known.get(guard.name, {}) for guard in guards}
    chosen = [guard for guard in guards if not names or any(name in guard.name for name in names)]
    lines = tests_by_line()

    def noticed(task: tuple[Guard, str]) -> str | None:
        guard, way = task
        at_statement = lines.get(f"{guard.path}:{guard.line}", [])
        at_condition = lines.get(f"{guard.path}:{guard.condition_line}", [])
        usual = [*at_statement, *at_condition] if way == "inverted" else at_statement
        red = first_red(guard, way, list(dict.fromkeys(usual))) if usual else None
        if red is None and f"{guard.name} {way}" in NEEDS_NO_TEST:
            red = f"no test: {NEEDS_NO_TEST[f'{guard.name} {way}']}"
        print(f"{guard.name} {way}: {red or 'NOTHING NOTICED'}", flush=True)
        return red

    tasks = [(guard, way) for guard in chosen for way in WAYS]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        reds = list(pool.map(noticed, tasks))
    for (guard, way), red in zip(tasks, reds, strict=True):
        proof[guard.name][way] = red
    RESULT.write_text(json.dumps(proof, indent=1) + "\n", "utf-8")
    return reds.count(None)


def check() -> int:
    """Say which guards have no proof in the file; return how many."""
    proof = json.loads(RESULT.read_text("utf-8"))
    names = [guard.name for guard in find_guards()]
    bad = [f"{name} is not in {RESULT.name}" for name in names if name not in proof]
    bad += [f"{name} is in {RESULT.name} and not in the code" for name in proof.keys() - set(names)]
    bad += [
        f"{name}: no test noticed it {way}"
        for name, ways in proof.items()
        for way, red in ways.items()
        if red is None
    ]
    for line in bad:
        print(line, file=sys.stderr)
    if bad:
        print("write a test that shows the guard, then: make guards", file=sys.stderr)
    return len(bad)


def main() -> int:
    """Break the guards that are named, or look whether the file has a proof of each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only look at the file of proofs")
    parser.add_argument("name", nargs="*", help="part of a guard's name; without one, all")
    arguments = parser.parse_args()
    return bool(check() if arguments.check else prove(arguments.name))


if __name__ == "__main__":
    sys.exit(main())
