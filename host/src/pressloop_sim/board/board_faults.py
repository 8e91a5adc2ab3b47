# mypy: ignore-errors
# Runs under MicroPython next to the firmware.
"""Faults of the controller board: supply, power, tick, foreground, flash.

The board asks what a fault says at the places where it matters; nothing here touches the firmware.
"""

import errno

from pressloop_fw.wire import schema

from pressloop_sim.plant.fault_schedule import FaultTarget
from pressloop_sim.plant.noise import Rng

SUPPLY_DIP_TICKS = 20
POWER_CUT_TICKS = 100
# From the end of a reset until the firmware's first tick.
BOOT_TICKS = 50
# How long the watchdog of the Pico waits (`pressloop_fw.boards.pico`).
WATCHDOG_TICKS = 250


class BoardReset(Exception):  # noqa: N818 - no error: the board starts again
    """The controller starts again; the argument is one of schema.RESET_*."""


class Outage:
    """A time without a working firmware: `ticks` long, then a reset with its `cause`.

    `tick_goes_on` says whether only the foreground hangs.
    """

    def __init__(self, ticks, tick_goes_on, cause):
        self.ticks = ticks
        self.tick_goes_on = tick_goes_on
        self.cause = cause

    @property
    def tick_hung(self):
        """Whether the control tick had stopped before a reset by the watchdog."""
        return self.cause == schema.RESET_WATCHDOG and not self.tick_goes_on


class BoardFaults(FaultTarget):
    """What is wrong with the controller board.

    Attributes:
        any: Whether anything is or was wrong; the board looks at the rest only then.
        supply_ticks: Ticks for which the supply of valves and transducer is still away.
        tick_hangs: Whether the next tick hangs.
        foreground_hangs: Whether the foreground hangs from now on.
        power_is_cut: Whether power is cut before the next tick.
        flash_is_full: Whether nothing can be stored.
    """

    def __init__(self, seed):
        """Start without a fault."""
        self._rng = Rng(seed)
        self._lost_share = 0.0
        self.any = False
        self.supply_ticks = 0
        self.tick_hangs = False
        self.foreground_hangs = False
        self.power_is_cut = False
        self.flash_is_full = False

    def inject(self, kind, value):
        """Break a part of the board."""
        self.any = True
        if kind == "supply-dip":
            self.supply_ticks = SUPPLY_DIP_TICKS
        elif kind == "power-cut":
            self.power_is_cut = True
        elif kind == "tick-hang":
            self.tick_hangs = True
        elif kind == "tick-slow":
            self._lost_share = value
        elif kind == "foreground-hang":
            self.foreground_hangs = True
        elif kind == "flash-full":
            self.flash_is_full = True

    def loses_tick(self):
        """Return whether the next tick is lost."""
        return self._lost_share > 0.0 and self._rng.bits() < self._lost_share * 4294967296.0

    def check_flash(self):
        """Raise what a full flash raises."""
        if self.flash_is_full:
            raise OSError(errno.ENOSPC if hasattr(errno, "ENOSPC") else 28)

    def pending_reset(self):
        """Return the Outage that is due, or None. After its reset the board is sound."""
        if self.power_is_cut:
            self.power_is_cut = False
            return Outage(POWER_CUT_TICKS, False, schema.RESET_POWER_ON)
        if self.tick_hangs:
            self.tick_hangs = False
            return Outage(WATCHDOG_TICKS, False, schema.RESET_WATCHDOG)
        if self.foreground_hangs:
            self.foreground_hangs = False
            return Outage(WATCHDOG_TICKS, True, schema.RESET_WATCHDOG)
        return None
