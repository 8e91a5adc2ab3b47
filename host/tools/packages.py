"""Install into .venv what host/constraints.txt pins, and `pressloop` from this checkout.

A working environment is kept and updated; a broken one, or one of a Python that is too old, is
created again. Nothing is resolved: every package comes from the pins, so two machines with the same
Python get the same versions.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from phase import LOGS, REPOSITORY, SetupError, apt_install, run

MIN_PYTHON = (3, 10)


def prepare(environment: Path) -> None:
    """Create or adopt `environment` and install the pins and the host package into it.

    Raises SetupError when this Python is too old or cannot make environments, or pip fails.
    """
    python = environment / "bin" / "python"
    if not is_usable(python):
        check_interpreter()
        run("Python environment", LOGS / "venv.log", *create_command(environment))
    pip = (python, "-m", "pip", "--disable-pip-version-check", "--no-input")
    constraints = REPOSITORY / "host" / "constraints.txt"
    # The pins are complete, so pip need not resolve anything; `pip check` below verifies that.
    pinned = ["install", "--no-deps", *compile_option(os.environ)]
    run("Python packages (pinned)", LOGS / "pip.log", *pip, *pinned, "-r", constraints)
    editable = ("install", "--no-deps", "--no-build-isolation", "-e", REPOSITORY / "host")
    run("pressloop, editable", LOGS / "pip-pressloop.log", *pip, *editable)
    run("Consistency of the packages", LOGS / "pip-check.log", *pip, "check")


def compile_option(environ: Mapping[str, str]) -> list[str]:
    """Return the option that leaves out the compiling of all packages, half of pip's time.

    Python compiles a module when it is first imported, most are never. Where it may not keep the
    result, pip has to.
    """
    return [] if environ.get("PYTHONDONTWRITEBYTECODE") else ["--no-compile"]


def is_usable(python: Path) -> bool:
    """Return whether the environment of `python` runs, is new enough and has pip."""
    check = f"import sys, pip; sys.exit(sys.version_info < {MIN_PYTHON})"
    try:
        return (
            subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0
        )
    except OSError:
        return False


def check_interpreter() -> None:
    """Check that the running Python can create an environment with pip in it.

    Raises SetupError when it is too old, or lacks a package that this process may not install.
    """
    if sys.version_info < MIN_PYTHON:
        minimum = ".".join(map(str, MIN_PYTHON))
        raise SetupError(
            f"Pressloop needs Python {minimum} or newer; {sys.executable} is "
            f"{sys.version.split()[0]}.\nName another one: make setup PYTHON=python3.12"
        )
    # Debian ships `venv` without `ensurepip`, and then `python3 -m venv` fails half way.
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        apt_install("python{}.{}-venv".format(*sys.version_info))


def create_command(environment: Path) -> list[str | Path]:
    """Return the command that creates `environment`, in place of what is there."""
    return [sys.executable, "-m", "venv", "--clear", environment]
