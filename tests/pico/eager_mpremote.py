"""mpremote as a program, polling an emulated board more often than it polls a real one.

It sleeps 10 ms between two looks at the port, some thousand times in an installation. Nothing else
of it is changed.
"""

from __future__ import annotations

import runpy
import time
from typing import Any

_MAX_SLEEP_S = 0.0005
_sleep = time.sleep


def _sleep_briefly(seconds: Any) -> None:
    _sleep(min(seconds, _MAX_SLEEP_S))


if __name__ == "__main__":
    time.sleep = _sleep_briefly
    runpy.run_module("mpremote", run_name="__main__", alter_sys=True)
