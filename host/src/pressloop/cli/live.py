"""Shows what the press is doing on one line that is updated in place.

Without a terminal, for example in a log file, one line is written for each thing that it does:
ramp up, settle, hold.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final

from rich.console import Console
from rich.control import Control
from rich.markup import escape
from rich.segment import ControlType
from rich.text import Text

from pressloop.cli.line_parts import ChosenParts, joined_cells
from pressloop.session.status import PressStatus
from pressloop.units import running_time_text
from pressloop.wire.names import wire_name
from pressloop.wire.schema import State

_BAR_CELLS = 24
_MIN_BAR_CELLS = 6
_SPARE_CELLS = 4
"""Columns kept free at the right: Ctrl-C prints ^C there, and the line must not wrap."""

_NARROW_CELLS = 40
"""Below this width, only one column is kept free."""

_MIN_STAGE_CELLS, _MAX_STAGE_CELLS = 8, 24
"""Widths to which the name of a stage is shortened."""

_STALE_S = 2.0
"""Time without a status after which the line says that nothing is known."""

_ERASE: Final = ((ControlType.CARRIAGE_RETURN,), (ControlType.ERASE_IN_LINE, 2))
_ERASE_ABOVE: Final = ((ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2))


_LOG: Final = logging.getLogger("pressloop")


class _LogLines(logging.Handler):
    """Prints warnings above the line; Python would write them into it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Print by `say`."""
        super().__init__(logging.WARNING)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record; an error here must not disturb the run."""
        try:
            self._say(f"[note]note[/note] {escape(self.format(record))}")
        except Exception:
            self.handleError(record)


class LiveLine:
    """Shows the latest status. Use it in a `with` block; all methods are thread-safe.

    As the terminal gets narrower, parts are left out by importance. The state and the pressure
    stay, and the mark of a simulated press. The line never wraps.

    Attributes:
        hint: Returns for a status which key ends what it waits for; empty where nothing waits.
        usual_hint: What to show instead of that, if there is room for it.
    """

    def __init__(self, console: Console, *, simulated: bool) -> None:
        """Start without a line. `simulated` marks every line, so that a simulated run is never
        mistaken for a real one.
        """
        self._console = console
        self._simulated = simulated
        self._scale_mpa = 1.0
        self._shown: tuple[State, int | None, str] | None = None
        self._redraws = console.is_terminal and not console.is_dumb_terminal
        self._lock = threading.RLock()
        self._pauses = 0
        self._drawn = Text()
        self._drawn_columns = 0
        self._status: PressStatus | None = None
        self._status_at_s = 0.0
        self.hint: Callable[[PressStatus], str] = lambda _status: ""
        self.usual_hint = ""
        self._log_lines = _LogLines(self.say)

    def __enter__(self) -> LiveLine:
        """Return the line; nothing is drawn before the first status."""
        _LOG.addHandler(self._log_lines)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Erase the line."""
        _LOG.removeHandler(self._log_lines)
        with self._lock:
            self._pauses += 1
            self._erase()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Erase the line and draw none in the block, for example while a prompt is open."""
        with self._lock:
            self._pauses += 1
            self._erase()
        try:
            yield
        finally:
            with self._lock:
                self._pauses -= 1

    def say(self, markup: str) -> None:
        """Print a message above the line."""
        with self._lock:
            line = self._drawn
            self._erase()
            self._console.print(markup, soft_wrap=True)
            if line and not self._pauses:
                self._draw(line)

    def update(self, status: PressStatus) -> None:
        """Show a status."""
        with self._lock:
            self._scale_mpa = max(self._scale_mpa, status.target_mpa, status.pressure_mpa)
            self._status, self._status_at_s = status, time.monotonic()
            if self._redraws:
                if not self._pauses:
                    self._draw(self._line(status))
                return
            # A sealed hold may be topped up every minute for a week.
            does = "hold" if status.topping_up else _doing(status)[0]
            shown = (status.state, status.step, does)
            if shown != self._shown:
                self._shown = shown
                self._console.print(
                    " ".join(text for text in _log_texts(status) if text), soft_wrap=True
                )

    def refresh(self) -> None:
        """Draw the line again if the terminal has another width, or no status has come lately."""
        with self._lock:
            status = self._status
            if status is None or not self._drawn or self._pauses:
                return
            silent_s = time.monotonic() - self._status_at_s
            if silent_s >= _STALE_S:
                self._draw(self._line(status, silent_s))
            elif self._columns() != self._drawn_columns:
                self._draw(self._line(status))

    def _columns(self) -> int:
        """Return the width of the terminal. Rich prefers COLUMNS, which does not follow it."""
        columns = self._console.width
        with suppress(OSError, ValueError):
            real = os.get_terminal_size(self._console.file.fileno()).columns
            columns = min(columns, real or columns)
        return columns

    def _draw(self, line: Text) -> None:
        with self._console:  # one write: two would flicker
            self._console.control(self._erasing())
            self._console.print(line, end="", soft_wrap=True)
        self._drawn, self._drawn_columns = line, self._columns()

    def _erase(self) -> None:
        if self._drawn:
            self._console.control(self._erasing())
            self._drawn = Text()

    def _erasing(self) -> Control:
        """Return what erases the line, also where a terminal that became narrower has wrapped it.

        xterm cuts a line that no longer fits; other terminals wrap it.
        """
        wrapped = 0
        if "XTERM_VERSION" not in os.environ:
            wrapped = max(0, self._drawn.cell_len - 1) // max(1, self._columns())
        return Control(*_ERASE, *_ERASE_ABOVE * wrapped)

    def _line(self, status: PressStatus, silent_s: float = 0.0) -> Text:
        """Return the line for the present width.

        Args:
            status: What to show.
            silent_s: Time since the status came, if it is old.
        """
        columns = self._columns()
        room = max(1, columns - (_SPARE_CELLS if columns >= _NARROW_CELLS else 1))
        hint = Text(self.hint(status), "dim")
        doing, counted = _doing(status)
        style = _STYLE.get(status.state, "")
        if silent_s:
            doing, counted, style = "no reply for", running_time_text(silent_s), "bold red"
        simulated = Text("SIM" if self._simulated else "", "yellow")
        pressure = Text(f"{status.pressure_mpa:6.1f} MPa", "bold")
        state = Text(doing, style)
        state.truncate(max(4, room - joined_cells(simulated, pressure) - 1), overflow="ellipsis")
        counting = Text(counted, style)
        target = Text(f"of {status.target_mpa:g}" if status.step is not None else "")
        left_text = "" if silent_s else _left(status)
        left = Text(f", {left_text}" if left_text else "", "dim")
        elapsed = Text(_elapsed(status), "dim")
        stage = Text(status.stage_name or "", "bold")
        force = Text("" if status.force_kn is None else f"({status.force_kn:.1f} kN)")
        usual = Text("" if hint else self.usual_hint, "dim")

        chosen = ChosenParts(room, simulated, state, pressure)
        chosen.add(counting, hint, target, left)
        stage_cells = min(_MAX_STAGE_CELLS, max(_MIN_STAGE_CELLS, chosen.rest // 2))
        stage.truncate(stage_cells, overflow="ellipsis")
        chosen.add(stage, elapsed, force, usual)
        cells = min(_BAR_CELLS, chosen.rest - 3)  # two ends and a space
        bar = self._bar(status, cells) if cells >= _MIN_BAR_CELLS else Text()
        chosen.add(bar)
        line = chosen.joined(
            simulated,
            elapsed,
            stage,
            state,
            counting,
            bar,
            pressure,
            force,
            target,
            left,
            hint,
            usual,
        )
        line.truncate(room, overflow="ellipsis")
        return line

    def _bar(self, status: PressStatus, cells: int) -> Text:
        filled = round(cells * max(0.0, status.pressure_mpa) / self._scale_mpa)
        mark = round(cells * status.target_mpa / self._scale_mpa)
        bar = Text.assemble(("▕", "dim"))
        for cell in range(cells):
            if cell < filled:
                bar.append("█", "cyan")
            elif cell == min(mark, cells) - 1:
                bar.append("│", "yellow")
            else:
                bar.append(" ")
        bar.append("▏", "dim")
        return bar


_STYLE = {
    State.PROMPTING: "yellow",
    State.PAUSED: "yellow",
    State.VENTING: "magenta",
    State.FAULT: "bold red",
}


def _log_texts(status: PressStatus) -> tuple[str, ...]:
    """Return the parts of a line in a log: elapsed time, stage, state, pressure, target, left."""
    return (
        _elapsed(status),
        status.stage_name or "",
        *_doing(status),
        f"{status.pressure_mpa:6.1f} MPa",
        f"of {status.target_mpa:g}" if status.step is not None else "",
        _left(status),
    )


def _elapsed(status: PressStatus) -> str:
    return "" if status.elapsed_s is None else running_time_text(status.elapsed_s)


def _left(status: PressStatus) -> str:
    """Return how long the step takes at least; empty where it is not known."""
    if status.state is State.RUNNING and status.remaining_s > 0:
        return f"{running_time_text(status.remaining_s)} left"
    return ""


def _doing(status: PressStatus) -> tuple[str, str]:
    """Return in one or two words what the press is doing, and a detail of it."""
    if status.state is not State.RUNNING:
        if status.state is State.FAULT:
            # A pressure that stays is worse than what came first.
            fault = status.further_fault or status.fault
            return f"fault {wire_name(fault)}", ""
        return status.state.name.lower(), "host lost" if status.host_lost else ""
    if status.host_lost:
        return "running", "host lost"
    if status.waits_for_button:
        return "hold the button", "on the controller"
    if status.approaching:
        return "approach", ""
    if status.topping_up:
        return "top up", running_time_text(status.dwell_s)
    if status.is_resting:
        return "rest", running_time_text(status.dwell_s)
    if status.setpoint_moves:
        return ("ramp up" if status.target_mpa > status.setpoint_mpa else "ramp down"), ""
    return ("hold", running_time_text(status.dwell_s)) if status.dwell_s else ("settle", "")
