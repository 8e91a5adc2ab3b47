"""One suite, two interpreters.

Put a test of firmware code into `tests/firmware/test_*.py`: plain functions `test_*` without
arguments, with plain asserts and without pytest. Each runs twice, under CPython as itself and
under MicroPython's unix port as `test_*[micropython]`, in one process for all tests of the file:

    pytest tests/firmware/test_pid.py -k micropython

Both interpreters find the packages `pressloop_fw` and `pressloop_sim`; modules beside the test,
such as a shared rig, are imported by their bare names, and other files found by `__file__`.

A test that takes long on either interpreter is named in a tuple `SLOW` of its file: both get the
mark `slow`.

A test that needs the interpreter itself takes the fixture `micropython`.
"""

from __future__ import annotations

import ast
import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal import constants_ast
from hypothesis.internal.conjecture import providers
from pressloop.emulator import locate

# A busy machine is slow, not wrong: no property fails by the clock. `make test` tries the same
# examples every time; `make properties` looks for new ones.
settings.register_profile(
    "pressloop", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", settings.get_profile("pressloop"), derandomize=False)
settings.load_profile("pressloop")

_numbers_in_modules = providers._get_local_constants


def _local_constants() -> constants_ast.Constants:
    """Return the numbers of our own modules that Hypothesis tries beside those it makes up.

    It knows the modules loaded so far. Those depend on which tests a worker has run before, so that
    with them the same test would not see the same examples twice.
    """
    searching = settings.get_current_profile_name() == "search"
    return _numbers_in_modules() if searching else constants_ast.Constants()


providers._get_local_constants = _local_constants

# Programs find active runs of the same user in this folder: a test must not see those of another.
RUNTIME = tempfile.mkdtemp(prefix="pressloop-runtime-")
os.environ["XDG_RUNTIME_DIR"] = RUNTIME
atexit.register(shutil.rmtree, RUNTIME, ignore_errors=True)

ROOT = Path(__file__).resolve().parent.parent
FIRMWARE_TESTS = ROOT / "tests" / "firmware"
RUNNER = ROOT / "tests" / "micropython" / "run.py"

sys.path.append(str(FIRMWARE_TESTS))


def pytest_xdist_auto_num_workers() -> int:
    """Return three workers for two cores: a third of the time they wait for boards and pages."""
    available = getattr(os, "sched_getaffinity", None)
    cores = len(available(0)) if available else os.cpu_count() or 1
    return cores + cores // 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that may take longest, so that no worker waits for one at the end."""

    def limit_s(item: pytest.Item) -> float:
        mark = item.get_closest_marker("timeout")
        return float(mark.args[0]) if mark else 0.0

    items.sort(key=limit_s, reverse=True)


def find_micropython() -> Path | None:
    """Return MicroPython's unix binary: the one named, the one built, or the one on the PATH."""
    if named := os.environ.get("PRESSLOOP_MICROPYTHON"):
        if not os.access(named, os.X_OK):
            pytest.fail(f"PRESSLOOP_MICROPYTHON={named} is not an executable file")
        return Path(named)
    built = ROOT / "build" / "micropython" / "micropython"
    if os.access(built, os.X_OK):
        return built
    on_path = shutil.which("micropython")
    return Path(on_path) if on_path else None


def require_micropython() -> Path:
    """Return MicroPython's unix binary or skip the test that asks."""
    binary = find_micropython()
    if binary is None:
        pytest.skip("no MicroPython: `make setup` builds one, PRESSLOOP_MICROPYTHON names one")
    return binary


@pytest.fixture(scope="session")
def micropython() -> Path:
    """MicroPython's unix binary."""
    return require_micropython()


@functools.cache
def packages_path() -> Path:
    """The folder that MicroPython imports from, as the emulated board has it."""
    folder = Path(tempfile.mkdtemp(prefix="pressloop-tests-"))
    atexit.register(shutil.rmtree, folder)
    return locate.link_packages(folder, ROOT / "firmware")


class MicroPythonError(Exception):
    """A test failed there; the message is what the interpreter printed."""


class MicroPythonProcess:
    """An interpreter that has imported one test module, and calls its functions by name."""

    def __init__(self, path: Path) -> None:
        """Start the interpreter on a test module."""
        self.path = path
        command: list[str | Path] = [require_micropython(), "-X", "heapsize=8M"]
        command += [RUNNER, path.parent, path.stem, packages_path()]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )

    def call(self, function: str) -> None:
        """Call one function; raise MicroPythonError with what was printed when it fails."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        printed: list[str] = []
        try:
            stdin.write(function + "\n")
            for line in stdout:
                if line == "\0passed\n":
                    return
                if line == "\0failed\n":
                    break
                printed.append(line)
        except BrokenPipeError:
            printed.append(stdout.read())
        raise MicroPythonError("".join(printed).strip())

    @property
    def runs(self) -> bool:
        """Whether the interpreter is alive."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the interpreter."""
        self._process.kill()
        self._process.communicate()


class MicroPythonTest(pytest.Item):
    """One test function, run by MicroPython in the process of its file."""

    process: ClassVar[MicroPythonProcess | None] = None

    def __init__(self, *, test_name: str, line: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.test_name = test_name
        self.line = line

    def runtest(self) -> None:
        """Call the function, in a new process when a test of another file ran last."""
        process = type(self).process
        if process is None or process.path != self.path or not process.runs:
            self.stop_process()
            process = type(self).process = MicroPythonProcess(self.path)
        try:
            process.call(self.test_name)
        except BaseException:
            # What a failed test or one that took too long has left behind must not reach the next.
            self.stop_process()
            raise

    @classmethod
    def stop_process(cls) -> None:
        """End the process of the last file, if there is one."""
        if cls.process is not None:
            cls.process.stop()
            cls.process = None

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None
    ) -> str:
        if isinstance(excinfo.value, MicroPythonError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.line, self.name


@functools.cache
def slow_tests(path: Path) -> frozenset[str]:
    """Return the names in `SLOW` of a file with firmware tests; empty when it has none."""
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="SLOW")]):
                return frozenset(ast.literal_eval(node.value))
    return frozenset()


class MicroPythonFile(pytest.File):
    """The test functions of one file, found without importing it."""

    def collect(self) -> Iterator[MicroPythonTest]:
        """Yield one item per top-level `test_*`."""
        tests = {
            node.name: node.lineno - 1
            for node in ast.parse(self.path.read_text()).body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        }
        if unknown := slow_tests(self.path) - tests.keys():
            raise self.CollectError(f"SLOW names tests that are not in this file: {unknown}")
        for name, line in tests.items():
            yield MicroPythonTest.from_parent(
                self, name=f"{name}[micropython]", test_name=name, line=line
            )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the slow tests of the firmware, those of both interpreters."""
    if item.path.parent == FIRMWARE_TESTS:
        name = item.name.removesuffix("[micropython]")
        if name in slow_tests(item.path):
            item.add_marker(pytest.mark.slow)


def pytest_unconfigure() -> None:
    """End the interpreter of the last file."""
    MicroPythonTest.stop_process()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> MicroPythonFile | None:
    """Collect a firmware test a second time, for MicroPython."""
    if file_path.parent == FIRMWARE_TESTS and file_path.match("test_*.py"):
        return MicroPythonFile.from_parent(parent, path=file_path)
    return None
