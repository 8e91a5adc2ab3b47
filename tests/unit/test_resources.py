"""Where firmware, images and MicroPython come from: the checkout, else the installed package."""

from __future__ import annotations

from pathlib import Path

import pytest
from pressloop.emulator import locate, resources
from pressloop.emulator.pico import process, speedup
from pressloop.errors import EmulatorError

ROOT = Path(__file__).resolve().parents[2]


def test_in_a_checkout_its_own_files_come_first() -> None:
    assert resources.checkout() == ROOT
    assert resources.find(resources.FIRMWARE) == ROOT / "firmware"
    for resource in (resources.MICROPYTHON, resources.PICO_IMAGE, resources.PICO2_IMAGE):
        assert resources.places(resource)[0] == ROOT / resource.built


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `_resources` of a package that is not in a checkout, with nothing in it yet."""
    monkeypatch.setattr(resources, "_CHECKOUT", tmp_path)
    monkeypatch.setattr(resources, "_PACKAGED", tmp_path / "_resources")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    for variable in (
        locate.INTERPRETER_VARIABLE,
        locate.FIRMWARE_VARIABLE,
        process.IMAGE_VARIABLE,
    ):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "_resources"


def put(folder: Path, *parts: str) -> Path:
    """Put an executable file into a folder."""
    file = folder.joinpath(*parts)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("")
    file.chmod(0o755)
    return file


def test_an_installed_package_uses_its_own_copies(installed: Path) -> None:
    assert resources.checkout() is None
    for look in (locate.find_micropython, locate.find_firmware, process.find_image):
        with pytest.raises(EmulatorError, match=r"there is no|there is none"):
            look()
    binary = put(installed, "bin", "micropython")
    put(installed, "firmware", "pressloop_fw", "app.py")
    image = put(installed, "images", "pressloop-pico.uf2")
    assert locate.find_micropython() == binary
    assert locate.find_firmware() == installed / "firmware"
    assert process.find_image() == image


def test_a_variable_comes_first(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(installed, "images", "pressloop-pico.uf2")
    mine = put(installed, "mine.uf2")
    monkeypatch.setenv(process.IMAGE_VARIABLE, str(mine))
    assert process.find_image() == mine


def test_a_machine_that_cannot_build_the_inner_loop_says_nothing(
    installed: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # PATH is empty: there is no compiler.
    speedup.build_quietly()
    assert not (installed.parent / "cache").exists()

    compiler = put(installed.parent, "bin", "cc")
    compiler.write_text("#!/bin/sh\necho broken >&2; exit 1\n")
    monkeypatch.setenv("PATH", str(compiler.parent))
    monkeypatch.setattr("sysconfig.get_config_var", lambda name: "cc" if name == "LDSHARED" else "")
    monkeypatch.setattr(speedup, "_find_headers", str)
    runs: list[str] = []
    run = speedup._run

    def spy(*command: str | Path) -> None:
        runs.append(str(command[0]))
        run(*command)

    monkeypatch.setattr(speedup, "_run", spy)
    speedup.build_quietly()
    speedup.build_quietly()
    # The compiler that failed is not started a second time.
    assert runs.count("cc") <= 1 and len(runs) <= 2
    (failure,) = (installed.parent / "cache").rglob("*.failed")
    assert failure.read_text().startswith("this failed: ")
    assert speedup.load() is None
    assert capfd.readouterr() == ("", "")
