"""The status word of a run: its flags as every record carries them (schema.FLAG_*).

Sequencer, hold and host watch raise and lower their own flags; the record takes the word as it is.
"""

from pressloop_fw.loop.registers import register_block

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

FLAGS = const(1)
_REGISTERS = const(2)


class RunFlags:
    """Flags that are up."""

    def __init__(self):
        self.registers = register_block(_REGISTERS)

    def is_set(self, flag):
        """Whether a flag is up."""
        return self.registers[FLAGS] & flag != 0

    def write(self, flag, value):
        """Raise or lower a flag."""
        block = self.registers
        block[FLAGS] = block[FLAGS] | flag if value else block[FLAGS] & ~flag
