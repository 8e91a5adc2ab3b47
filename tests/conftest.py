"""One suite, two interpreters.

Put a test of firmware code into `tests/firmware/test_*.py`: plain functions `test_*` without
arguments, with plain asserts and without pytest. Each runs twice, under CPython as itself and
under MicroPython's unix port as `test_*[micropython]`, in a process of its own:

    pytest tests/firmware/test_pid.py -k micropython

Both interpreters find the packages `pressloop_fw` and `pressloop_sim`; modules beside the test,
such as a shared rig, are imported by their bare names, and other files found by `__file__`.

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

import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from pressloop.emulator import locate

# A machine that is busy is slow, not wrong: no test of values fails by the clock.
settings.register_profile("pressloop", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pressloop")

# An example takes as long as the machine has else to do: that is no finding about the program.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")

ROOT = Path(__file__).resolve().parent.parent
FIRMWARE_TESTS = ROOT / "tests" / "firmware"
RUNNER = ROOT / "tests" / "micropython" / "run.py"
TIMEOUT_S = 60

sys.path.append(str(FIRMWARE_TESTS))


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


class MicroPythonTest(pytest.Item):
    """One test function, run by MicroPython."""

    def __init__(self, *, test_name: str, line: int, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.test_name = test_name
        self.line = line

    def runtest(self) -> None:
        """Run the function in a process of its own."""
        folder, module = self.path.parent, self.path.stem
        command = [require_micropython(), "-X", "heapsize=8M", RUNNER, folder, module]
        result = subprocess.run(
            [*command, self.test_name, packages_path()],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        if result.returncode != 0:
            raise MicroPythonError(f"{result.stdout}{result.stderr}".strip())

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None
    ) -> str:
        if isinstance(excinfo.value, MicroPythonError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.line, self.name


class MicroPythonFile(pytest.File):
    """The test functions of one file, found without importing it."""

    def collect(self) -> Iterator[MicroPythonTest]:
        """Yield one item per top-level `test_*`."""
        for node in ast.parse(self.path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield MicroPythonTest.from_parent(
                    self,
                    name=f"{node.name}[micropython]",
                    test_name=node.name,
                    line=node.lineno - 1,
                )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> MicroPythonFile | None:
    """Collect a firmware test a second time, for MicroPython."""
    if file_path.parent == FIRMWARE_TESTS and file_path.match("test_*.py"):
        return MicroPythonFile.from_parent(parent, path=file_path)
    return None
