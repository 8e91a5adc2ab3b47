"""Reads an ADS1115, a 16-bit converter on I2C that converts continuously.

After the set-up a read of two bytes gives the newest conversion. It converts 860 times per second,
so a reading is at most 1.2 ms old (datasheet SBAS444E).
"""

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const


_CONVERSION = b"\x00"
_CONFIG = const(0x01)
# AIN0 against ground, +-4.096 V, continuous, 860 per second, no comparator.
_CONTINUOUS = b"\x42\xe3"


class Ads1115:
    """Reads AIN0 in counts of 125 uV."""

    def __init__(self, i2c, address):
        """Start converting. Raises OSError when nothing answers at `address`."""
        i2c.writeto_mem(address, _CONFIG, _CONTINUOUS)
        # The register pointer stays there: every later read is a read of the conversion.
        i2c.writeto(address, _CONVERSION)
        # A function with all it needs in its arguments: a method would look that up in every tick.
        self.read = _reader(i2c.readfrom_into, address, bytearray(2))


def _reader(readfrom_into, address, buf):
    @micropython.native
    def read(readfrom_into=readfrom_into, address=address, buf=buf):
        """Return the newest conversion, 0 when the converter does not answer. Allocates nothing.

        After a loss of its power the converter does not convert and reads 0 as well. The range
        check then reports a broken transducer loop, which is what it is.
        """
        try:
            readfrom_into(address, buf)
        except OSError:
            return 0
        counts = buf[0] << 8 | buf[1]
        return counts if counts < 0x8000 else 0

    return read
