"""Finds a place of its own for the journal in the flash of a Pico, inside its file system.

littlefs rewrites a file by copying it, and copying needs an erase, which stops the chip for up to
400 ms. So the journal is not written as a file. Each of its blocks belongs to a small file that
littlefs never touches again: a file longer than littlefs keeps in its folders gets a block for
itself, and the rest of that block stays blank. The blocks are found by the mark at their start,
which holds the name of the file, and are then written and erased directly. Nothing is formatted
anew, and it works on any MicroPython with littlefs on the whole storage.

While the program runs, nothing else changes files; what a person does to them at the prompt is
noticed at the next start.
"""

import os
from array import array

import rp2

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

from pressloop_fw.hal import FlashArea
from pressloop_fw.service.flash_journal import RECORD_SIZE

# With 127 records in each, eight days of a run: a record a minute, and those of its changes.
_BLOCKS = const(100)
# Made at once on a new board: eight hours.
_MIN_BLOCKS = const(4)
_BLOCK_BYTES = const(4096)
_PAGE_BYTES = const(256)
_ERASE = const(6)
_COUNT = const(4)
# littlefs keeps a file of up to 1024 bytes together with others.
_FILE_BYTES = const(1280)
# The longest page program takes 3 ms (W25Q16JV data sheet, 9.6).
_MIN_LEFT_US = const(4000)
_MARK = b"pressloop journal "
_NAME_BYTES = const(11)


class JournalFlash(FlashArea):
    """The blocks of the journal on this chip.

    `next_tick_us` returns how long it takes to the next tick; None before the first one.
    """

    slots = _BLOCK_BYTES // RECORD_SIZE - 1

    def __init__(self, folder):
        """Find the blocks, and make the first ones. Raises OSError without room for them.

        The others are made at rest, one by one: all at once would take ten seconds.
        """
        self.next_tick_us = None
        self._flash = rp2.Flash()
        self._page = bytearray(b"\xff" * _PAGE_BYTES)
        self._folder = folder
        self._places = array("H")
        names = _files(folder)
        places = self._find(names)
        for index in range(max(names) + 1 if names else 0):
            name = names.get(index)
            if name in places:
                self._places.append(places[name])
                continue
            if name:
                # Its mark was lost: power was cut between the erase and the mark.
                os.remove(folder + "/" + name)
            self._places.append(self._make(index))
        self.blocks = len(self._places)
        while self.blocks < _MIN_BLOCKS:
            self.grow()

    def grow(self):
        if self.blocks >= _BLOCKS:
            return False
        self._places.append(self._make(self.blocks))
        self.blocks += 1
        return True

    def read(self, block, slot, buf):
        self._flash.readblocks(self._places[block], buf, (slot + 1) * RECORD_SIZE)

    def program(self, block, slot, record):
        if self.next_tick_us and self.next_tick_us() < _MIN_LEFT_US:
            return False
        self._program(self._places[block], (slot + 1) * RECORD_SIZE, record)
        return True

    def erase(self, block):
        place = self._places[block]
        mark = bytearray(RECORD_SIZE)
        self._flash.readblocks(place, mark, 0)
        self._flash.ioctl(_ERASE, place)
        self._program(place, 0, mark)

    def is_blank(self, block):
        page = bytearray(_PAGE_BYTES)
        blank = b"\xff" * _PAGE_BYTES
        place = self._places[block]
        for at in range(0, _BLOCK_BYTES, _PAGE_BYTES):
            self._flash.readblocks(place, page, at)
            if at == 0:
                page[:RECORD_SIZE] = blank[:RECORD_SIZE]
            if page != blank:
                return False
        return True

    def _program(self, place, at, record):
        """Write 32 bytes. The chip programs whole pages: what is 0xFF there stays as it is."""
        page = self._page
        in_page = at % _PAGE_BYTES
        page[in_page : in_page + RECORD_SIZE] = record
        self._flash.writeblocks(place, page, at - in_page)
        page[in_page : in_page + RECORD_SIZE] = b"\xff" * RECORD_SIZE

    def _find(self, names):
        """Return the block of each file, by name; those without one are missing."""
        wanted = {_mark(name): name for name in names.values()}
        places = {}
        head = bytearray(RECORD_SIZE)
        for place in range(self._flash.ioctl(_COUNT, 0)):
            self._flash.readblocks(place, head, 0)
            name = wanted.get(bytes(head))
            if name is not None:
                places[name] = place
        return places

    def _make(self, index):
        """Make the file of a block, with a name that was never used; return where the block is."""
        name = "{:02d}-{:08x}".format(index, int.from_bytes(os.urandom(4), "little"))
        with open(self._folder + "/" + name, "wb") as file:
            file.write(_mark(name) + b"\xff" * (_FILE_BYTES - RECORD_SIZE))
        places = self._find({index: name})
        if name not in places:
            raise OSError(5)
        return places[name]


def _mark(name):
    """Return the 32 bytes at the start of a block that belongs to the file with this name."""
    return _MARK + name.encode() + b"\0" * (RECORD_SIZE - len(_MARK) - _NAME_BYTES)


def _files(folder):
    """Return the names of the journal's files by their index; make the folder if it is missing."""
    names = {}
    try:
        found = os.listdir(folder)
    except OSError:
        os.mkdir(folder)
        found = ()
    for name in found:
        index = name.split("-")[0]
        if len(name) == _NAME_BYTES and len(index) == 2 and index.isdigit():
            names[int(index)] = name
    return names
