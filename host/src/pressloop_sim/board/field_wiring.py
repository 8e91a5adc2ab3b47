"""The wires between the controller's terminals and the devices of the press, right or wrong.

A terminal belongs to the board, a device to the press; both have the same names, and with right
wires each device is on the terminal of its name. What a wrong wire does:

- An input with a pull-up reads low only with a path to ground: a contact that is closed, or the
  coil or the lamp of another place. A transducer, the deadman circuit's input and nothing at all
  read high.
- A terminal with a shunt reads the current of the transducer on it, the voltage of a load cell's
  bridge, and 0 with anything else.
- The third analogue terminal reads its own sensor, the voltage of a bridge, full scale with a
  transducer's current, 0 with a path to ground, and else what its sensor's cut wire gives.
- The load cell's converter reads its limit with anything but the cell.
- An output drives what is connected to it: a coil, a lamp and a buzzer by its duty, the deadman
  circuit by its edges. An input drives nothing.
- The valves' coils have a supply while the deadman circuit gets edges. The pump delivers while its
  motor's own switch is on and its contactor has pulled in.
"""

PRESSURE = "pressure"
SECOND_PRESSURE = "second_pressure"
PUMP = "pump"
RELEASE = "release"
DUMP = "dump"
CONTACTOR = "contactor"
DEADMAN = "deadman"
EMERGENCY_STOP = "emergency_stop"
GUARD = "guard"
BUTTON = "button"
LAMP = "lamp"
BUZZER = "buzzer"
AUXILIARY = "auxiliary"
LOAD_CELL = "load_cell"
# On an isostatic vessel alone.
VESSEL_PRESSURE = "vessel_pressure"
TERMINALS = (
    PRESSURE,
    SECOND_PRESSURE,
    PUMP,
    RELEASE,
    DUMP,
    CONTACTOR,
    DEADMAN,
    EMERGENCY_STOP,
    GUARD,
    BUTTON,
    LAMP,
    BUZZER,
    AUXILIARY,
    LOAD_CELL,
    VESSEL_PRESSURE,
)
CONTACTS = (EMERGENCY_STOP, GUARD, BUTTON, VESSEL_PRESSURE)
# Largest reading of the chip's own converter, counts of 3.3 V / 4096.
AUXILIARY_FULL = 4095

_NOTHING = ""
_GROUND = "ground"
# Contacts that are closed at rest; the button is open.
_NORMALLY_CLOSED = (EMERGENCY_STOP, GUARD, VESSEL_PRESSURE)
_TRANSDUCERS = (PRESSURE, SECOND_PRESSURE)
# Pull an input with a pull-up low: a load, a thermistor, and the output of a displacement sensor at
# the begin of its range. In one tuple: the tick asks, and must not build one.
_LEAD_TO_GROUND = (PUMP, RELEASE, DUMP, CONTACTOR, LAMP, BUZZER, AUXILIARY, _GROUND)
# The signal wire of a load cell's bridge: 1.5 V behind 175 Ohm, half of its supply of 3.0 V. On the
# shunt of 150 Ohm of a transducer these are 0.69 V; counts of 125 uV, and of 3.3 V / 4096.
_BRIDGE_ON_SHUNT = 5540
_BRIDGE_ON_AUXILIARY = 1862
# Push of a hand on the load cell.
_HAND_N = 200.0
# Edges that follow each other faster than the deadman circuit drops out.
_EDGES = (PUMP, RELEASE, DEADMAN)


class FieldWiring:
    """Which device is on which terminal, and what else is wrong between them.

    Attributes:
        right: Whether all is as it should be; a loop need not ask for more then.
        operated: Which contacts a person operates now.
        inverted: Contacts of the other kind: closed where an open one belongs, or open where a
            closed one does; a load cell whose two signal wires are exchanged.
        shunt: The shunt of the first transducer, as a share of the right one.
        floats: Whether the wire of the first transducer's signal is off, and picks up noise.
        converter: Whether the external converter is on its bus.
        release_needs_current: Whether the release valve is one that opens with current.
        pump_motor: Whether the motor of the pump is switched on at its own switch.
        lid_plug: Whether the plug of the switch at a vessel's lid is in.
        first_plug: Whether the plug of the first transducer is in.
        auxiliary_plug: Whether the plug of the sensor on the third analogue terminal is in.
        hand_on_cell: Whether a hand presses on the load cell.
        farthest_mm: How far the ram has come out with these wires.
        pump_seen: The most current that the coil of the pump valve had since the last look, as a
            share of time; a person who watches a coil sees a short pulse, too.
        release_seen: The same of the coil of the release valve.
        buzzer_seen: Whether the buzzer has sounded since the last look.
    """

    def __init__(self) -> None:
        """Start with right wires."""
        self.operated = dict.fromkeys(CONTACTS, False)
        self.pump_motor = True
        self.lid_plug = True
        self.first_plug = True
        self.auxiliary_plug = True
        self.hand_on_cell = False
        self._wander = 1
        self.mend()
        self.look()

    def mend(self) -> None:
        """Undo every wrong wire."""
        self._on = {terminal: terminal for terminal in TERMINALS}
        self.inverted: set[str] = set()
        self.shunt = 1.0
        self.floats = False
        self.converter = True
        self.release_needs_current = False
        self.farthest_mm = 0.0
        self.right = True

    def look(self) -> None:
        """Begin to watch coils and buzzer: forget what was seen and heard before."""
        self.pump_seen = 0.0
        self.release_seen = 0.0
        self.buzzer_seen = False

    def swap(self, one: str, other: str) -> None:
        """Exchange what is on two terminals.

        Raises:
            ValueError: There is no such terminal.
        """
        _require(one)
        _require(other)
        self._on[one], self._on[other] = self._on[other], self._on[one]

    def cut(self, terminal: str) -> None:
        """Take the wire off a terminal.

        Raises:
            ValueError: There is no such terminal.
        """
        _require(terminal)
        self._on[terminal] = _NOTHING

    def bridge(self, terminal: str) -> None:
        """Connect a terminal to ground instead of its device, such as by a forgotten jumper.

        Raises:
            ValueError: There is no such terminal.
        """
        _require(terminal)
        self._on[terminal] = _GROUND

    def device(self, terminal: str) -> str:
        """Return the device on a terminal, "" if there is none."""
        return self._on[terminal]

    def terminal(self, device: str) -> str:
        """Return the terminal that a device is on, "" if it is on none."""
        for terminal, there in self._on.items():
            if there == device:
                return terminal
        return _NOTHING

    def is_high(self, terminal: str) -> bool:
        """Return the level of an input with a pull-up."""
        return not self._leads_to_ground(self._on[terminal])

    def counts(self, terminal: str, first: int, second: int) -> int:
        """Return the counts of an analog terminal.

        Args:
            terminal: `PRESSURE` or `SECOND_PRESSURE`.
            first: What the first transducer gives on a right shunt.
            second: The same of the second one.
        """
        device = self._on[terminal]
        if device == LOAD_CELL:
            return _BRIDGE_ON_SHUNT
        if device not in _TRANSDUCERS:
            return 0
        if device == PRESSURE and not self.first_plug:
            return 0
        counts = first if device == PRESSURE else second
        if terminal == PRESSURE and self.shunt != 1.0:
            counts = int(counts * self.shunt)
        if terminal == PRESSURE and self.floats:
            return self._floating()
        return counts

    def stray_auxiliary(self, cut: int) -> "int | None":
        """Return what the third analogue terminal reads without its own sensor, counts 0..4095.

        None: its own sensor is on it. `cut` are the counts that a cut wire of this sensor gives.
        """
        device = self._on[AUXILIARY]
        if device == AUXILIARY:
            return None if self.auxiliary_plug else cut
        if device == LOAD_CELL:
            return _BRIDGE_ON_AUXILIARY
        if device in _TRANSDUCERS:
            return AUXILIARY_FULL
        return 0 if self._leads_to_ground(device) else cut

    def cell_counts(self, own: int, limit: int) -> int:
        """Return what the load cell's converter reads, counts.

        `own` are those of the cell, `limit` the largest ones of the converter.
        """
        if self._on[LOAD_CELL] != LOAD_CELL:
            return limit
        return -own if LOAD_CELL in self.inverted else own

    @property
    def hand_n(self) -> float:
        """Force of a hand on the load cell, N."""
        return _HAND_N if self.hand_on_cell else 0.0

    def drive(self, device: str, duties: "dict[str, float]") -> float:
        """Return the share of time that a coil, a lamp or a buzzer is driven, 0..1.

        `duties` are the duties of the outputs by their terminals; 0.5 for one that only toggles.
        """
        return duties.get(self.terminal(device), 0.0)

    def openings(self, duties: "dict[str, float]", powered: bool) -> "tuple[float, float, float]":
        """Return how far the valves are commanded open, 0..1: pump, release, on/off release.

        `powered` says whether the coils have a supply. Without its motor the pump delivers nothing.
        """
        pump = self.drive(PUMP, duties) if powered else 0.0
        current = self.drive(RELEASE, duties) if powered else 0.0
        on_off = self.drive(DUMP, duties) if powered else 0.0
        if pump > self.pump_seen:
            self.pump_seen = pump
        if current > self.release_seen:
            self.release_seen = current
        if self.drive(BUZZER, duties):
            self.buzzer_seen = True
        if not self.pump_motor or not self.drive(CONTACTOR, duties):
            pump = 0.0
        shut = 1.0 if on_off else 0.0
        return pump, current if self.release_needs_current else 1.0 - current, 1.0 - shut

    def deadman_is_fed(self, duties: "dict[str, float]") -> bool:
        """Return whether the deadman circuit gets edges, from outputs with these duties."""
        terminal = self.terminal(DEADMAN)
        return terminal in _EDGES and 0.0 < duties.get(terminal, 0.0) < 1.0

    def seen(self, duties: "dict[str, float]", powered: bool) -> "dict[str, object]":
        """Return what a person sees and hears: current in the coils, contactor, lamp, buzzer."""
        return {
            "pump_coil": self.drive(PUMP, duties) if powered else 0.0,
            "release_coil": self.drive(RELEASE, duties) if powered else 0.0,
            "pump_coil_seen": self.pump_seen,
            "release_coil_seen": self.release_seen,
            "on_off_release_shut": powered and self.drive(DUMP, duties) > 0.0,
            "contactor": self.drive(CONTACTOR, duties) > 0.0,
            "lamp": self.drive(LAMP, duties) > 0.0,
            "buzzer": self.drive(BUZZER, duties) > 0.0,
            "buzzer_seen": self.buzzer_seen,
            "farthest_mm": self.farthest_mm,
        }

    def note_ram(self, mm: float) -> None:
        """Note where the ram is."""
        if mm > self.farthest_mm:
            self.farthest_mm = mm

    def look_over(self) -> None:
        """Note whether every wire is right, after a change of any of them."""
        plugged = self.first_plug and self.auxiliary_plug
        self.right = plugged and not (
            self.inverted
            or self.floats
            or self.release_needs_current
            or self.shunt != 1.0
            or not self.converter
            or any(terminal != device for terminal, device in self._on.items())
        )

    def _leads_to_ground(self, device: str) -> bool:
        """Return whether a device pulls an input with a pull-up low."""
        if device in CONTACTS:
            return self._closed(device)
        return device in _LEAD_TO_GROUND

    def _closed(self, contact: str) -> bool:
        if contact == VESSEL_PRESSURE and not self.lid_plug:
            return False
        closed = (contact in _NORMALLY_CLOSED) != self.operated[contact]
        return closed != (contact in self.inverted)

    def _floating(self) -> int:
        """Return the counts of an input without a source: hum and drift, within the range."""
        self._wander = (self._wander * 1103515245 + 12345) & 0x7FFFFFFF
        return 5200 + (self._wander >> 16) % 4000


def _require(terminal: str) -> None:
    if terminal not in TERMINALS:
        raise ValueError("terminals: " + ", ".join(TERMINALS))
