"""Shows what the press is doing on one line that is updated in place.

Without a terminal, for example in a log file, one line is written per step instead.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

from pressloop.session.status import PressStatus
from pressloop.wire.schema import State

_BAR_CELLS = 24
_MIN_BAR_CELLS = 6
_SPARE_CELLS = 4
"""Columns kept free at the right: Ctrl-C prints ^C there, and the line must not wrap."""

_ERASE = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))


class LiveLine:
    """Shows the latest status. Use it in a `with` block; all methods are thread-safe."""

    def __init__(self, console: Console, *, simulated: bool) -> None:
        """Start without a line. `simulated` marks every line, so that a simulated run is never
        mistaken for a real one.
        """
        self._console = console
        self._simulated = simulated
        self._scale_mpa = 1.0
        self._shown: tuple[State, int | None] | None = None
        self._redraws = console.is_terminal and not console.is_dumb_terminal
        self._lock = threading.RLock()
        self._pauses = 0
        self._drawn = Text()
        self.hint = ""

    def __enter__(self) -> LiveLine:
        """Return the line; nothing is drawn before the first status."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Erase the line."""
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
            if self._redraws:
                if not self._pauses:
                    self._draw(self._line(status))
                return
            step = (status.state, status.step)
            if step != self._shown:
                self._shown = step
                self._console.print(
                    " ".join(text for text in _status_texts(status) if text), soft_wrap=True
                )

    def _draw(self, line: Text) -> None:
        self._drawn = line
        with self._console:  # one write: two would flicker
            self._console.control(_ERASE)
            self._console.print(line, end="", soft_wrap=True)

    def _erase(self) -> None:
        if self._drawn:
            self._console.control(_ERASE)
            self._drawn = Text()

    def _line(self, status: PressStatus) -> Text:
        elapsed, stage, doing, pressure, target, left = _status_texts(status)
        before = Text.assemble(
            ("SIM " if self._simulated else "", "yellow"),
            (f"{elapsed} ", "dim"),
            (f"{stage} " if stage else "", "bold"),
            (f"{doing} ", _STYLE.get(status.state, "")),
        )
        after = Text.assemble(
            (f" {pressure}", "bold"), f" {target}", (f", {left}" if left else "", "dim")
        )
        room = max(1, self._console.width - _SPARE_CELLS)
        hint = Text(f"  {self.hint}" if self.hint else "", "dim")
        if before.cell_len + _MIN_BAR_CELLS + 2 + after.cell_len + hint.cell_len <= room:
            after += hint
        cells = min(_BAR_CELLS, room - before.cell_len - after.cell_len - 2)
        bar = self._bar(status, cells) if cells >= _MIN_BAR_CELLS else Text()
        line = before + bar + after
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


def _status_texts(status: PressStatus) -> tuple[str, str, str, str, str, str]:
    """Return elapsed time, stage, activity, pressure, target and time left as texts."""
    elapsed = "" if status.elapsed_s is None else duration(status.elapsed_s)
    left = ""
    if status.state is State.RUNNING and status.remaining_s > 0:
        left = f"{duration(status.remaining_s)} left"
    return (
        elapsed,
        status.stage_name or "",
        _doing(status),
        f"{status.pressure_mpa:6.1f} MPa",
        f"of {status.target_mpa:g}" if status.step is not None else "",
        left,
    )


def _doing(status: PressStatus) -> str:
    """Return in one or two words what the press is doing."""
    if status.host_lost:
        return "host lost"
    if status.state is not State.RUNNING:
        if status.state is State.FAULT:
            # A pressure that stays is worse than what came first.
            fault = status.further_fault or status.fault
            return f"fault {fault.name.lower().replace('_', '-')}"
        return status.state.name.lower()
    if status.approaching:
        return "approach"
    if abs(status.setpoint_mpa - status.target_mpa) > 0.0005:
        return "ramp up" if status.target_mpa > status.setpoint_mpa else "ramp down"
    return f"hold {duration(status.dwell_s)}" if status.dwell_s else "settle"


def duration(seconds: float) -> str:
    """Format a duration: 8.4 s, 3:05, 2:15:00, 6 d 2:15:00."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, whole_s = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{whole_s:02d}"
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return (f"{days} d " if days else "") + f"{hours}:{minutes:02d}:{whole_s:02d}"


def span(seconds: float) -> str:
    """Format a rounded duration: 18.5 min, 7.2 h, 7.0 d."""
    if seconds < 3 * 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 2 * 86_400 else f"{seconds / 86_400:.1f} d"
