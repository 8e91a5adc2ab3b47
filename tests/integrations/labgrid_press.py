"""Press with the labgrid driver; run by an interpreter that has labgrid."""

from __future__ import annotations

import sys

from labgrid import Target  # type: ignore[import-not-found]
from labgrid.resource import NetworkSerialPort  # type: ignore[import-not-found]
from pressloop import EmulatedBoard, State
from pressloop.integrations.labgrid_driver import PressloopDriver

PROTOCOL = """
pressloop: 1
name: From labgrid
die: 10 mm
ceiling: 120 MPa
stages:
  - name: densify
    ramp: {target: 60 MPa, rate: 20 MPa/s}
    hold: {duration: 1 s, tolerance: 2 %}
"""

with EmulatedBoard() as board:
    host, _, port = board.url.removeprefix("socket://").partition(":")
    target = Target("bench")
    NetworkSerialPort(target, name=None, host=host, port=int(port), protocol="raw")
    driver = PressloopDriver(target, name=None)  # type: ignore[call-arg]
    target.activate(driver)
    driver.press.write_profile(board.press.machine_profile())
    assert driver.status().state is State.IDLE
    print(driver.run(PROTOCOL, sys.argv[1]).end_reason)
    target.deactivate(driver)
