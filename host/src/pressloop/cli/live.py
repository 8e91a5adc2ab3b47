"""The live line: what the press is doing, on one line that rewrites itself.

On a terminal the line is redrawn in place; in a log file one line is written per step instead.
"""

from __future__ import annotations

from types import TracebackType

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pressloop.status import PressStatus
from pressloop.wire.schema import State

_BAR_WIDTH = 24


class LiveLine:
    """Shows the newest status; use in a `with` block. `update` may be called from any thread."""

    def __init__(self, console: Console, *, simulated: bool) -> None:
        """`simulated` marks every line, so that a rehearsal is never taken for a pressing."""
        self._console = console
        self._simulated = simulated
        self._scale_mpa = 1.0
        self._shown: tuple[State, int | None] | None = None
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> LiveLine:
        """Start drawing, if there is a terminal to draw on."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""
        self._live.stop()

    def pause(self) -> None:
        """Make room for a question."""
        self._live.stop()

    def resume(self) -> None:
        """Go on after a question."""
        if self._console.is_terminal:
            self._live.start()

    def update(self, status: PressStatus) -> None:
        """Show a status."""
        self._scale_mpa = max(self._scale_mpa, status.target_mpa, status.pressure_mpa)
        if self._live.is_started:
            self._live.update(self._line(status), refresh=True)
            return
        step = (status.state, status.step)
        if not self._console.is_terminal and step != self._shown:
            self._shown = step
            self._console.print(" ".join(text for text in _words(status) if text))

    def _line(self, status: PressStatus) -> RenderableType:
        line = Table.grid(padding=(0, 1))
        if self._simulated:
            line.add_column()
        elapsed, stage, doing, pressure, target, left = _words(status)
        cells: list[RenderableType] = [
            Text(elapsed, "dim"),
            Text(stage, "bold"),
            Text(doing, _STYLE.get(status.state, "")),
            self._bar(status),
            Text(pressure, "bold"),
            Text(target),
            Text(left, "dim"),
        ]
        if self._simulated:
            cells.insert(0, Text("SIM", "yellow"))
        line.add_row(*cells)
        return line

    def _bar(self, status: PressStatus) -> Text:
        filled = round(_BAR_WIDTH * max(0.0, status.pressure_mpa) / self._scale_mpa)
        mark = round(_BAR_WIDTH * status.target_mpa / self._scale_mpa)
        bar = Text("▕", "dim")
        for cell in range(_BAR_WIDTH):
            if cell < filled:
                bar.append("█", "cyan")
            elif cell == min(mark, _BAR_WIDTH) - 1:
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


def _words(status: PressStatus) -> tuple[str, str, str, str, str, str]:
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
    if status.host_lost:
        return "host lost"
    if status.state is not State.RUNNING:
        if status.state is State.FAULT:
            return f"fault {status.fault.name.lower().replace('_', '-')}"
        return status.state.name.lower()
    if status.approaching:
        return "approach"
    if abs(status.setpoint_mpa - status.target_mpa) > 0.0005:
        return "up" if status.target_mpa > status.setpoint_mpa else "down"
    return f"hold {duration(status.dwell_s)}" if status.dwell_s else "settle"


def duration(seconds: float) -> str:
    """Return a duration as people write it: 8.4 s, 3:05, 2:15:00."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
