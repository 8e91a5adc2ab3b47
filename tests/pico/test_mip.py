"""`make mip`: the firmware as a package for `mpremote mip install`, served and installed.

Installing needs an image of stock MicroPython, which `make stock` builds, and rp2040py.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pressloop.install import mpremote
from pressloop.install.controller import await_build

ROOT = Path(__file__).resolve().parents[2]
STOCK = ROOT / "build" / "stock-pico.uf2"
MAX_INSTALL_S = 300.0

sys.path.insert(0, str(ROOT / "host" / "tools"))
try:
    import deploy
    import image
    import mip
finally:
    sys.path.pop(0)


@pytest.fixture(autouse=True)
def build_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile into a folder of the test's own."""
    monkeypatch.setattr(deploy, "BUILD", tmp_path / "deploy")


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """The folder with the packages of all architectures."""
    mip.write_all(tmp_path / "mip")
    return tmp_path / "mip"


def test_each_package_lists_all_of_the_firmware(packages: Path) -> None:
    sources = {
        path.relative_to(ROOT / "firmware").with_suffix(".mpy").as_posix()
        for path in (ROOT / "firmware" / "pressloop_fw").rglob("*.py")
    }
    for name in ("armv6m", "armv7emsp"):
        package = json.loads((packages / name / "package.json").read_text())
        targets, files = zip(*package["urls"], strict=True)
        assert set(targets) == sources | {"pressloop_build.mpy", "main.py"}
        assert {"package.json", *files} == {
            path.relative_to(packages / name).as_posix()
            for path in (packages / name).rglob("*")
            if path.is_file()
        }
        # An installation that is interrupted leaves a main.py that moves nothing.
        assert (targets[0], targets[-1]) == ("main.py", "main.py")
        assert targets.count("main.py") == 2
        assert "pressloop_fw" not in (packages / name / files[0]).read_text()
        assert (packages / name / files[-1]).read_bytes() == (
            ROOT / "firmware" / "main.py"
        ).read_bytes()
        assert (
            image.source_hash().encode() in (packages / name / "pressloop_build.mpy").read_bytes()
        )
        assert package["version"] == mip.version()
    native = [packages / name / "pressloop_fw/loop/split_range.mpy" for name in mip.ARCHITECTURES]
    assert native[0].read_bytes() != native[1].read_bytes(), "one machine code for two chips"


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and prints nothing."""

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(packages: Path) -> Iterator[str]:
    """A web server on this machine with the packages; its address."""
    handler = partial(QuietHandler, directory=str(packages))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_stock_board_becomes_a_controller(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rp2040py", reason="the emulated RP2040 is not installed: pressloop[pico]")
    from pressloop.emulator.pico import EmulatedPico

    if not STOCK.is_file():
        pytest.skip(f"there is no {STOCK.relative_to(ROOT)}: make stock")
    monkeypatch.setattr(mpremote, "_MODULE", "tests.pico.eager_mpremote")
    with EmulatedPico(image=STOCK, work_dir=tmp_path / "board", speed=8) as board:
        package = f"{server}/armv6m/"
        command = ("mip", "install", "--target=/", package)
        said = mpremote.run(board.url, *command, limit_s=MAX_INSTALL_S)
        assert "Installing: /pressloop_build.mpy" in said.replace("//", "/")
        mpremote.run(board.url, "reset")
        hello = await_build(board.url, image.source_hash(), limit_s=MAX_INSTALL_S)
        assert (hello.board, hello.firmware) == ("pico", mip.version())
        assert " stdio" in hello.python
