"""Says what no guard can tell of the only transducer of a press, because physics leaves no witness.

**While the pump works** its volume is the witness. A press does not know its valves to less than a
2048th of the stroke, and powder and leak take a 1024th of the pressure per second; and a volume is
known to a sixteenth of the pressure and a 128th of the press's limit, because stiffness and sample
are. These are the numbers of the board's volume watch. An error of the reading that stays within
their sum looks like a sound hold. In a ramp below a pressure that the sample has seen an eighth of
the rate is unknown, too: friction of the ram makes a press look stiffer or softer by as much.

A reading that is too high makes the loop pump less, or let oil out. A pump that passes less than
its model is not told from a dead band that is wider, and a release that lowers nothing is told only
when it is open by more than its dead band may be wrong: the sample gets too little meanwhile.

**While the release works** nothing is: its flow is known as badly as its dead band, to 3 % of the
stroke, and a release of 20 MPa/s takes half a per cent of it. The loop follows a reading that
drifts. The drift shows when the sample has no pressure any more: a reading that stands above zero
then is told like a release that is stuck, and one that ends too far below zero as `zero-moved`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pressloop_bench.control.press_run import TICK_S, Floats

_SHARE: Final = 1 / 16
_LIMIT_SHARE: Final = 1 / 128
_PRESSURE_PER_S: Final = 1 / 1024
_STROKE_PER_S: Final = 1 / 2048
_RATE_SHARE: Final = 1 / 8
_LOSS_SHARE: Final = 1 / 512
"""Of the pressure and of the pump's full rate per second, which a second ramp may newly lose."""


def unanswered_mpa(
    profile: dict[str, Any],
    lever: float,
    limit_mpa: float,
    reading_mpa: Floats,
    setpoint_mpa: Floats,
) -> Floats:
    """Return what a reading may be below the truth at each tick since a fault, unseen, MPa.

    Args:
        profile: Field names of the wire's `profile` and values, of a tuned press.
        lever: Pellet pressure over oil pressure.
        limit_mpa: What the press may apply.
        reading_mpa: The reading at each tick since the fault.
        setpoint_mpa: The setpoint then.
    """
    oil_kpa = np.maximum(reading_mpa, 0.0) * 1000 / lever
    curve = profile.get("compliance_curve") or [profile["compliance_nl_mpa"]]
    knots = [profile["max_oil_kpa"] / 2**back for back in range(len(curve) - 1, -1, -1)]
    full_mpa_s = profile["pump_flow_ul_s"] * 1000 / np.interp(oil_kpa, knots, curve) * lever
    risen_mpa = np.maximum(np.diff(setpoint_mpa, prepend=setpoint_mpa[:1]), 0.0)
    per_tick = (_PRESSURE_PER_S * reading_mpa + _STROKE_PER_S * full_mpa_s) * TICK_S
    per_tick += _RATE_SHARE * risen_mpa
    per_tick += np.where(risen_mpa > 0, _LOSS_SHARE * (reading_mpa + full_mpa_s) * TICK_S, 0.0)
    known = _SHARE * reading_mpa + _LIMIT_SHARE * limit_mpa
    unseen: Floats = known + np.cumsum(per_tick)
    return unseen


def reads_without_pressure(
    true_mpa: Floats, reading_mpa: Floats, at_rest_mpa: tuple[float, float]
) -> npt.NDArray[np.bool_]:
    """Return where a sample without pressure reads as one with pressure, or as below zero.

    `at_rest_mpa` are the readings between which the board takes a press for unloaded and the zero
    of its transducer for right.
    """
    lowest_mpa, highest_mpa = at_rest_mpa
    wrong = (reading_mpa > highest_mpa) | (reading_mpa < lowest_mpa)
    return np.asarray((true_mpa <= 0.0) & wrong)
