# mypy: ignore-errors
# MicroPython's files differ from CPython's.
"""Flash for the journal of an emulated board: bits that only an erase sets again.

The content is a bytearray, and a file behind it if the board is to keep it. A file that ends before
a block's place means that the block is blank.
"""

_EIO = 5
# Bytes of a slot.
_SLOT = 32
_BLANK = b"\xff" * _SLOT


class EmulatedFlash:
    """Keeps blocks of flash in memory, and in a file if there is one: a `hal.FlashArea`.

    `refuses` lets every write fail, as worn flash does; while `busy` is set the next tick counts as
    too near for a write. `attempts` and `erased` count the writes tried and the blocks erased.
    """

    def __init__(self, blocks, slots, image=None, path=None):
        """Take `image`, or what the file at `path` holds, as the content."""
        self.blocks = blocks
        self.slots = slots
        self.refuses = False
        self.busy = False
        self.attempts = 0
        self.erased = 0
        # Only as long as what was written: a board that has never pressed holds almost nothing.
        self.image = image if image is not None else bytearray()
        self._file = None
        if path:
            self._file = _open(path)
            self.image.extend(self._file.read())

    def read(self, block, slot, buf):
        """Fill `buf` with a slot."""
        at = self._at(block, slot)
        buf[:] = (self.image[at : at + _SLOT] + _BLANK)[:_SLOT]

    def program(self, block, slot, record):
        """Write a slot; return whether it was written."""
        self.attempts += 1
        if self.refuses:
            raise OSError(_EIO)
        if self.busy:
            return False
        at = self._at(block, slot)
        self._grow(at + _SLOT)
        for i in range(_SLOT):
            self.image[at + i] &= record[i]
        self._write_through(at, _SLOT)
        return True

    def erase(self, block):
        """Make a block blank."""
        if self.refuses:
            raise OSError(_EIO)
        self.erased += 1
        at = self._at(block, 0)
        size = self.slots * _SLOT
        end = min(at + size, len(self.image))
        if at < end:
            self.image[at:end] = b"\xff" * (end - at)
            self._write_through(at, end - at)

    def is_blank(self, block):
        """Return whether a block is blank."""
        at = self._at(block, 0)
        content = self.image[at : at + self.slots * _SLOT]
        return content == b"\xff" * len(content)

    def grow(self):
        """Return False: all blocks are there from the start."""
        return False

    def _at(self, block, slot):
        return (block * self.slots + slot) * _SLOT

    def _grow(self, size):
        """Make the image at least `size` bytes long."""
        start = len(self.image)
        if start < size:
            self.image.extend(b"\xff" * (size - start))
            self._write_through(start, size - start)

    def _write_through(self, at, size):
        if self._file:
            self._file.seek(at)
            self._file.write(self.image[at : at + size])


def _open(path):
    # Unbuffered: what is written survives the end of the process.
    try:
        return open(path, "r+b", buffering=0)
    except OSError:
        return open(path, "w+b", buffering=0)
