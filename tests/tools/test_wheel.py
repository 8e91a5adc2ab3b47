"""`make wheel`: what is in the wheel, and that it presses on a machine that has nothing else.

Skipped where `make setup firmware` has not built what goes into it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MACHINE_S = 600

for tools in ("host/tools", "firmware/tools"):
    sys.path.insert(0, str(ROOT / tools))
try:
    import image
    import wheel
    import wheel_hook
finally:
    del sys.path[:2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    lacks = wheel.missing()
    if lacks:
        pytest.skip("; ".join(lacks))
    return Path(wheel.build(tmp_path_factory.mktemp("dist")))


def test_the_wheel_holds_all_that_runs_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        names = set(archive.namelist())
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
        firmware = archive.read("pressloop/_resources/images/pressloop-pico.uf2")
    for name in (
        "pressloop/py.typed",
        "pressloop/emulator/pico/fast_chip.pyx",
        "pressloop/hil/plugin.py",
        "pressloop/install/60-pressloop.rules",
        "pressloop/protocol/library/cycle-life.yaml",
        "pressloop/_resources/firmware/main.py",
        "pressloop/_resources/images/pressloop-pico2.uf2",
        "pressloop_sim/board/__main__.py",
    ):
        assert name in names
    assert modes["pressloop/_resources/bin/micropython"] & 0o777 == 0o755
    sources = (ROOT / "firmware" / "pressloop_fw").rglob("*.py")
    packed = {
        f"pressloop/_resources/firmware/{path.relative_to(ROOT / 'firmware')}" for path in sources
    }
    assert packed <= names
    assert image.source_hash().encode() in b"".join(
        firmware[at + 32 : at + 288] for at in range(0, len(firmware), 512)
    )
    tops = {name.partition("/")[0] for name in names}
    assert tops == {
        "pressloop",
        "pressloop_sim",
        f"{'-'.join(built.name.split('-')[:2])}.dist-info",
    }
    assert not [name for name in names if "pycache" in name or "bench/" in name or "/test" in name]


def test_the_wheel_says_what_it_is(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        (folder,) = {n.partition("/")[0] for n in archive.namelist() if ".dist-info/" in n}
        about = Parser().parsestr(archive.read(f"{folder}/METADATA").decode())
        entry_points = archive.read(f"{folder}/entry_points.txt").decode()
        licences = {
            name.rpartition("/")[2]: archive.read(name).decode()
            for name in archive.namelist()
            if name.startswith(f"{folder}/licenses/")
        }
    assert "pressloop = pressloop.cli:main" in entry_points
    assert "[pytest11]\npressloop.hil.plugin = pressloop.hil.plugin" in entry_points
    assert {"all", "hil"} <= set(about.get_all("Provides-Extra", []))
    assert set(licences) == {*wheel.LICENCES, "LICENSE", "NOTICE.md"}
    assert set(licences) == set(about.get_all("License-File", []))
    assert "BSD-3-Clause" in about["License-Expression"]
    # Each text names its owner; those that are not a pointer state their conditions as well.
    for name in wheel.LICENCES:
        assert name in licences["NOTICE.md"]
        assert "opyright" in licences[name], name
    for name in ("pico-sdk", "tinyusb", "micropython", "uzlib", "oofatfs", "newlib"):
        assert len(licences[f"LICENSE-{name}.txt"].split()) > 80, name
    assert "Redistribution and use" in licences["LICENSE-pico-sdk.txt"]


def test_the_same_products_give_the_same_wheel(built: Path, tmp_path: Path) -> None:
    assert wheel.build(tmp_path).read_bytes() == built.read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="these tags are those of Linux")
def test_the_tag_follows_from_the_libraries_of_the_binary() -> None:
    machine = os.uname().machine
    only_glibc = b"\0libc.so.6\0libm.so.6\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.4\0"
    assert wheel_hook.platform_tag(only_glibc) == f"manylinux_2_34_{machine}"
    with_ffi = only_glibc + b"libffi.so.8\0"
    assert wheel_hook.foreign_libraries(with_ffi) == ["libffi.so.8"]
    assert wheel_hook.platform_tag(with_ffi) == f"linux_{machine}"
    assert wheel_hook.platform_tag(b"\0linked statically\0") == f"linux_{machine}"


def test_what_is_missing_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "source_hash", lambda: "0" * 16)
    monkeypatch.setattr(wheel, "LICENCES", {"LICENSE-x.txt": ("nowhere/LICENSE",)})
    said = "\n".join(wheel.missing())
    assert "build/pressloop-pico.uf2" in said and "make firmware" in said
    assert "no text for LICENSE-x.txt; looked for nowhere/LICENSE" in said


CASE = """
import pytest
from pressloop import State


@pytest.mark.needs("pressing", "power-cut")
def test_rests_after_a_power_cut(bench, press):
    bench.power_cut()
    assert bench.true_pressure_mpa() < 1


def test_is_idle(press):
    assert press.status().state is State.IDLE
"""


@pytest.fixture(scope="module")
def bare_machine(
    built: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program of a fresh environment: no PATH, an empty HOME, no checkout in sight."""
    folder = tmp_path_factory.mktemp("machine")
    environment = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True, timeout=MACHINE_S)
    # pip alone sees the settings of this machine: which index, which cache.
    install: list[str | Path] = [environment / "bin" / "python", "-m", "pip", "install"]
    # Most of what is installed is never imported here: it is compiled when it is.
    install += ["--no-compile", "--no-input", "--quiet", f"pressloop[all] @ {built.as_uri()}"]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(install, env=environ, cwd=folder, check=True, timeout=MACHINE_S)
    home, work = folder / "home", folder / "work"
    home.mkdir()
    work.mkdir()

    def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [environment / "bin" / program, *arguments],
            cwd=work,
            env={"PATH": "", "HOME": str(home), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def work_of(run: Callable[..., subprocess.CompletedProcess[str]]) -> Path:
    """The folder in which the machine's programs start."""
    return Path(run("python", "-c", "import os; print(os.getcwd())").stdout.strip())


@pytest.mark.slow
@pytest.mark.timeout(2 * MACHINE_S)
def test_it_presses_the_three_steps_and_runs_a_case(
    bare_machine: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    work = work_of(bare_machine)
    shutil.copy(ROOT / "examples" / "sodium_three_step.yaml", work)
    arguments = ("--port", "emulated", "--yes", "--out", "record")
    pressed = bare_machine("pressloop", "run", "sodium_three_step.yaml", *arguments)
    assert pressed.returncode == 0, pressed.stdout + pressed.stderr
    assert "completed" in (work / "record" / "run.json").read_text()
    plotted = bare_machine("pressloop", "plot", "record")
    assert plotted.returncode == 0, plotted.stdout + plotted.stderr

    (work / "test_case.py").write_text(CASE)
    inert = bare_machine("pytest", "--version")
    assert inert.returncode == 0, inert.stderr
    tested = bare_machine("pytest", "-q", "--pressloop-board", "emulated", "test_case.py")
    assert "2 passed" in tested.stdout, tested.stdout + tested.stderr


@pytest.mark.slow
@pytest.mark.timeout(2 * MACHINE_S)
def test_its_images_flash_and_boot(
    bare_machine: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    program = """
from pressloop import Press
from pressloop.install import flashing
for image in flashing.choose_images(None):
    print(image.chip, image.build)
with Press.open("emulated:pico") as press:
    print(press.hello.board, press.hello.build)
"""
    done = bare_machine("python", "-c", program)
    build = image.source_hash()
    assert done.stdout.splitlines() == [
        f"Pico (RP2040) {build}",
        f"Pico 2 (RP2350) {build}",
        f"pico {build}",
    ], done.stderr
    # There is no compiler on PATH, and that is not worth a word.
    assert done.stderr == ""
