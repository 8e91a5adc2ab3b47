"""Reads the reference from an instrument on a serial port, line by line.

The instrument sends lines on its own, or one for each request. A regular expression finds the
number in a line. Several lines within two seconds make a value: their median.
"""

from __future__ import annotations

import re
import statistics
import time
from typing import Any, Final

import serial

from pressloop.calibration.references import HeldReference, reference_kn
from pressloop.errors import BadInputError

DEFAULT_PATTERN: Final = r"([-+]?\d+(?:\.\d+)?)"
DEFAULT_BAUD: Final = 9600
READ_S: Final = 2.0
"""Time in which lines are read for one value."""
MAX_LINES: Final = 20
_TIMEOUT_S: Final = 1.0


class SerialReference(HeldReference):
    """An instrument on a serial port. Use it in a `with` block."""

    kind = "serial"

    def __init__(
        self,
        port: str,
        unit: str,
        die_um: int,
        *,
        baud: int = DEFAULT_BAUD,
        pattern: str = DEFAULT_PATTERN,
        request: str = "",
    ) -> None:
        r"""Open the port.

        Args:
            port: Serial port, or a URL of pyserial such as `socket://192.168.0.7:4001`.
            unit: Unit of the number.
            die_um: Die or bore that a pressure is on, um.
            baud: Baud rate.
            pattern: Regular expression whose first group is the number.
            request: What asks for a line, such as `READ?\r\n`; empty: the instrument sends alone.

        Raises:
            BadInputError: `no-instrument`, or `bad-pattern`.
        """
        try:
            self._pattern = re.compile(pattern)
        except re.error as error:
            raise _bad_pattern(pattern, str(error)) from error
        if self._pattern.groups < 1:
            raise _bad_pattern(pattern, "it has no group in parentheses for the number")
        self._port, self._unit, self._die_um = port, unit, die_um
        self._request = request.encode().decode("unicode_escape").encode("latin-1")
        try:
            self._serial: Any = serial.serial_for_url(port, baudrate=baud, timeout=_TIMEOUT_S)
        except (serial.SerialException, ValueError, OSError) as error:
            raise BadInputError(
                f"the reference's instrument at {port} cannot be opened: {error}",
                hint="check --instrument; another program may use the port",
                code="no-instrument",
            ) from error

    def read_held(self, name: str, target_kn: float) -> float:
        """Return the median of the lines of the next two seconds, kN.

        Raises:
            BadInputError: `no-instrument`: no line has a number.
        """
        self._serial.reset_input_buffer()
        # The rest of a line that began before.
        if not self._request:
            self._serial.readline()
        values: list[float] = []
        seen = b""
        until_s = time.monotonic() + READ_S
        while time.monotonic() < until_s and len(values) < MAX_LINES:
            if self._request:
                self._serial.write(self._request)
            line = self._serial.readline()
            seen = line or seen
            found = self._pattern.search(line.decode("ascii", "replace"))
            if found is not None:
                values.append(reference_kn(found.group(1), self._unit, self._die_um))
        if not values:
            raise BadInputError(
                f"{name}: no line of the instrument at {self._port} has a number"
                + (f"; the last one was {seen[:40]!r}" if seen else ": it sends nothing"),
                hint="check --baud, --request and --pattern",
                code="no-instrument",
            )
        return statistics.median(values)

    def close(self) -> None:
        """Close the port."""
        self._serial.close()

    def __enter__(self) -> SerialReference:
        """Use in a `with` block."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the port."""
        self.close()


def _bad_pattern(pattern: str, why: str) -> BadInputError:
    return BadInputError(
        f"the pattern {pattern!r} finds no number: {why}",
        hint=f"write a regular expression such as {DEFAULT_PATTERN!r}",
        code="bad-pattern",
    )
