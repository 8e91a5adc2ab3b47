"""host/tools/: what the set-up prints, above all when a step fails."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def phase(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return host/tools/phase.py as a module."""
    monkeypatch.syspath_prepend(ROOT / "host" / "tools")
    return importlib.import_module("phase")


@pytest.fixture
def venv(phase: ModuleType) -> ModuleType:
    """Return host/tools/venv.py as a module; the standard library has one of that name too."""
    spec = importlib.util.spec_from_file_location("setup_venv", ROOT / "host" / "tools" / "venv.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_step_is_one_line_and_its_output_goes_to_the_log(
    phase: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "logs" / "step.log"
    phase.run("Compile", log, "sh", "-c", "echo noise; echo more >&2")
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1 and err.startswith("  Compile") and err.endswith(" s\n")
    assert log.read_text() == "noise\nmore\n"


def test_a_failed_step_shows_the_end_of_its_log_and_the_next_step(
    phase: ModuleType, tmp_path: Path
) -> None:
    log = tmp_path / "step.log"
    with pytest.raises(phase.SetupError) as caught:
        phase.run("Compile", log, "sh", "-c", "seq 1 100; echo disk full; exit 3")
    text = str(caught.value)
    assert "exit code 3" in text and "disk full" in text and str(log) in text
    assert "run make again" in text
    assert "| 1\n" not in text, "only the end of a long log belongs on the screen"


def test_a_program_that_is_missing_is_named(phase: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(phase.SetupError, match="no-such-program"):
        phase.run("Compile", tmp_path / "step.log", "no-such-program")


def test_without_root_the_command_to_run_is_named(
    phase: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phase.shutil, "which", lambda name: "/usr/bin/apt-get")
    monkeypatch.setattr(phase.os, "geteuid", lambda: 1000)
    with pytest.raises(phase.SetupError, match="sudo apt-get install build-essential"):
        phase.apt_install("build-essential")


def test_as_root_what_is_missing_is_installed_and_nothing_else_upgraded(
    phase: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "apt-get"
    fake.write_text("#!/bin/sh\necho $DEBIAN_FRONTEND $*\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(phase.os, "geteuid", lambda: 0)
    monkeypatch.setattr(phase, "LOGS", tmp_path)
    phase.apt_install("gcc")
    said = (tmp_path / "apt-install.log").read_text().split()
    assert said[:2] == ["noninteractive", "install"] and said[-1] == "gcc"
    assert {"-y", "--no-upgrade", "--no-install-recommends"} <= set(said)


def test_a_python_that_is_too_old_says_how_to_name_another(
    venv: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(venv.sys, "version_info", (3, 9, 18))
    with pytest.raises(venv.SetupError, match=r"needs Python 3\.10[\s\S]*PYTHON="):
        venv.check_interpreter()


def test_an_environment_that_works_is_adopted_and_a_broken_one_is_not(
    venv: ModuleType, tmp_path: Path
) -> None:
    assert venv.is_usable(Path(sys.executable))
    assert not venv.is_usable(tmp_path / "bin" / "python")
    dangling = tmp_path / "python"
    dangling.symlink_to(tmp_path / "removed-by-an-upgrade")
    assert not venv.is_usable(dangling)
