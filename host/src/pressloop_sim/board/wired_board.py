"""What wrong wires make of the emulated board's outputs, readings and inputs.

On the emulated Pico the pins of the chip are wired the same way; see `field_wiring`.
"""

from pressloop_sim.board.deadman import DeadmanCircuit
from pressloop_sim.board.field_wiring import (
    AUXILIARY_FULL,
    BUTTON,
    BUZZER,
    CONTACTOR,
    DEADMAN,
    DUMP,
    EMERGENCY_STOP,
    GUARD,
    LAMP,
    PRESSURE,
    PUMP,
    RELEASE,
    SECOND_PRESSURE,
    VESSEL_PRESSURE,
    FieldWiring,
)

# What the converter of a load cell reads at its limit, and what a cut wire of each sensor on the
# third analogue terminal gives.
_CELL_LIMIT = 0x7FFFFF
_CUT_DISPLACEMENT = 0
_CUT_THERMISTOR = AUXILIARY_FULL
# Bits of the firmware's inputs, with the contacts and the level that sets each of them.
_INPUTS = ((1, EMERGENCY_STOP, True), (2, GUARD, True), (4, BUTTON, False))


class WiredBoard:
    """The emulated board's terminals.

    Attributes:
        wiring: The wires.
        inputs: The firmware's input bits, as the contacts and the wires give them.
        stands: Whether the firmware shows that there is pressure.
        duties: Duties of the outputs by terminal.
    """

    def __init__(self, wiring: FieldWiring) -> None:
        """Start with all outputs off."""
        self.wiring = wiring
        self.inputs = 0
        self.stands = False
        self.duties = dict.fromkeys((PUMP, RELEASE, DUMP, CONTACTOR, LAMP, BUZZER, DEADMAN), 0.0)
        self._deadman = DeadmanCircuit()

    def set_duties(self, pump: float, release: float, edged: bool, controls: bool) -> None:
        """Take the outputs of a tick: openings 0..1, and whether the deadman output had an edge.

        `controls` says whether contactor and on/off release have their outputs on.
        """
        duties = self.duties
        duties[PUMP] = pump
        duties[RELEASE] = 1.0 - release
        duties[LAMP] = 1.0 if pump or release < 1.0 or self.stands else 0.0
        duties[DEADMAN] = 0.5 if edged else 0.0
        duties[CONTACTOR] = duties[DUMP] = 1.0 if controls else 0.0

    def sound(self, on: bool) -> None:
        """Take the output of the buzzer."""
        self.duties[BUZZER] = 1.0 if on else 0.0

    def openings(self, supplied: bool) -> "tuple[float, float, float]":
        """Return how far the valves are commanded open for a tick, as `FieldWiring.openings`."""
        if self.wiring.deadman_is_fed(self.duties):
            self._deadman.edge()
        powered = self._deadman.powered
        self._deadman.tick()
        return self.wiring.openings(self.duties, supplied and powered)

    def readings(self, first: int, second: int) -> "tuple[int, int]":
        """Return the counts at both analog terminals, from those of both transducers."""
        wiring = self.wiring
        return (
            wiring.counts(PRESSURE, first, second),
            wiring.counts(SECOND_PRESSURE, first, second),
        )

    def displacement_um(self, own_um: int, low: int, span_um: int, nothing: int) -> int:
        """Return the reading of the displacement, um.

        Args:
            own_um: That of the sensor.
            low: Counts below which the firmware takes it for no reading.
            span_um: Displacement over the whole range of the converter.
            nothing: Number that means no reading.
        """
        counts = self.wiring.stray_auxiliary(_CUT_DISPLACEMENT)
        if counts is None:
            return own_um
        return nothing if counts < low else counts * span_um >> 12

    def oil_temperature_counts(self, own: int) -> int:
        """Return the reading of the oil's thermistor, which gives `own` counts itself."""
        counts = self.wiring.stray_auxiliary(_CUT_THERMISTOR)
        return own if counts is None else counts

    def cell_counts(self, own: int) -> int:
        """Return the reading of the load cell, which gives `own` counts itself."""
        return self.wiring.cell_counts(own, _CELL_LIMIT)

    def read_inputs(self, bits: int) -> None:
        """Set `inputs` from the bits that right wires would give."""
        wiring = self.wiring
        for bit, contact, _level in _INPUTS:
            wiring.operated[contact] = bool(bits & bit)
        inputs = 0
        for bit, terminal, level in _INPUTS:
            if wiring.is_high(terminal) == level:
                inputs |= bit
        self.inputs = inputs

    def has_lid_pressure(self, pressure: bool) -> bool:
        """Return what the input of a vessel's lid reads, which has pressure under it or not."""
        self.wiring.operated[VESSEL_PRESSURE] = pressure
        return self.wiring.is_high(VESSEL_PRESSURE)

    def seen(self, powered: bool) -> "dict[str, object]":
        """Return what a person at the press sees and hears, as `FieldWiring.seen`."""
        return self.wiring.seen(self.duties, powered)

    @property
    def powered(self) -> bool:
        """Whether the deadman circuit supplies the coils, by what it gets over wrong wires."""
        return self._deadman.powered
