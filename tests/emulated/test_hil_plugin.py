"""The plugin behind `pytest hil_tests`: what it refuses, leaves out, reports and keeps.

Each test runs pytest on a folder of its own, as a user with another bench would.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pressloop.emulator.process import EmulatedBoard
from pressloop.errors import BadInputError
from pressloop.hil import wiring
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


def run_pytest(
    folder: Path, *arguments: str, limit_s: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run the plugin on the cases in a folder."""
    # Where the package is installed, its entry point loads the plugin; -p names the same one.
    command = [sys.executable, "-m", "pytest", "-p", "pressloop.hil.plugin", "-rA", *arguments]
    environ = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    environ["PYTHONPATH"] = str(ROOT)
    return subprocess.run(
        command,
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )


def test_on_an_emulated_board_what_it_can_do_runs(other_bench: Path) -> None:
    report = run_pytest(other_bench, "--pressloop-board", "emulated", "--junit-xml=report.xml")
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


@pytest.mark.slow
def test_at_a_port_nothing_moves_unless_it_may(other_bench: Path) -> None:
    with EmulatedBoard() as board:
        arguments = ("--pressloop-board", board.url, "-k", "not fails")
        without_profile = run_pytest(other_bench, *arguments)
        assert "has no machine profile" in without_profile.stdout
        give_profile(board)
        careful = run_pytest(other_bench, *arguments)
        allowed = run_pytest(other_bench, *arguments, "--pressloop-press-for-real")
    assert "1 passed, 3 skipped" in careful.stdout, careful.stdout
    assert (
        "not run: needs pressing: the press to move; allow it with --pressloop-press-for-real"
        in careful.stdout
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
    refused = run_pytest(other_bench, "--pressloop-board", "/dev/ttyACM0", "-n", "2")
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert "/dev/ttyACM0 is one board: run its cases without -n" in refused.stderr


def test_unknown_emulated_board_is_named(other_bench: Path) -> None:
    refused = run_pytest(other_bench, "--pressloop-board", "emulated:teapot")
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert "no emulated board 'emulated:teapot'; there is emulated" in refused.stderr


def test_misspelt_need_is_an_error(other_bench: Path) -> None:
    (other_bench / "test_bench.py").write_text(CASES.replace("power-cut", "power-cat"))
    refused = run_pytest(other_bench, "--pressloop-board", "emulated")
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert "needs power-cat" in refused.stderr


UNRELATED = """
import sys

import pytest


@pytest.fixture
def press():
    return "a printing press"


def test_has_a_press_of_its_own(press, request):
    assert press == "a printing press"
    with pytest.raises(pytest.FixtureLookupError):
        request.getfixturevalue("bench")
    for name in ("pressloop.hil.fixtures", "pressloop.press", "pydantic"):
        assert name not in sys.modules
"""


def test_without_a_board_the_plugin_does_nothing(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_printing.py").write_text(UNRELATED)
    kept = tmp_path / "build" / "hil-logs" / "kept.log"
    kept.parent.mkdir(parents=True)
    kept.write_text("of another suite")
    # xdist and pytest-timeout are not needed; other plugins of this environment import more.
    arguments = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    report = run_pytest(tmp_path, *arguments, "--strict-markers")
    assert "1 passed" in report.stdout, report.stdout
    assert kept.read_text() == "of another suite"
    assert "needs(*what)" not in run_pytest(tmp_path, "--markers").stdout
    options = [
        line.split()[0]
        for line in run_pytest(tmp_path, "--help").stdout.partition("Pressloop")[2].splitlines()
        if line.startswith("  --")
    ]
    assert options[:3] == [
        "--pressloop-board=BOARD",
        "--pressloop-press-for-real",
        "--pressloop-wiring=FILE",
    ]


@pytest.mark.slow
def test_failures_of_two_sessions_are_both_kept(other_bench: Path) -> None:
    for _session in range(2):
        run_pytest(other_bench, "--pressloop-board", "emulated", "-k", "fails")
    assert len(list((other_bench / "build" / "hil-logs").iterdir())) == 2


WIRED = """
from pressloop.hil import wiring

WIRING = wiring.current()


def test_numbers(press):
    assert (WIRING.die_mm, WIRING.work_mpa, WIRING.ceiling_mpa) == (13, 45, 520)
    assert WIRING.emulated_press.name == "another press"
"""


@pytest.mark.slow
def test_the_numbers_of_a_bench_come_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_wired.py").write_text(WIRED)
    file = tmp_path / "bench.yaml"
    file.write_text("die_mm: 13\nwork_mpa: 45\nemulated_press: {name: another press}\n")
    arguments = ("--pressloop-board", "emulated", "--pressloop-wiring", "bench.yaml")
    report = run_pytest(tmp_path, *arguments)
    assert "1 passed" in report.stdout, report.stdout
    file.write_text("die_mm: 13\nwork_mpa: lots\ncieling_mpa: 400\n")
    refused = run_pytest(tmp_path, *arguments)
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert "bench.yaml does not describe a bench" in refused.stderr
    assert "work_mpa: 'lots' is not a whole number" in refused.stderr
    assert "cieling_mpa: 'cieling_mpa' is not a key here" in refused.stderr


def test_a_file_that_would_press_above_its_ceiling_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bench.yaml"
    file.write_text("ceiling_mpa: 300\n")
    with pytest.raises(BadInputError, match="must be below ceiling_mpa"):
        wiring.read(file)
    file.write_text("three_steps_mpa: [100, 200, 74]\nceiling_mpa: 300\n")
    assert wiring.read(file).three_steps_mpa == (100, 200, 74)


PROVED = {
    "every_part": (
        "test_the_load_cell_follows_the_oil",
        "test_the_oil_has_a_plausible_and_steady_temperature",
        "test_a_cut_thermistor_reads_as_no_temperature",
    ),
    "displacement": (
        "test_the_displacement_is_steady_at_rest",
        "test_the_displacement_rises_while_the_platens_close",
        "test_a_cut_displacement_sensor_reads_as_none",
    ),
    "current_pump": (
        "test_the_pump_follows_the_ramp",
        "test_the_release_empties_the_press_at_once",
    ),
}
"""Cases that a press with that part must not skip."""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("bench", "absent"),
    [
        ("every_part", "a press without a displacement sensor"),
        ("displacement", "a press without a thermistor"),
        ("current_pump", "a press without a load cell"),
    ],
)
def test_the_cases_of_the_parts_run_where_a_press_has_them(bench: str, absent: str) -> None:
    arguments = ("test_parts.py", "test_drives.py", "--board", "emulated")
    wired = ("--pressloop-wiring", f"benches/{bench}.yaml")
    report = run_pytest(ROOT / "hil_tests", *arguments, *wired, limit_s=240.0)
    assert report.returncode == pytest.ExitCode.OK, report.stdout
    assert f"{absent}, or a profile that does not" in report.stdout
    passed = [line for line in report.stdout.splitlines() if line.startswith("PASSED ")]
    for case in PROVED[bench]:
        assert any(line.endswith(f"::{case}") for line in passed), case
