"""Reads the chip's own converter of 12 bits, in counts of the ADS1115 or in micrometres."""

import micropython
from machine import ADC, Pin

from pressloop_fw.boards import wiring
from pressloop_fw.wire import schema


class InternalAdc:
    """Reads the first transducer, in counts of 125 uV so that one profile fits both converters."""

    def __init__(self, pin):
        Pin(pin, Pin.IN, Pin.PULL_DOWN)
        self._adc = ADC(pin)

    def read(self):
        """Return counts of 125 uV. Allocates nothing."""
        # 65535 is 3.3 V, which would be 26400 counts of the ADS1115.
        return self._adc.read_u16() * 13200 >> 15


class SecondAdc:
    """Reads the second transducer, in counts like the first one's."""

    def __init__(self, pin):
        Pin(pin, Pin.IN, Pin.PULL_DOWN)
        self.read = _mean_reader(ADC(pin).read_u16)


def _mean_reader(read_u16):
    @micropython.native
    def read(read_u16=read_u16):
        """Return the mean of two conversions in counts of 125 uV. Allocates nothing."""
        return (read_u16() + read_u16()) * 6600 >> 15

    return read


class DisplacementSensor:
    """Reads a displacement sensor with a voltage output."""

    def __init__(self, pin):
        Pin(pin, Pin.IN, Pin.PULL_DOWN)
        self._adc = ADC(pin)

    def read(self):
        """Return um from the sensor's zero, NO_DISPLACEMENT without a signal. Allocates nothing."""
        counts = self._adc.read_u16() >> 4
        if counts < wiring.DISPLACEMENT_LOW:
            return schema.NO_DISPLACEMENT
        return wiring.DISPLACEMENT_ZERO_UM + (counts * wiring.DISPLACEMENT_SPAN_UM >> 12)


class OilThermistor:
    """Reads a thermistor by turns, in the tick: the chip's converter has one input at a time.

    `counts` is the newest reading, 0..4095.
    """

    def __init__(self, pin):
        self._adc = ADC(pin)
        self.counts = self._adc.read_u16() >> 4

    def sample(self):
        """*tick* Take a reading. Allocates nothing."""
        self.counts = self._adc.read_u16() >> 4
