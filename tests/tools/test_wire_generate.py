"""The generator: its files are up to date, and errors in the CDDL are reported with their place."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from pressloop.wire import schema
from pressloop_fw.wire import schema as board_schema

ROOT = Path(__file__).resolve().parents[2]
CDDL = (ROOT / "protocol" / "pressloop.cddl").read_text()
OUTPUTS = {
    "firmware/pressloop_fw/wire/schema.py",
    "host/src/pressloop/wire/schema.py",
    "docs/wire-reference.md",
}


def generate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "protocol" / "generate.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_generated_files_are_up_to_date() -> None:
    result = generate("--check")
    assert (result.returncode, result.stderr) == (0, "")


def test_drift_is_named(tmp_path: Path) -> None:
    assert generate("--root", tmp_path).returncode == 0
    assert generate("--root", tmp_path, "--check").returncode == 0
    (tmp_path / "docs" / "wire-reference.md").write_text("edited by hand")
    result = generate("--root", tmp_path, "--check")
    assert result.returncode == 1
    assert [line for line in result.stderr.splitlines() if "differs" in line] == [
        "docs/wire-reference.md: differs from the schema"
    ]
    assert (tmp_path / "docs" / "wire-reference.md").read_text() == "edited by hand"


def test_a_change_of_the_schema_is_drift_everywhere(tmp_path: Path) -> None:
    changed = tmp_path / "changed.cddl"
    changed.write_text(CDDL.replace("max-steps = 200", "max-steps = 201"))
    result = generate("--schema", changed, "--check")
    assert result.returncode == 1
    assert all(name in result.stderr for name in OUTPUTS)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("; nonce - random;", "; random,", "hello-request key 1: the comment"),
        ("; Errors: bad-version\n", ";\n", "hello-request: no `Errors:`"),
        ("; Errors: bad-version\n", "; Errors: bad-verzion\n", "`bad-verzion`, which is no"),
        ("  2 => u8,                          ; major", "  1 => u8,  ; major", "does not ascend"),
        ("  17 => tstr .size (1..16), ", "  256 => tstr .size (1..16), ", "use 1..255"),
        ("batch-ticks - ticks", "on - ticks", "stream-request: two entries are named `on`"),
        ("echo-reply = {", "ecko-reply = {", "command `echo` has no rule echo-reply"),
        ("  confirm: 13,", "  confirm: 12,", "command: two members have the same value"),
        ("  sealed: 1,   ", "  sealed: 2,   ", "hold-mode has holes"),
        ("1 => bool,                        ; on", "1 => float, ; on", "not a type of the subset"),
        ("  1 => u32,                         ; crc", "  1 => 0..4294967296, ; crc", "32 bits"),
        ("  1 => bool,                        ; on\n", "  1 => bool,", "one entry per line"),
        ("? 3 => u8,", "3 => u8,", "key 3 is required but follows an optional one"),
        ("; Reads the stored profile.\n", "", "profile-read-request: no text"),
        ("stream-reply = {", "stream-reply = {{", "syntax error - line"),
    ],
)
def test_slips_in_the_cddl_are_errors_that_name_the_place(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in CDDL
    slipped = tmp_path / "slipped.cddl"
    slipped.write_text(CDDL.replace(old, new, 1))
    result = generate("--schema", slipped, "--root", tmp_path)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert message in result.stderr, result.stderr


def test_both_sides_have_the_same_constants() -> None:
    for name in ("MAX_PAYLOAD", "MAX_STEPS", "TICK_HZ", "OUTPUT_FULL", "SCHEMA_HASH"):
        assert getattr(schema, name) == getattr(board_schema, name)
    assert (schema.RECORD_FORMAT, schema.RECORD_SIZE) == (
        board_schema.RECORD_FORMAT,
        board_schema.RECORD_SIZE,
    )
    for command in schema.Command:
        assert getattr(board_schema, f"CMD_{command.name}") == command
        assert command in board_schema.COMMANDS
    for error in schema.ErrorCode:
        assert getattr(board_schema, f"ERR_{error.name}") == error


def test_record_offsets_are_those_of_its_format() -> None:
    codes = schema.RECORD_FORMAT[1:]
    for i, name in enumerate(schema.RECORD_FIELDS):
        offset = struct.calcsize("<" + codes[:i])
        assert getattr(board_schema, f"RECORD_{name.upper()}") == offset
    assert struct.calcsize(schema.RECORD_FORMAT) == schema.RECORD_SIZE


def test_every_request_names_its_reply() -> None:
    for command, (request, reply) in schema.REQUESTS.items():
        assert request.CODE is command
        assert request.reply_type() is reply


def test_the_reference_lists_every_command_with_its_errors() -> None:
    page = (ROOT / "docs" / "wire-reference.md").read_text()
    for command in schema.Command:
        title = command.name.lower().replace("_", "-")
        section = re.search(rf"^### {title}$(.*?)^##", page, re.M | re.S)
        assert section, title
        assert f"Command {command.value}." in section[1]
        assert "Errors:" in section[1]


def test_links_of_the_reference_lead_somewhere() -> None:
    page = (ROOT / "docs" / "wire-reference.md").read_text()
    titles = set(re.findall(r"^### (.+)$", page, re.M))
    assert set(re.findall(r"\]\(#([a-z-]+)\)", page)) <= titles
