"""A host that ends itself: `lost_host.py URL PROTOCOL RECORD STEP TICKS LOG [SIGNAL]`.

It starts the protocol, and when it has seen TICKS records of STEP it sends itself a SIGKILL, or
SIGNAL: no handler, no goodbye, at a point of the run that does not depend on how busy the machine
is. Of a ramp only records behind the approach count, of a hold only those of its dwell. A SIGSTOP
leaves a host with the port open that neither reads nor writes; continued, it sees the run through.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from pressloop.press import Press
from pressloop.session import Listener
from pressloop.telemetry import TelemetryBatch, TelemetryRecord
from pressloop.wire.schema import FlagBits

from hil_tests import wiretap
from hil_tests.protocols import HOLD, SECOND_HOLD


class Trigger(Listener):
    """Sends this process a signal behind so many records of a step.

    It listens from before the start on: a busy machine may press on before a loop over the run's
    telemetry gets to its first batch. So it hears of records before the recorder does, and waits
    for the batch behind them.
    """

    def __init__(self, step: int, ticks: int, how: signal.Signals) -> None:
        """Wait for `ticks` records of `step`."""
        self._step = step
        self._wanted = ticks + 1
        self._how = how
        self._seen = 0
        self.pulled = False

    def on_telemetry(self, batch: TelemetryBatch) -> None:
        """Count."""
        if self.pulled:
            return
        if self._seen >= self._wanted:
            self.pulled = True
            os.kill(os.getpid(), self._how)
        self._seen += sum(sample.step == self._step and _counts(sample) for sample in batch)


def main(
    url: str, protocol: str, record: str, step: str, ticks: str, log: str, how: str = "SIGKILL"
) -> None:
    """Press until it is time for the signal."""
    with wiretap.tapped(Path(log)):
        press = Press.open(url)
        trigger = Trigger(int(step), int(ticks), signal.Signals[how])
        press.session.follow(trigger)
        result = press.start(Path(protocol), out=record).result()
    if not trigger.pulled:
        sys.exit(f"the run ended before step {step}")
    print(result.end_reason)


def _counts(sample: TelemetryRecord) -> bool:
    if sample.step in (HOLD, SECOND_HOLD):
        return FlagBits.DWELLING in sample.flags
    return FlagBits.APPROACHING not in sample.flags


if __name__ == "__main__":
    main(*sys.argv[1:])
