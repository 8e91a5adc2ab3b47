"""Raspberry Pi Pico and Pico 2 on the reference wiring (`wiring.py`)."""

import os
import sys

import machine
import micropython
from machine import ADC, I2C, PWM, WDT, Pin
from micropython import const

from pressloop_fw import schema
from pressloop_fw.app import App
from pressloop_fw.boards import wiring
from pressloop_fw.boards.ads1115 import Ads1115
from pressloop_fw.boards.beat import Beat
from pressloop_fw.boards.usb import open_port
from pressloop_fw.hal import Board

try:
    from pressloop_build import BUILD
except ImportError:  # copied to the board without its stamp
    BUILD = "unknown"

_FULL = const(32767)
# Longer than a garbage collection, a sector erase and a write to a stalled host on stock
# MicroPython together; shorter than a pump takes to do harm past the last pressure reading.
_WATCHDOG_MS = const(2500)
_CTRL_C = const(3)
_FOLDER = "/pressloop"

# Watchdog registers (RP2040 datasheet 4.7.6, RP2350 datasheet 12.9.7): MicroPython can neither
# stop a watchdog nor tell a time-out from a wanted reset.
_WATCHDOG = 0x400D8000 if "RP2350" in os.uname().machine else 0x40058000
_REASON = _WATCHDOG + 0x08
_REASON_TIMEOUT = const(1)
_REASON_FORCED = const(2)
_CTRL_CLEAR_BITS = _WATCHDOG + 0x3000
_CTRL_ENABLE = const(0x40000000)


@micropython.asm_thumb
def _wait_for_interrupt():
    wfi()  # noqa: F821 - an instruction


class InternalAdc:
    """The chip's own converter, in the ADS1115's counts, so that a profile serves both."""

    def __init__(self, pin):
        Pin(pin, Pin.IN, Pin.PULL_DOWN)
        self._adc = ADC(pin)

    def read(self):
        """Return counts of 125 uV. Allocates nothing."""
        # 65535 are 3.3 V, which would be 26400 of the ADS1115's counts.
        return self._adc.read_u16() * 13200 >> 15


class DisplacementGauge:
    """A displacement sensor with a voltage output on the chip's own converter."""

    def __init__(self, pin):
        Pin(pin, Pin.IN, Pin.PULL_DOWN)
        self._adc = ADC(pin)

    def read(self):
        """Return um from the sensor's zero. Allocates nothing."""
        counts = self._adc.read_u16() >> 4
        if counts < wiring.DISPLACEMENT_LOW:
            return schema.NO_DISPLACEMENT
        return wiring.DISPLACEMENT_ZERO_UM + (counts * wiring.DISPLACEMENT_SPAN_UM >> 12)


class PicoBoard(Board):
    """The controller's hardware. Outputs are safe from the first line on."""

    def __init__(self):
        self._lamp = Pin(wiring.LAMP_PIN, Pin.OUT, value=0)
        self._pump = PWM(Pin(wiring.PUMP_PIN), freq=wiring.VALVE_HZ, duty_u16=0)
        self._release = PWM(Pin(wiring.RELEASE_PIN), freq=wiring.VALVE_HZ, duty_u16=0)
        self._pump_duty = 0
        self._release_duty = 0
        self._emergency_stop = Pin(wiring.EMERGENCY_STOP_PIN, Pin.IN, Pin.PULL_UP)
        self._guard = Pin(wiring.GUARD_PIN, Pin.IN, Pin.PULL_UP)
        self._button = Pin(wiring.BUTTON_PIN, Pin.IN, Pin.PULL_UP)
        self._adc, adc_name = _open_adc()
        # Bound once: a bound method is an allocation, and the tick may not make any.
        self.read_raw = self._adc.read
        self._port = open_port()
        self.receive_into = self._port.receive_into
        self.send = self._port.send
        self._beat = None
        self._watchdog = None

        self.name = "pico2" if "RP2350" in os.uname().machine else "pico"
        self.simulated = not Pin(wiring.SIMULATED_PIN, Pin.IN, Pin.PULL_UP).value()
        self.unique_id = machine.unique_id()
        self.reset_cause = _reset_cause()
        self.capabilities = (
            schema.CAP_EMERGENCY_STOP
            | schema.CAP_GUARD
            | schema.CAP_WATCHDOG
            | schema.CAP_PERSISTENT_PROFILE
        )
        if wiring.DISPLACEMENT_PIN >= 0:
            self.read_displacement = DisplacementGauge(wiring.DISPLACEMENT_PIN).read
            self.capabilities |= schema.CAP_DISPLACEMENT
        self.ring_records = 4096
        version = ".".join(str(part) for part in sys.implementation.version[:3])
        # Which of the features that differ were found; `start_tick` adds the beat.
        self.python = "MicroPython " + version + " " + adc_name + " " + self._port.name
        self.build = BUILD
        if _FOLDER[1:] not in os.listdir("/"):
            os.mkdir(_FOLDER)

    # --- the board interface; what it says of each call stands in pressloop_fw.hal

    def read_inputs(self):
        inputs = 0
        if self._emergency_stop.value():
            inputs = schema.INPUT_EMERGENCY_STOP
        if self._guard.value():
            inputs |= schema.INPUT_GUARD_OPEN
        if not self._button.value():
            inputs |= schema.INPUT_BUTTON
        return inputs

    def set_pump(self, opening):
        # Writing a duty costs more than asking whether it is the same; at rest it always is.
        if opening != self._pump_duty:
            self._pump_duty = opening
            self._pump.duty_u16(opening << 1 | opening >> 14)
        self._lamp.value(self._pump_duty or self._release_duty)

    def set_release(self, opening):
        duty = _FULL - opening
        if duty != self._release_duty:
            self._release_duty = duty
            self._release.duty_u16(duty << 1 | duty >> 14)
        self._lamp.value(self._pump_duty or self._release_duty)

    def safe(self):
        # Written every time, whatever was written last.
        self._pump_duty = 0
        self._release_duty = 0
        self._pump.duty_u16(0)
        self._release.duty_u16(0)
        self._lamp.value(0)

    def start_tick(self, tick):
        micropython.alloc_emergency_exception_buf(100)
        # From here on Ctrl-C is a byte like any other, which `interrupt` looks at.
        _interrupt_on(-1)
        self._watchdog = WDT(timeout=_WATCHDOG_MS)
        self._beat = Beat(schema.TICK_HZ, tick, wiring.BEAT_PIN)
        self.take_missed_ticks = self._beat.take_missed
        self.python += " " + self._beat.name

    def load(self, name):
        try:
            with open(_FOLDER + "/" + name, "rb") as file:
                return file.read()
        except OSError:
            return None

    def store(self, name, data):
        path = _FOLDER + "/" + name
        with open(path + ".new", "wb") as file:
            file.write(data)
        # littlefs replaces the old file in one step.
        os.rename(path + ".new", path)

    def feed_watchdog(self):
        if self._watchdog:
            self._watchdog.feed()

    def idle(self):
        _wait_for_interrupt()

    def interrupt(self):
        """Ctrl-C at rest: end the program, which leaves the port to MicroPython's prompt."""
        raise KeyboardInterrupt

    def stop(self):
        """Safe outputs, no beat, no watchdog: what a person at the prompt finds."""
        if self._beat:
            self._beat.stop()
        self.safe()
        machine.mem32[_CTRL_CLEAR_BITS] = _CTRL_ENABLE
        _interrupt_on(_CTRL_C)


def main():
    """Run the controller until a person interrupts it at rest."""
    board = PicoBoard()
    try:
        App(board).run()
    except KeyboardInterrupt:
        print("Pressloop is stopped and its outputs are safe. Ctrl-D starts it again.")
    finally:
        board.stop()


def _interrupt_on(byte):
    # A MicroPython without it interrupts on no byte: there Ctrl-C is one like any other already.
    if hasattr(micropython, "kbd_intr"):
        micropython.kbd_intr(byte)


def _open_adc():
    i2c = I2C(
        wiring.I2C_ID,
        sda=Pin(wiring.I2C_SDA),
        scl=Pin(wiring.I2C_SCL),
        freq=wiring.I2C_HZ,
        timeout=wiring.I2C_TIMEOUT_US,
    )
    try:
        return Ads1115(i2c, wiring.ADS1115_ADDRESS), "ads1115"
    except OSError:
        return InternalAdc(wiring.ADC_PIN), "adc"


def _reset_cause():
    reason = machine.mem32[_REASON]
    if reason & _REASON_TIMEOUT:
        return schema.RESET_WATCHDOG
    if reason & _REASON_FORCED:
        return schema.RESET_HARD
    return schema.RESET_POWER_ON
