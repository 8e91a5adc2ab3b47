"""Integers that notice when the chip would have to allocate for them. CPython only."""


class SmallInt(int):
    """An integer that must fit MicroPython's 31 bits, through all arithmetic."""

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
