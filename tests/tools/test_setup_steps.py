"""host/tools/: what the set-up prints, above all when a step fails."""

from __future__ import annotations

import importlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
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
def packages(phase: ModuleType) -> ModuleType:
    """Return host/tools/packages.py as a module."""
    return importlib.import_module("packages")


@pytest.fixture
def set_up(phase: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return host/tools/set_up.py as a module, with parts that only note that they ran."""
    module = importlib.import_module("set_up")
    source, chip_source = tmp_path / "source", tmp_path / "chip_source"
    source.touch()
    chip_source.touch()
    for name in ("packages", "interpreter", "fast_chip"):
        is_chip = name == "fast_chip"
        sources = (chip_source, module.PACKAGES.stamp) if is_chip else (source,)
        part = module.Part(name, tmp_path / "stamps" / name, sources)
        monkeypatch.setattr(module, name.upper(), part)
        monkeypatch.setattr(module, f"prepare_{name}", part.set_done)
    return module


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds; a minute is for a busy machine."""
    until_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Return whether the process is there and no zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_a_step_is_one_line_and_its_output_goes_to_the_log(
    phase: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "logs" / "step.log"
    phase.run("Compile", log, "sh", "-c", "echo noise; echo more >&2")
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1 and err.startswith("  Compile") and err.endswith(" s\n")
    assert log.read_text() == "noise\nmore\n"


@pytest.mark.parametrize("interrupt", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_step_leaves_no_program_behind(
    tmp_path: Path, interrupt: signal.Signals
) -> None:
    started = tmp_path / "started"
    # A program that starts another one, as make starts a compiler.
    script = f"sleep 600 & echo $! >{started}.new; mv {started}.new {started}; wait"
    tool: list[str | Path] = [sys.executable, ROOT / "host" / "tools" / "phase.py"]
    command = [*tool, "Compile", tmp_path / "step.log", "--", "sh", "-c", script]
    step = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_for(started.exists)
    step.send_signal(interrupt)
    _out, err = step.communicate(timeout=60)
    assert step.returncode == 130
    assert err.startswith("  Compile") and err.endswith(" s  stopped\n")
    wait_for(lambda: not is_running(int(started.read_text())))


def test_under_nohup_a_hang_up_is_no_interrupt(tmp_path: Path) -> None:
    started, go_on = tmp_path / "started", tmp_path / "go_on"
    script = f"touch {started}; until [ -e {go_on} ]; do sleep 0.01; done"
    tool = f"{sys.executable} {ROOT / 'host' / 'tools' / 'phase.py'}"
    nohup = f'trap "" HUP; exec {tool} Compile {tmp_path / "step.log"} -- sh -c "$0"'
    step = subprocess.Popen(["sh", "-c", nohup, script])
    wait_for(started.exists)
    step.send_signal(signal.SIGHUP)
    go_on.touch()
    assert step.wait(timeout=60) == 0


def test_parts_run_at_the_same_time(phase: ModuleType, tmp_path: Path) -> None:
    meet = threading.Barrier(2)
    phase.run_together(*[lambda: meet.wait(timeout=60)] * 2)


def test_a_failed_part_stops_the_others_and_says_why(
    phase: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    started = tmp_path / "started"

    def first() -> None:
        phase.run("Install", tmp_path / "a.log", "sh", "-c", f"echo $$ >{started}; exec sleep 600")
        phase.run("Never begun", tmp_path / "b.log", "true")

    def second() -> None:
        wait_for(started.exists)
        phase.run("Compile", tmp_path / "c.log", "sh", "-c", "echo disk full; exit 3")

    with pytest.raises(phase.SetupError, match=r"Compile: exit code 3[\s\S]*disk full"):
        phase.run_together(first, second)
    lines = capfd.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == ["Compile", "Install"]
    assert lines[0].endswith("FAILED") and lines[1].endswith("stopped")
    assert not is_running(int(started.read_text()))
    phase.run("Install", tmp_path / "a.log", "true")


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


def test_on_a_terminal_the_last_line_says_what_runs(tmp_path: Path) -> None:
    tool: list[str | Path] = [sys.executable, ROOT / "host" / "tools" / "phase.py"]
    primary, secondary = os.openpty()
    log = tmp_path / "step.log"
    step = subprocess.Popen([*tool, "Compile", log, "--", "sleep", "0.1"], stderr=secondary)
    os.close(secondary)
    assert step.wait(timeout=60) == 0
    shown = os.read(primary, 10_000).decode()
    os.close(primary)
    assert re.fullmatch(r"(\r\x1b\[K  now: Compile \d+ s)+\r\x1b\[K  Compile +\d+\.\d s\r\n", shown)


def test_only_what_is_missing_or_older_than_its_source_is_set_up(
    set_up: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def said(environ: dict[str, str] | None = None) -> str:
        set_up.set_up(environ or {})
        return capfd.readouterr().err

    assert said() == "Setting up: packages, interpreter, fast_chip (logs: build/logs)\n"
    assert said() == ""
    assert "Setting up: interpreter (" in said({"MICROPYTHON_SRC": "/src"})
    set_up.FAST_CHIP.stamp.unlink()
    assert "Setting up: fast_chip (" in said()
    # What packages compile, new packages compile anew.
    set_up.PACKAGES.stamp.unlink()
    assert "Setting up: packages, fast_chip (" in said()
    # Also if the last set-up was interrupted between the two.
    set_up.PACKAGES.set_done()
    os.utime(set_up.FAST_CHIP.stamp, ns=(1, 1))
    os.utime(tmp_path / "chip_source", ns=(1, 1))
    assert "Setting up: fast_chip (" in said()
    later_ns = set_up.INTERPRETER.stamp.stat().st_mtime_ns + 10**9
    os.utime(tmp_path / "source", ns=(later_ns, later_ns))
    assert said().count(",") == 2


def test_the_sources_of_every_part_exist(phase: ModuleType) -> None:
    module = importlib.import_module("set_up")
    for part in (module.PACKAGES, module.INTERPRETER, module.FAST_CHIP):
        assert part.sources and all(source.is_file() for source in part.sources)
    assert module.PACKAGES.stamp in module.FAST_CHIP.sources


def test_packages_are_compiled_at_once_only_where_python_may_not_later(
    packages: ModuleType,
) -> None:
    assert packages.compile_option({}) == ["--no-compile"]
    assert packages.compile_option({"PYTHONDONTWRITEBYTECODE": "1"}) == []


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
    assert "-oDPkg::Lock::Timeout=600" in said


def test_a_python_that_is_too_old_says_how_to_name_another(
    packages: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages.sys, "version_info", (3, 9, 18))
    with pytest.raises(packages.SetupError, match=r"needs Python 3\.10[\s\S]*PYTHON="):
        packages.check_interpreter()


def test_an_environment_that_works_is_adopted_and_a_broken_one_is_not(
    packages: ModuleType, tmp_path: Path
) -> None:
    assert packages.is_usable(Path(sys.executable))
    assert not packages.is_usable(tmp_path / "bin" / "python")
    dangling = tmp_path / "python"
    dangling.symlink_to(tmp_path / "removed-by-an-upgrade")
    assert not packages.is_usable(dangling)
