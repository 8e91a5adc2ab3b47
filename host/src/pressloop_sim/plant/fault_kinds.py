"""Lists every kind of fault that an emulated press can be given; reads `KIND[=VALUE][@SECONDS]`.

This is the one list: docs/faults.md, the command line and the control port take their kinds from
it. Seconds are press time since the start of the run. Values are plain numbers in the unit of the
kind; MPa are on the pellet. What a broken part does is in the module of its group.
"""

SENSOR = "sensor"
SECOND = "second"
VALVE = "valve"
HYDRAULIC = "hydraulic"
VESSEL = "vessel"
BOARD = "board"
CONTACT = "contact"
LINK = "link"
HOST = "host"

# Where a kind can be injected: on the emulated board, on the emulated Pico.
EMULATED = "emulated"
PICO = "emulated:pico"
_BOTH = (EMULATED, PICO)
_EMULATED_ONLY = (EMULATED,)

_MAX_AT_S = 1e6


class FaultKind:
    """One kind of fault.

    `unit` is the name of its value, "" for a kind without one; the value lies between `low` and
    `high`. `at_start` says that the fault exists from the start of a run or not at all. `boards`
    are the ports that it can be injected on.
    """

    def __init__(
        self,
        name: str,
        group: str,
        what: str,
        unit: str = "",
        low: float = 0.0,
        high: float = 0.0,
        at_start: bool = False,
        boards: tuple[str, ...] = _BOTH,
    ) -> None:
        """Describe a kind; `what` is a sentence without its full stop."""
        self.name = name
        self.group = group
        self.what = what
        self.unit = unit
        self.low = low
        self.high = high
        self.at_start = at_start
        self.boards = boards

    @property
    def form(self) -> str:
        """How the kind is written, such as `leak=UL_S_MPA`."""
        return self.name + "=" + self.unit if self.unit else self.name


_SENSOR_KINDS = (
    ("frozen", "The reading stays as it is, count for count: the converter hangs", "", 0, 0),
    ("blocked", "The line is blocked: the reading stays, with its noise", "", 0, 0),
    ("zero", "The reading is that of no pressure, with its noise", "", 0, 0),
    ("open", "The wire is broken: no current", "", 0, 0),
    ("short", "The transmitter is shorted: the full current of the supply", "", 0, 0),
    ("offset", "The reading is wrong by this much", "MPA", -2000, 2000),
    ("drift", "The error of the reading grows at this rate", "MPA_PER_S", -1000, 1000),
    ("gain", "The reading is this many times the pressure", "FACTOR", 0, 10),
    ("slow", "The reading follows with this time constant", "S", 0.001, 1000),
    ("noise", "Additional noise, one sigma, of full scale", "PERCENT", 0, 100),
    ("dropout", "This share of the readings is lost: no current", "SHARE", 0, 1),
)

_OTHER_KINDS = (
    FaultKind(
        "pump-stuck-open",
        VALVE,
        "The pump valve passes this share of its full flow, whatever its coil says",
        "PERCENT",
        0,
        100,
    ),
    FaultKind("pump-dead", VALVE, "The pump delivers nothing"),
    FaultKind("release-stuck-shut", VALVE, "The release valve stays shut, also without power"),
    FaultKind("release-stuck-open", VALVE, "The release valve stays fully open"),
    FaultKind(
        "leak", HYDRAULIC, "An additional leak, by the pressure of the oil", "UL_S_MPA", 0, 1000
    ),
    FaultKind("burst", HYDRAULIC, "A hose bursts: five times the flow of the open release valve"),
    FaultKind(
        "stroke-end",
        HYDRAULIC,
        "The ram stands at the end of its stroke: more oil raises the reading, not the load",
    ),
    FaultKind(
        "wrong-die",
        HYDRAULIC,
        "A die of this diameter is fitted instead of the protocol's",
        "MM",
        1,
        100,
        at_start=True,
    ),
    FaultKind("relief", HYDRAULIC, "A relief valve opens at this oil pressure", "BAR", 1, 2000),
    FaultKind(
        "supply-dip",
        BOARD,
        "The supply of valves and transducer is away for 0.2 s; the controller goes on",
    ),
    FaultKind("power-cut", BOARD, "The controller and the valves are without power for 1 s"),
    FaultKind("tick-hang", BOARD, "The control tick hangs: outputs stay until a watchdog acts"),
    FaultKind(
        "tick-slow",
        BOARD,
        "This share of the ticks is lost",
        "SHARE",
        0,
        1,
    ),
    FaultKind("foreground-hang", BOARD, "The foreground hangs; the tick goes on"),
    FaultKind("flash-full", BOARD, "Nothing more can be stored, outside of the journal"),
    FaultKind(
        "vessel-air",
        VESSEL,
        "This much air is left in an isostatic vessel",
        "ML",
        0.001,
        1000,
        at_start=True,
    ),
    FaultKind("emergency-stop", CONTACT, "The emergency stop is pressed, and stays pressed"),
    FaultKind("guard-open", CONTACT, "The guard is opened, and stays open"),
    FaultKind("host-kill", HOST, "This program is killed, as by SIGKILL"),
    FaultKind(
        "host-stall",
        LINK,
        "Nothing passes between host and board for 30 s",
        boards=_EMULATED_ONLY,
    ),
    FaultKind(
        "link-flip",
        LINK,
        "In every 20th message one bit is flipped, both ways",
        boards=_EMULATED_ONLY,
    ),
    FaultKind("link-drop", LINK, "Every 20th message is lost, both ways", boards=_EMULATED_ONLY),
    FaultKind(
        "link-duplicate",
        LINK,
        "Every 20th message arrives twice, both ways",
        boards=_EMULATED_ONLY,
    ),
    FaultKind(
        "link-delay",
        LINK,
        "What the board sends arrives this much later",
        "S",
        0.01,
        60,
        boards=_EMULATED_ONLY,
    ),
)


def _all_kinds() -> tuple[FaultKind, ...]:
    first = tuple(
        FaultKind("sensor-" + name, SENSOR, what, unit, low, high)
        for name, what, unit, low, high in _SENSOR_KINDS
    )
    second = tuple(
        FaultKind("second-" + name, SECOND, what, unit, low, high)
        for name, what, unit, low, high in _SENSOR_KINDS
    )
    return first + second + _OTHER_KINDS


KINDS = _all_kinds()
BY_NAME = {kind.name: kind for kind in KINDS}


class ScheduledFault:
    """A fault to inject: its kind, its value (0 for a kind without one), and when.

    `at_s` is press time since the start of a run, s; None means at once.
    """

    def __init__(self, kind: FaultKind, value: float, at_s: "float | None") -> None:
        """Keep what `parse` read."""
        self.kind = kind
        self.value = value
        self.at_s = at_s

    def text(self) -> str:
        """Return the fault as it is written, such as `leak=0.5@12`."""
        text = self.kind.name
        if self.kind.unit:
            text += f"={self.value:g}"
        return text if self.at_s is None else text + f"@{self.at_s:g}"


def parse(text: str) -> ScheduledFault:
    """Read `KIND[=VALUE][@SECONDS]`.

    Raises:
        ValueError: There is no such kind, or a number is missing, malformed or out of range.
    """
    front, at, seconds = text.strip().partition("@")
    name, equals, value_text = front.partition("=")
    kind = BY_NAME.get(name)
    if kind is None:
        raise ValueError(
            "there is no fault " + repr(name) + "; kinds: " + ", ".join(k.form for k in KINDS)
        )
    if bool(equals) != bool(kind.unit):
        raise ValueError("write " + kind.form + "@SECONDS, not " + text)
    value = _number(value_text, kind.name, kind.low, kind.high) if kind.unit else 0.0
    at_s = _number(seconds, "the time of " + kind.name, 0.0, _MAX_AT_S) if at else None
    if kind.at_start and at_s:
        raise ValueError(kind.name + " exists from the start of a run: write " + front + "@0")
    return ScheduledFault(kind, value, at_s)


def _number(text: str, name: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(name + ": " + repr(text) + " is not a number")
    # Also false for what is not a number at all, nan.
    if not low <= value <= high:
        raise ValueError(name + f": {text} is not within {low:g} to {high:g}")
    return value
