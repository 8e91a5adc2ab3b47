"""Finds at power-on which converters are wired to the board, and names them."""

from machine import I2C, Pin

from pressloop_fw.boards import wiring
from pressloop_fw.boards.ads1115 import Ads1115
from pressloop_fw.boards.hx711 import Hx711
from pressloop_fw.boards.internal_adc import InternalAdc, SecondAdc
from pressloop_fw.boards.nau7802 import Nau7802
from pressloop_fw.wire import schema


class Converters:
    """The converters of a board: `first`, `second` and `cell`, the last two None without one.

    `kinds` names them as schema.CONVERTER_*, 0 without one. `wants_hx711` says that the stored
    profile names one: a board that looked for it unasked would start half a second later.
    """

    def __init__(self, cell_block, pin_registers, wants_hx711):
        i2c = _bus("I2C")
        first, second, cell = schema.CONVERTER_ADS1115, schema.CONVERTER_ADS1115, 0
        try:
            self.first = Ads1115(i2c, wiring.ADS1115_ADDRESS)
        except OSError:
            self.first, first = InternalAdc(wiring.ADC_PIN), schema.CONVERTER_ADC
        try:
            self.second = Ads1115(i2c, wiring.SECOND_ADS1115_ADDRESS)
        except OSError:
            self.second, second = None, 0
            if wiring.SECOND_ADC_PIN >= 0:
                self.second, second = SecondAdc(wiring.SECOND_ADC_PIN), schema.CONVERTER_ADC
        self.cell = None
        try:
            self.cell = Nau7802(_bus("CELL_I2C"), wiring.NAU7802_ADDRESS, cell_block)
            cell = schema.CONVERTER_NAU7802
        except OSError:
            if wants_hx711:
                self.cell, cell = _hx711(pin_registers)
        self.kinds = (first, second, cell)

    def fit(self, signal):
        """Read the first transducer by its signal, schema.SIGNAL_*."""
        if self.kinds[0] == schema.CONVERTER_ADS1115:
            self.first.set_ratiometric(signal == schema.SIGNAL_RATIOMETRIC)


def _bus(name):
    return I2C(
        getattr(wiring, name + "_ID"),
        sda=Pin(getattr(wiring, name + "_SDA")),
        scl=Pin(getattr(wiring, name + "_SCL")),
        freq=getattr(wiring, name + "_HZ"),
        timeout=getattr(wiring, name + "_TIMEOUT_US"),
    )


def _hx711(pin_registers):
    """Return an HX711 and its kind, (None, 0) when none answers."""
    clock = Pin(wiring.HX711_CLOCK_PIN, Pin.OUT, value=0)
    data = Pin(wiring.HX711_DATA_PIN, Pin.IN, Pin.PULL_UP)
    try:
        cell = Hx711(clock, data, *pin_registers, wiring.HX711_CLOCK_PIN, wiring.HX711_DATA_PIN)
    except OSError:
        return None, 0
    return cell, schema.CONVERTER_HX711
