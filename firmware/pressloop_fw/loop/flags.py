"""The flags of a run, in one register, as every record carries them (schema.FLAG_*).

Sequencer, hold and host watchdog each write their own flags; a record takes the register as it is.
"""

from pressloop_fw.loop.registers import register_block

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

FLAGS = const(1)
_REGISTERS = const(2)


class RunFlags:
    """Reads and writes single flags."""

    def __init__(self):
        self.registers = register_block(_REGISTERS)

    def is_set(self, flag):
        """Whether a flag is set."""
        return self.registers[FLAGS] & flag != 0

    def write(self, flag, value):
        """Set a flag if `value` is true, else clear it."""
        block = self.registers
        block[FLAGS] = block[FLAGS] | flag if value else block[FLAGS] & ~flag
