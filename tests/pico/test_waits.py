"""What the emulated chip waits for, if it is told to: bits on its I2C buses, and its flash."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("rp2040py", reason="the emulated RP2040 is not installed: pressloop[pico]")

from pressloop.emulator.pico import speedup
from pressloop.emulator.pico.i2c_bus import I2cBus, I2cDevice
from rp2040py import I2CMode
from rp2040py.clock.simulation_clock import SimulationClock

BIT_NS = 2500.0
FLASH = 0x10000000
LINE = 8
ONE_WAY = 8192
TIMER = 0x40054028


class Block:
    """Stands in for the chip's I2C block: notes when a part of a transfer is complete."""

    def __init__(self, clock: SimulationClock) -> None:
        self.done: list[tuple[str, float]] = []
        for part in ("connect", "write", "read", "stop"):
            setattr(
                self,
                f"complete_{part}",
                lambda *_, part=part: self.done.append((part, clock.nanos)),
            )


@pytest.mark.parametrize("bit_ns", [0.0, BIT_NS])
def test_a_transfer_takes_as_long_as_its_bits(bit_ns: float) -> None:
    clock = SimulationClock()
    block: Any = Block(clock)
    bus = I2cBus(clock, block, I2cDevice(0x48))
    bus.bit_ns = bit_ns
    begun_ns = 0.0
    parts: tuple[tuple[Callable[[], object], str, int], ...] = (
        (lambda: block.on_connect(0x48, I2CMode.READ), "connect", 10),
        (lambda: block.on_read_byte(True), "read", 9),
        (lambda: block.on_write_byte(1), "write", 9),
        (lambda: block.on_stop(), "stop", 1),
    )
    for act, part, bits in parts:
        act()
        if bit_ns:
            clock.tick((bits - 0.5) * bit_ns)
            assert all(name != part for name, _at in block.done)
            clock.tick(0.5 * bit_ns)
        assert block.done[-1] == (part, pytest.approx(begun_ns + bits * bit_ns))
        begun_ns += bits * bit_ns


def test_the_core_waits_for_a_line_that_is_not_in_the_cache() -> None:
    fast = speedup.load()
    if fast is None:
        pytest.skip("the inner loop is not built: python -m pressloop.emulator.pico.speedup")
    mcu = fast.FastRP2040()

    def waits(*addresses: int) -> float:
        begun = mcu.clock.nanos
        for address in addresses:
            mcu.read_uint32(address)
        mcu.read_uint32(TIMER)  # A peripheral is shown the time that has passed.
        return float(mcu.clock.nanos - begun)

    assert waits(FLASH) == 0.0
    mcu.flash_miss_ns = 500.0
    assert waits(FLASH + LINE, FLASH + LINE + 4) == 500.0
    assert waits(FLASH + LINE) == 0.0
    # Two lines of the same place fit; the third takes the place of the one used longest ago.
    assert waits(FLASH + LINE + ONE_WAY) == 500.0
    assert waits(FLASH + LINE, FLASH + LINE + ONE_WAY) == 0.0
    assert waits(FLASH + LINE + 2 * ONE_WAY) == 500.0
    assert waits(FLASH + LINE + ONE_WAY) == 0.0
    assert waits(FLASH + LINE) == 500.0
