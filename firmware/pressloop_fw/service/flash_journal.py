"""Appends records of 32 bytes to a ring of flash blocks, and finds them again after a reset.

A block of flash can be erased only as a whole, which stops the chip for up to 400 ms; afterwards
each of its slots can be written once, which takes at most 3 ms. So blocks are erased ahead while
the press is at rest, and a run writes only into slots that are blank. Each record has a number and
a CRC-32: one that a power cut tore is passed over, and the record before it is the newest.
"""

import binascii
import struct

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

RECORD_SIZE = const(32)
LAYOUT = "<IBBBBIBHBI8sI"
"""Number, kind, state and detail, step, fault, tick, inputs, pressure, dwell, run-id, CRC-32.

The pressure has 24 bits, in two columns: so that it stays a small integer on the chip.

docs/wire-reference.md describes the columns at `journal-read`.
"""

_CRC_AT = const(28)
_BLANK = b"\xff" * RECORD_SIZE
# Slots at the start of a block that are searched for a record, in case a power cut tore the first.
_MAX_TORN = const(8)
# Newest blocks that keep their records when blocks are erased ahead.
_KEPT_BLOCKS = const(4)


class FlashJournal:
    """The journal in one area of flash, a `FlashArea` of `pressloop_fw.hal`.

    `count` is the number of the newest record, 0 before the first; `left` is how many records can
    be written before a block has to be erased.
    """

    def __init__(self, area):
        """Find the newest record. Raises OSError when the flash cannot be read."""
        self._area = area
        self._buf = bytearray(RECORD_SIZE)
        self._block = 0
        self._slot = 0
        self.count = 0
        newest = -1
        self._blank = bytearray(area.blocks)
        for block in range(area.blocks):
            self._blank[block] = area.is_blank(block)
            if not self._blank[block]:
                number = self._first_number(block)
                if number > self.count:
                    self.count = number
                    newest = block
        if newest >= 0:
            self._block = newest
            self._blank[newest] = 0
            self._find_end()
        else:
            # Nothing is written yet, or nothing can be read any more.
            self._block = -1
            self._slot = area.slots

    @property
    def left(self):
        """Return how many records can be written before a block has to be erased."""
        area = self._area
        left = area.slots - self._slot
        for ahead in range(1, area.blocks + 1):
            if not self._blank[(self._block + ahead) % area.blocks]:
                break
            left += area.slots
        return left

    def append(self, kind, state, step, fault, tick, inputs, pressure_kpa, dwell_ms, run_id):
        """Write a record; return whether it was written.

        It is not when the next tick is too near: try again in a later turn.

        Raises:
            OSError: The flash did not take it, or there is no blank slot.
        """
        buf = self._buf
        if self._slot >= self._area.slots:
            self._next_block()
        struct.pack_into(
            LAYOUT,
            buf,
            0,
            self.count + 1,
            kind,
            state,
            step,
            fault,
            tick,
            inputs,
            pressure_kpa & 0xFFFF,
            pressure_kpa >> 16 & 0xFF,
            dwell_ms,
            run_id,
            0,
        )
        crc = binascii.crc32(memoryview(buf)[:_CRC_AT])
        buf[_CRC_AT:] = crc.to_bytes(4, "little")
        if not self._area.program(self._block, self._slot, buf):
            return False
        self._slot += 1
        self.count += 1
        written = self._read(self._block, self._slot - 1)
        if written is None or written[0] != self.count:
            # The slot is used up and holds something else.
            self.count -= 1
            raise OSError(5)
        return True

    def newest_first(self):
        """Yield the records from the newest to the oldest, as columns."""
        if self._block < 0:
            return
        block = self._block
        slot = self._slot - 1
        number = self.count + 1
        for _ in range(self._area.blocks * self._area.slots):
            if slot < 0:
                block = (block - 1) % self._area.blocks
                slot = self._area.slots - 1
                if self._blank[block]:
                    return
            record = self._read(block, slot)
            if record is not None:
                if record[0] >= number:
                    return
                number = record[0]
                yield record
            slot -= 1

    def packed(self):
        """Return the bytes of the record that `newest_first` yielded last."""
        return bytes(self._buf)

    def erase_ahead(self):
        """Erase one block that a run will need; return whether there was one. Only at rest.

        Raises:
            OSError: The flash refused.
        """
        area = self._area
        for ahead in range(1, area.blocks - min(_KEPT_BLOCKS, area.blocks // 2) + 1):
            block = (self._block + ahead) % area.blocks
            if not self._blank[block]:
                area.erase(block)
                if not area.is_blank(block):
                    raise OSError(5)
                self._blank[block] = 1
                return True
        return False

    def grow(self):
        """Add a block to the ring; return whether there was one. Only at rest."""
        area = self._area
        try:
            if not area.grow():
                return False
        except OSError:  # the flash is full: the journal stays as long as it is
            return False
        self._blank.append(area.is_blank(area.blocks - 1))
        return True

    def _next_block(self):
        block = (self._block + 1) % self._area.blocks
        if not self._blank[block]:
            raise OSError(28)
        self._blank[block] = 0
        self._block = block
        self._slot = 0

    def _first_number(self, block):
        """Return the number of a block's first whole record, 0 without one."""
        for slot in range(min(_MAX_TORN, self._area.slots)):
            record = self._read(block, slot)
            if record is not None:
                return record[0]
        return 0

    def _find_end(self):
        """Find the newest record of the newest block, and the first slot after all used ones."""
        self._slot = 0
        for slot in range(self._area.slots):
            record = self._read(self._block, slot)
            if record is not None:
                self.count = max(self.count, record[0])
            if self._buf != _BLANK:
                self._slot = slot + 1

    def _read(self, block, slot):
        """Return the columns of the record in a slot, None if it is blank or damaged."""
        buf = self._buf
        self._area.read(block, slot, buf)
        if buf == _BLANK:
            return None
        record = struct.unpack_from(LAYOUT, buf)
        if binascii.crc32(memoryview(buf)[:_CRC_AT]) != record[11]:
            return None
        return record


def pressure_of(record):
    """Return the pressure of a record, kPa on the pellet."""
    kpa = record[7] | record[8] << 16
    return kpa - 0x1000000 if kpa & 0x800000 else kpa


def open_journal(area):
    """Return the journal in an area, None without an area or when it cannot be read."""
    if area is None:
        return None
    try:
        return FlashJournal(area)
    except OSError:
        return None
