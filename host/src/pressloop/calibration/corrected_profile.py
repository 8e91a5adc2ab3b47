"""Corrects a machine profile by what calibration has learned: zero, gain and friction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pressloop.analysis.friction import FrictionModel
from pressloop.calibration.correction import Correction
from pressloop.calibration.straight_line import StraightLine
from pressloop.errors import required
from pressloop.machine.profile import MachineProfile


def corrected_profile(profile: MachineProfile, correction: Correction) -> MachineProfile:
    """Return a profile with corrected zero, gain and friction."""
    update: dict[str, Any] = {}
    friction = correction.friction
    if friction is not None:
        update |= _of_corrected(friction, correction.oil).profile_fields()
    full_n = 10 * profile.full_scale_bar * profile.ram_area_cm2
    span = profile.raw_full - profile.raw_zero
    shift_n = correction.oil.zero_n
    if friction is None and profile.friction_uncertainty_percent is not None:
        # The controller goes on to compensate for what was learned before.
        shift_n += profile.friction_n or 0
    zero = profile.raw_zero + (profile.raw_zero_fraction or 0)
    zero, span_new = _scaled(zero, span, full_n, shift_n, correction.oil.gain)
    # Steps of 1/256 count; the span counts from the whole number.
    steps = round(256 * zero)
    update |= {
        "raw_zero": steps // 256,
        "raw_zero_fraction": steps % 256 / 256,
        "raw_full": steps // 256 + round(span_new),
    }
    if profile.second_raw_full is not None and profile.second_raw_zero is not None:
        # The gain is mostly that of the ram's area, which both channels share. With one of them
        # corrected alone they would disagree by it.
        second_span = (profile.second_raw_full - profile.second_raw_zero) / (
            1 - correction.oil.gain
        )
        update["second_raw_full"] = profile.second_raw_zero + round(second_span)
    if correction.cell is not None:
        cell_zero = required(profile.load_cell_zero, "the zero of the load cell")
        cell_full = required(profile.load_cell_full, "the full scale of the load cell")
        capacity_n = 1000 * required(profile.load_cell_capacity_kn, "the capacity of the cell")
        zero, span_new = _scaled(
            cell_zero,
            cell_full - cell_zero,
            capacity_n,
            correction.cell.zero_n,
            correction.cell.gain,
        )
        update |= {"load_cell_zero": round(zero), "load_cell_full": round(zero + span_new)}
    return profile.model_copy(update=update)


def _of_corrected(friction: FrictionModel, line: StraightLine) -> FrictionModel:
    """Return friction in proportion to the corrected oil's force; it was learned before that."""
    percent = friction.percent / (1 - line.gain)
    newtons = max(0.0, friction.newtons + percent / 100 * (line.zero_n - friction.newtons))
    return replace(friction, percent=percent, newtons=newtons)


def _scaled(
    zero: float, span: float, full_n: float, shift_n: float, gain: float
) -> tuple[float, float]:
    """Return zero and span, counts, with which an indication is free of a shift and a gain."""
    return zero + shift_n * span / ((1 - gain) * full_n), span / (1 - gain)
