"""The spool of a valve: how it follows its command, and what it lets pass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from pressloop.tuning.records import Floats

# What is left of a command after this share of it is forgotten.
_FORGOTTEN: Final = 1e-7


@dataclass(frozen=True)
class SpoolModel:
    """How the spools of the valves follow a command."""

    hysteresis: float
    """Of full stroke, between the two directions."""
    lag_ticks: float
    """Beside a delay of one tick."""


def spool_position(
    command: Floats, hysteresis: float, lag_ticks: float, delay_ticks: float = 1.0
) -> Floats:
    """Return the positions of a spool that follows its command with hysteresis, delay and lag.

    Command, hysteresis and position are shares of full stroke; one command and position per tick.
    """
    return follow_command(play(command, hysteresis / 2), delay_ticks, lag_ticks)


def play(command: Floats, half: float) -> Floats:
    """Return the command behind a hysteresis, which is half of its width late on either side."""
    if half <= 0:
        return command
    held = 0.0
    behind = []
    for target in command.tolist():
        if target > held + half:
            held = target - half
        elif target < held - half:
            held = target + half
        behind.append(held)
    return np.array(behind)


def follow_command(command: Floats, delay_ticks: float, lag_ticks: float) -> Floats:
    """Return the positions of a spool that follows with a delay and a first-order lag.

    A delay of parts of a tick lies between those of whole ticks.
    """
    whole = int(delay_ticks)
    part = delay_ticks - whole
    before = np.concatenate((np.zeros(whole + 1), command))
    ticks = len(command)
    kept = math.exp(-1 / lag_ticks)
    position = (1 - kept) * ((1 - part) * before[1 : ticks + 1] + part * before[:ticks])
    # Sums over 1, 2, 4, ... ticks, each from two of the ones before.
    span = 1
    while kept > _FORGOTTEN and span < ticks:
        position[span:] += kept * position[:-span].copy()
        span *= 2
        kept *= kept
    return np.asarray(position)


def flow_share(position: Floats, dead_band: Floats | float) -> Floats:
    """Return the share of its full flow that a valve passes at a position of its spool."""
    return np.asarray(np.maximum(0, position - dead_band) / (1 - dead_band), dtype=np.float64)
