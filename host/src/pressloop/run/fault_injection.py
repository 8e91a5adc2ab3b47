"""The faults of an emulated press in one run: those of this program, and what was injected."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

from pressloop.emulator.faults import HOST_KILL, RequestedFault
from pressloop.emulator.process import EmulatedBoard
from pressloop.errors import EmulatorError
from pressloop.record.model import InjectedFault


class FaultInjection:
    """Carries out the faults of the host, and lists all faults at the end of the run."""

    def __init__(self, board: EmulatedBoard, faults: Sequence[RequestedFault]) -> None:
        """Take the board, on which the other faults are scheduled, and all faults of the run."""
        self._board = board
        self._kill_at_s = min(
            (fault.at_s for fault in faults if fault.kind == HOST_KILL), default=None
        )

    def act(self, elapsed_s: float) -> None:
        """Carry out what is due in this program, `elapsed_s` after the start of the run."""
        if self._kill_at_s is not None and elapsed_s >= self._kill_at_s:
            os.kill(os.getpid(), signal.SIGKILL)

    def injected(self) -> tuple[InjectedFault, ...] | None:
        """Return what was injected; None if the board has ended and cannot be asked."""
        try:
            return in_record(self._board.injected())
        except EmulatorError:
            return None


def in_record(faults: Sequence[RequestedFault]) -> tuple[InjectedFault, ...]:
    """Return faults as the record keeps them."""
    return tuple(
        InjectedFault(kind=fault.kind, value=fault.value, time_s=fault.at_s) for fault in faults
    )
