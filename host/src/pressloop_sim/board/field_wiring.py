"""The wires between the controller's terminals and the devices of the press, right or wrong.

A terminal belongs to the board, a device to the press; both have the same names, and with right
wires each device is on the terminal of its name. What a wrong wire does:

- An input with a pull-up reads low only with a path to ground: a contact that is closed, or the
  coil or the lamp of another place. A transducer, the deadman circuit's input and nothing at all
  read high.
- A terminal with a shunt reads the current of the transducer on it, and 0 with anything else.
- An output drives what is connected to it: a coil and a lamp by its duty, the deadman circuit by
  its edges. An input drives nothing.
- The coils have a supply while the deadman circuit gets edges.
"""

PRESSURE = "pressure"
SECOND_PRESSURE = "second_pressure"
PUMP = "pump"
RELEASE = "release"
EMERGENCY_STOP = "emergency_stop"
GUARD = "guard"
BUTTON = "button"
LAMP = "lamp"
DEADMAN = "deadman"
# On an isostatic vessel alone.
VESSEL_PRESSURE = "vessel_pressure"
TERMINALS = (
    PRESSURE,
    SECOND_PRESSURE,
    PUMP,
    RELEASE,
    EMERGENCY_STOP,
    GUARD,
    BUTTON,
    LAMP,
    DEADMAN,
)
CONTACTS = (EMERGENCY_STOP, GUARD, BUTTON, VESSEL_PRESSURE)

_DEVICES = TERMINALS + (VESSEL_PRESSURE,)

_NOTHING = ""
_GROUND = "ground"
# Contacts that are closed at rest; the button is open.
_NORMALLY_CLOSED = (EMERGENCY_STOP, GUARD, VESSEL_PRESSURE)
_LOADS = (PUMP, RELEASE, LAMP)
# Edges that follow each other faster than the deadman circuit drops out.
_EDGES = (PUMP, RELEASE, DEADMAN)


class FieldWiring:
    """Which device is on which terminal, and what else is wrong between them.

    Attributes:
        right: Whether all is as it should be; a loop need not ask for more then.
        operated: Which contacts a person operates now.
        inverted: Contacts of the other kind: closed where an open one belongs, or open where a
            closed one does.
        shunt: The shunt of the first transducer, as a share of the right one.
        floats: Whether the wire of the first transducer's signal is off, and picks up noise.
        converter: Whether the external converter is on its bus.
        release_needs_current: Whether the release valve is one that opens with current.
        pump_motor: Whether the motor of the pump runs.
        lid_plug: Whether the plug of the switch at a vessel's lid is in.
        first_plug: Whether the plug of the first transducer is in.
        farthest_mm: How far the ram has come out with these wires.
        pump_seen: The most current that the coil of the pump valve had since the last look, as a
            share of time; a person who watches a coil sees a short pulse, too.
        release_seen: The same of the coil of the release valve.
    """

    def __init__(self) -> None:
        """Start with right wires."""
        self.operated = dict.fromkeys(CONTACTS, False)
        self.pump_motor = True
        self.lid_plug = True
        self.first_plug = True
        self._wander = 1
        self.mend()
        self.look()

    def mend(self) -> None:
        """Undo every wrong wire."""
        self._on = {terminal: terminal for terminal in _DEVICES}
        self.inverted: set[str] = set()
        self.shunt = 1.0
        self.floats = False
        self.converter = True
        self.release_needs_current = False
        self.farthest_mm = 0.0
        self.right = True

    def look(self) -> None:
        """Begin to watch the coils: forget the current that was seen before."""
        self.pump_seen = 0.0
        self.release_seen = 0.0

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
        device = self._on[terminal]
        if device in CONTACTS:
            return not self._closed(device)
        return device not in _LOADS and device != _GROUND

    def counts(self, terminal: str, first: int, second: int) -> int:
        """Return the counts of an analog terminal.

        Args:
            terminal: `PRESSURE` or `SECOND_PRESSURE`.
            first: What the first transducer gives on a right shunt.
            second: The same of the second one.
        """
        device = self._on[terminal]
        if device not in (PRESSURE, SECOND_PRESSURE):
            return 0
        if device == PRESSURE and not self.first_plug:
            return 0
        counts = first if device == PRESSURE else second
        if terminal == PRESSURE and self.shunt != 1.0:
            counts = int(counts * self.shunt)
        if terminal == PRESSURE and self.floats:
            return self._floating()
        return counts

    def drive(self, device: str, duties: "dict[str, float]") -> float:
        """Return the share of time that a coil or the lamp is driven, 0..1.

        `duties` are the duties of the outputs by their terminals; 0.5 for one that only toggles.
        """
        return duties.get(self.terminal(device), 0.0)

    def openings(self, duties: "dict[str, float]", powered: bool) -> "tuple[float, float]":
        """Return how far the valves are commanded open, 0..1: pump, release.

        `powered` says whether the coils have a supply. Without its motor the pump delivers nothing.
        """
        pump = self.drive(PUMP, duties) if powered else 0.0
        current = self.drive(RELEASE, duties) if powered else 0.0
        if pump > self.pump_seen:
            self.pump_seen = pump
        if current > self.release_seen:
            self.release_seen = current
        if not self.pump_motor:
            pump = 0.0
        return pump, current if self.release_needs_current else 1.0 - current

    def deadman_is_fed(self, duties: "dict[str, float]") -> bool:
        """Return whether the deadman circuit gets edges, from outputs with these duties."""
        terminal = self.terminal(DEADMAN)
        return terminal in _EDGES and 0.0 < duties.get(terminal, 0.0) < 1.0

    def note_ram(self, mm: float) -> None:
        """Note where the ram is."""
        if mm > self.farthest_mm:
            self.farthest_mm = mm

    def look_over(self) -> None:
        """Note whether every wire is right, after a change of any of them."""
        self.right = self.first_plug and not (
            self.inverted
            or self.floats
            or self.release_needs_current
            or self.shunt != 1.0
            or not self.converter
            or any(terminal != device for terminal, device in self._on.items())
        )

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
    if terminal not in _DEVICES:
        raise ValueError("terminals: " + ", ".join(_DEVICES))


def rewire(wiring: FieldWiring, command: "dict[str, object]") -> None:
    """Carry out a command of the control port, as a person with a screwdriver would.

    Keys: `mend` true, before all others; `look` true, to watch the coils from now on; `swap` two
    terminals; `cut` or `bridge` a terminal; `invert` a contact; `shunt` a number; `floats`,
    `converter`, `release_needs_current`, `pump_motor`, `lid_plug` and `first_plug` true or false.

    Raises:
        ValueError: The command is none of these.
    """
    # First, as MicroPython does not keep the order of the keys.
    if command.get("mend") is True:
        wiring.mend()
    for key, value in command.items():
        if key == "mend" and value is True:
            continue
        if key == "look" and value is True:
            wiring.look()
        elif key == "swap" and isinstance(value, list) and len(value) == 2:
            wiring.swap(str(value[0]), str(value[1]))
        elif key == "cut" and isinstance(value, str):
            wiring.cut(value)
        elif key == "bridge" and isinstance(value, str):
            wiring.bridge(value)
        elif key == "invert" and value in CONTACTS:
            wiring.inverted.add(str(value))
        elif key == "shunt" and isinstance(value, (int, float)) and not isinstance(value, bool):
            wiring.shunt = float(value)
        elif key in _SWITCHES and isinstance(value, bool):
            setattr(wiring, key, value)
        else:
            raise ValueError(
                "wiring: mend, look, swap, cut, bridge, invert, shunt, " + ", ".join(_SWITCHES)
            )
        wiring.look_over()


_SWITCHES = (
    "floats",
    "converter",
    "release_needs_current",
    "pump_motor",
    "lid_plug",
    "first_plug",
)
