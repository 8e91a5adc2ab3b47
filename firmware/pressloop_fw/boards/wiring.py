"""Wiring of the reference controller: a Raspberry Pi Pico or Pico 2 on its carrier board.

All pins and addresses, and the electrical facts behind them, stand here and nowhere else.
"""

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const


# Pressure transducer: 4-20 mA over a 150 ohm shunt, into AIN0 of an ADS1115.
I2C_ID = const(0)
I2C_SDA = const(4)
I2C_SCL = const(5)
I2C_HZ = const(400000)
# A byte takes 23 us. A bus that hangs must not take more than a tenth of the tick's 10 ms.
I2C_TIMEOUT_US = const(1000)
ADS1115_ADDRESS = const(0x48)
# The same shunt on the chip's own converter, used when no ADS1115 answers at power-on. By its
# pull-down an unconnected pin reads as a broken transducer.
ADC_PIN = const(26)

# Second pressure transducer: 4-20 mA over a 150 ohm shunt of its own into the chip's own converter,
# a path without the ADS1115 and its bus; -1 where there is no place for one. It takes part as soon
# as the machine profile describes it. By its pull-down an unconnected pin reads as a broken one.
SECOND_ADC_PIN = const(28)

# Valve coils, driven high. The pump valve opens with the duty. The release valve is normally open
# and shuts with the duty, so that a board without power or in reset releases the pressure. Both are
# on one PWM slice, the pump on its even pin, so that one write sets both.
PUMP_PIN = const(16)
RELEASE_PIN = const(17)
VALVE_HZ = const(1000)

# Contacts to ground with the chip's pull-up. Emergency stop and guard are normally closed: with a
# cut wire they read as pressed and as open. The button is normally open.
EMERGENCY_STOP_PIN = const(18)
GUARD_PIN = const(19)
BUTTON_PIN = const(20)

# Displacement sensor between the platens: 0 to 3.3 V into the chip's own converter, pin 27;
# -1 without a sensor. A value below DISPLACEMENT_LOW of the converter's 4095 counts is no reading;
# by the pull-down that is also what a cut wire gives.
DISPLACEMENT_PIN = const(-1)
DISPLACEMENT_LOW = const(40)
# Displacement at 0 V and over the whole range of 3.3 V, um. The sum must be below 65535.
DISPLACEMENT_ZERO_UM = const(0)
DISPLACEMENT_SPAN_UM = const(25000)

# Edges for the deadman circuit, 100 a second in a run. Without an edge for 50 ms it cuts the supply
# of both coils: the pump valve shuts, the release valve opens. It must react to edges, not to the
# level, because a chip that hangs can hold either: a retriggerable monostable such as a 74HC123,
# whose output drives the coils' relay. Without such a circuit nothing is connected.
DEADMAN_PIN = const(14)

# Lamp, lit while the press is under pressure and while a coil has current: it may move.
LAMP_PIN = const(21)

# Makes the 100 Hz tick where MicroPython has no hard timer. Nothing may be connected to it.
TICK_PIN = const(22)

# Connected to ground where a simulator replaces the press: the controller then reports itself as
# simulated, so that no run on it can pass for a real one. On a press nothing is connected.
SIMULATED_PIN = const(15)
