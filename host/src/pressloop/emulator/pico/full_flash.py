"""A flash that takes nothing more: what a file system without a free block meets."""

from __future__ import annotations

from typing import Final

SECTOR: Final = 4096
# Start of a block that belongs to the firmware's journal (`pressloop_fw.boards.journal_flash`).
_JOURNAL_MARK: Final = b"pressloop journal "


class FullFlash:
    """Refuses what changes the flash outside of the blocks that the journal has now.

    The chip ignores such a command, as one whose free blocks are write-protected does. littlefs
    reads back what it wrote, tries its other blocks, and reports that there is no space. The blocks
    of the journal were made before, and stay its own.
    """

    def __init__(self, flash: bytearray, first: int) -> None:
        """Find the journal's blocks in `flash`, whose files begin at the address `first`."""
        self._first = first
        self._journal = {
            at
            for at in range(first, len(flash), SECTOR)
            if flash[at : at + len(_JOURNAL_MARK)] == _JOURNAL_MARK
        }

    def refuses(self, address: int) -> bool:
        """Return whether a program or an erase at an address changes nothing."""
        sector = address // SECTOR * SECTOR
        return sector >= self._first and sector not in self._journal
