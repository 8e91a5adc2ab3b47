"""Writes the pages of docs/hardware that are tables of the hardware's data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pressloop.hardware import bill
from pressloop.hardware.boards import BOARDS, HEADER_PIN, BoardDeclaration
from pressloop.hardware.harness import CONNECTORS, Connector, terminal_of
from pressloop.hardware.hydraulics import COMPONENTS
from pressloop.hardware.kinds import (
    CONVERTERS,
    PUMP_KINDS,
    RELEASE_KINDS,
    SIGNAL_KINDS,
    SignalKind,
)
from pressloop.hardware.signals import SIGNALS

FOLDER: Final = "docs/hardware"
_WRITTEN: Final = (
    "<!-- Written by host/tools/hardware_docs.py from host/src/pressloop/hardware: change it "
    "there. -->"
)


def pages() -> dict[str, str]:
    """Return the generated pages by their path in the checkout."""
    return {
        f"{FOLDER}/wiring.md": _page(_wiring()),
        f"{FOLDER}/parts.md": _page(_parts()),
        f"{FOLDER}/hydraulics.md": _page(_hydraulics()),
    }


def _page(lines: Iterable[str]) -> str:
    return "\n".join((_WRITTEN, "", *lines)).rstrip() + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(str(cell) for cell in row) + " |"
    yield ""


# --- wiring


def _wiring() -> Iterator[str]:
    yield from (
        "# Wiring",
        "",
        "Which signal is on which pin, which terminal it leaves the carrier board by, and the "
        "circuit in",
        "between. The firmware's pin numbers are written from the same data, so this page and the "
        "firmware",
        "cannot differ. What stops the press without software is on [its own "
        "page](safety-circuit.md).",
        "",
        "## Signals",
        "",
    )
    board = BOARDS["pico"]
    yield from _table(
        ("signal", "pin", "terminal", "on the wire", "without power or with a cut wire"),
        (
            (signal.title, _pins(board, key), _terminal(key), signal.electrical, signal.safe or "-")
            for key, signal in SIGNALS.items()
        ),
    )
    yield from (
        "What each signal does when it works, and how to see it, is in the",
        "[checklist](checklist.md); `pressloop commission` walks through it.",
        "",
        "## Boards",
        "",
    )
    for each in BOARDS.values():
        yield from _board(each)
    yield from (
        "## Cables",
        "",
        "![Cables between the carrier board and the press](harness.svg)",
        "",
    )
    for connector in CONNECTORS:
        yield from _connector(connector)
    yield from _circuits()


def _board(board: BoardDeclaration) -> Iterator[str]:
    yield from (
        f"### {board.title}",
        "",
        f"Flash image: `{board.image}`. `controller.board: {board.key}`",
    )
    yield from ("", *board.notes, "", f"![Pins of the {board.title}](pins-{board.key}.svg)", "")
    rows: list[tuple[object, str, str]] = [
        (HEADER_PIN[gpio], f"GP{gpio}", board.at(gpio)) for gpio in sorted(HEADER_PIN)
    ]
    rows += [("-", f"GP{gpio}", f"reserved: {why}") for gpio, why in board.reserved.items()]
    yield from ("<details><summary>All pins</summary>", "")
    yield from _table(("header", "pin", "signal"), rows)
    yield from ("</details>", "")


def _connector(connector: Connector) -> Iterator[str]:
    yield from (f"### {connector.key}: {connector.title}", "")
    yield f"{connector.cable}, at most {connector.length_m:g} m, to: {connector.device}."
    if connector.note:
        yield connector.note
    yield ""
    yield from _table(
        ("terminal", "label", "colour", "other end"),
        (
            (f"{connector.key}.{number}", terminal.label, terminal.colour, terminal.far)
            for number, terminal in enumerate(connector.terminals, 1)
        ),
    )


_CIRCUITS: Final = (
    (
        "Transducer, 4-20 mA",
        "input-4-20ma",
        "The shunt stays on the carrier board: an input without its cable then reads as a broken "
        "wire. "
        "The second transducer has the same circuit at X3.2 and GP28. A resettable fuse of 50 "
        "mA in each "
        "+24 V (X2.1, X3.1) saves the shunt if + and - touch in the cable: 24 V on it are 3.8 W.",
    ),
    (
        "Transducer, 0-10 V",
        "input-0-10v",
        "Divider of 0.1 %. The pull-up makes an open wire read above full scale. A wire that is "
        "shorted "
        "to ground reads as no pressure, so this kind needs a second channel.",
    ),
    (
        "Transducer, ratiometric",
        "input-ratiometric",
        "Signal and supply have equal dividers, so that their errors cancel. The board converts "
        "the "
        "supply every 64th tick and refuses a supply outside of 4.5 to 5.5 V as a broken wire.",
    ),
    (
        "Coil of a valve",
        "output-coil",
        "The same for pump (GP16), release (GP17), on/off release (GP12), and with a relay or a "
        "lamp "
        "instead of the coil for GP11 and GP21. The diode slows the valve's fall by some "
        "milliseconds; "
        "what a Schottky diode alone does is in the valve's lag, which tuning measures. With a "
        "Zener "
        "diode of 24 V in series the drain sees 48 V: the MOSFET must stand 55 V or more.",
    ),
    (
        "0-10 V from the PWM",
        "output-0-10v",
        "For an amplifier or the inverter of the pump motor. Gain 3: 9.9 V at full opening. The "
        "operational amplifier is one for a single supply, such as LM358, on +24 V. Two "
        "stages "
        "of 4.7 ms leave less than 0.2 % of ripple and cost 10 ms of lag. For 4-20 mA a "
        "voltage-to-current converter such as XTR111 follows.",
    ),
    (
        "Deadman",
        "deadman",
        "0.45 R C = 50 ms. The chip is triggered by each rising edge, which comes every 20 ms. A "
        "chip "
        "that hangs can hold either level, so the circuit must react to edges. K3 drops out in a "
        "few "
        "milliseconds: both coils are off within 60 ms after the last edge.",
    ),
)


def _circuits() -> Iterator[str]:
    yield from ("## Circuits", "", "Resistors in Ohm, capacitors in farad.", "")
    for title, name, text in _CIRCUITS:
        yield from (f"### {title}", "", f"![{title}]({name}.svg)", "", text, "")


def _pins(board: BoardDeclaration, signal: str) -> str:
    pin = board.pin(signal)
    if pin is not None:
        return f"GP{pin.gpio}, header {HEADER_PIN[pin.gpio]}"
    for bus in board.buses:
        if bus.signal.key == signal:
            header = f"{HEADER_PIN[bus.sda]} and {HEADER_PIN[bus.scl]}"
            devices = ", ".join(f"{each.part.upper()} 0x{each.address:02X}" for each in bus.devices)
            return f"GP{bus.sda} (SDA) and GP{bus.scl} (SCL), header {header}: {devices}"
    return "-"


def _terminal(signal: str) -> str:
    found = terminal_of(signal)
    return f"{found[0].key}.{found[1]}" if found else "-"


# --- parts


def _parts() -> Iterator[str]:
    low, high = bill.cost(bill.core())
    yield from (
        "# Parts",
        "",
        "What to buy for the retrofit of a manual press of 15 t. A specification counts, an "
        "example is a part",
        "that meets it or where such parts are found.",
        "",
        f"**Prices are assumptions**, not offers: {bill.PRICED}. What every press needs costs "
        f"about",
        f"{low:.0f} EUR at the low ends and {high:.0f} EUR at the high ends. The press itself, "
        f"its dies and tools are not in it.",
        "",
    )
    for group in bill.groups():
        items = [item for item in bill.BILL if item.group == group]
        group_low, group_high = bill.cost(items)
        yield from (f"## {group}", "")
        yield from _table(
            ("part", "specification", "example", "number", "EUR (assumed)", "why"),
            (
                (
                    item.title,
                    item.specification,
                    item.example or "any that meets it",
                    item.quantity,
                    f"{item.low_eur:.0f}-{item.high_eur:.0f}",
                    item.why,
                )
                for item in items
            ),
        )
        yield from (f"Together {group_low:.0f} to {group_high:.0f} EUR.", "")
    yield from _kinds()


def _kinds() -> Iterator[str]:
    yield from (
        "## Kinds that the controller serves",
        "",
        "A press file names the kinds ([press file](../press-file.md)); `pressloop machine check` "
        "says what a board cannot",
        "serve. Volts are at the converter, behind shunt or divider; a count is 125 uV.",
        "",
        "### Transducers: `transducer.signal`, `second_transducer.signal`",
        "",
    )
    yield from _table(
        ("kind", "signal", "network", "zero", "full scale", "broken below", "short above", "note"),
        (
            (
                f"`{kind.key}`",
                kind.title,
                kind.network,
                _level(kind.zero_v, kind.raw_zero),
                _level(kind.full_v, kind.raw_full),
                _broken(kind),
                _level(kind.high_v, kind.raw_fault_high),
                kind.caution or "-",
            )
            for kind in SIGNAL_KINDS.values()
        ),
    )
    yield from ("### Converters: `transducer.converter`, `load_cell.converter`", "")
    yield from _table(
        ("kind", "converter", "reads", "bits", "readings a second", "how the board finds it"),
        (
            (f"`{kind.key}`", kind.title, kind.reads, kind.bits, kind.readings_s, kind.detected)
            for kind in CONVERTERS.values()
        ),
    )
    yield from ("### Pump: `pump.drive`", "")
    yield from _table(
        ("kind", "what", "circuit", "lag of the circuit", "note"),
        (
            (
                f"`{kind.key}`",
                kind.title,
                kind.circuit,
                f"{kind.filter_lag_ms} ms",
                kind.caution or "-",
            )
            for kind in PUMP_KINDS.values()
        ),
    )
    yield from ("### Release: `release.drive`", "")
    yield from _table(
        ("kind", "what", "circuit"),
        ((f"`{kind.key}`", kind.title, kind.circuit) for kind in RELEASE_KINDS.values()),
    )
    yield from (
        "### Third analogue input: `controller.auxiliary`",
        "",
        "`displacement`: a sensor between the platens, 0 to 3.3 V for 25 mm. `oil-temperature`:",
        "a thermistor of 10 kOhm at 25 C and B 3950 K to ground, 10 kOhm to 3.3 V, which",
        "`pressloop info` shows. One of both. The board learns it from its stored profile when it",
        "starts, as it does that an HX711 is fitted: after a change of these two kinds switch it",
        "off and on.",
    )


def _level(volts: float, counts: int) -> str:
    return f"{volts:g} V, {counts}"


def _broken(kind: SignalKind) -> str:
    return _level(kind.low_v, kind.raw_fault_low) if kind.has_live_zero else "not seen"


# --- hydraulics


def _hydraulics() -> Iterator[str]:
    yield from (
        "# Hydraulics",
        "",
        "![Hydraulic circuit](hydraulics.svg)",
        "",
        "One pressure line joins pump, ram, gauge, both transducers and every valve that lets oil "
        "back. Without",
        "power both release valves are open and the pump valve is shut: the press empties itself.",
        "",
        "## Components",
        "",
    )
    titles = {item.key: item.title for item in bill.BILL}
    yield from _table(
        ("mark", "what", "part", "setting", "why"),
        (
            (
                component.key,
                component.title,
                titles.get(component.item, "of the press"),
                component.setting,
                component.why,
            )
            for component in COMPONENTS
        ),
    )
    yield from (
        "## Rules",
        "",
        "- Nothing that can be shut stands between V5 and C1, or between B1 and C1.",
        "- Hoses and fittings: working pressure of at least 1.25 times the setting of V5.",
        "- Keep the oil between valves and ram small and free of air: 50 mL with 0.5 % of air is "
        "the reference press.",
        "  Air makes the press soft and the control slow.",
        "- A filter of 25 um in front of the proportional valves; a grain that holds V3 shut is "
        "the fault `no-release`.",
        "- With V2 the pump has a relief valve of its own (V7); without it a shut V2 dams up "
        "the pump.",
        "- Set V5 with the gauge before the first die is pressed, and seal it; prove it once a "
        "year.",
        "- G1 and V6 are in reach and outside of the guard.",
    )
