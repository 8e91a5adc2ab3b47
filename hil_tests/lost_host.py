"""Runs a host that kills itself: `lost_host.py URL PROTOCOL RECORD STEP TICKS LOG [SIGNAL]`.

The suite has confirmed the die of the protocol. It starts the protocol. When it has seen TICKS
records of STEP it sends itself a SIGKILL, or SIGNAL, so that it ends without any clean-up and at a
point of the run that does not depend on the load of the machine. In a ramp only records after the
approach count, in a hold only those of its dwell. After a SIGSTOP the host keeps the port open and
neither reads nor writes; after a SIGCONT it follows the run to its end.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from pressloop.hil import wiretap
from pressloop.press import Press
from pressloop.protocol.loading import load_protocol
from pressloop.session.telemetry import TelemetryRecord
from pressloop.wire.schema import FlagBits

from hil_tests.protocols import HOLD, SECOND_HOLD


def main(
    url: str, protocol: str, record: str, step: str, ticks: str, log: str, how: str = "SIGKILL"
) -> None:
    """Run the protocol and send the signal."""
    with wiretap.tapped(Path(log)):
        die = load_protocol(Path(protocol)).die
        run = Press.open(url).start(Path(protocol), out=record, die=die)
        seen, wanted, pulled = 0, int(ticks) + 1, False
        for batch in run.telemetry():
            seen += sum(sample.step == int(step) and _counts(sample) for sample in batch)
            if seen >= wanted and not pulled:
                pulled = True
                os.kill(os.getpid(), signal.Signals[how])
        result = run.result()
    if not pulled:
        sys.exit(f"the run ended before step {step}")
    print(result.end_reason)


def _counts(sample: TelemetryRecord) -> bool:
    if sample.step in (HOLD, SECOND_HOLD):
        return FlagBits.DWELLING in sample.flags
    return FlagBits.APPROACHING not in sample.flags


if __name__ == "__main__":
    main(*sys.argv[1:])
