"""Wiring of the controller: a Raspberry Pi Pico, Pico 2 or Pico W on its carrier board.

Written by host/tools/hardware_docs.py from host/src/pressloop/hardware/boards.py; change it there.
docs/hardware/wiring.md shows it.
"""

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# Bus of the pressure converters: ADS1115 of the first transducer, and of the second one if it has
# one.
I2C_ID = const(0)
I2C_SDA = const(4)
I2C_SCL = const(5)
I2C_HZ = const(400000)
# A byte takes 23 us. A bus that hangs must not take more than a tenth of the tick's 10 ms.
I2C_TIMEOUT_US = const(1000)
# ADS1115: first transducer; ADDR to ground.
ADS1115_ADDRESS = const(0x48)
# ADS1115: second transducer; ADDR to VDD.
SECOND_ADS1115_ADDRESS = const(0x49)

# Bus of the load cell's converter, an NAU7802. It is no other converter's, so that its readings
# never wait for each other.
CELL_I2C_ID = const(1)
CELL_I2C_SDA = const(2)
CELL_I2C_SCL = const(3)
CELL_I2C_HZ = const(400000)
# A byte takes 23 us. A bus that hangs must not take more than a tenth of the tick's 10 ms.
CELL_I2C_TIMEOUT_US = const(1000)
# NAU7802: load cell.
NAU7802_ADDRESS = const(0x2A)

# First transducer on the chip's own converter, used when no ADS1115 answers at power-on. By its
# pull-down an unconnected pin reads as a broken transducer.
ADC_PIN = const(26)

# Second pressure transducer on the chip's own converter, a path without the sensor bus; -1 where
# there is no place for one. It takes part as soon as the machine profile describes it. By its
# pull-down an unconnected pin reads as a broken one.
SECOND_ADC_PIN = const(28)

# Clock of an HX711, the other converter for a load cell.
HX711_CLOCK_PIN = const(6)

# Data of the HX711: low when there is a new reading.
HX711_DATA_PIN = const(7)

# Pump valve, driven high: it opens with the duty. On one PWM slice with the release valve, the
# pump on its even pin, so that one write sets both.
PUMP_PIN = const(16)

# Release valve, driven high. It is normally open and shuts with the duty, so that a board without
# power or in reset releases the pressure.
RELEASE_PIN = const(17)

# On/off release valve, normally open, where the proportional one is too small to empty the press:
# shut while the controller controls, open at rest and after a fault. Without such a valve nothing
# is connected.
DUMP_PIN = const(12)

# Contactor of the pump motor: on while the controller controls, off at rest and after a fault, so
# that a pump valve that is stuck open ends with the motor.
CONTACTOR_PIN = const(11)

# Contact to ground with the chip's pull-up, normally closed: a cut wire reads as pressed.
EMERGENCY_STOP_PIN = const(18)

# Contact to ground with the chip's pull-up, closed while the guard is shut: a cut wire reads as
# open.
GUARD_PIN = const(19)

# Contact to ground with the chip's pull-up, normally open. It ends a run, and allows a change of
# the limits.
BUTTON_PIN = const(20)

# On an isostatic vessel: contact to ground with the chip's pull-up, of a pressure switch that
# opens above 0.1 MPa, which no transducer for 200 MPa tells from zero. A cut wire reads as
# pressure. Counts where the machine profile has the switch; elsewhere nothing is connected.
VESSEL_PRESSURE_PIN = const(13)

# Displacement sensor between the platens, or a thermistor in the oil, on the chip's own converter:
# which of both, the machine profile says. Without either nothing is read.
AUXILIARY_PIN = const(27)

# Edges for the deadman circuit, 100 a second in a run. Without an edge for 50 ms it cuts the
# supply of both coils: the pump valve shuts, the release valve opens. It must react to edges, not
# to the level, because a chip that hangs can hold either: a retriggerable monostable such as a
# 74HC123, whose output drives the coils' relay. Without such a circuit nothing is connected.
DEADMAN_PIN = const(14)

# Lamp, lit while the press is under pressure and while a coil has current: it may move.
LAMP_PIN = const(21)

# Buzzer: on and off in turn while a fault is latched and there is pressure, for a moment every
# four seconds while the operator is asked.
BUZZER_PIN = const(10)

# Makes the 100 Hz tick where MicroPython has no hard timer. Nothing may be connected to it.
TICK_PIN = const(22)

# Connected to ground where a simulator replaces the press: the controller then reports itself as
# simulated, so that no run on it can pass for a real one. On a press nothing is connected.
SIMULATED_PIN = const(15)

# Frequency of both valves' PWM.
VALVE_HZ = const(1000)

# A value of the displacement sensor below this, of the converter's 4095 counts, is no reading; by
# the pull-down that is also what a cut wire gives.
DISPLACEMENT_LOW = const(40)

# Displacement at 0 V, um.
DISPLACEMENT_ZERO_UM = const(0)

# Displacement over the whole range of 3.3 V, um. With the zero below 65535.
DISPLACEMENT_SPAN_UM = const(25000)
