"""Reads an ADS1115, a 16-bit converter on I2C that converts continuously.

After the set-up a read of two bytes gives the newest conversion. It converts 860 times per second,
so a reading is at most 1.2 ms old (datasheet SBAS444E).

A ratiometric transducer signals a share of its supply, which is on AIN1 behind the same divider as
the signal on AIN0. Every 64th tick the supply is converted in between, and its reading is used in
the tick after that; the newest reading of the signal then stands for one tick more.
"""

from array import array

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const


_CONVERSION = b"\x00"
# The register of the configuration and its content: AIN0 or AIN1 against ground, +-4.096 V,
# continuous, 860 per second, no comparator. In one piece: `writeto_mem` would allocate.
_SIGNAL = b"\x01\x42\xe3"
_SUPPLY = b"\x01\x52\xe3"

# Positions in the state of a converter.
_RATIOMETRIC = const(0)
_WAIT = const(1)
_NEXT = const(2)
_COUNTS = const(3)
_SUPPLY_COUNTS = const(4)

# What the next conversion is of; unknown after a bus that failed in between.
_UNKNOWN = const(0)
_OF_SIGNAL = const(1)
_OF_SUPPLY = const(2)

_SUPPLY_TICKS = const(64)
# 5 V behind a divider by two, and how far a supply may be from it: 10 %, as sensors state.
_NOMINAL = const(20000)
_MIN_SUPPLY = const(18000)
_MAX_SUPPLY = const(22000)


class Ads1115:
    """Reads AIN0 in counts of 125 uV; of a ratiometric signal, counts for a supply of 5 V."""

    def __init__(self, i2c, address):
        """Start converting. Raises OSError when nothing answers at `address`."""
        i2c.writeto(address, _SIGNAL)
        # The register pointer stays there: every later read is a read of the conversion.
        i2c.writeto(address, _CONVERSION)
        self._state = array("i", [0] * 5)
        follow = _ratio(i2c.writeto, address, self._state)
        # A function with all it needs in its arguments: a method would look that up in every tick.
        self.read = _reader(i2c.readfrom_into, address, bytearray(2), self._state, follow)

    def set_ratiometric(self, ratiometric):
        """Correct the readings by the supply from now on, or no more. May be called at any time."""
        state = self._state
        state[_RATIOMETRIC] = 0
        if ratiometric:
            # Without a reading of the supply the signal counts as broken, for a few ticks.
            state[_SUPPLY_COUNTS] = 0
            state[_NEXT] = _UNKNOWN
            state[_RATIOMETRIC] = 1


def _reader(readfrom_into, address, buf, state, follow):
    @micropython.native
    def read(readfrom_into=readfrom_into, address=address, buf=buf, state=state, follow=follow):
        """Return the newest conversion, 0 when the converter does not answer. Allocates nothing.

        After a loss of its power the converter does not convert and reads 0 as well. The range
        check then reports a broken transducer loop, which is what it is.
        """
        try:
            readfrom_into(address, buf)
        except OSError:
            return 0
        counts = buf[0] << 8 | buf[1]
        if counts >= 0x8000:
            counts = 0
        return follow(counts) if state[_RATIOMETRIC] else counts

    return read


def _ratio(writeto, address, state):
    """Return the function that turns a conversion into counts for a supply of 5 V."""

    def select(channel):
        writeto(address, channel)
        writeto(address, _CONVERSION)

    @micropython.native
    def follow(counts, state=state, select=select):
        """Return the newest reading of the signal; 0 with a supply out of range."""
        of = state[_NEXT]
        wanted = None
        if of == _OF_SUPPLY:
            state[_SUPPLY_COUNTS] = counts
            state[_WAIT] = _SUPPLY_TICKS
            state[_NEXT] = _OF_SIGNAL
            wanted = _SIGNAL
        elif of == _OF_SIGNAL:
            state[_COUNTS] = counts
            state[_WAIT] -= 1
            if state[_WAIT] <= 0:
                state[_NEXT] = _OF_SUPPLY
                wanted = _SUPPLY
        else:
            state[_WAIT] = 1
            state[_NEXT] = _OF_SIGNAL
            wanted = _SIGNAL
        if wanted is not None:
            try:
                select(wanted)
            except OSError:
                state[_NEXT] = _UNKNOWN
                state[_SUPPLY_COUNTS] = 0
                return 0
        supply = state[_SUPPLY_COUNTS]
        if supply < _MIN_SUPPLY or supply > _MAX_SUPPLY:
            return 0
        return state[_COUNTS] * _NOMINAL // supply

    return follow
