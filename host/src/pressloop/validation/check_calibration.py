"""Warn of a press whose calibration does not count any more."""

from __future__ import annotations

from pressloop.machine.calibration import CalibrationStatus
from pressloop.machine.die_limits import load_n_of
from pressloop.validation.context import Context


def check_calibration(context: Context, status: CalibrationStatus) -> None:
    """Warn if the calibration is overdue, has failed, or ends below the ceiling.

    A press that was never calibrated is no finding: the result of the check says so.
    """
    if status.state in ("overdue", "failed"):
        context.warn(
            f"calibration-{status.state}",
            ("ceiling",),
            f"{status.text}: the pressure may be off by more than the result will state",
            "calibrate the press: pressloop calibrate",
        )
    elif status.up_to_kn is not None and context.ceiling_kpa is not None:
        force_kn = load_n_of(context.ceiling_kpa, context.die_um) / 1000
        # The ceiling is a few per cent above the highest target.
        if force_kn > _CEILING_OVER * status.up_to_kn:
            context.warn(
                "calibration-exceeded",
                ("ceiling",),
                f"the ceiling of {context.pressure(context.ceiling_kpa)} is above the largest "
                f"force of the calibration, {status.up_to_kn:.4g} kN",
                "calibrate the press up to the force that you press with",
            )


_CEILING_OVER = 1.1
