"""The status word of a run: its flags as every record carries them (schema.FLAG_*).

Sequencer, hold and host watch raise and lower their own flags; the record takes the word as it is.
"""

from pressloop_fw.loop.registers import words

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

FLAGS = const(1)
_WORDS = const(2)


class Status:
    """Flags that are up."""

    def __init__(self):
        self.words = words(_WORDS)

    def up(self, flag):
        """Whether a flag is up."""
        return self.words[FLAGS] & flag != 0

    def show(self, flag, up):
        """Raise or lower a flag."""
        block = self.words
        block[FLAGS] = block[FLAGS] | flag if up else block[FLAGS] & ~flag
