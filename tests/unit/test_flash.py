"""`pressloop flash`: incomplete images are refused, and only the right board gets one."""

from __future__ import annotations

import hashlib
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pressloop import errors
from pressloop.cli.app import app
from pressloop.emulator import resources
from pressloop.emulator.locate import source_hash
from pressloop.install import bootsel, controller, flashing, mpremote, uf2
from pressloop.transport.discovery import FoundPort
from pressloop.wire.schema import InputBits, State, StatusRequest
from typer.testing import CliRunner

from tests.unit.fake_board import FakeBoard

BUILD = "0123456789abcdef"
ROOT = Path(__file__).resolve().parents[2]
INFO = "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: {}\n"


def blocks(data: bytes, family: int = uf2.RP2040) -> list[bytes]:
    """Return an image as blocks."""
    pieces = [data[at : at + 256].ljust(256, b"\0") for at in range(0, len(data), 256)]
    tag = b"\x24\xb0\x6d\xb4" + hashlib.sha256(b"".join(pieces)).digest()
    found = []
    for n, piece in enumerate(pieces):
        flags, content = (0x2000, piece) if n else (0xA000, piece + tag)
        head = (0x0A324655, 0x9E5D5157, flags, 0x10000000 + 256 * n, 256, n, len(pieces), family)
        found.append(struct.pack("<8I476sI", *head, content, 0x0AB16F30))
    return found


def program(build: str = BUILD) -> bytes:
    return bytes(700) + b"pressloop build " + build.encode() + b"\0" + bytes(300)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An image for a Pico."""
    path = tmp_path / "pico.uf2"
    path.write_bytes(b"".join(blocks(program())))
    return path


def stub_mpremote(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]
) -> list[tuple[str, ...]]:
    """Let mpremote call `act` and reach no board; return the list that gets its arguments."""
    sent: list[tuple[str, ...]] = []

    def run(*arguments: str) -> str:
        sent.append(arguments)
        act()
        return ""

    monkeypatch.setattr(mpremote, "run", run)
    return sent


@pytest.fixture
def drives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return a function that plugs in a drive with a Board-ID and returns its folder."""
    places: list[Path] = []
    monkeypatch.setattr(bootsel, "mount_points", lambda: iter(places))

    def plug(board_id: str = "RPI-RP2") -> Path:
        place = tmp_path / f"drive {len(places)}"
        place.mkdir()
        (place / bootsel.INFO).write_text(INFO.format(board_id))
        places.append(place)
        return place

    return plug


@pytest.fixture
def answered(board: FakeBoard, monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Let the controller answer with the build that was flashed; collects the ports asked."""
    ports: list[str | None] = []

    def await_build(port: str | None, build: str) -> object:
        ports.append(port)
        assert build == BUILD
        return controller.prepare_change(board.url, print)

    monkeypatch.setattr(flashing, "await_build", await_build)
    return ports


def flash(image: Path, said: list[str] | None = None, **where: Any) -> object:
    where = {"port": None, "place": None, "by_hand_s": 0.3, **where}
    say = said.append if said is not None else lambda _text: None
    return flashing.flash(flashing.choose_images(image), say=say, **where)


# --- images


def test_an_image_says_what_it_is_for_and_what_it_was_built_from(image: Path) -> None:
    assert uf2.read(image) == uf2.Image(image, uf2.RP2040, BUILD, image.read_bytes())


@given(data=st.data())
def test_an_image_that_lost_or_swapped_a_block_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = blocks(program())
    path = tmp_path_factory.mktemp("images") / "damaged.uf2"
    order = data.draw(
        st.permutations(range(len(whole))).filter(lambda order: order != list(range(len(whole))))
        | st.lists(st.integers(0, len(whole) - 1), max_size=8).filter(
            lambda order: order != list(range(len(whole)))
        )
    )
    path.write_bytes(b"".join(whole[n] for n in order))
    with pytest.raises(errors.BadInputError) as caught:
        uf2.read(path)
    assert caught.value.code == ("damaged-image" if order else "not-uf2")


def test_an_image_with_any_flipped_bit_is_refused(image: Path) -> None:
    whole = image.read_bytes()
    uf2.read(image)
    for bit in range(len(whole) * 8):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(errors.BadInputError) as caught:
            uf2.content(image, bytes(flipped))
        assert caught.value.code in ("damaged-image", "not-uf2"), bit


def test_an_image_without_its_digest_is_refused(image: Path) -> None:
    plain = bytearray(image.read_bytes())
    plain[8:12] = struct.pack("<I", 0x2000)
    plain[32 + 256 : 32 + 256 + 36] = bytes(36)
    image.write_bytes(plain)
    with pytest.raises(errors.BadInputError, match="damaged"):
        uf2.read(image)


def test_the_digest_that_the_build_writes_is_the_one_that_is_read(image: Path) -> None:
    tagged = image.read_bytes()
    plain = bytearray(tagged)
    plain[8:12] = struct.pack("<I", 0x2000)
    plain[32 + 256 : 32 + 256 + 36] = bytes(36)
    image.write_bytes(plain)
    tool = ROOT / "firmware" / "tools" / "uf2_digest.py"
    code = f"import sys; sys.path.insert(0, {str(tool.parent)!r}); import uf2_digest; "
    code += f"from pathlib import Path; uf2_digest.add_digest(Path({str(image)!r}))"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert image.read_bytes() == tagged


def test_an_image_that_is_cut_off_is_refused(image: Path) -> None:
    image.write_bytes(image.read_bytes()[:-100])
    with pytest.raises(errors.BadInputError, match="cut off"):
        uf2.read(image)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\x7fELF" + bytes(600), "not-uf2"),
        (b"", "not-uf2"),
        (b"".join(blocks(program(), family=0x1C5F21B0)), "wrong-board"),
        (b"".join(blocks(bytes(2000))), "other-firmware"),
    ],
    ids=["an ELF file", "an empty file", "for an ESP32", "stock MicroPython"],
)
def test_what_is_no_image_of_ours_is_refused(image: Path, content: bytes, code: str) -> None:
    image.write_bytes(content)
    with pytest.raises(errors.BadInputError) as caught:
        uf2.read(image)
    assert caught.value.code == code


def test_a_block_for_any_chip_is_passed_over(image: Path) -> None:
    # The RP2350's erratum E10: such a file begins with a block that writes nothing.
    image.write_bytes(
        blocks(bytes(256), family=0xE48BFF57)[0] + b"".join(blocks(program(), family=uf2.RP2350))
    )
    assert uf2.read(image).family == uf2.RP2350


@pytest.mark.parametrize(
    ("name", "family"), [("pressloop-pico.uf2", uf2.RP2040), ("pressloop-pico2.uf2", uf2.RP2350)]
)
def test_the_images_of_make_firmware_are_read(name: str, family: int) -> None:
    path = ROOT / "build" / name
    if not path.is_file():
        pytest.skip(f"there is no build/{name}: make firmware")
    sources = [p for p in (ROOT / "firmware").rglob("*.*") if "__pycache__" not in p.parts]
    if path.stat().st_mtime < max(source.stat().st_mtime for source in sources):
        pytest.skip(f"build/{name} is older than the sources: make firmware")
    package = ROOT / "firmware" / "pressloop_fw"
    assert uf2.read(path) == uf2.Image(path, family, source_hash(package), path.read_bytes())


# --- drives


def test_drives_are_known_by_their_info_file(drives: Callable[..., Path], tmp_path: Path) -> None:
    pico, pico2, _other = drives(), drives("RP2350"), drives("SAMD51P20A-METRO-v0")
    assert bootsel.find_drives() == [
        bootsel.Drive(pico, uf2.RP2040),
        bootsel.Drive(pico2, uf2.RP2350),
    ]
    with pytest.raises(errors.NoBoardError) as caught:
        bootsel.name_drive(tmp_path)
    assert caught.value.code == "no-drive"


def test_linux_mount_points_with_spaces_are_read() -> None:
    mountinfo = (
        "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
        "98 22 8:17 / /media/An\\040na/RPI-RP2 rw,nosuid shared:5 - vfat /dev/sdb1 rw\n"
    )
    assert list(bootsel.parse_mounts(mountinfo)) == [Path("/media/An na/RPI-RP2")]


# --- flashing


def test_a_pico_in_its_boot_loader_gets_the_image(
    image: Path, drives: Callable[..., Path], answered: list[str | None]
) -> None:
    drive = drives()
    flash(image)
    assert (drive / image.name).read_bytes() == image.read_bytes()
    assert answered == [None]


def test_an_image_is_flashed_as_it_was_checked(
    image: Path, drives: Callable[..., Path], answered: list[str | None]
) -> None:
    """A build may replace the file while the user looks for the BOOTSEL button."""
    drive = drives()
    images = flashing.choose_images(image)
    checked = image.read_bytes()
    image.write_bytes(b"half of another image")
    flashing.flash(images, port=None, place=None, say=lambda _text: None, by_hand_s=0.3)
    assert (drive / image.name).read_bytes() == checked


def test_a_controller_at_rest_is_sent_into_its_boot_loader(
    image: Path,
    board: FakeBoard,
    drives: Callable[..., Path],
    answered: list[str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Another Pico is in its boot loader too: it is not the one that was named.
    other = drives()
    sent = stub_mpremote(monkeypatch, drives)
    flash(image, port=board.url)
    assert sent == [(board.url, "bootloader")]
    assert answered == [board.url]
    assert (other.parent / "drive 1" / image.name).exists()
    assert not (other / image.name).exists()


@pytest.mark.parametrize("state", [State.RUNNING, State.PROMPTING, State.PAUSED, State.VENTING])
def test_a_press_that_runs_keeps_its_firmware(
    image: Path, board: FakeBoard, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_mpremote(monkeypatch, lambda: pytest.fail("touched a running press"))
    board.state = state
    with pytest.raises(errors.PressloopError) as caught:
        flash(image, port=board.url)
    assert caught.value.code == "run-active"
    assert "pressloop abort" in caught.value.hint


def test_a_real_press_gets_firmware_only_after_a_press_of_its_button(
    image: Path,
    board: FakeBoard,
    drives: Callable[..., Path],
    answered: list[str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A button that is down already is no hand; it counts once it has been up."""
    board.simulated = False
    board.inputs = InputBits.BUTTON
    looks = iter([InputBits.BUTTON] * 3 + [InputBits(0)] * 3)
    said: list[str] = []

    def look(message: object) -> None:
        if isinstance(message, StatusRequest):
            board.inputs = next(looks, InputBits.BUTTON)

    def enter_boot_loader() -> None:
        assert next(looks, None) is None, "the button was not awaited"
        # What the firmware does then is not of this test.
        board.simulated = True
        drives()

    board.on_request = look
    stub_mpremote(monkeypatch, enter_boot_loader)
    flash(image, said, port=board.url, by_hand_s=20)
    assert any("Press the button" in text for text in said)
    assert answered == [board.url]


def test_a_real_press_keeps_its_firmware_without_a_press_of_the_button(
    image: Path, board: FakeBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_mpremote(monkeypatch, lambda: pytest.fail("not allowed"))
    board.simulated = False
    with pytest.raises(errors.PressloopError) as caught:
        flash(image, port=board.url)
    assert caught.value.code == "needs-button"
    assert "BOOTSEL" in caught.value.hint


def test_the_other_chips_image_is_not_copied(image: Path, drives: Callable[..., Path]) -> None:
    drive = drives("RP2350")
    with pytest.raises(errors.BadInputError, match="is a Pico 2") as caught:
        flash(image)
    assert caught.value.code == "wrong-board"
    assert not (drive / image.name).exists()


def test_the_chip_chooses_among_the_images_that_came_with_the_package(
    image: Path,
    drives: Callable[..., Path],
    answered: list[str | None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "images").mkdir()
    image.rename(tmp_path / "images" / "pressloop-pico.uf2")
    pico2 = tmp_path / "images" / "pressloop-pico2.uf2"
    pico2.write_bytes(b"".join(blocks(program(), family=uf2.RP2350)))
    drive = drives("RP2350")
    monkeypatch.setattr(resources, "_PACKAGED", tmp_path)
    monkeypatch.setattr(resources, "_CHECKOUT", tmp_path)
    images = flashing.choose_images(None)
    flashing.flash(images, port=None, place=drive, say=lambda _text: None)
    assert [path.name for path in drive.glob("*.uf2")] == ["pressloop-pico2.uf2"]
    assert answered == [None]


def test_a_person_is_asked_to_hold_the_button(
    image: Path, drives: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flashing, "list_boards", list)
    said: list[str] = []
    with pytest.raises(errors.NoBoardError) as caught:
        flash(image, said)
    assert caught.value.code == "no-drive"
    assert "hold its button BOOTSEL" in said[0]


def test_of_several_boards_none_is_guessed(
    image: Path, drives: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    two = [FoundPort(f"/dev/ttyACM{n}", f"E{n}", "Pressloop", 0x2E8A, 5) for n in range(2)]
    monkeypatch.setattr(flashing, "list_boards", lambda: two)
    with pytest.raises(errors.AmbiguousPortError, match="ttyACM1"):
        flash(image)
    drives(), drives()
    with pytest.raises(errors.AmbiguousPortError, match="drive 1"):
        flash(image)


def test_an_emulated_board_is_no_board_to_flash(image: Path) -> None:
    with pytest.raises(errors.BadInputError, match="emulated"):
        flash(image, port="emulated:pico")


def test_a_drive_that_cannot_be_written_is_an_error(
    image: Path, drives: Callable[..., Path]
) -> None:
    drive = drives()
    (drive / image.name).mkdir()
    with pytest.raises(errors.PressloopError) as caught:
        flash(image)
    assert caught.value.code == "write-failed"


# --- after the restart


def test_the_build_that_was_flashed_must_answer(board: FakeBoard) -> None:
    assert controller.await_build(board.url, "fake", 5.0).build == "fake"
    with pytest.raises(errors.BoardTimeoutError, match="answers with build fake") as caught:
        controller.await_build(board.url, BUILD, 0.1)
    assert caught.value.code == "wrong-build"


def test_a_board_that_does_not_restart_is_an_error() -> None:
    with pytest.raises(errors.BoardTimeoutError) as caught:
        controller.await_build("/dev/ttyACM999", BUILD, 0.1)
    assert caught.value.code == "no-restart"


def test_the_command_says_what_to_do_next(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["flash", str(tmp_path / "none.uf2")])
    assert result.exit_code == 2
    assert "no-image-file" in result.output
    assert "make firmware" in result.output
