"""The plugin behind `pytest hil_tests`: what it refuses, leaves out, reports and keeps.

Each test runs pytest on a folder of its own, as somebody with another bench would.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pressloop.emulator.process import EmulatedBoard
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press

ROOT = Path(__file__).resolve().parents[2]

CASES = """
import pytest
from pressloop.wire.schema import EchoRequest, State


def test_passes(press):
    assert press.status().state is State.IDLE


def test_fails(press):
    press.session.request(EchoRequest(b"the last word"))
    assert False


@pytest.mark.needs("pressing")
def test_presses(bench):
    pass


@pytest.mark.needs("sensor-fault", "power-cut")
def test_breaks_things(bench):
    bench.break_sensor("short")
    bench.power_cut()


@pytest.mark.needs("hang")
def test_hangs(bench):
    bench.hang("tick")
"""


@pytest.fixture
def other_bench(tmp_path: Path) -> Path:
    """A folder with cases and a pytest configuration of its own."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_bench.py").write_text(CASES)
    return tmp_path


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the plugin on the cases in a folder."""
    command = [sys.executable, "-m", "pytest", "-p", "pressloop.hil.plugin", "-rA", *arguments]
    environ = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    environ["PYTHONPATH"] = str(ROOT)
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_on_an_emulated_board_what_it_can_do_runs(other_bench: Path) -> None:
    report = run_pytest(other_bench, "--junit-xml=report.xml")
    assert "1 failed, 3 passed, 1 skipped" in report.stdout, report.stdout
    assert "not run: needs hang: a chip whose program the suite can catch" in report.stdout
    assert "echo session" in report.stdout, "the failure does not show the wire"

    (log,) = (other_bench / "build" / "hil-logs").iterdir()
    text = log.read_text()
    word = b"the last word".hex()
    assert "request hello session 0" in text
    assert "reply hello session" in text
    # Both directions, as bytes and as messages.
    for direction in "><":
        assert any(f" {direction} 01" in line and word in line for line in text.splitlines())
        assert any(
            f" {direction}  " in line and f"data={word}" in line for line in text.splitlines()
        )

    for case in ElementTree.parse(other_bench / "report.xml").iter("testcase"):
        if case.find("skipped") is not None:
            continue
        names = {entry.get("name"): entry.get("value") for entry in case.iter("property")}
        assert names["board"] == "emulated"
        assert names["simulated"] == "true"
        assert int(names["firmware_build"] or "", 16)
        assert names["unique_id"]


def test_at_a_port_nothing_moves_unless_it_may(other_bench: Path) -> None:
    with EmulatedBoard() as board:
        arguments = ("--board", board.url, "-k", "not fails")
        without_profile = run_pytest(other_bench, *arguments)
        assert "has no machine profile" in without_profile.stdout
        give_profile(board)
        careful = run_pytest(other_bench, *arguments)
        allowed = run_pytest(other_bench, *arguments, "--press-for-real")
    assert "1 passed, 3 skipped" in careful.stdout, careful.stdout
    assert "not run: needs pressing: the press to move; allow it with --press-for-real" in (
        careful.stdout
    )
    assert "not run: needs power-cut: a controller whose power the suite can cut; sensor-fault" in (
        careful.stdout
    )
    assert "2 passed, 2 skipped" in allowed.stdout, allowed.stdout


def give_profile(board: EmulatedBoard) -> None:
    """Do what a technician does before the first run."""
    with Press.open(board.url) as press:
        press.write_profile(MachineProfile.from_fields(board.press.nominal_profile()))


def test_one_board_is_not_shared(other_bench: Path) -> None:
    refused = run_pytest(other_bench, "--board", "/dev/ttyACM0", "-n", "2")
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert "/dev/ttyACM0 is one board: run its cases without -n" in refused.stderr


def test_unknown_emulated_board_is_named(other_bench: Path) -> None:
    refused = run_pytest(other_bench, "--board", "emulated:teapot")
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert "no emulated board 'emulated:teapot'; there is emulated" in refused.stderr


def test_misspelt_need_is_an_error(other_bench: Path) -> None:
    (other_bench / "test_bench.py").write_text(CASES.replace("power-cut", "power-cat"))
    refused = run_pytest(other_bench)
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert "needs power-cat" in refused.stderr
