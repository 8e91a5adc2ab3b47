"""Reads the faults that a run on an emulated press is to have: `KIND[=VALUE]@SECONDS`."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pressloop_sim.plant import fault_kinds

from pressloop.arguments import shown_value
from pressloop.errors import BadInputError

HOST_KILL: Final = "host-kill"


@dataclass(frozen=True)
class RequestedFault:
    """A fault of a run.

    Attributes:
        kind: Name of its kind.
        value: In the unit of the kind; None for a kind without a value.
        at_s: Press time since the start of the run, s.
    """

    kind: str
    value: float | None
    at_s: float

    @property
    def text(self) -> str:
        """The fault as it is written."""
        value = "" if self.value is None else f"={self.value:.12g}"
        return f"{self.kind}{value}@{self.at_s:.12g}"

    @property
    def on_host(self) -> bool:
        """Whether it is a fault of this program, not of the board or the press."""
        return fault_kinds.BY_NAME[self.kind].group == fault_kinds.HOST


def kinds_on(port: str) -> str:
    """Return all kinds that can be injected on an emulated board, as they are written."""
    return ", ".join(kind.form for kind in fault_kinds.KINDS if port in kind.boards)


def read_faults(faults: Sequence[str], port: str | None) -> tuple[RequestedFault, ...]:
    """Read faults, and check that they can be injected on the board at a port.

    Args:
        faults: Each as `KIND[=VALUE]@SECONDS`.
        port: "emulated", "emulated:pico", or anything else for a board that this program has not
            started, on which nothing can be injected.

    Raises:
        BadInputError: `wrong-type`; `no-faults-here` on a board that is not emulated by this
            program; `unknown-fault`, `bad-fault`, or `fault-not-here` for a kind that this
            emulated board lacks.
    """
    if isinstance(faults, str) or not isinstance(faults, Sequence):
        raise BadInputError(
            f"faults: {shown_value(faults)} is not a list of texts",
            hint='pass a list such as ["sensor-frozen@12.5"]',
            code="wrong-type",
        )
    if faults and port not in (fault_kinds.EMULATED, fault_kinds.PICO):
        raise BadInputError(
            f"faults can be injected only on an emulated press that this program starts, not on "
            f"{'a board on USB' if port is None else repr(port)}",
            hint="use the port emulated or emulated:pico, or leave the faults out; "
            f"kinds: {kinds_on(fault_kinds.EMULATED)}",
            code="no-faults-here",
        )
    return tuple(_read(fault, port or "") for fault in faults)


def _read(text: str, port: str) -> RequestedFault:
    kinds = f"kinds: {kinds_on(port)}"
    if not isinstance(text, str):
        raise BadInputError(
            f"faults: {shown_value(text)} is not text", hint=kinds, code="wrong-type"
        )
    name = text.strip().partition("@")[0].partition("=")[0]
    kind = fault_kinds.BY_NAME.get(name)
    if kind is None:
        near = difflib.get_close_matches(name, fault_kinds.BY_NAME, 1)
        raise BadInputError(
            f"there is no fault {name!r}",
            hint=f"did you mean {near[0]}? {kinds}" if near else kinds,
            code="unknown-fault",
        )
    if port not in kind.boards:
        raise BadInputError(
            f"{name} cannot be injected on {port}", hint=kinds, code="fault-not-here"
        )
    try:
        fault = fault_kinds.parse(text)
    except ValueError as error:
        raise BadInputError(
            str(error), hint=f"write {kind.form}@SECONDS, seconds from the start", code="bad-fault"
        ) from None
    if fault.at_s is None:
        raise BadInputError(
            f"{text}: the time of the fault is missing",
            hint=f"write {kind.form}@SECONDS, seconds of press time since the start of the run",
            code="bad-fault",
        )
    return RequestedFault(name, fault.value if kind.unit else None, fault.at_s)


def table() -> str:
    """Return the table of all kinds in docs/faults.md."""
    lines = ["| fault | does | not on |", "|---|---|---|"]
    for kind in fault_kinds.KINDS:
        if kind.group == fault_kinds.SECOND:
            continue
        missing = [
            port for port in (fault_kinds.EMULATED, fault_kinds.PICO) if port not in kind.boards
        ]
        lines.append(f"| `{kind.form}` | {kind.what} | {', '.join(missing)} |")
    lines.append("| `second-...` | The same as each `sensor-...`, of the second transducer | |")
    return "\n".join(lines) + "\n"
