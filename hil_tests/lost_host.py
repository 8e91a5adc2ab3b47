"""A host that is killed in the middle of a run: `lost_host.py URL PROTOCOL RECORD STEP TICKS LOG`.

It starts the protocol, and when it has seen TICKS records of STEP, the approach left out, it sends
itself a SIGKILL: no handler, no goodbye, at a point of the run that does not depend on how busy the
machine is.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from pressloop.press import Press
from pressloop.wire.schema import FlagBits

from hil_tests import wiretap


def main(url: str, protocol: str, record: str, step: str, ticks: str, log: str) -> None:
    """Press until killed."""
    with wiretap.tapped(Path(log)):
        press = Press.open(url)
        run = press.start(Path(protocol), out=record)
        seen = 0
        for batch in run.telemetry():
            for sample in batch:
                if sample.step == int(step) and FlagBits.APPROACHING not in sample.flags:
                    seen += 1
                if seen > int(ticks):
                    os.kill(os.getpid(), signal.SIGKILL)
    sys.exit(f"the run ended before step {step}")


if __name__ == "__main__":
    main(*sys.argv[1:])
