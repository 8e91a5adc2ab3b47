"""Make .venv hold exactly what host/constraints.txt pins, and `pressloop` from this checkout.

An environment that is there and works is kept and brought up to date; a broken one, or one of a
Python that is too old, is made anew. Nothing is resolved: every package comes from the pins, so
two machines with the same Python get the same versions.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from phase import LOGS, REPOSITORY, SetupError, apt_install, exit_code, run

OLDEST_PYTHON = (3, 10)


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
    # The pins are complete, so pip need not resolve; `pip check` below proves that they are.
    run(
        "Python packages (pinned)",
        LOGS / "pip.log",
        *pip,
        "install",
        "--no-deps",
        "-r",
        constraints,
    )
    editable = ("install", "--no-deps", "--no-build-isolation", "-e", REPOSITORY / "host")
    run("pressloop, editable", LOGS / "pip-pressloop.log", *pip, *editable)
    run("Consistency of the packages", LOGS / "pip-check.log", *pip, "check")


def is_usable(python: Path) -> bool:
    """Say whether the environment of `python` runs, is new enough and has pip."""
    check = f"import sys, pip; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    try:
        return (
            subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0
        )
    except OSError:
        return False


def check_interpreter() -> None:
    """Make sure that the running Python can create an environment with pip in it."""
    if sys.version_info < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise SetupError(
            f"Pressloop needs Python {oldest} or newer; {sys.executable} is "
            f"{sys.version.split()[0]}.\nName another one: make setup PYTHON=python3.12"
        )
    # Debian ships `venv` without `ensurepip`, in which case `python3 -m venv` fails half way.
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        apt_install("python{}.{}-venv".format(*sys.version_info))


def create_command(environment: Path) -> list[str | Path]:
    """Return the command that makes `environment`, over whatever is in its place."""
    return [sys.executable, "-m", "venv", "--clear", environment]


if __name__ == "__main__":
    sys.exit(exit_code(lambda: prepare(REPOSITORY / ".venv")))
