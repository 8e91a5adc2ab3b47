"""Integers that fail where the chip would have to allocate for them. CPython only."""

import contextlib

from pressloop_fw.loop import registers


class SmallInt(int):
    """An integer that fails if it, or a result computed from it, exceeds MicroPython's 31 bits."""

    @classmethod
    def of(cls, value):
        """Return `value` as one, or fail."""
        assert -(2**30) <= value < 2**30, f"{int(value)} is no small integer"
        return cls(value)


def _checked(name):
    plain = getattr(int, name)

    def operation(self, other):
        return SmallInt.of(plain(self, int(other)))

    return operation


for _name in "add sub mul floordiv mod lshift rshift and or xor".split():  # noqa: SIM905
    setattr(SmallInt, f"__r{_name}__", _checked(f"__r{_name}__"))
    setattr(SmallInt, f"__{_name}__", _checked(f"__{_name}__"))
SmallInt.__neg__ = lambda self: SmallInt.of(-int(self))


class _Block(list):
    """A register block that keeps its registers as SmallInt."""

    def __setitem__(self, position, value):
        super().__setitem__(position, SmallInt.of(value))


@contextlib.contextmanager
def small_registers():
    """Let a control loop that is built meanwhile keep its registers as SmallInt."""
    real, registers.array = registers.array, lambda _kind, values: _Block(map(SmallInt, values))
    try:
        yield
    finally:
        registers.array = real


def small_rig(make):
    """Return the rig of `make()` with a control loop that keeps its registers as SmallInt."""
    with small_registers():
        rig = make()
    # The codec takes plain integers; the ring only counts.
    rig.app.ring.registers = [int(number) for number in rig.app.ring.registers]
    return rig
