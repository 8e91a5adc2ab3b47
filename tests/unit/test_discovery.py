"""Finding boards by their USB identity."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from pressloop import errors
from pressloop.connect import resolve_address
from pressloop.transport.discovery import USB_PRODUCT, USB_VENDOR_ID, find_port, list_boards
from serial.tools import list_ports


def port(device: str, serial_number: str | None, product: str | None, vid: int | None) -> object:
    return SimpleNamespace(
        device=device, serial_number=serial_number, product=product, vid=vid, pid=5
    )


BOARD = port("/dev/ttyACM0", "E66164084367", USB_PRODUCT, USB_VENDOR_ID)
SECOND = port("/dev/ttyACM3", "E66164089999", USB_PRODUCT, USB_VENDOR_ID)
BLANK = port("/dev/ttyACM1", "AA", "Board in FS mode", USB_VENDOR_ID)
MODEM = port("/dev/ttyUSB0", None, None, 0x1234)
ONBOARD = port("/dev/ttyS0", None, None, None)


Plug = Callable[..., None]


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Plug:
    """Give the system exactly the ports that a test names."""

    def plugged(*ports: object) -> None:
        monkeypatch.setattr(list_ports, "comports", lambda: list(ports))

    return plugged


def test_the_only_board_is_found_among_other_ports(plug: Plug) -> None:
    plug(ONBOARD, MODEM, BLANK, BOARD)
    assert find_port() == "/dev/ttyACM0"
    assert [found.path for found in list_boards()] == ["/dev/ttyACM0"]


def test_a_board_is_found_by_its_serial_number_wherever_it_is(plug: Plug) -> None:
    plug(SECOND, BOARD)
    assert find_port("E66164089999") == "/dev/ttyACM3"
    assert find_port("e66164084367") == "/dev/ttyACM0"


def test_two_boards_are_listed_not_guessed(plug: Plug) -> None:
    plug(SECOND, BOARD)
    with pytest.raises(errors.AmbiguousPortError) as caught:
        find_port()
    assert caught.value.ports == ("/dev/ttyACM0", "/dev/ttyACM3")
    assert "E66164089999" in str(caught.value)


def test_no_board_says_what_to_check(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    plug(MODEM)
    with pytest.raises(errors.NoBoardError) as caught:
        find_port()
    for advice in ("cable", "dialout", "ModemManager", '"emulated"'):
        assert advice in caught.value.hint


def test_a_board_without_our_firmware_is_pointed_out(plug: Plug) -> None:
    plug(BLANK)
    with pytest.raises(errors.NoBoardError, match="/dev/ttyACM1") as caught:
        find_port()
    assert "flash" in caught.value.hint


def test_a_wrong_serial_number_shows_those_that_are_there(plug: Plug) -> None:
    plug(BOARD)
    with pytest.raises(errors.NoBoardError, match="E66164084367"):
        find_port("E6")


@pytest.mark.parametrize(("port", "meant"), [("emulatd", "emulated"), ("Emulated", "emulated")])
def test_a_misspelt_emulated_board_is_named(plug: Plug, port: str, meant: str) -> None:
    plug(BOARD)
    with pytest.raises(errors.NoBoardError) as refused:
        resolve_address(port).connect()
    assert refused.value.hint.startswith(f"did you mean {meant}? Else check")
    with pytest.raises(errors.NoBoardError) as refused:
        resolve_address("E66164089999").connect()
    assert refused.value.hint.startswith("check")
