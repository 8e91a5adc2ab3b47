"""Compares the converters that the profile names with those that the board found at power-on."""

from pressloop_fw.wire import schema

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# Places of the kinds in the profile's `parts`, 4 bits each.
_SIGNAL = const(0)
_CONVERTERS = (1, 3, 4)
_AUXILIARY = const(7)
_BITS = const(4)
_MASK = const(15)

_PURPOSES = ("transducer", "second", "load cell")
_NAMES = ("none", "ads1115", "adc", "nau7802", "hx711")


def signal(values):
    """Return how the first transducer signals, schema.SIGNAL_*."""
    return _kind(values, _SIGNAL)


def cell_converter(values):
    """Return the converter of the load cell that a profile names, 0 without one."""
    return _kind(values, _CONVERTERS[-1])


def auxiliary(values):
    """Return what the board's third analogue input reads, schema.AUXILIARY_*."""
    return _kind(values, _AUXILIARY)


def first_missing(board, values):
    """Return the first converter that the profile names and the board has not found, 0 without."""
    for kind, found in _pairs(board, values):
        if kind not in (schema.CONVERTER_NOT_STATED, found):
            return kind
    return schema.CONVERTER_NOT_STATED


def missing(board, values):
    """Return the converters that are missing as text, with what each is for; "" without any."""
    names = []
    for index, (kind, found) in enumerate(_pairs(board, values)):
        if kind not in (schema.CONVERTER_NOT_STATED, found):
            names.append(_PURPOSES[index] + " " + _name(kind))
    return ", ".join(names)


def found(board):
    """Return the converters of the board as text, with what each is for; "" if it tells none."""
    return ", ".join(
        [
            _PURPOSES[index] + " " + _name(kind)
            for index, kind in enumerate(board.converters)
            if kind
        ]
    )


def _pairs(board, values):
    """Return what is named and what was found, for each converter that the board looked for."""
    return [
        (_kind(values, _CONVERTERS[index]), kind) for index, kind in enumerate(board.converters)
    ]


def _kind(values, place):
    return values.get(schema.PROFILE_PARTS, 0) >> _BITS * place & _MASK


def _name(kind):
    return _NAMES[kind] if kind < len(_NAMES) else "unknown"
